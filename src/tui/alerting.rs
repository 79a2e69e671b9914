//! Alerts over what is open: where the rules come from, what they find, and how it stands. Shared by the views; looking is
//! a task of the view of alerts.

use std::collections::HashMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::engine::Hit;
use crate::analysis::alerts::history::baseline::Known;
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::{BUILT_IN, Rules};
use crate::analysis::alerts::state::{Book, Kept, Mark, State};
use crate::analysis::alerts::watch::Watch;
use crate::base::cancel::CancelFlag;
use crate::base::sha256;
use crate::model::action::ActionIx;
use crate::query::Context;
use crate::state::alerts::AlertStates;
use crate::store::Store;
use crate::tui::filtering;
use crate::tui::session::Session;

/// Where rules come from. They are read only by a task.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file that the command line or the settings name.
    pub path: Option<PathBuf>,
    /// It is that of the settings, which alone may arm a breaker.
    pub is_own: bool,
    /// The folder of the state; none remembers nothing.
    pub state: Option<PathBuf>,
    /// Reads what is named; with no name, the usual file, else the built-in rules.
    pub read: fn(&Source) -> Result<InForce, String>,
}

impl Default for Source {
    fn default() -> Source {
        Source {
            path: None,
            is_own: false,
            state: None,
            read: |_| Ok(InForce::built_in()),
        }
    }
}

/// The rules that apply.
#[derive(Debug, Clone)]
pub struct InForce {
    pub rules: Arc<Rules>,
    /// An absolute path; none for the built-in rules.
    pub path: Option<String>,
    pub sha256: String,
    pub known: Arc<[Known]>,
    /// Why a breaker that the rules arm is not armed; none if it is, or if they arm none.
    pub disarmed: Option<String>,
}

impl InForce {
    pub fn built_in() -> InForce {
        InForce {
            rules: Arc::new(Rules::built_in().clone()),
            path: None,
            sha256: sha256::hex(BUILT_IN.as_bytes()),
            known: Arc::from([]),
            disarmed: None,
        }
    }

    pub fn is_armed(&self) -> bool {
        self.rules.breaker.armed && self.disarmed.is_none()
    }
}

/// What the rules found, and how it stands.
#[derive(Debug, Clone)]
pub struct Seen {
    pub overlay: Overlay,
    pub in_force: InForce,
    pub book: Book,
    /// Some program watches these rules, and sends.
    pub is_watched: bool,
    watch: Watch,
    /// Of actions at which a rule went off, the alert and the worst hit.
    lines: HashMap<ActionIx, (usize, usize)>,
    /// What went wrong with the file of states.
    pub problems: Vec<String>,
    /// Alerts that somebody should look at.
    unseen: usize,
}

impl Seen {
    pub fn alerts(&self) -> &[Alert] {
        self.overlay.alerts()
    }

    pub fn rules(&self) -> &Rules {
        &self.in_force.rules
    }

    pub fn key(&self, alert: &Alert) -> String {
        alert.key(&self.in_force.rules)
    }

    pub fn kept(&self, alert: &Alert) -> Option<&Kept> {
        self.book.alerts.get(&self.key(alert))
    }

    /// What went off at an action.
    pub fn went_off(&self, ix: ActionIx) -> Option<(&Alert, &Hit)> {
        let (alert, hit) = self.lines.get(&ix)?;
        let alert = self.alerts().get(*alert)?;
        Some((alert, alert.hits.get(*hit)?))
    }

    pub fn is_evidence(&self, ix: ActionIx) -> bool {
        self.overlay.of_action(ix).next().is_some()
    }

    /// Those that fire and that nobody knows about. Of traces that are not followed nobody was told, so all of them count.
    fn count(&mut self, is_live: bool, now: i64) {
        let is_unseen = |alert: &&Alert| {
            let Some(kept) = self.kept(alert) else {
                return false;
            };
            let machine = &kept.machine;
            let is_known = machine.acked.is_some() || machine.is_snoozed(now);
            let fires =
                machine.state == State::Firing || (machine.state == State::Resolved && !is_live);
            fires && !is_known && alert.level() > Level::Info
        };
        self.unseen = self.alerts().iter().filter(is_unseen).count();
    }

    fn index(&mut self) {
        self.lines.clear();
        let mut worst: HashMap<ActionIx, Level> = HashMap::new();
        for (number, alert) in self.overlay.alerts().iter().enumerate() {
            for (at, hit) in alert.hits.iter().enumerate() {
                let known = worst.get(&hit.at);
                if known.is_none_or(|known| *known < hit.level) {
                    worst.insert(hit.at, hit.level);
                    self.lines.insert(hit.at, (number, at));
                }
            }
        }
    }
}

/// What the session knows of alerts.
#[derive(Debug, Default)]
pub struct Alerting {
    pub seen: Option<Arc<Seen>>,
    /// Why there is nothing.
    pub problem: Option<String>,
    /// Someone looks at the alerts: they are wanted however long it takes.
    pub is_wanted: bool,
    pub is_looking: bool,
    /// Something was learned since the last look.
    pub is_outdated: bool,
    /// Marks set here, for a session that remembers nothing.
    marks: Vec<(String, Mark)>,
    /// Who acknowledges; asked for once.
    pub name: Option<String>,
    /// The evidence that is walked through in the stream, in order.
    pub walk: Vec<ActionIx>,
}

