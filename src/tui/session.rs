//! What is open: the store as far as it is loaded, the end of the file read ahead, opened actions.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::analysis::cohort::ask::Choice;
use crate::analysis::life::{Arrival, Life, Pulse};
use crate::base::clock::Clock;
use crate::base::{human, text};
use crate::ingest::notice::{Notice, NoticeKind};
use crate::ingest::{Batch, Loaded, Preview};
use crate::model::action::{ActionIx, SourceIx};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::Bodies;
use crate::tui::gaps::Gaps;
use crate::tui::keys::Keymap;
use crate::tui::notices::{Level, Notices};
use crate::tui::screens::ScreenId;
use crate::tui::{Options, Setup};

#[derive(Debug)]
pub struct Session {
    /// What the user opened, in a few sanitised words.
    pub title: String,
    pub zone: TimeZone,
    pub clock: Arc<dyn Clock>,
    /// What is open is followed while it grows.
    pub live: bool,
    /// What was heard of its runs since.
    pub pulse: Pulse,
    /// The view that is shown.
    pub view: ScreenId,
    pub keymap: Arc<Keymap>,
    pub setup: Arc<Setup>,
    pub notices: Notices,
    pub loaded: Opened,
    /// The last rows of the last file, until the store itself has them.
    pub end: Option<Opened>,
    pub loading: Loading,
    pub here: Here,
    /// The two runs to compare, A and B.
    pub pair: [Option<RunIx>; 2],
    /// The cohorts to compare when one goes there.
    pub cohorts: Option<Choice>,
    pub marks: Marks,
    /// Filters that were kept, the last one in the end.
    pub filter_history: Vec<String>,
    /// Filters that the user saved, with their names where they have one; those of the configuration first.
    pub saved_filters: Vec<(String, String)>,
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

/// What is selected, the same on every view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Here {
    pub action: Option<ActionIx>,
    /// The run of that action.
    pub run: Option<RunIx>,
    /// Only the actions of this run are looked at.
    pub scope: Option<RunIx>,
}

impl Here {
    /// Selects a run; its first action, unless one of its actions is selected already.
    pub fn select_run(&mut self, ix: RunIx, store: &Store) {
        if self.run != Some(ix) {
            self.action = store.first_of(ix);
            self.run = Some(ix);
        }
        self.scope = self.scope.map(|_| ix);
    }
}

/// A store and the actions of it that were opened lately.
#[derive(Debug, Default)]
pub struct Opened {
    pub store: Store,
    pub bodies: Bodies,
    pub agents: Agents,
    /// Where something may be missing of what is followed.
    pub gaps: Gaps,
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
    Reading {
        read: u64,
        total: u64,
    },
    /// The user ended it before its end.
    Stopped {
        read: u64,
        total: u64,
    },
    Done,
}

/// What a message of the loader changed.
#[derive(Debug, Default)]
pub struct News {
    pub rows: Range<u32>,
    /// Earlier actions about which something was learned.
    pub settled: Vec<ActionIx>,
    /// Runs that are new or changed.
    pub runs: Vec<RunIx>,
}

impl Session {
    pub fn new(options: &Options) -> Session {
        Session {
            title: text::sanitize(&options.title).into_owned(),
            zone: options.zone.clone(),
            clock: Arc::clone(&options.clock),
            live: options.live,
            pulse: Pulse::default(),
            view: options.view.unwrap_or(ScreenId::Stream),
            keymap: Arc::new(options.keymap.clone()),
            setup: Arc::new(options.setup.clone()),
            notices: Notices::default(),
            loaded: Opened::default(),
            end: None,
            loading: Loading::Reading { read: 0, total: 0 },
            here: Here::default(),
            pair: [None; 2],
            cohorts: None,
            marks: Marks::default(),
            filter_history: Vec::new(),
            saved_filters: options.setup.filters.clone(),
        }
    }

    pub fn is_loading(&self) -> bool {
        matches!(self.loading, Loading::Reading { .. })
    }

    /// Whether more may come.
    pub fn is_growing(&self) -> bool {
        self.live || self.is_loading()
    }

    /// How a run ended or stands.
    pub fn life(&self, run: RunIx) -> Life {
        let store = &self.loaded.store;
        if self.live {
            self.pulse.life(store, run, self.clock.now())
        } else {
            Life::Recorded(store.run(run).status)
        }
    }

    /// Nothing can come any more of what is followed.
    pub fn end_following(&mut self) {
        if self.live && !self.pulse.is_over() {
            self.pulse.end();
            self.say("what is followed has ended: nothing more can come");
        }
    }

    /// Puts a letter on an action, or takes it from there, and says which.
    pub fn mark(&mut self, letter: char, ix: ActionIx) {
        let is_set = self.marks.toggle(letter, ix);
        let what = if is_set { "marked" } else { "no longer marked" };
        self.say(&format!("{what} {letter}"));
    }

