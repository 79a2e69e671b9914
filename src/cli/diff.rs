//! `diff`: compares two runs.

#[cfg(feature = "capture")]
mod experiment;

use std::path::PathBuf;

use crate::analysis::diff::inputs::{self, InputDiff};
use crate::analysis::diff::mask::{IgnoreRules, Ignored};
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::diff::{self, Options};
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::cli::args::Machine;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::out::Progress;
use crate::cli::records::Records;
use crate::cli::{Cx, pick};
use crate::export::diff::markdown::markdown;
use crate::export::diff::{self as page, Page};
use crate::export::json::diff as document;
use crate::tui::render::svg::{self, Inks};
use crate::tui::theme::Palette;

/// Compare two runs: how their actions align, where they diverge, and what differs in each pair
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui diff old.jsonl new.jsonl
  saferun-tui diff trace.jsonl#7f3a91 trace.jsonl#61bd02
  saferun-tui diff -w task:refund-7 old.jsonl new.jsonl    the matching run of each file
  saferun-tui diff old.jsonl new.jsonl --ignore args.request_id --hide-noise --exit-code
  saferun-tui diff old.jsonl new.jsonl --experiment --dry-run   what could be tried, at what price

Exit code 1 with --exit-code when the runs differ.")]
pub struct Diff {
    /// PATH, or PATH#RUN if it holds several runs
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The other run; not needed if A holds exactly two
    #[arg(value_name = "B")]
    b: Option<PathBuf>,
    /// Layout [default: side by side if the terminal is wide enough, otherwise unified]
    #[arg(long, value_name = "LAYOUT", value_parser = ["side", "unified", "md", "json", "svg"])]
    format: Option<String>,
    /// Omit what is equal
    #[arg(long, value_name = "WHAT", value_parser = ["changed"])]
    only: Option<String>,
    /// Ignore differences here: args.KEY, result.KEY or text, as in filters; repeatable
    #[arg(long, value_name = "PATH")]
    ignore: Vec<String>,
    /// Treat ids, times and temporary paths as equal; the number of hidden differences is reported
    #[arg(long)]
    hide_noise: bool,
    /// Exit with code 1 when the runs differ
    #[arg(long)]
    exit_code: bool,
    #[cfg(feature = "capture")]
    #[command(flatten)]
    trial: experiment::Options,
}

impl Command for Diff {
    const NAME: &'static str = "diff";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where)
        .with(GlobalOption::Theme);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let wanted = Wanted {
            layout: Layout::of(self.format.as_deref(), cx.global.machine()),
            only_changed: self.only.is_some(),
            blind: blind(self.hide_noise, &self.ignore)?,
        };
        let [a, b] = pick::two(cx, &self.a, self.b.as_deref())?;
        let [a, b] = [&a, &b].map(|picked| Side {
            store: &picked.store,
            run: picked.run,
        });
        let options = Options {
            blind: wanted.blind.clone(),
            pins: Vec::new(),
        };
        let mut progress = Progress::new(&cx.notes);
        let compared = diff::compare((a, b), &options, &CancelFlag::new(), &mut |done, all| {
            let percent = done * 100 / all.max(1);
            progress.show(&format!("comparing {percent} %"));
        });
        progress.clear();
        let Some(comparison) = compared else {
            return Ok(Exit::Done);
        };
        let story = Story {
            comparison: &comparison,
            a,
            b,
        };
        #[cfg(feature = "capture")]
        if self.trial.experiment {
            return experiment::run(cx, &story, &self.trial);
        }
        let why = inputs::at_divergence(&story, &CancelFlag::new());
        write(cx, story, why.as_ref(), &wanted)?;
        Ok(if self.exit_code && !comparison.is_equal() {
            Exit::NoMatch
        } else {
            Exit::Done
        })
    }
}

/// Terminals at least this wide show the runs side by side.
const WIDE: usize = 100;

#[derive(Debug)]
struct Wanted {
    layout: Layout,
    only_changed: bool,
    blind: IgnoreRules,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// What fits the terminal.
    Fitting,
    Side,
    Unified,
    Markdown,
    Machine(Machine),
    /// A picture of the runs side by side.
    Svg,
}

impl Layout {
    fn of(name: Option<&str>, machine: Option<Machine>) -> Layout {
        match (name, machine) {
            (_, Some(machine)) => Layout::Machine(machine),
            (Some("side"), _) => Layout::Side,
            (Some("unified"), _) => Layout::Unified,
            (Some("md"), _) => Layout::Markdown,
            (Some("json"), _) => Layout::Machine(Machine::Json),
            (Some("svg"), _) => Layout::Svg,
            (Some(_) | None, _) => Layout::Fitting,
        }
    }
}

/// What the comparison ignores.
fn blind(noise: bool, ignored: &[String]) -> Result<IgnoreRules, Failure> {
    let ignored = ignored.iter().map(|path| Ignored::parse(path));
    let ignored = ignored.collect::<Result<Vec<Ignored>, String>>();
    let ignored = ignored.map_err(Failure::Usage)?;
    Ok(IgnoreRules { noise, ignored })
}

/// A dark page unless the user chose a light theme.
fn inks(cx: &Cx) -> &'static Inks {
    if cx.config.theme.value == Some(Palette::Light) {
        &svg::LIGHT
    } else {
        &svg::DARK
    }
}

fn write(
    cx: &mut Cx,
    story: Story<'_>,
    why: Option<&InputDiff>,
    wanted: &Wanted,
) -> anyhow::Result<()> {
    let page = Page {
        story,
        blind: &wanted.blind,
        why,
        only_changed: wanted.only_changed,
    };
    let width = cx.out.style.width;
    let layout = match (wanted.layout, width) {
        (Layout::Machine(machine), _) => return records(cx, machine, &page),
        (Layout::Markdown, _) => {
            let document = markdown(&page);
            for line in document.get() {
                cx.out.line(line)?;
            }
            report_masked(cx, document.count());
            return Ok(());
        }
        (Layout::Svg, _) => {
            let lines = page::lines(&page, page::Layout::Side(page::SIDE));
            let picture = svg::page(&lines, inks(cx));
            return Ok(cx.out.verbatim(&picture)?);
        }
        (Layout::Side, width) => page::Layout::Side(width.unwrap_or(page::SIDE)),
        (Layout::Fitting, Some(width)) if width >= WIDE => page::Layout::Side(width),
        (Layout::Fitting | Layout::Unified, _) => page::Layout::Unified,
    };
    for line in page::lines(&page, layout) {
        cx.out.pieces(&line)?;
    }
    Ok(())
}

fn report_masked(cx: &Cx, masked: usize) {
    if masked > 0 {
        let what = human::counted(masked as u64, "secret");
        cx.notes.note(&format!("{what} masked"));
    }
}

/// The whole document, or one row per aligned pair.
fn records(cx: &mut Cx, machine: Machine, page: &Page<'_>) -> anyhow::Result<()> {
    let document = document::masked(page);
    report_masked(cx, document.count());
    if machine == Machine::Json {
        return Ok(cx.out.json(document.get())?);
    }
    let records = Records {
        schema: document::SCHEMA,
        list: "columns",
        csv: &["a", "b", "label", "changes"],
        only: None,
        rest: Vec::new(),
    };
    let columns = document.get()["columns"].as_array();
    records.write(&mut cx.out, machine, columns.into_iter().flatten())
}
