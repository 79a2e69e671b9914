//! An experiment on why two runs diverged: the same call several times for each ingredient that differed, model calls
//! only, and how often each led to the other branch.

use serde_json::{Value, json};

use crate::act::net::Net;
use crate::act::net::secret::Secret;
use crate::act::rerun::Settings;
use crate::act::rerun::answers::{self, Answers};
use crate::act::rerun::attempt_runs::{AttemptRuns, Series, Step};
use crate::act::rerun::offer::{EFFECTS, Offer, Wanted, at_most, limit};
use crate::analysis::diff::experiment::{self, Branch};
use crate::analysis::diff::story::Story;
use crate::analysis::statistics::distribution::two_sided;
use crate::analysis::statistics::interval::{Rate, newcombe, wilson};
use crate::analysis::tape::again::FEWEST;
use crate::base::cancel::CancelFlag;
use crate::base::{human, text};
use crate::ingest::prices::PriceTable;
use crate::model::quantity::Cost;

/// What would be sent.
#[derive(Debug, Clone)]
pub struct Trials {
    /// The request of A, unchanged.
    pub offer: Offer,
    pub branches: [Branch; 2],
    /// What is changed, and the request with it; the first changes nothing, the last is that of B. Raw.
    pub rows: Vec<(String, Offer)>,
    /// Differences that are not tried. Raw.
    pub untried: Vec<String>,
}

/// The answers for one ingredient.
#[derive(Debug)]
pub struct Outcome {
    /// Raw.
    pub what: String,
    pub answers: Answers,
    /// How often they took B's branch.
    pub other: Rate,
    /// How often they took A's.
    pub own: u64,
}

impl Trials {
    pub fn new(story: &Story<'_>, wanted: &Wanted, settings: &Settings) -> Result<Trials, String> {
        let found = experiment::of(story, &CancelFlag::new())?;
        let [a, b] = found.calls;
        let offer = Offer::new(story.a.store, a, wanted, settings)?;
        let other = Offer::new(story.b.store, b, wanted, settings)?;
        let model = |body: &Value| body["model"].as_str().map(str::to_owned);
        let usual = offer.models[0].clone();
        let mut rows = vec![("nothing: A's request".to_owned(), offer.clone())];
        for (what, swap) in &found.swaps {
            if let Some(body) = swap.applied(found.api, &offer.body) {
                let model = model(&body).unwrap_or_else(|| usual.clone());
                rows.push((what.clone(), offer.with(body, model)));
            }
        }
        rows.push(("everything: B's request".to_owned(), other));
        Ok(Trials {
            offer,
            branches: found.branches,
            rows,
            untried: found.untried,
        })
    }

    /// What would be sent, where to, how often and for how much. Raw.
    pub fn lines(&self, prices: &PriceTable) -> Vec<String> {
        let [a, b] = &self.branches;
        let mut lines = vec![
            format!("  A then   {}", a.words()),
            format!("  B then   {}", b.words()),
        ];
        let mut targets: Vec<String> = Vec::new();
        for (_, offer) in &self.rows {
            let target = offer.target();
            if !targets.contains(&target) {
                lines.push(format!("  sends    {target}"));
                lines.extend(offer.no_key());
                targets.push(target);
            }
        }
        lines.extend(self.offer.origin());
        let times = self.offer.times;
        let mut sum = Some(0.0);
        for (what, offer) in &self.rows {
            lines.push(format!("  {times:>3} ×    {what}"));
            let each = offer.each(&offer.models[0], prices).usd();
            sum = sum.zip(each).map(|(sum, each)| sum + each * times as f64);
        }
        let untried = self.untried.iter();
        lines.extend(untried.map(|what| format!("  untried  {what}")));
        let is_bounded = self.rows.iter().all(|(_, offer)| offer.is_bounded());
        let count = human::counted((times * self.rows.len()) as u64, "request");
        lines.push(match sum {
            Some(sum) => format!(
                "  price    {count}, ≈ {} {}",
                human::usd(sum),
                at_most(is_bounded)
            ),
            None => format!(
                "  price    {count}; no price is known for a model: the limit cannot be enforced"
            ),
        });
        lines.extend(limit(self.offer.most, is_bounded));
        lines.push(EFFECTS.to_owned());
        lines
    }

    pub fn is_priced(&self, prices: &PriceTable) -> bool {
        self.rows.iter().all(|(_, offer)| offer.is_priced(prices))
    }

    /// The keys for A's requests and B's.
    pub fn keys(&self) -> Result<Vec<Secret>, String> {
        self.rows.iter().map(|(_, offer)| offer.key()).collect()
    }

