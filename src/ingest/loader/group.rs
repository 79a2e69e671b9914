//! One group of sources after the other: a file alone, or a transcript with its companions.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::decode::Decoders;
use super::{Gone, Member, Options, preview, send};
use crate::ingest::aside::Aside;
use crate::ingest::assemble::merge::{self, Origin, Told};
use crate::ingest::assemble::{Assembler, Builder};
use crate::ingest::bytes::Bytes;
use crate::ingest::discover::{Input, open_file};
use crate::ingest::fact::Decoded;
use crate::ingest::formats::{Format, sniff};
use crate::ingest::kin::Kin;
use crate::ingest::records::lines::{self, Desk};
use crate::ingest::records::{Account, Framing, document, pieces};
use crate::ingest::{Error, Loaded, Source};
use crate::model::action::SourceIx;

/// Rows that came wait at most this long before they are sent on.
const LINGER: Duration = Duration::from_millis(30);

/// Loads groups into one builder, so that all of them share symbols and numbers.
pub(super) struct Loader<'a> {
    options: &'a Options,
    sender: Sender<Loaded>,
    builder: Builder,
    decoders: Option<Decoders>,
    sources: u32,
    companions: HashSet<PathBuf>,
    pub(super) kin: Kin,
    read: u64,
    pub(super) total: u64,
    sent: Instant,
}

