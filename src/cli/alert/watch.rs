//! `alert watch`: applies rules to runs while they are written, prints a line for each change, and notifies the sinks.
//!
//! The state file is read, changed and saved under one lock, so that an acknowledgement from elsewhere is never lost.
//! Only one program sends at a time; the others only show.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

#[cfg(feature = "capture")]
use crate::act::notify::{Heartbeat, Network};
use crate::act::notify::{Notifier, Tempo};
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::{Rules, Sink, SinkKind};
use crate::analysis::alerts::state::Book;
use crate::analysis::alerts::watch::{News, Watch};
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::cli::alert::reporting::{Reported, Reporter};
use crate::cli::alert::sources::{self, InForce, split};
use crate::cli::alert::trips;
use crate::cli::args::Paths;
use crate::cli::failure::{Exit, Failure};
use crate::cli::{Cx, filter};
use crate::ingest::Loaded;
use crate::ingest::intake::{self, Messages};
use crate::ingest::notice::NoticeKind;
use crate::model::quantity::Time;
use crate::state::alerts::{AlertStates, Sender};
use crate::store::Store;

/// Watch runs while they are written: print a line for each alert, and notify the sinks of the rules
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui alert watch runs/                          rings the terminal bell when a rule trips
  saferun-tui alert watch alerts.toml runs/ --jsonl      one line of JSON for each change
  saferun-tui alert watch runs/ --sink oncall --heartbeat https://hc.example/ping/…

A warning is printed; a trip is also sent to the sinks of the rules, or rings the bell if there are none (on_warn and \
on_trip change that). Alerts from before watching began are printed as old and never sent, except with --backlog. A sink \
gets at most 5 new alerts an hour (per_hour); the rest are counted, and the next message says how many.

Acknowledge with `alert ack ID`, or in view 6 of the explorer. A second watcher of the same rules prints only. \
SIGHUP reloads the rules; if the new ones have a mistake, the old ones stay in force.

Rules stop a run (on_trip = [\"stop\"]) only with [breaker] armed = true in the rules file of your settings, which must \
be yours and writable by no one else. Otherwise the line says \"stop (dry)\".")]
pub(super) struct WatchRuns {
    /// A rules file (.toml), then the traces: files (which need not exist yet), folders, globs
    #[command(flatten)]
    paths: Paths,
    /// The rules file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Notify only this sink of the rules, or one of: bell, osc9, osc777; may be given several times
    #[arg(long, value_name = "NAME")]
    sink: Vec<String>,
    /// Request this URL every minute while traces are read, so that a dead watcher is noticed
    #[arg(long, value_name = "URL")]
    heartbeat: Option<String>,
    /// Also send alerts from before watching began
    #[arg(long)]
    backlog: bool,
    /// Poll for changes instead of relying on notifications from the system
    #[arg(long)]
    poll: bool,
}

/// How long to wait for messages before checking marks and clocks.
const TICK: Duration = Duration::from_millis(250);
/// The minimum time between two evaluations of a growing trace.
const PAUSE: Duration = Duration::from_millis(100);
/// How often marks and repeated notifications are checked.
const RECHECK: Duration = Duration::from_secs(1);
/// How long sinks may take to finish at exit.
const PATIENCE: Duration = Duration::from_secs(10);
#[cfg(feature = "capture")]
const BEAT: Duration = Duration::from_mins(1);

impl WatchRuns {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let (given, paths) = split(self.paths.clone(), self.rules.clone());
        let in_force = InForce::read(cx, given.as_deref())?;
        let is_own = given.is_none();
        let signals = Signals::watch()?;
        let messages = intake::follow(paths.or_stdin()?, cx.load.options.clone(), self.poll)?;
        let mut watcher = Watcher::start(cx, &self, in_force, (given, is_own))?;
        let exit = watcher.follow(cx, &messages, &signals)?;
        watcher.finish(cx);
        Ok(exit)
    }
}

/// Signals received.
struct Signals {
    reload: Arc<AtomicBool>,
    /// The number of the signal that ends us; 0 for none.
    end: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
}

impl Signals {
    fn watch() -> anyhow::Result<Signals> {
        let signals = Signals {
            reload: Arc::default(),
            end: Arc::default(),
            ends: Arc::default(),
        };
        flag::register(SIGHUP, Arc::clone(&signals.reload))?;
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal only sets the flag that makes the second one fatal.
            flag::register_conditional_default(signal, Arc::clone(&signals.ends))?;
            flag::register(signal, Arc::clone(&signals.ends))?;
            flag::register_usize(signal, Arc::clone(&signals.end), signal as usize)?;
        }
        Ok(signals)
    }

    fn ended(&self) -> Option<Exit> {
        let signal = self.end.load(Ordering::Relaxed);
        (signal != 0).then(|| Exit::Signal(u8::try_from(signal).unwrap_or(0)))
    }
}

