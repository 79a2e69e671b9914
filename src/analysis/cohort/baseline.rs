//! A cohort as a file to keep in a repository: numbers, tool names and task ids, but no prompt
//! text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::analysis::cohort::measure::{MEASURES, Measure, Values};
use crate::analysis::cohort::observe::{Cohort, Observation, PairBy};
use crate::analysis::cohort::traits::Traits;

pub const SCHEMA: &str = "saferun.tui/baseline@1";

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    schema: String,
    /// The filter that selected the runs.
    #[serde(rename = "where")]
    name: String,
    pair_by: String,
    /// The names of the values of each run, in order.
    measures: Vec<String>,
    tools: Vec<String>,
    traits: BTreeMap<String, BTreeMap<String, u32>>,
    /// Serialised by hand, one per line.
    #[serde(skip_serializing)]
    runs: Vec<Run>,
}

/// One run: its task, its values, and its calls as indices into the tools.
#[derive(Debug, Serialize, Deserialize)]
struct Run {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    values: Vec<Option<f64>>,
    calls: Vec<u32>,
}

/// Serialises a cohort as one JSON document with one run per line, so that diffs are readable.
pub fn write(cohort: &Cohort, pair_by: PairBy) -> Result<String, serde_json::Error> {
    let document = Document {
        schema: SCHEMA.to_owned(),
        name: cohort.name.clone(),
        pair_by: pair_by.word().to_owned(),
        measures: MEASURES.iter().map(|info| info.name.to_owned()).collect(),
        tools: cohort.tools.iter().map(ToString::to_string).collect(),
        traits: cohort.traits.0.clone(),
        runs: Vec::new(),
    };
    let document = serde_json::to_string(&document)?;
    let runs: Result<Vec<String>, _> = cohort
        .runs
        .iter()
        .map(|run| serde_json::to_string(&to_run(run)))
        .collect();
    let mut out = String::new();
    let open = document.strip_suffix('}').unwrap_or(&document);
    // Writing to a string cannot fail.
    let _ = write!(out, "{open},\n\"runs\":[\n{}\n]}}\n", runs?.join(",\n"));
    Ok(out)
}

fn to_run(run: &Observation) -> Run {
    Run {
        task: run.task.as_deref().map(str::to_owned),
        values: MEASURES
            .iter()
            .map(|info| run.values.get(info.measure))
            .collect(),
        calls: run.calls.clone(),
    }
}

/// Parses a baseline: the cohort, and how its runs are paired.
///
/// Measures that this version does not know are dropped; those that the file lacks are not
/// recorded.
pub fn read(text: &str) -> Result<(Cohort, PairBy), String> {
    let document: Document =
        serde_json::from_str(text).map_err(|error| format!("not a baseline: {error}"))?;
    if document.schema != SCHEMA {
        return Err(format!("the schema '{}' is not {SCHEMA}", document.schema));
    }
    let measures: Vec<Option<Measure>> = document
        .measures
        .iter()
        .map(|name| Measure::find(name))
        .collect();
    let mut runs = Vec::with_capacity(document.runs.len());
    for run in document.runs {
        if run
            .calls
            .iter()
            .any(|call| *call as usize >= document.tools.len())
        {
            return Err("a call names a tool that the file does not list".to_owned());
        }
        let mut values = Values::default();
        for (measure, value) in measures.iter().zip(&run.values) {
            if let Some(measure) = measure {
                values.set(*measure, value.filter(|value| value.is_finite()));
            }
        }
        runs.push(Observation {
            run: None,
            task: run.task.map(Into::into),
            values,
            calls: run.calls,
            fulfils: Vec::new(),
        });
    }
    let cohort = Cohort {
        name: document.name,
        runs,
        tools: document.tools.into_iter().map(Into::into).collect(),
        traits: Traits(document.traits),
    };
    let pair_by = match document.pair_by.as_str() {
        "input" => PairBy::Input,
        "none" => PairBy::None,
        _ => PairBy::Task,
    };
    Ok((cohort, pair_by))
}

#[cfg(test)]
mod tests;
