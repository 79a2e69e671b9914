//! `policy eval`: what policies would have done, compared with what was recorded.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::analysis::policy::claude;
use crate::analysis::policy::history::{self, Judged, Place};
use crate::analysis::policy::modes::Modes;
use crate::analysis::policy::set::Policies;
use crate::analysis::policy::whatif::{self, Against, Report};
use crate::base::cancel::CancelFlag;
use crate::cli::args::Paths;
use crate::cli::failure::Exit;
use crate::cli::load::Read;
use crate::cli::policy::report;
use crate::cli::policy::sources;
use crate::cli::{Cx, filter};
use crate::export::json::policy as policy_json;
use crate::export::policy as export;
use crate::model::action::ActionIx;

/// Evaluate policies against recorded tool calls: what would be denied, sent for approval and allowed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui policy eval ~/.claude/settings.json ~/.claude/projects
  saferun-tui policy eval claude: runs/                        the rules in force on this machine
  saferun-tui policy eval policy.toml runs/ --against old.toml
  saferun-tui policy eval policy.toml runs/ --fail-on newly-denied --junit > report.xml
  saferun-tui policy eval --decisions opa.jsonl runs/          what another engine decided

Policies are settings files of Claude Code, policies of Gemini CLI (.toml), .rules of Codex, opencode.json, and \
policy.toml; claude:, codex:, gemini: and opencode: stand for what is in force on this machine.

Calls of Claude Code are judged by the permission mode that their run records: where it bypasses permissions, nothing \
is asked unless a rule asks. --mode default shows what people would be asked otherwise.

A verdict is unknown if a sandbox, classifier or mode decides that is in no file, and an error if a condition cannot be \
evaluated; neither counts as allowed. Calls after the first change of a run might not have happened.

Exit codes: 0 done · 1 something that --fail-on names · 2 invalid policy or filter ·
            4 input missing or unreadable")]
pub(super) struct Eval {
    /// Policies, and then the traces: files, folders, globs, PATH#RUN for one run
    #[arg(value_name = "POLICY|PATH", required = true)]
    named: Vec<PathBuf>,
    /// Instead of policies, decisions that another engine made about the output of `policy inputs`, one JSON object per line
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Compare with this policy instead of what was recorded
    #[arg(long, value_name = "POLICY", default_value = "recorded")]
    against: PathBuf,
    /// Treat project folders as trusted, so that their allow rules apply
    #[arg(long)]
    trusted: bool,
    /// Judge all runs by this permission mode of Claude Code instead of the recorded one
    #[arg(long, value_name = "MODE", value_parser = claude::MODES.to_vec())]
    mode: Option<String>,
    /// Exit with 1 where there is one of these: newly-denied, newly-asked, newly-allowed, error
    #[arg(long, value_name = "WHAT,…", value_delimiter = ',',
        value_parser = ["newly-denied", "newly-asked", "newly-allowed", "error"])]
    fail_on: Vec<String>,
    /// Print a Markdown document
    #[arg(long, conflicts_with = "json")]
    md: bool,
    /// Print a JUnit report: one test for each rule
    #[arg(long, conflicts_with_all = ["json", "md"])]
    junit: bool,
}

/// What was compared, for those who print it.
#[derive(Debug)]
pub(super) struct Evaluated<'a> {
    pub(super) read: &'a Read,
    pub(super) policies: &'a Policies,
    pub(super) other: Option<&'a Policies>,
    pub(super) report: &'a Report,
}

impl Eval {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let (policies, paths) = if let Some(file) = &self.decisions {
            (sources::decisions(file)?, self.named.clone())
        } else {
            let (named, paths) = sources::split(&self.named);
            (sources::read(&named, self.trusted)?, paths)
        };
        let is_recorded = self.against.as_os_str() == "recorded";
        let others = (!is_recorded).then(|| std::slice::from_ref(&self.against));
        let other = others
            .map(|it| sources::read(it, self.trusted))
            .transpose()?;
        let expr = filter::condition(cx)?;
        let read = cx.load.paths(&cx.notes, &Paths { paths }.or_stdin()?)?;
        let exit = read.exit(&cx.notes);
        if !read.has_records() {
            return Ok(exit);
        }
        let kept = kept(cx, &read, expr.as_ref());
        let place = Place {
            mode: self.mode.clone(),
            ..sources::place()
        };
        let report = evaluate(&read, (&policies, other.as_ref()), kept.as_ref(), &place);
        let evaluated = Evaluated {
            read: &read,
            policies: &policies,
            other: other.as_ref(),
            report: &report,
        };
        self.print(cx, &evaluated)?;
        let fails = self.fail_on.iter().any(|what| count(&report, what) > 0);
        Ok(if fails && exit == Exit::Done {
            Exit::Worse
        } else {
            exit
        })
    }

    fn print(&self, cx: &mut Cx, evaluated: &Evaluated<'_>) -> anyhow::Result<()> {
        let of = document(evaluated);
        if cx.global.json {
            cx.out.json(&policy_json::report(&of))?;
        } else if self.md {
            let text = export::markdown(&of);
            cx.out.verbatim(&text)?;
        } else if self.junit {
            let text = export::junit(&of, &self.fail_on);
            cx.out.verbatim(&text)?;
        } else {
            report::text(cx, evaluated)?;
        }
        Ok(())
    }
}

/// The calls to judge; none for all.
pub(super) fn kept(
    cx: &Cx,
    read: &Read,
    expr: Option<&crate::query::expr::Expr>,
) -> Option<HashSet<ActionIx>> {
    let rows = match expr {
        Some(expr) => filter::rows(cx, &read.store, expr),
        None if read.selection.is_none() => return None,
        None => (0..read.store.len()).map(ActionIx).collect(),
    };
    Some(read.selected(rows).into_iter().collect())
}

fn evaluate(
    read: &Read,
    (policies, other): (&Policies, Option<&Policies>),
    kept: Option<&HashSet<ActionIx>>,
    place: &Place,
) -> Report {
    let cancel = CancelFlag::new();
    // Read once, for both policies.
    let mut looking = std::iter::once(policies).chain(other);
    let looking = looking.find(|it| it.set.looks_at_mode());
    let modes = looking.map_or_else(Modes::default, |it| it.set.modes(&read.store, place));
    let judge = |of: &Policies| -> Vec<Judged> {
        history::judge_in(&read.store, &of.set, (place, &modes, ActionIx(0)), &cancel)
    };
    let judged = judge(policies);
    let others = other.map(judge);
    let against = others.as_deref().map_or(Against::Recorded, Against::Policy);
    let is_kept = |ix: ActionIx| kept.is_none_or(|kept| kept.contains(&ix));
    let set = (&policies.set, &modes);
    whatif::report(&read.store, set, (&judged, against), &is_kept)
}

fn count(report: &Report, what: &str) -> u64 {
    match what {
        "newly-denied" => report.newly_denied(),
        "newly-asked" => report.asks.newly,
        "newly-allowed" => report.newly_allowed(),
        _ => report.errors(),
    }
}

pub(super) fn document<'a>(evaluated: &Evaluated<'a>) -> export::Document<'a> {
    export::Document {
        store: &evaluated.read.store,
        files: &evaluated.policies.files,
        set: &evaluated.policies.set,
        other: evaluated.other.map(|it| &it.set),
        report: evaluated.report,
    }
}
