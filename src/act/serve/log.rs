//! Logs the requests and answers of a served run, as a new run in our own format.
//!
//! Prompts and tool results are whatever a request adds to the previous ones.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use crate::analysis::tape::answer::Answer;
use crate::analysis::tape::contents::{RequestContents, Turn};
use crate::analysis::tape::player::{ParsedRequest, Player};
use crate::ingest::wire::answer::{ModelAnswer, Part, reported};
use crate::model::action::Status;

/// The events of the new run so far.
#[derive(Debug)]
pub struct Log {
    pub run_id: String,
    events: Vec<Value>,
    /// The conversation of each lane so far.
    contents: HashMap<usize, RequestContents>,
    /// Recorded results and their outcome, by the id of the call.
    recorded: HashMap<String, (String, Status)>,
    parent: String,
    responses: usize,
}

impl Log {
    pub(super) fn new(player: &Player, now: i64) -> Log {
        let run = player.store.run(player.recording.run);
        let tools = player.recording.tools.iter();
        let recorded = tools.map(|it| (it.id.clone(), (it.result.clone(), it.status)));
        Log {
            run_id: format!("{}-served-{now}", run.id),
            events: Vec::new(),
            contents: HashMap::new(),
            recorded: recorded.collect(),
            parent: run.id.to_string(),
            responses: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The run, with a start, and with an end if its agent has ended.
    pub fn events(&self, status: Option<&str>, now: i64) -> Vec<Value> {
        let mut events = self.events.clone();
        if let Some(status) = status {
            events.push(self.event("run_end", now, &json!({"status": status})));
        }
        events
    }

    fn event(&self, kind: &str, now: i64, members: &Value) -> Value {
        let mut event = Map::new();
        event.insert("type".to_owned(), kind.into());
        event.insert("run_id".to_owned(), self.run_id.as_str().into());
        event.insert("ts".to_owned(), now.into());
        let members = members.as_object().cloned().unwrap_or_default();
        event.extend(members.into_iter().filter(|(_, value)| !value.is_null()));
        Value::Object(event)
    }

    fn say(&mut self, kind: &str, now: i64, members: &Value) {
        let event = self.event(kind, now, members);
        self.events.push(event);
    }

    /// A request that got the answer of a step.
    pub(super) fn answered(
        &mut self,
        player: &Player,
        (at, answer): (usize, &Answer),
        request: &ParsedRequest,
        now: i64,
    ) {
        let call = &player.recording.calls[at];
        let agent = player.store.symbols().name(call.agent).to_owned();
        if self.events.is_empty() {
            self.start(&agent, request, now);
        }
        let parent = self.parent_of_lane(player, call.lane);
        self.new_turns(call.lane, (&agent, parent.as_deref()), request, now);
        self.responses += 1;
        let id = format!("response-{}", self.responses);
        let mut texts = answer.texts.iter();
        self.say(
            "response",
            now,
            &json!({
                "id": id, "agent": agent, "model": answer.model, "content": texts.next(),
                "usage": reported(&answer.usage), "request": request.body,
                "error": answer.error.as_ref().map(|it| json!({"type": it.kind, "message": it.message})),
                "status": answer.error.as_ref().map(|_| "error"),
            }),
        );
        for text in texts {
            let more = json!({"agent": agent, "content": text, "continued": true});
            self.say("response", now, &more);
        }
        for call in answer.calls() {
            let members = json!({
                "id": call.id, "parent_id": id, "agent": agent, "tool": call.name, "args": call.arguments,
            });
            self.say("tool_call", now, &members);
        }
    }

    /// A request that the real model answered.
    pub(super) fn answered_live(
        &mut self,
        player: &Player,
        request: &ParsedRequest,
        answer: &ModelAnswer,
        now: i64,
    ) {
        let first = player.recording.calls.first();
        let agent = first
            .map_or("", |call| player.store.symbols().name(call.agent))
            .to_owned();
        if self.events.is_empty() {
            self.start(&agent, request, now);
        }
        self.new_turns(0, (&agent, None), request, now);
        self.responses += 1;
        let id = format!("response-{}", self.responses);
        let texts = answer.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Call(_) | Part::Reasoning(_) | Part::Result { .. } => None,
        });
        let text = texts.collect::<Vec<&str>>().join("\n");
        let error = answer
            .error
            .as_ref()
            .map(|it| json!({"type": it.kind, "message": it.message}));
        let members = json!({
            "id": id, "agent": agent, "model": answer.model, "content": text, "usage": reported(&answer.usage),
            "request": request.body, "finish_reason": answer.finish, "error": error, "labels": {"live": "true"},
        });
        self.say("response", now, &members);
        for (at, part) in answer.parts.iter().enumerate() {
            if let Part::Call(call) = part {
                let own = call.id.clone().unwrap_or_else(|| format!("{id}-{at}"));
                let members = json!({
                    "id": own, "parent_id": id, "agent": agent, "tool": call.tool, "args": call.args,
                });
                self.say("tool_call", now, &members);
            }
        }
    }

