//! Which conversation a request belongs to: a request carries only the history so far.
//!
//! A request that begins with all messages of a conversation continues it. Otherwise it starts a new one: a subagent
//! while a tool call is open, a call beside the work if it has no tools, the same agent with a shortened history if the
//! host reports the same session, and else another run.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::delta::Base;
use super::request::{Answered, Content, Message, ModelRequest, shown};

/// The agent of calls beside the work: titles, summaries, classifiers.
const SIDE: &str = "side";
/// How many conversations are remembered.
const MOST: usize = 256;

#[derive(Debug)]
pub struct Conversation {
    pub run: String,
    /// None for the agent of the run.
    pub agent: Option<String>,
    /// The tool call that started it.
    pub parent: Option<String>,
    pub base: Option<Base>,
    /// The last prompt that was recorded.
    pub prompt: Option<String>,
    hashes: Vec<u64>,
    known: HashSet<u64>,
    has_tools: bool,
    answers: Vec<String>,
    open: Vec<Open>,
}

/// A tool call without a result so far.
#[derive(Debug, Clone)]
struct Open {
    call: String,
    tool: String,
    args: Value,
    /// It started a conversation.
    is_claimed: bool,
    /// It arrived at its server.
    is_served: bool,
}

/// Where a request belongs.
#[derive(Debug)]
pub struct Placed {
    pub at: usize,
    pub is_new: bool,
    /// How many messages there were before recording began.
    pub earlier: usize,
    /// The first message that is new.
    pub from: usize,
    /// Earlier messages have changed, so that those after them may already be recorded.
    pub is_rewritten: bool,
}

/// The run that a request claims to belong to.
#[derive(Debug, Clone)]
pub struct From {
    pub run: String,
    /// The host named the session.
    pub is_named: bool,
}

#[derive(Debug, Default)]
pub struct Lanes {
    conversations: Vec<Conversation>,
    runs: u32,
}

impl Lanes {
    pub fn get(&mut self, at: usize) -> &mut Conversation {
        &mut self.conversations[at]
    }

    /// The run and the id of an open call that now arrives at its server.
    pub fn served(&mut self, tool: &str, args: &Value) -> Option<(String, String)> {
        let is_it = |it: &Open| it.tool == tool && it.args == *args && !it.is_served;
        self.conversations.iter_mut().find_map(|lane| {
            let open = lane.open.iter_mut().find(|it| is_it(it))?;
            open.is_served = true;
            Some((lane.run.clone(), open.call.clone()))
        })
    }

    pub fn place(&mut self, from: &From, request: &ModelRequest) -> Placed {
        match self.find(from, request) {
            Some((at, shared)) => {
                let conversation = &mut self.conversations[at];
                let is_rewritten = request.previous.is_none() && shared < conversation.hashes.len();
                conversation.take(request);
                Placed {
                    at,
                    is_new: false,
                    earlier: 0,
                    from: shared,
                    is_rewritten,
                }
            }
            None => self.begin(from, request),
        }
    }

    /// The messages of a request that were not recorded before.
    pub fn news<'m>(&mut self, placed: &Placed, request: &'m ModelRequest) -> Vec<&'m Message> {
        let known = &mut self.get(placed.at).known;
        let (before, rest) = request
            .messages
            .split_at(placed.from.min(request.messages.len()));
        known.extend(before.iter().map(|it| it.hash));
        let news = rest
            .iter()
            .filter(|it| known.insert(it.hash) || !placed.is_rewritten);
        news.collect()
    }

    /// The conversation that a request continues, and how many messages they share.
    fn find(&self, from: &From, request: &ModelRequest) -> Option<(usize, usize)> {
        if let Some(previous) = &request.previous {
            let mut all = self.conversations.iter();
            let at = all.position(|it| it.answers.contains(previous))?;
            return Some((at, 0));
        }
        let system = leading(&request.messages);
        let mut best: Option<(usize, usize)> = None;
        for (at, it) in self.conversations.iter().enumerate() {
            let is_near = it.run == from.run || (!from.is_named && it.run.starts_with(&from.run));
            let pairs = it.hashes.iter().zip(&request.messages);
            let shared = pairs
                .take_while(|(hash, message)| **hash == message.hash)
                .count();
            let own = shared.saturating_sub(system);
            let whole = it.hashes.len().saturating_sub(system);
            // Part of a history may have been rewritten.
            let goes_on = own > 0 && own * 2 >= whole;
            if is_near && goes_on && best.is_none_or(|(_, most)| shared >= most) {
                best = Some((at, shared));
            }
        }
        best
    }

    fn begin(&mut self, from: &From, request: &ModelRequest) -> Placed {
        let same_run = |it: &&Conversation| it.run == from.run;
        let is_first = !self.conversations.iter().any(|it| same_run(&it));
        let works = self
            .conversations
            .iter()
            .any(|it| same_run(&it) && it.has_tools);
        let caller = self.caller(from, request);
        let mut run = from.run.clone();
        let mut parent = None;
        let agent = match caller {
            Some((at, open)) => {
                let open = &mut self.conversations[at].open[open];
                open.is_claimed = true;
                parent = Some(open.call.clone());
                Some(named(open))
            }
            None if is_first || (!works && !from.is_named) => None,
            None if !request.has_tools => works.then(|| SIDE.to_owned()),
            None if from.is_named => None,
            None => {
                self.runs += 1;
                run = format!("{}-{}", from.run, self.runs + 1);
                None
            }
        };
        let last = request.messages.iter().rposition(Message::is_from_model);
        let earlier = last.map_or(0, |at| at + 1);
        let mut conversation = Conversation {
            run,
            agent,
            parent,
            base: None,
            prompt: None,
            hashes: Vec::new(),
            known: HashSet::new(),
            has_tools: false,
            answers: Vec::new(),
            open: Vec::new(),
        };
        conversation.take(request);
        if self.conversations.len() >= MOST {
            // A forgotten conversation that continues starts anew; its slot stays, because slots are indexes.
            let oldest = self.conversations.len() - MOST;
            self.conversations[oldest].forget();
        }
        self.conversations.push(conversation);
        Placed {
            at: self.conversations.len() - 1,
            is_new: true,
            earlier,
            from: earlier,
            is_rewritten: false,
        }
    }

    /// The open tool call that started a conversation: the one whose arguments hold its first prompt, else the oldest.
    fn caller(&self, from: &From, request: &ModelRequest) -> Option<(usize, usize)> {
        let first = request
            .messages
            .iter()
            .find_map(first_words)
            .unwrap_or_default();
        let mut oldest = None;
        for (at, it) in self.conversations.iter().enumerate() {
            if it.run != from.run {
                continue;
            }
            for (call, open) in it.open.iter().enumerate().filter(|(_, it)| !it.is_claimed) {
                if holds(&open.args, &first) {
                    return Some((at, call));
                }
                oldest = oldest.or(Some((at, call)));
            }
        }
        oldest
    }
}

