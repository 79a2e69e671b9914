//! A cohort as a file to keep in a repository: numbers, tool names and task ids, but no prompt
//! text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::analysis::cohort::measure::{MEASURES, Measure, Values};
use crate::analysis::cohort::observe::{Cohort, Ends, Frozen, Observation, PairBy};
use crate::analysis::cohort::traits::Traits;
use crate::model::quantity::Time;

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
    #[serde(default)]
    agents: Vec<String>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen: Option<Frozen>,
    traits: BTreeMap<String, BTreeMap<String, u32>>,
    /// Serialised by hand, one per line.
    #[serde(skip_serializing)]
    runs: Vec<Run>,
}

/// One run: its task, its values, and its calls as indices into the tools.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    values: Vec<Option<f64>>,
    calls: Vec<u32>,
    /// Its agent and its model, as indices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    who: Option<(u32, u32)>,
    /// The day on which it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

/// Counts stored next to the measures: alerts compare with them, cohorts do not.
const BLOCKS: &str = "blocks";
const FAILED: &str = "failed_calls";

/// Serialises a cohort as one JSON document with one run per line, so that diffs are readable.
pub fn write(cohort: &Cohort, pair_by: PairBy) -> Result<String, serde_json::Error> {
    let document = Document {
        schema: SCHEMA.to_owned(),
        name: cohort.name.clone(),
        pair_by: pair_by.word().to_owned(),
        measures: MEASURES
            .iter()
            .map(|info| info.name)
            .chain([BLOCKS, FAILED])
            .map(str::to_owned)
            .collect(),
        tools: strings(&cohort.tools),
        agents: strings(&cohort.agents),
        models: strings(&cohort.models),
        frozen: cohort.frozen.clone(),
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

fn strings(names: &[Box<str>]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn to_run(run: &Observation) -> Run {
    let ends = |count: fn(&Ends) -> u32| run.ends.as_ref().map(|ends| f64::from(count(ends)));
    let values = MEASURES.iter().map(|info| run.values.get(info.measure));
    Run {
        task: run.task.as_deref().map(str::to_owned),
        values: values
            .chain([ends(|it| it.blocked), ends(|it| it.failed)])
            .collect(),
        calls: run.calls.clone(),
        who: run.who,
        at: run.at.get().and_then(day),
    }
}

/// `2026-11-29`; none for a time beyond the calendar.
fn day(us: i64) -> Option<String> {
    let time = Timestamp::from_microsecond(us).ok()?;
    let date = time.to_zoned(TimeZone::UTC).date();
    Some(date.to_string())
}

fn midnight(day: &str) -> Time {
    let date: Option<Date> = day.parse().ok();
    let start = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    start.map_or(Time::NONE, |start| Time(start.timestamp().as_microsecond()))
}

/// The runs of both. A run of `new` that `old` already holds counts once.
pub fn joined(mut old: Cohort, new: Cohort) -> Cohort {
    let place = |names: &mut Vec<Box<str>>, name: &str| {
        let found = names.iter().position(|known| **known == *name);
        found.unwrap_or_else(|| {
            names.push(name.into());
            names.len() - 1
        }) as u32
    };
    let known = old.runs.len();
    for mut run in new.runs {
        for call in &mut run.calls {
            *call = place(&mut old.tools, &new.tools[*call as usize]);
        }
        run.who = run.who.map(|(agent, model)| {
            (
                place(&mut old.agents, &new.agents[agent as usize]),
                place(&mut old.models, &new.models[model as usize]),
            )
        });
        run.run = None;
        let mut before = old.runs[..known].iter();
        if !before.any(|before| to_run(before) == to_run(&run)) {
            old.runs.push(run);
        }
    }
    if old.runs.len() > known {
        for (name, values) in new.traits.0 {
            let known = old.traits.0.entry(name).or_default();
            for (value, runs) in values {
                *known.entry(value).or_default() += runs;
            }
        }
    }
    old
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
    let column = |name: &str| document.measures.iter().position(|it| it == name);
    let (blocks, failed) = (column(BLOCKS), column(FAILED));
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
        let is_known = |(agent, model): &(u32, u32)| {
            (*agent as usize) < document.agents.len() && (*model as usize) < document.models.len()
        };
        let count = |at: Option<usize>| {
            let value = run.values.get(at?).copied().flatten()?;
            (value >= 0.0).then_some(value as u32)
        };
        let ends = count(blocks).zip(count(failed));
        runs.push(Observation {
            run: None,
            who: run.who.filter(is_known),
            at: run.at.as_deref().map_or(Time::NONE, midnight),
            ends: ends.map(|(blocked, failed)| Ends { blocked, failed }),
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
        agents: document.agents.into_iter().map(Into::into).collect(),
        models: document.models.into_iter().map(Into::into).collect(),
        frozen: document.frozen,
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
