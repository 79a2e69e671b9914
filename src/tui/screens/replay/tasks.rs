//! The background tasks of the replay.

use std::rc::Rc;

use crate::analysis::replay::Tape;
use crate::analysis::replay::files::{self, Touch};
use crate::base::cancel::CancelFlag;
use crate::export::curl;
use crate::export::redact::Masked;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::export;
use crate::tui::screens::replay::Replay;
use crate::tui::screens::replay::context_text::ContextText;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Reads what the model saw at a call.
#[derive(Debug)]
pub(super) struct ReadContext {
    pub(super) store: Store,
    pub(super) call: ActionIx,
}

/// Finds the files that the calls of a run named.
#[derive(Debug)]
pub(super) struct FindFiles {
    pub(super) store: Store,
    pub(super) run: RunIx,
}

/// Makes the curl command of the model call that a step belongs to.
#[derive(Debug)]
pub(super) struct MakeCurl {
    pub(super) store: Store,
    pub(super) ix: ActionIx,
}

impl Task for MakeCurl {
    type Screen = Replay;
    type Answer = Result<Masked<String>, &'static str>;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        curl::of_action(&self.store, self.ix, cancel)
    }

    fn answered(_: &mut Replay, answer: Self::Answer, session: &mut Session) -> Vec<Effect> {
        match answer {
            Ok(command) => {
                let (words, effect) = export::copy("curl of the request", command);
                session.say(&words);
                effect.into_iter().collect()
            }
            Err(why) => {
                session.say(why);
                Vec::new()
            }
        }
    }
}

impl Task for ReadContext {
    type Screen = Replay;
    /// `None` if the task was cancelled.
    type Answer = Option<ContextText>;

    fn run(
        self,
        cancel: &CancelFlag,
        _: &mut dyn FnMut(Option<ContextText>),
    ) -> Option<ContextText> {
        ContextText::read(&self.store, self.call, cancel)
    }

    fn answered(replay: &mut Replay, answer: Option<ContextText>, _: &mut Session) -> Vec<Effect> {
        if let Some(seen) = answer {
            replay.seen.shown = Some(Rc::new(seen));
        }
        Vec::new()
    }
}

impl Task for FindFiles {
    type Screen = Replay;
    type Answer = (RunIx, Vec<Touch>);

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let tape = Tape::new(&self.store, self.run);
        (self.run, files::touched(&self.store, &tape, cancel))
    }

    fn answered(replay: &mut Replay, (run, files): Self::Answer, _: &mut Session) -> Vec<Effect> {
        if replay.run == Some(run) {
            (replay.touched.files, replay.touched.is_known) = (files, true);
        }
        Vec::new()
    }
}
