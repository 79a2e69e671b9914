//! Algebraic laws of filters, on the samples.

use std::sync::LazyLock;

use proptest::prelude::{Strategy, any, prop, proptest};
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::model::action::ActionIx;
use saferun_tui::query::eval::{Buffers, Query};
use saferun_tui::query::expr::Expr;
use saferun_tui::query::{self, Context, matches};
use saferun_tui::store::Store;

use super::config;
use crate::support::{load, sample};

static SAMPLES: LazyLock<Store> = LazyLock::new(|| {
    let folders = ["saferun", "claude-code", "codex"];
    load(&folders.map(sample))
});

const TERMS: &[&str] = &[
    "tool:refund",
    "tool:Bash",
    "status:error",
    "status:blocked",
    "is:error",
    "is:blocked",
    "is:retry",
    "kind:tool_call",
    "kind:malformed",
    "args.amount>400",
    "args.amount",
    "args.*~/8/",
    "args.command~/^[a-z]+ -/",
    "args.file_path:*.rs",
    "command~/git/",
    "has:command",
    "refund",
    "\"Order 8841\"",
    "cost>0.01",
    "duration>1s",
    "agent:disk-watch",
    "turn:2",
    "seq<5",
    "has:policy",
    "run:refund",
    "error",
    "model:claude*",
    "tokens>1000",
    "tool:nothing",
];

fn filter() -> impl Strategy<Value = String> {
    let term = (prop::sample::select(known_terms()), any::<bool>()).prop_map(|(term, not)| {
        if not {
            format!("-{term}")
        } else {
            term.to_owned()
        }
    });
    term.prop_recursive(3, 8, 2, |inner| {
        (inner.clone(), inner, any::<bool>()).prop_map(|(a, b, or)| {
            if or {
                format!("({a} OR {b})")
            } else {
                format!("({a} {b})")
            }
        })
    })
}

/// The terms that the language accepts. Most must parse, or the test is worthless.
fn known_terms() -> Vec<&'static str> {
    let known: Vec<_> = TERMS
        .iter()
        .copied()
        .filter(|term| query::parse(term).is_ok())
        .collect();
    assert_eq!(known, TERMS);
    known
}

fn parsed(filter: &str) -> Expr {
    query::parse(filter).unwrap_or_else(|error| panic!("{filter}: {}", error.message))
}

fn matching(filter: &str) -> Vec<ActionIx> {
    let query = Query::compile(&parsed(filter), &SAMPLES, &Context::default());
    matches::matches(&SAMPLES, &query, &CancelFlag::new(), &mut |_| {}).rows
}

fn all() -> Vec<ActionIx> {
    (0..SAMPLES.len()).map(ActionIx).collect()
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn a_conjunction_equals_filtering_twice(p in filter(), q in filter()) {
        let (of_p, of_q) = (matching(&p), matching(&q));
        let one_after_the_other: Vec<_> = of_p.iter().copied().filter(|ix| of_q.binary_search(ix).is_ok()).collect();
        assert_eq!(matching(&format!("({p}) ({q})")), one_after_the_other);
        assert_eq!(matching(&format!("({p}) ({p})")), of_p);
        let either: Vec<_> = all().into_iter().filter(|ix| of_p.binary_search(ix).is_ok() || of_q.binary_search(ix).is_ok()).collect();
        assert_eq!(matching(&format!("({p}) OR ({q})")), either);
    }

    #[test]
    fn a_filter_and_its_negation_partition_the_rows(p in filter()) {
        let of_p = matching(&p);
        assert!(of_p.is_sorted(), "the order of the trace is matching");
        let rest: Vec<_> = all().into_iter().filter(|ix| of_p.binary_search(ix).is_err()).collect();
        assert_eq!(matching(&format!("-({p})")), rest);
    }

    #[test]
    fn testing_chunks_and_single_rows_gives_the_same_result(p in filter()) {
        let query = Query::compile(&parsed(&p), &SAMPLES, &Context::default());
        let mut buffers = Buffers::default();
        let one_by_one: Vec<_> = all()
            .into_iter()
            .filter(|ix| query.test(&SAMPLES.row(*ix), &mut buffers))
            .collect();
        assert_eq!(matching(&p), one_by_one);
    }

    #[test]
    fn a_printed_filter_parses_back_to_itself(p in filter()) {
        assert_eq!(matching(&parsed(&p).to_string()), matching(&p));
    }
}

#[test]
fn arguments_read_from_records_are_those_of_opened_actions() {
    let mut found = 0;
    for filter in [
        "args~/[aeiou]/",
        "args.command",
        "command~/./",
        "args.file_path:*",
        "args.amount<1000",
        "-args.id",
    ] {
        for kind in ["kind:tool_call ", ""] {
            let filter = format!("{kind}{filter}");
            let query = Query::compile(&parsed(&filter), &SAMPLES, &Context::default());
            let mut buffers = Buffers::default();
            let opened: Vec<_> = all()
                .into_iter()
                .filter(|ix| query.test(&SAMPLES.row(*ix), &mut buffers))
                .collect();
            assert_eq!(matching(&filter), opened, "{filter}");
            found += opened.len();
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn an_empty_filter_matches_everything_and_a_word_what_contains_it() {
    assert_eq!(matching(""), all());
    assert!(!matching("refund").is_empty() && matching("refund").len() < all().len());
}
