//! The texts around the table.

use crate::analysis::profile::ToolUse;
use crate::analysis::runs::{Grouping, models};
use crate::analysis::title;
use crate::base::{human, text};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::screens::outcome;
use crate::tui::screens::runs::Runs;
use crate::tui::screens::runs::table::Line;
use crate::tui::session::Session;

/// Sanitised texts for the lines that are not rows.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) crumbs: Vec<String>,
    /// What the filter keeps, and the order.
    pub(super) kept: String,
    /// How much is listed: `3 of 6 runs`.
    pub(super) counted: String,
    pub(super) totals: String,
    /// The message shown instead of rows.
    pub(super) empty: Vec<String>,
    pub(super) preview: Option<Preview>,
}

/// The selected run or group: the title on the rule, and the lines below it.
#[derive(Debug, Default)]
pub(super) struct Preview {
    pub(super) title: String,
    pub(super) lines: Vec<(&'static str, String)>,
    /// Shown on the second line.
    pub(super) tools: Vec<Tool>,
    /// Actions in equal slices of the run's time.
    pub(super) shape: Vec<u32>,
}

/// The line of the tools: its words need the marks of the theme.
pub(super) const TOOLS: &str = "tools";

/// How often a tool was called, and how that came out.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) calls: u32,
    pub(super) stopped: u32,
    pub(super) failed: u32,
}

impl Words {
    pub(super) fn new(runs: &Runs, session: &mut Session) -> Words {
        Words {
            crumbs: crumbs(session),
            kept: kept(runs),
            counted: counted(runs),
            totals: totals(runs, session),
            empty: empty(runs, session),
            preview: match runs.selected() {
                _ if runs.frame.regions.preview.height == 0 => None,
                Some(Line::Run(run)) => Some(preview(runs, *run, session)),
                Some(Line::Group(name)) => Some(Preview {
                    title: format!("by {}", runs.grouping.map_or("", Grouping::word)),
                    lines: runs.table.group_facts(name),
                    ..Preview::default()
                }),
                None => None,
            },
        }
    }
}

/// `traces/ (214 files, 3.1 GB)`.
fn crumbs(session: &Session) -> Vec<String> {
    let name = session
        .trace
        .title
        .rsplit('/')
        .find(|part| !part.is_empty());
    let files = session.loaded.store.sources().len();
    let name = name.unwrap_or_default();
    let size = session.bytes();
    let held = match (files, size) {
        (0 | 1, 0) => String::new(),
        (0 | 1, size) => format!(" ({})", human::bytes(size)),
        (files, size) => format!(
            " ({}, {})",
            human::counted(files as u64, "file"),
            human::bytes(size)
        ),
    };
    vec![format!("{}{held}", text::cut(name, 40))]
}

fn counted(runs: &Runs) -> String {
    let all = human::counted(runs.table.all as u64, "run");
    format!("{} of {all}", human::count(runs.table.kept as u64))
}

fn kept(runs: &Runs) -> String {
    let table = &runs.table;
    let mut parts = Vec::new();
    if runs.filter.parsed.is_some() {
        parts.push(if runs.kept.is_running && runs.kept.runs.is_none() {
            format!("searching {}", human::counted(table.all as u64, "run"))
        } else {
            counted(runs)
        });
    }
    if runs.is_building {
        parts.push(format!(
            "sorting {}",
            human::counted(table.all as u64, "run")
        ));
    }
    parts.push(format!("sort:{}", runs.order.words()));
    if let Some(grouping) = runs.grouping {
        parts.push(format!("by {}", grouping.word()));
    }
    parts.join(" · ")
}

