//! Why two runs part where they do: what the two models had been given there, beside what was said.
//!
//! The requests of the two model calls at the fork are compared by their tools, their system prompt, the
//! model and its settings. What neither trace records is named as such: then nothing can be said of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use similar::{Algorithm, ChangeTag, capture_diff_slices_deadline};

use crate::analysis::context::{self, Context, Exactness, Part};
use crate::analysis::diff::read::Side;
use crate::analysis::diff::say::Story;
use crate::analysis::summary::clip;
use crate::base::cancel::CancelFlag;
use crate::ingest::request::{Api, Role};
use crate::model::action::ActionIx;

/// What differs in what the models were given. Names are raw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Why {
    /// The model of each side, where they differ.
    pub model: Option<[String; 2]>,
    /// Tools that only B was offered, that only A was, and those whose description or schema differs.
    pub tools: Names,
    /// Lines of the system prompt that only B has, and that only A has.
    pub system: [usize; 2],
    /// Settings that differ, with the value of each side; none where it is not set.
    pub settings: Vec<(String, [Option<Value>; 2])>,
    /// What a side does not record.
    pub unrecorded: Vec<Unrecorded>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub changed: Vec<String>,
}

/// Something that cannot be compared, and on which sides it is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecorded {
    pub what: &'static str,
    pub on: [bool; 2],
}

/// Compares the requests at the fork. Nothing where no call differs, or where a side asked no model;
/// nothing either where nobody waits for it any more.
pub fn why(story: &Story<'_>, cancel: &CancelFlag) -> Option<Why> {
    let fork = story.comparison.divergence.first_material?;
    let column = story.comparison.columns[fork];
    let next = story.comparison.divergence.next;
    let given = |side: Side<'_>, rows: &[ActionIx], own: Option<u32>, next: Option<u32>| {
        let at = own
            .or(next)
            .map_or(rows.len().checked_sub(1), |at| Some(at as usize));
        let call = call(side, *rows.get(at?)?)?;
        let context = context::of(side.store, call, cancel)?;
        Some(Given::of(&context, side.store.row(call).model()))
    };
    let a = given(story.a, &story.comparison.a.rows, column.a, next[0])?;
    let b = given(story.b, &story.comparison.b.rows, column.b, next[1])?;
    Some(compare(&a, &b))
}

/// The model call that an action belongs to: the one that asked for it, else the last one before.
fn call(side: Side<'_>, ix: ActionIx) -> Option<ActionIx> {
    let row = side.store.row(ix);
    let parent = row.parent();
    if let Some(parent) = parent.filter(|parent| context::is_call(&side.store.row(*parent))) {
        return Some(parent);
    }
    let rows = (row.run().first_action.0..=ix.0).rev();
    let mut rows = rows.map(|ix| side.store.row(ActionIx(ix)));
    let found = rows.find(|other| {
        other.run_ix() == row.run_ix()
            && other.agent_sym() == row.agent_sym()
            && context::is_call(other)
    });
    found.map(|row| row.ix())
}

/// What a model was given beside the conversation.
#[derive(Debug, Default)]
struct Given {
    model: String,
    tools: Option<BTreeMap<String, Value>>,
    system: Option<String>,
    /// None where a trace tells none and does not hold the request either: then nobody knows.
    settings: Option<BTreeMap<String, Value>>,
}

/// Members of requests that are told in another way, or that say nothing of what was asked.
const ELSEWHERE: &[&str] = &[
    "model",
    "tools",
    "system",
    "instructions",
    "messages",
    "input",
    "metadata",
    "stream",
    "user",
];

impl Given {
    /// `model` is the one that answered.
    fn of(given: &Context, model: &str) -> Given {
        let request = &given.request;
        // In the words of one interface: the same tool may have been told for two.
        let tools = request
            .get("tools")
            .map(|tools| context::tools(Api::Chat, tools));
        let tools = tools.as_ref().and_then(Value::as_array);
        let systems = given.parts.iter().filter(|part| is_system(part));
        let systems: Vec<String> = systems
            .filter_map(|part| given.value(part).map(text))
            .collect();
        let members = request.as_object().into_iter().flatten();
        let settings: BTreeMap<String, Value> = members
            .filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let is_known = given.exactness == Exactness::Recorded || !settings.is_empty();
        Given {
            model: model.to_owned(),
            tools: tools.map(|tools| tools.iter().filter_map(named).collect()),
            system: (!systems.is_empty()).then(|| systems.join("\n")),
            settings: is_known.then_some(settings),
        }
    }
}

fn is_system(part: &Part) -> bool {
    matches!(part.role, Some(Role::System | Role::Developer))
        || matches!(part.pointer.as_str(), "/system" | "/instructions")
}

