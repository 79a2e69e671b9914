//! What the paths on a command line narrow a command to: runs (`PATH#RUN`) and actions (`PATH#RUN:SEQ`).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::load::Read;
use crate::cli::pick::{self, Target};
use crate::ingest::discover::{self, Input};
use crate::model::action::Kind;
use crate::model::run::RunIx;
use crate::store::row::Row;

/// The actions of each selected run that were named; none where the whole run was.
#[derive(Debug, Default)]
pub(super) struct Selection(HashMap<RunIx, Option<HashSet<u32>>>);

impl Selection {
    /// Finds what the targets name. None where they narrow nothing.
    pub(super) fn of(read: &Read, targets: &[Target]) -> Result<Option<Selection>, Failure> {
        if targets.iter().all(|target| target.name.is_none()) {
            return Ok(None);
        }
        let runs = read.runs();
        let sources = read.store.sources().iter();
        let sources: Vec<PathBuf> = sources.map(|source| canonical(&source.path)).collect();
        let file_of = |ix: RunIx| &sources[read.store.run(ix).source.0 as usize];
        let mut selection = Selection::default();
        let mut named_files = HashSet::new();
        for target in targets.iter().filter(|target| target.name.is_some()) {
            let files = files(&target.path);
            let own: Vec<RunIx> = runs
                .iter()
                .copied()
                .filter(|ix| files.contains(file_of(*ix)))
                .collect();
            // A path that could not be read has been reported.
            if sources.iter().any(|source| files.contains(source)) {
                selection.add(pick::among(read, &own, target)?);
            }
            named_files.extend(files);
        }
        for target in targets.iter().filter(|target| target.name.is_none()) {
            for file in files(&target.path) {
                named_files.remove(&file);
            }
        }
        let whole = runs
            .into_iter()
            .filter(|ix| !named_files.contains(file_of(*ix)));
        selection.0.extend(whole.map(|ix| (ix, None)));
        Ok(Some(selection))
    }

    fn add(&mut self, found: pick::NamedRun) {
        let Some(seq) = found.seq else {
            self.0.insert(found.run, None);
            return;
        };
        let seqs = self.0.entry(found.run).or_insert(Some(HashSet::new()));
        if let Some(seqs) = seqs {
            seqs.insert(seq);
        }
    }

    pub(super) fn has_run(&self, ix: RunIx) -> bool {
        self.0.contains_key(&ix)
    }

    pub(super) fn has(&self, row: &Row<'_>) -> bool {
        let seqs = self.0.get(&row.run_ix());
        row.kind() != Kind::Malformed
            && seqs.is_some_and(|seqs| seqs.as_ref().is_none_or(|it| it.contains(&row.seq())))
    }
}

/// The files that a path stands for.
fn files(path: &Path) -> HashSet<PathBuf> {
    let inputs = discover::resolve(&[path.to_owned()], discover::Shown::AllJson).inputs;
    let name = |input: Input| input.path().unwrap_or_else(|| PathBuf::from("-"));
    inputs
        .into_iter()
        .map(name)
        .map(|it| canonical(&it))
        .collect()
}

/// One spelling for each file.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
