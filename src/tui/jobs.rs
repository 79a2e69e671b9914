//! Background work: one running and at most one waiting per purpose, and the latest request wins.

use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::analysis::cohort::ask::{Answer, Ask, Refusal};
use crate::analysis::origin::{self, Origin};
use crate::analysis::profile::{self, Profile};
use crate::analysis::replay::Tape;
use crate::analysis::replay::files::{self, Touch};
use crate::analysis::timeline::Timeline;
use crate::base::cancel::CancelFlag;
use crate::base::text;
use crate::ingest::discover::{self, Input};
use crate::ingest::recent::{self, Recent};
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::query::expr::Expr;
use crate::query::hint::Over;
use crate::query::{self, Context};
use crate::store::Store;
use crate::tui::filtering;
use crate::tui::screens::ScreenId;
use crate::tui::screens::diff::{aligned, export, fields};
use crate::tui::screens::replay::seen::Seen;
use crate::tui::screens::runs::table::{self, Table};
use crate::tui::screens::stream::inspector::How;
use crate::tui::screens::stream::inspector::document::Document;
use crate::tui::screens::stream::{noticed, overview};

/// A question and the snapshot to answer it from.
#[derive(Debug)]
pub enum Job {
    Filter(filtering::Task),
    /// Looks for what is worth a sentence.
    Notice {
        store: Store,
        is_growing: bool,
    },
    /// Looks for a text.
    Search(filtering::Task),
    /// Looks over the whole list and the whole run.
    Survey(overview::Task),
    /// Opens an action that is too large to open between two frames.
    Open {
        store: Store,
        ix: ActionIx,
        how: How,
    },
    /// Which runs a filter is true of.
    Runs {
        store: Store,
        filter: Expr,
        context: Context,
    },
    /// The table of many runs.
    Table {
        store: Store,
        wanted: table::Wanted,
    },
    /// What a run was made of, in so many slices of its time.
    Profile {
        store: Store,
        run: RunIx,
        slices: usize,
    },
    /// Aligns two runs.
    Align(aligned::Task),
    /// What differs inside a pair of actions.
    Pair(fields::Task),
    /// Writes a comparison of two runs as a document.
    Write(export::Task),
    /// What the model saw at a call.
    Context {
        store: Store,
        call: ActionIx,
    },
    /// Which earlier action told a value.
    Origin {
        store: Store,
        ix: ActionIx,
        value: String,
    },
    /// Which files the calls of a run named.
    Touched {
        store: Store,
        run: RunIx,
    },
    /// Compares two cohorts.
    Compare {
        store: Store,
        ask: Box<Ask>,
    },
    /// A run along its time; `now` ends what has not ended.
    Timeline {
        store: Store,
        run: RunIx,
        now: Option<i64>,
    },
    /// Looks for what agents left below the home folder.
    Recent {
        home: PathBuf,
    },
    /// Finds what a path means, and whether it is a trace.
    Find {
        path: PathBuf,
    },
}

#[derive(Debug)]
pub enum Output {
    Filtered(filtering::Answer),
    Noticed(Box<noticed::Findings>),
    /// So many actions were looked at.
    Noticing(u32),
    Hits(filtering::Answer),
    /// The search for a text is still at work.
    Hitting(filtering::Progress),
    /// The filter is still at work.
    Searched(filtering::Progress),
    Surveyed(Box<overview::Survey>),
    Opened {
        ix: ActionIx,
        document: Box<Document>,
    },
    /// The runs kept, of a store with so many actions.
    Runs {
        kept: Vec<RunIx>,
        tested: u32,
        /// What to change in a filter that keeps nothing, sanitised.
        hint: Option<String>,
    },
    Table(Box<Table>),
    Profile {
        run: RunIx,
        profile: Profile,
    },
    Aligned(Box<aligned::Aligned>),
    /// So many actions of so many are read.
    Aligning(usize, usize),
    Paired(Box<fields::Found>),
    Written(export::Written),
    Seen(Box<Seen>),
    /// Where a value of an action came from, if anything told it.
    Origin {
        of: ActionIx,
        found: Option<Origin>,
    },
    Touched {
        run: RunIx,
        files: Vec<Touch>,
    },
    /// The work was given up.
    Nothing,
    Compared(Box<Result<Answer, Refusal>>),
    Timeline(Box<Timeline>),
    Found {
        title: String,
        inputs: Vec<Input>,
    },
    /// The newest first.
    Recent(Vec<Recent>),
    /// What the user asked first in some of them, by their places.
    FirstWords(Vec<(usize, String)>),
    /// Why a path could not be opened, sanitised.
    NotFound(String),
    /// The work ended in a bug of ours; what it said.
    Panicked(String),
}

