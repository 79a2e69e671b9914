//! Every function alone.

use saferun_tui::analysis::statistics::distribution::two_sided;
use saferun_tui::analysis::statistics::interval::{Pairs, Rate, newcombe, newcombe_paired, wilson};
use saferun_tui::analysis::statistics::power::{
    Aim, needed_paired, needed_unpaired, smallest_unpaired,
};
use saferun_tui::analysis::statistics::random::SplitMix64;
use saferun_tui::analysis::statistics::{exact, multiple, ranks};
use serde_json::Value;

use super::{CLOSED, ITERATED, golden, near, number, numbers};

fn cases(name: &str) -> Vec<Value> {
    let Some(golden) = golden() else {
        return Vec::new();
    };
    let cases = golden["unit"][name].as_array().expect("cases").clone();
    assert!(!cases.is_empty(), "{name}");
    cases
}

fn count(value: &Value) -> u64 {
    value.as_u64().expect("a count")
}

fn rate(hits: &Value, n: &Value) -> Rate {
    Rate {
        hits: count(hits),
        n: count(n),
    }
}

#[test]
fn intervals_of_rates_and_their_differences() {
    let z = two_sided(0.05);
    for case in cases("wilson") {
        let (lo, hi) = wilson(rate(&case["x"], &case["n"]), z);
        near(lo, &case["lo"], CLOSED, "wilson");
        near(hi, &case["hi"], CLOSED, "wilson");
    }
    for case in cases("newcombe") {
        let (a, b) = (
            rate(&case["x1"], &case["n1"]),
            rate(&case["x2"], &case["n2"]),
        );
        let found = newcombe(a, b, z);
        near(found.value, &case["diff"], CLOSED, "newcombe");
        near(found.lo, &case["lo"], CLOSED, "newcombe");
        near(found.hi, &case["hi"], CLOSED, "newcombe");
    }
    for case in cases("newcombe_paired") {
        let pairs = Pairs {
            both: count(&case["a"]),
            only_a: count(&case["b"]),
            only_b: count(&case["c"]),
            neither: count(&case["d"]),
        };
        let found = newcombe_paired(pairs, z);
        near(found.value, &case["diff"], CLOSED, "paired newcombe");
        near(found.lo, &case["lo"], CLOSED, "paired newcombe");
        near(found.hi, &case["hi"], CLOSED, "paired newcombe");
    }
}

#[test]
fn the_paired_interval_is_that_of_the_published_example() {
    let airways = Pairs {
        both: 1,
        only_a: 7,
        only_b: 1,
        neither: 12,
    };
    let found = newcombe_paired(airways, two_sided(0.05));
    let shown = [found.value, found.lo, found.hi].map(|it| format!("{it:.3}"));
    assert_eq!(shown, ["-0.286", "-0.507", "-0.026"]);
}

#[test]
fn exact_tests() {
    for case in cases("fisher") {
        let table = &case["t"];
        let side = |row: &Value| Rate {
            hits: count(&row[0]),
            n: count(&row[0]) + count(&row[1]),
        };
        let p = exact::fisher(side(&table[0]), side(&table[1]));
        near(p, &case["p"], CLOSED, "fisher");
    }
    for case in cases("mcnemar") {
        let (b, c) = (count(&case["b"]), count(&case["c"]));
        near(exact::mcnemar(b, c), &case["exact"], CLOSED, "mcnemar");
        near(exact::mcnemar_mid_p(b, c), &case["midp"], CLOSED, "mid-p");
    }
}

#[test]
fn many_tests_at_once() {
    for case in cases("bh") {
        let p = numbers(&case["p"]);
        let checks = [
            ("adj", multiple::benjamini_hochberg(&p)),
            ("by", multiple::benjamini_yekutieli(&p)),
            ("holm", multiple::holm(&p)),
        ];
        for (name, found) in checks {
            for (found, expected) in found.iter().zip(case[name].as_array().expect("a list")) {
                near(*found, expected, CLOSED, name);
            }
        }
    }
}

#[test]
fn order_statistics() {
    for case in cases("quantile") {
        let sorted = ranks::ordered(numbers(&case["x"]).into_iter());
        let found = ranks::quantile(&sorted, number(&case["q"])).expect("a quantile");
        near(found, &case["type7"], CLOSED, "quantile");
    }
    for case in cases("mad") {
        let sorted = ranks::ordered(numbers(&case["x"]).into_iter());
        let median = ranks::median(&sorted).expect("a median");
        near(median, &case["median"], CLOSED, "median");
        let deviation = ranks::median_deviation(&sorted).expect("a deviation");
        near(deviation, &case["mad"], CLOSED, "deviation");
    }
}

#[test]
fn tests_of_ranks() {
    for case in cases("mannwhitney") {
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let (u, p) = ranks::mann_whitney(&x, &y);
        near(u, &case["u"], CLOSED, "U");
        near(p, &case["p"], ITERATED, "Mann–Whitney");
        let shift = ranks::hodges_lehmann(&x, &y, 0.05).expect("a shift");
        near(shift.value, &case["hl"], CLOSED, "shift");
        near(shift.lo, &case["hl_lo"], CLOSED, "shift");
        near(shift.hi, &case["hl_hi"], CLOSED, "shift");
    }
    for case in cases("wilcoxon") {
        let (w, p) = ranks::wilcoxon(&numbers(&case["d"]));
        near(w, &case["w"], CLOSED, "W");
        near(p, &case["p"], ITERATED, "Wilcoxon");
    }
}

#[test]
fn random_numbers() {
    let Some(golden) = golden() else { return };
    let expected = &golden["unit"]["splitmix64"];
    let seed = count(&expected["seed"]);
    let mut random = SplitMix64::new(seed);
    for number in expected["first5"].as_array().expect("numbers") {
        assert_eq!(
            random.next_u64().to_string(),
            number.as_str().expect("text")
        );
    }
    let mut random = SplitMix64::new(seed);
    for number in expected["below10"].as_array().expect("numbers") {
        assert_eq!(random.below(10), count(number));
    }
}

#[test]
fn power() {
    let Some(golden) = golden() else { return };
    let expected = &golden["unit"]["power"];
    let aim = Aim::new(0.05);
    let list = |name: &str| expected[name].as_array().expect("cases").clone();
    for case in list("n_unpaired") {
        let n = needed_unpaired(number(&case["p1"]), number(&case["p2"]), aim);
        near(n, &case["n"], 0.0, "needed");
    }
    for case in list("n_paired") {
        let n = needed_paired(number(&case["delta"]), number(&case["disc"]), aim);
        near(n, &case["n"], 0.0, "needed pairs");
    }
    for case in list("mde") {
        let found = smallest_unpaired(number(&case["p"]), count(&case["n"]), aim);
        near(found, &case["mde"], ITERATED, "smallest difference");
    }
}
