//! The background tasks of the comparison.

use crate::analysis::diff::Options;
use crate::analysis::diff::mask::IgnoreRules;
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::diff::aligned::Aligned;
use crate::tui::screens::diff::export::{Export, Written};
use crate::tui::screens::diff::fields::Differences;
use crate::tui::screens::diff::{Diff, State};
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Aligns two runs.
#[derive(Debug)]
pub(super) struct Align {
    pub(super) store: Store,
    pub(super) pair: [RunIx; 2],
    pub(super) options: Options,
}

#[derive(Debug)]
pub(super) enum Alignment {
    /// Actions read, of how many.
    Progress(usize, usize),
    Done(Aligned),
}

/// Finds what differs inside a pair of actions.
#[derive(Debug)]
pub(super) struct Compare {
    pub(super) store: Store,
    pub(super) rows: [ActionIx; 2],
    pub(super) blind: IgnoreRules,
}

impl Task for Align {
    type Screen = Diff;
    type Answer = Alignment;

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Alignment)) -> Alignment {
        let mut progress = |done, all| report(Alignment::Progress(done, all));
        Alignment::Done(Aligned::new(
            &self.store,
            self.pair,
            &self.options,
            (cancel, &mut progress),
        ))
    }

    fn answered(diff: &mut Diff, answer: Alignment, session: &mut Session) -> Vec<Effect> {
        match answer {
            Alignment::Progress(done, all) => {
                diff.state = State::Reading { done, all };
                Vec::new()
            }
            Alignment::Done(aligned) => {
                diff.state = State::Idle;
                diff.take(aligned);
                let mut asked = diff.align(session);
                asked.extend(diff.ask_fields(session));
                asked
            }
        }
    }

    fn failed(diff: &mut Diff) {
        diff.state = State::Idle;
    }
}

impl Task for Compare {
    type Screen = Diff;
    type Answer = Differences;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Differences)) -> Differences {
        Differences::new(&self.store, self.rows, &self.blind)
    }

    fn answered(diff: &mut Diff, answer: Differences, _: &mut Session) -> Vec<Effect> {
        diff.fields.found = Some(answer);
        Vec::new()
    }
}

impl Task for Export {
    type Screen = Diff;
    type Answer = Written;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Written)) -> Written {
        self.write()
    }

    fn answered(_: &mut Diff, answer: Written, session: &mut Session) -> Vec<Effect> {
        vec![answer.how.hand(answer.text, session)]
    }
}
