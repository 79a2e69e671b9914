//! The state that all screens share: the store as far as it is loaded, the previewed end, the selection.

use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::analysis::life::{Arrival, Life, Pulse};
use crate::analysis::policy::overlay::Overlay;
use crate::base::clock::Clock;
use crate::base::{human, text};
use crate::ingest::notice::{Notice, NoticeKind};
use crate::ingest::{Loaded, Preview};
use crate::model::action::{ActionIx, SourceIx};
use crate::model::run::RunIx;
use crate::query::expr::Expr;
use crate::state::Mark;
use crate::store::Store;
use crate::store::bodies::Bodies;
use crate::tui::alerting::{Alerting, Evaluation};
use crate::tui::asks::Asks;
use crate::tui::gaps::Gaps;
use crate::tui::keys::{Keymap, Place};
use crate::tui::notices::{Level, Notices};
use crate::tui::policing::Policing;
use crate::tui::remembered;
use crate::tui::screen::id::ScreenId;
use crate::tui::{Options, Setup};

#[derive(Debug)]
pub struct Session {
    pub trace: Trace,
    pub zone: TimeZone,
    pub clock: Arc<dyn Clock>,
    /// The current view, and whether the inspector had the focus when something was laid over it.
    pub place: Place,
    pub keymap: Arc<Keymap>,
    pub setup: Arc<Setup>,
    pub notices: Notices,
    pub loaded: Opened,
    pub here: Here,
    pub marks: Marks,
    pub filters: Filters,
    pub policing: Policing,
    pub alerting: Alerting,
    /// Tool calls waiting for approval.
    pub asks: Asks,
}

/// What is open, and how far it is read.
#[derive(Debug)]
pub struct Trace {
    /// The name of what the user opened, sanitised.
    pub title: String,
    /// How many files and folders the user named.
    pub named: usize,
    /// Whether it is followed while it grows.
    pub live: bool,
    pub loading: Loading,
    /// When its runs were last active, while it is followed.
    pub pulse: Pulse,
    /// The previewed end of the last file, until the store has it.
    pub end: Option<Opened>,
}

/// What a filter of runs looks for in their actions.
#[derive(Debug, Clone)]
pub struct Sought {
    /// None where the filter is not about actions, or there is none.
    pub expr: Option<Expr>,
    /// The filter as it was typed.
    pub text: String,
    /// Whether the selection already is the first match.
    pub is_at_first: bool,
}

/// Filters to use again.
#[derive(Debug, Default)]
pub struct Filters {
    /// Those that were applied, the newest last.
    pub history: Vec<String>,
    /// Those that were saved, each with its name or an empty one; the configured ones first.
    pub saved: Vec<(String, String)>,
    /// A run is being opened in the stream: what its filter looks for there.
    pub sought: Option<Sought>,
}

/// What the user marked: actions with letters, and two runs to compare.
#[derive(Debug, Default)]
pub struct Marks {
    /// The runs to compare, A and B.
    pub pair: [Option<RunIx>; 2],
    named: BTreeMap<char, Marked>,
    /// Remembered marks whose actions were not found so far.
    pending: Vec<Mark>,
    all: Arc<HashSet<u32>>,
}

/// A marked action, and what the user noted about it.
#[derive(Debug, Clone, Default)]
struct Marked {
    ix: ActionIx,
    note: String,
}

impl Marks {
    /// Sets or removes a mark; returns whether it is set now.
    pub fn toggle(&mut self, letter: char, ix: ActionIx) -> bool {
        let is_set = self.get(letter) != Some(ix);
        if is_set {
            let note = String::new();
            self.named.insert(letter, Marked { ix, note });
        } else {
            self.named.remove(&letter);
        }
        self.all = Arc::new(self.named.values().map(|marked| marked.ix.0).collect());
        is_set
    }

    pub fn get(&self, letter: char) -> Option<ActionIx> {
        self.named.get(&letter).map(|marked| marked.ix)
    }

    /// What was noted at a mark; empty if nothing was. It is not sanitised.
    pub fn note(&self, letter: char) -> &str {
        self.named
            .get(&letter)
            .map_or("", |marked| marked.note.as_str())
    }

    pub fn set_note(&mut self, letter: char, note: &str) {
        if let Some(marked) = self.named.get_mut(&letter) {
            note.clone_into(&mut marked.note);
        }
    }

    /// The first letter that marks nothing.
    pub fn free(&self) -> Option<char> {
        ('a'..='z').find(|letter| !self.named.contains_key(letter))
    }

    /// The letter on an action.
    pub fn of(&self, ix: ActionIx) -> Option<char> {
        let mut named = self.named.iter().filter(|_| self.all.contains(&ix.0));
        named
            .find(|(_, marked)| marked.ix == ix)
            .map(|(letter, _)| *letter)
    }

    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    pub fn letters(&self) -> impl Iterator<Item = (char, ActionIx)> {
        self.named
            .iter()
            .map(|(letter, marked)| (*letter, marked.ix))
    }

    pub fn pending(&self) -> &[Mark] {
        &self.pending
    }

