//! `saferun.tui/cohort@1`: two cohorts compared.

use serde::Serialize;

use crate::analysis::cohort::ask::Answer;
use crate::analysis::cohort::evidence::Fork;
use crate::analysis::cohort::figure::Figure;
use crate::analysis::cohort::mix::Transition;
use crate::analysis::cohort::observe::Cohort;
use crate::analysis::cohort::tools::Tool;
use crate::export::cohort::tool;
use crate::store::Store;

pub const SCHEMA: &str = "saferun.tui/cohort@1";

#[derive(Debug, Serialize)]
pub struct CohortJson {
    pub schema: &'static str,
    pub a: SideJson,
    pub b: SideJson,
    pub excluded: Vec<ExcludedJson>,
    pub paired: bool,
    pub pair_by: &'static str,
    pub tasks_common: usize,
    pub confounds: Vec<ConfoundJson>,
    pub margin: f64,
    pub alpha: f64,
    pub seed: u64,
    pub aa: bool,
    pub metrics: Vec<MetricJson>,
    pub tools: Vec<ToolJson>,
    pub rare_tools: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix: Option<MixJson>,
    pub transitions: Vec<TransitionJson>,
    pub evidence: Vec<ForkJson>,
}

#[derive(Debug, Serialize)]
pub struct SideJson {
    #[serde(rename = "where")]
    pub filter: String,
    pub runs: usize,
    pub tasks: usize,
}

#[derive(Debug, Serialize)]
pub struct ExcludedJson {
    pub reason: String,
    pub runs: usize,
}

#[derive(Debug, Serialize)]
pub struct ConfoundJson {
    pub name: String,
    pub a: String,
    pub b: String,
}

/// Fields that metrics and tools share.
#[derive(Debug, Serialize)]
pub struct TestJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lo: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hi: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<f64>,
    pub method: &'static str,
    pub verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mde: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<u64>,
    pub direction: &'static str,
}

#[derive(Debug, Serialize)]
pub struct MetricJson {
    pub name: String,
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<f64>,
    pub runs_a: usize,
    pub runs_b: usize,
    /// The smallest difference that matters, in the unit of the metric.
    pub margin: f64,
    pub regression: bool,
    #[serde(flatten)]
    pub test: TestJson,
}

#[derive(Debug, Serialize)]
pub struct ToolJson {
    pub tool: String,
    pub runs_a: usize,
    pub runs_b: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_a: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_b: Option<f64>,
    #[serde(flatten)]
    pub test: TestJson,
    pub calls_per_run_a: f64,
    pub calls_per_run_b: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_a: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_b: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_se_a: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_se_b: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct MixJson {
    pub tv: f64,
    pub js: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    pub transitions_js: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transitions_p: Option<f64>,
}

/// `^` is the start of a run and `$` its end.
#[derive(Debug, Serialize)]
pub struct TransitionJson {
    pub from: String,
    pub to: String,
    pub a: f64,
    pub b: f64,
    pub count_a: u32,
    pub count_b: u32,
}

/// Where A and B called different tools after the same calls, and on how many tasks.
#[derive(Debug, Serialize)]
pub struct ForkJson {
    pub a: String,
    pub b: String,
    pub tasks: usize,
    pub runs: Vec<PairJson>,
}

#[derive(Debug, Serialize)]
pub struct PairJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<String>,
    pub calls_before_a: usize,
    pub calls_before_b: usize,
}

/// How many pairs of each kind of divergence are listed.
const PAIRS: usize = 20;

