//! Compares the inputs of the two models at the point of divergence, other than the conversation.
//!
//! The two requests are compared by tools, system prompt, model and settings. What a trace does not
//! record is listed as such, because nothing can be concluded from it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::analysis::context::{self, Context, Exactness, Part};
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::summary::clip;
use crate::base::cancel::CancelFlag;
use crate::ingest::request::{Api, Role};
use crate::model::action::ActionIx;
use crate::store::Store;

/// Differences between the inputs of two model calls. Names are raw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InputDiff {
    /// The model of each side, if they differ.
    pub model: Option<[String; 2]>,
    /// Tools offered only in B, only in A, or with a different description or schema.
    pub tools: Names,
    /// The number of system prompt lines only in B, and only in A.
    pub system: [usize; 2],
    /// Settings that differ, with the value on each side; `None` if not set.
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

/// Something that cannot be compared, and the sides that do not record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecorded {
    pub what: &'static str,
    pub on: [bool; 2],
}

/// Compares the requests at the point of divergence. `None` if same tool calls throughout, if a side called no
/// model, or if cancelled.
pub fn at_divergence(story: &Story<'_>, cancel: &CancelFlag) -> Option<InputDiff> {
    let fork = story.comparison.divergence.first_material?;
    let column = story.comparison.columns[fork];
    let next = story.comparison.divergence.next;
    let input = |side: Side<'_>, rows: &[ActionIx], own: Option<u32>, next: Option<u32>| {
        let at = own
            .or(next)
            .map_or(rows.len().checked_sub(1), |at| Some(at as usize));
        let call = call(side, *rows.get(at?)?)?;
        context::of(side.store, call, cancel)
    };
    let a = input(story.a, &story.comparison.a.rows, column.a, next[0])?;
    let b = input(story.b, &story.comparison.b.rows, column.b, next[1])?;
    Some(between((&a, story.a.store), (&b, story.b.store)))
}

/// Compares two requests other than by their conversations.
pub fn between(a: (&Context, &Store), b: (&Context, &Store)) -> InputDiff {
    let [a, b] = [a, b].map(|(context, store)| {
        let model = store.row(context.call).model();
        ModelInput::of(context, model)
    });
    compare(&a, &b)
}

