//! What policies say about every call of a store, found by action: for screens that lay it over what was recorded.

use std::collections::HashMap;
use std::sync::Arc;

use crate::analysis::policy::history::{Judged, Place, judge, judge_in};
use crate::analysis::policy::lint::{Facts, Finding, lint};
use crate::analysis::policy::modes::Modes;
use crate::analysis::policy::set::Policies;
use crate::analysis::policy::whatif::{self, Against, Change, Report};
use crate::analysis::policy::{Effect, Needs, RuleIx};
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Kind};
use crate::model::run::RunIx;
use crate::query::would::Verdicts;
use crate::store::Store;

/// A policy over a store as it was.
#[derive(Debug, Clone)]
pub struct Overlay {
    pub policies: Arc<Policies>,
    /// What it is compared with; none for what was recorded.
    pub other: Option<Arc<Policies>>,
    /// In the order of the store.
    pub judged: Vec<Judged>,
    pub report: Report,
    pub findings: Vec<Finding>,
    /// The changes shown with their actions, in the order of the store.
    shown: Vec<Change>,
    /// The first change of each run that has one.
    first: HashMap<RunIx, ActionIx>,
    /// The permission modes of the runs, where verdicts depend on them.
    pub modes: Modes,
    /// For `would:` in filters.
    pub would: Arc<Verdicts>,
    /// How many actions the store had.
    pub len: u32,
}

/// Every known change is shown but those of calls that are asked about because no rule matches: defaults that ask
/// would fill every screen.
fn is_shown(change: &Change) -> bool {
    let asks = matches!(change.now.effect, Effect::Ask | Effect::Error);
    let was_allowed = whatif::seen(change.was.effect) == Effect::Allow;
    let is_default = asks && was_allowed && change.now.rule.is_none();
    change.is_known() && !is_default
}

/// What filters know of verdicts.
pub fn verdicts(judged: &[Judged]) -> Verdicts {
    let judged = judged.iter();
    Verdicts::new(judged.map(|it| (it.ix.0, it.verdict.effect.word())))
}

impl Overlay {
    pub fn new(
        store: &Store,
        (policies, other): (Arc<Policies>, Option<Arc<Policies>>),
        place: &Place,
        cancel: &CancelFlag,
    ) -> Overlay {
        let modes = policies.set.modes(store, place);
        let judged = judge_in(store, &policies.set, (place, &modes, ActionIx(0)), cancel);
        let others = other.as_deref();
        let others = others.map(|other| judge(store, &other.set, place, cancel));
        let against = others.as_deref().map_or(Against::Recorded, Against::Policy);
        let facts = Facts::of(store, place);
        let findings = lint(&policies.set, Some(&facts));
        let against = (modes, against);
        Overlay::of(store, (policies, other), (judged, against), findings)
    }

