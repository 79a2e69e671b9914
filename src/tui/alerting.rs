//! Alerts in the open traces: where the rules come from, what they find, and the state of each alert. Shared by the
//! views; a task of the alerts view evaluates the rules.

use std::collections::HashMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::engine::Hit;
use crate::analysis::alerts::history::baseline::Known;
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::{BUILT_IN, Rules};
use crate::analysis::alerts::state::{AlertRecord, Book, Mark, State};
use crate::analysis::alerts::watch::{Traces, Watch};
use crate::base::cancel::CancelFlag;
use crate::base::sha256;
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::query::Context;
use crate::state::alerts::AlertStates;
use crate::store::Store;
use crate::tui::filtering;
use crate::tui::session::Session;

/// Where the rules come from. Only a task reads them.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file named by the command line or the settings.
    pub path: Option<PathBuf>,
    /// It is the file of the settings, the only one that may arm a breaker.
    pub is_own: bool,
    /// The state folder; without one, nothing is remembered.
    pub state: Option<PathBuf>,
    /// Reads the named file; without one, the usual file, else the built-in rules.
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
    /// Why the breaker is not armed although the rules arm it, if that is so.
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

/// What the rules found, and the state of each alert.
#[derive(Debug, Clone)]
pub struct Evaluation {
    pub overlay: Overlay,
    pub in_force: InForce,
    pub book: Book,
    /// A watcher evaluates these rules and sends notifications.
    pub is_watched: bool,
    watch: Watch,
    /// The alert and its worst hit, for each action at which a rule went off.
    lines: HashMap<ActionIx, (usize, usize)>,
    /// Problems with the state file.
    pub problems: Vec<String>,
    /// When the clock alone may raise the next alert.
    due: Option<Time>,
    /// The number of alerts that need attention.
    unseen: usize,
}

impl Evaluation {
    pub fn alerts(&self) -> &[Alert] {
        self.overlay.alerts()
    }

    pub fn rules(&self) -> &Rules {
        &self.in_force.rules
    }

    pub fn key(&self, alert: &Alert) -> String {
        alert.key(&self.in_force.rules)
    }

    pub fn kept(&self, alert: &Alert) -> Option<&AlertRecord> {
        self.book.alerts.get(&self.key(alert))
    }

    /// What went off at an action.
    pub fn fired_at(&self, ix: ActionIx) -> Option<(&Alert, &Hit)> {
        let (alert, hit) = self.lines.get(&ix)?;
        let alert = self.alerts().get(*alert)?;
        Some((alert, alert.hits.get(*hit)?))
    }

    pub fn is_evidence(&self, ix: ActionIx) -> bool {
        self.overlay.of_action(ix).next().is_some()
    }