/// `61 runs · $12.84`: a sum that lacks runs of unknown cost says so.
fn totals(runs: &Runs, session: &Session) -> String {
    let table = &runs.table;
    let mut parts = vec![human::counted(table.kept as u64, "run")];
    if let Some(costs) = table.costs {
        parts.extend(outcome::cost(costs.known));
        if costs.unknown > 0 && costs.known.is_some() {
            parts.push(format!(
                "{} of unknown cost",
                human::count(costs.unknown as u64)
            ));
        }
    }
    if session.trace.live {
        parts.extend(outcome::pace_of_all(session));
    }
    parts.join(" · ")
}

fn empty(runs: &Runs, session: &Session) -> Vec<String> {
    if !runs.table.lines.is_empty() {
        return Vec::new();
    }
    let mut lines = if session.is_loading() {
        vec![session.loading_words()]
    } else if runs.table.all == 0 {
        vec!["no runs in the open traces".to_owned()]
    } else if runs.kept.is_running {
        vec![format!(
            "searching {}",
            human::counted(runs.table.all as u64, "run")
        )]
    } else {
        vec!["no runs match this filter · / changes it, esc clears it".to_owned()]
    };
    lines.extend(runs.kept.hint.clone());
    lines.extend(session.errors().map(str::to_owned));
    lines
}

fn preview(runs: &Runs, ix: RunIx, session: &mut Session) -> Preview {
    let prompt = title::first_prompt(&session.loaded.store, ix, &mut session.loaded.bodies);
    let store = &session.loaded.store;
    let run = store.run(ix);
    let profile = runs.profile.found.as_ref().filter(|(run, _)| *run == ix);
    let profile = profile.map(|(_, profile)| profile);
    let path = store.source(run.source).path.to_string_lossy();
    let bodies = &mut session.loaded.bodies;
    let why = profile.and_then(|profile| profile.why(store, ix, bodies));
    // Why a run ended badly matters more than where it is stored.
    let last = match &why {
        Some(why) => ("ended", text::sanitize(why).into_owned()),
        None => ("file", text::sanitize(&path).into_owned()),
    };
    let tool = |used: &ToolUse| Tool {
        name: text::sanitize(store.symbols().name(used.tool)).into_owned(),
        calls: used.calls,
        stopped: used.stopped,
        failed: used.failed,
    };
    let tools = profile.map(|it| it.tools.iter().map(tool).collect());
    Preview {
        title: format!("preview: {}", text::sanitize(&run.id)),
        lines: vec![
            ("prompt", prompt),
            (TOOLS, String::new()),
            ("about", who(store, ix, session.life(ix).is_at_work())),
            last,
        ],
        tools: tools.unwrap_or_default(),
        shape: profile.map(|it| it.shape.clone()).unwrap_or_default(),
    }
}

fn who(store: &Store, ix: RunIx, is_at_work: bool) -> String {
    let run = store.run(ix);
    let name = |sym| store.symbols().name(sym);
    let mut parts = vec![name(run.who.agent).to_owned()];
    let usage = run.totals.usage;
    let tokens = [
        (usage.input, "in"),
        (usage.output, "out"),
        (usage.cache_read, "from cache"),
    ];
    let tokens = tokens
        .into_iter()
        .filter_map(|(tokens, word)| Some(format!("{} {word}", human::short_count(tokens.get()?))));
    let tokens: Vec<String> = tokens.collect();
    if !tokens.is_empty() {
        parts.push(format!("tokens {}", tokens.join(", ")));
    }
    let named = [
        ("user", run.who.user),
        ("task", run.who.task),
        ("release", run.who.release),
    ];
    let named = named.into_iter().filter(|(_, sym)| sym.is_some());
    parts.extend(named.map(|(word, sym)| format!("{word} {}", name(sym))));
    if run.totals.pending > 0 {
        let results = human::counted(run.totals.pending.into(), "result");
        let late = if is_at_work { "pending" } else { "missing" };
        parts.push(format!("{results} {late}"));
    }
    parts.push(models(store, run));
    parts.retain(|part| !part.is_empty());
    text::sanitize(&parts.join(" · ")).into_owned()
}
