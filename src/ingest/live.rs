//! Following traces while they are written: what is appended becomes batches, as when a file is opened.
//!
//! One thread looks at all files in turn. Looking is cheap, and what the kernel reports of changes is
//! only a hint to look now (`watch`): nothing is missed where it reports nothing. What a file went
//! through (rotated, cut, written anew) is for `follow` to see, and is told as a notice; to everybody
//! above it is one source that grows (`log`).

mod follow;
mod log;
mod pipe;
mod watch;

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

pub use log::Log;

use self::follow::{Follower, Happening};
use self::log::RECENT;
use self::pipe::Pipe;
use self::watch::Watch;
use crate::ingest::aside::Aside;
use crate::ingest::assemble::merge::{self, Origin, Told};
use crate::ingest::assemble::{Assembler, Builder};
use crate::ingest::bytes::Bytes;
use crate::ingest::discover::{self, Input};
use crate::ingest::fact::Decoded;
use crate::ingest::formats::{Format, any_json, sniff};
use crate::ingest::kin::Kin;
use crate::ingest::loader::Options;
use crate::ingest::messages::{Listener, Messages};
use crate::ingest::records::Framing;
use crate::ingest::records::lines::{Block, Desk};
use crate::ingest::{Error, Loaded, Source};
use crate::model::action::SourceIx;

/// Something happened to a file that whoever follows it should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    pub path: PathBuf,
    /// How many bytes of the file had been read.
    pub at: u64,
    /// Where in what was read of it so far, in bytes, something may be missing; none where nothing is.
    pub missing: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// It was cut: what was written and not read before is lost.
    Truncated,
    /// Another file has its name now; the old one was read to its end.
    Rotated,
    /// Its content was written anew.
    Replaced,
    /// Its last line has no end yet, and that has not changed for a while.
    Partial,
    /// It is gone; another with its name will be read.
    Gap,
    /// Changes are reported by the system.
    Watching,
    /// Changes are looked for, because the system does not report them.
    Polling,
}

impl NoticeKind {
    /// What it means, for a person.
    pub fn words(self) -> &'static str {
        match self {
            NoticeKind::Truncated => "was cut; what was written just before may be lost",
            NoticeKind::Rotated => "was rotated; the new file is followed",
            NoticeKind::Replaced => "was written anew",
            NoticeKind::Partial => "ends in half a line; it is shown when the rest comes",
            NoticeKind::Gap => "is gone; a new file with its name will be followed",
            NoticeKind::Watching => "is followed",
            NoticeKind::Polling => "is followed by looking again and again",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            NoticeKind::Truncated => "truncated",
            NoticeKind::Rotated => "rotated",
            NoticeKind::Replaced => "replaced",
            NoticeKind::Partial => "partial",
            NoticeKind::Gap => "gap",
            NoticeKind::Watching => "watching",
            NoticeKind::Polling => "polling",
        }
    }
}

/// How often files are looked at where the system reports changes, and where it does not.
const WATCHED: Duration = Duration::from_millis(250);
const POLLED: Duration = Duration::from_millis(50);
/// How often folders are looked through for new files.
const WALK: Duration = Duration::from_secs(1);
/// After so long without news what was kept back is told: spans whose trace is not whole yet.
const QUIET: Duration = Duration::from_secs(1);

/// How long a file whose first records tell no format is waited for.
const DOUBT: Duration = Duration::from_secs(2);
const QUEUE: usize = 8;
/// How long half a line may stay before that is told.
const STAYS: Duration = Duration::from_secs(2);
/// Lines are decoded this many bytes at a time.
const STEP: u64 = 512 << 10;

/// Starts to follow and returns at once; dropping the messages ends it. After [`Loaded::Done`] more comes.
/// `paths` are files (which need not exist yet), folders and globs; with `poll` the system is not asked to
/// report changes.
pub fn start(paths: Vec<PathBuf>, options: Options, poll: bool) -> std::io::Result<Messages> {
    let (sender, receiver) = bounded(QUEUE);
    let (messages, listener) = Messages::held(receiver);
    thread::Builder::new()
        .name("follow".to_owned())
        .spawn(move || {
            // Whoever asked may have gone away: then there is nothing left to do.
            let _ = Following::new(paths, options, sender).run(poll, &listener);
        })?;
    Ok(messages)
}

/// What the program takes besides: itself, what is decoded and on its way, what is opened to be shown.
const BESIDES: u64 = 64_000_000;

/// Of the memory a quarter is for the bytes of what is followed, and a half of the rest for its actions: what
/// is let go is not given back at once.
fn room(options: &Options) -> u64 {
    (options.memory - options.memory / 4).saturating_sub(BESIDES) / 2
}

/// Nobody listens any more.
struct Gone;

