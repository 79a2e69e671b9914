//! Reading sources that end, one group after the other: a file alone, or a transcript with its companions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decode::Decoders;
use super::group::{Group, Member, Shared};
use super::outlet::ReceiverGone;
use super::preview;
use crate::ingest::assemble::merge::NumberedBlock;
use crate::ingest::bytes::Bytes;
use crate::ingest::discover::{self, open_file};
use crate::ingest::error::Error;
use crate::ingest::fact::Decoded;
use crate::ingest::format::Format;
use crate::ingest::formats::harbor::{Harbor, Join};
use crate::ingest::formats::sniff;
use crate::ingest::loaded::Loaded;
use crate::ingest::recent;
use crate::ingest::records::lines::{self, ReadBuffers};
use crate::ingest::records::{Account, Framing, document, pieces};
use crate::ingest::source::Source;
use crate::model::quantity::Time;
use crate::model::run::RunIx;

/// How long a run without an end may be silent, in microseconds, before it counts as ended.
const STILL_RUNNING: i64 = 60 * 60 * 1_000_000;

/// Reads groups of sources. The decoding threads start with the first source that needs them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    decoders: Option<Decoders>,
}

impl Reader {
    /// Reads a source together with its companions: files beside it, or those bundled with it.
    pub(super) fn read(
        &mut self,
        source: &Arc<Source>,
        bundled: &[(&'static str, &'static [u8])],
        shared: &mut Shared,
    ) -> Result<(), ReceiverGone> {
        let first = shared.out.builder.run_count();
        let members = members(source, bundled, shared)?;
        shared.announce(&members)?;
        let mut reading = Reading {
            group: Group::new(members[0].source.format),
            decoders: &mut self.decoders,
            shared,
        };
        let is_lines = |member: &Member| member.source.framing == Framing::Lines;
        if members.len() > 1 && members.iter().all(is_lines) {
            reading.merged(&members)?;
        } else {
            // A document starts where the previous one ends.
            for member in &members {
                reading.alone(member)?;
            }
        }
        reading.group.finish(&mut reading.shared.out);
        reading.give_up(&members[0], first);
        reading.join_trial(&members[0], first)?;
        reading.shared.out.flush()
    }
}

/// The source and its companions, numbered.
fn members(
    source: &Arc<Source>,
    bundled: &[(&'static str, &'static [u8])],
    shared: &mut Shared,
) -> Result<Vec<Member>, ReceiverGone> {
    let format = source.format;
    let mut members = vec![shared.member(source, false)];
    for path in companions(&members[0].source, shared) {
        let opened = open_file(&path).and_then(|bytes| identify(path, bytes, format));
        match opened {
            Ok(source) => members.push(shared.member(&source, true)),
            Err(error) => shared.out.send(Loaded::Failed(error))?,
        }
    }
    for &(name, bytes) in bundled {
        match identify(PathBuf::from(name), Bytes::Static(bytes), format) {
            Ok(source) => members.push(shared.member(&source, true)),
            Err(error) => shared.out.send(Loaded::Failed(error))?,
        }
    }
    Ok(members)
}

fn companions(source: &Source, shared: &mut Shared) -> Vec<PathBuf> {
    if source.path == Path::new("-") || matches!(source.bytes, Bytes::Static(_)) {
        return Vec::new();
    }
    let mut paths = source
        .format
        .companions(&source.path, &mut shared.relations);
    paths.retain(|path| discover::exists(path) && !shared.is_open(path) && shared.join(path));
    paths
}

/// A companion is read as the format of its group.
fn identify(
    path: PathBuf,
    bytes: Bytes,
    format: &'static dyn Format,
) -> Result<Arc<Source>, Error> {
    let read_as = sniff::identify(&path, &bytes, Some(format), true)?;
    Ok(Arc::new(Source::new(path, bytes, read_as.of())))
}

/// A group that is being read.
struct Reading<'a> {
    group: Group,
    decoders: &'a mut Option<Decoders>,
    shared: &'a mut Shared,
}

