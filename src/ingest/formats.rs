//! Every trace format we can read. To add one: a file here, a line in [`FORMATS`], a sample.

pub mod ag_ui;
pub mod anthropic;
pub mod any_json;
pub mod atif;
pub mod chat;
pub mod claude_code;
pub mod claude_stream;
pub mod codex;
pub mod codex_exec;
mod conversation;
pub mod copilot;
pub mod cursor;
pub mod decisions;
pub mod gemini;
pub mod helicone;
pub mod inspect;
pub mod jaeger;
pub mod kimi;
pub mod langfuse;
pub mod langsmith;
mod messages;
pub mod mini_swe;
pub mod openai_traces;
pub mod opencode;
pub mod openhands;
pub mod openhands_sdk;
mod otel;
pub mod otlp;
pub mod phoenix;
pub mod pi;
pub mod qwen;
pub mod saferun;
pub mod shape;
pub mod sniff;
mod spans;
pub mod swe_agent;
pub mod tau2_bench;
pub mod tau_bench;
mod told;
pub mod vercel_ui;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::context::{Api, Piece};
use crate::ingest::fact::FactSink;
use crate::ingest::formats::shape::Shape;
use crate::ingest::json::{Record, Tree, View};
use crate::ingest::kin::Kin;
use crate::ingest::packed::scattered::Scattered;

/// A trace format: its name, its smell, how to read one record, and its rules for whole runs.
pub trait Format: std::fmt::Debug + Sync {
    /// The name for `--format` and in machine output.
    fn name(&self) -> &'static str;

    /// One line that tells a user what writes this format.
    fn about(&self) -> &'static str;

    /// How sure we are that a parsed record is of this format; 0 is "no".
    fn sniff(&self, record: &serde_json::Value) -> u8 {
        let _ = record;
        0
    }

    /// How sure we are that a whole document is of this format, which is not made of records that
    /// tell it each; 0 is "no". `head` may be the document's beginning only, closed where it was cut.
    fn sniff_document(&self, head: &serde_json::Value) -> u8 {
        let _ = head;
        0
    }

    /// For formats whose files are one JSON document: the members of its object that are lists of
    /// records. Every other member is a record too, and so is every element of a top-level array;
    /// [`Record::member`] tells which one it is.
    fn lists(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// What traces of this format tell and do not tell. Of what is only declared nobody knows more
    /// than the declaration.
    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Partly,
            results: Held::Partly,
            approvals: Held::Partly,
        }
    }

    /// Turns one record into facts. Pure, stateless, never fails: what cannot be understood
    /// becomes a malformed or unknown fact.
    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>);

    /// The memory of a run that this format needs: pairing, turns, lanes, last usage lines.
    fn assembler(&self) -> Box<dyn Assembler>;

    /// Whether a document that is one object is one record: what stands around its arrays tells about
    /// what is in them. Else the elements of its first array of objects are the records.
    fn takes_whole(&self) -> bool {
        false
    }

    /// Files that belong to a file of this format and are read with it. Asked of any file.
    fn companions(&self, path: &Path, kin: &mut Kin) -> Vec<PathBuf> {
        let _ = (path, kin);
        Vec::new()
    }

    /// The files over which the run of this one is scattered, where that is how it is kept. Asked of any
    /// file: it must be seen from the path.
    fn gather(&self, path: &Path) -> Option<Scattered> {
        let _ = path;
        None
    }

    /// Whether the files in a folder are only read when runs that lie elsewhere are gathered.
    fn is_aside(&self, folder: &Path) -> bool {
        let _ = folder;
        false
    }

    /// The folders, below the home folder, in which agents that write this format keep their runs.
    fn folders(&self) -> &'static [&'static str] {
        &[]
    }

    /// What the names of the files end in that agents keep there, one for each run.
    fn ending(&self) -> &'static str {
        "jsonl"
    }

    /// Whether a file is only a part of the run of another file.
    fn is_part(&self, path: &Path, kin: &mut Kin) -> bool {
        let _ = (path, kin);
        false
    }

    /// What part `part` of a record puts before the model. `None` where the format does not tell it
    /// better than the opened body does.
    fn context(&self, record: &serde_json::Value, part: u16) -> Option<Vec<Piece>> {
        let _ = (record, part);
        None
    }

    /// Whether records may refer to a member of this name, which says the same wherever it stands.
    fn refers_to(&self, name: &[u8]) -> bool {
        let _ = name;
        false
    }

    /// Puts into a record what it only refers to; `find` gives the value of a member of such a name, or
    /// else of the next member of a name that stands behind it in the source.
    fn complete(
        &self,
        record: &mut serde_json::Value,
        find: &dyn Fn(&str) -> Option<serde_json::Value>,
    ) {
        let _ = (record, find);
    }

    /// The member, and its value, that tells the record around a model call, where its row stands on
    /// what the model answered alone.
    fn around(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// What the record around a model call tells of its request.
    fn request(&self, around: &serde_json::Value) -> Vec<Piece> {
        let _ = around;
        Vec::new()
    }

    /// The interface through which agents that write this format ask their model, where it is always the same.
    fn api(&self) -> Option<Api> {
        None
    }

    /// A prompt may go on from an earlier record than the last one: what came between was taken back.
    fn rewinds(&self) -> bool {
        false
    }

    /// What records hold that tell settings of requests and have no row of their own.
    fn settings(&self) -> Option<&'static str> {
        None
    }

    /// How many bytes of a record are enough to show an action in one line.
    fn glance(&self) -> usize {
        GLANCE
    }

    /// Opens part `part` of a record in full. The same record may hold several actions.
    fn open(&self, record: &serde_json::Value, part: u16) -> Body;

    /// Adds to `body` what the record of its result (part `part`) tells.
    fn open_result(&self, record: &serde_json::Value, part: u16, body: &mut Body);

    /// Adds to `body` the policy decision or approval that the record (part `part`) tells.
    fn open_attached(&self, record: &serde_json::Value, part: u16, body: &mut Body) {
        let _ = (record, part, body);
    }
}

