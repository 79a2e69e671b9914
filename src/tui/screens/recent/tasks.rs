//! The background task of the recent runs.

use std::mem;
use std::sync::Arc;

use crate::analysis::runs::CostSum;
use crate::base::cancel::CancelFlag;
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::ingest::recent::{self, Homes};
use crate::model::quantity::Cost;
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
}

#[derive(Debug)]
pub(super) enum Found {
    /// All files, the newest first.
    Files(Vec<recent::Recent>),
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
    type Answer = Found;

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Found)) -> Found {
        let found = recent::find(&self.homes);
        report(Found::Files(found.clone()));
        let mut words = Vec::new();
        for (at, file) in found.iter().enumerate().take(WITH_WORDS) {
            if cancel.is_raised() {
                break;
            }
            words.push((at, recent::first_words(file)));
            if words.len() == BATCH {
                report(Found::FirstWords(mem::take(&mut words)));
            }
        }
        report(Found::FirstWords(words));
        for (at, file) in found.iter().enumerate().take(WITH_FIGURES) {
            if cancel.is_raised() {
                break;
            }
            if file.size <= LARGEST {
                report(Found::Figures(at, figures(file, &self.prices)));
            }
        }
        Found::FirstWords(Vec::new())
    }

    fn answered(screen: &mut Recent, answer: Found, session: &mut Session) -> Vec<Effect> {
        match answer {
            Found::Files(files) => screen.take(files, session),
            Found::FirstWords(words) => {
                screen.take_words(words);
                screen.list();
            }
            Found::Figures(at, figures) => screen.take_figures(at, figures),
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
