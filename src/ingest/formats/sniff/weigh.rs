//! Weighs the sampled records: how many identify a format, fit it or contradict it.
//!
//! A format claims a source if at least one record identifies it (only its writers produce that combination of
//! members) and at least half of all records fit. So one stray record that resembles a format decides nothing.

use serde_json::Value;

use super::super::{FORMATS, declared};
use super::{Caveat, strangers};
use crate::ingest::format::{Format, TELLS};
use crate::ingest::json;
use crate::ingest::records::Framing;

/// With this much confidence in a record no other format is possible.
pub(super) const SURE: u8 = 40;

/// The head of a source.
#[derive(Debug)]
pub struct SampledHead {
    pub framing: Framing,
    pub records: Vec<Value>,
    /// The format of the document as a whole.
    pub whole: Option<&'static dyn Format>,
}

/// What the records say about one format.
#[derive(Debug, Clone, Copy)]
pub struct Weighed {
    pub format: &'static dyn Format,
    /// How many records only this format's writers produce.
    pub tells: usize,
    /// How many records could be of this format, including those that identify it.
    pub fits: usize,
    score: u32,
}

impl Weighed {
    fn new(format: &'static dyn Format, records: &[Value]) -> Weighed {
        let mut weighed = Weighed {
            format,
            tells: 0,
            fits: 0,
            score: 0,
        };
        for record in records {
            let score = format.sniff(record);
            weighed.tells += usize::from(score >= TELLS);
            weighed.fits += usize::from(score > 0);
            weighed.score += u32::from(score);
        }
        weighed
    }

    /// What the records say about a format that claims their source; stops as soon as too few can fit.
    fn claiming(format: &'static dyn Format, records: &[Value]) -> Option<Weighed> {
        let misfits = records.iter().filter(|record| format.sniff(record) == 0);
        let too_many = records.len() / 2;
        if misfits.take(too_many + 1).count() > too_many {
            return None;
        }
        Some(Weighed::new(format, records)).filter(|it| it.claims(records.len()))
    }

    /// Whether the format claims a source, of which `all` records were examined.
    pub fn claims(&self, all: usize) -> bool {
        self.tells > 0 && self.fits * 2 >= all
    }
}

impl SampledHead {
    /// What the records say about every format that any of them fits, in the order of the table.
    pub fn weighed(&self) -> Vec<Weighed> {
        let all = FORMATS.iter().chain(declared());
        all.map(|format| Weighed::new(*format, &self.records))
            .filter(|weighed| weighed.fits > 0)
            .collect()
    }

    /// Whether any format claims the source.
    pub(super) fn is_claimed(&self) -> bool {
        let mut all = FORMATS.iter().chain(declared());
        self.whole.is_some() || all.any(|it| Weighed::claiming(*it, &self.records).is_some())
    }

    /// The format that claims the source with the most confidence. Declared formats are asked if no built-in
    /// one is sure.
    pub fn best(&self) -> Option<&'static dyn Format> {
        if self.whole.is_some() {
            return self.whole;
        }
        let surest = |formats: &[&'static dyn Format]| {
            let claiming = formats
                .iter()
                .filter_map(|it| Weighed::claiming(*it, &self.records));
            // max_by_key would return the last of equals.
            claiming.rev().max_by_key(|it| it.score)
        };
        let built_in = surest(FORMATS);
        let sure = u32::from(SURE) * self.records.len() as u32;
        let best = match built_in {
            Some(weighed) if weighed.score >= sure => Some(weighed),
            _ => surest(declared()).or(built_in),
        };
        best.map(|weighed| weighed.format)
    }

    /// What a reader should know about the choice of `best`.
    pub(super) fn caveat(&self, best: Option<&'static dyn Format>) -> Option<Caveat> {
        if self.whole.is_some() {
            return None;
        }
        let identifies = |record: &Value, by: &dyn Format| by.sniff(record) >= SURE;
        let foreign = |record: &&Value| match best {
            Some(best) => {
                best.sniff(record) == 0 && FORMATS.iter().any(|it| identifies(record, *it))
            }
            None => FORMATS.iter().any(|it| identifies(record, *it)),
        };
        if self.records.iter().any(|record| foreign(&record)) {
            return Some(Caveat::Mixed);
        }
        let stranger = || strangers::name(&self.records);
        best.map_or_else(stranger, |_| None)
    }
}

/// The format of a document that is not lines: one value, or values that ignore line boundaries.
pub(super) fn whole(head: &[u8], first: &[u8], has_more: bool) -> Option<&'static dyn Format> {
    let is_line = has_more && json::check(first.trim_ascii()).is_ok();
    if is_line || !matches!(first.trim_ascii_start().first(), Some(b'[' | b'{')) {
        return None;
    }
    let document = json::value_head(head)?;
    let scored = FORMATS
        .iter()
        .map(|format| (format.sniff_document(&document), *format));
    let (score, format) = scored.rev().max_by_key(|(score, _)| *score)?;
    let is_declared = || declared().iter().any(|it| it.sniff(&document) > 0);
    (score >= TELLS && (score >= SURE || !is_declared())).then_some(format)
}
