//! `--policy`: a policy over what was read, so that filters can test its verdicts and rows can show them.

use std::sync::Arc;

use crate::analysis::policy::Effect;
use crate::analysis::policy::history::{self, Judged};
use crate::analysis::policy::overlay::verdicts;
use crate::analysis::policy::set::Policies;
use crate::base::cancel::CancelFlag;
use crate::cli::Cx;
use crate::cli::failure::Failure;
use crate::cli::policy::sources;
use crate::export::words::Role;
use crate::model::action::ActionIx;
use crate::query::would::Verdicts;
use crate::store::Store;

/// What a policy says about the calls of a store.
#[derive(Debug)]
pub(in crate::cli) struct Laid<'a> {
    policies: &'a Policies,
    judged: Vec<Judged>,
}

impl Laid<'_> {
    /// `ask refund-cap`: the verdict on a call and the rule that decides; `None` for other actions.
    pub(in crate::cli) fn words(&self, ix: ActionIx) -> Option<(Role, String)> {
        let found = self.judged.binary_search_by_key(&ix, |it| it.ix).ok()?;
        let verdict = &self.judged[found].verdict;
        let words = format!(
            "{} {}",
            verdict.effect.word(),
            self.policies.set.decider(verdict)
        );
        Some((role(verdict.effect.word()), words))
    }
}

/// The colour of a verdict.
pub(in crate::cli) fn role(verdict: &str) -> Role {
    if verdict == Effect::Deny.word() {
        Role::Bad
    } else if [Effect::Ask.word(), Effect::Error.word()].contains(&verdict) {
        Role::Warn
    } else {
        Role::Plain
    }
}

/// Reads the policy that was named. From here on, filters can test verdicts.
pub(in crate::cli) fn read(cx: &mut Cx) -> Result<Option<Policies>, Failure> {
    if cx.global.overlay.is_empty() {
        return Ok(None);
    }
    cx.would = Some(Arc::new(Verdicts::default()));
    sources::read(&cx.global.overlay, false).map(Some)
}

/// Judges the calls of a store.
pub(in crate::cli) fn judge<'a>(
    cx: &mut Cx,
    policies: Option<&'a Policies>,
    store: &Store,
) -> Option<Laid<'a>> {
    let policies = policies?;
    let (place, cancel) = (sources::place(), CancelFlag::new());
    let judged = history::judge(store, &policies.set, &place, &cancel);
    cx.would = Some(Arc::new(verdicts(&judged)));
    Some(Laid { policies, judged })
}
