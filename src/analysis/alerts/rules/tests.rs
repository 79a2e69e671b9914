use super::{By, Rules, Watches, Within};
use crate::analysis::alerts::budget::Resource;
use crate::analysis::alerts::detector::{Detector, Level};

fn read(text: &str) -> Rules {
    Rules::read(text).unwrap_or_else(|mistake| panic!("{}", mistake.words("alerts.toml")))
}

/// The line, the column and the message of the mistake.
#[track_caller]
fn check(text: &str, line: u32, column: u32, what: &str) {
    let mistake = Rules::read(text).expect_err("a mistake");
    let words = mistake.words("a.toml");
    assert_eq!((mistake.line, mistake.column), (line, column), "{words}");
    assert!(words.contains(what), "{words}");
}

#[test]
fn the_built_in_rules_are_a_file_of_rules() {
    let rules = read(super::BUILT_IN);
    assert_eq!(rules.rules.len(), 10);
    assert_eq!(Rules::built_in(), &rules);
    let lane = |at: usize| match &rules.rules[at].watches {
        Watches::Lane { limits, .. } => limits.clone(),
        _ => Vec::new(),
    };
    assert_eq!(lane(0).len(), 3);
    assert_eq!((lane(1)[0].1.warn, lane(1)[0].1.trip), (4, 6));
    assert_eq!(lane(4)[0].0, Detector::ContextFull);
}

#[test]
fn a_rule_is_read_with_all_of_its_keys() {
    let rules = read(
        r#"
version = 1
baseline = "b.json"
[[rule]]
id = "cap"
detector = "budget"
cost_usd = 2.0
calls = 150
wall = "1h30m"
on_trip = ["notify", "oncall"]
[[rule]]
id = "again"
detector = "stopped_again"
where = "-agent:researcher"
warn = 3
wait_tools = ["my_poll*"]
[[rule]]
id = "burst"
detector = "match"
when = "tool:refund args.amount>500"
count = 3
within = "20 runs"
severity = "trip"
[sink.oncall]
type = "pagerduty"
key_env = "KEY"
min = "trip"
[breaker]
armed = false
use = ["guard"]
until = "10m"
"#,
    );
    let Watches::Budget(limits) = rules.rules[0].watches else {
        panic!("a budget");
    };
    assert_eq!(limits.of(Resource::Cost), Some(2_000_000_000_000));
    assert_eq!(limits.of(Resource::Wall), Some(5_400_000_000));
    let Watches::Lane { limits, wait_tools } = &rules.rules[1].watches else {
        panic!("a streak");
    };
    assert_eq!((limits[0].1.warn, limits[0].1.trip), (3, 4));
    assert!(wait_tools[0].matches("my_poll_it"));
    assert!(rules.rules[1].filter.is_some());
    let burst = &rules.rules[2];
    assert!(matches!(
        burst.watches,
        Watches::Match {
            count: 3,
            within: Some(Within::Runs(20)),
            ..
        }
    ));
    assert_eq!(
        (burst.severity, burst.by.clone()),
        (Level::Trip, Vec::<By>::new())
    );
    assert_eq!(rules.sinks[0].min, Level::Trip);
    assert_eq!(rules.breaker.until, Some(600_000_000));
}

#[test]
fn detectors_in_a_list_keep_their_own_limits_and_a_note_says_so() {
    let rules = read("[[rule]]\nid = \"a\"\ndetector = [\"repeat\", \"stale\"]\nwarn = 9\n");
    let Watches::Lane { limits, .. } = &rules.rules[0].watches else {
        panic!("streaks");
    };
    assert_eq!((limits[0].1.warn, limits[1].1.warn), (3, 4));
    assert!(rules.notes[0].contains("line 4"), "{:?}", rules.notes);
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let rule = |rest: &str| format!("[[rule]]\nid = \"a\"\n{rest}");
    check(
        &rule("detector = \"repeet\""),
        3,
        12,
        "did you mean 'repeat'?",
    );
    check(
        &rule("detector = \"errors\"\nwran = 3"),
        4,
        1,
        "did you mean 'warn'?",
    );
    check(
        &rule("detector = \"errors\"\ncost_usd = 3"),
        4,
        1,
        "no effect",
    );
    check(&rule("detector = \"budget\""), 1, 1, "no limit");
    check(
        &rule("detector = \"budget\"\ncost_usd = -1"),
        4,
        12,
        "above 0",
    );
    check(
        &rule("detector = \"budget\"\nwall = \"soon\""),
        4,
        8,
        "not a duration",
    );
    check(
        &rule("detector = \"match\"\nwhen = \"costt>5\""),
        4,
        9,
        "cost",
    );
    check(
        &rule("detector = [\"repeat\", \"rate\"]"),
        3,
        12,
        "needs a rule of its own",
    );
    check(
        &rule("detector = \"errors\"\non_warn = [\"pager\"]"),
        4,
        11,
        "not one of",
    );
    check("[[rule]]\ndetector = \"errors\"", 1, 1, "no id");
    check("version = 2", 1, 11, "only version");
    check("[sink.a]\ntype = \"slack\"", 1, 7, "no url");
    let twice = "[[rule]]\nid = \"a\"\ndetector = \"errors\"\n";
    check(&format!("{twice}{twice}"), 4, 1, "two rules");
}