/// Traces of up to this many actions are looked at without being asked.
const ALWAYS: u32 = 100_000;

/// Puts rules to a store, and reads how alerts stand; the work of a task.
#[derive(Debug)]
pub struct Looking {
    store: Store,
    source: Source,
    known: Option<Arc<Seen>>,
    marks: Vec<(String, Mark)>,
    context: Context,
    is_live: bool,
    /// In seconds.
    now: i64,
}

/// Looked, or why there are no rules.
pub type Looked = Result<Arc<Seen>, String>;

impl Looking {
    /// What is missing; none if nothing is, or while the traces are still read.
    pub fn wanted(session: &Session) -> Option<Looking> {
        let (alerting, store) = (&session.alerting, &session.loaded.store);
        let known = alerting.seen.as_ref();
        let is_known =
            known.is_some_and(|it| it.overlay.len == store.len()) && !alerting.is_outdated;
        let is_due = alerting.is_wanted || store.len() <= ALWAYS;
        let is_idle = !alerting.is_looking && !session.is_loading();
        let is_wanted = is_idle && is_due && !is_known && !store.is_empty();
        (is_wanted && alerting.problem.is_none()).then(|| Looking::again(session))
    }

    /// A look whether or not anything is known to have changed; rules are read again if none are known.
    pub fn again(session: &Session) -> Looking {
        Looking {
            store: session.loaded.store.clone(),
            source: session.setup.alerts.clone(),
            known: session.alerting.seen.clone(),
            marks: session.alerting.marks.clone(),
            context: filtering::context(session),
            is_live: session.trace.live,
            now: session.clock.now().div_euclid(1_000_000),
        }
    }

    pub fn run(&self, cancel: &CancelFlag) -> Looked {
        let store = &self.store;
        let (in_force, watch, overlay) = if let Some(known) = &self.known {
            let overlay = known.overlay.grown(store, &self.context, cancel);
            (known.in_force.clone(), known.watch.clone(), overlay)
        } else {
            let in_force = (self.source.read)(&self.source)?;
            let known = (Arc::clone(&in_force.known), &self.context);
            let overlay = Overlay::new(store, &in_force.rules, known, cancel);
            (in_force, Watch::default(), overlay)
        };
        let states = states(&self.source, &in_force);
        let is_watched = states.as_ref().is_some_and(AlertStates::is_watched);
        let (book, problems) = states
            .as_ref()
            .map_or_else(Default::default, AlertStates::read);
        let known = self.known.as_ref().map(|known| &known.book);
        let mut seen = Seen {
            overlay,
            in_force,
            book: joined(book, known, is_watched),
            is_watched,
            watch,
            lines: HashMap::new(),
            problems: problems.iter().map(ToString::to_string).collect(),
            unseen: 0,
        };
        let Seen {
            watch,
            book,
            overlay,
            ..
        } = &mut seen;
        watch.look((store, overlay), book, self.now);
        for (key, mark) in &self.marks {
            seen.book.mark(key, mark);
        }
        seen.index();
        seen.count(self.is_live, self.now);
        Ok(Arc::new(seen))
    }
}

/// The file tells what a watcher found; where nobody watches, it tells only marks, and the rest is what was found here.
fn joined(file: Book, known: Option<&Book>, is_watched: bool) -> Book {
    let mut book = file;
    for (key, own) in known.into_iter().flat_map(|known| &known.alerts) {
        match book.alerts.entry(key.clone()) {
            Entry::Vacant(place) => {
                place.insert(own.clone());
            }
            Entry::Occupied(_) if is_watched => {}
            Entry::Occupied(mut place) => {
                let kept = place.get();
                let (acked, snoozed) = (kept.machine.acked.clone(), kept.machine.snoozed);
                let mut own = own.clone();
                (own.machine.acked, own.machine.snoozed) = (acked, snoozed);
                place.insert(own);
            }
        }
    }
    book
}

/// Where the states of the alerts of these rules are kept.
pub fn states(source: &Source, in_force: &InForce) -> Option<AlertStates> {
    let folder = source.state.as_deref()?;
    Some(AlertStates::of(folder, in_force.path.as_deref()))
}

impl Session {
    /// Takes what was found, and lays it over the stream.
    pub fn take_alerts(&mut self, looked: Looked) {
        self.alerting.is_looking = false;
        match looked {
            Ok(seen) => {
                let known = self.alerting.seen.as_ref();
                let is_new = |it: &&String| known.is_none_or(|known| !known.problems.contains(it));
                let problems: Vec<String> = seen.problems.iter().filter(is_new).cloned().collect();
                for words in &problems {
                    self.fail(words);
                }
                self.loaded.alerts = Some(Arc::clone(&seen));
                self.alerting.seen = Some(seen);
            }
            Err(words) => {
                if self.alerting.is_wanted || self.setup.alerts.path.is_some() {
                    self.fail(&words);
                }
                self.alerting.problem = Some(words);
            }
        }
    }

    /// Puts a mark on an alert, until the session ends or the file of states tells.
    pub fn mark_alert(&mut self, key: &str, mark: Mark) {
        self.alerting.marks.retain(|(known, _)| known != key);
        self.alerting.marks.push((key.to_owned(), mark));
        self.alerting.is_outdated = true;
    }

    /// How many alerts somebody should look at.
    pub fn unseen_alerts(&self) -> usize {
        self.alerting.seen.as_ref().map_or(0, |seen| seen.unseen)
    }
}
