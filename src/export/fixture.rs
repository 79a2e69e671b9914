//! `saferun.tui/fixture@1`: a model call as a test case: request, response and tool results.

use serde::Serialize;
use serde_json::Value;

use crate::analysis::context::{Answer, Context, Origin};
use crate::store::Store;

pub const SCHEMA: &str = "saferun.tui/fixture@1";

#[derive(Debug, Serialize)]
pub struct Fixture<'a> {
    pub schema: &'static str,
    pub run_id: &'a str,
    /// The number, in its run, of the action that represents the call.
    pub seq: u32,
    pub api: &'static str,
    pub exactness: &'static str,
    /// Parts that are missing from the request, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<&'a str>,
    pub request: &'a Value,
    /// Messages or items from the assistant.
    pub response: &'a [Value],
    pub tool_results: &'a [Value],
}

pub fn fixture<'a>(store: &'a Store, context: &'a Context, answer: &'a Answer) -> Fixture<'a> {
    let row = store.row(context.call);
    let missing = context.parts.iter();
    let missing = missing.filter(|part| part.origin == Origin::Missing);
    Fixture {
        schema: SCHEMA,
        run_id: &row.run().id,
        seq: row.seq(),
        api: context.api.word(),
        exactness: context.exactness.word(),
        missing: missing.map(|part| part.note.as_str()).collect(),
        request: &context.request,
        response: &answer.messages,
        tool_results: &answer.results,
    }
}
