//! `check-filter --for`: what a product is asked when runs are pulled with a filter, and what remains to decide here.

use serde::Serialize;

use crate::query::Context;
use crate::query::evidence::{self, Evidence};
use crate::query::expr::Expr;

/// The products that can select runs.
pub(super) const PRODUCTS: [&str; 6] = [
    "clickhouse",
    "langsmith",
    "langfuse",
    "phoenix",
    "helicone",
    "mlflow",
];

#[derive(Debug, Serialize)]
pub(super) struct Asked {
    /// In the words of the product; `any run` if it selects by the time window alone.
    pub(super) asked: String,
    /// The parts of the filter that what is asked does not cover.
    pub(super) decided_here: Vec<String>,
}

impl Asked {
    pub(super) fn of(product: &str, expr: &Expr, context: &Context) -> Asked {
        let parts = match expr {
            Expr::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        let each: Vec<Evidence> = parts.iter().map(|it| evidence::of(it, context)).collect();
        if product == "clickhouse" {
            let left = parts
                .iter()
                .zip(&each)
                .filter(|(_, it)| **it == Evidence::Anything);
            return Asked {
                asked: evidence::of(expr, context).to_string(),
                decided_here: left.map(|(part, _)| part.to_string()).collect(),
            };
        }
        let conditions: Vec<Option<Vec<String>>> =
            each.iter().map(|it| conditions(product, it)).collect();
        let all = conditions.iter().enumerate();
        let all = all.filter_map(|(at, it)| Some((at, it.as_ref()?)));
        // One of several parts is enough: the one that takes the fewest requests.
        let chosen = all.min_by_key(|(_, conditions)| conditions.len());
        let asked = chosen
            .as_ref()
            .map(|(_, conditions)| conditions.join(" or "));
        let left = parts.iter().enumerate();
        let left = left.filter(|(at, _)| chosen.as_ref().is_none_or(|(chosen, _)| chosen != at));
        Asked {
            asked: asked.unwrap_or_else(|| Evidence::Anything.to_string()),
            decided_here: left.map(|(_, part)| part.to_string()).collect(),
        }
    }
}

#[cfg(feature = "capture")]
fn conditions(product: &str, evidence: &Evidence) -> Option<Vec<String>> {
    use crate::act::remote::address::Kind;
    use crate::act::remote::selection;
    let kind = Kind::ALL.iter().find(|kind| kind.word() == product)?;
    selection::conditions(*kind, evidence)
}

#[cfg(not(feature = "capture"))]
fn conditions(_: &str, _: &Evidence) -> Option<Vec<String>> {
    None
}