    /// Sets the remembered marks whose actions are there; a letter that is in use stays where it is.
    fn restore(&mut self, store: &Store) {
        for mark in mem::take(&mut self.pending) {
            match remembered::find(store, &mark.run, mark.seq) {
                Some(ix) if !self.named.contains_key(&mark.letter) => {
                    self.toggle(mark.letter, ix);
                    self.set_note(mark.letter, &mark.note);
                }
                Some(_) => {}
                None => self.pending.push(mark),
            }
        }
    }

    /// All that are marked, by index.
    pub fn all(&self) -> &Arc<HashSet<u32>> {
        &self.all
    }
}

/// The selection, the same on every view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Here {
    pub action: Option<ActionIx>,
    /// The run of that action.
    pub run: Option<RunIx>,
    /// Only the actions of this run are listed.
    pub scope: Option<RunIx>,
}

impl Here {
    /// Selects a run and its first action, unless one of its actions is already selected.
    pub fn select_run(&mut self, ix: RunIx, store: &Store) {
        if self.run != Some(ix) {
            self.action = store.first_of(ix);
            self.run = Some(ix);
        }
        self.scope = self.scope.map(|_| ix);
    }
}

/// A store and its recently opened actions.
#[derive(Debug, Default)]
pub struct Opened {
    pub store: Store,
    pub bodies: Bodies,
    /// Gaps in followed traces.
    pub gaps: Gaps,
    /// Where midnight is.
    pub zone: Zone,
    /// A policy that lies over it.
    pub overlay: Option<Arc<Overlay>>,
    /// What the alert rules found in it.
    pub alerts: Option<Arc<Evaluation>>,
}

/// The time zone of the screen; UTC until it is set.
#[derive(Debug, Clone)]
pub struct Zone(pub TimeZone);

