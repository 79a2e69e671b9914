//! Several files that make up one run are told in the order of time.

use crate::ingest::fact::Decoded;
use crate::model::quantity::Time;

/// A decoded block, and how many lines of its file come before it.
pub type Told = (u32, Decoded);

/// The facts of some files by time: (file, block, fact). Within one file its own order holds: a fact
/// without a time stays behind the one before it.
pub fn by_time(files: &[&[Told]]) -> Vec<(usize, usize, usize)> {
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
