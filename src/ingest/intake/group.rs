//! Sources and the groups they form: files that make up the same runs share one assembler.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::options::Options;
use super::outlet::{Outlet, ReceiverGone};
use crate::ingest::assemble::Assembler;
use crate::ingest::assemble::merge::{self, NumberedBlock, Origin};
use crate::ingest::fact::Decoded;
use crate::ingest::format::Format;
use crate::ingest::formats::harbor;
use crate::ingest::loaded::Loaded;
use crate::ingest::packed::bare;
use crate::ingest::relations::Relations;
use crate::ingest::source::Source;
use crate::model::action::SourceIx;

/// What all sources of an intake share, whether they end or grow.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) out: Outlet,
    sources: u32,
    /// Files that were opened by name, and files that were read with one of those.
    opened: HashSet<PathBuf>,
    companions: HashSet<PathBuf>,
    pub(super) relations: Relations,
    /// The files that describe the trials of folders.
    trials: HashMap<PathBuf, Option<PathBuf>>,
}

impl Shared {
    pub(super) fn new(options: Options, out: Outlet) -> Shared {
        Shared {
            options,
            out,
            sources: 0,
            opened: HashSet::new(),
            companions: HashSet::new(),
            relations: Relations::default(),
            trials: HashMap::new(),
        }
    }

    /// The file that describes the trial of a log.
    pub(super) fn trial(&mut self, log: &Path) -> Option<PathBuf> {
        let folder = log.parent().filter(|_| !harbor::describes_trials(log))?;
        if let Some(known) = self.trials.get(folder) {
            return known.clone();
        }
        let found = harbor::trial(folder).map(|(_, file)| file);
        self.trials.insert(folder.to_owned(), found.clone());
        found
    }

    /// Notes that a file was opened by name; whether it was not open before.
    pub(super) fn open(&mut self, path: &Path) -> bool {
        self.opened.insert(identity(path))
    }

    pub(super) fn is_open(&self, path: &Path) -> bool {
        self.opened.contains(&identity(path))
    }

    pub(super) fn is_companion(&self, path: &Path) -> bool {
        self.companions.contains(&identity(path))
    }

    /// Notes that a file is read together with another; whether it was not before.
    pub(super) fn join(&mut self, companion: &Path) -> bool {
        self.companions.insert(identity(companion))
    }

    /// Gives a source its number.
    pub(super) fn member(&mut self, source: &Arc<Source>, companion: bool) -> Member {
        let ix = SourceIx(self.sources);
        self.sources += 1;
        let path = bare(&source.path);
        let stem = path.file_stem().unwrap_or_default();
        Member {
            stem: stem.to_string_lossy().into_owned(),
            source: Arc::clone(source),
            ix,
            companion,
        }
    }

    /// Announces sources that have their numbers, in order.
    pub(super) fn announce(&self, members: &[Member]) -> Result<(), ReceiverGone> {
        let sources = members.iter().map(|member| Arc::clone(&member.source));
        self.out.send(Loaded::Sources(sources.collect()))
    }
}

/// One path for all names of a file; a file that does not exist yet has only its name.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A source and its place among all sources.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) source: Arc<Source>,
    pub(super) ix: SourceIx,
    /// The file name without its ending.
    pub(super) stem: String,
    /// It is read together with another file: the transcript of a subagent, say.
    pub(super) companion: bool,
}

impl Member {
    fn origin(&self) -> Origin<'_> {
        Origin {
            source: self.ix,
            stem: &self.stem,
            companion: self.companion,
        }
    }
}

/// Files that make up the same runs.
#[derive(Debug)]
pub(super) struct Group {
    assembler: Box<dyn Assembler>,
}

impl Group {
    pub(super) fn new(format: &dyn Format) -> Group {
        Group {
            assembler: format.assembler(),
        }
    }

    /// A group whose files add to runs that were read before.
    pub(super) fn adding(assembler: Box<dyn Assembler>) -> Group {
        Group { assembler }
    }

    /// Assembles a block in the order of its file.
    pub(super) fn assemble(
        &mut self,
        member: &Member,
        (lines_before, decoded): (u32, &Decoded),
        out: &mut Outlet,
    ) {
        let block = (lines_before, decoded);
        let origin = member.origin();
        origin.feed(block, &mut *self.assembler, &mut out.builder);
    }

    /// Assembles blocks of several files in the order of time; within one file the order of the file holds.
    /// Batches are sent as they fill up.
    pub(super) fn assemble_by_time(
        &mut self,
        files: &[(&Member, Vec<NumberedBlock>)],
        out: &mut Outlet,
    ) -> Result<(), ReceiverGone> {
        let files: Vec<_> = files
            .iter()
            .map(|(member, blocks)| (member.origin(), blocks.as_slice()))
            .collect();
        let Outlet { builder, channel } = out;
        merge::feed_by_time(&files, &mut *self.assembler, builder, |builder| {
            channel.send_ready(builder)
        })
    }

    /// Nothing came for a while: emits what the assembler holds back.
    pub(super) fn pause(&mut self, out: &mut Outlet) {
        self.assembler.pause(&mut out.builder);
    }

    /// All files of the group are read to their end.
    pub(super) fn finish(&mut self, out: &mut Outlet) {
        self.assembler.finish(&mut out.builder);
    }
}
