//! The parts of a baseline file that alert rules compare with.

use crate::analysis::alerts::history::{Basis, family};
use crate::analysis::cohort::measure::Measure;
use crate::analysis::cohort::observe::Cohort;
use crate::model::quantity::Time;
use crate::query;
use crate::query::expr::Expr;

/// The runs of a baseline.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub path: String,
    pub runs: Vec<KnownRun>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownRun {
    pub agent: Box<str>,
    pub model: Box<str>,
    pub family: Box<str>,
    /// When it began, or that day.
    pub at: Time,
    /// In dollars.
    pub cost: Option<f64>,
    pub calls: Option<u32>,
    blocks: Option<u32>,
    failed: Option<u32>,
    retries: Option<u32>,
}

impl Known {
    pub fn of(path: &str, cohort: &Cohort) -> Known {
        let name = |names: &[Box<str>], at: Option<u32>| {
            let name = at.and_then(|at| names.get(at as usize));
            name.cloned().unwrap_or_default()
        };
        let runs = cohort.runs.iter().map(|run| {
            let count = |measure| run.values.get(measure).map(|it| it as u32);
            let who = run.who;
            KnownRun {
                agent: name(&cohort.agents, who.map(|it| it.0)),
                model: name(&cohort.models, who.map(|it| it.1)),
                family: run.task.as_deref().map_or("", family).into(),
                at: run.at,
                cost: run.values.get(Measure::Cost).filter(|cost| *cost > 0.0),
                calls: count(Measure::Calls),
                blocks: run.ends.map(|ends| ends.blocked),
                failed: run.ends.map(|ends| ends.failed),
                retries: count(Measure::Retries),
            }
        });
        Known {
            path: path.to_owned(),
            runs: runs.collect(),
        }
    }

    pub fn basis(&self) -> Basis {
        Basis::of(self.runs.iter().map(|run| run.at))
    }
}

impl KnownRun {
    /// How many calls of the run match the event, and its calls in total; none if the baseline does not record it.
    pub fn events(&self, event: &Expr) -> Option<(u32, u32)> {
        let is = |text: &str| query::parse(text).is_ok_and(|known| known == *event);
        let events = if is("status:(blocked|denied)") {
            self.blocks?
        } else if is("status:(error|timeout)") {
            self.failed?
        } else if is("is:retry") {
            self.retries?
        } else {
            return None;
        };
        let calls = self.calls?;
        (events <= calls).then_some((events, calls))
    }
}
