//! What defines a trace format: how its records are decoded, where its files are, how a
//! record is opened and what it sent to a model. The list of formats is [`crate::ingest::formats`].

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::FactSink;
use crate::ingest::json::{Cursor, Range, Record};
use crate::ingest::limit::Limit;
use crate::ingest::packed::converted::Convert;
use crate::ingest::packed::scattered::Scattered;
use crate::ingest::relations::Relations;
use crate::ingest::request::{Api, RequestPart};

/// A trace format: the union of the four concerns below, and a name.
pub trait Format: Decode + Layout + Open + Request + std::fmt::Debug + Sync {
    /// The name for `--format` and in machine output.
    fn name(&self) -> &'static str;

    /// One line for the user: what writes this format.
    fn about(&self) -> &'static str;

    /// What traces of this format record. Declared formats are assumed to record everything partly.
    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Partly,
            results: Held::Partly,
            approvals: Held::Partly,
        }
    }
}

/// How a format is recognized, and how its records become facts and runs.
pub trait Decode {
    /// The confidence that a parsed record is of this format. From [`TELLS`] on, the record has a
    /// combination of members that only this format's writers produce; below that it could be theirs;
    /// 0 is "no", which counts against the format.
    fn sniff(&self, record: &Value) -> u8 {
        let _ = record;
        0
    }

    /// The confidence that a whole document is of this format, for documents whose records do not show
    /// it; 0 is "no". `head` may be only the beginning of the document, closed where it was cut.
    fn sniff_document(&self, head: &Value) -> u8 {
        let _ = head;
        0
    }

    /// For formats whose files are one JSON document: the members of its object that are lists of
    /// records. Every other member is a record too, as is every element of a top-level array;
    /// [`Record::member`] tells them apart.
    fn lists(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// Whether a document that is one object is one record, because what surrounds its arrays is needed
    /// to read them. Otherwise the elements of its first array of objects are the records.
    fn takes_whole(&self) -> bool {
        false
    }

    /// Turns one record into facts. Pure, stateless, never fails: a record that cannot be understood
    /// becomes a malformed or unknown fact.
    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>);

    /// The per-run state that this format needs: pairing, turns, lanes, latest usage records.
    fn assembler(&self) -> Box<dyn Assembler>;
}

/// Where agents keep files of a format, and which files belong together. All questions about a path may
/// be asked of any file.
pub trait Layout {
    /// Files that belong to a file of this format and are read with it.
    fn companions(&self, path: &Path, relations: &mut Relations) -> Vec<PathBuf> {
        let _ = (path, relations);
        Vec::new()
    }

    /// The files that one run is scattered over, if the path shows that this is the first of them.
    fn gather(&self, path: &Path) -> Option<Scattered> {
        let _ = path;
        None
    }

    /// How to turn a file in another notation into lines of JSON, if it is one of this format; `head` is its beginning.
    fn convert(&self, path: &Path, head: &[u8]) -> Option<Convert> {
        let _ = (path, head);
        None
    }

    /// Whether the files in a folder are read only as parts of runs stored elsewhere.
    fn is_aside(&self, folder: &Path) -> bool {
        let _ = folder;
        false
    }

    /// The folders, relative to the home folder, in which agents keep their runs.
    fn folders(&self) -> &'static [&'static str] {
        &[]
    }

    /// The extension of the files in those folders; each file is a run.
    fn ending(&self) -> &'static str {
        "jsonl"
    }

    /// Whether a file is only a part of the run of another file.
    fn is_part(&self, path: &Path, relations: &mut Relations) -> bool {
        let _ = (path, relations);
        false
    }
}

