//! `saferun.tui/alerts@1`: the alerts of a check.

use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use super::number;
use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::backtest::Backtest;
use crate::analysis::alerts::engine::{Amount, Hit};
use crate::analysis::alerts::history::{Learned, Learning, Scope};
use crate::analysis::alerts::watch::is_resolved;
use crate::export::alerts::Document;
use crate::model::action::ActionIx;
use crate::model::quantity::Cost;
use crate::store::Store;

pub const SCHEMA: &str = "saferun.tui/alerts@1";

#[derive(Debug, Serialize)]
pub struct AlertsJson<'a> {
    pub schema: &'static str,
    pub rules: RulesJson<'a>,
    pub baseline: BaselineJson<'a>,
    pub runs: usize,
    pub alerts: Vec<AlertJson<'a>>,
    pub learning: Vec<LearningJson<'a>>,
    pub never_fired: Vec<&'a str>,
    /// Always 0: a check sends nothing, so holds nothing back.
    pub held_back: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub backtest: Vec<BacktestJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct RulesJson<'a> {
    /// Absent for the built-in rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    pub sha256: &'a str,
}

#[derive(Debug, Serialize)]
pub struct BaselineJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    /// The normal level was learned from the runs checked.
    pub learned: bool,
    pub runs: usize,
    /// By agent, the runs without an alert, which the normal level was learned from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<LearnedJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct LearnedJson<'a> {
    pub agent: &'a str,
    pub runs: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct AlertJson<'a> {
    pub id: &'a str,
    pub key: String,
    pub rule: &'a str,
    pub detector: &'static str,
    pub level: &'static str,
    pub state: &'static str,
    pub scope: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// How often the rule fired on this scope.
    pub times: usize,
    pub count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Number>,
    pub unit: &'static str,
    /// The number of model calls without a price: the value is a lower bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpriced: Option<u32>,
    pub arithmetic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<u32>,
    pub evidence: Vec<EvidenceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Value>,
}

#[derive(Debug, Serialize)]
pub struct EvidenceJson<'a> {
    pub run_id: &'a str,
    pub seq: u32,
    pub path: String,
    pub line: u32,
}

#[derive(Debug, Serialize)]
pub struct LearningJson<'a> {
    pub rule: &'a str,
    pub scope: Value,
    pub have: usize,
    pub need: usize,
}

#[derive(Debug, Serialize)]
pub struct BacktestJson<'a> {
    pub rule: &'a str,
    pub level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    pub runs: u64,
    pub fired: u64,
    pub rate: f64,
    pub lo: f64,
    pub hi: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_1000_steps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<f64>,
    pub stopped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_usd: Option<Number>,
    pub calls_saved: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub unlabelled: u64,
    pub unpriced: u64,
}

pub fn alerts<'a>(of: &'a Document<'a>) -> AlertsJson<'a> {
    let report = of.report;
    AlertsJson {
        schema: SCHEMA,
        rules: RulesJson {
            path: of.path,
            sha256: of.sha256,
        },
        baseline: BaselineJson {
            path: of.known.first().map(|known| known.path.as_str()),
            learned: of.known.is_empty(),
            runs: of.normal_runs(),
            from: report.learned.iter().map(learned).collect(),
        },
        runs: report.runs.len(),
        alerts: report.alerts.iter().map(|it| alert(of, it)).collect(),
        learning: report.learning.iter().map(|it| learning(of, it)).collect(),
        never_fired: report.never_fired.iter().map(|it| of.rule(*it)).collect(),
        held_back: 0,
        backtest: of
            .backtests
            .iter()
            .map(|it| backtest(of.rule(it.rule), it.level.word(), None, &it.found))
            .collect(),
    }
}