/// Writes what requests add to their conversations: the events of the proxy, or those of recorded traffic.
pub trait EventSink {
    /// Where the events of a request belong.
    type Place;

    fn note(&mut self, place: &Self::Place, words: &str);

    /// `prompt`: its content, and whether the host wrote it in the user's name.
    fn prompt(&mut self, place: &Self::Place, role: &str, prompt: (&Value, bool));

    fn result(&mut self, place: &Self::Place, answered: &Answered);

    /// How a conversation begins.
    fn begin(&mut self, place: &Self::Place, request: &ModelRequest, placed: &Placed) {
        if let Some(words) = placed.note() {
            self.note(place, &words);
        }
        if let Some(system) = &request.system {
            self.prompt(place, "system", (system, false));
        }
    }

    fn message(&mut self, place: &Self::Place, message: &Message) {
        let is_result = |part: &Content| matches!(part, Content::Result(_));
        let has_result = message.parts.iter().any(is_result);
        for part in &message.parts {
            match part {
                Content::FromModel => {}
                Content::Result(answered) => self.result(place, answered),
                Content::Injected(content) => self.prompt(place, "user", (content, true)),
                // Text next to results is from the host, not from the user.
                Content::Prompt { role, content } => {
                    self.prompt(place, role, (content, has_result));
                }
            }
        }
    }
}

impl Placed {
    /// The note about messages from before the recording, if there are any.
    pub fn note(&self) -> Option<String> {
        (self.earlier > 0).then(|| {
            format!(
                "the conversation began earlier: its first request has {} earlier messages",
                self.earlier
            )
        })
    }
}

impl Conversation {
    fn take(&mut self, request: &ModelRequest) {
        self.hashes = request.messages.iter().map(|it| it.hash).collect();
        self.has_tools |= request.has_tools;
    }

    fn forget(&mut self) {
        self.base = None;
        self.hashes = Vec::new();
        self.known = HashSet::new();
        self.open = Vec::new();
    }

    /// The fields of the event that records a prompt. When the user continues, open calls were interrupted.
    pub fn prompted(&mut self, id: String, role: &str, prompt: (&Value, bool)) -> Value {
        let (content, is_injected) = prompt;
        let fields = json!({
            "id": id,
            "parent_id": self.parent,
            "role": role,
            "agent": self.agent,
            "content": shown(content),
            "injected": is_injected.then_some(true),
        });
        if role == "user" && !is_injected {
            self.prompt = Some(id);
            self.abandon();
        }
        fields
    }

    pub fn answered(&mut self, id: &str) {
        const KEPT: usize = 16;
        if self.answers.len() >= KEPT {
            self.answers.remove(0);
        }
        self.answers.push(id.to_owned());
    }

    pub fn called(&mut self, call: &str, tool: &str, args: &Value) {
        self.open.push(Open {
            call: call.to_owned(),
            tool: tool.to_owned(),
            args: args.clone(),
            is_claimed: false,
            is_served: false,
        });
    }

    /// The call that a result belongs to: by its id, else the oldest open one of its tool.
    pub fn close(&mut self, call: Option<&str>, tool: Option<&str>) -> Option<String> {
        let mut open = self.open.iter();
        let found = match call {
            Some(call) => open.position(|it| it.call == call),
            None => open.position(|it| tool.is_none_or(|tool| it.tool == tool)),
        };
        found.map(|at| self.open.remove(at).call)
    }