    fn start(&mut self, agent: &str, request: &ParsedRequest, now: i64) {
        let body = &request.body;
        let system =
            (!request.contents.system.is_empty()).then(|| request.contents.system.join("\n"));
        let members = json!({
            "v": 1, "agent": agent, "model": body.get("model"), "system": system,
            "tools": body.get("tools"), "parent_run_id": self.parent,
        });
        self.say("run_start", now, &members);
    }

    /// The call that started the agent of a lane.
    fn parent_of_lane(&self, player: &Player, lane: usize) -> Option<String> {
        if self.contents.contains_key(&lane) || lane == 0 {
            return None;
        }
        let agent = player
            .recording
            .calls
            .iter()
            .find(|call| call.lane == lane)?
            .agent;
        let lanes = &player.store.run(player.recording.run).lanes;
        let starter = lanes
            .iter()
            .find(|lane| lane.agent == agent)?
            .parent
            .get()?;
        let seq = player.store.row(starter).seq();
        let tool = player.recording.tools.iter().find(|tool| tool.seq == seq)?;
        Some(tool.id.clone()).filter(|id| !id.is_empty())
    }

    /// Logs what a request adds to the previous one in its lane.
    fn new_turns(
        &mut self,
        lane: usize,
        (agent, parent): (&str, Option<&str>),
        request: &ParsedRequest,
        now: i64,
    ) {
        let before = self.contents.insert(lane, request.contents.clone());
        let known = before.map_or(0, |before| {
            let pairs = before.turns.iter().zip(&request.contents.turns);
            pairs.take_while(|(one, other)| one == other).count()
        });
        for turn in &request.contents.turns[known..] {
            match turn {
                Turn::User(text) => {
                    let members = json!({
                        "role": "user", "agent": agent, "content": text, "parent_id": parent,
                        "injected": is_injected(text).then_some(true),
                    });
                    self.say("prompt", now, &members);
                }
                Turn::Result { id, text, is_error } => self.result((id, text, *is_error), now),
                // We served them.
                Turn::Assistant(_) | Turn::Call { .. } => {}
            }
        }
    }

    /// For APIs that do not report whether a call failed: a recorded result has its recorded outcome.
    fn result(&mut self, (id, text, is_error): (&str, &str, Option<bool>), now: i64) {
        let recorded = self.recorded.get(id);
        let same =
            recorded.filter(|(result, _)| result.split_whitespace().eq(text.split_whitespace()));
        let status = match (same, is_error) {
            (Some((_, status)), _) if *status != Status::Pending => status.word(),
            (_, Some(true)) => "error",
            (_, Some(false)) => "ok",
            (_, None) => "",
        };
        let status = (!status.is_empty()).then(|| status.to_owned());
        self.say(
            "tool_result",
            now,
            &json!({"call_id": id, "result": text, "status": status}),
        );
    }

    /// A request outside the conversation.
    pub(super) fn beside(&mut self, text: &str, now: i64) {
        if !self.events.is_empty() {
            let content = format!("a request outside the conversation got: {text}");
            self.say("note", now, &json!({"content": content}));
        }
    }

    /// A request without an answer.
    pub(super) fn missed(&mut self, words: &str, now: i64) {
        if !self.events.is_empty() {
            let error = json!({"type": "saferun_replay_miss", "message": words});
            self.say("error", now, &json!({"error": error}));
        }
    }
}

/// Events in a file that is deleted when this is dropped.
#[derive(Debug)]
pub struct Written {
    file: NamedTempFile,
    pub is_empty: bool,
}

impl Written {
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

pub fn written(events: &[Value]) -> io::Result<Written> {
    let mut file = tempfile::Builder::new().suffix(".jsonl").tempfile()?;
    for event in events {
        writeln!(file, "{event}")?;
    }
    file.flush()?;
    Ok(Written {
        file,
        is_empty: events.is_empty(),
    })
}

/// Whether a text is wholly in an element such as `<system-reminder>`: hosts add such texts in the user's name.
fn is_injected(text: &str) -> bool {
    let text = text.trim();
    let name = text
        .strip_prefix('<')
        .and_then(|rest| rest.split(['>', ' ']).next());
    let is_name = |name: &&str| {
        !name.is_empty()
            && name
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || "-_".contains(it))
    };
    name.filter(is_name)
        .is_some_and(|name| text.ends_with(&format!("</{name}>")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_added_by_hosts_is_not_the_users() {
        assert!(is_injected(
            "<system-reminder>\nBe nice.\n</system-reminder>\n"
        ));
        assert!(is_injected("<environment_context>x</environment_context>"));
        for text in ["fix <b>this</b>", "<b>this</b> is bold", "< x", "<> </>"] {
            assert!(!is_injected(text), "{text}");
        }
    }
}