/// Where a trace comes from.
enum Feed {
    File(Follower),
    Pipe(Pipe),
}

impl Feed {
    fn log(&self) -> &Arc<Log> {
        match self {
            Feed::File(follower) => follower.log(),
            Feed::Pipe(pipe) => pipe.log(),
        }
    }
}

/// A trace that is followed, and what it was found to be.
struct Trace {
    path: PathBuf,
    feed: Feed,
    since: Instant,
    half: HalfLine,
    known: Option<Known>,
}

impl Trace {
    fn new(path: PathBuf, feed: Feed) -> Trace {
        Trace {
            path,
            feed,
            since: Instant::now(),
            half: HalfLine::default(),
            known: None,
        }
    }
}

/// A last line without an end, as it was seen last.
#[derive(Debug, Default)]
struct HalfLine {
    len: u64,
    since: Option<Instant>,
    /// The line that was told of, by where it begins.
    told: Option<u64>,
}

impl HalfLine {
    /// Tells of each half line once, when it has not grown for a while.
    fn look(&mut self, log: &Log) -> Option<Happening> {
        let (len, whole) = (log.len(), log.whole());
        if self.len != len || self.since.is_none() {
            (self.len, self.since) = (len, Some(Instant::now()));
        }
        let is_old = self.since.is_some_and(|since| since.elapsed() >= STAYS);
        if whole == len || !is_old || self.told == Some(whole) {
            return None;
        }
        self.told = Some(whole);
        Some(Happening {
            kind: NoticeKind::Partial,
            missing: None,
        })
    }
}

/// A file whose format is known: it has a place among the sources.
struct Known {
    source: Arc<Source>,
    ix: SourceIx,
    stem: String,
    group: usize,
    companion: bool,
    /// Bytes and lines that are decoded.
    done: u64,
    lines: u32,
    /// Where the bytes end of which the actions before one are made, of those that may go.
    ends: VecDeque<(u64, u32)>,
}

impl Known {
    /// The first action that may still have all its bytes, when those before `kept` are gone; `next` is the
    /// number of the next action.
    fn gone(&mut self, kept: u64, next: u32) -> u32 {
        if self.ends.back().is_none_or(|(end, _)| *end < self.done) {
            self.ends.push_back((self.done, next));
        }
        let mut first = 0;
        while self.ends.len() > 1 && self.ends.front().is_some_and(|(end, _)| *end <= kept) {
            let end = self.ends.pop_front();
            first = end.map_or(first, |(_, action)| action);
        }
        first
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            source: self.ix,
            stem: &self.stem,
            companion: self.companion,
        }
    }
}

/// Files that make up the same runs.
struct Group {
    assembler: Box<dyn Assembler>,
    companions: Vec<PathBuf>,
    /// When something came that the assembler may still keep back.
    heard: Option<Instant>,
}

struct Following {
    paths: Vec<PathBuf>,
    options: Options,
    sender: Sender<Loaded>,
    traces: Vec<Trace>,
    groups: Vec<Group>,
    followed: HashSet<PathBuf>,
    builder: Builder,
    desk: Desk,
    sources: u32,
    /// Among so many traces memory was shared out.
    shared: usize,
}

impl Following {
    fn new(paths: Vec<PathBuf>, options: Options, sender: Sender<Loaded>) -> Following {
        Following {
            builder: Builder::new(options.prices.clone()).within(room(&options)),
            paths,
            options,
            sender,
            traces: Vec::new(),
            groups: Vec::new(),
            followed: HashSet::new(),
            desk: Desk::default(),
            sources: 0,
            shared: 0,
        }
    }

    fn run(mut self, poll: bool, listener: &Listener) -> Result<(), Gone> {
        let watch = Watch::start(&self.paths, poll);
        let kind = if watch.is_reporting() {
            NoticeKind::Watching
        } else {
            NoticeKind::Polling
        };
        let mut walked = Instant::now();
        self.walk(&watch)?;
        self.look()?;
        self.tell(Loaded::Done)?;
        // From here on nothing that is written is passed over.
        for path in self.paths.clone() {
            self.tell(Loaded::Notice(Notice {
                kind,
                path,
                at: 0,
                missing: None,
            }))?;
        }
        loop {
            let pause = if watch.is_reporting() {
                WATCHED
            } else {
                POLLED
            };
            watch.wait(pause, listener)?;
            if walked.elapsed() >= WALK {
                self.walk(&watch)?;
                walked = Instant::now();
            }
            let is_over = self.is_over();
            self.look()?;
            if is_over {
                return self.finish();
            }
        }
    }

