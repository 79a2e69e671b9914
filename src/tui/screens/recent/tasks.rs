//! The background tasks of the recent runs.

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use crate::act::keep::Keeper;
use crate::analysis::runs::CostSum;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::ingest::recent::{self, Homes, cleanup};
use crate::ingest::relations::Relations;
use crate::model::quantity::{Cost, Time};
use crate::model::run::{CostSource, RunIx};
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::recent::Recent;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Looks for the runs that agents left below the home folder.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) homes: Homes,
    pub(super) prices: Arc<PriceTable>,
    pub(super) keeper: Option<Keeper>,
    pub(super) now: Time,
}

/// Copies runs that their agents will delete soon.
#[derive(Debug)]
pub(super) struct Keep {
    pub(super) keeper: Keeper,
    pub(super) parts: Vec<PathBuf>,
}

/// The user is offered to keep a run from this many days before its deletion.
pub(super) const SOON: i64 = 7;

#[derive(Debug)]
pub(super) enum Update {
    /// All files, the newest first.
    Files(Vec<recent::Recent>),
    /// The number of runs that will be deleted soon, and their files that are not kept yet.
    Due(usize, Vec<PathBuf>),
    /// What the user asked first in some of them, by their places among the files.
    FirstWords(Vec<(usize, String)>),
    /// What one of them cost and how many errors it has.
    Figures(usize, Figures),
}

/// The sums of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) cost: Option<(Cost, CostSource)>,
    pub(super) errors: u64,
}

/// This many files are read for their figures, unless they are larger.
const WITH_FIGURES: usize = 60;
const LARGEST: u64 = 32 << 20;

/// The first words are read of this many files.
const WITH_WORDS: usize = 500;
/// First words are reported in batches of this size.
const BATCH: usize = 20;

impl Task for Look {
    type Screen = Recent;
    type Answer = Update;

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Update)) -> Update {
        let found = recent::find(&self.homes);
        report(Update::Files(found.clone()));
        if let Some(keeper) = &self.keeper {
            let (runs, parts) = due(&found, &self.homes, (keeper, self.now));
            report(Update::Due(runs, parts));
        }
        let mut words = Vec::new();
        for (at, file) in found.iter().enumerate().take(WITH_WORDS) {
            if cancel.is_raised() {
                break;
            }
            words.push((at, recent::first_words(file)));
            if words.len() == BATCH {
                report(Update::FirstWords(mem::take(&mut words)));
            }
        }
        report(Update::FirstWords(words));
        for (at, file) in found.iter().enumerate().take(WITH_FIGURES) {
            if cancel.is_raised() {
                break;
            }
            if file.size <= LARGEST {
                report(Update::Figures(at, figures(file, &self.prices)));
            }
        }
        Update::FirstWords(Vec::new())
    }

    fn answered(screen: &mut Recent, answer: Update, session: &mut Session) -> Vec<Effect> {
        match answer {
            Update::Files(files) => screen.take(files, session),
            Update::Due(runs, parts) => screen.due = (runs, parts),
            Update::FirstWords(words) => {
                screen.take_words(words);
                screen.list();
            }
            Update::Figures(at, figures) => screen.take_figures(at, figures),
        }
        Vec::new()
    }
}

/// The number of runs that will be deleted soon, and their files that are not kept yet.
fn due(
    found: &[recent::Recent],
    homes: &Homes,
    (keeper, now): (&Keeper, Time),
) -> (usize, Vec<PathBuf>) {
    let mut relations = Relations::default();
    let mut runs = 0;
    let mut parts = Vec::new();
    for run in cleanup::due(found, homes, now, SOON) {
        let known = parts.len();
        let all = Keeper::parts(run, &mut relations).into_iter();
        parts.extend(all.filter(|part| !keeper.has(part)));
        runs += usize::from(parts.len() > known);
    }
    (runs, parts)
}

/// The number of files that were kept, and the first failure.
#[derive(Debug)]
pub(super) struct Done {
    kept: u64,
    failed: Option<String>,
}

impl Task for Keep {
    type Screen = Recent;
    type Answer = Done;

    fn run(self, cancel: &CancelFlag, _report: &mut dyn FnMut(Done)) -> Done {
        let mut done = Done {
            kept: 0,
            failed: None,
        };
        for part in self.parts {
            if cancel.is_raised() {
                break;
            }
            match self.keeper.keep(&part) {
                Ok(_) => done.kept += 1,
                Err(error) => {
                    let what = format!("{}: {error}", part.display());
                    done.failed.get_or_insert(what);
                }
            }
        }
        done
    }

    fn answered(_screen: &mut Recent, answer: Done, session: &mut Session) -> Vec<Effect> {
        if let Some(what) = answer.failed {
            session.fail(&what);
        } else {
            let files = human::counted(answer.kept, "file");
            session.say(&format!("{files} kept: see saferun-tui doctor"));
        }
        Vec::new()
    }
}

/// Reads the whole file.
fn figures(file: &recent::Recent, prices: &PriceTable) -> Figures {
    let inputs = vec![Input::File(file.path.clone())];
    let store = Store::load(intake::load(inputs, Options::new(prices.clone()))).0;
    let runs: Vec<RunIx> = (0..store.runs().len() as u32).map(RunIx).collect();
    let errors = store.runs().iter().map(|run| u64::from(run.totals.errors));
    Figures {
        cost: CostSum::of(&store, &runs).known,
        errors: errors.sum(),
    }
}
