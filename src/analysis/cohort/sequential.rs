//! Two cohorts that still grow, judged after every run: the answer holds however often it is checked.

use std::collections::BTreeMap;

use crate::analysis::cohort::compare::Comparison;
use crate::analysis::cohort::measure::{MEASURES, Measure, Worse};
use crate::analysis::cohort::observe::Observation;
use crate::analysis::statistics::sequence::{self, Sequence};

/// The result for one measure so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    pub measure: Measure,
    pub decision: Decision,
    /// Pairs of tasks, or runs, at which it was decided; all of them while it is open.
    pub after: usize,
    pub of: usize,
    pub paired: bool,
    /// B minus A, and its interval, at that look; none while there are too few runs.
    pub interval: Option<(f64, f64)>,
    /// The smallest difference that matters, in the unit of the measure.
    pub margin: f64,
    pub alpha: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// B is worse than A.
    Worse,
    /// B is not worse by a difference that matters.
    Fine,
    Open,
}

impl Decision {
    pub fn word(self) -> &'static str {
        match self {
            Decision::Worse => "worse",
            Decision::Fine => "not worse",
            Decision::Open => "open",
        }
    }
}

impl Looks {
    /// Runs after the decision: they were not needed.
    pub fn saved(&self) -> usize {
        let each = if self.paired { 2 } else { 1 };
        (self.of - self.after) * each
    }
}

/// The measure of that name; without a name, the first of success, score and cost that both sides have.
pub fn measure(found: &Comparison, name: Option<&str>) -> Result<Measure, String> {
    let has = |measure: Measure| {
        let on = |runs: &[Observation]| runs.iter().any(|run| run.values.get(measure).is_some());
        on(&found.a.runs) && on(&found.b.runs)
    };
    let usual = [Measure::Success, Measure::Score, Measure::Cost];
    let measure = match name {
        Some(name) => Measure::find(name).ok_or_else(|| {
            format!("--sequential needs one measure, and '{name}' is not a measure")
        })?,
        None => usual
            .into_iter()
            .find(|it| has(*it))
            .ok_or("neither success, score nor cost is recorded on both sides: name a --metric")?,
    };
    if measure.info().worse == Worse::None {
        let named = MEASURES.iter().filter(|info| info.worse != Worse::None);
        let names: Vec<&str> = named.map(|info| info.name).collect();
        return Err(format!(
            "neither direction of {} is worse; choose one of {}",
            measure.info().name,
            names.join(", ")
        ));
    }
    Ok(measure)
}

/// Checks after every run, or every task that both sides have, in the order in which they began.
pub fn look(found: &Comparison, measure: Measure) -> Looks {
    let name = measure.info().name;
    let mean = format!("{name}_mean");
    let figure = found
        .figures
        .iter()
        .find(|it| it.name == name || it.name == mean);
    let mut looks = Looks {
        measure,
        decision: Decision::Open,
        after: 0,
        of: 0,
        paired: found.design.is_paired(),
        interval: None,
        margin: figure.map_or(found.options.margin, |it| it.margin),
        alpha: found.options.alpha,
    };
    let values = if looks.paired {
        pairs(found, measure)
    } else {
        singles(found, measure)
    };
    looks.of = values.len();
    looks.after = values.len();
    let mut sides = [Sequence::default(); 2];
    for (number, (side, value)) in values.into_iter().enumerate() {
        sides[side].add(value);
        let interval = if looks.paired {
            sequence::paired(&sides[0], looks.alpha)
        } else {
            sequence::independent(&sides[0], &sides[1], looks.alpha)
        };
        looks.interval = interval;
        looks.decision = interval.map_or(Decision::Open, |it| decide(measure, it, looks.margin));
        if looks.decision != Decision::Open {
            looks.after = number + 1;
            break;
        }
    }
    looks
}

