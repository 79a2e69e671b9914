//! Every trace format we can read. To add one: a file here, a line in [`FORMATS`], a sample.

pub mod adk;
pub mod ag_ui;
pub mod aider;
pub mod anthropic;
pub mod antigravity;
pub mod any_json;
pub mod atif;
pub mod batch;
pub mod browser_use;
pub mod chat;
pub mod chat_export;
pub mod claude_code;
pub mod claude_stream;
pub mod cline;
pub mod codex;
pub mod codex_exec;
pub(crate) mod content;
mod conversation;
pub mod copilot;
pub mod crush;
pub mod cursor;
pub mod cursor_store;
pub mod decisions;
pub mod droid;
mod entry;
pub mod gemini;
pub mod goose;
pub mod gptme;
pub mod grok;
pub mod harbor;
pub mod helicone;
pub mod hermes;
pub mod inspect;
pub mod jaeger;
pub mod kimi;
pub mod kiro;
pub mod langfuse;
pub mod langsmith;
pub mod litellm;
pub mod llm_logs;
pub mod mcp_log;
mod members;
mod messages;
pub mod mini_swe;
pub mod mlflow;
pub mod openai_traces;
pub mod opencode;
pub mod openhands;
pub mod openhands_sdk;
pub mod opik;
pub(crate) mod otel;
pub mod otlp;
pub mod phoenix;
pub mod pi;
mod plain;
pub mod qwen;
pub mod responses;
pub mod saferun;
pub mod shape;
pub mod sniff;
mod spans;
pub mod specstory;
pub mod swe_agent;
pub mod tau2_bench;
pub mod tau_bench;
pub mod traffic;
pub mod vercel_ui;
pub mod vibe;
pub mod vscode_chat;
pub mod vscode_traces;
pub mod zed;

use std::sync::OnceLock;

pub use crate::ingest::format::Format;
use crate::ingest::formats::plain::Plain;
use crate::ingest::formats::shape::{Shape, Wrong};

/// Formats written in code. Of two with equal confidence the first wins.
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
    &litellm::Litellm,
    &mlflow::Mlflow,
    &opik::Opik,
    &vscode_traces::VscodeTraces,
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
    &Plain(goose::Goose),
    &Plain(crush::Crush),
    &Plain(zed::Zed),
    &Plain(hermes::Hermes),
    &Plain(llm_logs::LlmLogs),
    &Plain(cursor_store::CursorStore),
    &Plain(vscode_chat::VscodeChat),
    &Plain(cline::Cline),
    &Plain(aider::Aider),
    &Plain(specstory::SpecStory),
    &Plain(adk::Adk),
    &Plain(droid::Droid),
    &Plain(kiro::Kiro),
    &Plain(grok::Grok),
    &Plain(antigravity::Antigravity),
    &Plain(vibe::Vibe),
    &Plain(gptme::Gptme),
    &Plain(browser_use::BrowserUse),
    &Plain(chat_export::ChatExport),
    &Plain(batch::Batch),
    &Plain(mcp_log::McpLog),
    &traffic::VCR,
    &traffic::HAR,
    &swe_agent::SweAgent,
    &mini_swe::MiniSwe,
    &openhands::OpenHands,
    &openhands_sdk::OpenHandsSdk,
    &anthropic::Anthropic,
    &responses::Responses,
    &chat::Chat,
    &harbor::Harbor,
];

/// The shapes that the user declared, set once at startup; until then, the bundled ones.
static DECLARED: OnceLock<Vec<&'static dyn Format>> = OnceLock::new();

/// Formats that are declared rather than written in code; tried after [`FORMATS`].
pub fn declared() -> &'static [&'static dyn Format] {
    DECLARED.get_or_init(|| of_shapes(Vec::new()))
}

/// Adds the user's shapes ahead of the bundled ones. Only the first call has an effect.
pub fn declare(shapes: Vec<Shape>) {
    // By a second call the formats may be in use already.
    let _ = DECLARED.set(of_shapes(shapes));
}

/// Reads the declaration of a shape, whose name must not be that of a built-in format.
pub fn read_shape(text: &str) -> Result<Shape, Wrong> {
    shape::read(text, &built_in())
}

fn built_in() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.name()).collect()
}

fn of_shapes(shapes: Vec<Shape>) -> Vec<&'static dyn Format> {
    let keep = |shape: Shape| -> &'static dyn Format { Box::leak(Box::new(shape)) };
    shapes
        .into_iter()
        .chain(shape::bundled(&built_in()))
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
