//! `baseline`: keeps a cohort in a file, prints it, and compares later runs with it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::analysis::cohort::ask::{Ask, Choice};
use crate::analysis::cohort::baseline;
use crate::analysis::cohort::measure::MEASURES;
use crate::analysis::cohort::observe::{Cohort, Frozen, PairBy};
use crate::analysis::runs::Grouping;
use crate::analysis::statistics::ranks::{median, ordered};
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock as _, System};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::args::{Paths, files};
use crate::cli::cohort::{self, CohortHow, gate, print};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, OutputFile};
use crate::export::cohort as words;

/// Keep the figures of a cohort in a small file, and compare later runs with it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui baseline write baselines/refund.json runs/ -w model:gpt-4o
  saferun-tui baseline check baselines/refund.json new-runs/    for CI: exit code 0, 1 (worse)
                                                                or 6 (inconclusive)

  saferun-tui baseline write baselines/refund.json --add new-runs/     for alert rules

The file holds numbers, names of tools, agents and models, and task ids, but no text of prompts, arguments or results.")]
pub struct Baseline {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the figures of runs to FILE
    Write {
        /// The file to write
        file: PathBuf,
        #[command(flatten)]
        paths: Paths,
        /// Replace FILE if it exists
        #[arg(long)]
        force: bool,
        /// Add runs that FILE does not hold yet; a run is identified by its task, day, calls and figures
        #[arg(long, conflicts_with = "force")]
        add: bool,
        /// A note on why it is frozen now; stored in FILE
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// What makes two runs a pair
        #[arg(long, value_name = "WHAT", default_value = "auto", value_parser = ["auto", "task", "input", "none"])]
        pair_by: String,
    },
    /// Print what FILE holds
    Show {
        /// The baseline
        file: PathBuf,
    },
    /// Compare runs (B) with those in FILE (A); the outcome is the exit code
    Check {
        /// The baseline
        file: PathBuf,
        #[command(flatten)]
        paths: Paths,
        #[command(flatten)]
        how: Box<CohortHow>,
    },
}

impl Command for Baseline {
    const NAME: &'static str = "baseline";
    const ACCEPTS: Accepts = Accepts::READING
        .with(GlobalOption::Where)
        .with(GlobalOption::Json);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        match self.what {
            What::Write {
                file,
                paths,
                force,
                add,
                note,
                pair_by,
            } => {
                let path = file.as_path();
                let force = force || add;
                let how = Write { add, note, pair_by };
                write(cx, OutputFile { path, force }, paths, how)
            }
            What::Show { file } => show(cx, &file),
            What::Check { file, paths, how } => check(cx, &file, paths, &how),
        }
    }
}

/// How a baseline is written.
struct Write {
    add: bool,
    note: Option<String>,
    pair_by: String,
}

fn write(cx: &mut Cx, to: OutputFile<'_>, paths: Paths, how: Write) -> anyhow::Result<Exit> {
    let paths = paths.or_stdin()?;
    to.check(&files(&paths))?;
    let before = if how.add { Some(read(to.path)?) } else { None };
    let pair_by = before
        .as_ref()
        .map_or(how.pair_by.as_str(), |(_, by)| by.word());
    let ask = Ask {
        pair_by: cohort::pair_by(pair_by),
        ..cohort::ask(cx, Choice::By(Grouping::Model), &CohortHow::default())?
    };
    let read = cx.load.paths(&cx.notes, &paths)?;
    let exit = read.exit(&cx.notes);
    if exit != Exit::Done {
        return Ok(exit);
    }
    let ask = Ask {
        only: read.only(ask.only.clone()),
        ..ask
    };
    let found = ask.cohort(&read.store, &CancelFlag::new());
    let (cohort, pair_by, excluded) = found.map_err(Failure::from)?;
    let new = cohort.runs.len();
    let known = before.as_ref().map_or(0, |(old, _)| old.runs.len());
    let cohort = match before {
        Some((old, _)) => baseline::joined(old, cohort),
        None => cohort,
    };
    let cohort = Cohort {
        frozen: Some(frozen(how.note)),
        ..cohort
    };
    let text = baseline::write(&cohort, pair_by)?;
    to.write(&output::files(&read.store), &mut |out| {
        out.write_all(text.as_bytes())
    })?;
    let excluded: usize = excluded.iter().map(|it| it.count).sum();
    let size = words::size(cohort.runs.len(), cohort.tasks());
    let path = to.path.display();
    let added = if how.add {
        let added = cohort.runs.len() - known;
        format!(", {added} of {new} added")
    } else {
        String::new()
    };
    cx.notes
        .note(&format!("{path}: {size}, {excluded} excluded{added}"));
    Ok(exit)
}

