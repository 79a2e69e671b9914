//! Two cohorts in, every figure out.

use std::collections::BTreeMap;

use crate::analysis::cohort::choose::{self, Method, Terms};
use crate::analysis::cohort::design::{Design, Sample};
use crate::analysis::cohort::evidence::{self, Fork};
use crate::analysis::cohort::figure::{Figure, Kind, Subject};
use crate::analysis::cohort::measure::{Info, MEASURES, Measure, Shape, Unit, Worse};
use crate::analysis::cohort::mix::{self, Mix, Transition};
use crate::analysis::cohort::multiple::benjamini_hochberg;
use crate::analysis::cohort::observe::{Cohort, Observation};
use crate::analysis::cohort::ranks;
use crate::analysis::cohort::tools::{self, Tool};
use crate::analysis::cohort::traits::Confound;
use crate::analysis::cohort::verdict::Verdict;

/// How to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The smallest difference that matters: of rates as it is (0.03: three points), of amounts as a
    /// share of A's.
    pub margin: f64,
    pub alpha: f64,
    pub seed: u64,
    /// None pairs where there is enough to pair.
    pub paired: Option<bool>,
    /// Only these figures, by name; empty for all.
    pub only: Vec<String>,
    /// The filters whose runs are counted, as they were written.
    pub predicates: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            margin: 0.03,
            alpha: 0.05,
            seed: 1,
            paired: None,
            only: Vec::new(),
            predicates: Vec::new(),
        }
    }
}

/// Everything that can be said of two cohorts.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub a: Cohort,
    pub b: Cohort,
    pub design: Design,
    pub options: Options,
    /// Measures, first tools and predicates, in the order of the tables.
    pub figures: Vec<Figure>,
    /// Whether runs call a tool at all, by name.
    pub tools: Vec<Tool>,
    /// Tools of fewer than five runs on both sides, which are not tested.
    pub rare: Vec<Box<str>>,
    pub mix: Option<Mix>,
    pub transitions: Vec<Transition>,
    pub confounds: Vec<Confound>,
    /// Where runs of the same task took different ways.
    pub forks: Vec<Fork>,
}

/// Compares. The names of tools of both cohorts become one list first.
pub fn compare(mut a: Cohort, mut b: Cohort, options: Options) -> Comparison {
    let names = tools::unite(&mut a, &mut b);
    let design = Design::new(&a, &b, options.paired);
    let cx = Cx {
        a: &a,
        b: &b,
        design: &design,
        options: &options,
        names: &names,
    };
    let mut figures = cx.measures();
    figures.extend(cx.firsts());
    figures.extend(cx.predicates());
    let (mut tools, rare) = cx.tools();
    figures.retain(|figure| cx.is_wanted(&figure.name));
    tools.retain(|tool| cx.is_wanted(&tool.figure.name));
    judge(&mut figures, &mut tools, options.alpha);
    Comparison {
        confounds: a.traits.differences(&b.traits),
        mix: mix::mix(&a, &b, &design, names.len(), options.seed),
        transitions: mix::transitions(&a, &b, &design),
        forks: evidence::forks(&a, &b, &design),
        figures,
        tools,
        rare,
        design,
        a,
        b,
        options,
    }
}

/// What every figure is worked out from.
pub(super) struct Cx<'a> {
    pub(super) a: &'a Cohort,
    pub(super) b: &'a Cohort,
    pub(super) design: &'a Design,
    options: &'a Options,
    /// The tools of both.
    pub(super) names: &'a [Box<str>],
}

/// The value of one run.
type Value<'a> = &'a dyn Fn(&Observation) -> Option<f64>;