pub fn alert<'a>(of: &'a Document<'a>, alert: &'a Alert) -> AlertJson<'a> {
    let hit = alert.worst();
    let (value, limit) = hit.numbers();
    AlertJson {
        id: &alert.id,
        key: alert.key(of.rules),
        rule: of.rule(alert.rule),
        detector: hit.detector.word(),
        level: hit.level.word(),
        state: state(of, alert),
        scope: scope(&alert.scope),
        at: number::time(of.store.row(hit.at).time()),
        times: alert.hits.len(),
        count: hit.count,
        value: float(value),
        limit: float(limit),
        unit: hit.detector.unit().word(),
        unpriced: match &hit.amount {
            Amount::Used(used) if used.unpriced > 0 => Some(used.unpriced),
            _ => None,
        },
        arithmetic: hit.arithmetic(),
        period: hit.period,
        evidence: hit
            .evidence
            .iter()
            .map(|ix| evidence(of.store, *ix))
            .collect(),
        baseline: baseline(hit),
    }
}

/// A whole number without a decimal point.
fn float(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

/// In traces that were read once.
fn state(of: &Document<'_>, alert: &Alert) -> &'static str {
    let rule = &of.rules.rules[alert.rule];
    if is_resolved(of.store, &of.report.runs, (alert, rule)) {
        "resolved"
    } else {
        "firing"
    }
}

fn scope(scope: &Scope) -> Value {
    let members = scope
        .iter()
        .map(|(by, value)| (by.word().to_owned(), json!(value)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn evidence(store: &Store, ix: ActionIx) -> EvidenceJson<'_> {
    let row = store.row(ix);
    let spot = row.spot();
    EvidenceJson {
        run_id: &row.run().id,
        seq: row.seq(),
        path: spot.path.to_string_lossy().into_owned(),
        line: spot.line,
    }
}

/// What the alert was compared with.
fn baseline(hit: &Hit) -> Option<Value> {
    let (basis, figures) = match &hit.amount {
        Amount::Outlier(it) => {
            let normal = &it.normal;
            let figures = json!({"median": normal.median, "spread": normal.spread, "k": normal.k});
            (it.basis, figures)
        }
        Amount::Drift(it) => (it.basis, json!({"mean": it.mean})),
        Amount::Rate(it) => (it.basis, json!({"p0": it.p0})),
        Amount::Count { .. } | Amount::Used(_) | Amount::Match { .. } => return None,
    };
    let mut all = Map::new();
    all.insert("n".to_owned(), json!(basis.runs));
    if let Some(days) = basis.days {
        all.insert("days".to_owned(), json!(days));
    }
    if let Value::Object(figures) = figures {
        all.extend(figures);
    }
    Some(Value::Object(all))
}

fn learned(it: &Learned) -> LearnedJson<'_> {
    LearnedJson {
        agent: &it.agent,
        runs: it.runs,
        first: number::time(it.first),
        last: number::time(it.last),
    }
}

fn learning<'a>(of: &'a Document<'a>, it: &'a Learning) -> LearningJson<'a> {
    LearningJson {
        rule: of.rule(it.rule),
        scope: scope(&it.scope),
        have: it.have,
        need: it.need,
    }
}

pub fn backtest<'a>(
    rule: &'a str,
    level: &'static str,
    setting: Option<String>,
    found: &Backtest,
) -> BacktestJson<'a> {
    let (rate, (lo, hi)) = found.rate();
    let money = |picodollars: i64| (found.cost > 0).then(|| number::usd(Cost(picodollars)));
    BacktestJson {
        rule,
        level,
        setting,
        runs: found.runs,
        fired: found.fired,
        rate,
        lo,
        hi,
        per_1000_steps: found.per_1000_steps(),
        per_day: found.per_day(),
        stopped: found.stopped,
        cost_usd: money(found.cost).flatten(),
        saved_usd: money(found.saved).flatten(),
        calls_saved: found.calls_saved,
        succeeded: found.succeeded,
        failed: found.failed,
        unlabelled: found.unlabelled,
        unpriced: found.unpriced,
    }
}
