//! `policy suggest`: rules that would have spared people from being asked.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;

use crate::analysis::policy::suggest::{self, HeldOut, Risk, Suggestion, Suggestions};
use crate::analysis::runs::short_ids;
use crate::base::human;
use crate::base::text::cut;
use crate::cli::Cx;
use crate::cli::args::Paths;
use crate::cli::failure::Exit;
use crate::cli::filter;
use crate::cli::load::Read;
use crate::cli::policy::{eval, sources};
use crate::cli::table::{self, Cell, Column};
use crate::export::policy::suggested;
use crate::export::words::Role;

/// Suggest rules for calls that ran but would need approval by default
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui policy suggest ~/.claude/projects
  saferun-tui policy suggest runs/ --holdout                   do the rules carry over?
  saferun-tui policy suggest runs/ --as claude-code > rules.json

Interpreters, runners, shells, programs that delete or send, and verbs with effects elsewhere (push, deploy, …) are \
suggested only as exact lines, listed last. Held out: learned from all other runs, counted in this one.")]
pub(super) struct Suggest {
    #[command(flatten)]
    paths: Paths,
    /// Write the rules of low and medium risk as a policy of this kind
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<As>,
    /// Only rules that cover at least this many calls
    #[arg(long, value_name = "N", default_value_t = 2)]
    least: usize,
    /// Also count, for each of the largest runs, the approvals that rules learned from all other runs would have saved
    #[arg(long)]
    holdout: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    ClaudeCode,
    Gemini,
    Codex,
    Native,
}

/// How many runs are held out.
const HELD_OUT: usize = 8;

impl Suggest {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let expr = filter::condition(cx)?;
        let read = cx.load.paths(&cx.notes, &self.paths.clone().or_stdin()?)?;
        let exit = read.exit(&cx.notes);
        if !read.has_records() {
            return Ok(exit);
        }
        let kept = eval::kept(cx, &read, expr.as_ref());
        let is_kept = |ix| kept.as_ref().is_none_or(|kept| kept.contains(&ix));
        let (calls, days) = suggest::ran(&read.store, &sources::place(), &is_kept);
        let found = suggest::suggest(&calls, self.least.max(1));
        let held = if self.holdout {
            suggest::hold_out(&calls, self.least.max(1), HELD_OUT)
        } else {
            Vec::new()
        };
        match self.kind {
            Some(kind) => {
                let safe: Vec<&Suggestion> = found
                    .rules
                    .iter()
                    .filter(|it| it.risk <= Risk::Medium)
                    .collect();
                let text = written(kind, &safe);
                cx.out.verbatim(&text)?;
            }
            None if cx.global.json => cx.out.json(&json(&read, &found, &held))?,
            None => text(cx, &read, (&found, &held), days)?,
        }
        Ok(exit)
    }
}

const COLUMNS: &[Column] = &[
    Column::right("CALLS", 0),
    Column::right("RUNS", 1),
    Column::left("RISK", 0),
    Column::left("RULE", 0).cut_to(24),
    Column::left("SUCH AS", 2).cut_to(16),
];

fn text(
    cx: &mut Cx,
    read: &Read,
    (found, held): (&Suggestions, &[HeldOut]),
    days: usize,
) -> anyhow::Result<()> {
    let (decide, free): (Vec<&Suggestion>, Vec<&Suggestion>) =
        found.rules.iter().partition(|it| it.risk == Risk::Decide);
    rows(cx, &free)?;
    if !decide.is_empty() {
        cx.out
            .line("\ndecide these yourself: they run code or reach beyond this machine")?;
        rows(cx, &decide)?;
    }
    let per_day = if days > 0 {
        format!(", {} per active day", found.asked_after.div_ceil(days))
    } else {
        String::new()
    };
    let calls = human::counted(found.calls as u64, "call");
    let line = format!(
        "\n{} of {calls} that ran would need approval without rules, {} with all of these{per_day}",
        found.asked_before, found.asked_after
    );
    cx.out.line(&line)?;
    if held.is_empty() {
        return Ok(());
    }
    cx.out.line(
        "\nheld out: approvals needed without rules, and with rules learned from the other runs",
    )?;
    let ids: Vec<&str> = read.store.runs().iter().map(|run| &*run.id).collect();
    let short = short_ids(&ids);
    for it in held {
        let run = short.get(it.run).map_or("", String::as_str);
        let note = if it.asked_after == it.asked_before {
            " · these rules do not carry over to other runs"
        } else {
            ""
        };
        let line = format!(
            "  {run}  {} → {} of {} calls{note}",
            it.asked_before, it.asked_after, it.calls
        );
        let line = cx.out.style.clean(&line);
        cx.out.line(&line)?;
    }
    Ok(())
}

