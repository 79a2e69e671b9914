//! The stored part of OTLP's messages: the number of each field, its name in JSON, and its type.

/// The type of a field, and how JSON represents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Bytes in base 64.
    Bytes,
    /// An id: bytes in hexadecimal, as in OTLP/JSON but not in protobuf's own JSON.
    Id,
    Bool,
    /// A 32-bit number or an enum: a number.
    Number,
    /// A signed 64-bit number: a string of digits.
    Long,
    /// A fixed-length 64-bit number: a string of digits.
    Fixed64,
    Fixed32,
    Double,
    Message(&'static [Field]),
    /// Points to a message that contains itself.
    Value,
    Values,
    Pairs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) is_list: bool,
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        number,
        name,
        kind,
        is_list: false,
    }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        number,
        name,
        kind,
        is_list: true,
    }
}

use Kind::{
    Bool, Bytes, Double, Fixed32, Fixed64, Id, Long, Message, Number, Pairs, Text, Value, Values,
};

pub(super) const TRACES: &[Field] = &[many(1, "resourceSpans", Message(RESOURCE_SPANS))];
pub(super) const LOGS: &[Field] = &[many(1, "resourceLogs", Message(RESOURCE_LOGS))];
/// Metrics are only checked to be messages.
pub(super) const METRICS: &[Field] = &[];

const RESOURCE_SPANS: &[Field] = &[
    one(1, "resource", Message(RESOURCE)),
    many(2, "scopeSpans", Message(SCOPE_SPANS)),
    one(3, "schemaUrl", Text),
];
const RESOURCE_LOGS: &[Field] = &[
    one(1, "resource", Message(RESOURCE)),
    many(2, "scopeLogs", Message(SCOPE_LOGS)),
    one(3, "schemaUrl", Text),
];
const RESOURCE: &[Field] = &[
    many(1, "attributes", Message(PAIR)),
    one(2, "droppedAttributesCount", Number),
    many(3, "entityRefs", Message(ENTITY)),
];
const ENTITY: &[Field] = &[
    one(1, "schemaUrl", Text),
    one(2, "type", Text),
    many(3, "idKeys", Text),
    many(4, "descriptionKeys", Text),
];
const SCOPE_SPANS: &[Field] = &[
    one(1, "scope", Message(SCOPE)),
    many(2, "spans", Message(SPAN)),
    one(3, "schemaUrl", Text),
];
const SCOPE_LOGS: &[Field] = &[
    one(1, "scope", Message(SCOPE)),
    many(2, "logRecords", Message(LOG)),
    one(3, "schemaUrl", Text),
];
const SCOPE: &[Field] = &[
    one(1, "name", Text),
    one(2, "version", Text),
    many(3, "attributes", Message(PAIR)),
    one(4, "droppedAttributesCount", Number),
];
const SPAN: &[Field] = &[
    one(1, "traceId", Id),
    one(2, "spanId", Id),
    one(3, "traceState", Text),
    one(4, "parentSpanId", Id),
    one(5, "name", Text),
    one(6, "kind", Number),
    one(7, "startTimeUnixNano", Fixed64),
    one(8, "endTimeUnixNano", Fixed64),
    many(9, "attributes", Message(PAIR)),
    one(10, "droppedAttributesCount", Number),
    many(11, "events", Message(EVENT)),
    one(12, "droppedEventsCount", Number),
    many(13, "links", Message(LINK)),
    one(14, "droppedLinksCount", Number),
    one(15, "status", Message(STATUS)),
    one(16, "flags", Fixed32),
];
const EVENT: &[Field] = &[
    one(1, "timeUnixNano", Fixed64),
    one(2, "name", Text),
    many(3, "attributes", Message(PAIR)),
    one(4, "droppedAttributesCount", Number),
];
const LINK: &[Field] = &[
    one(1, "traceId", Id),
    one(2, "spanId", Id),
    one(3, "traceState", Text),
    many(4, "attributes", Message(PAIR)),
    one(5, "droppedAttributesCount", Number),
    one(6, "flags", Fixed32),
];
const STATUS: &[Field] = &[one(2, "message", Text), one(3, "code", Number)];
const LOG: &[Field] = &[
    one(1, "timeUnixNano", Fixed64),
    one(2, "severityNumber", Number),
    one(3, "severityText", Text),
    one(5, "body", Value),
    many(6, "attributes", Message(PAIR)),
    one(7, "droppedAttributesCount", Number),
    one(8, "flags", Fixed32),
    one(9, "traceId", Id),
    one(10, "spanId", Id),
    one(11, "observedTimeUnixNano", Fixed64),
    one(12, "eventName", Text),
];
const PAIR: &[Field] = &[one(1, "key", Text), one(2, "value", Value)];
const VALUE: &[Field] = &[
    one(1, "stringValue", Text),
    one(2, "boolValue", Bool),
    one(3, "intValue", Long),
    one(4, "doubleValue", Double),
    one(5, "arrayValue", Values),
    one(6, "kvlistValue", Pairs),
    one(7, "bytesValue", Bytes),
];
const VALUES: &[Field] = &[many(1, "values", Value)];
const PAIRS: &[Field] = &[many(1, "values", Message(PAIR))];

impl Kind {
    /// The fields of a message.
    pub(super) fn fields(self) -> Option<&'static [Field]> {
        match self {
            Message(fields) => Some(fields),
            Value => Some(VALUE),
            Values => Some(VALUES),
            Pairs => Some(PAIRS),
            Text | Bytes | Id | Bool | Number | Long | Fixed64 | Fixed32 | Double => None,
        }
    }
}