    /// Nothing can come any more: all there is are pipes that ended.
    fn is_over(&self) -> bool {
        let has_ended = |trace: &Trace| matches!(&trace.feed, Feed::Pipe(pipe) if pipe.has_ended());
        !self.traces.is_empty() && self.traces.iter().all(has_ended)
    }

    fn finish(&mut self) -> Result<(), Gone> {
        for group in &mut self.groups {
            group.assembler.finish(&mut self.builder);
        }
        self.hand_on()
    }

    fn tell(&self, message: Loaded) -> Result<(), Gone> {
        self.sender.send(message).map_err(|_| Gone)
    }

    /// Takes on the files that the paths stand for now. A path that stands for nothing yet is a file
    /// that is still to come.
    fn walk(&mut self, watch: &Watch) -> Result<(), Gone> {
        for path in &self.paths {
            let is_pattern = path.is_dir() || path.to_string_lossy().contains(['*', '?', '[', '{']);
            let found = if is_pattern && !path.is_file() {
                let (inputs, _) = discover::resolve(std::slice::from_ref(path));
                inputs.iter().filter_map(Input::path).collect()
            } else {
                vec![path.clone()]
            };
            for file in found {
                if self.followed.insert(file.clone()) {
                    if discover::is_scattered(&file) {
                        self.tell(Loaded::Failed(not_one_file(&file)))?;
                        continue;
                    }
                    let feed = if pipe::is_pipe(&file) {
                        Feed::Pipe(Pipe::start(watch.hint()))
                    } else {
                        Feed::File(Follower::new(file.clone()))
                    };
                    self.traces.push(Trace::new(file, feed));
                }
            }
        }
        Ok(())
    }

    /// The bytes that files keep in memory are shared out among them.
    fn share_memory(&self) {
        let share = self.options.memory as usize / 4 / self.traces.len().max(1);
        for Trace { feed, .. } in &self.traces {
            feed.log().keep(match feed {
                Feed::File(_) => share.min(RECENT),
                // What a pipe brought is nowhere else.
                Feed::Pipe(_) => share,
            });
        }
    }

    /// Actions whose bytes are gone are let go, and the oldest where there is no room for more.
    fn let_go(&mut self) {
        let next = self.builder.next_action();
        let mut floor = 0;
        for trace in &mut self.traces {
            if let (Feed::Pipe(pipe), Some(known)) = (&trace.feed, &mut trace.known) {
                floor = floor.max(known.gone(pipe.log().kept_from(), next));
            }
        }
        self.builder.let_go(floor);
    }

    /// Looks at every file once and hands on what is new.
    fn look(&mut self) -> Result<(), Gone> {
        let mut number = 0;
        // Looking at a trace may find others that belong to it.
        while number < self.traces.len() {
            let trace = &mut self.traces[number];
            let (happened, at) = match &mut trace.feed {
                Feed::File(follower) => (follower.look(), follower.read()),
                Feed::Pipe(_) => (Vec::new(), 0),
            };
            let path = trace.path.clone();
            if self.traces[number].known.is_none() {
                self.recognise(number)?;
            }
            self.join_companions(number);
            let Trace { feed, half, .. } = &mut self.traces[number];
            let half = half.look(feed.log());
            for Happening { kind, missing } in happened.into_iter().chain(half) {
                let path = path.clone();
                self.tell(Loaded::Notice(Notice {
                    kind,
                    path,
                    at,
                    missing,
                }))?;
            }
            number += 1;
        }
        if self.shared != self.traces.len() {
            self.shared = self.traces.len();
            self.share_memory();
        }
        for group in 0..self.groups.len() {
            self.decode_group(group)?;
        }
        self.hand_on()
    }

    fn hand_on(&mut self) -> Result<(), Gone> {
        self.let_go();
        self.builder.flush();
        send_batches(&self.sender, &mut self.builder)
    }

    /// Finds out what a file is once it holds a line that tells.
    fn recognise(&mut self, number: usize) -> Result<(), Gone> {
        let trace = &self.traces[number];
        let log = trace.feed.log();
        if log.whole() == 0 {
            return Ok(());
        }
        let path = trace.path.clone();
        let bytes = Bytes::Live(Arc::clone(log));
        let forced = self.options.format;
        let format = match sniff::identify(&path, &bytes, forced, true) {
            Ok((format, _)) => format,
            Err(_) => &any_json::AnyJson as &dyn Format,
        };
        let in_doubt = forced.is_none() && format.name() == any_json::AnyJson.name();
        if in_doubt && trace.since.elapsed() < DOUBT {
            return Ok(());
        }
        let source = Arc::new(Source {
            path: path.clone(),
            bytes,
            format,
            framing: Framing::Lines,
            aside: Aside::default(),
        });
        let ix = SourceIx(self.sources);
        self.sources += 1;
        let owner = self
            .groups
            .iter()
            .position(|it| it.companions.contains(&path));
        let group = owner.unwrap_or_else(|| {
            self.groups.push(Group {
                assembler: format.assembler(),
                companions: Vec::new(),
                heard: None,
            });
            self.groups.len() - 1
        });
        self.traces[number].known = Some(Known {
            source: Arc::clone(&source),
            ix,
            stem: stem(&path),
            group,
            companion: owner.is_some(),
            done: 0,
            lines: 0,
            ends: VecDeque::new(),
        });
        self.tell(Loaded::Sources(vec![source]))
    }

