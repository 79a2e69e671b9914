//! Sources that grow: what is appended to them becomes batches, as when a file is opened.
//!
//! One thread polls all of them in turn. Polling is cheap, and what the kernel reports of changes is only
//! a hint to poll now (`watch`): nothing is missed where it reports nothing. What a file went through
//! (rotated, truncated, rewritten) is for `follow` to find out, and is reported as a notice; all other code
//! sees one source that grows (`bytes::log`).

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::feed::{Feed, HalfLine};
use super::follow::Change;
use super::group::{Group, Member, Shared};
use super::messages::Control;
use super::options::Options;
use super::outlet::ReceiverGone;
use super::watch::Watch;
use crate::ingest::assemble::merge::NumberedBlock;
use crate::ingest::bytes::Bytes;
use crate::ingest::convert;
use crate::ingest::discover::{self, Input};
use crate::ingest::error::Error;
use crate::ingest::fact::Decoded;
use crate::ingest::format::Format;
use crate::ingest::formats::{any_json, by_name, sniff};
use crate::ingest::loaded::Loaded;
use crate::ingest::notice::{Notice, NoticeKind};
use crate::ingest::packed::sqlite;
use crate::ingest::records::Framing;
use crate::ingest::records::lines::{Block, ReadBuffers};
use crate::ingest::relations::Relations;
use crate::ingest::source::Source;

/// How often files are polled where the system reports changes, and where it does not.
const WATCHED: Duration = Duration::from_millis(250);
const POLLED: Duration = Duration::from_millis(50);
/// How often folders are searched for new files.
const WALK: Duration = Duration::from_secs(1);
/// After this long without news, assemblers emit what they hold back: spans whose trace is incomplete.
const QUIET: Duration = Duration::from_secs(1);
/// How long to wait for a line that reveals the format of a file.
const DOUBT: Duration = Duration::from_secs(2);
/// Lines are decoded this many bytes at a time.
const STEP: u64 = 512 << 10;
/// Bytes reserved for the process, blocks in flight and opened bodies.
const RESERVED: u64 = 64_000_000;

/// The memory for actions. A quarter of all memory is for the bytes of what is followed; of the rest, half
/// is for actions, because memory of dropped ones is not returned at once.
pub(super) fn room(options: &Options) -> u64 {
    (options.memory - options.memory / 4).saturating_sub(RESERVED) / 2
}

/// A source that grows.
#[derive(Debug)]
struct Trace {
    path: PathBuf,
    feed: Feed,
    since: Instant,
    half_line: HalfLine,
    /// None until its format is detected.
    known: Option<Known>,
}

impl Trace {
    fn new(path: PathBuf, feed: Feed) -> Trace {
        Trace {
            path,
            feed,
            since: Instant::now(),
            half_line: HalfLine::default(),
            known: None,
        }
    }
}

/// A trace whose format is detected, and so has its place among the sources.
#[derive(Debug)]
struct Known {
    member: Member,
    group: usize,
    /// Bytes and lines that are decoded.
    done: u64,
    lines: u32,
    /// Ends of decoded steps, each with the number of the first action after it; oldest first.
    ends: VecDeque<(u64, u32)>,
}

impl Known {
    /// The first action that may still have all its bytes when those before `kept` are gone. `next` is the
    /// number of the next action.
    fn first_readable(&mut self, kept: u64, next: u32) -> u32 {
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
}

/// A group whose files grow.
#[derive(Debug)]
struct GrowingGroup {
    group: Group,
    companions: Vec<PathBuf>,
    /// When something last came that the assembler may still hold back.
    heard: Option<Instant>,
}

/// All that is followed.
#[derive(Debug)]
pub(super) struct Growing {
    paths: Vec<PathBuf>,
    /// How many of the paths were announced.
    announced: usize,
    watch: Watch,
    /// When folders were last searched.
    walked: Option<Instant>,
    traces: Vec<Trace>,
    groups: Vec<GrowingGroup>,
    followed: HashSet<PathBuf>,
    buffers: ReadBuffers,
    /// The number of traces that memory was last divided among.
    divided: usize,
}

impl Growing {
    pub(super) fn new(paths: Vec<PathBuf>, poll: bool) -> Growing {
        Growing {
            watch: Watch::start(&paths, poll),
            paths,
            announced: 0,
            walked: None,
            traces: Vec::new(),
            groups: Vec::new(),
            followed: HashSet::new(),
            buffers: ReadBuffers::default(),
            divided: 0,
        }
    }

    /// Follows one more path, from the next look on.
    pub(super) fn follow(&mut self, path: PathBuf) {
        self.watch.add(&path);
        self.paths.push(path);
        self.walked = None;
    }

    /// Sleeps until there may be something new, or until a control comes.
    pub(super) fn wait(
        &self,
        controls: &Receiver<Control>,
    ) -> Result<Option<Control>, ReceiverGone> {
        let pause = if self.watch.is_reporting() {
            WATCHED
        } else {
            POLLED
        };
        self.watch.wait(pause, controls)
    }