impl Reading<'_> {
    /// A source of its own: block by block, decoded on several threads.
    fn alone(&mut self, member: &Member) -> Result<(), ReceiverGone> {
        let Source {
            bytes,
            format,
            framing,
            ..
        } = &*member.source;
        let size = match bytes.len() {
            Ok(size) => size,
            Err(error) => return self.fail(member, error),
        };
        if *framing == Framing::Document {
            if format.lists().is_some() {
                return self.pieces(member);
            }
            return match document::read(bytes, *format, size) {
                Ok(decoded) => {
                    self.assemble(member, 0, &decoded)?;
                    self.finished(member, decoded.account)
                }
                Err(error) => self.fail(member, error),
            };
        }
        if self.shared.options.preview && size > preview::SMALLEST {
            let found = preview::read(&member.source, size, &self.shared.options.prices);
            self.shared.out.send(Loaded::Preview(Box::new(found)))?;
        }
        self.blocks(member, size)
    }

    /// A document of any size, piece by piece.
    fn pieces(&mut self, member: &Member) -> Result<(), ReceiverGone> {
        let mut account = Account::default();
        let Source { bytes, format, .. } = &*member.source;
        pieces::read(bytes, *format, |decoded| match decoded {
            Ok(decoded) => {
                account.add(&decoded.account);
                self.assemble(member, 0, decoded)
            }
            Err(error) => self.fail(member, error),
        })?;
        account.lines_repaired = account.lines_repaired.min(1);
        self.finished(member, account)
    }

    fn blocks(&mut self, member: &Member, size: u64) -> Result<(), ReceiverGone> {
        let mut decoders = match self.decoders.take().map_or_else(Decoders::start, Ok) {
            Ok(decoders) => decoders,
            Err(error) => return self.fail(member, error),
        };
        let mut account = Account::default();
        let mut lines_before = 0_u32;
        let done = decoders.run(
            &member.source,
            lines::blocks(size),
            |decoded| match decoded {
                Ok(decoded) => {
                    account.add(&decoded.account);
                    self.assemble(member, lines_before, decoded)?;
                    lines_before = lines_before.saturating_add(decoded.lines);
                    Ok(())
                }
                Err(error) => self.fail(member, error),
            },
        );
        *self.decoders = Some(decoders);
        done?;
        self.finished(member, account)
    }

    fn assemble(
        &mut self,
        member: &Member,
        lines_before: u32,
        decoded: &Decoded,
    ) -> Result<(), ReceiverGone> {
        let out = &mut self.shared.out;
        self.group.assemble(member, (lines_before, decoded), out);
        out.advance(decoded.account.total)
    }

    /// A transcript and its companions: decoded whole, then assembled in the order of time.
    fn merged(&mut self, members: &[Member]) -> Result<(), ReceiverGone> {
        let mut files: Vec<(&Member, Vec<NumberedBlock>)> = Vec::new();
        let mut buffers = ReadBuffers::default();
        for member in members {
            let mut account = Account::default();
            let mut lines_before = 0;
            let mut decoded = Vec::new();
            let size = member.source.bytes.len().unwrap_or(0);
            let Source { bytes, format, .. } = &*member.source;
            for block in lines::blocks(size) {
                match buffers.read(bytes, *format, block, Decoded::default()) {
                    Ok(block) => {
                        account.add(&block.account);
                        let lines = block.lines;
                        decoded.push((lines_before, block));
                        lines_before += lines;
                    }
                    Err(error) => self.fail(member, error)?,
                }
            }
            self.shared.out.count(account.total);
            self.finished(member, account)?;
            files.push((member, decoded));
        }
        self.group.assemble_by_time(&files, &mut self.shared.out)
    }

    fn finished(&mut self, member: &Member, account: Account) -> Result<(), ReceiverGone> {
        let out = &self.shared.out;
        if let Some(what) = member.source.bytes.fault() {
            let path = member.source.path.to_string_lossy().into_owned();
            out.send(Loaded::Failed(Error::NotATrace { path, what }))?;
        }
        let source = member.ix;
        out.send(Loaded::Finished { source, account })
    }

    /// Runs without a recorded end whose file has not grown for long have ended.
    fn give_up(&mut self, file: &Member, first: u32) {
        let Some(now) = self.shared.options.now.get() else {
            return;
        };
        // A document is written at the end.
        let written = match file.source.framing {
            Framing::Document => Time(0),
            Framing::Lines => {
                let written = file.source.path.metadata().and_then(|it| it.modified());
                written.map_or(Time::NONE, recent::time)
            }
        };
        let limit = Time(now - STILL_RUNNING);
        self.shared.out.builder.give_up(first, limit, written);
    }

    /// Adds what the result of a trial says to the runs in the log of its agent.
    fn join_trial(&mut self, log: &Member, first: u32) -> Result<(), ReceiverGone> {
        let is_file = !matches!(log.source.bytes, Bytes::Static(_) | Bytes::Memory(_));
        let Some(path) = self.shared.trial(&log.source.path).filter(|_| is_file) else {
            return Ok(());
        };
        let is_first = self.shared.join(&path);
        let opened = open_file(&path).and_then(|bytes| identify(path, bytes, &Harbor));
        let source = match opened {
            Ok(source) => source,
            Err(error) => return self.shared.out.send(Loaded::Failed(error)),
        };
        let read = source.bytes.len();
        let decoded = match read.and_then(|size| document::read(&source.bytes, &Harbor, size)) {
            Ok(decoded) => decoded,
            Err(error) => return self.shared.out.fail(&source, error),
        };
        let runs = (first..self.shared.out.builder.run_count()).map(RunIx);
        self.group = Group::adding(Box::new(Join::new(runs.collect(), &log.stem, is_first)));
        if !is_first {
            self.group
                .assemble(log, (0, &decoded), &mut self.shared.out);
            return Ok(());
        }
        let member = self.shared.member(&source, true);
        self.shared.announce(std::slice::from_ref(&member))?;
        self.assemble(&member, 0, &decoded)?;
        self.finished(&member, decoded.account)
    }

    fn fail(&self, member: &Member, error: std::io::Error) -> Result<(), ReceiverGone> {
        self.shared.out.fail(&member.source, error)
    }
}
