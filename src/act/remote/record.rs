//! What the store has to know about a pulled record. It comes from the reader that will open the record, so that both
//! agree about which traces form one run.

use crate::base::human::rfc3339;
use crate::ingest::fact::{Decoded, Fact, FactKind, FactSink, Name};
use crate::ingest::formats::Format;
use crate::ingest::json::{Marks, Record};
use crate::model::quantity::Time;

/// A timestamp: nanoseconds since the Unix epoch, UTC.
pub(super) type Nanos = i64;

pub(super) const SECOND: Nanos = 1_000_000_000;
pub(super) const MINUTE: Nanos = 60 * SECOND;
pub(super) const HOUR: Nanos = 60 * MINUTE;

/// A time as servers read it.
pub(super) fn moment(nanos: Nanos) -> String {
    rfc3339(nanos / 1_000)
}

/// Derived from the record alone, so that it can be derived again from our files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) trace: String,
    /// Empty where a record holds a whole trace.
    pub(super) span: String,
    pub(super) began: Nanos,
    /// None while it runs, and where no end is recorded.
    pub(super) ended: Option<Nanos>,
    /// Whether it has no parent.
    pub(super) is_outermost: bool,
    /// The thread, conversation or session that joins its trace with others; the higher rank prevails.
    pub(super) join: Option<(u8, String)>,
}

impl Meta {
    /// The latest time in it.
    pub(super) fn latest(&self) -> Nanos {
        self.ended.unwrap_or(self.began).max(self.began)
    }
}

/// What one record of a product holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Span,
    Trace,
}

/// Reads records of one format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    pub(super) format: &'static dyn Format,
    pub(super) unit: Unit,
}

impl Reader {
    /// Each record is a span.
    pub(super) fn spans(format: &'static dyn Format) -> Reader {
        let unit = Unit::Span;
        Reader { format, unit }
    }

    /// Each record is a whole trace.
    pub(super) fn traces(format: &'static dyn Format) -> Reader {
        let unit = Unit::Trace;
        Reader { format, unit }
    }

    /// None if the format does not know the record.
    pub(super) fn meta(&self, record: &[u8]) -> Option<Meta> {
        let decoded = self.decoded(record)?;
        let mut spans = decoded.facts.iter().filter(|fact| {
            decoded.name(fact, Name::InSpan).is_empty()
                && !matches!(fact.kind, FactKind::Malformed | FactKind::Unknown)
        });
        let mut meta = of_span(&decoded, spans.next()?)?;
        for span in spans {
            let other = of_span(&decoded, span)?;
            meta.began = meta.began.min(other.began);
            meta.ended = match (meta.is_outermost, other.is_outermost) {
                (false, true) => other.ended,
                (true, true) => meta
                    .ended
                    .zip(other.ended)
                    .map(|(one, other)| one.max(other)),
                (_, false) => meta.ended,
            };
            meta.is_outermost |= other.is_outermost;
            meta.join = stronger(meta.join, other.join);
        }
        if self.unit == Unit::Trace {
            meta.span.clear();
        }
        Some(meta)
    }

    fn decoded(&self, record: &[u8]) -> Option<Decoded> {
        let marks = Marks::of(record);
        let mut decoded = Decoded::default();
        let read = Record {
            block: record,
            start: 0,
            marks: &marks,
            stop: 0,
            member: b"",
        };
        self.format.decode(read, &mut FactSink::new(&mut decoded));
        (!decoded.facts.is_empty()).then_some(decoded)
    }
}

fn of_span(decoded: &Decoded, fact: &Fact) -> Option<Meta> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let span = text(decoded.text(fact.id));
    let trace = text(decoded.name(fact, Name::Trace));
    let began = nanos(fact.time)?;
    let long = fact
        .duration
        .get()
        .map(|micros| micros.saturating_mul(1_000));
    let joins = [Name::Session, Name::Conversation, Name::Thread];
    let joins = (0..)
        .zip(joins)
        .map(|(rank, name)| (rank, text(decoded.name(fact, name))));
    Some(Meta {
        // A request without a trace is its own trace.
        trace: if trace.is_empty() {
            span.clone()
        } else {
            trace
        },
        span,
        began,
        ended: long.map(|long| began.saturating_add(long)),
        is_outermost: fact.parent.is_empty(),
        join: joins.filter(|(_, id)| !id.is_empty()).last(),
    })
}

fn stronger(one: Option<(u8, String)>, other: Option<(u8, String)>) -> Option<(u8, String)> {
    match (&one, &other) {
        (Some((a, _)), Some((b, _))) if b > a => other,
        (None, _) => other,
        (Some(_), _) => one,
    }
}

/// The readers' times have microseconds.
pub(super) fn nanos(time: Time) -> Option<Nanos> {
    time.get().map(|micros| micros.saturating_mul(1_000))
}
