//! The tools an agent can call.

use std::path::PathBuf;

use anyhow::anyhow;
use serde_json::{Value, json};

use crate::analysis::costs::Costs;
use crate::analysis::diff::mask::IgnoreRules;
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::diff::{self, Options, inputs};
use crate::analysis::naming;
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::cli::load::Read;
use crate::cli::show::{Part, context_of};
use crate::cli::{Cx, filter};
use crate::export::json::{action, context, cost as cost_json, diff as diff_json, run as run_json};
use crate::export::page::{self, Entry};
use crate::export::{diff as diff_page, redact, words};
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::bodies::Bodies;

/// The longest answer, in bytes.
const LONGEST: usize = 64 << 10;
/// The default and maximum number of rows in a list.
const USUAL: u64 = 50;
const MOST: u64 = 200;
/// The most actions in one answer.
const SHOWN: u32 = 20;

/// The answer to `tools/list`.
pub(super) fn list() -> Value {
    let run = json!({ "type": "string", "description": "id of a run; a unique prefix is enough" });
    let filter = json!({ "type": "string", "description": "filter such as 'is:error tool:bash'" });
    let number = |what: &str| json!({ "type": "integer", "minimum": 0, "description": what });
    let tool = |name: &str, what: &str, properties: Value, required: &[&str]| {
        json!({
            "name": name, "description": what, "annotations": { "readOnlyHint": true },
            "inputSchema": { "type": "object", "properties": properties, "required": required },
        })
    };
    json!([
        tool(
            "list_runs",
            "Runs with their totals, newest first",
            json!({ "filter": filter, "limit": number("rows, at most 200") }),
            &[]
        ),
        tool(
            "query",
            "Actions that match a filter",
            json!({ "filter": filter, "run": run, "limit": number("rows, at most 200") }),
            &["filter"]
        ),
        tool(
            "show",
            "Actions of a run in full, at most 20",
            json!({ "run": run, "from": number("first action"), "to": number("last action") }),
            &["run", "from"]
        ),
        tool(
            "context",
            "What the model saw at the call that an action belongs to",
            json!({ "run": run, "seq": number("action") }),
            &["run", "seq"]
        ),
        tool(
            "diff",
            "Where two runs diverge, and why",
            json!({ "a": run, "b": run }),
            &["a", "b"]
        ),
        tool(
            "cost",
            "What runs cost, by model and tool",
            json!({ "run": run }),
            &[]
        ),
    ])
}

/// Answers a call; the whole answer is masked.
pub(super) fn call(cx: &Cx, paths: &[PathBuf], name: &str, args: &Value) -> anyhow::Result<Value> {
    let read = cx.load.whole(&cx.notes, paths);
    let request = ToolRequest {
        cx,
        read: &read,
        args,
    };
    let mut answer = match name {
        "list_runs" => request.runs()?,
        "query" => request.query()?,
        "show" => request.show()?,
        "context" => request.context()?,
        "diff" => request.diff()?,
        "cost" => request.cost()?,
        _ => return Err(anyhow!("no tool '{name}'")),
    };
    redact::mask(&mut answer);
    Ok(answer)
}

/// An answer as text of bounded length: the longest list loses its last elements, with a note.
pub(super) fn bounded(mut answer: Value) -> String {
    loop {
        let text = answer.to_string();
        if text.len() <= LONGEST {
            return text;
        }
        let lists = answer.as_object_mut().into_iter().flatten();
        let lists = lists.filter_map(|(_, value)| value.as_array_mut());
        let longest = lists
            .max_by_key(|list| list.len())
            .filter(|list| list.len() > 1);
        let Some(list) = longest else {
            let end = (0..=LONGEST)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            let rest = human::bytes((text.len() - end) as u64);
            return format!(
                "{}… {rest} more omitted",
                text.get(..end).unwrap_or_default()
            );
        };
        let keep = list.len() / 2;
        let gone = list.len() - keep;
        list.truncate(keep);
        let before = answer.get("left_out").and_then(Value::as_u64).unwrap_or(0);
        answer["left_out"] = json!(before + gone as u64);
    }
}

struct ToolRequest<'a> {
    cx: &'a Cx,
    read: &'a Read,
    args: &'a Value,
}

