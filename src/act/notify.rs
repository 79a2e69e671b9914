//! Sends alerts to sinks. Each sink has its own thread and queue, so that a slow one does not hold up the others. No
//! message is delivered twice, and failed deliveries are reported.
//!
//! Messages arrive sanitised and masked. Secrets are read from the environment once, and appear in no error.

mod command;
#[cfg(feature = "capture")]
mod heartbeat;
#[cfg(feature = "capture")]
mod http;
mod terminal;

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded, unbounded};
use serde_json::Value;

#[cfg(feature = "capture")]
pub use heartbeat::Heartbeat;
#[cfg(feature = "capture")]
pub use http::Network;

use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::rules::{Sink, SinkKind};
use crate::analysis::alerts::state::Event;

#[cfg(test)]
mod tests;

/// One notification. All texts are sanitised and masked.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub event: Event,
    pub level: Level,
    /// The same for all messages about one alert.
    pub key: String,
    pub rule: String,
    pub run: String,
    pub agent: String,
    /// One line: what, and where.
    pub title: String,
    /// The arithmetic.
    pub text: String,
    /// Since the Unix epoch, as RFC 3339.
    pub at: String,
    /// How many alerts were held back before this one.
    pub held: u32,
    /// The alert as JSON, with its event.
    pub alert: Value,
}

/// The outcome of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub sink: String,
    pub key: String,
    pub event: Event,
    /// Why it did not arrive.
    pub outcome: Result<(), String>,
}

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Done,
    /// A retry would not help.
    Never(String),
    /// A retry may work, after the delay if the sink named one.
    Later(String, Option<Duration>),
}

/// Delivers messages to a sink.
trait Deliver: Send {
    fn deliver(&mut self, message: &Message) -> Verdict;
}

/// Rate limits and retries of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tempo {
    /// Between two messages.
    pub gap: Duration,
    /// Delay before the first retry; doubled for each further one.
    pub first: Duration,
    pub most: Duration,
    pub tries: u32,
}

/// The most messages queued for a sink; further ones are dropped.
const QUEUE: usize = 100;
/// The longest delay between retries, whatever the sink asks for.
const LONGEST: Duration = Duration::from_hours(1);

const fn tempo(gap: u64, first: u64, most: u64, tries: u32) -> Tempo {
    Tempo {
        gap: Duration::from_secs(gap),
        first: Duration::from_secs(first),
        most: Duration::from_secs(most),
        tries,
    }
}

impl Tempo {
    /// The limits that suit a kind of sink.
    pub fn of(kind: SinkKind) -> Tempo {
        match kind {
            SinkKind::Bell | SinkKind::Osc9 | SinkKind::Osc777 => tempo(1, 1, 1, 1),
            // A program that failed would fail again.
            SinkKind::Command => tempo(3, 1, 1, 1),
            SinkKind::Slack => tempo(1, 1, 300, 6),
            SinkKind::Pagerduty => tempo(0, 60, 960, 6),
            SinkKind::Webhook => tempo(0, 1, 300, 6),
        }
    }
}

/// Sends messages to sinks, and reports the outcomes.
#[derive(Debug)]
pub struct Notifier {
    sinks: Vec<Running>,
    reports: Receiver<Report>,
    /// Dropped to wake waiting sinks.
    stop: Option<Sender<()>>,
}

#[derive(Debug)]
struct Running {
    name: String,
    kind: SinkKind,
    queue: Option<Sender<Message>>,
    thread: JoinHandle<()>,
}

impl Notifier {
    /// Starts the sinks. The error names the sink that cannot be started, and why.
    pub fn start(sinks: &[Sink], tempo: impl Fn(SinkKind) -> Tempo) -> Result<Notifier, String> {
        let (reports_in, reports) = unbounded();
        let (stop, stopped) = bounded(0);
        let mut running = Vec::new();
        let mut opener = Opener::default();
        for sink in sinks {
            let channel = opener
                .open(sink)
                .map_err(|why| format!("sink {}: {why}", sink.name))?;
            let (queue, messages) = bounded(QUEUE);
            let worker = Worker {
                name: sink.name.clone(),
                channel,
                tempo: tempo(sink.kind),
                messages,
                reports: reports_in.clone(),
                stopped: stopped.clone(),
            };
            let thread = thread::Builder::new()
                .name(format!("sink-{}", sink.name))
                .spawn(move || worker.run())
                .map_err(|error| format!("sink {}: {error}", sink.name))?;
            running.push(Running {
                name: sink.name.clone(),
                kind: sink.kind,
                queue: Some(queue),
                thread,
            });
        }
        Ok(Notifier {
            sinks: running,
            reports,
            stop: Some(stop),
        })
    }