impl Cx<'_> {
    fn is_wanted(&self, name: &str) -> bool {
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

    fn measures(&self) -> Vec<Figure> {
        let kept = MEASURES.iter().filter(|info| !self.repeats(info));
        kept.flat_map(|info| self.measure(info)).collect()
    }

    /// Whether a measure says what another one says already.
    fn repeats(&self, info: &Info) -> bool {
        match info.measure {
            // A score of nothing but 0 and 1 is told as success.
            Measure::Score => self.scores_are_outcomes(),
            // Runs that all ended alike tell nothing where it is known which were right.
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

    fn scores_are_outcomes(&self) -> bool {
        let runs = || self.a.runs.iter().chain(&self.b.runs);
        let judged = runs().any(|run| run.values.get(Measure::Success).is_some());
        let mut scores = runs().filter_map(|run| run.values.get(Measure::Score));
        !judged && scores.all(|score| score.fract() == 0.0 && (0.0..=1.0).contains(&score))
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

    /// Mean, median, and the tails where there are enough runs to have one.
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
        median.take(choose::middle(sample, self.terms()), self.options.alpha);
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

    /// Which tool a run calls first, for tools that are first in five runs of a side.
    fn firsts(&self) -> Vec<Figure> {
        let mut counts = vec![[0; 2]; self.names.len()];
        for (side, cohort) in [self.a, self.b].into_iter().enumerate() {
            for first in cohort.runs.iter().filter_map(|run| run.calls.first()) {
                counts[*first as usize][side] += 1;
            }
        }
        let asked = (0..)
            .zip(&counts)
            .filter(|(_, [a, b])| tools::is_common(*a, *b));
        asked
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

    fn predicates(&self) -> Vec<Figure> {
        let asked = self.options.predicates.iter().enumerate();
        asked
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

/// Points for shares, else a share of A's value (of B's where A has none).
fn margin(margin: f64, unit: Unit, a: Option<f64>, b: Option<f64>) -> f64 {
    match unit {
        Unit::Share => margin,
        Unit::Count | Unit::Usd | Unit::Ms | Unit::Tokens => {
            let base = a.filter(|it| *it != 0.0).or(b).unwrap_or(0.0);
            margin * base.abs()
        }
    }
}

/// Corrects for all figures that are shown, and only then says what each lets one say.
fn judge(figures: &mut [Figure], tools: &mut [Tool], alpha: f64) {
    let mut all: Vec<&mut Figure> = figures
        .iter_mut()
        .chain(tools.iter_mut().map(|tool| &mut tool.figure))
        .collect();
    let p: Vec<f64> = all.iter().filter_map(|figure| figure.p).collect();
    let mut q = benjamini_hochberg(&p).into_iter();
    for figure in &mut all {
        let q = figure.p.and_then(|_| q.next());
        figure.judge(q, alpha);
    }
}

/// What a comparison says as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Regressed,
    /// Nothing got worse for sure, and not everything is known to be as before.
    CannotTell,
}

impl Comparison {
    /// Every tested figure, those of tools last.
    pub fn all(&self) -> impl Iterator<Item = &Figure> {
        let tools = self.tools.iter().map(|tool| &tool.figure);
        self.figures
            .iter()
            .chain(tools)
            .filter(|it| !matches!(it.kind, Kind::Tail(_)))
    }

    /// What changed first, each group by how sure it is.
    pub fn by_evidence(&self) -> Vec<&Figure> {
        let mut all: Vec<&Figure> = self.all().collect();
        let sure = |figure: &Figure| {
            let rank = match figure.verdict {
                Verdict::Changed | Verdict::ChangedSizeUncertain => 0,
                Verdict::NotEnoughRuns if figure.p.is_some() => 1,
                Verdict::NoMeaningfulChange => 2,
                Verdict::NotEnoughRuns => 3,
            };
            (rank, figure.p.unwrap_or(1.0))
        };
        all.sort_by(|x, y| {
            let ((rank, p), (other, q)) = (sure(x), sure(y));
            rank.cmp(&other).then(p.total_cmp(&q))
        });
        all
    }

    /// For a gate: whether anything got worse. Another tool counts, because nobody said that it is
    /// right; amounts that cannot be told do not make it undecided.
    pub fn outcome(&self) -> Outcome {
        if self.all().any(|it| it.is_regression() || it.is_shift()) {
            return Outcome::Regressed;
        }
        let is_open = |it: &Figure| it.verdict == Verdict::NotEnoughRuns && it.kind == Kind::Rate;
        if self.all().any(is_open) || self.all().next().is_none() {
            return Outcome::CannotTell;
        }
        Outcome::Passed
    }

    /// The smallest difference of rates that so many runs can show: the median over the figures.
    pub fn smallest_rate(&self) -> Option<f64> {
        let rates = self.all().filter(|it| it.kind == Kind::Rate);
        ranks::median(&ranks::ordered(rates.filter_map(|it| it.smallest)))
    }

    /// How often each method was used.
    pub fn methods(&self) -> Vec<(Method, usize)> {
        let mut counts: BTreeMap<&str, (Method, usize)> = BTreeMap::new();
        for figure in self.all() {
            let count = counts
                .entry(figure.method.words())
                .or_insert((figure.method, 0));
            count.1 += 1;
        }
        let mut counts: Vec<_> = counts.into_values().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }
}
