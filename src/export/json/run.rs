//! `saferun.tui/runs@1`: one object per run.

use serde::Serialize;
use serde_json::Number;

use super::number::{self, UsageJson};
use crate::analysis::title;
use crate::model::quantity::Elapsed;
use crate::model::run::{Inherited, Run, RunIx};
use crate::store::Store;
use crate::store::bodies::Bodies;

pub const SCHEMA: &str = "saferun.tui/runs@1";

#[derive(Debug, Serialize)]
pub struct RunJson<'a> {
    pub run_id: &'a str,
    pub path: String,
    pub format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<&'a str>,
    pub models: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Number>,
    /// How long it was blocked on people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<Number>,
    pub status: &'static str,
    pub turns: u32,
    pub actions: u32,
    pub tool_calls: u32,
    pub errors: u32,
    pub blocked: u32,
    pub denied: u32,
    pub retries: u32,
    pub subagents: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<InheritedJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
}

impl RunJson<'_> {
    /// The same, with how long it was blocked on people, which can be found only from all of its actions.
    #[must_use]
    pub fn with_waited(self, waited: Elapsed) -> Self {
        RunJson {
            waited_ms: number::millis(waited),
            ..self
        }
    }
}

/// The history that a forked or resumed session copied; it counts in the run it was copied from.
#[derive(Debug, Serialize)]
pub struct InheritedJson<'a> {
    pub copied_from: &'a str,
    pub tool_calls: u32,
    pub errors: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Number>,
}

fn inherited(inherited: &Inherited) -> InheritedJson<'_> {
    let totals = &inherited.totals;
    InheritedJson {
        copied_from: &inherited.from,
        tool_calls: totals.tool_calls,
        errors: totals.errors,
        usage: number::usage(&totals.usage),
        cost_usd: totals.cost().and_then(|(cost, _)| number::usd(cost)),
    }
}

/// `bodies` opens the first prompt, for the title.
pub fn run<'a>(store: &'a Store, ix: RunIx, bodies: &mut Bodies) -> RunJson<'a> {
    let run: &Run = store.run(ix);
    let source = store.source(run.source);
    let named = |sym| number::name(store.symbols().name(sym));
    let (who, totals) = (&run.who, &run.totals);
    RunJson {
        run_id: &run.id,
        path: source.path.to_string_lossy().into_owned(),
        format: source.format.name(),
        title: Some(title::of(store, ix, bodies)).filter(|title| !title.is_empty()),
        agent: named(who.agent),
        models: who
            .models
            .iter()
            .filter_map(|model| named(*model))
            .collect(),
        user: named(who.user),
        service: named(who.service),
        env: named(who.env),
        task: named(who.task),
        trial: named(who.trial),
        release: named(who.release),
        started_at: number::time(run.started),
        ended_at: number::time(run.ended),
        duration_ms: number::millis(run.duration()),
        waited_ms: None,
        status: run.status.word(),
        turns: totals.turns,
        actions: totals.actions,
        tool_calls: totals.tool_calls,
        errors: totals.errors,
        blocked: totals.blocked,
        denied: totals.denied,
        retries: totals.retries,
        subagents: run.lanes.len(),
        parent_run_id: run.parent_run.as_deref(),
        usage: number::usage(&totals.usage),
        cost_usd: run.cost().and_then(|(cost, _)| number::usd(cost)),
        cost_source: run.cost().map(|(_, source)| source.word()),
        inherited: run.inherited.as_deref().map(inherited),
        score: run.score.filter(|score| score.is_finite()),
        correct: run.correct,
    }
}
