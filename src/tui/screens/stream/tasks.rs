//! The background tasks of the stream.

use std::sync::Arc;

use crate::analysis::alerts::check;
use crate::analysis::insights::equal_calls::EqualCalls;
use crate::analysis::insights::{self, View};
use crate::analysis::origin::{self, Origin};
use crate::base::cancel::CancelFlag;
use crate::export::curl;
use crate::export::redact::Masked;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::filtering::{self, Progress};
use crate::tui::policing::{Judged, Judging};
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::insights::Findings;
use crate::tui::screens::stream::inspector::How;
use crate::tui::screens::stream::inspector::document::Document;
use crate::tui::screens::stream::overview::{Survey, Wanted};
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Which actions the filter keeps.
#[derive(Debug)]
pub(super) struct Filter(pub(super) filtering::Task);

/// Which actions hold a text.
#[derive(Debug)]
pub(super) struct Find(pub(super) filtering::Task);

/// The final answer of a search, or how far it got.
#[derive(Debug)]
pub(super) enum Searched {
    Progress(Progress),
    Done(filtering::Answer),
}

/// Looks for insights; opens every call once.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) store: Store,
    /// Only this run; none for all of them.
    pub(super) run: Option<RunIx>,
    /// What an earlier look found to be equal, where nothing changed since.
    pub(super) calls: Option<Arc<EqualCalls>>,
    pub(super) is_growing: bool,
}

#[derive(Debug)]
pub(super) enum InsightsAnswer {
    /// The number of actions looked at so far.
    Progress(u32),
    Done(Findings),
}

/// Opens an action that is too large to open between two frames.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) store: Store,
    pub(super) ix: ActionIx,
    pub(super) how: How,
}

/// Finds the first earlier action that holds a value.
#[derive(Debug)]
pub(super) struct FindOrigin {
    pub(super) store: Store,
    pub(super) ix: ActionIx,
    pub(super) value: String,
}

/// Judges calls by the policy that lies over the stream.
#[derive(Debug)]
pub(super) struct Judge(pub(super) Judging);

impl Task for Judge {
    type Screen = Stream;
    type Answer = Judged;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Judged)) -> Judged {
        self.0.run(cancel)
    }

    fn answered(stream: &mut Stream, answer: Judged, session: &mut Session) -> Vec<Effect> {
        stream.take_judged(answer, session)
    }

    fn failed(stream: &mut Stream) {
        stream.what_if.is_judging = false;
    }
}

/// Makes the curl command of the model call that an action belongs to.
#[derive(Debug)]
pub(super) struct MakeCurl {
    pub(super) store: Store,
    pub(super) ix: ActionIx,
}

fn search(
    task: &filtering::Task,
    cancel: &CancelFlag,
    report: &mut dyn FnMut(Searched),
) -> Searched {
    let mut progress = |progress| report(Searched::Progress(progress));
    Searched::Done(filtering::run(task, cancel, &mut progress))
}

impl Task for Filter {
    type Screen = Stream;
    type Answer = Searched;

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Searched)) -> Searched {
        search(&self.0, cancel, report)
    }

    fn answered(stream: &mut Stream, answer: Searched, session: &mut Session) -> Vec<Effect> {
        match answer {
            Searched::Done(answer) => stream.take_answer(answer, session),
            Searched::Progress(progress) => {
                stream.take_progress(progress);
                Vec::new()
            }
        }
    }

    fn failed(stream: &mut Stream) {
        stream.query.answers.is_running = false;
        stream.query.bar.has_failed = true;
    }
}

impl Task for Find {
    type Screen = Stream;
    type Answer = Searched;

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Searched)) -> Searched {
        search(&self.0, cancel, report)
    }

    fn answered(stream: &mut Stream, answer: Searched, session: &mut Session) -> Vec<Effect> {
        match answer {
            Searched::Done(answer) => stream.found(answer, session),
            Searched::Progress(progress) => {
                stream.finding(progress);
                Vec::new()
            }
        }
    }

    fn failed(stream: &mut Stream) {
        stream.finder.give_up();
    }
}

impl Task for Notice {
    type Screen = Stream;
    type Answer = InsightsAnswer;

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(InsightsAnswer)) -> InsightsAnswer {
        let store = &self.store;
        let calls = self.calls.unwrap_or_else(|| {
            Arc::new(EqualCalls::of(store, cancel, &mut |tested| {
                report(InsightsAnswer::Progress(tested));
            }))
        });
        let view = View {
            store,
            hits: &check::streaks(store, cancel),
            run: self.run,
            is_growing: self.is_growing,
        };
        InsightsAnswer::Done(Findings {
            insights: insights::look(view, cancel),
            calls,
        })
    }

    fn answered(stream: &mut Stream, answer: InsightsAnswer, session: &mut Session) -> Vec<Effect> {
        match answer {
            InsightsAnswer::Progress(tested) => {
                stream.noticed.noticing(tested);
                Vec::new()
            }
            InsightsAnswer::Done(findings) => {
                stream.noticed.noticed(findings);
                stream.look_around(session)
            }
        }
    }

    fn failed(stream: &mut Stream) {
        stream.noticed.give_up();
    }
}

impl Task for Wanted {
    type Screen = Stream;
    type Answer = Survey;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Survey)) -> Survey {
        self.survey(cancel)
    }

    fn answered(stream: &mut Stream, answer: Survey, _: &mut Session) -> Vec<Effect> {
        stream.overview.surveyed(answer);
        Vec::new()
    }

    fn failed(stream: &mut Stream) {
        stream.overview.give_up();
    }
}

impl Task for Open {
    type Screen = Stream;
    type Answer = (ActionIx, Document);

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        (self.ix, Document::read(&self.store.row(self.ix), self.how))
    }

    fn answered(stream: &mut Stream, (ix, document): Self::Answer, _: &mut Session) -> Vec<Effect> {
        stream.inspector.opened(ix, document);
        Vec::new()
    }
}

impl Task for MakeCurl {
    type Screen = Stream;
    type Answer = Result<Masked<String>, &'static str>;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        curl::of_action(&self.store, self.ix, cancel)
    }

    fn answered(stream: &mut Stream, answer: Self::Answer, _: &mut Session) -> Vec<Effect> {
        stream.copy("curl of the request", answer.map_err(str::to_owned))
    }
}

impl Task for FindOrigin {
    type Screen = Stream;
    type Answer = (ActionIx, Option<Origin>);

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let found = origin::origin(&self.store, self.ix, &self.value, cancel);
        (self.ix, found)
    }

    fn answered(
        stream: &mut Stream,
        (of, found): Self::Answer,
        session: &mut Session,
    ) -> Vec<Effect> {
        stream.go_to_origin(of, found, session)
    }
}
