//! What the formats of tracing products share: one span, or a document of spans, per record.

use std::fmt::Debug;

use serde_json::Value;

use super::request::RequestFields;
use super::{GLANCE, Span};
use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Decode, Format, Layout, Open, Recorded, Request, Sent};
use crate::ingest::formats::entry::{add_attached, add_result, shared};
use crate::ingest::json::{Checked, Cursor, Json, Range, Record};
use crate::ingest::request::RequestPart;

/// What distinguishes a tracing product: its name, how it is recognized, and how it writes a span.
pub(in crate::ingest::formats) trait Product: Debug + Sync {
    fn name(&self) -> &'static str;

    fn about(&self) -> &'static str;

    fn sniff(&self, record: &Value) -> u8;

    fn recorded(&self) -> Recorded;

    /// The span of a record, or of the part of a document that a row was made from.
    fn span(&self, record: &Json) -> Span;

    /// The request fields in the record of a model call, beside the messages.
    fn request_fields(&self, record: &Json) -> RequestFields {
        let _ = record;
        RequestFields::default()
    }

    /// Emits the spans of a record, which is at `whole`: one, unless the product writes documents.
    fn spans(&self, record: &Json, whole: Range, out: &mut FactSink<'_>) {
        self.span(record).emit(Some(whole), out);
    }

    /// Reads a record and emits its spans. Fails if there is none.
    fn emit(
        &self,
        _record: Record<'_>,
        cursor: &mut Cursor<'_>,
        out: &mut FactSink<'_>,
    ) -> Checked<()> {
        let (range, found) = shared(cursor)?;
        self.spans(&found, range, out);
        Ok(())
    }

    fn takes_whole(&self) -> bool {
        false
    }

    fn glance(&self) -> usize {
        GLANCE
    }

    /// How much its spans hold of requests, at best.
    fn sent(&self) -> Sent {
        Sent::Conversations
    }
}

impl<P: Product> Format for P {
    fn name(&self) -> &'static str {
        Product::name(self)
    }

    fn about(&self) -> &'static str {
        Product::about(self)
    }

    fn recorded(&self) -> Recorded {
        Product::recorded(self)
    }
}

impl<P: Product> Decode for P {
    fn sniff(&self, record: &Value) -> u8 {
        Product::sniff(self, record)
    }

    fn takes_whole(&self) -> bool {
        Product::takes_whole(self)
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let mut cursor = Cursor::new(record);
        if self.emit(record, &mut cursor, out).is_err() {
            out.malformed();
        }
        out.note(cursor.notes);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        super::assembler()
    }
}

impl<P: Product> Layout for P {}

impl<P: Product> Open for P {
    fn glance(&self) -> usize {
        Product::glance(self)
    }

    fn open(&self, record: &Value, part: u16) -> Body {
        self.span(&record.into()).opened(part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        add_result(self.span(&record.into()).body(part), body);
    }

    fn open_attached(&self, record: &Value, part: u16, body: &mut Body) {
        add_attached(self.span(&record.into()).body(part), body);
    }
}

impl<P: Product> Request for P {
    fn sent(&self) -> Sent {
        Product::sent(self)
    }

    fn context(&self, record: &Value, part: u16) -> Option<Vec<RequestPart>> {
        let record = Json::from(record);
        self.span(&record)
            .pieces(part, || self.request_fields(&record))
    }
}
