//! Computes the figures of two cohorts: measures, first tools, predicates.

use crate::analysis::cohort::compare::Options;
use crate::analysis::cohort::design::Design;
use crate::analysis::cohort::figure::{Figure, Kind, Subject};
use crate::analysis::cohort::measure::{Info, MEASURES, Measure, Shape, Unit, Worse};
use crate::analysis::cohort::observe::{Cohort, Observation};
use crate::analysis::cohort::tools;
use crate::analysis::statistics::choose::{self, Method, Terms};
use crate::analysis::statistics::ranks;
use crate::analysis::statistics::sample::Sample;
use crate::analysis::statistics::verdict::Verdict;

/// The input of every figure.
pub(super) struct Cx<'a> {
    pub(super) a: &'a Cohort,
    pub(super) b: &'a Cohort,
    pub(super) design: &'a Design,
    pub(super) options: &'a Options,
    /// The tools of both cohorts.
    pub(super) names: &'a [Box<str>],
}

/// The value of one run.
type Value<'a> = &'a dyn Fn(&Observation) -> Option<f64>;

impl Cx<'_> {
    pub(super) fn is_wanted(&self, name: &str) -> bool {
        let only = &self.options.only;
        only.is_empty() || only.iter().any(|wanted| wanted == name)
    }

    pub(super) fn sample(&self, value: Value<'_>) -> Sample {
        self.design
            .sample(|at| value(&self.a.runs[at]), |at| value(&self.b.runs[at]))
    }

    fn terms(&self) -> Terms {
        Terms {
            alpha: self.options.alpha,
            seed: self.options.seed,
        }
    }

    pub(super) fn measures(&self) -> Vec<Figure> {
        let shown = MEASURES.iter().filter(|info| !self.repeats(info));
        shown.flat_map(|info| self.measure(info)).collect()
    }

    /// Whether another measure already covers this one.
    fn repeats(&self, info: &Info) -> bool {
        match info.measure {
            // A score of only 0 and 1 is reported as success.
            Measure::Score => self.scores_are_binary(),
            // If every run ended normally, this says nothing.
            Measure::EndedOk => {
                let sample = self.sample(&|run| run.values.get(Measure::EndedOk));
                sample
                    .b()
                    .iter()
                    .chain(&sample.a())
                    .all(|value| *value > 0.5)
            }
            _ => false,
        }
    }

    fn scores_are_binary(&self) -> bool {
        let runs = self.a.runs.iter().chain(&self.b.runs);
        let mut scores = runs.filter_map(|run| run.values.get(Measure::Score));
        scores.all(|score| score.fract() == 0.0 && (0.0..=1.0).contains(&score))
    }

    /// No run is labelled right or wrong, but the scores are binary.
    fn scores_are_outcomes(&self) -> bool {
        let mut runs = self.a.runs.iter().chain(&self.b.runs);
        self.scores_are_binary() && runs.all(|run| run.values.get(Measure::Success).is_none())
    }

    fn measure(&self, info: &'static Info) -> Vec<Figure> {
        let from = match info.measure {
            Measure::Success if self.scores_are_outcomes() => Measure::Score,
            measure => measure,
        };
        let sample = self.sample(&|run| run.values.get(from));
        let is_zero = |values: &[f64]| values.iter().all(|value| *value == 0.0);
        let (a, b) = (sample.a(), sample.b());
        if (a.is_empty() && b.is_empty()) || (info.rare && is_zero(&a) && is_zero(&b)) {
            return Vec::new();
        }
        let subject = Subject::Measure(info.measure);
        let names = (info.name.to_owned(), info.words.to_owned());
        match info.shape {
            Shape::Rate => vec![self.rate(subject, names, info.worse, &sample)],
            Shape::Count => {
                let mut figure = self.figure(subject, names, info, &sample);
                figure.take(choose::average(&sample, self.terms()), self.options.alpha);
                vec![figure]
            }
            Shape::Amount => self.amounts(subject, info, &sample),
        }
    }

    /// The mean, the median, and the tails if there are enough runs.
    fn amounts(&self, subject: Subject, info: &Info, sample: &Sample) -> Vec<Figure> {
        let (name, words) = (info.name, info.words);
        let named = |kind: &str| (format!("{name}_{kind}"), format!("{words}, {kind}"));
        let mut mean = self.figure(subject, named("mean"), info, sample);
        mean.take(choose::amount(sample, self.terms()), self.options.alpha);
        let (a, b) = (
            ranks::ordered(sample.a().into_iter()),
            ranks::ordered(sample.b().into_iter()),
        );
        let mut median = self.figure(subject, named("median"), info, sample);
        median.kind = Kind::Median;
        (median.a, median.b) = (ranks::median(&a), ranks::median(&b));
        median.margin = margin(self.options.margin, info.unit, median.a, median.b);
        median.take(choose::median(sample, self.terms()), self.options.alpha);
        let mut figures = vec![mean, median];
        for (percent, least) in [(95, 100), (99, 500)] {
            if a.len().min(b.len()) < least {
                continue;
            }
            let mut tail = self.figure(subject, named(&format!("p{percent}")), info, sample);
            tail.kind = Kind::Tail(percent);
            let at = |values: &[f64]| ranks::quantile(values, f64::from(percent) / 100.0);
            (tail.a, tail.b) = (at(&a), at(&b));
            figures.push(tail);
        }
        figures
    }

    /// Which tool a run calls first, for tools that come first in at least five runs of a side.
    pub(super) fn firsts(&self) -> Vec<Figure> {
        let mut counts = vec![[0; 2]; self.names.len()];
        for (side, cohort) in [self.a, self.b].into_iter().enumerate() {
            for first in cohort.runs.iter().filter_map(|run| run.calls.first()) {
                counts[*first as usize][side] += 1;
            }
        }
        let common = (0..)
            .zip(&counts)
            .filter(|(_, [a, b])| tools::is_common(*a, *b));
        common
            .map(|(tool, _)| {
                let sample = self.sample(&|run| {
                    let is_first = run.calls.first() == Some(&tool);
                    Some(f64::from(u8::from(is_first)))
                });
                let name = &self.names[tool as usize];
                let names = (
                    format!("first_tool:{name}"),
                    format!("first tool chosen | {name}"),
                );
                self.rate(Subject::First(tool), names, Worse::None, &sample)
            })
            .collect()
    }

    pub(super) fn predicates(&self) -> Vec<Figure> {
        let predicates = self.options.predicates.iter().enumerate();
        predicates
            .map(|(at, filter)| {
                let sample = self.sample(&|run| {
                    let fulfils = run.fulfils.get(at)?;
                    Some(f64::from(u8::from(*fulfils)))
                });
                let names = (filter.clone(), filter.clone());
                self.rate(Subject::Predicate(at), names, Worse::None, &sample)
            })
            .collect()
    }

    pub(super) fn rate(
        &self,
        subject: Subject,
        names: (String, String),
        worse: Worse,
        sample: &Sample,
    ) -> Figure {
        let info = Info { worse, ..RATE };
        let mut figure = self.figure(subject, names, &info, sample);
        figure.kind = Kind::Rate;
        figure.take(choose::rate(sample, self.terms()), self.options.alpha);
        figure
    }

    fn figure(
        &self,
        subject: Subject,
        (name, words): (String, String),
        info: &Info,
        sample: &Sample,
    ) -> Figure {
        let (a, b) = sample.means();
        Figure {
            subject,
            name,
            words,
            kind: Kind::Mean,
            unit: info.unit,
            worse: info.worse,
            a,
            b,
            runs_a: sample.tasks.iter().map(|task| task.a.len()).sum(),
            runs_b: sample.tasks.iter().map(|task| task.b.len()).sum(),
            estimate: None,
            p: None,
            q: None,
            method: Method::Counts,
            verdict: Verdict::NotEnoughRuns,
            margin: margin(self.options.margin, info.unit, a, b),
            smallest: None,
            needed: None,
        }
    }
}

/// What all rates have in common.
const RATE: Info = Info {
    measure: Measure::Success,
    name: "",
    words: "",
    shape: Shape::Rate,
    unit: Unit::Share,
    worse: Worse::None,
    rare: false,
};

/// Percentage points for shares, otherwise a share of A's value (of B's if A has none).
fn margin(margin: f64, unit: Unit, a: Option<f64>, b: Option<f64>) -> f64 {
    match unit {
        Unit::Share => margin,
        Unit::Count | Unit::Usd | Unit::Ms | Unit::Tokens => {
            let base = a.filter(|it| *it != 0.0).or(b).unwrap_or(0.0);
            margin * base.abs()
        }
    }
}
