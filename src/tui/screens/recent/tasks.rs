//! The background task of the recent runs.

use std::mem;

use crate::base::cancel::CancelFlag;
use crate::ingest::recent::{self, Homes};
use crate::tui::effects::Effect;
use crate::tui::screens::recent::Recent;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Looks for the runs that agents left below the home folder.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) homes: Homes,
}

#[derive(Debug)]
pub(super) enum Found {
    /// All files, the newest first.
    Files(Vec<recent::Recent>),
    /// What the user asked first in some of them, by their places among the files.
    FirstWords(Vec<(usize, String)>),
}

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
        Found::FirstWords(words)
    }

    fn answered(screen: &mut Recent, answer: Found, session: &mut Session) -> Vec<Effect> {
        match answer {
            Found::Files(files) => screen.take(files, session),
            Found::FirstWords(words) => {
                screen.take_words(words);
                screen.list();
            }
        }
        Vec::new()
    }
}