    fn of(
        store: &Store,
        (policies, other): (Arc<Policies>, Option<Arc<Policies>>),
        (judged, (modes, against)): (Vec<Judged>, (Modes, Against<'_>)),
        findings: Vec<Finding>,
    ) -> Overlay {
        let set = (&policies.set, &modes);
        let report = whatif::report(store, set, (&judged, against), &|_| true);
        let shown = report.changes.iter().filter(|it| is_shown(it)).cloned();
        let first = report.first.iter().map(|it| (it.run, it.ix)).collect();
        Overlay {
            would: Arc::new(verdicts(&judged)),
            shown: shown.collect(),
            first,
            policies,
            other,
            judged,
            report,
            findings,
            modes,
            len: store.len(),
        }
    }

    /// The same policies over a store with more actions or details. Only new calls are judged, unless a rule looks at
    /// what runs did before.
    #[must_use]
    pub fn grown(&self, store: &Store, place: &Place, cancel: &CancelFlag) -> Overlay {
        let set = &self.policies.set;
        let mut tools = store.rows().filter(|row| row.kind() == Kind::ToolCall);
        let mut seen = std::collections::HashSet::new();
        let looks_back =
            tools.any(|row| seen.insert(row.tool_sym()) && set.needs(row.tool()) >= Needs::Run);
        let mut judged = Vec::new();
        if !looks_back {
            let is_there = |it: &&Judged| it.ix.0 >= store.first();
            judged.extend(self.judged.iter().filter(is_there).cloned());
        }
        let from = ActionIx(if looks_back { 0 } else { self.len });
        let modes = set.modes(store, place);
        judged.extend(judge_in(store, set, (place, &modes, from), cancel));
        let policies = (Arc::clone(&self.policies), None);
        let (against, findings) = ((modes, Against::Recorded), self.findings.clone());
        Overlay::of(store, policies, (judged, against), findings)
    }

    /// The change for an action, if it is shown.
    pub fn change(&self, ix: ActionIx) -> Option<&Change> {
        let found = self.shown.binary_search_by_key(&ix, |it| it.ix);
        found.ok().map(|at| &self.shown[at])
    }

    /// Calls that would need approval because no rule matches: they count as changed, but are not shown.
    pub fn asked_by_default(&self) -> u64 {
        self.report.changed() - self.shown.len() as u64
    }

    /// Whether an action comes after the first change of its run, so that it might have gone differently.
    pub fn is_behind(&self, run: RunIx, ix: ActionIx) -> bool {
        self.first.get(&run).is_some_and(|first| *first < ix)
    }

    pub fn judged(&self, ix: ActionIx) -> Option<&Judged> {
        let found = self.judged.binary_search_by_key(&ix, |it| it.ix);
        found.ok().map(|at| &self.judged[at])
    }

    /// What lint says about a rule. Lint looks at each call alone: a rule about what came before it may match after all.
    pub fn lint(&self, rule: RuleIx) -> impl Iterator<Item = &Finding> {
        let hits = self.report.hits.get(rule.0 as usize).copied();
        let has_matched = hits.is_some_and(|hits| hits > 0);
        let of = self.findings.iter().filter(move |it| it.rule == Some(rule));
        of.filter(move |it| !has_matched || it.id != "never-matched")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Overlay;
    use crate::analysis::policy::history::Place;
    use crate::analysis::policy::set::{Policies, Set};
    use crate::analysis::policy::{File, Scope};
    use crate::base::cancel::CancelFlag;
    use crate::model::action::ActionIx;
    use crate::model::run::RunIx;
    use crate::store::testing::load;

    fn policies(text: &str) -> Arc<Policies> {
        let files = vec![File {
            path: "policy.toml".to_owned(),
            text: text.to_owned(),
            root: None,
            in_force: true,
            scope: Scope::User,
        }];
        let set = Set::read(&files).expect("a policy");
        Arc::new(Policies { files, set })
    }

    const CAP: &str = "version = 1\ndefault = \"allow\"\n[[rule]]\nid = \"cap\"\neffect = \"deny\"\ntool = \"refund\"\nwhen = \"args.amount>500\"\n";

    fn call(id: u32, amount: u32) -> String {
        format!(
            "{{\"type\":\"tool_call\",\"run_id\":\"r\",\"id\":\"c{id}\",\"tool\":\"refund\",\"args\":{{\"amount\":{amount}}}}}\n\
             {{\"type\":\"tool_result\",\"run_id\":\"r\",\"call_id\":\"c{id}\",\"status\":\"ok\",\"result\":1}}\n"
        )
    }

    #[test]
    fn a_change_is_found_by_its_action_and_the_rest_lies_behind_it() {
        let store = load(&[call(1, 20), call(2, 900), call(3, 20)].concat());
        let overlay = Overlay::new(
            &store,
            (policies(CAP), None),
            &Place::default(),
            &CancelFlag::new(),
        );
        let changed: Vec<bool> = (0..3)
            .map(|ix| overlay.change(ActionIx(ix)).is_some())
            .collect();
        assert_eq!(changed, [false, true, false]);
        let behind: Vec<bool> = (0..3)
            .map(|ix| overlay.is_behind(RunIx(0), ActionIx(ix)))
            .collect();
        assert_eq!(behind, [false, false, true]);
    }

    /// A call that a person approved.
    fn approved(id: u32, amount: u32) -> String {
        let answer = format!(
            "{{\"type\":\"approval\",\"run_id\":\"r\",\"call_id\":\"c{id}\",\"state\":\"approved\"}}\n"
        );
        call(id, amount).replacen('\n', &format!("\n{answer}"), 1)
    }

    #[test]
    fn a_question_that_is_no_longer_asked_is_a_change_but_stops_nothing() {
        let store = load(&[call(1, 20), approved(2, 20), call(3, 900)].concat());
        let (place, cancel) = (Place::default(), CancelFlag::new());
        let overlay = Overlay::new(&store, (policies(CAP), None), &place, &cancel);
        let report = &overlay.report;
        assert_eq!((report.changed(), report.behind), (2, 0));
        assert_eq!((report.asks.before, report.asks.no_longer), (1, 1));
        assert_eq!(overlay.asked_by_default(), 0);
        assert!(overlay.change(report.first[0].ix).is_some());
        assert_eq!(report.first[0].now.effect.word(), "deny");
    }

    #[test]
    fn an_ask_by_default_counts_as_a_change_but_is_not_shown() {
        let asks = policies("version = 1\ndefault = \"ask\"\n");
        let store = load(&[call(1, 20), call(2, 30)].concat());
        let (place, cancel) = (Place::default(), CancelFlag::new());
        let overlay = Overlay::new(&store, (asks, None), &place, &cancel);
        assert_eq!(
            (overlay.report.changed(), overlay.asked_by_default()),
            (2, 2)
        );
        assert!(overlay.change(ActionIx(0)).is_none());
    }

    #[test]
    fn an_overlay_that_grows_says_the_same_as_a_new_one() {
        let (short, long) = (
            [call(1, 900), call(2, 20)].concat(),
            [call(1, 900), call(2, 20), call(3, 700)].concat(),
        );
        let (place, cancel) = (Place::default(), CancelFlag::new());
        let early = Overlay::new(&load(&short), (policies(CAP), None), &place, &cancel);
        let store = load(&long);
        let whole = Overlay::new(&store, (policies(CAP), None), &place, &cancel);
        let grown = early.grown(&store, &place, &cancel);
        assert_eq!(
            (grown.judged.len(), &grown.report.table),
            (3, &whole.report.table)
        );
        assert_eq!(grown.judged, whole.judged);
        assert_eq!(grown.report.changed(), whole.report.changed());
    }

    #[test]
    fn a_condition_that_cannot_be_evaluated_is_counted_apart_from_asks() {
        let text = call(1, 20).replace(":20}", ":\"a lot\"}");
        let (place, cancel) = (Place::default(), CancelFlag::new());
        let overlay = Overlay::new(&load(&text), (policies(CAP), None), &place, &cancel);
        let report = &overlay.report;
        assert_eq!((report.errors(), report.asks.after), (1, 0));
    }

    #[cfg(feature = "cel")]
    #[test]
    fn conditions_see_the_calls_before_and_the_record() {
        let text = "version = 1\ndefault = \"allow\"\n[[rule]]\nid = \"again\"\neffect = \"deny\"\n\
                    cel = \"count(history, 'refund') == 1 && recorded.effect == 'allow'\"\n";
        let store = load(&[call(1, 20), call(2, 20), call(3, 20)].concat());
        let (place, cancel) = (Place::default(), CancelFlag::new());
        let overlay = Overlay::new(&store, (policies(text), None), &place, &cancel);
        let effects = overlay.judged.iter().map(|it| it.verdict.effect.word());
        assert_eq!(effects.collect::<Vec<_>>(), ["allow", "deny", "allow"]);
        let found = overlay.findings.iter().find(|it| it.id == "recorded");
        assert!(found.is_some(), "{:?}", overlay.findings);
    }
}