/// How much of something a source writes down.
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

/// What traces of a format tell. What they do not tell is *not recorded*, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    pub tokens: Held,
    /// Money as the source gives it; without it the price table estimates from tokens.
    pub cost: Held,
    pub times: Held,
    /// What tools answered.
    pub results: Held,
    /// What a person or policy said about a call, refusals included.
    pub approvals: Held,
}

/// Records up to this size are opened whole even at a glance; of larger ones only the head is read,
/// unless their format needs more.
pub const GLANCE: usize = 16 * 1024;

/// In the order in which they are tried when two are equally sure.
pub static FORMATS: &[&dyn Format] = &[
    &saferun::Saferun,
    &claude_code::ClaudeCode,
    &codex::Codex,
    &tau2_bench::Tau2Bench,
    &tau_bench::TauBench,
    &otlp::Otlp,
    &langfuse::Langfuse,
    &langsmith::Langsmith,
    &phoenix::Phoenix,
    &openai_traces::OpenaiTraces,
    &helicone::Helicone,
    &jaeger::Jaeger,
    &decisions::Decisions,
    &inspect::Inspect,
    &atif::Atif,
    &kimi::Kimi,
    &vercel_ui::VercelUi,
    &ag_ui::AgUi,
    &copilot::Copilot,
    &claude_stream::ClaudeStream,
    &codex_exec::CodexExec,
    &gemini::Gemini,
    &qwen::Qwen,
    &cursor::Cursor,
    &pi::Pi,
    &opencode::OpenCode,
    &swe_agent::SweAgent,
    &mini_swe::MiniSwe,
    &openhands::OpenHands,
    &openhands_sdk::OpenHandsSdk,
    &anthropic::Anthropic,
    &chat::Chat,
];

/// Reads a record as a tree and lets `told` say what it tells. What is not JSON, and a line that is
/// no object, is malformed.
fn decode_tree(
    record: Record<'_>,
    out: &mut FactSink<'_>,
    told: impl FnOnce(View<'_, '_>, &mut FactSink<'_>),
) {
    let is_line = record.member.is_empty();
    match Tree::read(record) {
        Ok(tree) if tree.root().is_object() || !is_line => {
            told(tree.root(), out);
            out.note(tree.notes());
        }
        Ok(_) | Err(_) => out.malformed(),
    }
}

/// The shapes that the user declared, set once when the program starts; before that, those that come
/// with it.
static DECLARED: OnceLock<Vec<&'static dyn Format>> = OnceLock::new();

/// Formats that are not written in code but declared: tried after the built-in ones.
pub fn declared() -> &'static [&'static dyn Format] {
    DECLARED.get_or_init(|| of_shapes(Vec::new()))
}

/// Takes on the shapes of a user, before those that come with the program. Only the first call counts.
pub fn declare(shapes: Vec<Shape>) {
    // A second call finds the formats known already: they are asked for by name all over.
    let _ = DECLARED.set(of_shapes(shapes));
}

fn of_shapes(shapes: Vec<Shape>) -> Vec<&'static dyn Format> {
    let keep = |shape: Shape| -> &'static dyn Format { Box::leak(Box::new(shape)) };
    shapes
        .into_iter()
        .chain(shape::bundled())
        .map(keep)
        .collect()
}

/// All formats, in the order in which they are tried.
pub fn all() -> impl Iterator<Item = &'static dyn Format> {
    FORMATS.iter().chain(declared()).copied()
}

/// The format of this name, built in or declared.
pub fn by_name(name: &str) -> Option<&'static dyn Format> {
    all().find(|format| format.name() == name)
}
