//! Merges the files of one run by time.

use super::{Assembler, Builder, From};
use crate::ingest::fact::Decoded;
use crate::model::action::SourceIx;
use crate::model::quantity::Time;

/// A decoded block, and the number of lines before it in its file.
pub type NumberedBlock = (u32, Decoded);

/// The facts of several files by time: (file, block, fact). Facts of one file keep their order: a fact
/// without a time stays behind the one before it.
fn by_time(files: &[&[NumberedBlock]]) -> Vec<(usize, usize, usize)> {
    let mut order = Vec::new();
    for (file, blocks) in files.iter().enumerate() {
        let mut latest = Time::NONE;
        for (block, (_, decoded)) in blocks.iter().enumerate() {
            for (fact, told) in decoded.facts.iter().enumerate() {
                latest = latest.max(told.time);
                order.push((latest, file, block, fact));
            }
        }
    }
    order.sort_by_key(|&(time, ..)| time);
    order
        .into_iter()
        .map(|(_, file, block, fact)| (file, block, fact))
        .collect()
}

/// One file of a group, as facts refer to it.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub source: SourceIx,
    /// The file name without its extension.
    pub stem: &'a str,
    pub companion: bool,
}

impl Origin<'_> {
    /// Feeds the facts of a block to the assembler in file order.
    pub fn feed(
        &self,
        (lines_before, decoded): (u32, &Decoded),
        assembler: &mut dyn Assembler,
        build: &mut Builder,
    ) {
        let from = self.from(lines_before, decoded);
        for fact in &decoded.facts {
            assembler.take(fact, &from, build);
        }
    }

    fn from<'a>(&'a self, lines_before: u32, decoded: &'a Decoded) -> From<'a> {
        From {
            decoded,
            source: self.source,
            stem: self.stem,
            lines_before,
            companion: self.companion,
        }
    }
}

/// Feeds the blocks of several files to the assembler in order of time. `after_each` is called after each fact
/// and decides whether to go on.
pub fn feed_by_time<E>(
    files: &[(Origin<'_>, &[NumberedBlock])],
    assembler: &mut dyn Assembler,
    build: &mut Builder,
    mut after_each: impl FnMut(&mut Builder) -> Result<(), E>,
) -> Result<(), E> {
    let blocks: Vec<&[NumberedBlock]> = files.iter().map(|(_, blocks)| *blocks).collect();
    for (file, block, fact) in by_time(&blocks) {
        let (origin, blocks) = &files[file];
        let (lines_before, decoded) = &blocks[block];
        assembler.take(
            &decoded.facts[fact],
            &origin.from(*lines_before, decoded),
            build,
        );
        after_each(build)?;
    }
    Ok(())
}