/// A growing store, the rules over it, and the sinks.
struct Watcher {
    in_force: InForce,
    given: Option<PathBuf>,
    is_own: bool,
    /// Why a breaker that the rules arm is not armed.
    disarmed: Option<String>,
    store: Store,
    overlay: Option<Overlay>,
    watch: Watch,
    states: Option<AlertStates>,
    /// States in memory, where none are saved or another program saves them.
    book: Book,
    /// The lock of the sending program; none if another program holds it.
    sender: Option<Sender>,
    notifier: Option<Notifier>,
    wanted: Vec<String>,
    backlog: bool,
    looked: Instant,
    is_current: bool,
    is_stale: bool,
    gone: HashSet<PathBuf>,
    #[cfg(feature = "capture")]
    heartbeat: Option<Heartbeat>,
}

impl Watcher {
    fn start(
        cx: &Cx,
        asked: &WatchRuns,
        in_force: InForce,
        (given, is_own): (Option<PathBuf>, bool),
    ) -> anyhow::Result<Watcher> {
        let states = sources::states(cx, &in_force);
        let sender = match &states {
            Some(states) => states.sender()?,
            None => None,
        };
        let sends = states.is_none() || sender.is_some();
        let known = states.as_ref().filter(|_| !sends);
        let known = known.map_or_else(Book::new, |states| states.read().0);
        let mut watcher = Watcher {
            disarmed: trips::disarmed(&in_force, is_own),
            in_force,
            given,
            is_own,
            store: Store::new(),
            overlay: None,
            watch: Watch::default(),
            states,
            book: known,
            sender,
            notifier: None,
            wanted: asked.sink.clone(),
            backlog: asked.backlog,
            looked: Instant::now(),
            is_current: false,
            is_stale: false,
            gone: HashSet::new(),
            #[cfg(feature = "capture")]
            heartbeat: None,
        };
        watcher.in_force.rules = Arc::new(with_sinks(&watcher.in_force.rules, &asked.sink)?);
        if sends {
            watcher.notifier = Some(watcher.notifier()?);
        } else {
            cx.notes
                .note("another program watches these rules: alerts are shown here and sent there");
        }
        watcher.beat(asked)?;
        Ok(watcher)
    }

    fn notifier(&self) -> Result<Notifier, Failure> {
        Notifier::start(&self.in_force.rules.sinks, Tempo::of).map_err(Failure::Usage)
    }

    #[cfg(feature = "capture")]
    fn beat(&mut self, asked: &WatchRuns) -> Result<(), Failure> {
        if let Some(url) = &asked.heartbeat {
            let network = Network::start().map_err(Failure::Usage)?;
            let beat = Heartbeat::start(&network, url, BEAT);
            self.heartbeat = Some(beat.map_err(Failure::Usage)?);
        }
        Ok(())
    }

    #[cfg(not(feature = "capture"))]
    fn beat(&mut self, asked: &WatchRuns) -> Result<(), Failure> {
        match asked.heartbeat {
            Some(_) => Err(Failure::Usage(
                "this program was built without the network (feature capture)".to_owned(),
            )),
            None => Ok(()),
        }
    }

    fn introduce(&self, cx: &Cx) {
        let rules = &self.in_force.rules;
        let path = self.in_force.path.as_deref().unwrap_or("built in");
        let count = human::counted(rules.rules.len() as u64, "rule");
        let sinks: Vec<&str> = rules.sinks.iter().map(|it| it.name.as_str()).collect();
        let sinks = if sinks.is_empty() {
            "no sink".to_owned()
        } else {
            sinks.join(", ")
        };
        let armed = match (&self.disarmed, rules.breaker.armed) {
            (Some(why), _) => format!(" · breaker not armed: {why}"),
            (None, true) => " · breaker ARMED".to_owned(),
            (None, false) => String::new(),
        };
        cx.notes.note(&format!(
            "watching · rules {path} ({count}) · {sinks}{armed}"
        ));
    }

