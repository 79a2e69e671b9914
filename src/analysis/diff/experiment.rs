//! What could have made two runs diverge, one thing at a time: A's request at the first different choice, with one
//! ingredient as in B. Nothing here is sent.

use serde_json::{Value, json};

use crate::analysis::context::{self, Context};
use crate::analysis::diff::inputs::{self, InputDiff};
use crate::analysis::diff::label::Label;
use crate::analysis::diff::pair;
use crate::analysis::diff::read::{Side, Steps};
use crate::analysis::diff::step::{Sort, canon};
use crate::analysis::diff::story::Story;
use crate::base::cancel::CancelFlag;
use crate::ingest::request::Api;
use crate::model::action::ActionIx;
use crate::store::bodies::{self, Depth};

/// Two model calls that chose differently, and what differs in their requests.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The model calls of A and B.
    pub calls: [ActionIx; 2],
    /// The API of A's request.
    pub api: Api,
    /// What each did next.
    pub branches: [Branch; 2],
    pub swaps: Vec<(String, Swap)>,
    /// Differences that cannot be tried alone, and why. Raw.
    pub untried: Vec<String>,
}

/// What a model did next. Raw.
#[derive(Debug, Clone, PartialEq)]
pub enum Branch {
    /// It called a tool; the arguments count where both runs call the same tool.
    Call {
        tool: String,
        arguments: Option<Value>,
    },
    /// It called no tool.
    Stop,
}

impl Branch {
    /// Whether an answer with these tool calls takes it.
    pub fn is_taken(&self, calls: &[(String, Value)]) -> bool {
        match self {
            Branch::Stop => calls.is_empty(),
            Branch::Call { tool, arguments } => calls.iter().any(|(name, given)| {
                let is_same = |it: &Value| canon(it) == canon(given);
                name == tool && arguments.as_ref().is_none_or(is_same)
            }),
        }
    }

    /// `refund` or `refund {"amount":5}`. Raw.
    pub fn words(&self) -> String {
        match self {
            Branch::Stop => "(no tool)".to_owned(),
            Branch::Call { tool, arguments } => match arguments {
                Some(arguments) => format!("{tool} {arguments}"),
                None => tool.clone(),
            },
        }
    }
}

/// One ingredient as in B.
#[derive(Debug, Clone, PartialEq)]
pub enum Swap {
    Model(String),
    System(String),
    Tools(Value),
    /// A parameter; none if B does not set it.
    Setting(String, Option<Value>),
    /// The result of one of A's calls.
    Result {
        call: String,
        text: String,
    },
    /// A text of the user.
    Input {
        from: String,
        to: String,
    },
}

impl Swap {
    /// The request with the ingredient exchanged; none if the request does not contain it.
    pub fn applied(&self, api: Api, request: &Value) -> Option<Value> {
        let mut body = request.clone();
        let members = body.as_object_mut()?;
        let conversation = api.conversation();
        let is_done = match self {
            // Gemini has no member for the model, which is part of the address, so there may be none to replace.
            Swap::Model(model) => {
                members.insert("model".to_owned(), model.as_str().into());
                true
            }
            Swap::System(text) => set_system(api, &mut body, text),
            Swap::Tools(tools) => {
                members.insert("tools".to_owned(), context::tools(api, tools));
                true
            }
            Swap::Setting(name, Some(value)) => {
                members.insert(name.clone(), value.clone());
                true
            }
            Swap::Setting(name, None) => members.shift_remove(name).is_some(),
            Swap::Result { call, text } => members
                .get_mut(conversation)
                .is_some_and(|all| set_result(all, call, text)),
            Swap::Input { from, to } => members
                .get_mut(conversation)
                .is_some_and(|all| set_text(all, from, to)),
        };
        is_done.then_some(body)
    }
}

fn set_system(api: Api, body: &mut Value, text: &str) -> bool {
    match api {
        Api::Messages => body["system"] = text.into(),
        Api::Responses => body["instructions"] = text.into(),
        Api::Gemini => body["systemInstruction"] = json!({"parts": [{"text": text}]}),
        Api::Chat => {
            let Some(messages) = body["messages"].as_array_mut() else {
                return false;
            };
            messages
                .retain(|message| message["role"] != "system" && message["role"] != "developer");
            messages.insert(0, json!({"role": "system", "content": text}));
        }
    }
    true
}

