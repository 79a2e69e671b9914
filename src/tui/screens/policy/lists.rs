//! The lists of the policy in words. Names of the trace and of rules become text here: every one is sanitised.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::analysis::policy::overlay::Overlay;
use crate::analysis::policy::whatif::{Change, seen};
use crate::analysis::policy::{Dead, Effect, RuleIx};
use crate::analysis::summary;
use crate::base::{human, text};
use crate::export::costs::short_run;
use crate::export::policy::{self as export, file_name};
use crate::export::words;
use crate::model::action::ActionIx;
use crate::store::bodies::Depth;
use crate::tui::session::Opened;

/// What is listed: cells of the table, rules, and the calls of the chosen one.
#[derive(Debug, Default)]
pub(super) struct Lists {
    of: Option<Arc<Overlay>>,
    /// The strictest first, then those that decide most; last, the calls that no rule covers.
    pub(super) rules: Vec<Option<RuleIx>>,
    /// How many calls each rule would stop, and would newly ask for.
    stops: Vec<u64>,
    asks: Vec<u64>,
    /// Cells of the table that have calls.
    pub(super) cells: Vec<(Effect, Effect)>,
    pub(super) cell: usize,
    pub(super) calls: Vec<ActionIx>,
    chosen: Option<Chosen>,
}

/// Whose calls are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    Cell(Effect, Effect),
    Rule(Option<RuleIx>),
}

/// A line of the rules.
#[derive(Debug, Default)]
pub(super) struct RuleText {
    pub(super) effect: Option<Effect>,
    pub(super) name: String,
    pub(super) decides: String,
    pub(super) stops: String,
    pub(super) asks: String,
    pub(super) lint: String,
    pub(super) is_selected: bool,
}

/// A line of the calls.
#[derive(Debug, Default)]
pub(super) struct CallText {
    pub(super) place: String,
    pub(super) what: String,
    pub(super) was: &'static str,
    pub(super) now: Option<Effect>,
    /// What the change means for the run.
    pub(super) note: &'static str,
    pub(super) is_selected: bool,
}

/// The table: recorded verdicts in rows, new ones in columns.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub(super) columns: Vec<Effect>,
    pub(super) rows: Vec<(Effect, Vec<u64>)>,
    /// It is compared with another policy.
    pub(super) is_compared: bool,
}

impl Lists {
    /// Builds the lists for an overlay; returns whether it has changed.
    pub(super) fn update(&mut self, overlay: Option<&Arc<Overlay>>) -> bool {
        let is_same = match (&self.of, overlay) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if is_same {
            return false;
        }
        let chosen = self.chosen;
        *self = overlay.map_or_else(Lists::default, Lists::new);
        self.chosen = chosen;
        true
    }

    fn new(overlay: &Arc<Overlay>) -> Lists {
        let (set, report) = (&overlay.policies.set, &overlay.report);
        let count = report.hits.len();
        let (mut stops, mut asks) = (vec![0; count], vec![0; count]);
        for change in &report.changes {
            let Some(at) = change.now.rule.map(|ix| ix.0 as usize) else {
                continue;
            };
            match seen(change.now.effect) {
                Effect::Deny => stops[at] += 1,
                Effect::Ask | Effect::Error => asks[at] += 1,
                Effect::Allow | Effect::Warn | Effect::Unknown => {}
            }
        }
        let mut rules: Vec<RuleIx> = (0..count as u32).map(RuleIx).collect();
        rules.sort_by_key(|ix| {
            let rule = set.rule(*ix);
            let is_dead = rule.is_some_and(|it| it.dead.is_some());
            let effect = rule.map(|it| it.effect);
            let hits = report.hits[ix.0 as usize];
            (is_dead, std::cmp::Reverse(effect), std::cmp::Reverse(hits))
        });
        let mut rules: Vec<Option<RuleIx>> = rules.into_iter().map(Some).collect();
        if report.by_no_rule > 0 {
            rules.push(None);
        }
        Lists {
            of: Some(Arc::clone(overlay)),
            rules,
            stops,
            asks,
            cells: report.table.keys().copied().collect(),
            ..Lists::default()
        }
    }