    /// Reports how new paths are followed: from here on nothing that is written is missed.
    pub(super) fn announce(&mut self, shared: &Shared) -> Result<(), ReceiverGone> {
        let kind = if self.watch.is_reporting() {
            NoticeKind::Watching
        } else {
            NoticeKind::Polling
        };
        for path in &self.paths[self.announced..] {
            shared.out.send(Loaded::Notice(Notice {
                kind,
                path: path.clone(),
                at: 0,
                missing: None,
            }))?;
        }
        self.announced = self.paths.len();
        Ok(())
    }

    /// Nothing can come any more: there are only pipes, and they have ended.
    pub(super) fn is_over(&self) -> bool {
        !self.traces.is_empty() && self.traces.iter().all(|trace| trace.feed.has_ended())
    }

    pub(super) fn finish(&mut self, shared: &mut Shared) -> Result<(), ReceiverGone> {
        for GrowingGroup { group, .. } in &mut self.groups {
            group.finish(&mut shared.out);
        }
        self.emit(shared)
    }

    /// Polls every trace once and sends what is new.
    pub(super) fn look(&mut self, shared: &mut Shared) -> Result<(), ReceiverGone> {
        if self.walked.is_none_or(|walked| walked.elapsed() >= WALK) {
            self.walk(shared)?;
            self.walked = Some(Instant::now());
        }
        let mut number = 0;
        // Polling a trace may find others that belong to it.
        while number < self.traces.len() {
            self.poll(number, shared)?;
            number += 1;
        }
        if self.divided != self.traces.len() {
            self.divided = self.traces.len();
            self.divide_memory(&shared.options);
        }
        for group in 0..self.groups.len() {
            self.decode_group(group, shared)?;
        }
        self.emit(shared)
    }

    /// Begins to follow the files that the paths stand for now. A path that stands for nothing yet is a file
    /// that is still to be created.
    fn walk(&mut self, shared: &mut Shared) -> Result<(), ReceiverGone> {
        for path in &self.paths {
            let has_signs = path.to_string_lossy().contains(['*', '?', '[', '{']);
            let is_pattern = path.is_dir() || has_signs && !path.is_file();
            let found = if is_pattern || sqlite::is_store(path) {
                let shown = shared.options.shown;
                let found = discover::resolve(std::slice::from_ref(path), shown);
                let newer_than = shared.options.newer_than;
                let files = found.inputs.iter().filter_map(Input::path);
                files
                    .filter(|file| discover::is_newer(file, newer_than))
                    .collect()
            } else {
                vec![path.clone()]
            };
            for file in found {
                if !self.followed.insert(file.clone()) {
                    continue;
                }
                shared.open(&file);
                if convert::is_convertible(&file) {
                    // A folder may hold many of them.
                    if !is_pattern {
                        shared.out.send(Loaded::Failed(not_followed(&file)))?;
                    }
                    continue;
                }
                if discover::is_scattered(&file) {
                    shared.out.send(Loaded::Failed(not_one_file(&file)))?;
                    continue;
                }
                let feed = Feed::open(file.clone(), self.watch.hint());
                self.traces.push(Trace::new(file, feed));
            }
        }
        Ok(())
    }

    /// Polls one trace and reports what happened to it.
    fn poll(&mut self, number: usize, shared: &mut Shared) -> Result<(), ReceiverGone> {
        let trace = &mut self.traces[number];
        let (changes, at) = trace.feed.poll();
        if trace.known.is_none() {
            self.detect(number, shared)?;
        }
        self.follow_companions(number, shared);
        let trace = &mut self.traces[number];
        let half = trace.half_line.check(trace.feed.log());
        for Change { kind, missing } in changes.into_iter().chain(half) {
            shared.out.send(Loaded::Notice(Notice {
                kind,
                path: trace.path.clone(),
                at,
                missing,
            }))?;
        }
        Ok(())
    }

    /// The memory for bytes is divided evenly among the traces.
    fn divide_memory(&self, options: &Options) {
        let share = options.memory as usize / 4 / self.traces.len().max(1);
        for Trace { feed, .. } in &self.traces {
            feed.keep(share);
        }
    }

    /// Drops actions whose bytes are gone, and the oldest ones if there is no room for more.
    fn drop_old(&mut self, shared: &mut Shared) {
        let next = shared.out.builder.next_action();
        let mut first = 0;
        for Trace { feed, known, .. } in &mut self.traces {
            if let (Feed::Pipe(_) | Feed::Stored(_), Some(known)) = (&*feed, known) {
                first = first.max(known.first_readable(feed.lost_before(), next));
            }
        }
        shared.out.builder.drop_before(first);
    }

    fn emit(&mut self, shared: &mut Shared) -> Result<(), ReceiverGone> {
        self.drop_old(shared);
        shared.out.flush()
    }