pub fn cohort(store: &Store, answer: &Answer) -> CohortJson {
    let found = &answer.comparison;
    CohortJson {
        schema: SCHEMA,
        a: side(&found.a),
        b: side(&found.b),
        excluded: answer
            .excluded
            .iter()
            .map(|it| ExcludedJson {
                reason: it.reason.clone(),
                runs: it.count,
            })
            .collect(),
        paired: found.design.is_paired(),
        pair_by: answer.pair_by.word(),
        tasks_common: found.design.common,
        confounds: found
            .confounds
            .iter()
            .map(|it| ConfoundJson {
                name: it.name.clone(),
                a: it.a.clone(),
                b: it.b.clone(),
            })
            .collect(),
        margin: found.options.margin,
        alpha: found.options.alpha,
        seed: found.options.seed,
        aa: answer.halves,
        metrics: found.figures.iter().map(metric).collect(),
        tools: found.tools.iter().map(tool_json).collect(),
        rare_tools: found.rare.iter().map(ToString::to_string).collect(),
        mix: found.mix.map(|it| MixJson {
            tv: it.total_variation,
            js: it.jensen_shannon,
            p: it.p,
            transitions_js: it.transitions_bits,
            transitions_p: it.transitions_p,
        }),
        transitions: found
            .transitions
            .iter()
            .map(|it| step(answer, it))
            .collect(),
        evidence: found
            .forks
            .iter()
            .map(|it| fork(store, answer, it))
            .collect(),
    }
}

fn side(cohort: &Cohort) -> SideJson {
    SideJson {
        filter: cohort.name.clone(),
        runs: cohort.runs.len(),
        tasks: cohort.tasks(),
    }
}

fn test(figure: &Figure) -> TestJson {
    TestJson {
        diff: figure.estimate.map(|it| it.value),
        lo: figure.estimate.map(|it| it.lo),
        hi: figure.estimate.map(|it| it.hi),
        p: figure.p,
        q: figure.q,
        method: figure.method.words(),
        verdict: figure.verdict.word(),
        mde: figure.smallest,
        needed: figure.needed,
        direction: figure.direction().word(),
    }
}

fn metric(figure: &Figure) -> MetricJson {
    MetricJson {
        name: figure.name.clone(),
        kind: figure.kind.word(),
        a: figure.a,
        b: figure.b,
        runs_a: figure.runs_a,
        runs_b: figure.runs_b,
        margin: figure.margin,
        regression: figure.is_regression(),
        test: test(figure),
    }
}

fn tool_json(tool: &Tool) -> ToolJson {
    ToolJson {
        tool: tool.name.to_string(),
        runs_a: tool.runs_a,
        runs_b: tool.runs_b,
        rate_a: tool.figure.a,
        rate_b: tool.figure.b,
        test: test(&tool.figure),
        calls_per_run_a: tool.calls_per_run.0,
        calls_per_run_b: tool.calls_per_run.1,
        share_a: tool.share_a.map(|(share, _)| share),
        share_b: tool.share_b.map(|(share, _)| share),
        share_se_a: tool.share_a.map(|(_, se)| se),
        share_se_b: tool.share_b.map(|(_, se)| se),
    }
}

fn step(answer: &Answer, step: &Transition) -> TransitionJson {
    let found = &answer.comparison;
    TransitionJson {
        from: tool(found, step.from, "^").to_owned(),
        to: tool(found, step.to, "$").to_owned(),
        a: step.a,
        b: step.b,
        count_a: step.count_a,
        count_b: step.count_b,
    }
}

fn fork(store: &Store, answer: &Answer, fork: &Fork) -> ForkJson {
    let found = &answer.comparison;
    let id = |cohort: &Cohort, at: usize| {
        let run = cohort.runs[at].run?;
        Some(store.run(run).id.to_string())
    };
    ForkJson {
        a: tool(found, fork.a, "$").to_owned(),
        b: tool(found, fork.b, "$").to_owned(),
        tasks: fork.pairs.len(),
        runs: fork
            .pairs
            .iter()
            .take(PAIRS)
            .map(|pair| PairJson {
                task: found.a.runs[pair.a].task.as_deref().map(str::to_owned),
                a: id(&found.a, pair.a),
                b: id(&found.b, pair.b),
                calls_before_a: pair.before_a,
                calls_before_b: pair.before_b,
            })
            .collect(),
    }
}