    /// Lists the calls of a cell or a rule.
    pub(super) fn choose(&mut self, chosen: Chosen) {
        self.chosen = Some(chosen);
        let Some(overlay) = &self.of else {
            self.calls.clear();
            return;
        };
        self.calls = match chosen {
            Chosen::Rule(rule) => {
                let judged = overlay.judged.iter();
                let of = judged.filter(|it| it.verdict.rule == rule);
                of.map(|it| it.ix).collect()
            }
            Chosen::Cell(was, now) if was != now => {
                let changes = overlay.report.changes.iter();
                let of =
                    changes.filter(|it| (seen(it.was.effect), seen(it.now.effect)) == (was, now));
                of.map(|it| it.ix).collect()
            }
            Chosen::Cell(_, now) => {
                let changes = &overlay.report.changes;
                let is_changed = |ix| changes.binary_search_by_key(&ix, |it| it.ix).is_ok();
                let judged = overlay.judged.iter();
                let of = judged.filter(|it| seen(it.verdict.effect) == now && !is_changed(it.ix));
                of.map(|it| it.ix).collect()
            }
        };
    }

    /// The rule that is on this line.
    pub(super) fn rule(
        &self,
        overlay: &Overlay,
        rule: Option<RuleIx>,
        is_selected: bool,
    ) -> RuleText {
        let report = &overlay.report;
        let Some(ix) = rule else {
            return RuleText {
                name: "no rule".to_owned(),
                decides: human::count(report.by_no_rule),
                lint: clean(&export::counted(&report.uncovered)),
                is_selected,
                ..RuleText::default()
            };
        };
        let found = overlay.policies.set.rule(ix);
        let at = ix.0 as usize;
        let never = matches!(
            found.and_then(|it| it.dead.as_ref()),
            Some(Dead::NeverConsulted(_))
        );
        let figure = |count: u64| match count {
            _ if never => "–".to_owned(),
            count => human::count(count),
        };
        let lint: Vec<&str> = overlay.lint(ix).map(|it| it.words.as_str()).collect();
        RuleText {
            effect: found.map(|it| it.effect),
            name: clean(found.map_or("", |it| &it.name)),
            decides: figure(report.hits[at]),
            stops: figure(self.stops[at]),
            asks: figure(self.asks[at]),
            lint: clean(&lint.join(" · ")),
            is_selected,
        }
    }

    /// Whose calls are listed, in words.
    pub(super) fn title(&self, overlay: &Overlay) -> String {
        let count = human::counted(self.calls.len() as u64, "call");
        match self.chosen {
            None => String::new(),
            Some(Chosen::Cell(was, now)) => {
                format!("{count}: {} → {}", was.word(), now.word())
            }
            Some(Chosen::Rule(None)) => format!("{count} that no rule covers"),
            Some(Chosen::Rule(Some(ix))) => {
                let name = overlay.policies.set.rule(ix).map_or("", |it| &it.name);
                let place = overlay.policies.place(ix);
                clean(&format!("{count} of {name} · {place}"))
            }
        }
    }
}

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

pub(super) fn crumbs(overlay: Option<&Overlay>) -> Vec<String> {
    let mut crumbs = vec!["Policy".to_owned()];
    if let Some(overlay) = overlay {
        let files = overlay.policies.files.iter();
        let names: Vec<&str> = files.map(|it| file_name(&it.path)).collect();
        crumbs.push(text::cut(&clean(&names.join(" + ")), 48).into_owned());
    }
    crumbs
}

/// `859 calls · 29 runs`.
pub(super) fn amount(overlay: &Overlay) -> String {
    let report = &overlay.report;
    let calls = human::counted(report.calls, "call");
    format!("{calls} · {}", human::counted(report.runs, "run"))
}

/// `~/.claude/settings.json (8 rules) + .claude/settings.json (2, allow rules do not apply)`.
pub(super) fn files(overlay: &Overlay) -> String {
    let set = &overlay.policies.set;
    let count = |at: usize| {
        let all = (0..set.rules().count() as u32).map(RuleIx);
        all.filter(|ix| set.home_of(*ix).is_some_and(|(_, file)| file == at))
            .count()
    };
    let named = overlay.policies.files.iter().enumerate().map(|(at, file)| {
        let rules = human::counted(count(at) as u64, "rule");
        let note = if file.in_force {
            ""
        } else {
            ", allow rules do not apply"
        };
        format!("{} ({rules}{note})", file.path)
    });
    let mut words = named.collect::<Vec<_>>().join(" + ");
    if let Some(other) = &overlay.other {
        let names: Vec<&str> = other.files.iter().map(|it| it.path.as_str()).collect();
        let _ = write!(words, " ↔ {}", names.join(" + "));
    }
    clean(&words)
}