    /// Files that belong to a trace are followed with it: those of its subagents, say.
    fn join_companions(&mut self, number: usize) {
        let Trace {
            path,
            feed,
            known: Some(known),
            ..
        } = &self.traces[number]
        else {
            return;
        };
        if known.companion || known.done == feed.log().whole() {
            return;
        }
        let found = known.source.format.companions(path, &mut Kin::default());
        let group = known.group;
        for file in &found {
            if self.followed.insert(file.clone()) {
                let feed = Feed::File(Follower::new(file.clone()));
                self.traces.push(Trace::new(file.clone(), feed));
            }
        }
        self.groups[group].companions = found;
    }

    /// Decodes the whole lines that came to the files of a group, and tells them in the order of time.
    fn decode_group(&mut self, group: usize) -> Result<(), Gone> {
        let of_group = |trace: &Trace| {
            let known = trace.known.as_ref().filter(|known| known.group == group)?;
            Some(trace.feed.log().whole() > known.done)
        };
        let members: Vec<usize> = (0..self.traces.len())
            .filter(|&number| of_group(&self.traces[number]) == Some(true))
            .collect();
        let told = &mut self.groups[group];
        if !members.is_empty() {
            told.heard = Some(Instant::now());
        } else if told.heard.is_some_and(|heard| heard.elapsed() >= QUIET) {
            told.heard = None;
            told.assembler.pause(&mut self.builder);
        }
        match members[..] {
            [] => Ok(()),
            // A file of its own need not be in memory whole.
            [only] => loop {
                let Some(told) = self.decode_step(only) else {
                    return Ok(());
                };
                let told = [told];
                self.tell_facts(&[only], &[&told])?;
                self.let_go();
            },
            _ => {
                let mut files: Vec<Vec<Told>> = Vec::new();
                for &number in &members {
                    files.push(std::iter::from_fn(|| self.decode_step(number)).collect());
                }
                let files: Vec<&[Told]> = files.iter().map(Vec::as_slice).collect();
                self.tell_facts(&members, &files)
            }
        }
    }

    /// The next lines of a file; none when there are no more for now.
    fn decode_step(&mut self, number: usize) -> Option<Told> {
        let Trace { feed, known, .. } = &mut self.traces[number];
        let known = known.as_mut()?;
        let whole = feed.log().whole();
        if known.done >= whole {
            return None;
        }
        let block = Block {
            start: known.done,
            end: (known.done + STEP).min(whole),
            source_end: whole,
        };
        let Source { bytes, format, .. } = &*known.source;
        let decoded = self.desk.read(bytes, *format, block, Decoded::default());
        // What cannot be read any more was told when it happened.
        let decoded = decoded.unwrap_or_default();
        let before = known.lines;
        known.lines = known.lines.saturating_add(decoded.lines);
        known.done = block.end;
        feed.log().decoded(block.end);
        Some((before, decoded))
    }

    fn tell_facts(&mut self, members: &[usize], files: &[&[Told]]) -> Result<(), Gone> {
        let known: Vec<&Known> = members
            .iter()
            .filter_map(|&number| self.traces[number].known.as_ref())
            .collect();
        let Some(group) = known.first().map(|known| known.group) else {
            return Ok(());
        };
        let origins = known.iter().map(|known| known.origin());
        let files: Vec<(Origin<'_>, &[Told])> = origins.zip(files.iter().copied()).collect();
        let assembler = &mut *self.groups[group].assembler;
        let sender = &self.sender;
        merge::feed_by_time(&files, assembler, &mut self.builder, |builder| {
            send_batches(sender, builder)
        })
    }
}

fn send_batches(sender: &Sender<Loaded>, builder: &mut Builder) -> Result<(), Gone> {
    for batch in builder.take_ready() {
        let message = Loaded::Batch(Box::new(batch));
        sender.send(message).map_err(|_| Gone)?;
    }
    Ok(())
}

/// What grows is not the file that was named.
fn not_one_file(path: &Path) -> Error {
    Error::NotATrace {
        path: path.to_string_lossy().into_owned(),
        what: "a run of many files, which is not followed; open it again to see what came"
            .to_owned(),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