    /// Drops earlier calls, whose results will not come.
    pub fn abandon(&mut self) {
        self.open.clear();
    }
}

/// How many instruction messages precede the first text.
fn leading(messages: &[Message]) -> usize {
    let is_system = |it: &&Message| {
        it.parts.iter().all(|part| {
            matches!(part, Content::Prompt { role, .. } if *role == "system" || *role == "developer")
        })
    };
    messages.iter().take_while(is_system).count()
}

fn first_words(message: &Message) -> Option<String> {
    message.parts.iter().find_map(|part| match part {
        Content::Prompt {
            role: "user",
            content,
        } => Some(last_text(content)),
        Content::Prompt { .. } | Content::Injected(_) | Content::Result(_) | Content::FromModel => {
            None
        }
    })
}

/// The last text of contents: hosts put reminders before a subagent's task.
fn last_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .rev()
            .map(last_text)
            .find(|it| !it.is_empty())
            .unwrap_or_default(),
        Value::Object(_) => content.get("text").map(last_text).unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

fn holds(args: &Value, words: &str) -> bool {
    let words = words.trim();
    match args {
        Value::String(text) => !words.is_empty() && text.trim() == words,
        Value::Array(items) => items.iter().any(|it| holds(it, words)),
        Value::Object(members) => members.values().any(|it| holds(it, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The name of a subagent.
fn named(open: &Open) -> String {
    let names = ["subagent_type", "agent_type", "agent", "subagent"];
    let mut given = names
        .iter()
        .filter_map(|name| open.args.get(name)?.as_str());
    given
        .find(|it| !it.is_empty())
        .unwrap_or(&open.tool)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Api;
    use super::super::request::ModelRequest;
    use super::{From, Lanes, Placed};

    fn place(
        lanes: &mut Lanes,
        is_named: bool,
        tools: bool,
        messages: &[(&str, &str)],
    ) -> (String, Option<String>, Placed) {
        let messages: Vec<Value> = messages
            .iter()
            .map(|(role, content)| json!({"role": role, "content": content}))
            .collect();
        let mut body = json!({"messages": messages});
        if tools {
            body["tools"] = json!([{"name": "t"}]);
        }
        let from = From {
            run: "r".to_owned(),
            is_named,
        };
        let placed = lanes.place(&from, &ModelRequest::read(Api::Messages, &body));
        let it = lanes.get(placed.at);
        (it.run.clone(), it.agent.clone(), placed)
    }

    #[test]
    fn a_request_that_begins_with_the_whole_history_continues_it() {
        let mut lanes = Lanes::default();
        let first = place(&mut lanes, false, true, &[("user", "a")]).2;
        assert!(first.is_new && first.earlier == 0);
        let second = place(
            &mut lanes,
            false,
            true,
            &[("user", "a"), ("assistant", "b"), ("user", "c")],
        )
        .2;
        assert_eq!(
            (second.at, second.from, second.is_new),
            (first.at, 1, false)
        );
        let again = place(
            &mut lanes,
            false,
            true,
            &[("user", "a"), ("assistant", "b"), ("user", "c")],
        )
        .2;
        assert_eq!((again.at, again.from), (first.at, 3), "sent once more");
    }

    #[test]
    fn what_begins_anew_is_a_subagent_a_side_call_the_same_agent_or_another_run() {
        let mut lanes = Lanes::default();
        let main = place(&mut lanes, true, true, &[("user", "a")]).2;
        let (_, agent, _) = place(&mut lanes, true, false, &[("user", "title?")]);
        assert_eq!(agent.as_deref(), Some("side"));
        let conversation = lanes.get(main.at);
        conversation.called(
            "c1",
            "Task",
            &json!({"subagent_type": "explorer", "prompt": "look"}),
        );
        conversation.called(
            "c2",
            "Task",
            &json!({"subagent_type": "writer", "prompt": "write"}),
        );
        let (_, agent, placed) = place(&mut lanes, true, true, &[("user", "write")]);
        assert_eq!(agent.as_deref(), Some("writer"));
        assert_eq!(lanes.get(placed.at).parent.as_deref(), Some("c2"));
        assert_eq!(
            place(&mut lanes, true, true, &[("user", "x")]).1.as_deref(),
            Some("explorer")
        );
        lanes.get(main.at).abandon();
        let (run, agent, _) = place(&mut lanes, true, true, &[("user", "summary")]);
        assert_eq!((run.as_str(), agent), ("r", None));
        let (run, agent, _) = place(&mut lanes, false, true, &[("user", "other")]);
        assert_eq!((run.as_str(), agent), ("r-2", None));
    }

    #[test]
    fn messages_from_before_the_recording_are_not_new() {
        let mut lanes = Lanes::default();
        let messages = [("user", "a"), ("assistant", "b"), ("user", "c")];
        let placed = place(&mut lanes, false, false, &messages).2;
        assert_eq!((placed.earlier, placed.from), (2, 2));
    }
}