impl Default for Zone {
    fn default() -> Zone {
        Zone(TimeZone::UTC)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loading {
    Reading {
        read: u64,
        total: u64,
    },
    /// The user stopped it early.
    Stopped {
        read: u64,
        total: u64,
    },
    Done,
}

/// What a message of the intake changed.
#[derive(Debug, Default)]
pub struct News {
    pub rows: Range<u32>,
    /// Earlier actions that changed.
    pub settled: Vec<ActionIx>,
    /// Runs that are new or changed.
    pub runs: Vec<RunIx>,
}

impl Session {
    pub fn new(options: &Options) -> Session {
        Session {
            trace: Trace {
                title: text::sanitize(&options.title).into_owned(),
                named: options.paths.len(),
                live: options.live,
                loading: Loading::Reading { read: 0, total: 0 },
                pulse: Pulse::default(),
                end: None,
            },
            zone: options.zone.clone(),
            clock: Arc::clone(&options.clock),
            place: options.view.unwrap_or(ScreenId::Stream).into(),
            keymap: Arc::new(options.keymap.clone()),
            setup: Arc::new(Setup {
                prices: Arc::new(options.loading.prices.clone()),
                ..options.setup.clone()
            }),
            notices: Notices::default(),
            loaded: Opened {
                zone: Zone(options.zone.clone()),
                ..Opened::default()
            },
            here: Here::default(),
            marks: Marks {
                pending: options.setup.remembered.marks.clone(),
                ..Marks::default()
            },
            filters: Filters {
                history: options.setup.remembered.history.clone(),
                saved: saved_filters(&options.setup),
                sought: None,
            },
            policing: Policing::default(),
            alerting: Alerting::default(),
            asks: Asks::default(),
        }
    }

    /// The run for a view of one run: that of the selected action, else the selected run, else the newest.
    pub fn run_in_view(&self) -> Option<RunIx> {
        let store = &self.loaded.store;
        let selected = self.here.action.filter(|ix| ix.0 < store.len());
        let run = selected.map(|ix| store.row(ix).run_ix());
        let newest = || {
            let runs = (0..).map(RunIx).zip(store.runs());
            let newest = runs.max_by_key(|(_, run)| run.started);
            newest.map(|(ix, _)| ix)
        };
        run.or(self.here.run).or_else(newest)
    }

    pub fn is_loading(&self) -> bool {
        matches!(self.trace.loading, Loading::Reading { .. })
    }

    /// Whether more actions may arrive.
    pub fn is_growing(&self) -> bool {
        self.trace.live || self.is_loading()
    }

    /// How a run ended, or its current state.
    pub fn life(&self, run: RunIx) -> Life {
        let store = &self.loaded.store;
        if self.trace.live {
            self.trace.pulse.life(store, run, self.clock.now())
        } else {
            Life::Recorded(store.run(run).status)
        }
    }

    /// The followed source has ended.
    pub fn end_following(&mut self) {
        if self.trace.live && !self.trace.pulse.is_over() {
            self.trace.pulse.end();
            self.say("end of input: no more actions will arrive");
        }
    }

    /// Sets or removes a mark, and reports it.
    pub fn mark(&mut self, letter: char, ix: ActionIx) {
        let is_set = self.marks.toggle(letter, ix);
        let what = if is_set { "marked" } else { "no longer marked" };
        self.say(&format!("{what} {letter}"));
    }

    /// Adds a message to the log. It need not be sanitised.
    pub fn say(&mut self, words: &str) {
        self.tell(Level::Note, words);
    }

    /// Shows a message about the key just pressed; the log does not keep it. It need not be sanitised.
    pub fn hint(&mut self, words: &str) {
        let words = text::sanitize(words).into_owned();
        self.notices.pass(words, self.clock.now());
    }

    /// Adds an error to the log. It need not be sanitised.
    pub fn fail(&mut self, words: &str) {
        self.tell(Level::Error, words);
    }

    fn tell(&mut self, level: Level, words: &str) {
        let words = text::sanitize(words).into_owned();
        self.notices.add(level, words, self.clock.now());
    }

    /// What failed to open or to be read, sanitised.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        let all = self.notices.all().iter();
        let errors = all.filter(|notice| notice.level == Level::Error);
        errors.map(|notice| notice.words.as_str())
    }

    /// Stops loading; the rest is not read.
    pub fn stop_loading(&mut self) {
        if let Loading::Reading { read, total } = self.trace.loading {
            self.trace.loading = Loading::Stopped { read, total };
        }
    }

    /// The total size of the open files, as far as it is known.
    pub fn bytes(&self) -> u64 {
        if self.trace.live {
            let sources = self.loaded.store.sources().iter();
            return sources.filter_map(|source| source.bytes.len().ok()).sum();
        }
        let accounts = (0..self.loaded.store.sources().len() as u32).map(SourceIx);
        let known = accounts.filter_map(|ix| self.loaded.store.account(ix));
        let known: u64 = known.map(|account| account.total).sum();
        match self.trace.loading {
            Loading::Done => known,
            Loading::Reading { total, .. } | Loading::Stopped { total, .. } => total,
        }
    }

    /// `indexing 34 % · 1.2 GB`; empty when everything is read.
    pub fn loading_words(&self) -> String {
        match self.trace.loading {
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

    /// Applies one message of the intake.
    pub fn apply(&mut self, message: Loaded) -> News {
        let (before, first) = (self.loaded.store.len(), self.loaded.store.first());
        let mut news = News::default();
        match &message {
            Loaded::Batch(batch) => {
                self.progress(batch.read, batch.total);
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
                self.trace.loading = Loading::Done;
                self.trace.pulse.begin(self.clock.now());
                self.marks.restore(&self.loaded.store);
            }
            // The footer already says that it is followed.
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
            self.trace.end = Some(Opened {
                zone: self.loaded.zone.clone(),
                ..read_ahead(*preview)
            });
            return news;
        }
        if let Some(error) = self.loaded.store.apply(message) {
            self.fail(&error.to_string());
        }
        news.rows = before..self.loaded.store.len();
        self.policing.is_outdated |= !news.settled.is_empty();
        self.alerting.is_outdated |= !news.settled.is_empty() || !news.runs.is_empty();
        if self.trace.live {
            self.report_dropped(first);
            let Opened { store, gaps, .. } = &mut self.loaded;
            gaps.see(store, news.rows.clone());
            let seen = Arrival {
                rows: news.rows.clone(),
                settled: &news.settled,
                runs: &news.runs,
            };
            self.trace
                .pulse
                .see(&self.loaded.store, &seen, self.clock.now());
        }
        news
    }

    /// Reports once that the oldest actions are being dropped; the header shows how many.
    fn report_dropped(&mut self, before: u32) {
        let first = self.loaded.store.first();
        if first == before {
            return;
        }
        self.loaded.gaps.drop_before(ActionIx(first));
        if before == 0 {
            self.say(
                "memory limit reached (--max-mem): the oldest actions are dropped from now on",
            );
        }
    }

    /// If a file is gone, so is its writer, until the file is back.
    fn miss(&mut self, notice: &Notice) {
        let sources = self.loaded.store.sources().iter();
        let found = sources.zip(0..).find(|(it, _)| it.path == notice.path);
        if let Some((_, number)) = found {
            let is_gone = notice.kind == NoticeKind::Gap;
            self.trace.pulse.miss(SourceIx(number), is_gone);
            if let Some(place) = notice.missing {
                let words = format!("{} {}", notice.path.display(), notice.kind.words());
                self.loaded.gaps.add(SourceIx(number), place, &words);
            }
        }
    }

    fn progress(&mut self, read: u64, total: u64) {
        // Growth of a followed trace is not loading.
        if !self.trace.live || self.is_loading() {
            self.trace.loading = Loading::Reading { read, total };
        }
    }
}

fn read_ahead(preview: Preview) -> Opened {
    let mut end = Opened::default();
    end.store.add_sources(vec![Arc::clone(&preview.source)]);
    for batch in preview.batches {
        end.store.append(batch);
    }
    end
}

/// The configured filters, then those that the user saved.
fn saved_filters(setup: &Setup) -> Vec<(String, String)> {
    let saved = setup.remembered.saved.iter();
    let saved = saved.map(|saved| (saved.name.clone(), saved.filter.clone()));
    let new = saved.filter(|saved| !setup.filters.contains(saved));
    setup.filters.iter().cloned().chain(new).collect()
}