    /// Tells something in passing. The words may hold anything.
    pub fn say(&mut self, words: &str) {
        self.tell(Level::Note, words);
    }

    /// Tells that something went wrong.
    pub fn fail(&mut self, words: &str) {
        self.tell(Level::Error, words);
    }

    fn tell(&mut self, level: Level, words: &str) {
        let words = text::sanitize(words).into_owned();
        self.notices.add(level, words, self.clock.now());
    }

    /// What could not be opened or read, sanitised.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        let all = self.notices.all().iter();
        let errors = all.filter(|notice| notice.level == Level::Error);
        errors.map(|notice| notice.words.as_str())
    }

    /// Nothing more is read: what is there is all there is.
    pub fn stop_loading(&mut self) {
        if let Loading::Reading { read, total } = self.loading {
            self.loading = Loading::Stopped { read, total };
        }
    }

    /// The size of what is read or to be read, as far as it is known.
    pub fn bytes(&self) -> u64 {
        if self.live {
            let sources = self.loaded.store.sources().iter();
            return sources.filter_map(|source| source.bytes.len().ok()).sum();
        }
        let accounts = (0..self.loaded.store.sources().len() as u32).map(SourceIx);
        let known = accounts.filter_map(|ix| self.loaded.store.account(ix));
        let known: u64 = known.map(|account| account.total).sum();
        match self.loading {
            Loading::Done => known,
            Loading::Reading { total, .. } | Loading::Stopped { total, .. } => total,
        }
    }

    /// `indexing 34 % · 1.2 GB`; empty when everything is read.
    pub fn loading_words(&self) -> String {
        match self.loading {
            Loading::Done => String::new(),
            Loading::Stopped { read, total } => {
                let percent = u128::from(read) * 100 / u128::from(total.max(1));
                format!("stopped at {percent} %")
            }
            Loading::Reading { read: 0, total: 0 } => "loading…".to_owned(),
            Loading::Reading { read, total } if read <= total && total > 0 => {
                let percent = u128::from(read) * 100 / u128::from(total);
                format!("indexing {percent} % · {}", human::bytes(read))
            }
            Loading::Reading { read, .. } => format!("indexing · {}", human::bytes(read)),
        }
    }

    /// Takes in one message of the loader.
    pub fn apply(&mut self, message: Loaded) -> News {
        let (before, first) = (self.loaded.store.len(), self.loaded.store.first());
        let mut news = News::default();
        match &message {
            Loaded::Batch(batch) => {
                self.progress(batch.read, batch.total);
                self.loaded.agents = self.loaded.agents.see(batch);
                news.runs = batch.runs.iter().map(|(ix, _)| *ix).collect();
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
                self.pulse.begin(self.clock.now());
            }
            // The footer says that it is followed as long as it is.
            Loaded::Notice(notice) if notice.kind == NoticeKind::Watching => {}
            Loaded::Notice(notice) => {
                self.miss(notice);
                let words = format!("{} {}", notice.path.display(), notice.kind.words());
                if notice.missing.is_some() || notice.kind == NoticeKind::Gap {
                    self.fail(&words);
                } else {
                    self.say(&words);
                }
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
            self.fail(&error.to_string());
        }
        news.rows = before..self.loaded.store.len();
        if self.live {
            self.see_let_go(first);
            let Opened { store, gaps, .. } = &mut self.loaded;
            gaps.see(store, news.rows.clone());
            let seen = Arrival {
                rows: news.rows.clone(),
                settled: &news.settled,
                runs: &news.runs,
            };
            self.pulse.see(&self.loaded.store, &seen, self.clock.now());
        }
        news
    }

    /// Tells once that the oldest are let go; how many is told all the time.
    fn see_let_go(&mut self, before: u32) {
        let first = self.loaded.store.first();
        if first == before {
            return;
        }
        self.loaded.gaps.let_go(ActionIx(first));
        if before == 0 {
            self.say(
                "the oldest actions are let go from now on: there is no room for more (--max-mem)",
            );
        }
    }

    /// The writer of a file that is gone is gone too, until there is a file again.
    fn miss(&mut self, notice: &Notice) {
        let sources = self.loaded.store.sources().iter();
        let found = sources.zip(0..).find(|(it, _)| it.path == notice.path);
        if let Some((_, number)) = found {
            let is_gone = notice.kind == NoticeKind::Gap;
            self.pulse.miss(SourceIx(number), is_gone);
            if let Some(place) = notice.missing {
                let words = format!("{} {}", notice.path.display(), notice.kind.words());
                self.loaded.gaps.add(SourceIx(number), place, &words);
            }
        }
    }

    fn progress(&mut self, read: u64, total: u64) {
        // What comes to a trace that is followed is no loading.
        if !self.live || self.is_loading() {
            self.loading = Loading::Reading { read, total };
        }
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