    /// Counts the firing alerts that are neither acknowledged nor snoozed.
    fn count(&mut self, now: i64) {
        let is_unseen = |alert: &&Alert| {
            let Some(kept) = self.kept(alert) else {
                return false;
            };
            let machine = &kept.machine;
            let is_known = machine.acked.is_some() || machine.is_snoozed(now);
            machine.state == State::Firing && !is_known && alert.level() > Level::Info
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

/// The session's alerts.
#[derive(Debug, Default)]
pub struct Alerting {
    pub seen: Option<Arc<Evaluation>>,
    /// Why there are none.
    pub problem: Option<String>,
    /// The alerts view was opened: evaluate the rules however long it takes.
    pub is_wanted: bool,
    pub is_looking: bool,
    /// The traces have changed since the last evaluation.
    pub is_outdated: bool,
    /// Marks set in a session without a state folder.
    marks: Vec<(String, Mark)>,
    /// The name for acknowledgements; asked for once.
    pub name: Option<String>,
    /// The evidence that the stream steps through, in order.
    pub walk: Vec<ActionIx>,
}

/// The rules are evaluated without being asked for in traces of up to this many actions and bytes: streaks need every
/// call to be opened once.
const ALWAYS: u32 = 100_000;
const ALWAYS_BYTES: u64 = 256 << 20;

/// Evaluates the rules over a store, and reads the states of the alerts; the work of a task.
#[derive(Debug)]
pub struct Looking {
    store: Store,
    source: Source,
    known: Option<Arc<Evaluation>>,
    marks: Vec<(String, Mark)>,
    context: Context,
    is_live: bool,
    now: Time,
}

/// The findings, or why there are no rules.
pub type Looked = Result<Arc<Evaluation>, String>;

impl Looking {
    /// The evaluation that is due, if any; none while the traces are still being read.
    pub fn wanted(session: &Session) -> Option<Looking> {
        let (alerting, store) = (&session.alerting, &session.loaded.store);
        let known = alerting.seen.as_ref();
        let is_known =
            known.is_some_and(|it| it.overlay.len == store.len()) && !alerting.is_outdated;
        let is_idle = !alerting.is_looking && !session.is_loading();
        let may = is_idle && !is_known && !store.is_empty() && alerting.problem.is_none();
        let is_small = || store.len() <= ALWAYS && session.bytes() <= ALWAYS_BYTES;
        (may && (alerting.is_wanted || is_small())).then(|| Looking::again(session))
    }

    /// An evaluation whether or not anything has changed; rereads the rules if none are known.
    pub fn again(session: &Session) -> Looking {
        Looking {
            store: session.loaded.store.clone(),
            source: session.setup.alerts.clone(),
            known: session.alerting.seen.clone(),
            marks: session.alerting.marks.clone(),
            context: filtering::context(session),
            is_live: session.trace.live,
            now: Time(session.clock.now()),
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
        // Only a trace that may still grow can pause, and only the clock tells.
        let can_pause = self.is_live && overlay.next_pause(Time::NONE).is_some();
        let overlay = if can_pause {
            overlay.at(self.now, (store, &self.context), cancel)
        } else {
            overlay
        };
        let due = overlay.next_pause(self.now).filter(|_| self.is_live);
        let states = states(&self.source, &in_force);
        let is_watched = states.as_ref().is_some_and(AlertStates::is_watched);
        let (book, problems) = states
            .as_ref()
            .map_or_else(Default::default, AlertStates::read);
        let known = self.known.as_ref().map(|known| &known.book);
        let mut seen = Evaluation {
            overlay,
            in_force,
            book: joined(book, known, is_watched),
            is_watched,
            watch,
            lines: HashMap::new(),
            problems: problems.iter().map(ToString::to_string).collect(),
            due,
            unseen: 0,
        };
        let Evaluation {
            watch,
            book,
            overlay,
            ..
        } = &mut seen;
        let now = self.now.0.div_euclid(1_000_000);
        watch.traces = if self.is_live {
            Traces::Growing
        } else {
            Traces::Read
        };
        watch.look((store, overlay), book, now);
        for (key, mark) in &self.marks {
            seen.book.mark(key, mark);
        }
        seen.index();
        seen.count(now);
        Ok(Arc::new(seen))
    }
}

/// With a watcher, its states from the file apply; without one, only the marks from the file, and our own states.
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

/// The file with the alert states for these rules.
pub fn states(source: &Source, in_force: &InForce) -> Option<AlertStates> {
    let folder = source.state.as_deref()?;
    Some(AlertStates::of(folder, in_force.path.as_deref()))
}

impl Session {
    /// Takes the findings, and overlays them on the stream.
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

    /// Marks an alert, for the rest of the session.
    pub fn mark_alert(&mut self, key: &str, mark: Mark) {
        self.alerting.marks.retain(|(known, _)| known != key);
        self.alerting.marks.push((key.to_owned(), mark));
        self.alerting.is_outdated = true;
    }

    /// Time until the clock alone may raise an alert: a run that goes silent adds nothing to the trace. None while an
    /// evaluation is running or due anyway.
    pub fn alert_due(&self) -> Option<Duration> {
        let alerting = &self.alerting;
        if alerting.is_looking || alerting.is_outdated {
            return None;
        }
        let due = alerting.seen.as_ref()?.due?.get()?;
        let left = due.saturating_sub(self.clock.now()).max(0);
        Some(Duration::from_micros(left.unsigned_abs()))
    }

    /// How many alerts need attention.
    pub fn unseen_alerts(&self) -> usize {
        self.alerting.seen.as_ref().map_or(0, |seen| seen.unseen)
    }
}
