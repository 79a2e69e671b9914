//! The background tasks of the policy.

use crate::analysis::policy::history::Place;
use crate::analysis::policy::suggest;
use crate::base::cancel::CancelFlag;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::policing::{Judged, Judging};
use crate::tui::screens::policy::Policy;
use crate::tui::screens::policy::suggested;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Reads policies and judges calls by them.
#[derive(Debug)]
pub(super) struct Judge(pub(super) Judging);

/// Looks for rules that would have saved approvals.
#[derive(Debug)]
pub(super) struct Suggest {
    pub(super) store: Store,
    pub(super) place: Place,
}

/// Fewer calls are not worth a rule.
const LEAST: usize = 2;

impl Task for Judge {
    type Screen = Policy;
    type Answer = Judged;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Judged)) -> Judged {
        self.0.run(cancel)
    }

    fn answered(policy: &mut Policy, answer: Judged, session: &mut Session) -> Vec<Effect> {
        policy.take(answer, session);
        Vec::new()
    }

    fn failed(policy: &mut Policy) {
        policy.asking.is_running = false;
        policy.asking.problem = Some("the calls could not be evaluated".to_owned());
    }
}

impl Task for Suggest {
    type Screen = Policy;
    type Answer = Vec<String>;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Vec<String>)) -> Vec<String> {
        let (calls, days) = suggest::ran(&self.store, &self.place, &|_| true);
        let found = suggest::suggest(&calls, LEAST);
        suggested::lines(&found, days)
    }

    fn answered(policy: &mut Policy, answer: Vec<String>, _: &mut Session) -> Vec<Effect> {
        policy.suggested.take(answer);
        Vec::new()
    }

    fn failed(policy: &mut Policy) {
        policy.suggested.close();
    }
}
