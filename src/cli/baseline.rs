//! `baseline`: a cohort kept in a file, told, and compared with later runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::analysis::cohort::ask::{Ask, Choice};
use crate::analysis::cohort::baseline;
use crate::analysis::cohort::measure::MEASURES;
use crate::analysis::cohort::observe::{Cohort, PairBy};
use crate::analysis::runs::Grouping;
use crate::analysis::statistics::ranks::{median, ordered};
use crate::base::cancel::CancelFlag;
use crate::cli::args::{BaselineCommand, CohortHow};
use crate::cli::cohort::{self, gate, print};
use crate::cli::failure::{Exit, Failure};
use crate::cli::place::{self, Place};
use crate::cli::{Cx, inputs};
use crate::export::cohort as words;

pub(super) fn run(cx: &mut Cx, what: BaselineCommand) -> anyhow::Result<Exit> {
    match what {
        BaselineCommand::Write {
            file,
            paths,
            pair_by,
            force,
        } => {
            let path = file.as_path();
            write(cx, Place { path, force }, paths, &pair_by)
        }
        BaselineCommand::Show { file } => show(cx, &file),
        BaselineCommand::Check { file, paths, how } => check(cx, &file, paths, &how),
    }
}

fn write(cx: &mut Cx, to: Place<'_>, paths: Vec<PathBuf>, pair_by: &str) -> anyhow::Result<Exit> {
    to.check(&paths)?;
    let ask = Ask {
        pair_by: cohort::pair_by(pair_by),
        ..cohort::ask(cx, Choice::By(Grouping::Model), &CohortHow::default())?
    };
    let read = cx.load.paths(&cx.notes, &inputs(paths)?);
    let exit = read.exit(&cx.notes);
    if exit != Exit::Done {
        return Ok(exit);
    }
    let found = ask.cohort(&read.store, &CancelFlag::new());
    let (kept, pair_by, excluded) =
        found.map_err(|refusal| Failure::Usage(words::refusal(&refusal)))?;
    let text = baseline::write(&kept, pair_by)?;
    to.write(&place::files(&read.store), &mut |out| {
        out.write_all(text.as_bytes())
    })?;
    let left_out: usize = excluded.iter().map(|it| it.count).sum();
    let size = words::size(kept.runs.len(), kept.tasks());
    let path = to.path.display();
    cx.notes
        .note(&format!("{path}: {size}, {left_out} left out"));
    Ok(exit)
}

fn show(cx: &mut Cx, file: &Path) -> anyhow::Result<Exit> {
    let (kept, pair_by) = read(file)?;
    if cx.global.json {
        let text = baseline::write(&kept, pair_by)?;
        cx.out
            .json(&serde_json::from_str::<serde_json::Value>(&text)?)?;
        return Ok(Exit::Done);
    }
    let name = cx.out.look.clean(&kept.name);
    let size = words::size(kept.runs.len(), kept.tasks());
    let by = pair_by.word();
    cx.out.line(&format!("{name}  {size}, paired by {by}"))?;
    for (name, values) in &kept.traits.0 {
        let known = values.iter().filter(|(value, _)| !value.is_empty());
        let told: Vec<String> = known
            .map(|(value, runs)| format!("{value} ({runs})"))
            .collect();
        if !told.is_empty() {
            let line = cx
                .out
                .look
                .clean(&format!("  {name:14} {}", told.join(", ")));
            cx.out.line(&line)?;
        }
    }
    for info in MEASURES {
        let values = kept
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
    let tools: Vec<String> = kept.tools.iter().map(|it| cx.out.look.clean(it)).collect();
    cx.out
        .line(&format!("  {:14} {}", "tools", tools.join(", ")))?;
    Ok(Exit::Done)
}

fn check(cx: &mut Cx, file: &Path, paths: Vec<PathBuf>, how: &CohortHow) -> anyhow::Result<Exit> {
    let (kept, pair_by) = read(file)?;
    let ask = Ask {
        pair_by,
        ..cohort::ask(cx, Choice::By(Grouping::Model), how)?
    };
    if !ask.predicates.is_empty() {
        let words = "a baseline holds no actions that a filter could be asked of";
        return Err(Failure::Usage(words.to_owned()).into());
    }
    let read = cx.load.paths(&cx.notes, &inputs(paths)?);
    let exit = read.exit(&cx.notes);
    if exit != Exit::Done {
        return Ok(exit);
    }
    let answer = ask
        .against(&read.store, kept, &CancelFlag::new())
        .map_err(|refusal| Failure::Usage(words::refusal(&refusal)))?;
    print(cx, &read.store, &answer, false)?;
    Ok(gate(&answer.comparison, how))
}

fn read(file: &Path) -> Result<(Cohort, PairBy), Failure> {
    let failed = |why: String| Failure::Input(format!("{}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    baseline::read(&text).map_err(failed)
}
