//! Background work: one running and at most one waiting per purpose, and the latest request wins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::tui::filtering;
use crate::tui::screens::stream::inspector::How;
use crate::tui::screens::stream::inspector::document::Document;
use crate::tui::screens::stream::{noticed, overview};

/// A question and the snapshot to answer it from.
#[derive(Debug)]
pub enum Job {
    Filter(filtering::Task),
    /// Looks for what is worth a sentence.
    Notice(Store),
    /// Looks for a text.
    Find(filtering::Task),
    /// Looks over the whole list and the whole run.
    Survey(overview::Task),
    /// Opens an action that is too large to open between two frames.
    Open {
        store: Store,
        ix: ActionIx,
        how: How,
    },
}

#[derive(Debug)]
pub enum Output {
    Filtered(filtering::Answer),
    Noticed(Box<noticed::Findings>),
    /// So many actions were looked at.
    Noticing(u32),
    Found(filtering::Answer),
    /// The search for a text is still at work.
    Finding(filtering::Progress),
    /// The filter is still at work.
    Searched(filtering::Progress),
    Surveyed(Box<overview::Survey>),
    Opened {
        ix: ActionIx,
        document: Box<Document>,
    },
    /// The work ended in a bug of ours; what it said.
    Panicked(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Filter,
    Open,
    Survey,
    Find,
    Notice,
}

const SLOTS: usize = 5;

/// The answer to a job; one of an older generation is of no interest any more.
#[derive(Debug)]
pub struct Report {
    slot: Slot,
    generation: u64,
    output: Output,
    /// Nothing comes after it.
    is_last: bool,
}

#[derive(Debug)]
pub struct Jobs {
    reports: Sender<Report>,
    slots: [Lane; SLOTS],
    inline: bool,
}

#[derive(Debug, Default)]
struct Lane {
    generation: u64,
    cancel: CancelFlag,
    running: bool,
    waiting: Option<Job>,
}

impl Job {
    fn slot(&self) -> Slot {
        match self {
            Job::Filter(_) => Slot::Filter,
            Job::Open { .. } => Slot::Open,
            Job::Survey(_) => Slot::Survey,
            Job::Find(_) => Slot::Find,
            Job::Notice(_) => Slot::Notice,
        }
    }

    fn run(self, cancel: &CancelFlag, tell: &mut dyn FnMut(Output)) -> Output {
        match self {
            Job::Filter(task) => {
                let mut tell = |progress| tell(Output::Searched(progress));
                Output::Filtered(filtering::run(&task, cancel, &mut tell))
            }
            Job::Notice(store) => {
                let mut tell = |tested| tell(Output::Noticing(tested));
                Output::Noticed(Box::new(noticed::look(&store, cancel, &mut tell)))
            }
            Job::Find(task) => {
                let mut tell = |progress| tell(Output::Finding(progress));
                Output::Found(filtering::run(&task, cancel, &mut tell))
            }
            Job::Survey(task) => Output::Surveyed(Box::new(task.run(cancel))),
            Job::Open { store, ix, how } => Output::Opened {
                ix,
                document: Box::new(Document::read(&store.row(ix), how)),
            },
        }
    }
}

impl Jobs {
    /// With threads of its own; reports come out of the receiver.
    pub fn threaded() -> (Jobs, Receiver<Report>) {
        Jobs::new(false)
    }

    /// Everything runs at once in the caller: for tests and for pictures.
    pub fn inline() -> (Jobs, Receiver<Report>) {
        Jobs::new(true)
    }

    fn new(inline: bool) -> (Jobs, Receiver<Report>) {
        let (reports, receiver) = unbounded();
        (
            Jobs {
                reports,
                slots: <[Lane; SLOTS]>::default(),
                inline,
            },
            receiver,
        )
    }

    /// Starts a job; an older one of the same purpose is given up.
    pub fn start(&mut self, job: Job) {
        let slot = job.slot();
        let lane = &mut self.slots[slot as usize];
        lane.generation += 1;
        lane.cancel.raise();
        if lane.running {
            lane.waiting = Some(job);
        } else {
            self.spawn(slot, job);
        }
    }

    /// Takes a report; the output if somebody still waits for it.
    pub fn finish(&mut self, report: Report) -> Option<Output> {
        let lane = &mut self.slots[report.slot as usize];
        let current = report.generation == lane.generation;
        if !report.is_last {
            return current.then_some(report.output);
        }
        lane.running = false;
        if let Some(job) = lane.waiting.take() {
            self.spawn(report.slot, job);
        }
        current.then_some(report.output)
    }

    fn spawn(&mut self, slot: Slot, job: Job) {
        let lane = &mut self.slots[slot as usize];
        lane.cancel = CancelFlag::new();
        lane.running = true;
        let (cancel, reports, generation) =
            (lane.cancel.clone(), self.reports.clone(), lane.generation);
        let send = move |output, is_last| {
            // Nobody listens any more only when the program ends.
            let _ = reports.send(Report {
                slot,
                generation,
                output,
                is_last,
            });
        };
        let work = move || {
            let run = AssertUnwindSafe(|| job.run(&cancel, &mut |output| send(output, false)));
            send(
                catch_unwind(run).unwrap_or_else(|cause| Output::Panicked(words(&*cause))),
                true,
            );
        };
        if self.inline {
            work();
        } else if let Err(error) = thread::Builder::new().name("job".to_owned()).spawn(work) {
            let output = Output::Panicked(error.to_string());
            let _ = self.reports.send(Report {
                slot,
                generation,
                output,
                is_last: true,
            });
        }
    }
}

fn words(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a bug".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Job, Jobs, Output};
    use crate::tui::filtering::Task;

    #[test]
    fn only_the_latest_answer_is_taken() {
        let (mut jobs, reports) = Jobs::inline();
        let task = |tested| {
            Job::Filter(Task {
                tested,
                ..Task::default()
            })
        };
        jobs.start(task(1));
        jobs.start(task(2));
        let first = reports.recv().expect("a report");
        assert!(jobs.finish(first).is_none());
        let second = reports.recv().expect("a report");
        assert!(matches!(jobs.finish(second), Some(Output::Filtered(_))));
        assert!(reports.is_empty());
    }
}