    fn follow(
        &mut self,
        cx: &mut Cx,
        messages: &Messages,
        signals: &Signals,
    ) -> anyhow::Result<Exit> {
        loop {
            if let Some(exit) = signals.ended() {
                return Ok(exit);
            }
            if signals.reload.swap(false, Ordering::Relaxed) {
                self.reload(cx);
            }
            let is_over = match messages.recv_timeout(TICK) {
                Ok(message) => {
                    self.take(cx, message);
                    while let Ok(message) = messages.try_recv() {
                        self.take(cx, message);
                    }
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.is_current |= is_over;
            let is_due = self.is_stale && self.looked.elapsed() >= PAUSE;
            let is_first = self.is_current && self.overlay.is_none();
            if self.is_current
                && (is_first || is_due || is_over || self.looked.elapsed() >= RECHECK)
            {
                self.look(cx)?;
            }
            if is_first {
                self.introduce(cx);
            }
            self.report(cx);
            self.touch();
            if is_over {
                return Ok(Exit::Done);
            }
        }
    }

    fn take(&mut self, cx: &Cx, message: Loaded) {
        match &message {
            Loaded::Notice(notice) => {
                let words = format!("{} {}", notice.path.display(), notice.kind.words());
                match notice.kind {
                    NoticeKind::Watching => {}
                    NoticeKind::Gap => {
                        self.gone.insert(notice.path.clone());
                        cx.notes.note(&words);
                    }
                    NoticeKind::Truncated
                    | NoticeKind::Rotated
                    | NoticeKind::Replaced
                    | NoticeKind::Partial
                    | NoticeKind::Polling
                    | NoticeKind::Mixed
                    | NoticeKind::Stranger(_) => {
                        self.gone.remove(&notice.path);
                        cx.notes.detail(&words);
                    }
                }
            }
            Loaded::Done => self.is_current = true,
            Loaded::Batch(_) => self.gone.clear(),
            Loaded::Sources(_)
            | Loaded::Progress { .. }
            | Loaded::Preview(_)
            | Loaded::Finished { .. }
            | Loaded::Failed(_) => {}
        }
        if let Some(error) = self.store.apply(message) {
            cx.notes.error(&error.to_string());
        }
        self.is_stale = true;
    }

    /// A heartbeat is sent only while something can be read.
    #[cfg(feature = "capture")]
    fn touch(&self) {
        let sources = self.store.sources().len();
        let reads = sources == 0 || self.gone.len() < sources;
        if let Some(beat) = self.heartbeat.as_ref().filter(|_| reads) {
            beat.touch();
        }
    }

    #[cfg(not(feature = "capture"))]
    fn touch(&self) {}

    /// Applies the rules to new actions, prints what changed, and notifies the sinks.
    fn look(&mut self, cx: &mut Cx) -> anyhow::Result<()> {
        let context = filter::context(cx);
        let cancel = CancelFlag::new();
        let now = System.now();
        let rules = &self.in_force.rules;
        let is_due = self.is_stale || self.looked.elapsed() >= RECHECK;
        let overlay = match self.overlay.take() {
            None => {
                let known = (Arc::from(self.in_force.known.clone()), &context);
                Overlay::new(&self.store, rules, known, &cancel)
            }
            Some(known) if self.is_stale => known.grown(&self.store, &context, &cancel),
            Some(known) => known,
        };
        let overlay = if rules.watch_pauses() && is_due {
            overlay.at(Time(now), (&self.store, &context), &cancel)
        } else {
            overlay
        };
        (self.is_stale, self.looked) = (false, Instant::now());
        self.take_over(cx)?;
        let reported = self.evaluate(cx, &overlay, now)?;
        for one in &reported {
            if self.notifier.is_some() {
                trips::act(
                    cx,
                    &self.in_force,
                    (&self.store, &overlay),
                    one,
                    self.disarmed.is_none(),
                );
            }
            one.print(cx)?;
        }
        if !reported.is_empty() {
            cx.out.flush()?;
        }
        self.overlay = Some(overlay);
        Ok(())
    }

    /// Starts sending if the program that did has ended.
    fn take_over(&mut self, cx: &Cx) -> anyhow::Result<()> {
        let Some(states) = self.states.as_ref().filter(|_| self.sender.is_none()) else {
            return Ok(());
        };
        if let Some(sender) = states.sender()? {
            self.notifier = Some(self.notifier()?);
            self.sender = Some(sender);
            cx.notes
                .note("the other program has ended: alerts are sent from here now");
        }
        Ok(())
    }

    /// Moves the states, and decides which sinks get which message.
    fn evaluate(&mut self, cx: &Cx, overlay: &Overlay, now: i64) -> anyhow::Result<Vec<Reported>> {
        let Watcher {
            watch,
            store,
            states,
            book,
            notifier,
            in_force,
            backlog,
            disarmed,
            ..
        } = self;
        let reporter = Reporter {
            store,
            overlay,
            in_force,
            notifier: notifier.as_ref(),
            backlog: *backlog,
            is_armed: in_force.rules.breaker.armed && disarmed.is_none(),
            now,
        };
        let mut step = |book: &mut Book| {
            let news: Vec<News> = watch.look((store, overlay), book, now.div_euclid(1_000_000));
            let reported = news.iter().map(|news| reporter.report(news, book));
            reported.collect::<Vec<Reported>>()
        };
        let Some(states) = states else {
            return Ok(step(book));
        };
        if notifier.is_none() {
            // A watcher that does not send keeps what it has shown in memory.
            take_marks(book, &states.read().0);
            return Ok(step(book));
        }
        let (reported, problems) = states.update(step)?;
        for problem in problems {
            cx.notes.error(&problem.to_string());
        }
        Ok(reported)
    }

    /// Saves the outcome of each message, and reports those that did not arrive.
    fn report(&mut self, cx: &Cx) {
        let reports: Vec<_> = self.notifier.iter().flat_map(Notifier::reports).collect();
        self.keep(cx, &reports);
        #[cfg(feature = "capture")]
        if let Some(why) = self.heartbeat.as_ref().and_then(Heartbeat::failure) {
            cx.notes.error(&format!("heartbeat: {why}"));
        }
    }

    fn keep(&mut self, cx: &Cx, reports: &[crate::act::notify::Report]) {
        if reports.is_empty() {
            return;
        }
        for report in reports {
            if let Err(why) = &report.outcome {
                cx.notes.error(&format!("sink {}: {why}", report.sink));
            }
        }
        let now = System.now().div_euclid(1_000_000);
        let write = |book: &mut Book| {
            for report in reports {
                if let Some(kept) = book.alerts.get_mut(&report.key) {
                    let sent = (now, report.outcome.is_ok());
                    kept.sent.insert(report.sink.clone(), sent);
                }
            }
        };
        match &self.states {
            Some(states) => {
                if let Err(error) = states.update(write) {
                    cx.notes
                        .error(&format!("{}: not saved: {error}", states.path().display()));
                }
            }
            None => write(&mut self.book),
        }
    }

    /// Reloads the rules; if they have a mistake, the old ones stay in force.
    fn reload(&mut self, cx: &Cx) {
        let read = InForce::read(cx, self.given.as_deref()).and_then(|mut new| {
            new.rules = Arc::new(with_sinks(&new.rules, &self.wanted)?);
            let notifier = Notifier::start(&new.rules.sinks, Tempo::of).map_err(Failure::Usage)?;
            Ok((new, notifier))
        });
        match read {
            Ok((new, notifier)) => {
                self.disarmed = trips::disarmed(&new, self.is_own);
                self.in_force = new;
                self.overlay = None;
                self.watch = Watch::default();
                if let Some(old) = self.notifier.replace(notifier) {
                    let reports = old.finish(PATIENCE);
                    self.keep(cx, &reports);
                }
                if self.states.is_some() && self.sender.is_none() {
                    self.notifier = None;
                }
                cx.notes.note("rules reloaded");
            }
            Err(failure) => cx
                .notes
                .error(&format!("{failure}\nthe rules stay as they were")),
        }
    }

    /// Waits a little for messages that are still being sent.
    fn finish(mut self, cx: &Cx) {
        if let Some(notifier) = self.notifier.take() {
            let reports = notifier.finish(PATIENCE);
            self.keep(cx, &reports);
        }
    }
}

/// Copies the marks that people set elsewhere.
fn take_marks(book: &mut Book, file: &Book) {
    for (key, kept) in &mut book.alerts {
        if let Some(other) = file.alerts.get(key) {
            kept.machine.acked.clone_from(&other.machine.acked);
            kept.machine.snoozed = other.machine.snoozed;
        }
    }
}

/// The rules with the sinks to notify: those given on the command line, else those of the rules, else the bell.
fn with_sinks(rules: &Rules, wanted: &[String]) -> Result<Rules, Failure> {
    let mut rules = rules.clone();
    if wanted.is_empty() {
        if rules.sinks.is_empty() {
            rules
                .sinks
                .push(Sink::new(SinkKind::Bell.word(), SinkKind::Bell));
        }
        return Ok(rules);
    }
    let terminal = [SinkKind::Bell, SinkKind::Osc9, SinkKind::Osc777];
    let one = |name: &String| {
        let own = rules.sinks.iter().find(|it| it.name == *name).cloned();
        let usual = || {
            terminal
                .iter()
                .find(|it| it.word() == name)
                .map(|it| Sink::new(name, *it))
        };
        own.or_else(usual).ok_or_else(|| {
            let known = rules.sinks.iter().map(|it| it.name.as_str());
            let known = known.chain(terminal.iter().map(|it| it.word()));
            let known = known.collect::<Vec<_>>().join(", ");
            Failure::Usage(format!("no sink '{name}' ({known})"))
        })
    };
    let sinks: Result<Vec<Sink>, Failure> = wanted.iter().map(one).collect();
    rules.sinks = sinks?;
    Ok(rules)
}