/// Replaces the result of a call, in the shape of any API.
fn set_result(value: &mut Value, call: &str, text: &str) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().any(|item| set_result(item, call, text)),
        Value::Object(members) => {
            let is_of = |name: &str| members.get(name).is_some_and(|id| id == call);
            if is_of("tool_use_id") || is_of("tool_call_id") {
                members.insert("content".to_owned(), text.into());
                return true;
            }
            if is_of("call_id") && members.contains_key("output") {
                members.insert("output".to_owned(), text.into());
                return true;
            }
            if is_of("id") && members.contains_key("response") {
                members.insert("response".to_owned(), json!({"output": text}));
                return true;
            }
            let mut inner = members.values_mut();
            inner.any(|inner| set_result(inner, call, text))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Replaces the first string that is exactly `from`.
fn set_text(value: &mut Value, from: &str, to: &str) -> bool {
    match value {
        Value::String(text) if text == from => {
            to.clone_into(text);
            true
        }
        Value::Array(items) => items.iter_mut().any(|item| set_text(item, from, to)),
        Value::Object(members) => members.values_mut().any(|item| set_text(item, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Finds where the models first chose differently, and how their requests differ.
pub fn of(story: &Story<'_>, cancel: &CancelFlag) -> Result<Experiment, String> {
    let comparison = story.comparison;
    let chooses = |label| {
        matches!(
            label,
            Label::Tool | Label::Args | Label::Missing | Label::Extra
        )
    };
    let mut columns = comparison.columns.iter();
    let at = columns.position(|column| chooses(column.label));
    let at = at.ok_or("the models made the same choices throughout: there is nothing to try")?;
    let a = Next::of(story.a, &comparison.a, (story, at, |it| it.a))?;
    let b = Next::of(story.b, &comparison.b, (story, at, |it| it.b))?;
    let contexts = [(story.a, a.call), (story.b, b.call)]
        .map(|(side, call)| context::of(side.store, call, cancel));
    let [Some(of_a), Some(of_b)] = contexts else {
        return Err("cancelled".to_owned());
    };
    let why = inputs::between((&of_a, story.a.store), (&of_b, story.b.store));
    let mut found = Experiment {
        calls: [a.call, b.call],
        api: of_a.api,
        branches: branches(&a, &b),
        swaps: Vec::new(),
        untried: why
            .unrecorded
            .iter()
            .map(inputs::Unrecorded::words)
            .collect(),
    };
    found.ingredients(&why, &of_b);
    found.earlier(story, at);
    for (what, swap) in std::mem::take(&mut found.swaps) {
        if swap.applied(found.api, &of_a.request).is_some() {
            found.swaps.push((what, swap));
        } else {
            found
                .untried
                .push(format!("{what}: not in the request of A"));
        }
    }
    Ok(found)
}

impl Experiment {
    fn ingredients(&mut self, why: &InputDiff, of_b: &Context) {
        let mut add = |words: Vec<String>, swap: Swap| self.swaps.push((words.join(" · "), swap));
        if let Some([_, model]) = &why.model {
            add(why.model_words(), Swap::Model(model.clone()));
        }
        if let Some(text) = inputs::system(of_b).filter(|_| why.system != [0, 0]) {
            add(why.system_words(), Swap::System(text));
        }
        let words = why.tool_words();
        if let Some(tools) = of_b.request.get("tools").filter(|_| !words.is_empty()) {
            add(words, Swap::Tools(tools.clone()));
        }
        for (name, [a, b]) in &why.settings {
            let words = inputs::setting_words(name, [a.as_ref(), b.as_ref()]);
            add(vec![words], Swap::Setting(name.clone(), b.clone()));
        }
    }

    /// What tools returned and users wrote differently before the choice.
    fn earlier(&mut self, story: &Story<'_>, at: usize) {
        for (number, column) in story.comparison.columns[..at].iter().enumerate() {
            let (Some(row_a), Some(row_b)) = (story.row_a(number), story.row_b(number)) else {
                continue;
            };
            let [a, b] = [&row_a, &row_b].map(|row| bodies::open(row, Depth::Full));
            match column.label {
                Label::Result | Label::Outcome => {
                    let what = format!("result of #{} {}", row_a.seq(), row_a.tool());
                    let text = pair::result(&b).map(|value| match value {
                        Value::String(text) => text,
                        other => other.to_string(),
                    });
                    match a.id.zip(text) {
                        Some((call, text)) => self.swaps.push((what, Swap::Result { call, text })),
                        None => self.untried.push(format!("{what}: not recorded")),
                    }
                }
                Label::Input => {
                    let what = format!("user input #{}", row_a.seq());
                    match a.text.zip(b.text) {
                        Some((from, to)) => self.swaps.push((what, Swap::Input { from, to })),
                        None => self.untried.push(format!("{what}: not recorded")),
                    }
                }
                _ => {}
            }
        }
    }
}

/// What a run did at the divergence.
struct Next {
    /// The model call that chose it.
    call: ActionIx,
    /// The tool call; none if the run calls no more tools.
    chosen: Option<(String, Value)>,
}

type Place<'a> = (
    &'a Story<'a>,
    usize,
    fn(&crate::analysis::diff::Column) -> Option<u32>,
);

impl Next {
    fn of(side: Side<'_>, steps: &Steps, (story, at, own): Place<'_>) -> Result<Next, String> {
        let mut later = story.comparison.columns[at..].iter().filter_map(own);
        let tool = later.find(|at| steps.steps[*at as usize].sort == Sort::Tool);
        let row = match tool {
            Some(at) => steps.rows.get(at as usize),
            None => steps.rows.last(),
        };
        let row = row.ok_or("a run has no actions")?;
        let call =
            inputs::call(side, *row).ok_or("a run records no model call at the divergence")?;
        let chosen = tool.map(|_| {
            let row = side.store.row(*row);
            let body = bodies::open(&row, Depth::Full);
            let tool = row.tool().to_owned();
            (tool, body.args.unwrap_or_else(|| json!({})))
        });
        Ok(Next { call, chosen })
    }
}

/// Where both call the same tool, its arguments distinguish the branches.
fn branches(a: &Next, b: &Next) -> [Branch; 2] {
    let tool = |next: &Next| next.chosen.as_ref().map(|(tool, _)| tool.clone());
    let is_same = tool(a) == tool(b);
    [a, b].map(|next| match &next.chosen {
        Some((tool, arguments)) => Branch::Call {
            tool: tool.clone(),
            arguments: is_same.then(|| arguments.clone()),
        },
        None => Branch::Stop,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(swap: &Swap, api: Api, request: &Value, expected: Option<&Value>) {
        assert_eq!(swap.applied(api, request).as_ref(), expected);
    }

    #[test]
    fn a_result_is_exchanged_in_the_shape_of_each_api() {
        let swap = Swap::Result {
            call: "c".to_owned(),
            text: "new".to_owned(),
        };
        check(
            &swap,
            Api::Chat,
            &json!({"messages": [{"role": "tool", "tool_call_id": "b", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "old"}]}),
            Some(
                &json!({"messages": [{"role": "tool", "tool_call_id": "b", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "new"}]}),
            ),
        );
        check(
            &swap,
            Api::Messages,
            &json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": []}]}]}),
            Some(
                &json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "new"}]}]}),
            ),
        );
        check(
            &swap,
            Api::Responses,
            &json!({"input": [{"type": "function_call", "call_id": "c"}, {"type": "function_call_output", "call_id": "c", "output": "old"}]}),
            Some(
                &json!({"input": [{"type": "function_call", "call_id": "c"}, {"type": "function_call_output", "call_id": "c", "output": "new"}]}),
            ),
        );
        check(
            &swap,
            Api::Gemini,
            &json!({"contents": [{"parts": [{"functionCall": {"id": "c"}}, {"functionResponse": {"id": "c", "response": {}}}]}]}),
            Some(
                &json!({"contents": [{"parts": [{"functionCall": {"id": "c"}}, {"functionResponse": {"id": "c", "response": {"output": "new"}}}]}]}),
            ),
        );
        check(&swap, Api::Chat, &json!({"messages": []}), None);
    }

    #[test]
    fn the_system_prompt_has_its_place_in_each_api() {
        let swap = Swap::System("new".to_owned());
        check(
            &swap,
            Api::Chat,
            &json!({"messages": [{"role": "system", "content": "old"}, {"role": "user", "content": "x"}]}),
            Some(
                &json!({"messages": [{"role": "system", "content": "new"}, {"role": "user", "content": "x"}]}),
            ),
        );
        check(
            &swap,
            Api::Messages,
            &json!({"system": "old", "messages": []}),
            Some(&json!({"system": "new", "messages": []})),
        );
    }

    #[test]
    fn where_both_call_the_same_tool_the_arguments_distinguish_the_branches() {
        let next = |tool: &str, at: i32| Next {
            call: ActionIx(0),
            chosen: Some((tool.to_owned(), json!({"at": at}))),
        };
        let [a, b] = branches(&next("look", 1), &next("look", 2));
        let answer = [("look".to_owned(), json!({"at": 2}))];
        assert!(!a.is_taken(&answer) && b.is_taken(&answer));
        let [a, b] = branches(&next("look", 1), &next("ask", 2));
        let answer = [("look".to_owned(), json!({"at": 7}))];
        assert!(a.is_taken(&answer) && !b.is_taken(&answer) && Branch::Stop.is_taken(&[]));
    }
}
