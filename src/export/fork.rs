//! A new run that copies another one up to an action, with edits. The original is not changed.

use serde_json::{Map, Value};

use crate::export::redact::{Masked, Reason};
use crate::export::saferun;
use crate::model::action::{ActionIx, Kind, Status};
use crate::store::Store;

#[cfg(test)]
mod tests;

/// `args.amount=420`: a path in the events of the last kept action, or in the run start, and its new value.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    path: String,
    to: Value,
}

impl Edit {
    /// A value that is not JSON is taken as text.
    pub fn parse(text: &str) -> Result<Edit, String> {
        let (path, value) = text
            .split_once('=')
            .filter(|(path, _)| !path.is_empty())
            .ok_or_else(|| {
                format!("'{text}' is not an edit: write PATH=VALUE, such as args.amount=420")
            })?;
        Ok(Edit {
            path: path.to_owned(),
            to: serde_json::from_str(value).unwrap_or_else(|_| value.into()),
        })
    }
}

/// Why a run cannot be forked at an action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "call #{call} has no result in the trace: no model accepts a call without one (fork before it, with --at {before})"
    )]
    OpenCall { call: u32, before: u32 },
    #[error("{path}: {what}")]
    Edit { path: String, what: String },
}

/// The events of the new run.
#[derive(Debug)]
pub struct Fork {
    events: Vec<Value>,
    /// Calls whose results come after the cut; the results were copied too.
    pub completed: Vec<u32>,
}

impl Fork {
    /// The events with their secrets masked, unless there is a reason not to.
    pub fn events(self, reason: Option<Reason>) -> Vec<Masked<Value>> {
        let events = self.events.into_iter();
        events.map(|event| Masked::unless(reason, event)).collect()
    }
}

/// Copies `actions`; the new run diverges after the last one.
pub fn fork(store: &Store, actions: &[ActionIx], edits: &[Edit]) -> Result<Fork, Refused> {
    let Some(last) = actions.last().map(|ix| store.row(*ix)) else {
        return Ok(Fork {
            events: Vec::new(),
            completed: Vec::new(),
        });
    };
    let mut completed = Vec::new();
    for row in actions.iter().map(|ix| store.row(*ix)) {
        if row.kind() != Kind::ToolCall {
            continue;
        }
        let result = row.result_place();
        let is_open = row.status() == Status::Pending && !result.is_some();
        // The edited call needs no result: `outdate` writes one.
        if is_open && (row.ix() != last.ix() || edits.is_empty()) {
            return Err(Refused::OpenCall {
                call: row.seq(),
                before: row.seq().saturating_sub(1),
            });
        }
        if row.source_ix() == last.source_ix() && result.offset > last.place().offset {
            completed.push(row.seq());
        }
    }
    let run = last.run();
    let id = format!("{}-fork-{}", run.id, last.seq());
    let (mut events, ids) = saferun::past(store, run, actions, &id);
    let own = ids.get(&last.ix()).map_or("", String::as_str);
    let changes = edit(&mut events, edits, (last.seq(), own))?;
    if let Some(start) = events.first_mut() {
        start["parent_run_id"] = (*run.id).into();
        start["parent_seq"] = last.seq().into();
        start["edits"] = changes;
    }
    Ok(Fork { events, completed })
}

/// Applies the edits, and returns what they changed, for the start of the new run.
fn edit(
    events: &mut Vec<Value>,
    edits: &[Edit],
    (last, own): (u32, &str),
) -> Result<Value, Refused> {
    let mut changes = Vec::new();
    for edit in edits {
        let refused = |what: String| Refused::Edit {
            path: edit.path.clone(),
            what,
        };
        let at = place(events, edit, own).ok_or_else(|| {
            refused(format!(
                "neither action #{last} nor the start of the run has this"
            ))
        })?;
        let from = set(&mut events[at], &edit.path, &edit.to).map_err(refused)?;
        if edit.path.starts_with("args") || edit.path == "tool" {
            outdate(events, own);
        }
        let mut change = Map::new();
        change.insert("path".to_owned(), edit.path.as_str().into());
        change.insert("from".to_owned(), from);
        change.insert("to".to_owned(), edit.to.clone());
        changes.push(Value::Object(change));
    }
    Ok(Value::Array(changes))
}

fn is_of(event: &Value, own: &str) -> bool {
    let is = |name: &str| event.get(name).and_then(Value::as_str) == Some(own);
    is("id") || is("call_id")
}

/// The event that has the first member of the path: one of the last action's, else the run start.
fn place(events: &[Value], edit: &Edit, own: &str) -> Option<usize> {
    let first = edit.path.split('.').next().unwrap_or_default();
    let has = |event: &Value| event.get(first).is_some();
    let of_last = events
        .iter()
        .position(|event| is_of(event, own) && has(event));
    let member = matches!(first, "system" | "tools" | "params" | "model");
    of_last.or_else(|| {
        events
            .first()
            .filter(|start| member || has(start))
            .map(|_| 0)
    })
}

/// Sets a value in an event, and returns the old one. May add members to objects.
fn set(event: &mut Value, path: &str, to: &Value) -> Result<Value, String> {
    let mut at = event;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let is_last = names.peek().is_none();
        at = match at {
            Value::Object(members) => {
                if !is_last && !members.contains_key(name) {
                    let known: Vec<&str> = members.keys().map(String::as_str).collect();
                    return Err(format!("there is no '{name}' ({})", known.join(", ")));
                }
                members.entry(name).or_insert(Value::Null)
            }
            Value::Array(items) => {
                let len = items.len();
                let item = name
                    .parse()
                    .ok()
                    .and_then(|number: usize| items.get_mut(number));
                item.ok_or_else(|| format!("no item '{name}' (there are {len})"))?
            }
            _ => return Err(format!("'{name}' is inside a plain value")),
        };
    }
    Ok(std::mem::replace(at, to.clone()))
}

/// The recorded result, decisions and approvals belong to other arguments: drops them, and adds a result that says so.
fn outdate(events: &mut Vec<Value>, own: &str) {
    let about_arguments = ["tool_result", "policy_decision", "approval"];
    events.retain(|event| {
        let of_call = event["call_id"] == own;
        !(of_call && about_arguments.iter().any(|kind| event["type"] == *kind))
    });
    let run = events.first().map(|start| start["run_id"].clone());
    events.push(serde_json::json!({
        "type": "tool_result",
        "run_id": run,
        "call_id": own,
        "status": "cancelled",
        "error": {"type": "edited", "message": "the call was edited: the recorded result belongs to the original call"},
    }));
}