/// The first words of so many recent runs are read.
const WITH_WORDS: usize = 500;
const TOLD_TOGETHER: usize = 20;

/// What a job is for; each screen has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Slot {
    Filter,
    Open,
    Survey,
    Search,
    Notice,
    Table,
    Profile,
    Context,
    Origin,
    Touched,
    Compare,
    Find,
    Align,
    Write,
}

/// The answer to a job; one of an older generation is of no interest any more.
#[derive(Debug)]
pub struct Report {
    from: ScreenId,
    slot: Slot,
    generation: u64,
    output: Output,
    /// Nothing comes after it.
    is_last: bool,
}

#[derive(Debug)]
pub struct Jobs {
    reports: Sender<Report>,
    lanes: HashMap<(ScreenId, Slot), Lane>,
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
            Job::Filter(_) | Job::Runs { .. } => Slot::Filter,
            Job::Open { .. } | Job::Pair(_) => Slot::Open,
            Job::Align(_) => Slot::Align,
            Job::Write(_) => Slot::Write,
            Job::Survey(_) => Slot::Survey,
            Job::Search(_) => Slot::Search,
            Job::Notice { .. } => Slot::Notice,
            Job::Table { .. } => Slot::Table,
            Job::Context { .. } => Slot::Context,
            Job::Origin { .. } => Slot::Origin,
            Job::Touched { .. } => Slot::Touched,
            Job::Compare { .. } => Slot::Compare,
            Job::Profile { .. } | Job::Timeline { .. } => Slot::Profile,
            Job::Find { .. } | Job::Recent { .. } => Slot::Find,
        }
    }

    fn run(self, cancel: &CancelFlag, tell: &mut dyn FnMut(Output)) -> Output {
        match self {
            Job::Filter(task) => {
                let mut tell = |progress| tell(Output::Searched(progress));
                Output::Filtered(filtering::run(&task, cancel, &mut tell))
            }
            Job::Notice { store, is_growing } => {
                let mut tell = |tested| tell(Output::Noticing(tested));
                Output::Noticed(Box::new(noticed::look(
                    (&store, is_growing),
                    cancel,
                    &mut tell,
                )))
            }
            Job::Search(task) => {
                let mut tell = |progress| tell(Output::Hitting(progress));
                Output::Hits(filtering::run(&task, cancel, &mut tell))
            }
            Job::Survey(task) => Output::Surveyed(Box::new(task.run(cancel))),
            Job::Open { store, ix, how } => Output::Opened {
                ix,
                document: Box::new(Document::read(&store.row(ix), how)),
            },
            Job::Runs {
                store,
                filter,
                context,
            } => {
                let kept = query::runs::runs(&store, &filter, &context, cancel);
                let hint = (kept.is_empty() && !cancel.is_raised())
                    .then(|| query::hint::hint(&store, &filter, &context, Over::Runs))
                    .flatten();
                Output::Runs {
                    kept,
                    tested: store.len(),
                    hint: hint.map(|hint| text::sanitize(&hint.to_string()).into_owned()),
                }
            }
            Job::Table { store, wanted } => Output::Table(Box::new(Table::new(&store, &wanted))),
            Job::Profile { store, run, slices } => Output::Profile {
                run,
                profile: profile::profile(&store, run, slices, cancel),
            },
            Job::Align(task) => {
                let mut tell = |done, all| tell(Output::Aligning(done, all));
                Output::Aligned(Box::new(task.run(cancel, &mut tell)))
            }
            Job::Pair(task) => Output::Paired(Box::new(task.run())),
            Job::Write(task) => Output::Written(task.run()),
            Job::Context { store, call } => {
                let seen = Seen::read(&store, call, cancel);
                seen.map_or(Output::Nothing, |seen| Output::Seen(Box::new(seen)))
            }
            Job::Origin { store, ix, value } => Output::Origin {
                of: ix,
                found: origin::origin(&store, ix, &value, cancel),
            },
            Job::Touched { store, run } => {
                let tape = Tape::new(&store, run);
                let files = files::touched(&store, &tape, cancel);
                Output::Touched { run, files }
            }
            Job::Compare { store, ask } => Output::Compared(Box::new(ask.run(&store, cancel))),
            Job::Timeline { store, run, now } => {
                Output::Timeline(Box::new(Timeline::of(&store, run, now, cancel)))
            }
            Job::Recent { home } => look_through(&home, cancel, tell),
            Job::Find { path } => match discover::traces(&path) {
                Ok(inputs) => Output::Found {
                    title: path.to_string_lossy().into_owned(),
                    inputs,
                },
                Err(error) => Output::NotFound(text::sanitize(&error.to_string()).into_owned()),
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
                lanes: HashMap::new(),
                inline,
            },
            receiver,
        )
    }

    /// Starts a job for a screen; an older one of the same purpose is given up.
    pub fn start(&mut self, from: ScreenId, job: Job) {
        let slot = job.slot();
        let lane = self.lanes.entry((from, slot)).or_default();
        lane.generation += 1;
        lane.cancel.raise();
        if lane.running {
            lane.waiting = Some(job);
        } else {
            self.spawn((from, slot), job);
        }
    }

    /// Nobody waits for anything any more.
    pub fn abandon(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.generation += 1;
            lane.cancel.raise();
            lane.waiting = None;
        }
    }

    /// Takes a report; the screen that asked and its answer, if it still waits for it.
    pub fn finish(&mut self, report: Report) -> Option<(ScreenId, Output)> {
        let purpose = (report.from, report.slot);
        let lane = self.lanes.entry(purpose).or_default();
        let current = report.generation == lane.generation;
        if !report.is_last {
            return current.then_some((report.from, report.output));
        }
        lane.running = false;
        if let Some(job) = lane.waiting.take() {
            self.spawn(purpose, job);
        }
        current.then_some((report.from, report.output))
    }

    fn spawn(&mut self, (from, slot): (ScreenId, Slot), job: Job) {
        let lane = self.lanes.entry((from, slot)).or_default();
        lane.cancel = CancelFlag::new();
        lane.running = true;
        let (cancel, reports, generation) =
            (lane.cancel.clone(), self.reports.clone(), lane.generation);
        let send = move |output, is_last| {
            // Nobody listens any more only when the program ends.
            let _ = reports.send(Report {
                from,
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
                from,
                slot,
                generation,
                output,
                is_last: true,
            });
        }
    }
}

