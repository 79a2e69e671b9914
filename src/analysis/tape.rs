//! A recorded run as answers: what its model answered to each call, and what its tools returned, so that both can be
//! served to an agent that asks the same.
//!
//! How closely a request can be compared depends on what the trace records of it ([`Class`]). Nothing here is sent.

pub mod again;
pub mod answer;
pub mod class;
pub mod contents;
pub mod digests;
pub mod forks;
pub mod norm;
pub mod player;
pub mod request;
pub mod schema;
pub mod tools;

use serde_json::Value;

use crate::analysis::context::{self, RequestCoverage};
use crate::analysis::tape::answer::Answer;
use crate::analysis::tape::class::Class;
use crate::base::cancel::CancelFlag;
use crate::ingest::request::Api;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::quantity::Elapsed;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

#[cfg(test)]
mod tests;

/// The answers of a run, in the order recorded.
#[derive(Debug, Clone)]
pub struct Recording {
    pub run: RunIx,
    pub calls: Vec<Call>,
    pub tools: Vec<ToolCall>,
    /// Answers that were cut off: serving them would cut the client off too.
    pub cut: usize,
    /// Tool calls without a recorded result.
    pub unanswered: usize,
}

/// A model call.
#[derive(Debug, Clone)]
pub struct Call {
    pub action: ActionIx,
    pub seq: u32,
    /// Calls of one agent follow each other; those of several may be requested in any order. 0 is the agent that called
    /// first.
    pub lane: usize,
    pub agent: Sym,
    pub class: Class,
    pub answer: Answer,
    pub duration: Elapsed,
}

/// A tool call with its result.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    pub seq: u32,
    /// The id of the call; empty if not recorded.
    pub id: String,
    /// The name as the model calls it.
    pub name: String,
    pub arguments: Value,
    /// As the model reads it.
    pub result: String,
    /// The result if it is anything but text.
    pub value: Option<Value>,
    pub status: Status,
}

impl ToolCall {
    pub fn is_error(&self) -> bool {
        !matches!(
            self.status,
            Status::Ok | Status::Unrecorded | Status::Pending
        )
    }

    /// Server and tool of `mcp__SERVER__TOOL`, the name that hosts give to tools of MCP servers.
    pub fn of_server(&self) -> Option<(&str, &str)> {
        self.name.strip_prefix("mcp__")?.split_once("__")
    }
}

impl Recording {
    pub fn of(store: &Store, run: RunIx) -> Recording {
        let mut recording = Recording {
            run,
            calls: Vec::new(),
            tools: Vec::new(),
            cut: 0,
            unanswered: 0,
        };
        let mut lanes: Vec<Sym> = Vec::new();
        for row in store.rows().filter(|row| row.run_ix() == run) {
            // What a fork or a resumed session copied is history for its agent, which does not request it.
            if row.copied_from().is_some() {
                continue;
            }
            if row.kind() == Kind::ToolCall {
                recording.tool(&row);
            }
            if context::is_call(&row) {
                let known = lanes.iter().position(|agent| *agent == row.agent_sym());
                let lane = known.unwrap_or_else(|| {
                    lanes.push(row.agent_sym());
                    lanes.len() - 1
                });
                recording.call(store, &row, lane);
            }
        }
        recording
    }

    fn call(&mut self, store: &Store, row: &Row<'_>, lane: usize) {
        let answer = Answer::of(store, row);
        if answer.is_cut {
            self.cut += 1;
            return;
        }
        let class = match context::coverage(row) {
            RequestCoverage::Body => Class::Recorded,
            RequestCoverage::Conversation => Class::Conversation,
            RequestCoverage::Nothing => Class::of_format(row.source().format),
        };
        self.calls.push(Call {
            action: row.ix(),
            seq: row.seq(),
            lane,
            agent: row.agent_sym(),
            class,
            answer,
            duration: row.duration(),
        });
    }

    fn tool(&mut self, row: &Row<'_>) {
        let body = bodies::open(row, Depth::Full);
        let (text, value) = match (body.result, body.error) {
            (Some(Value::String(text)), _) => (text, None),
            (Some(value), _) => (value.to_string(), Some(value)),
            (None, Some(error)) => (error.message, None),
            // A guarded function that returned nothing: `saferun.py` and `saferun.mjs` write no result then.
            (None, None) if row.status() == Status::Ok && body.via.iter().any(|it| it == "sdk") => {
                (String::new(), Some(Value::Null))
            }
            (None, None) => {
                self.unanswered += 1;
                return;
            }
        };
        self.tools.push(ToolCall {
            seq: row.seq(),
            id: body.id.unwrap_or_default(),
            name: row.tool().to_owned(),
            arguments: body
                .args
                .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            result: text,
            value,
            status: row.status(),
        });
    }

    /// The weakest class of its calls; none without calls.
    pub fn class(&self) -> Option<Class> {
        self.calls.iter().map(|call| call.class).max()
    }

    /// Names of the servers whose tools it called.
    pub fn servers(&self) -> Vec<&str> {
        let mut servers: Vec<&str> = Vec::new();
        for (server, _) in self.tools.iter().filter_map(ToolCall::of_server) {
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        servers
    }

    /// The schemas of its tools, if the trace has them, in the shape of the Messages API.
    pub fn schemas(&self, store: &Store) -> Vec<Value> {
        let mut schemas: Vec<Value> = Vec::new();
        let first_of_lane = |at: &usize| {
            let lane = self.calls[*at].lane;
            self.calls[..*at].iter().all(|call| call.lane != lane)
        };
        for at in (0..self.calls.len()).filter(first_of_lane) {
            let found = context::request(store, self.calls[at].action, &CancelFlag::new());
            let tools = found.and_then(|request| request.get("tools").cloned());
            let tools = tools.map(|tools| context::tools(Api::Messages, &tools));
            for tool in tools.iter().filter_map(Value::as_array).flatten() {
                if !schemas.iter().any(|known| known["name"] == tool["name"]) {
                    schemas.push(tool.clone());
                }
            }
        }
        schemas
    }
}
