//! What policies would have done: `policy eval --json`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Number;

use super::number;
use crate::analysis::policy::whatif::{self, Change};
use crate::analysis::policy::{Dead, Engine, RuleIx};
use crate::base::sha256;
use crate::export::policy::Document;

pub const SCHEMA: &str = "saferun.tui/policy@1";

#[derive(Debug, Serialize)]
pub struct ReportJson<'a> {
    schema: &'static str,
    policies: Vec<PolicyJson<'a>>,
    calls: u64,
    runs: u64,
    table: BTreeMap<String, u64>,
    table_runs: BTreeMap<String, u64>,
    first: Vec<ChangeJson<'a>>,
    behind_first: u64,
    changes: Vec<ChangeJson<'a>>,
    hits: BTreeMap<&'a str, u64>,
    never: Vec<&'a str>,
    dead: Vec<DeadJson<'a>>,
    by_no_rule: u64,
    uncovered: Vec<ToolJson<'a>>,
    unjudged: Vec<WhyJson<'a>>,
    /// Calls by the recorded permission mode that they are judged by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    modes: BTreeMap<&'a str, u64>,
    asks: AsksJson,
    errors: Vec<ErrorJson<'a>>,
    assumptions: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct PolicyJson<'a> {
    path: &'a str,
    kind: &'static str,
    sha256: String,
    rules: usize,
    in_force: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct ChangeJson<'a> {
    run_id: &'a str,
    seq: u32,
    tool: &'a str,
    was: &'static str,
    now: &'static str,
    /// Null where no rule decides.
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    was_rule: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    why: &'a str,
}

#[derive(Debug, Serialize)]
struct DeadJson<'a> {
    rule: &'a str,
    why: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ToolJson<'a> {
    tool: &'a str,
    calls: u64,
}

#[derive(Debug, Serialize)]
struct WhyJson<'a> {
    reason: &'a str,
    calls: u64,
}

#[derive(Debug, Serialize)]
struct AsksJson {
    before: u64,
    after: u64,
    newly: u64,
    no_longer: u64,
    active_days: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_day: Option<u64>,
    /// The recorded median.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_ms: Option<Number>,
}

#[derive(Debug, Serialize)]
struct ErrorJson<'a> {
    rule: Option<&'a str>,
    message: &'a str,
    /// Where the rule begins in its line; none without a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    calls: u64,
}

pub fn report<'a>(of: &Document<'a>) -> ReportJson<'a> {
    let report = of.report;
    let cells = |table: &BTreeMap<_, u64>| {
        table
            .iter()
            .map(|(cell, calls)| (key(*cell), *calls))
            .collect()
    };
    let asks = &report.asks;
    ReportJson {
        schema: SCHEMA,
        policies: policies(of),
        calls: report.calls,
        runs: report.runs,
        table: cells(&report.table),
        table_runs: cells(&report.table_runs),
        first: report.first.iter().map(|it| change(of, it)).collect(),
        behind_first: report.behind,
        changes: report.changes.iter().map(|it| change(of, it)).collect(),
        hits: hits(of),
        never: whatif::never_hit(of.set, report)
            .into_iter()
            .filter_map(|ix| of.name(ix))
            .collect(),
        dead: dead(of),
        by_no_rule: report.by_no_rule,
        uncovered: report
            .uncovered
            .iter()
            .map(|(tool, calls)| ToolJson {
                tool,
                calls: *calls,
            })
            .collect(),
        unjudged: report
            .unjudged
            .iter()
            .map(|(reason, calls)| WhyJson {
                reason,
                calls: *calls,
            })
            .collect(),
        modes: report
            .modes
            .iter()
            .map(|(mode, calls)| (mode.as_str(), *calls))
            .collect(),
        asks: AsksJson {
            before: asks.before,
            after: asks.after,
            newly: asks.newly,
            no_longer: asks.no_longer,
            active_days: asks.days,
            per_day: asks.per_day(),
            wait_ms: number::millis(asks.wait),
        },
        errors: errors(of),
        assumptions: of
            .set
            .engines()
            .flat_map(Engine::assumptions)
            .copied()
            .collect(),
    }
}

fn key(
    (was, now): (
        crate::analysis::policy::Effect,
        crate::analysis::policy::Effect,
    ),
) -> String {
    format!("{}>{}", was.word(), now.word())
}

fn policies<'a>(of: &Document<'a>) -> Vec<PolicyJson<'a>> {
    let in_file = |at: usize| {
        let rules = (0..of.set.rules().count() as u32).map(RuleIx);
        rules
            .filter(|ix| of.set.home_of(*ix).is_some_and(|(_, file)| file == at))
            .count()
    };
    let files = of.files.iter().enumerate();
    files
        .map(|(at, file)| PolicyJson {
            path: &file.path,
            kind: of.set.kind(at),
            sha256: sha256::hex(file.text.as_bytes()),
            rules: in_file(at),
            in_force: file.in_force,
        })
        .collect()
}

fn change<'a>(of: &Document<'a>, change: &'a Change) -> ChangeJson<'a> {
    let row = of.store.row(change.ix);
    ChangeJson {
        run_id: &row.run().id,
        seq: row.seq(),
        tool: row.tool(),
        was: change.was.effect.word(),
        now: change.now.effect.word(),
        rule: change.now.rule.and_then(|ix| of.name(ix)),
        was_rule: change
            .was
            .rule
            .and_then(|ix| of.other?.rule(ix))
            .map(|rule| rule.name.as_str()),
        why: &change.now.why,
    }
}

/// By name; the calls that no rule decides are `default`.
fn hits<'a>(of: &Document<'a>) -> BTreeMap<&'a str, u64> {
    let mut hits: BTreeMap<&str, u64> = BTreeMap::new();
    for (rule, calls) in of
        .set
        .rules()
        .zip(&of.report.hits)
        .filter(|(_, calls)| **calls > 0)
    {
        *hits.entry(&rule.name).or_default() += calls;
    }
    if of.report.by_no_rule > 0 {
        *hits.entry("default").or_default() += of.report.by_no_rule;
    }
    hits
}

fn dead<'a>(of: &Document<'a>) -> Vec<DeadJson<'a>> {
    let all = whatif::dead(of.set).into_iter();
    all.filter_map(|(ix, dead)| {
        let (why, instead) = match dead {
            Dead::NeverConsulted(instead) => ("never consulted", Some(instead.as_str())),
            Dead::NotInForce => ("not in force", None),
        };
        let rule = of.name(ix)?;
        Some(DeadJson { rule, why, instead })
    })
    .collect()
}

fn errors<'a>(of: &Document<'a>) -> Vec<ErrorJson<'a>> {
    let all = of.report.errors.iter();
    all.map(|it| {
        let rule = it.rule.and_then(|ix| of.set.rule(ix));
        ErrorJson {
            rule: rule.map(|it| it.name.as_str()),
            message: &it.message,
            line: rule.map(|it| it.line),
            column: rule.map(|it| it.column),
            calls: it.calls,
        }
    })
    .collect()
}