impl<'a> Loader<'a> {
    pub(super) fn new(options: &'a Options, sender: Sender<Loaded>) -> Loader<'a> {
        Loader {
            options,
            sender,
            builder: Builder::new(options.prices.clone()),
            decoders: None,
            sources: 0,
            companions: HashSet::new(),
            kin: Kin::default(),
            read: 0,
            total: 0,
            sent: Instant::now(),
        }
    }

    /// Whether an input was already read together with the file that it belongs to.
    pub(super) fn is_companion(&self, input: &Input) -> bool {
        matches!(input, Input::File(path) if path.canonicalize().is_ok_and(|path| self.companions.contains(&path)))
    }

    /// Loads a source, and its companions with it: files beside it, or those bundled with it.
    pub(super) fn take(
        &mut self,
        source: Arc<Source>,
        bundled: &[(&'static str, &'static [u8])],
    ) -> Result<(), Gone> {
        let format = source.format;
        let mut members = vec![self.member(source, false)];
        for path in self.companions_of(&members[0].source) {
            match open_file(&path) {
                Ok(bytes) => self.join(&mut members, (path, bytes), format)?,
                Err(error) => send(&self.sender, Loaded::Failed(error))?,
            }
        }
        for &(name, bytes) in bundled {
            self.join(
                &mut members,
                (PathBuf::from(name), Bytes::Static(bytes)),
                format,
            )?;
        }
        send(
            &self.sender,
            Loaded::Sources(
                members
                    .iter()
                    .map(|member| Arc::clone(&member.source))
                    .collect(),
            ),
        )?;
        let mut assembler = members[0].source.format.assembler();
        let is_lines = |member: &Member| member.source.framing == Framing::Lines;
        if members.len() > 1 && members.iter().all(is_lines) {
            self.merged(&members, &mut *assembler)?;
        } else {
            // A document goes on where the one before it ends.
            for member in &members {
                self.alone(member, &mut *assembler)?;
            }
        }
        assembler.finish(&mut self.builder);
        self.builder.flush();
        self.send_ready()
    }

    fn join(
        &mut self,
        members: &mut Vec<Member>,
        (path, bytes): (PathBuf, Bytes),
        format: &'static dyn Format,
    ) -> Result<(), Gone> {
        match sniff::identify(&path, &bytes, Some(format), true) {
            Ok((format, framing)) => {
                let source = Arc::new(Source {
                    path,
                    bytes,
                    format,
                    framing,
                    aside: Aside::default(),
                });
                let member = self.member(source, true);
                members.push(member);
                Ok(())
            }
            Err(error) => send(&self.sender, Loaded::Failed(error)),
        }
    }

    fn member(&mut self, source: Arc<Source>, companion: bool) -> Member {
        let ix = SourceIx(self.sources);
        self.sources += 1;
        let stem = source
            .path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        Member {
            source,
            ix,
            stem,
            companion,
        }
    }

    fn companions_of(&mut self, source: &Source) -> Vec<PathBuf> {
        if source.path == Path::new("-") || matches!(source.bytes, Bytes::Static(_)) {
            return Vec::new();
        }
        let mut paths = source.format.companions(&source.path, &mut self.kin);
        paths.retain(|path| {
            path.canonicalize()
                .is_ok_and(|path| self.companions.insert(path))
        });
        paths
    }

    /// A source of its own: block by block, decoded on several threads.
    fn alone(&mut self, member: &Member, assembler: &mut dyn Assembler) -> Result<(), Gone> {
        let size = match member.source.bytes.len() {
            Ok(size) => size,
            Err(error) => return self.fail(&member.source, error),
        };
        if member.source.framing == Framing::Document {
            if member.source.format.lists().is_some() {
                return self.pieces(member, assembler);
            }
            return match document::read(&member.source.bytes, member.source.format, size) {
                Ok(decoded) => {
                    self.feed(&decoded, member, 0, assembler)?;
                    self.finished(member, decoded.account)
                }
                Err(error) => self.fail(&member.source, error),
            };
        }
        if self.options.preview && size > preview::SMALLEST {
            let found = preview::read(&member.source, size, &self.options.prices);
            send(&self.sender, Loaded::Preview(Box::new(found)))?;
        }
        self.blocks(member, size, assembler)
    }

    /// A document of any size, piece by piece.
    fn pieces(&mut self, member: &Member, assembler: &mut dyn Assembler) -> Result<(), Gone> {
        let mut account = Account::default();
        let Source { bytes, format, .. } = &*member.source;
        pieces::read(bytes, *format, |decoded| match decoded {
            Ok(decoded) => {
                account.add(&decoded.account);
                self.feed(decoded, member, 0, assembler)
            }
            Err(error) => self.fail(&member.source, error),
        })?;
        account.lines_repaired = account.lines_repaired.min(1);
        self.finished(member, account)
    }

    fn blocks(
        &mut self,
        member: &Member,
        size: u64,
        assembler: &mut dyn Assembler,
    ) -> Result<(), Gone> {
        let mut decoders = match self.decoders.take().map_or_else(Decoders::start, Ok) {
            Ok(decoders) => decoders,
            Err(error) => return self.fail(&member.source, error),
        };
        let mut account = Account::default();
        let mut lines_before = 0_u32;
        let done = decoders.run(
            &member.source,
            lines::blocks(size),
            |decoded| match decoded {
                Ok(decoded) => {
                    account.add(&decoded.account);
                    self.feed(decoded, member, lines_before, assembler)?;
                    lines_before = lines_before.saturating_add(decoded.lines);
                    Ok(())
                }
                Err(error) => self.fail(&member.source, error),
            },
        );
        self.decoders = Some(decoders);
        done?;
        self.finished(member, account)
    }

    fn feed(
        &mut self,
        decoded: &Decoded,
        member: &Member,
        lines_before: u32,
        assembler: &mut dyn Assembler,
    ) -> Result<(), Gone> {
        let told = (lines_before, decoded);
        member.origin().feed(told, assembler, &mut self.builder);
        self.read += decoded.account.total;
        if self.sent.elapsed() > LINGER || self.sources == 1 && self.read == decoded.account.total {
            self.builder.flush();
        }
        self.send_ready()
    }

    /// A transcript and its companions: decoded whole, then told in the order of time. Within one
    /// source the order of the file holds.
    fn merged(&mut self, members: &[Member], assembler: &mut dyn Assembler) -> Result<(), Gone> {
        let mut files: Vec<(&Member, Vec<Told>)> = Vec::new();
        let mut desk = Desk::default();
        for member in members {
            let mut account = Account::default();
            let mut lines_before = 0;
            let mut decoded = Vec::new();
            let size = member.source.bytes.len().unwrap_or(0);
            let Source { bytes, format, .. } = &*member.source;
            for block in lines::blocks(size) {
                match desk.read(bytes, *format, block, Decoded::default()) {
                    Ok(block) => {
                        account.add(&block.account);
                        let lines = block.lines;
                        decoded.push((lines_before, block));
                        lines_before += lines;
                    }
                    Err(error) => self.fail(&member.source, error)?,
                }
            }
            self.read += account.total;
            self.finished(member, account)?;
            files.push((member, decoded));
        }
        let files: Vec<(Origin<'_>, &[Told])> = files
            .iter()
            .map(|(member, told)| (member.origin(), told.as_slice()))
            .collect();
        let (sender, progress) = (&self.sender, (self.read, self.total));
        merge::feed_by_time(&files, assembler, &mut self.builder, |builder| {
            send_batches(sender, builder, progress)
        })?;
        self.sent = Instant::now();
        Ok(())
    }

    fn finished(&mut self, member: &Member, account: Account) -> Result<(), Gone> {
        if let Some(what) = member.source.bytes.fault() {
            let path = member.source.path.to_string_lossy().into_owned();
            send(
                &self.sender,
                Loaded::Failed(Error::NotATrace { path, what }),
            )?;
        }
        let source = member.ix;
        send(&self.sender, Loaded::Finished { source, account })
    }

    fn fail(&self, source: &Source, error: std::io::Error) -> Result<(), Gone> {
        let path = source.path.to_string_lossy().into_owned();
        send(
            &self.sender,
            Loaded::Failed(Error::Read {
                path,
                source: error,
            }),
        )
    }

    fn send_ready(&mut self) -> Result<(), Gone> {
        if self.builder.is_ready() {
            self.sent = Instant::now();
        }
        send_batches(&self.sender, &mut self.builder, (self.read, self.total))
    }

    pub(super) fn finish(&mut self) -> Result<(), Gone> {
        self.builder.flush();
        self.send_ready()?;
        send(
            &self.sender,
            Loaded::Progress {
                read: self.read,
                total: self.read,
            },
        )
    }
}

/// Sends the batches that are full, with how far reading got.
fn send_batches(
    sender: &Sender<Loaded>,
    builder: &mut Builder,
    (read, total): (u64, u64),
) -> Result<(), Gone> {
    for mut batch in builder.take_ready() {
        batch.read = read;
        batch.total = total.max(read);
        send(sender, Loaded::Batch(Box::new(batch)))?;
    }
    Ok(())
}