/// The words of a part: a text, a block with one, or a list of such.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text).collect::<Vec<_>>().join("\n"),
        Value::Object(block) => match block.get("text").or(block.get("content")) {
            Some(inner) => text(inner),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// A tool by its name, of any interface.
fn named(tool: &Value) -> Option<(String, Value)> {
    let inner = tool.get("function").unwrap_or(tool);
    let name = inner.get("name").or(tool.get("type"))?.as_str()?;
    Some((name.to_owned(), inner.clone()))
}

fn compare(a: &Given, b: &Given) -> Why {
    let mut why = Why::default();
    let mut missing = |what, on: [bool; 2]| {
        if on.contains(&true) {
            why.unrecorded.push(Unrecorded { what, on });
        }
    };
    missing("model", [a.model.is_empty(), b.model.is_empty()]);
    missing("tools", [a.tools.is_none(), b.tools.is_none()]);
    missing("system prompt", [a.system.is_none(), b.system.is_none()]);
    if a.model != b.model && !a.model.is_empty() && !b.model.is_empty() {
        why.model = Some([a.model.clone(), b.model.clone()]);
    }
    if let (Some(a), Some(b)) = (&a.tools, &b.tools) {
        why.tools = names(a, b);
    }
    if let (Some(a), Some(b)) = (&a.system, &b.system) {
        why.system = lines(a, b);
    }
    missing("settings", [a.settings.is_none(), b.settings.is_none()]);
    if let (Some(a), Some(b)) = (&a.settings, &b.settings) {
        let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for name in names {
            let values = [a, b].map(|side| side.get(name).cloned());
            if values[0] != values[1] {
                why.settings.push((name.clone(), values));
            }
        }
    }
    why
}

fn names(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> Names {
    let only = |of: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>| {
        let names = of.keys().filter(|name| !other.contains_key(*name));
        names.cloned().collect()
    };
    let changed = a
        .iter()
        .filter(|(name, tool)| b.get(*name).is_some_and(|it| it != *tool));
    Names {
        added: only(b, a),
        removed: only(a, b),
        changed: changed.map(|(name, _)| name.clone()).collect(),
    }
}

/// So long lines are compared; what is left then counts as changed.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many lines only B has, and how many only A has.
fn lines(a: &str, b: &str) -> [usize; 2] {
    // Without their ends: the last one may have none.
    let [a, b] = [a, b].map(|text| text.lines().collect::<Vec<&str>>());
    let deadline = Instant::now() + PATIENCE;
    let changes = capture_diff_slices_deadline(Algorithm::Myers, &a, &b, Some(deadline));
    let changes = changes.iter().flat_map(|op| op.iter_changes(&a, &b));
    let tags: Vec<ChangeTag> = changes.map(|change| change.tag()).collect();
    let count = |tag| tags.iter().filter(|it| **it == tag).count();
    [count(ChangeTag::Insert), count(ChangeTag::Delete)]
}

impl Why {
    /// Each difference in a few words, then what cannot be told; raw.
    pub fn words(&self) -> Vec<String> {
        let mut said = Vec::new();
        if let Some([a, b]) = &self.model {
            said.push(format!("model {a} → {b}"));
        }
        for (sign, names) in [("+", &self.tools.added), ("−", &self.tools.removed)] {
            if !names.is_empty() {
                said.push(format!("tools {sign}{} ({})", names.len(), few(names)));
            }
        }
        if !self.tools.changed.is_empty() {
            said.push(format!(
                "description or schema of {}",
                few(&self.tools.changed)
            ));
        }
        let signs = ["+", "−"].into_iter().zip(self.system);
        let signs: Vec<String> = signs
            .filter(|(_, count)| *count > 0)
            .map(|(sign, count)| format!("{sign}{count}"))
            .collect();
        if !signs.is_empty() {
            let plural = if self.system.iter().sum::<usize>() == 1 {
                "line"
            } else {
                "lines"
            };
            said.push(format!("system prompt {} {plural}", signs.join(" ")));
        }
        for (name, values) in &self.settings {
            let [a, b] = values.each_ref().map(|value| short(value.as_ref()));
            said.push(format!("{name} {a} → {b}"));
        }
        if said.is_empty() {
            said.extend(self.same());
        }
        said.extend(self.unrecorded.iter().map(Unrecorded::words));
        said
    }

    /// What is recorded on both sides and does not differ, where nothing differs.
    fn same(&self) -> Option<String> {
        let known = ["model", "tools", "system prompt", "settings"].into_iter();
        let known: Vec<&str> = known
            .filter(|what| self.unrecorded.iter().all(|it| it.what != *what))
            .collect();
        (!known.is_empty()).then(|| format!("same {}", known.join(", ")))
    }
}

impl Unrecorded {
    fn words(&self) -> String {
        let side = match self.on {
            [true, false] => " in A",
            [false, true] => " in B",
            _ => "",
        };
        format!("{} not recorded{side}", self.what)
    }
}

/// At most three names.
fn few(names: &[String]) -> String {
    const MOST: usize = 3;
    let shown = names.iter().take(MOST).map(String::as_str);
    let mut words = shown.collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        words.push_str(", …");
    }
    words
}

/// A value in few letters.
fn short(value: Option<&Value>) -> String {
    const MOST: usize = 25;
    value.map_or_else(
        || "not set".to_owned(),
        |value| clip(&value.to_string(), MOST),
    )
}

#[cfg(test)]
mod tests;
