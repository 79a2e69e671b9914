//! `policy lint`: what is wrong with the rules, by themselves and in the light of recorded calls.

use std::path::PathBuf;

use serde::Serialize;

use crate::analysis::policy::lint::{self, Facts, Finding, Weight};
use crate::analysis::policy::set::Policies;
use crate::cli::Cx;
use crate::cli::failure::Exit;
use crate::cli::policy::sources;
use crate::export::words::Role;

/// Find rules that do not do what they seem to, and ways around them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui policy lint ~/.claude/settings.json
  saferun-tui policy lint claude: ~/.claude/projects           with how often each rule matched
  saferun-tui policy lint policy.toml --strict                 for CI

With traces it also lists rules that never matched, and how often a deny was bypassed.

Exit codes: 0 done · 1 something is wrong (with --strict also a warning) · 2 invalid policy ·
            4 input missing")]
pub(super) struct Lint {
    /// Policies, and then traces
    #[arg(value_name = "POLICY|PATH", required = true)]
    named: Vec<PathBuf>,
    /// Treat project folders as trusted
    #[arg(long)]
    trusted: bool,
    /// Exit with 1 for a warning too
    #[arg(long)]
    strict: bool,
}

impl Lint {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let (named, paths) = sources::split(&self.named);
        let policies = sources::read(&named, self.trusted)?;
        let mut exit = Exit::Done;
        let mut facts = None;
        if !paths.is_empty() {
            let read = cx.load.paths(&cx.notes, &paths)?;
            exit = read.exit(&cx.notes);
            facts = Some(Facts::of(&read.store, &sources::place()));
        }
        let findings = lint::lint(&policies.set, facts.as_ref());
        if cx.global.json {
            let findings = findings.iter().map(|it| json(&policies, it)).collect();
            cx.out.json(&LintJson {
                schema: "saferun.tui/policy-lint@1",
                calls: facts.as_ref().map(Facts::total),
                findings,
            })?;
        } else {
            text(cx, &policies, &findings)?;
        }
        let worst = findings.iter().map(|it| it.weight).min();
        let fails = match worst {
            Some(Weight::Wrong) => true,
            Some(Weight::Warning) => self.strict,
            Some(Weight::Note) | None => false,
        };
        Ok(if fails && exit == Exit::Done {
            Exit::Worse
        } else {
            exit
        })
    }
}

fn word(weight: Weight) -> (&'static str, Role) {
    match weight {
        Weight::Wrong => ("wrong", Role::Bad),
        Weight::Warning => ("warning", Role::Warn),
        Weight::Note => ("note", Role::Dim),
    }
}

/// `settings.json:14:7: warning: Bash(git push *): 11 ways around it`.
fn text(cx: &mut Cx, policies: &Policies, findings: &[Finding]) -> anyhow::Result<()> {
    for finding in findings {
        let (weight, role) = word(finding.weight);
        let place = finding.rule.and_then(|ix| {
            let rule = policies.set.rule(ix)?;
            let (_, file) = policies.set.home_of(ix)?;
            let path = &policies.files[file].path;
            Some((
                format!("{path}:{}:{}: ", rule.line, rule.column),
                format!("{} {}: ", rule.effect.word(), rule.name),
            ))
        });
        let (place, rule) = place.unwrap_or_default();
        let place = cx.out.style.clean(&place);
        let words = cx.out.style.clean(&format!("{rule}{}", finding.words));
        let weight = cx.out.style.paint(role, weight);
        cx.out.line(&format!("{place}{weight}: {words}"))?;
    }
    if findings.is_empty() {
        cx.notes.note("no problems found in these rules");
    }
    Ok(())
}

#[derive(Serialize)]
struct LintJson<'a> {
    schema: &'static str,
    /// How many recorded calls were examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<u64>,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    id: &'static str,
    weight: &'static str,
    message: &'a str,
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<u64>,
}

fn json<'a>(policies: &'a Policies, finding: &'a Finding) -> FindingJson<'a> {
    let rule = finding.rule.and_then(|ix| policies.set.rule(ix));
    let file = finding
        .rule
        .and_then(|ix| policies.set.home_of(ix))
        .map(|(_, file)| file);
    FindingJson {
        id: finding.id,
        weight: word(finding.weight).0,
        message: &finding.words,
        rule: rule.map(|it| it.name.as_str()),
        path: file.map(|at| policies.files[at].path.as_str()),
        line: rule.map(|it| it.line),
        column: rule.map(|it| it.column),
        calls: finding.calls,
    }
}
