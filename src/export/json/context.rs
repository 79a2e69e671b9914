//! `saferun.tui/context@1`: the context of a model call.

use serde::Serialize;
use serde_json::Value;

use crate::analysis::context::{Context, Part};
use crate::store::Store;

pub const SCHEMA: &str = "saferun.tui/context@1";

#[derive(Debug, Serialize)]
pub struct ContextJson<'a> {
    pub schema: &'static str,
    pub run_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// The number, in its run, of the action that represents the call.
    pub seq: u32,
    pub exactness: &'static str,
    pub api: &'static str,
    pub request: &'a Value,
    pub parts: Vec<PartJson<'a>>,
    pub tokens: TokensJson,
}

#[derive(Debug, Serialize)]
pub struct PartJson<'a> {
    pub path: &'a str,
    pub source: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'a str,
    /// The action that the part comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    /// Whether it is new since the request before.
    pub new: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_tokens: Option<u64>,
}

#[derive(Debug, Serialize)]
pub struct TokensJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<u64>,
    /// Estimated from the lengths of all parts.
    pub estimated: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
}

pub fn context<'a>(store: &'a Store, context: &'a Context) -> ContextJson<'a> {
    let row = store.row(context.call);
    ContextJson {
        schema: SCHEMA,
        run_id: &row.run().id,
        turn: (row.turn() > 0).then(|| row.turn()),
        seq: row.seq(),
        exactness: context.exactness.word(),
        api: context.api.word(),
        request: &context.request,
        parts: context.parts.iter().map(|it| part(store, it)).collect(),
        tokens: TokensJson {
            recorded: context.recorded.get(),
            estimated: context.estimate(),
            window: context.window,
        },
    }
}

fn part<'a>(store: &Store, part: &'a Part) -> PartJson<'a> {
    PartJson {
        path: &part.path,
        source: part.origin.word(),
        note: &part.note,
        seq: part.action.map(|action| store.row(action).seq()),
        new: part.is_new,
        estimated_tokens: part.estimate,
    }
}
