//! The events of a served run, in our own format, made from the exchanges of its log.
//!
//! Prompts and tool results are whatever a request adds to the previous ones.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::act::serve::log::{Entry, Logged};
use crate::analysis::tape::contents::{RequestContents, Turn};
use crate::analysis::tape::player::Player;
use crate::export::answers::shape;
use crate::ingest::wire::answer::{ModelAnswer, Part, reported};
use crate::model::action::Status;

/// A run while its events are made.
pub(super) struct Writer<'a> {
    player: &'a Player,
    run_id: &'a str,
    pub(super) events: Vec<Value>,
    /// The conversation of each lane so far.
    contents: HashMap<usize, RequestContents>,
    /// Recorded results and their outcome, by the id of the call.
    recorded: HashMap<&'a str, (&'a str, Status)>,
    responses: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(player: &'a Player, run_id: &'a str) -> Writer<'a> {
        let tools = player.recording.tools.iter();
        let recorded = tools.map(|it| (it.id.as_str(), (it.result.as_str(), it.status)));
        Writer {
            player,
            run_id,
            events: Vec::new(),
            contents: HashMap::new(),
            recorded: recorded.collect(),
            responses: 0,
        }
    }

    pub(super) fn entry(&mut self, entry: &Entry) {
        let now = entry.at;
        match &entry.what {
            Logged::Answered { step, request } => self.answered(*step, request, now),
            Logged::Live { request, answer } => self.answered_live(request, answer, now),
            Logged::Beside(text) => {
                let content = format!("a request outside the conversation got: {text}");
                self.add("note", now, &json!({"content": content}));
            }
            Logged::Missed(words) => {
                let error = json!({"type": "saferun_replay_miss", "message": words});
                self.add("error", now, &json!({"error": error}));
            }
        }
    }

    pub(super) fn end(&mut self, status: &str, now: i64) {
        self.add("run_end", now, &json!({"status": status}));
    }

    /// Adds an event. Members that are null are left out.
    fn add(&mut self, kind: &str, now: i64, members: &Value) {
        let mut event = Map::new();
        event.insert("type".to_owned(), kind.into());
        event.insert("run_id".to_owned(), self.run_id.into());
        event.insert("ts".to_owned(), now.into());
        let members = members.as_object().cloned().unwrap_or_default();
        event.extend(members.into_iter().filter(|(_, value)| !value.is_null()));
        self.events.push(Value::Object(event));
    }

    /// A request that got the answer of a step.
    fn answered(&mut self, step: usize, request: &Value, now: i64) {
        let player = self.player;
        let call = &player.recording.calls[step];
        let answer = &shape::with_ids(&call.answer, step);
        let agent = player.store.symbols().name(call.agent).to_owned();
        let id = self.request((call.lane, &agent), request, now);
        let mut texts = answer.texts.iter();
        self.add(
            "response",
            now,
            &json!({
                "id": id, "agent": agent, "model": answer.model, "content": texts.next(),
                "usage": reported(&answer.usage), "request": request,
                "error": answer.error.as_ref().map(|it| json!({"type": it.kind, "message": it.message})),
                "status": answer.error.as_ref().map(|_| "error"),
            }),
        );
        for text in texts {
            let more = json!({"agent": agent, "content": text, "continued": true});
            self.add("response", now, &more);
        }
        for call in answer.calls() {
            let members = json!({
                "id": call.id, "parent_id": id, "agent": agent, "tool": call.name, "args": call.arguments,
            });
            self.add("tool_call", now, &members);
        }
    }

    /// A request that the real model answered.
    fn answered_live(&mut self, request: &Value, answer: &ModelAnswer, now: i64) {
        let player = self.player;
        let first = player.recording.calls.first();
        let agent = first
            .map_or("", |call| player.store.symbols().name(call.agent))
            .to_owned();
        let id = self.request((0, &agent), request, now);
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
            "request": request, "finish_reason": answer.finish, "error": error, "labels": {"live": "true"},
        });
        self.add("response", now, &members);
        for (at, part) in answer.parts.iter().enumerate() {
            if let Part::Call(call) = part {
                let own = call.id.clone().unwrap_or_else(|| format!("{id}-{at}"));
                let members = json!({
                    "id": own, "parent_id": id, "agent": agent, "tool": call.tool, "args": call.args,
                });
                self.add("tool_call", now, &members);
            }
        }
    }

    /// What a request adds to the run. Returns the id of the response to it.
    fn request(&mut self, (lane, agent): (usize, &str), request: &Value, now: i64) -> String {
        let contents = RequestContents::of(request);
        if self.events.is_empty() {
            self.start(agent, (request, &contents), now);
        }
        let parent = self.parent_of_lane(lane);
        self.new_turns(lane, (agent, parent), contents, now);
        self.responses += 1;
        format!("response-{}", self.responses)
    }

    fn start(&mut self, agent: &str, (body, contents): (&Value, &RequestContents), now: i64) {
        let system = (!contents.system.is_empty()).then(|| contents.system.join("\n"));
        let parent = self.player.store.run(self.player.recording.run);
        let members = json!({
            "v": 1, "agent": agent, "model": body.get("model"), "system": system,
            "tools": body.get("tools"), "parent_run_id": parent.id,
        });
        self.add("run_start", now, &members);
    }

    /// The call that started the agent of a lane.
    fn parent_of_lane(&self, lane: usize) -> Option<&'a str> {
        let player = self.player;
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
        Some(tool.id.as_str()).filter(|id| !id.is_empty())
    }

    /// Logs what a request adds to the previous one in its lane.
    fn new_turns(
        &mut self,
        lane: usize,
        (agent, parent): (&str, Option<&str>),
        contents: RequestContents,
        now: i64,
    ) {
        let known = self.contents.get(&lane).map_or(0, |before| {
            let pairs = before.turns.iter().zip(&contents.turns);
            pairs.take_while(|(one, other)| one == other).count()
        });
        for turn in &contents.turns[known..] {
            match turn {
                Turn::User(text) => {
                    let members = json!({
                        "role": "user", "agent": agent, "content": text, "parent_id": parent,
                        "injected": is_injected(text).then_some(true),
                    });
                    self.add("prompt", now, &members);
                }
                Turn::Result { id, text, is_error } => self.result((id, text, *is_error), now),
                // We served them.
                Turn::Assistant(_) | Turn::Call { .. } => {}
            }
        }
        self.contents.insert(lane, contents);
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
        let status = (!status.is_empty()).then_some(status);
        self.add(
            "tool_result",
            now,
            &json!({"call_id": id, "result": text, "status": status}),
        );
    }
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
        for said in ["fix <b>this</b>", "<b>this</b> is bold", "< x", "<> </>"] {
            assert!(!is_injected(said), "{said}");
        }
    }
}