/// Tells what there is at once, and the first words of the newest as they are read.
fn look_through(home: &Path, cancel: &CancelFlag, tell: &mut dyn FnMut(Output)) -> Output {
    let found = recent::find(home);
    tell(Output::Recent(found.clone()));
    let mut words = Vec::new();
    for (at, file) in found.iter().enumerate().take(WITH_WORDS) {
        if cancel.is_raised() {
            break;
        }
        words.push((at, recent::first_words(file)));
        if words.len() == TOLD_TOGETHER {
            tell(Output::FirstWords(mem::take(&mut words)));
        }
    }
    Output::FirstWords(words)
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
    use crate::tui::screens::ScreenId;

    #[test]
    fn only_the_latest_answer_is_taken() {
        let (mut jobs, reports) = Jobs::inline();
        let task = |tested| {
            Job::Filter(Task {
                tested,
                ..Task::default()
            })
        };
        jobs.start(ScreenId::Stream, task(1));
        jobs.start(ScreenId::Stream, task(2));
        let first = reports.recv().expect("a report");
        assert!(jobs.finish(first).is_none());
        let second = reports.recv().expect("a report");
        let answer = jobs.finish(second);
        assert!(matches!(
            answer,
            Some((ScreenId::Stream, Output::Filtered(_)))
        ));
        assert!(reports.is_empty());
    }

    #[test]
    fn a_screen_does_not_give_up_the_work_of_another() {
        let (mut jobs, reports) = Jobs::inline();
        for screen in [ScreenId::Stream, ScreenId::Runs] {
            jobs.start(screen, Job::Filter(Task::default()));
        }
        let answers = reports.try_iter().filter_map(|report| jobs.finish(report));
        let asked: Vec<ScreenId> = answers.map(|(screen, _)| screen).collect();
        assert_eq!(asked, [ScreenId::Stream, ScreenId::Runs]);
    }
}