/// The model call that an action belongs to: the one that requested it, otherwise the last one
/// before.
pub fn call(side: Side<'_>, ix: ActionIx) -> Option<ActionIx> {
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

/// The input of a model call other than the conversation.
#[derive(Debug, Default)]
struct ModelInput {
    model: String,
    tools: Option<BTreeMap<String, Value>>,
    system: Option<String>,
    /// `None` if the trace records no settings and does not contain the request: then they are
    /// unknown.
    settings: Option<BTreeMap<String, Value>>,
}

/// Request members that are compared separately or do not affect the model.
const NOT_SETTINGS: &[&str] = &[
    "model",
    "tools",
    "system",
    "instructions",
    "systemInstruction",
    "messages",
    "input",
    "contents",
    "metadata",
    "stream",
    "user",
];

impl ModelInput {
    /// `model` is the one that answered.
    fn of(context: &Context, model: &str) -> ModelInput {
        let request = &context.request;
        // In the shape of one API, since the same tool may be recorded in two.
        let tools = request
            .get("tools")
            .map(|tools| context::tools(Api::Chat, tools));
        let tools = tools.as_ref().and_then(Value::as_array);
        let members = request.as_object().into_iter().flatten();
        let settings: BTreeMap<String, Value> = members
            .filter(|(name, _)| !NOT_SETTINGS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let is_known = context.exactness == Exactness::Recorded || !settings.is_empty();
        ModelInput {
            model: model.to_owned(),
            tools: tools.map(|tools| tools.iter().filter_map(named).collect()),
            system: system(context),
            settings: is_known.then_some(settings),
        }
    }
}

/// The text of the system prompt, if it is recorded.
pub fn system(context: &Context) -> Option<String> {
    let parts = context.parts.iter().filter(|part| is_system(part));
    let texts: Vec<String> = parts
        .filter_map(|part| context.value(part).map(text))
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn is_system(part: &Part) -> bool {
    matches!(part.role, Some(Role::System | Role::Developer))
        || matches!(
            part.pointer.as_str(),
            "/system" | "/instructions" | "/systemInstruction"
        )
}

/// The text of a part: a string, a block with text, or a list of those.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text).collect::<Vec<_>>().join("\n"),
        Value::Object(block) => {
            let mut inner = ["text", "content", "parts"].iter();
            match inner.find_map(|name| block.get(*name)) {
                Some(inner) => text(inner),
                None => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}

/// A tool and its name, in the shape of any API.
fn named(tool: &Value) -> Option<(String, Value)> {
    let inner = tool.get("function").unwrap_or(tool);
    let name = inner.get("name").or(tool.get("type"))?.as_str()?;
    Some((name.to_owned(), inner.clone()))
}

fn compare(a: &ModelInput, b: &ModelInput) -> InputDiff {
    let mut why = InputDiff::default();
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

/// Time limit for comparing lines. After it, the rest counts as changed.
const TIME_LIMIT: Duration = Duration::from_millis(200);

/// The number of lines only in B, and only in A.
fn lines(a: &str, b: &str) -> [usize; 2] {
    // Without line endings, because the last line may have none.
    let [a, b] = [a, b].map(|text| text.lines().collect::<Vec<&str>>());
    let diff = TextDiff::configure()
        .timeout(TIME_LIMIT)
        .diff_slices(&a, &b);
    let tags: Vec<ChangeTag> = diff.iter_all_changes().map(|change| change.tag()).collect();
    let count = |tag| tags.iter().filter(|it| **it == tag).count();
    [count(ChangeTag::Insert), count(ChangeTag::Delete)]
}

impl InputDiff {
    /// Each difference in a few words, then what is not recorded. Raw.
    pub fn words(&self) -> Vec<String> {
        let mut words = self.model_words();
        words.extend(self.tool_words());
        words.extend(self.system_words());
        for (name, [a, b]) in &self.settings {
            words.push(setting_words(name, [a.as_ref(), b.as_ref()]));
        }
        if words.is_empty() {
            words.extend(self.same());
        }
        words.extend(self.unrecorded.iter().map(Unrecorded::words));
        words
    }

    pub fn model_words(&self) -> Vec<String> {
        let models = self.model.iter();
        models.map(|[a, b]| format!("model {a} → {b}")).collect()
    }

    pub fn tool_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (sign, names) in [("+", &self.tools.added), ("−", &self.tools.removed)] {
            if !names.is_empty() {
                words.push(format!("tools {sign}{} ({})", names.len(), few(names)));
            }
        }
        if !self.tools.changed.is_empty() {
            words.push(format!(
                "description or schema of {}",
                few(&self.tools.changed)
            ));
        }
        words
    }

    pub fn system_words(&self) -> Vec<String> {
        let signs = ["+", "−"].into_iter().zip(self.system);
        let signs: Vec<String> = signs
            .filter(|(_, count)| *count > 0)
            .map(|(sign, count)| format!("{sign}{count}"))
            .collect();
        if signs.is_empty() {
            return Vec::new();
        }
        let plural = if self.system.iter().sum::<usize>() == 1 {
            "line"
        } else {
            "lines"
        };
        vec![format!("system prompt {} {plural}", signs.join(" "))]
    }

    /// If nothing differs, lists what is recorded on both sides.
    fn same(&self) -> Option<String> {
        let known = ["model", "tools", "system prompt", "settings"].into_iter();
        let known: Vec<&str> = known
            .filter(|what| self.unrecorded.iter().all(|it| it.what != *what))
            .collect();
        (!known.is_empty()).then(|| format!("same {}", known.join(", ")))
    }
}

/// `temperature 0 → 1`. Raw.
pub fn setting_words(name: &str, values: [Option<&Value>; 2]) -> String {
    let [a, b] = values.map(short);
    format!("{name} {a} → {b}")
}

impl Unrecorded {
    pub fn words(&self) -> String {
        let side = match self.on {
            [true, false] => " in A",
            [false, true] => " in B",
            _ => "",
        };
        format!("{} not recorded{side}", self.what)
    }
}

/// Up to three names.
fn few(names: &[String]) -> String {
    const MAX_NAMES: usize = 3;
    let shown = names.iter().take(MAX_NAMES).map(String::as_str);
    let mut words = shown.collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMES {
        words.push_str(", …");
    }
    words
}

/// A value, shortened.
fn short(value: Option<&Value>) -> String {
    const MAX_CHARS: usize = 25;
    value.map_or_else(
        || "not set".to_owned(),
        |value| clip(&value.to_string(), MAX_CHARS),
    )
}

#[cfg(test)]
mod tests;