    /// Detects the format of a file once it holds a line that reveals it.
    fn detect(&mut self, number: usize, shared: &mut Shared) -> Result<(), ReceiverGone> {
        let trace = &self.traces[number];
        let log = trace.feed.log();
        if log.whole() == 0 {
            return Ok(());
        }
        let path = trace.path.clone();
        let bytes = Bytes::Live(Arc::clone(log));
        let known = trace.feed.format().and_then(by_name);
        let forced = shared.options.format.or(known);
        let format = match sniff::identify(&path, &bytes, forced, true) {
            Ok(read_as) => read_as.format,
            Err(_) => &any_json::AnyJson as &dyn Format,
        };
        let in_doubt = forced.is_none() && format.name() == any_json::AnyJson.name();
        if in_doubt && trace.since.elapsed() < DOUBT {
            return Ok(());
        }
        let owner = self
            .groups
            .iter()
            .position(|it| it.companions.contains(&path));
        let group = owner.unwrap_or_else(|| {
            self.groups.push(GrowingGroup {
                group: Group::new(format),
                companions: Vec::new(),
                heard: None,
            });
            self.groups.len() - 1
        });
        let source = Source::new(path, bytes, (format, Framing::Lines));
        let member = shared.member(&Arc::new(source), owner.is_some());
        shared.announce(std::slice::from_ref(&member))?;
        self.traces[number].known = Some(Known {
            member,
            group,
            done: 0,
            lines: 0,
            ends: VecDeque::new(),
        });
        Ok(())
    }

    /// Files that belong to a trace (those of its subagents, say) are followed with it.
    fn follow_companions(&mut self, number: usize, shared: &mut Shared) {
        let Trace {
            path,
            feed,
            known: Some(known),
            ..
        } = &self.traces[number]
        else {
            return;
        };
        if known.member.companion || known.done == feed.log().whole() {
            return;
        }
        let format = known.member.source.format;
        // Files come and go, so what was listed before does not count.
        let found = format.companions(path, &mut Relations::default());
        let group = known.group;
        for file in &found {
            shared.join(file);
            if self.followed.insert(file.clone()) {
                let feed = Feed::open(file.clone(), self.watch.hint());
                self.traces.push(Trace::new(file.clone(), feed));
            }
        }
        self.groups[group].companions = found;
    }

    /// Decodes the complete lines that were appended to the files of a group, and assembles them in the
    /// order of time.
    fn decode_group(&mut self, group: usize, shared: &mut Shared) -> Result<(), ReceiverGone> {
        let has_news = |trace: &Trace| {
            let known = trace.known.as_ref().filter(|known| known.group == group);
            known.is_some_and(|known| trace.feed.log().whole() > known.done)
        };
        let members: Vec<usize> = (0..self.traces.len())
            .filter(|&number| has_news(&self.traces[number]))
            .collect();
        let waiting = &mut self.groups[group];
        if !members.is_empty() {
            waiting.heard = Some(Instant::now());
        } else if waiting.heard.is_some_and(|heard| heard.elapsed() >= QUIET) {
            waiting.heard = None;
            waiting.group.pause(&mut shared.out);
        }
        match members[..] {
            [] => Ok(()),
            // A file of its own need not be in memory whole.
            [only] => {
                while let Some(block) = self.decode_step(only) {
                    self.assemble(group, vec![(only, vec![block])], shared)?;
                    self.drop_old(shared);
                }
                Ok(())
            }
            _ => {
                let mut files = Vec::new();
                for &number in &members {
                    let blocks = std::iter::from_fn(|| self.decode_step(number)).collect();
                    files.push((number, blocks));
                }
                self.assemble(group, files, shared)
            }
        }
    }

    /// The next complete lines of a trace; none if there are no more for now.
    fn decode_step(&mut self, number: usize) -> Option<NumberedBlock> {
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
        let Source { bytes, format, .. } = &*known.member.source;
        let decoded = self.buffers.read(bytes, *format, block, Decoded::default());
        // Bytes that can no longer be read were reported when they were lost.
        let decoded = decoded.unwrap_or_default();
        let before = known.lines;
        known.lines = known.lines.saturating_add(decoded.lines);
        known.done = block.end;
        feed.log().decoded(block.end);
        Some((before, decoded))
    }

    fn assemble(
        &mut self,
        group: usize,
        files: Vec<(usize, Vec<NumberedBlock>)>,
        shared: &mut Shared,
    ) -> Result<(), ReceiverGone> {
        let member = |number: usize| self.traces[number].known.as_ref().map(|it| &it.member);
        let files: Vec<(&Member, Vec<NumberedBlock>)> = files
            .into_iter()
            .filter_map(|(number, blocks)| Some((member(number)?, blocks)))
            .collect();
        let group = &mut self.groups[group].group;
        group.assemble_by_time(&files, &mut shared.out)
    }
}

/// A file in another notation can only be read as a whole.
fn not_followed(path: &Path) -> Error {
    Error::NotATrace {
        path: path.to_string_lossy().into_owned(),
        what: "a file that is read as a whole, which cannot be followed; open it again to see what was added"
            .to_owned(),
    }
}

/// A run of many files does not grow in the file that was named.
fn not_one_file(path: &Path) -> Error {
    Error::NotATrace {
        path: path.to_string_lossy().into_owned(),
        what: "a run of many files, which cannot be followed; open it again to see what was added"
            .to_owned(),
    }
}