fn decide(measure: Measure, (lo, hi): (f64, f64), margin: f64) -> Decision {
    let (least, most) = match measure.info().worse {
        Worse::Down => (-hi, -lo),
        Worse::Up | Worse::None => (lo, hi),
    };
    if least > 0.0 {
        Decision::Worse
    } else if most < margin {
        Decision::Fine
    } else {
        Decision::Open
    }
}

/// The mean of some runs of a task, and when the last of them began. Runs of a task are correlated, so they count as
/// one.
fn of_task(runs: &[Observation], places: &[usize], measure: Measure) -> Option<(f64, i64)> {
    let runs = places.iter().map(|at| &runs[*at]);
    let values = runs.clone().filter_map(|it| it.values.get(measure));
    let count = values.clone().count();
    let last = runs.map(|it| it.at.0).max()?;
    (count > 0).then(|| (values.sum::<f64>() / count as f64, last))
}

/// The differences of the tasks that both sides have, by time.
fn pairs(found: &Comparison, measure: Measure) -> Vec<(usize, f64)> {
    let mut pairs: BTreeMap<(i64, usize), f64> = BTreeMap::new();
    for (number, task) in found.design.tasks.iter().enumerate() {
        let a = of_task(&found.a.runs, &task.a, measure);
        let b = of_task(&found.b.runs, &task.b, measure);
        if let (Some((a, a_time)), Some((b, b_time))) = (a, b) {
            pairs.insert((a_time.max(b_time), number), b - a);
        }
    }
    pairs.into_values().map(|it| (0, it)).collect()
}

/// The values of both sides by time, each with its side.
fn singles(found: &Comparison, measure: Measure) -> Vec<(usize, f64)> {
    let mut values: BTreeMap<(i64, usize, usize), f64> = BTreeMap::new();
    let mut counts = [0; 2];
    for task in &found.design.tasks {
        let a = of_task(&found.a.runs, &task.a, measure);
        let b = of_task(&found.b.runs, &task.b, measure);
        for (side, value) in [a, b].into_iter().enumerate() {
            let Some((value, time)) = value else { continue };
            // Without times, the sides take turns.
            values.insert((time, counts[side], side), value);
            counts[side] += 1;
        }
    }
    values
        .into_iter()
        .map(|((_, _, side), value)| (side, value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Decision, Looks, look, measure};
    use crate::analysis::cohort::compare::{Options, compare};
    use crate::analysis::cohort::measure::{Measure, Values};
    use crate::analysis::cohort::observe::{Cohort, Observation};
    use crate::model::quantity::Time;

    /// Runs with this many successes out of ten.
    fn cohort(runs: usize, of_ten: usize, is_paired: bool) -> Cohort {
        let run = |number: usize| {
            let mut values = Values::default();
            values.set(
                Measure::Success,
                Some(f64::from(u8::from(number * 7 % 10 < of_ten))),
            );
            Observation {
                task: is_paired.then(|| format!("t{number}").into()),
                values,
                at: Time(number as i64),
                ..Observation::default()
            }
        };
        Cohort {
            runs: (0..runs).map(run).collect(),
            ..Cohort::default()
        }
    }

    fn looked(of_ten: (usize, usize), is_paired: bool) -> Looks {
        let (a, b) = (
            cohort(300, of_ten.0, is_paired),
            cohort(300, of_ten.1, is_paired),
        );
        let found = compare(a, b, Options::default());
        let measure = measure(&found, None).expect("a measure");
        assert_eq!(measure, Measure::Success);
        look(&found, measure)
    }

    #[test]
    fn a_large_loss_is_decided_before_all_runs_are_in() {
        for is_paired in [true, false] {
            let looks = looked((9, 4), is_paired);
            assert_eq!(looks.decision, Decision::Worse);
            assert!(looks.saved() > 300, "{looks:?}");
        }
    }

    #[test]
    fn a_gain_is_not_worse_and_equal_sides_stay_open() {
        assert_eq!(looked((4, 9), false).decision, Decision::Fine);
        let looks = looked((5, 5), false);
        assert_eq!((looks.decision, looks.saved()), (Decision::Open, 0));
    }
}