    /// Sends all of it, one ingredient after the other. Call it only after the user has agreed.
    pub fn send(
        &self,
        net: &Net,
        keys: &[Secret],
        prices: &PriceTable,
        (cancel, report): (&CancelFlag, &mut dyn FnMut(usize)),
    ) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut left = self.offer.most.0;
        for (at, ((what, offer), key)) in self.rows.iter().zip(keys).enumerate() {
            report(at);
            let mut offer = offer.clone();
            offer.most = Cost(left.max(0));
            for answers in offer.send(net, key, prices, cancel) {
                let spent = answers.attempts.iter().filter_map(|it| it.cost.get());
                left -= spent.sum::<i64>();
                outcomes.push(Outcome::new(what.clone(), answers, &self.branches));
            }
        }
        outcomes
    }

    /// Adds the answers to runs beside A, one series for each ingredient.
    pub fn keep(&self, step: Step<'_>, outcomes: &[Outcome], now: i64) -> AttemptRuns {
        let mut kept = AttemptRuns::default();
        for (at, outcome) in outcomes.iter().enumerate() {
            let edits = if at == 0 {
                Vec::new()
            } else {
                vec![json!({"path": outcome.what})]
            };
            let series = Series {
                model: &outcome.answers.model,
                edits: &edits,
            };
            kept.answers(step, series, &outcome.answers, now);
        }
        kept
    }
}

impl Outcome {
    fn new(what: String, answers: Answers, branches: &[Branch; 2]) -> Outcome {
        let answered = answers
            .attempts
            .iter()
            .filter_map(|it| it.answer.as_ref().ok());
        let calls: Vec<Vec<(String, Value)>> = answered
            .map(|answer| answers::calls(answer).collect())
            .collect();
        let taken = |branch: &Branch| calls.iter().filter(|it| branch.is_taken(it)).count() as u64;
        Outcome {
            other: Rate {
                hits: taken(&branches[1]),
                n: calls.len() as u64,
            },
            own: taken(&branches[0]),
            what,
            answers,
        }
    }

    /// Wilson's 95 % interval of the share that took B's branch; none where there are too few answers.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let is_enough = self.other.n >= FEWEST as u64;
        is_enough.then(|| wilson(self.other, two_sided(0.05)))
    }

    /// How this ingredient compares with A's request unchanged: the difference in the share that took B's branch, with
    /// its 95 % interval; none where either has too few answers.
    pub fn effect(&self, unchanged: &Outcome) -> Option<(f64, f64, f64)> {
        self.interval().and(unchanged.interval())?;
        let found = newcombe(unchanged.other, self.other, two_sided(0.05));
        Some((found.value, found.lo, found.hi))
    }

    /// What can be concluded from it.
    pub fn verdict(&self, unchanged: &Outcome) -> &'static str {
        match self.effect(unchanged) {
            None => "cannot tell: too few answers",
            Some((_, lo, _)) if lo > 0.0 => "leads to B's branch",
            Some((_, _, hi)) if hi < 0.0 => "leads away from B's branch",
            Some(_) => "cannot tell",
        }
    }
}

/// The table: what was changed, how often it led to B's branch, its interval, and what follows. Raw lines.
pub fn table(outcomes: &[Outcome]) -> Vec<String> {
    let cells: Vec<[String; 4]> = outcomes
        .iter()
        .enumerate()
        .map(|(at, it)| it.cells((at > 0).then_some(&outcomes[0])))
        .collect();
    let width = |at: usize| cells.iter().map(|row| text::width(&row[at])).max();
    let widths = [width(0), width(1), width(2)].map(Option::unwrap_or_default);
    let pad = |cell: &str, width: usize| {
        let missing = width.saturating_sub(text::width(cell));
        format!("{cell}{}  ", " ".repeat(missing))
    };
    let lines = cells.iter().map(|row| {
        let padded: String = (0..3).map(|at| pad(&row[at], widths[at])).collect();
        format!("{padded}{}", row[3]).trim_end().to_owned()
    });
    lines.collect()
}

impl Outcome {
    /// `model a → b`, `B's branch 7 of 10`, `40–89 %`, `+60 points [+20, +80]: leads to B's branch`.
    ///
    /// `unchanged` is the outcome to compare with; none for the unchanged request itself.
    fn cells(&self, unchanged: Option<&Outcome>) -> [String; 4] {
        let percent = |share: f64| format!("{:.0}", share * 100.0);
        let interval = self.interval();
        let interval = interval.map(|(lo, hi)| format!("{}–{} %", percent(lo), percent(hi)));
        let conclusion = unchanged.map(|unchanged| {
            let effect = self.effect(unchanged);
            let effect = effect.map(|(value, lo, hi)| answers::points(value, lo, hi) + ": ");
            format!("{}{}", effect.unwrap_or_default(), self.verdict(unchanged))
        });
        [
            self.what.clone(),
            format!("B's branch {} of {}", self.other.hits, self.other.n),
            interval.unwrap_or_default(),
            conclusion.unwrap_or_default(),
        ]
    }
}