impl ToolRequest<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.args
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    fn number(&self, name: &str) -> Option<u32> {
        let number = self.args.get(name).and_then(Value::as_u64)?;
        u32::try_from(number).ok()
    }

    fn limit(&self) -> usize {
        let asked = self.args.get("limit").and_then(Value::as_u64);
        asked.unwrap_or(USUAL).min(MOST) as usize
    }

    fn run(&self, name: &str) -> anyhow::Result<RunIx> {
        let runs = self.read.runs();
        let ids: Vec<&str> = runs
            .iter()
            .map(|ix| &*self.read.store.run(*ix).id)
            .collect();
        let asked = self.text(name);
        let found = naming::find(&ids, asked).map_err(|_| {
            let asked = asked.unwrap_or_default();
            anyhow!("no single run '{asked}': list_runs gives the ids")
        })?;
        Ok(runs[found.0])
    }

    fn runs(&self) -> anyhow::Result<Value> {
        let store = &self.read.store;
        let mut runs = match self.text("filter") {
            Some(condition) => filter::among(self.cx, self.read, &filter::parse(condition)?),
            None => self.read.runs(),
        };
        runs.sort_by_key(|ix| std::cmp::Reverse(store.run(*ix).started));
        let all = runs.len();
        let mut bodies = Bodies::new();
        let shown = runs.iter().take(self.limit());
        let rows = shown.map(|ix| serde_json::to_value(run_json::run(store, *ix, &mut bodies)));
        let rows: Vec<Value> = rows.collect::<Result<_, _>>()?;
        Ok(json!({ "all": all, "runs": rows }))
    }

    fn query(&self) -> anyhow::Result<Value> {
        let store = &self.read.store;
        let expr = filter::parse(self.text("filter").unwrap_or_default())?;
        let mut found = filter::rows(self.cx, store, &expr);
        if self.text("run").is_some() {
            let run = self.run("run")?;
            found.retain(|ix| store.row(*ix).run_ix() == run);
        }
        let all = found.len();
        let shown = found.iter().take(self.limit());
        let rows = shown.map(|ix| serde_json::to_value(action::action(&store.row(*ix))));
        let rows: Vec<Value> = rows.collect::<Result<_, _>>()?;
        Ok(json!({ "all": all, "actions": rows }))
    }

    fn show(&self) -> anyhow::Result<Value> {
        let store = &self.read.store;
        let run = self.run("run")?;
        let from = self.number("from").unwrap_or(1);
        let last = from.saturating_add(SHOWN - 1);
        let to = self.number("to").unwrap_or(from).min(last);
        let tape = Tape::new(store, run);
        let is_wanted = |ix: &&ActionIx| (from..=to).contains(&store.row(**ix).seq());
        let steps: Vec<ActionIx> = tape.steps().iter().filter(is_wanted).copied().collect();
        let page = page::page(store, run, &steps, true, &self.cx.out.style.zone);
        let entries: Vec<Value> = page.entries.iter().map(entry).collect();
        Ok(json!({ "run": store.run(run).id, "actions": entries }))
    }

    fn context(&self) -> anyhow::Result<Value> {
        let store = &self.read.store;
        let seq = self.number("seq").unwrap_or(1);
        let found = context_of(store, self.run("run")?, &Part::Actions(seq..=seq))?;
        Ok(serde_json::to_value(context::context(store, &found))?)
    }

    fn diff(&self) -> anyhow::Result<Value> {
        let store = &self.read.store;
        let [a, b] = [self.run("a")?, self.run("b")?].map(|run| Side { store, run });
        let blind = IgnoreRules {
            noise: true,
            ignored: Vec::new(),
        };
        let options = Options {
            blind: blind.clone(),
            pins: Vec::new(),
        };
        let never = CancelFlag::new();
        let compared = diff::compare((a, b), &options, &never, &mut |_, _| {});
        let comparison = compared.ok_or_else(|| anyhow!("the comparison was stopped"))?;
        let story = Story {
            comparison: &comparison,
            a,
            b,
        };
        let why = inputs::at_divergence(&story, &never);
        let page = diff_page::Page {
            story,
            blind: &blind,
            why: why.as_ref(),
            only_changed: true,
        };
        Ok(diff_json::masked(&page).into_inner())
    }

    fn cost(&self) -> anyhow::Result<Value> {
        let store = &self.read.store;
        let run = self.text("run").map(|_| self.run("run")).transpose()?;
        let of_run = |ix: &ActionIx| run.is_none_or(|run| store.row(*ix).run_ix() == run);
        let rows: Vec<ActionIx> = store.rows().map(|row| row.ix()).filter(of_run).collect();
        let costs = Costs::of(
            store,
            &rows,
            &self.cx.load.options.prices,
            &CancelFlag::new(),
        );
        let mut answer = json!({});
        for (name, value) in cost_json::head(&costs) {
            answer[name] = value;
        }
        for (name, lines) in [("models", &costs.models), ("tools", &costs.tools)] {
            let lines = lines
                .iter()
                .map(|line| cost_json::line(store, &costs, line));
            answer[name] = lines.collect();
        }
        Ok(answer)
    }
}

fn entry(entry: &Entry) -> Value {
    let (status, _) = words::status(entry.status);
    let mut told = json!({
        "seq": entry.seq, "turn": entry.turn, "kind": entry.kind.word(), "name": entry.name, "status": status, "about": entry.facts,
    });
    for text in &entry.texts {
        told[text.name] = json!(text.text);
    }
    told
}
