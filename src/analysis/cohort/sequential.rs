//! Two cohorts that still grow, judged after every run: the answer holds however often it is checked.

use std::collections::BTreeMap;

use crate::analysis::cohort::compare::Comparison;
use crate::analysis::cohort::measure::{MEASURES, Measure, Shape, Worse};
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
    looks.follow(values, scale(found, measure));
    looks
}

/// The range of a measure.
fn scale(found: &Comparison, measure: Measure) -> f64 {
    if measure.info().shape == Shape::Rate {
        return 1.0;
    }
    let runs = found.a.runs.iter().chain(&found.b.runs);
    let values = runs.filter_map(|run| run.values.get(measure));
    let (lo, hi) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), it| {
        (lo.min(it), hi.max(it))
    });
    (hi - lo).max(0.0)
}

impl Looks {
    /// Looks after each value, until it is decided.
    fn follow(&mut self, values: Vec<(usize, f64)>, scale: f64) {
        self.of = values.len();
        self.after = values.len();
        let mut sides = [Sequence::of_scale(scale); 2];
        for (number, (side, value)) in values.into_iter().enumerate() {
            sides[side].add(value);
            self.interval = if self.paired {
                sequence::paired(&sides[0], self.alpha)
            } else {
                sequence::independent(&sides[0], &sides[1], self.alpha)
            };
            let interval = self.interval;
            self.decision =
                interval.map_or(Decision::Open, |it| decide(self.measure, it, self.margin));
            if self.decision != Decision::Open {
                self.after = number + 1;
                break;
            }
        }
    }
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
    use crate::analysis::statistics::random::SplitMix64;
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

    /// How many of the simulated cohorts with these success rates, in percent, are judged worse, and how many fine.
    fn simulated(of_hundred: (u64, u64), is_paired: bool) -> (u32, u32) {
        let mut counts = (0, 0);
        for seed in 0..ROUNDS {
            let mut random = SplitMix64::new(seed);
            let mut succeeds = |percent| f64::from(u8::from(random.below(100) < percent));
            let mut values = Vec::new();
            for _ in 0..RUNS {
                let (a, b) = (succeeds(of_hundred.0), succeeds(of_hundred.1));
                if is_paired {
                    values.push((0, b - a));
                } else {
                    values.extend([(0, a), (1, b)]);
                }
            }
            let mut looks = Looks {
                measure: Measure::Success,
                decision: Decision::Open,
                after: 0,
                of: 0,
                paired: is_paired,
                interval: None,
                margin: 0.03,
                alpha: 0.05,
            };
            looks.follow(values, 1.0);
            counts.0 += u32::from(looks.decision == Decision::Worse);
            counts.1 += u32::from(looks.decision == Decision::Fine);
        }
        counts
    }

    const ROUNDS: u64 = 300;
    const RUNS: usize = 500;
    /// 5 % of the rounds, and two standard deviations of that count.
    const WRONG: u32 = 23;

    #[test]
    fn checking_after_every_run_errs_no_more_often_than_alpha() {
        for is_paired in [true, false] {
            for percent in [50, 90, 98] {
                let (worse, _) = simulated((percent, percent), is_paired);
                assert!(worse <= WRONG, "{worse} of {ROUNDS} worse at {percent} %");
                // Worse by exactly what matters: calling it fine is wrong.
                let (_, fine) = simulated((percent, percent - 3), is_paired);
                assert!(fine <= WRONG, "{fine} of {ROUNDS} fine at {percent} %");
            }
        }
        let (worse, _) = simulated((90, 60), true);
        assert!(
            u64::from(worse) > ROUNDS * 9 / 10,
            "{worse} of {ROUNDS} found"
        );
    }

    #[test]
    fn runs_that_all_succeed_are_not_judged_fine_at_once() {
        let mut looks = looked((10, 10), true);
        assert_eq!(looks.decision, Decision::Fine);
        assert!((60..300).contains(&looks.after), "{looks:?}");
        looks.follow(vec![(0, 0.0); 20], 1.0);
        assert_eq!(looks.decision, Decision::Open);
    }

    #[test]
    fn a_gain_is_not_worse_and_equal_sides_stay_open() {
        assert_eq!(looked((4, 9), false).decision, Decision::Fine);
        let looks = looked((5, 5), false);
        assert_eq!((looks.decision, looks.saved()), (Decision::Open, 0));
    }
}