/// The table in a line: `stops 9 · frees 3 · asks 155 · unknown 5 · by no rule 478`.
pub(super) fn sums(overlay: &Overlay) -> String {
    let report = &overlay.report;
    let freed: u64 = [Effect::Allow, Effect::Ask, Effect::Error]
        .iter()
        .map(|now| report.cell(Effect::Deny, *now))
        .sum();
    let unknown: u64 = Effect::ALL
        .iter()
        .map(|now| report.cell(Effect::Unknown, *now))
        .sum();
    let mut words = format!(
        "stops {} · allows {} · asks {} · unknown {} · no rule {}",
        human::count(report.newly_denied()),
        human::count(freed),
        human::count(report.asks.after),
        human::count(unknown),
        human::count(report.by_no_rule)
    );
    if report.errors() > 0 {
        let _ = write!(words, " · errors {}", human::count(report.errors()));
    }
    words
}

/// The notes next to the table.
pub(super) fn notes(overlay: &Overlay) -> Vec<String> {
    let report = &overlay.report;
    // How many calls need approval, and what that changes.
    let asks = export::asks(report);
    let parts: Vec<&str> = asks.split(" · ").collect();
    let (first, rest) = parts.split_at(parts.len().min(2));
    let mut notes = vec![first.join(" · "), first_change(overlay)];
    if report.by_no_rule > 0 {
        let count = human::count(report.by_no_rule);
        let tools = export::counted(&report.uncovered);
        notes.push(format!("no rule covers {count}: {tools}"));
    }
    notes.push(if report.unjudged.is_empty() {
        "every call can be judged".to_owned()
    } else {
        format!("cannot be judged: {}", export::counted(&report.unjudged))
    });
    notes.push(rest.join(" · "));
    notes.extend(export::modes(report));
    let of_policy = overlay.findings.iter().filter(|it| it.rule.is_none());
    notes.extend(of_policy.map(|it| it.words.clone()));
    let assumed = overlay
        .policies
        .set
        .engines()
        .flat_map(crate::analysis::policy::Engine::assumptions);
    notes.extend(assumed.map(|it| format!("assumed: {it}")));
    notes.iter().map(|it| clean(it)).collect()
}

fn first_change(overlay: &Overlay) -> String {
    let report = &overlay.report;
    if report.first.is_empty() {
        return export::first(report);
    }
    let runs = human::counted(report.first.len() as u64, "run");
    let behind = human::counted(report.behind, "call");
    format!("first change in {runs}, {behind} after it")
}

pub(super) fn grid(overlay: &Overlay) -> Grid {
    let report = &overlay.report;
    let order = export::ROWS;
    let across = |was: Effect| -> u64 { order.iter().map(|now| report.cell(was, *now)).sum() };
    let down = |now: Effect| -> u64 { order.iter().map(|was| report.cell(*was, now)).sum() };
    let columns: Vec<Effect> = export::SHOWN
        .iter()
        .copied()
        .filter(|now| *now != Effect::Unknown || down(*now) > 0)
        .collect();
    let is_shown = |was: &Effect| across(*was) > 0;
    let rows = order.iter().copied().filter(is_shown).map(|was| {
        let counts = columns.iter().map(|now| report.cell(was, *now));
        (was, counts.collect())
    });
    Grid {
        rows: rows.collect(),
        columns,
        is_compared: overlay.other.is_some(),
    }
}

/// A call with what was recorded and what would be.
pub(super) fn call(overlay: &Overlay, ix: ActionIx, opened: &mut Opened) -> CallText {
    if ix.0 < opened.store.first() {
        return CallText {
            what: "no longer in memory".to_owned(),
            ..CallText::default()
        };
    }
    let row = opened.store.row(ix);
    let body = opened.bodies.open(&row, Depth::Glance);
    let change = changed(overlay, ix);
    let judged = overlay.judged(ix);
    let note = match change {
        _ if overlay.is_behind(row.run_ix(), ix) => "after the first change of its run",
        Some(change) if overlay.report.first.iter().any(|it| it.ix == change.ix) => {
            "the rest of the run comes after it"
        }
        Some(_) | None => "",
    };
    let was = match change {
        Some(change) => change.was.effect,
        None => judged.map_or(Effect::Unknown, |it| it.verdict.effect),
    };
    let what = format!("{} {}", row.tool(), summary::line(&row, &body));
    CallText {
        place: clean(&format!(
            "{} #{}",
            short_run(&opened.store, row.run_ix()),
            words::seq(row.seq())
        )),
        what: clean(&what),
        was: was.word(),
        now: judged.map(|it| it.verdict.effect),
        note,
        is_selected: false,
    }
}

fn changed(overlay: &Overlay, ix: ActionIx) -> Option<&Change> {
    let changes = &overlay.report.changes;
    let found = changes.binary_search_by_key(&ix, |it| it.ix);
    found.ok().map(|at| &changes[at])
}
