//! `policy explain`: every rule, and why it holds for one call or not.

use std::path::PathBuf;

use serde::Serialize;

use crate::analysis::policy::claude;
use crate::analysis::policy::history::{Opened, Place};
use crate::analysis::policy::set::Policies;
use crate::analysis::policy::{Effect, Reason, Verdict};
use crate::analysis::summary;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::cli::pick;
use crate::cli::policy::sources;
use crate::cli::table::{self, Cell, Column};
use crate::export::words::Role;
use crate::model::action::Kind;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// Explain what policies decide about one call: every rule, and why it matches or not
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui policy explain trace.jsonl --seq 42 ~/.claude/settings.json
  saferun-tui policy explain trace.jsonl#7f3a91:42 policy.toml claude:")]
pub(super) struct Explain {
    /// PATH, PATH#RUN if it holds several runs, or PATH#RUN:SEQ for one action
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The policies
    #[arg(value_name = "POLICY", required = true)]
    policies: Vec<PathBuf>,
    /// The tool call
    #[arg(long, value_name = "N")]
    seq: Option<u32>,
    /// Treat project folders as trusted
    #[arg(long)]
    trusted: bool,
    /// Judge by this permission mode of Claude Code instead of the recorded one
    #[arg(long, value_name = "MODE", value_parser = claude::MODES.to_vec())]
    mode: Option<String>,
}

impl Explain {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let policies = sources::read(&self.policies, self.trusted)?;
        let (store, found) = pick::run(cx, &self.run)?;
        let seq = self
            .seq
            .or(found.seq)
            .ok_or_else(|| Failure::Usage("which call? give --seq N, or PATH#RUN:N".to_owned()))?;
        let row = store.numbered(found.run, seq);
        let row = row.ok_or_else(|| Failure::Usage(format!("the run has no action {seq}")))?;
        if row.kind() != Kind::ToolCall {
            let what = format!(
                "action {seq} is not a tool call but a {}",
                row.kind().word()
            );
            return Err(Failure::Usage(what).into());
        }
        let place = Place {
            mode: self.mode,
            ..sources::place()
        };
        let opened = Opened::new(&row, &place, &policies.set.modes(&store, &place));
        let (call, context) = (opened.call(&row), opened.context(&row, &place));
        let verdict = policies.set.decide(&call, &context);
        let mut reasons = policies.set.explain(&call, &context);
        reasons.sort_by_key(|it| order(it, &verdict));
        if cx.global.json {
            cx.out.json(&json(&policies, &row, &verdict, &reasons))?;
        } else {
            text(cx, &policies, &row, (&verdict, &reasons))?;
        }
        Ok(Exit::Done)
    }
}

/// First what decides, then what matches, then what cannot be judged.
fn order(reason: &Reason, verdict: &Verdict) -> u8 {
    match reason.is_match {
        _ if verdict.rule == Some(reason.rule) => 0,
        Some(true) => 1,
        None => 2,
        Some(false) => 3,
    }
}

const COLUMNS: &[Column] = &[
    Column::left("", 0),
    Column::left("EFFECT", 0),
    Column::left("RULE", 0).cut_to(24),
    Column::left("WHY", 0).cut_to(24),
    Column::left("AT", 1).cut_to(10),
];

fn text(
    cx: &mut Cx,
    policies: &Policies,
    row: &Row<'_>,
    (verdict, reasons): (&Verdict, &[Reason]),
) -> anyhow::Result<()> {
    let body = bodies::open(row, Depth::Glance);
    let what = cx.out.style.clean(&summary::line(row, &body));
    let heading = format!("#{}  {}  {what}", row.seq(), cx.out.style.clean(row.tool()));
    cx.out.painted(Role::Head, &heading)?;
    let rule = verdict.rule.and_then(|ix| policies.set.rule(ix));
    let by = rule.map_or("no rule; the default".to_owned(), |rule| rule.name.clone());
    let why = if verdict.why.is_empty() {
        String::new()
    } else {
        format!(" ({})", verdict.why)
    };
    let line = cx
        .out
        .style
        .clean(&format!("{}: {by}{why}", verdict.effect.word()));
    cx.out.painted(role(verdict.effect), &line)?;
    cx.out.line("")?;
    let row = |reason: &Reason| {
        let rule = policies.set.rule(reason.rule);
        let file = policies
            .set
            .home_of(reason.rule)
            .map_or("", |(_, at)| policies.files[at].path.as_str());
        let is_decider = verdict.rule == Some(reason.rule);
        let (mark, role) = match reason.is_match {
            _ if is_decider => ("decides", Role::Head),
            Some(true) => ("loses", Role::Plain),
            None => ("unknown", Role::Warn),
            Some(false) => ("no", Role::Dim),
        };
        vec![
            Cell::role(mark, role),
            Cell::role(rule.map_or("", |it| it.effect.word()), role),
            Cell::role(cx.out.style.clean(rule.map_or("", |it| &it.name)), role),
            Cell::role(cx.out.style.clean(&reason.words), role),
            Cell::role(
                cx.out
                    .style
                    .clean(&format!("{file}:{}", rule.map_or(0, |it| it.line))),
                Role::Dim,
            ),
        ]
    };
    let rows: Vec<Vec<Cell>> = reasons.iter().map(row).collect();
    table::write(&mut cx.out, COLUMNS, &rows)?;
    Ok(())
}

fn role(effect: Effect) -> Role {
    match effect {
        Effect::Allow => Role::Good,
        Effect::Warn | Effect::Ask | Effect::Unknown => Role::Warn,
        Effect::Error | Effect::Deny => Role::Bad,
    }
}

#[derive(Serialize)]
struct ExplainedJson<'a> {
    schema: &'static str,
    run_id: &'a str,
    seq: u32,
    tool: &'a str,
    effect: &'static str,
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    why: &'a str,
    rules: Vec<RuleJson<'a>>,
}

#[derive(Serialize)]
struct RuleJson<'a> {
    rule: &'a str,
    effect: &'static str,
    /// Null where it cannot be judged.
    matches: Option<bool>,
    why: &'a str,
    path: &'a str,
    line: u32,
}

fn json<'a>(
    policies: &'a Policies,
    row: &Row<'a>,
    verdict: &'a Verdict,
    reasons: &'a [Reason],
) -> ExplainedJson<'a> {
    let set = &policies.set;
    let one = |reason: &'a Reason| {
        let rule = set.rule(reason.rule)?;
        let (_, file) = set.home_of(reason.rule)?;
        Some(RuleJson {
            rule: &rule.name,
            effect: rule.effect.word(),
            matches: reason.is_match,
            why: &reason.words,
            path: &policies.files[file].path,
            line: rule.line,
        })
    };
    ExplainedJson {
        schema: "saferun.tui/policy-explain@1",
        run_id: &row.run().id,
        seq: row.seq(),
        tool: row.tool(),
        effect: verdict.effect.word(),
        rule: verdict
            .rule
            .and_then(|ix| set.rule(ix))
            .map(|it| it.name.as_str()),
        why: &verdict.why,
        rules: reasons.iter().filter_map(one).collect(),
    }
}
