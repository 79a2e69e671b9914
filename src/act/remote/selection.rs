//! What a product's API can select: conditions in its own words. They may let too much through, never too little, so a
//! condition is used only where it compares as the filter does; everything else is decided here.

use super::address::Kind;
use super::{helicone, langfuse, langsmith, mlflow, phoenix};
use crate::query::evidence::{Evidence, Fact};

/// Conditions: every run that the evidence allows meets at least one of them. None if the product cannot select by it.
pub fn conditions(kind: Kind, evidence: &Evidence) -> Option<Vec<String>> {
    let each = |parts: &[Evidence]| -> Vec<Option<Vec<String>>> {
        parts.iter().map(|part| conditions(kind, part)).collect()
    };
    match evidence {
        Evidence::Anything => None,
        Evidence::Fact(fact) => Some(of_fact(kind, fact)).filter(|it| !it.is_empty()),
        // Every part holds, so one is enough: the one with the fewest requests.
        Evidence::All(parts) => each(parts).into_iter().flatten().min_by_key(Vec::len),
        Evidence::Any(parts) => {
            let all: Option<Vec<Vec<String>>> = each(parts).into_iter().collect();
            Some(all?.concat())
        }
    }
}

fn of_fact(kind: Kind, fact: &Fact) -> Vec<String> {
    match kind {
        Kind::Phoenix => phoenix::conditions(fact),
        Kind::Mlflow => mlflow::conditions(fact),
        Kind::Langfuse => langfuse::conditions(fact),
        Kind::Langsmith => langsmith::conditions(fact),
        Kind::Helicone => helicone::conditions(fact),
        // It gets all of the evidence at once, as SQL.
        Kind::Clickhouse | Kind::Tempo | Kind::Jaeger | Kind::S3 => Vec::new(),
    }
}

/// Conditions that find a run by its id: that of anything that joins its traces, or that of its only trace.
pub(super) fn of_run(
    id: &str,
    joined: fn((u8, &str)) -> Vec<String>,
    trace: String,
) -> Vec<String> {
    let mut all: Vec<String> = (0..3).flat_map(|rank| joined((rank, id))).collect();
    all.push(trace);
    all
}

/// A value as a pattern of `ILIKE` that lets too much through: a wildcard stands for k and s, to which other characters
/// fold, and for what has to be quoted or has capitals that a server may not know.
pub(super) fn like(value: &str) -> String {
    let letter = |c: char| match c {
        'k' | 's' | 'K' | 'S' => '_',
        '\\' | '\'' | '"' => '%',
        c if c.is_ascii() => c,
        _ => '%',
    };
    value.chars().map(letter).collect()
}

/// Whether a value may be stored as a number or a truth value, which compares differently.
pub(super) fn is_ambiguous(value: &str) -> bool {
    value.parse::<f64>().is_ok() || matches!(value, "true" | "false" | "null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Context, evidence, parse};

    #[track_caller]
    fn check(kind: Kind, filter: &str, expected: Option<&[&str]>) {
        let expr = parse(filter).expect("a filter");
        let found = conditions(kind, &evidence::of(&expr, &Context::default()));
        let expected: Option<Vec<String>> =
            expected.map(|all| all.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(found, expected, "{filter}");
    }

    #[test]
    fn a_condition_is_used_only_where_it_compares_as_the_filter_does() {
        let user = "userId=Maria";
        check(Kind::Langfuse, "user:Maria", Some(&[user]));
        check(Kind::Langfuse, "user=Maria tool:refund", Some(&[user]));
        // Without capitals, case is ignored here, but not there.
        check(Kind::Langfuse, "user:maria", None);
        check(Kind::Langfuse, "user:Mar*", None);
        check(Kind::Langfuse, "-user=Maria", None);
        check(Kind::Langfuse, "is:error", None);
        check(Kind::Langfuse, "env:prod", Some(&["environment=prod"]));
        check(Kind::Clickhouse, "user=Maria", None);
    }

    #[test]
    fn alternatives_need_a_condition_each_and_conjunctions_the_cheapest_one() {
        let either = ["userId=Maria", "environment=prod"];
        check(Kind::Langfuse, "user=Maria or env:prod", Some(&either));
        check(Kind::Langfuse, "user=Maria or tool:refund", None);
        check(
            Kind::Langfuse,
            "run=Chat-7 env:prod",
            Some(&["environment=prod"]),
        );
    }

    #[test]
    fn case_is_ignored_where_the_product_can() {
        let like = r#"{"request_response_rmt":{"user_id":{"ilike":"maria _mith"}}}"#;
        check(Kind::Helicone, "user:\"maria smith\"", Some(&[like]));
        let equal = r#"{"request_response_rmt":{"user_id":{"equals":"Maria"}}}"#;
        check(Kind::Helicone, "user=Maria", Some(&[equal]));
        let like = r#"{"request_response_rmt":{"user_id":{"ilike":"o%neil"}}}"#;
        check(Kind::Helicone, "user:\"o'neil\"", Some(&[like]));
    }
}
