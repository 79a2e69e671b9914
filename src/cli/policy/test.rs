//! `policy test`: cases that say what a policy must decide.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use toml::de::DeTable;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::mistake::Mistake;
use crate::analysis::policy::past::Past;
use crate::analysis::policy::set::Policies;
use crate::analysis::policy::toml_file::{entries, json, table};
use crate::analysis::policy::{Before, Context, Effect, Verdict};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::cli::policy::sources;
use crate::export::words::Role;
use crate::model::action::Status;

/// Test policies with the examples inside them, and with cases in files
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui policy test policy.toml                          match and not_match of its rules
  saferun-tui policy test policy.toml cases.toml

A file of cases:
  [[case]]
  tool = \"refund\"
  args = { amount = 4200 }
  history = [{ tool = \"refund\", error = true }]      what the run did before; optional
  expect = \"deny\"                                    allow warn ask deny error unknown
  rule = \"refund-cap\"                                the rule that decides; optional

Exit codes: 0 all pass · 1 a case fails · 2 invalid policy or cases")]
pub(super) struct Test {
    /// The policy
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// Files with [[case]] tables
    #[arg(value_name = "CASES.toml")]
    cases: Vec<PathBuf>,
}

impl Test {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        // The examples inside are tested when the policy is read.
        let policies = sources::read(std::slice::from_ref(&self.policy), true)?;
        let mut passed = 0;
        let mut failed = 0;
        for path in &self.cases {
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            let shown = path.display().to_string();
            let cases = read(&text).map_err(|mistake| Failure::Usage(mistake.words(&shown)))?;
            for case in &cases {
                match case.fails(&policies) {
                    None => passed += 1,
                    Some(why) => {
                        failed += 1;
                        let line = cx.out.style.clean(&format!("{shown}:{}: {why}", case.line));
                        cx.out.painted(Role::Bad, &line)?;
                    }
                }
            }
        }
        let rules = human::counted(policies.set.rules().count() as u64, "rule");
        let cases = human::counted(passed + failed, "case");
        cx.out.line(&format!(
            "{rules} match their examples; {cases}: {passed} pass, {failed} fail"
        ))?;
        Ok(if failed > 0 { Exit::Worse } else { Exit::Done })
    }
}

#[derive(Debug)]
struct Case {
    line: u32,
    tool: String,
    args: Value,
    host: String,
    cwd: Option<String>,
    mode: Option<String>,
    before: Before,
    past: Vec<Past>,
    expect: Effect,
    rule: Option<String>,
}

const KEYS: &[&str] = &[
    "tool", "args", "host", "cwd", "mode", "history", "expect", "rule",
];

fn read(text: &str) -> Result<Vec<Case>, Mistake> {
    let table = table(text)?;
    let mut cases = Vec::new();
    for entry in entries(text, table.get_ref()) {
        entry.known(&["case"])?;
        for (case, span) in entry.tables()? {
            cases.push(one(text, case, span)?);
        }
    }
    Ok(cases)
}

fn one(text: &str, table: &DeTable<'_>, span: std::ops::Range<usize>) -> Result<Case, Mistake> {
    let place = Mistake::at(text, span, "");
    let mut case = Case {
        line: place.line,
        tool: String::new(),
        args: Value::Object(serde_json::Map::new()),
        host: String::new(),
        cwd: None,
        mode: None,
        before: Before::default(),
        past: Vec::new(),
        expect: Effect::Unknown,
        rule: None,
    };
    let mut is_expecting = false;
    for entry in entries(text, table) {
        match entry.known(KEYS)? {
            "tool" => entry.string()?.clone_into(&mut case.tool),
            "args" => case.args = json(entry.value),
            "host" => entry.string()?.clone_into(&mut case.host),
            "cwd" => case.cwd = Some(entry.string()?.to_owned()),
            "mode" => case.mode = Some(entry.string()?.to_owned()),
            "history" => {
                let wrong = || entry.wrong("expected a list of calls");
                let calls = json(entry.value);
                let calls = calls.as_array().ok_or_else(wrong)?;
                (case.before, case.past) = history(calls);
            }
            "expect" => {
                let word = entry.string()?;
                let known: Vec<&str> = Effect::ALL.iter().map(|it| it.word()).collect();
                let found = Effect::ALL.iter().find(|it| it.word() == word);
                case.expect = *found.ok_or_else(|| entry.no_such(word, &known))?;
                is_expecting = true;
            }
            _ => case.rule = Some(entry.string()?.to_owned()),
        }
    }
    if case.tool.is_empty() || !is_expecting {
        return Err(place.because("a case needs tool and expect"));
    }
    Ok(case)
}

/// The calls before this one, and their counts.
fn history(calls: &[Value]) -> (Before, Vec<Past>) {
    let is = |call: &Value, key: &str| call.get(key) == Some(&Value::Bool(true));
    let count = |key: &str| calls.iter().filter(|it| is(it, key)).count() as u32;
    let before = Before {
        calls: calls.len() as u32,
        errors: count("error"),
        blocked: count("blocked"),
    };
    let past = (1..).zip(calls).map(|(step, it)| {
        let call = Call {
            tool: it.get("tool").and_then(Value::as_str).unwrap_or_default(),
            args: it.get("args"),
            ..Call::default()
        };
        let status = match (is(it, "error"), is(it, "blocked")) {
            (true, _) => Status::Error,
            (false, true) => Status::Blocked,
            (false, false) => Status::Ok,
        };
        Past::new(&call, status, step)
    });
    (before, past.collect())
}

impl Case {
    /// Why it fails; none if it passes.
    fn fails(&self, policies: &Policies) -> Option<String> {
        let call = Call {
            tool: &self.tool,
            args: Some(&self.args),
            host: &self.host,
            seq: self.before.calls + 1,
            ..Call::default()
        };
        let place = sources::place();
        let context = Context {
            cwd: self.cwd.as_deref(),
            home: place.home.as_deref(),
            mode: self.mode.as_deref(),
            before: self.before,
            past: Some(&self.past),
            spent: None,
            record: None,
        };
        let verdict = policies.set.decide(&call, &context);
        let rule = name(policies, &verdict);
        let is_rule = self.rule.as_deref().is_none_or(|it| it == rule);
        if verdict.effect == self.expect && is_rule {
            return None;
        }
        let wanted = self
            .rule
            .as_ref()
            .map(|it| format!(" by {it}"))
            .unwrap_or_default();
        Some(format!(
            "{} is {} by {rule}, not {}{wanted}",
            self.tool,
            verdict.effect.word(),
            self.expect.word()
        ))
    }
}

fn name<'a>(policies: &'a Policies, verdict: &Verdict) -> &'a str {
    let rule = verdict.rule.and_then(|ix| policies.set.rule(ix));
    rule.map_or("no rule", |rule| rule.name.as_str())
}