    /// Whether sinks of this kind get messages for the event.
    pub fn wants(kind: SinkKind, event: Event) -> bool {
        match kind {
            SinkKind::Pagerduty | SinkKind::Webhook => true,
            SinkKind::Slack | SinkKind::Command => event != Event::Acknowledge,
            SinkKind::Bell | SinkKind::Osc9 | SinkKind::Osc777 => event.is_bad(),
        }
    }

    /// Queues a message for a sink. The error says why it was not queued.
    pub fn send(&self, sink: &str, message: Message) -> Result<(), String> {
        let found = self.sinks.iter().find(|it| it.name == sink);
        let found = found.ok_or_else(|| format!("there is no sink {sink}"))?;
        if !Notifier::wants(found.kind, message.event) {
            return Ok(());
        }
        let ended = || format!("sink {sink} has ended");
        let queue = found.queue.as_ref().ok_or_else(ended)?;
        queue.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => {
                format!("sink {sink}: {QUEUE} messages already pending; dropped")
            }
            TrySendError::Disconnected(_) => ended(),
        })
    }

    /// The outcomes since the last call.
    pub fn reports(&self) -> impl Iterator<Item = Report> + '_ {
        self.reports.try_iter()
    }

    /// Waits until the queues are empty, but no longer than `patience`; then drops the rest.
    pub fn finish(mut self, patience: Duration) -> Vec<Report> {
        for sink in &mut self.sinks {
            sink.queue = None;
        }
        let until = Instant::now() + patience;
        let is_over = |sinks: &[Running]| sinks.iter().all(|it| it.thread.is_finished());
        while !is_over(&self.sinks) && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        self.stop = None;
        // A thread that is waiting for a response ends with the program.
        self.reports.try_iter().collect()
    }
}

/// The thread of one sink.
struct Worker {
    name: String,
    channel: Box<dyn Deliver>,
    tempo: Tempo,
    messages: Receiver<Message>,
    reports: Sender<Report>,
    stopped: Receiver<()>,
}

impl Worker {
    fn run(mut self) {
        let mut last: Option<Instant> = None;
        while let Ok(message) = self.messages.recv() {
            let wait = last.map_or(Duration::ZERO, |last| {
                self.tempo.gap.saturating_sub(last.elapsed())
            });
            if !self.waits(wait) {
                return;
            }
            let outcome = self.tell(&message);
            last = Some(Instant::now());
            let report = Report {
                sink: self.name.clone(),
                key: message.key,
                event: message.event,
                outcome,
            };
            if self.reports.send(report).is_err() {
                return;
            }
        }
    }

    fn tell(&mut self, message: &Message) -> Result<(), String> {
        let mut pause = self.tempo.first;
        for tried in 1.. {
            let (why, after) = match self.channel.deliver(message) {
                Verdict::Done => return Ok(()),
                Verdict::Never(why) => return Err(why),
                Verdict::Later(why, after) => (why, after),
            };
            if tried >= self.tempo.tries {
                return Err(format!("{why}; gave up after {tried} tries"));
            }
            // The delay that the sink asks for is kept, within reason.
            let wait = after.map_or(pause, |after| after.max(pause).min(LONGEST));
            if !self.waits(wait) {
                return Err(format!("{why}; gave up when the program ended"));
            }
            pause = pause.saturating_mul(2).min(self.tempo.most);
        }
        Ok(())
    }

    /// Waits; false if the program is ending.
    fn waits(&self, time: Duration) -> bool {
        time.is_zero() || self.stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
    }
}

/// Opens sinks; those that need the network share one client.
#[derive(Default)]
struct Opener {
    #[cfg(feature = "capture")]
    network: Option<Network>,
}

impl Opener {
    fn open(&mut self, sink: &Sink) -> Result<Box<dyn Deliver>, String> {
        match sink.kind {
            SinkKind::Bell | SinkKind::Osc9 | SinkKind::Osc777 => {
                Ok(Box::new(terminal::Terminal::new(sink.kind)))
            }
            SinkKind::Command => Ok(Box::new(command::Program::new(&sink.command)?)),
            SinkKind::Slack | SinkKind::Pagerduty | SinkKind::Webhook => self.http(sink),
        }
    }

    #[cfg(feature = "capture")]
    fn http(&mut self, sink: &Sink) -> Result<Box<dyn Deliver>, String> {
        if self.network.is_none() {
            self.network = Some(Network::start()?);
        }
        let network = self.network.as_ref().ok_or("no network")?;
        Ok(Box::new(http::Http::new(network, sink)?))
    }

    #[cfg(not(feature = "capture"))]
    fn http(&mut self, _: &Sink) -> Result<Box<dyn Deliver>, String> {
        Err("this program was built without the network (feature capture)".to_owned())
    }
}