/// Now, by this machine's user.
fn frozen(note: Option<String>) -> Frozen {
    let by = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| env::var(name).ok());
    Frozen {
        at: human::rfc3339(System.now()),
        by: by.unwrap_or_default(),
        note: note.unwrap_or_default(),
    }
}

fn show(cx: &mut Cx, file: &Path) -> anyhow::Result<Exit> {
    let (cohort, pair_by) = read(file)?;
    if cx.global.json {
        let text = baseline::write(&cohort, pair_by)?;
        cx.out
            .json(&serde_json::from_str::<serde_json::Value>(&text)?)?;
        return Ok(Exit::Done);
    }
    let name = cx.out.style.clean(&cohort.name);
    let size = words::size(cohort.runs.len(), cohort.tasks());
    let by = pair_by.word();
    cx.out.line(&format!("{name}  {size}, paired by {by}"))?;
    if let Some(frozen) = &cohort.frozen {
        let by = if frozen.by.is_empty() {
            "someone"
        } else {
            &frozen.by
        };
        let line = format!("  {:14} {} by {by}  {}", "frozen", frozen.at, frozen.note);
        let line = cx.out.style.clean(line.trim_end());
        cx.out.line(&line)?;
    }
    for (name, values) in &cohort.traits.0 {
        let known = values.iter().filter(|(value, _)| !value.is_empty());
        let counted: Vec<String> = known
            .map(|(value, runs)| format!("{value} ({runs})"))
            .collect();
        if !counted.is_empty() {
            let line = format!("  {name:14} {}", counted.join(", "));
            let line = cx.out.style.clean(&line);
            cx.out.line(&line)?;
        }
    }
    for info in MEASURES {
        let values = cohort
            .runs
            .iter()
            .filter_map(|run| run.values.get(info.measure));
        let values = ordered(values);
        if let Some(middle) = median(&values) {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let (runs, name) = (values.len(), info.name);
            cx.out.line(&format!(
                "  {name:14} mean {mean:<12.4} median {middle:<12.4} {runs} runs"
            ))?;
        }
    }
    let tools = cohort.tools.iter().map(|it| cx.out.style.clean(it));
    let tools: Vec<String> = tools.collect();
    cx.out
        .line(&format!("  {:14} {}", "tools", tools.join(", ")))?;
    Ok(Exit::Done)
}

fn check(cx: &mut Cx, file: &Path, paths: Paths, how: &CohortHow) -> anyhow::Result<Exit> {
    let (cohort, pair_by) = read(file)?;
    let ask = Ask {
        pair_by,
        ..cohort::ask(cx, Choice::By(Grouping::Model), how)?
    };
    if !ask.predicates.is_empty() {
        let what = "a baseline holds no actions, so --metric cannot take a filter here";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    let read = cx.load.paths(&cx.notes, &paths.or_stdin()?)?;
    let exit = read.exit(&cx.notes);
    if !read.has_records() {
        return Ok(exit);
    }
    let ask = Ask {
        only: read.only(ask.only.clone()),
        ..ask
    };
    let answer = ask
        .against(&read.store, cohort, &CancelFlag::new())
        .map_err(Failure::from)?;
    print(cx, &read.store, &answer, false)?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    Ok(gate(&answer.comparison, how))
}

fn read(file: &Path) -> Result<(Cohort, PairBy), Failure> {
    let failed = |why: String| Failure::Input(format!("{}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    baseline::read(&text).map_err(failed)
}