/// Finds the arguments of the call in part `part` of a record. None says nothing: the record has to be opened.
pub type FindArgs = fn(record: &mut Cursor<'_>, part: u16) -> Option<Range>;

/// How one action is opened in full.
pub trait Open {
    /// How many bytes of a record are enough to show an action in one line.
    fn glance(&self) -> usize {
        GLANCE
    }

    /// Opens part `part` of a record. The same record may hold several actions.
    fn open(&self, record: &Value, part: u16) -> Body;

    /// Adds to `body` what part `part` of the record of its result holds.
    fn open_result(&self, record: &Value, part: u16, body: &mut Body);

    /// How to find the arguments of a call in its record without opening it, for formats that write them as they are.
    fn finds_args(&self) -> Option<FindArgs> {
        None
    }

    /// Whether only tool calls have arguments, for formats that find them without opening actions.
    fn has_args_of_calls_only(&self) -> bool {
        false
    }

    /// Whether the text of an action may lie in several records, or outside those of its row: then no
    /// search of the bytes of its records can rule it out.
    fn is_pieced(&self) -> bool {
        false
    }

    /// Adds to `body` the policy decision or approval in part `part` of a record.
    fn open_attached(&self, record: &Value, part: u16, body: &mut Body) {
        let _ = (record, part, body);
    }

    /// Adds to `body` what another writer of the trace recorded about the same action or its result in part `part` of a
    /// record.
    fn open_record(&self, record: &Value, part: u16, body: &mut Body) {
        let _ = (record, part, body);
    }
}

/// What records show of the requests that were sent to a model.
pub trait Request {
    /// What part `part` of a record added to the context of the model. `None` if the opened body says
    /// the same.
    fn context(&self, record: &Value, part: u16) -> Option<Vec<RequestPart>> {
        let _ = (record, part);
        None
    }

    /// How much traces of this format hold of the requests to a model, at best.
    fn sent(&self) -> Sent {
        Sent::Order
    }

    /// Whether records may refer to a member of this name: a content-addressed member, whose name is a
    /// hash of its value.
    fn refers_to(&self, name: &[u8]) -> bool {
        let _ = name;
        false
    }

    /// Replaces references in a record with what they refer to. `find` returns the value of a
    /// content-addressed member, or of the next member of that name behind the record.
    fn complete(&self, record: &mut Value, find: &dyn Fn(&str) -> Option<Value>) {
        let _ = (record, find);
    }

    /// The id of the earlier record that a request is a difference from, if it is one.
    fn base<'a>(&self, record: &'a Value) -> Option<&'a str> {
        let _ = record;
        None
    }

    /// Whether `earlier` is a record that `record` may name as its base.
    fn is_base(&self, earlier: &Value, record: &Value) -> bool {
        let _ = (earlier, record);
        false
    }

    /// Replaces the difference in a record with the whole request, given the whole record of its base.
    fn rebase(&self, record: &mut Value, base: &Value) {
        let _ = (record, base);
    }

    /// The member, and its value, by which the record around a model call is found, if the row of the
    /// call is made from the model's answer alone.
    fn around(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// What the record around a model call shows of its request.
    fn request(&self, around: &Value) -> Vec<RequestPart> {
        let _ = around;
        Vec::new()
    }

    /// A text in every record that reports usage limits, if any does.
    fn limits_mark(&self) -> Option<&'static str> {
        None
    }

    /// The usage limits that a record reports.
    fn limits(&self, record: &Value) -> Vec<Limit> {
        let _ = record;
        Vec::new()
    }

    /// The API that agents writing this format use, if it is always the same.
    fn api(&self) -> Option<Api> {
        None
    }

    /// Whether a prompt may continue from a record other than the last one, which discards everything
    /// in between.
    fn rewinds(&self) -> bool {
        false
    }

    /// A text that marks records which change request settings and have no row of their own.
    fn settings(&self) -> Option<&'static str> {
        None
    }
}

/// What a trace holds of the requests to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Their bodies.
    Bodies,
    /// The whole conversation with each call.
    Conversations,
    /// Every message, once.
    Messages,
    /// That there were calls, and in which order.
    Order,
    /// No model calls.
    Nothing,
}

/// How completely something is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Yes,
    /// Only sometimes, only as a total, or only by some versions of the writer.
    Partly,
    No,
}

impl Held {
    pub fn word(self) -> &'static str {
        match self {
            Held::Yes => "yes",
            Held::Partly => "partly",
            Held::No => "no",
        }
    }
}

/// What traces of a format record. Everything else is *not recorded*, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    pub tokens: Held,
    /// Costs as the writer states them; without them, costs are estimated from tokens.
    pub cost: Held,
    pub times: Held,
    /// Tool results.
    pub results: Held,
    /// Decisions of people and policies about calls, including refusals.
    pub approvals: Held,
}

/// The minimum confidence of a record that identifies its format. What other programs also write scores less.
pub const TELLS: u8 = 20;

/// Records up to this size are opened whole even for a one-line summary; of larger ones only the head is
/// read, unless their format needs more.
pub const GLANCE: usize = 16 * 1024;