/// The width of an example; the beginning of a longer one is enough to recognise it.
const EXAMPLE: usize = 60;

fn rows(cx: &mut Cx, all: &[&Suggestion]) -> anyhow::Result<()> {
    let row = |it: &&Suggestion| {
        let role = match it.risk {
            Risk::Low => Role::Good,
            Risk::Medium => Role::Plain,
            Risk::High => Role::Warn,
            Risk::Decide => Role::Bad,
        };
        let examples = it.examples.iter().map(|one| {
            let one = cx.out.style.clean(one);
            cut(&one, EXAMPLE).into_owned()
        });
        let examples: Vec<String> = examples.collect();
        vec![
            Cell::new(it.calls.to_string()),
            Cell::new(it.runs.to_string()),
            Cell::role(it.risk.word(), role),
            Cell::new(cx.out.style.clean(&it.rule)),
            Cell::role(examples.join(" · "), Role::Dim),
        ]
    };
    let rows: Vec<Vec<Cell>> = all.iter().map(row).collect();
    table::write(&mut cx.out, COLUMNS, &rows)?;
    Ok(())
}

/// The rules as a policy file. What a kind cannot express is left out, with a comment.
fn written(kind: As, rules: &[&Suggestion]) -> String {
    let names: Vec<&str> = rules.iter().map(|it| it.rule.as_str()).collect();
    match kind {
        As::ClaudeCode => {
            let settings = json!({ "permissions": { "allow": names } });
            format!("{settings:#}\n")
        }
        As::Native => suggested::native(&names),
        As::Codex => suggested::codex(&names),
        As::Gemini => suggested::gemini(&names),
    }
}

#[derive(Serialize)]
struct SuggestJson<'a> {
    schema: &'static str,
    calls: usize,
    asked_before: usize,
    asked_after: usize,
    rules: Vec<RuleJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holdout: Vec<HeldOutJson<'a>>,
}

#[derive(Serialize)]
struct RuleJson<'a> {
    rule: &'a str,
    calls: usize,
    runs: usize,
    risk: &'static str,
    examples: &'a [String],
}

#[derive(Serialize)]
struct HeldOutJson<'a> {
    run_id: &'a str,
    calls: usize,
    asked_before: usize,
    asked_after: usize,
}

fn json<'a>(read: &'a Read, found: &'a Suggestions, held: &[HeldOut]) -> SuggestJson<'a> {
    let rule = |it: &'a Suggestion| RuleJson {
        rule: &it.rule,
        calls: it.calls,
        runs: it.runs,
        risk: it.risk.word(),
        examples: &it.examples,
    };
    let held = held.iter().map(|it| HeldOutJson {
        run_id: &read.store.runs()[it.run].id,
        calls: it.calls,
        asked_before: it.asked_before,
        asked_after: it.asked_after,
    });
    SuggestJson {
        schema: "saferun.tui/policy-suggest@1",
        calls: found.calls,
        asked_before: found.asked_before,
        asked_after: found.asked_after,
        rules: found.rules.iter().map(rule).collect(),
        holdout: held.collect(),
    }
}
