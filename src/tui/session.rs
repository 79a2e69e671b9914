//! What is open: the store as far as it is loaded, the end of the file read ahead, opened actions.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::base::text;
use crate::ingest::{Batch, Loaded, Preview};
use crate::model::action::ActionIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::Bodies;

#[derive(Debug)]
pub struct Session {
    /// What the user opened, in a few sanitised words.
    pub title: String,
    pub zone: TimeZone,
    pub loaded: Opened,
    /// The last rows of the last file, until the store itself has them.
    pub end: Option<Opened>,
    pub loading: Loading,
    /// What could not be opened or read, sanitised.
    pub errors: Vec<String>,
    pub marks: Marks,
    /// Filters that were kept, the last one in the end.
    pub filter_history: Vec<String>,
    pub saved_filters: Vec<String>,
}

/// Letters that the user put on actions.
#[derive(Debug, Default)]
pub struct Marks {
    named: BTreeMap<char, ActionIx>,
    all: Arc<HashSet<u32>>,
}

impl Marks {
    /// Puts a letter on an action, or takes it from there; tells whether it is there now.
    pub fn toggle(&mut self, letter: char, ix: ActionIx) -> bool {
        let is_set = self.named.get(&letter) != Some(&ix);
        if is_set {
            self.named.insert(letter, ix);
        } else {
            self.named.remove(&letter);
        }
        self.all = Arc::new(self.named.values().map(|ix| ix.0).collect());
        is_set
    }

    pub fn get(&self, letter: char) -> Option<ActionIx> {
        self.named.get(&letter).copied()
    }

    /// The letter on an action.
    pub fn of(&self, ix: ActionIx) -> Option<char> {
        let mut named = self.named.iter().filter(|_| self.all.contains(&ix.0));
        named
            .find(|(_, marked)| **marked == ix)
            .map(|(letter, _)| *letter)
    }

    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// All that are marked, by index.
    pub fn all(&self) -> &Arc<HashSet<u32>> {
        &self.all
    }
}

/// A store and the actions of it that were opened lately.
#[derive(Debug, Default)]
pub struct Opened {
    pub store: Store,
    pub bodies: Bodies,
    pub agents: Agents,
}

/// How many agents acted in a store, as far as a list has to tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Agents {
    #[default]
    Unnamed,
    One(Sym),
    /// More than one name, or subagents.
    Several,
}

impl Agents {
    fn see(self, batch: &Batch) -> Agents {
        if batch.runs.iter().any(|(_, run)| !run.lanes.is_empty()) {
            return Agents::Several;
        }
        let names = batch.chunk.agent.iter().filter(|name| **name != Sym::NONE);
        names.fold(self, |agents, name| match agents {
            Agents::Unnamed => Agents::One(*name),
            Agents::One(one) if one == *name => agents,
            Agents::One(_) | Agents::Several => Agents::Several,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loading {
    Reading { read: u64, total: u64 },
    Done,
}

/// What a message of the loader changed.
#[derive(Debug, Default)]
pub struct News {
    pub rows: Range<u32>,
    /// Earlier actions about which something was learned.
    pub settled: Vec<ActionIx>,
}

impl Session {
    pub fn new(title: &str, zone: TimeZone) -> Session {
        Session {
            title: text::sanitize(title).into_owned(),
            zone,
            loaded: Opened::default(),
            end: None,
            loading: Loading::Reading { read: 0, total: 0 },
            errors: Vec::new(),
            marks: Marks::default(),
            filter_history: Vec::new(),
            saved_filters: Vec::new(),
        }
    }

    pub fn is_loading(&self) -> bool {
        self.loading != Loading::Done
    }

    /// Takes in one message of the loader.
    pub fn apply(&mut self, message: Loaded) -> News {
        let before = self.loaded.store.len();
        let mut news = News::default();
        match &message {
            Loaded::Batch(batch) => {
                self.progress(batch.read, batch.total);
                self.loaded.agents = self.loaded.agents.see(batch);
                news.settled = batch
                    .settled
                    .iter()
                    .map(|settled| settled.action)
                    .filter(|ix| ix.0 < before)
                    .collect();
            }
            Loaded::Progress { read, total } => self.progress(*read, *total),
            Loaded::Done => {
                self.loading = Loading::Done;
            }
            Loaded::Sources(_)
            | Loaded::Preview(_)
            | Loaded::Finished { .. }
            | Loaded::Failed(_) => {}
        }
        if let Loaded::Preview(preview) = message {
            self.end = Some(read_ahead(*preview));
            return news;
        }
        if let Some(error) = self.loaded.store.apply(message) {
            self.errors
                .push(text::sanitize(&error.to_string()).into_owned());
        }
        news.rows = before..self.loaded.store.len();
        news
    }

    fn progress(&mut self, read: u64, total: u64) {
        self.loading = Loading::Reading { read, total };
    }
}

fn read_ahead(preview: Preview) -> Opened {
    let mut end = Opened::default();
    end.store.add_sources(vec![Arc::clone(&preview.source)]);
    for batch in preview.batches {
        end.agents = end.agents.see(&batch);
        end.store.append(batch);
    }
    end
}
