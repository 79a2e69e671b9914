//! The answers of one model to a repeated request, and how often they agree with the recorded one.

use serde_json::Value;

use crate::act::rerun::model::Attempt;
use crate::analysis::statistics::distribution::two_sided;
use crate::analysis::statistics::interval::newcombe;
use crate::analysis::tape::again::{Agreement, FEWEST, First};
use crate::base::human;
use crate::ingest::wire::answer::{ModelAnswer, Part};
use crate::model::quantity::Cost;

#[derive(Debug)]
pub struct Answers {
    /// The model that was asked. Raw.
    pub model: String,
    /// How many answers were wanted.
    pub wanted: usize,
    pub attempts: Vec<Attempt>,
    pub agreement: Agreement,
}

impl Answers {
    pub fn new(model: String, wanted: usize, attempts: Vec<Attempt>, recorded: &First) -> Answers {
        let answered = attempts.iter().filter_map(|it| it.answer.as_ref().ok());
        let firsts: Vec<First> = answered.map(first).collect();
        Answers {
            model,
            wanted,
            agreement: Agreement::of(recorded, &firsts),
            attempts,
        }
    }

    pub fn cost(&self) -> Option<f64> {
        let costs = self.attempts.iter().filter_map(|it| it.cost.get());
        costs
            .reduce(|sum, cost| sum + cost)
            .and_then(|sum| Cost(sum).usd())
    }

    /// The median time of the answers, in milliseconds.
    pub fn median(&self) -> Option<u64> {
        let answered = self.attempts.iter().filter(|it| it.answer.is_ok());
        let mut times: Vec<u128> = answered.map(|it| it.took.as_millis()).collect();
        times.sort_unstable();
        let middle = times.get(times.len().saturating_sub(1) / 2)?;
        u64::try_from(*middle).ok()
    }

    /// Why some requests got no answer.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        let failed = self
            .attempts
            .iter()
            .filter_map(|it| it.answer.as_ref().err());
        failed.map(String::as_str)
    }

    /// How many requests the limit on spending held back.
    pub fn unsent(&self) -> usize {
        self.wanted.saturating_sub(self.attempts.len())
    }

    /// `gpt-5   ×10  same tool 7 of 10 (40–89 %) · same arguments 5 · refund 7  (no tool) 3 · $0.36`. Raw.
    pub fn line(&self) -> String {
        let cost = self
            .cost()
            .map_or_else(|| "cost not known".to_owned(), human::usd);
        let time = self.median().map_or_else(String::new, |ms| {
            format!(" · median {}", human::span(ms as i64 * 1000))
        });
        format!(
            "{} ×{}   {} · {cost}{time}",
            self.model,
            self.agreement.n,
            self.agreement.words()
        )
    }
}

/// The first tool call of an answer.
pub fn first(answer: &ModelAnswer) -> First {
    calls(answer).next()
}

/// The tool calls of an answer, in order.
pub fn calls(answer: &ModelAnswer) -> impl Iterator<Item = (String, Value)> {
    answer.parts.iter().filter_map(|part| match part {
        Part::Call(call) => Some((call.tool.clone(), call.args.clone())),
        Part::Text(_) | Part::Reasoning(_) | Part::Result { .. } => None,
    })
}

/// How much more often the second model took the recorded tool.
pub fn difference(a: &Answers, b: &Answers) -> String {
    if a.agreement.n < FEWEST || b.agreement.n < FEWEST {
        return format!("difference: too few answers (at least {FEWEST} each)");
    }
    let found = newcombe(a.agreement.rate(), b.agreement.rate(), two_sided(0.05));
    let word = if found.lo > 0.0 || found.hi < 0.0 {
        ""
    } else {
        ": not enough to be sure"
    };
    format!(
        "difference {}{word}",
        points(found.value, found.lo, found.hi)
    )
}

/// A difference of shares and its interval: `+60 points [+20, +80]`.
pub fn points(value: f64, lo: f64, hi: f64) -> String {
    let [value, lo, hi] = [value, lo, hi].map(|share| share * 100.0);
    format!("{value:+.0} points [{lo:+.0}, {hi:+.0}]")
}
