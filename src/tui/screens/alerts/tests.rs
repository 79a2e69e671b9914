use std::sync::Arc;

use crate::analysis::alerts::rules::Rules;
use crate::tui::alerting::{InForce, Source};
use crate::tui::testing::{assert_shown, options, sized};
use crate::tui::{Options, Setup};

const RULES: &str = r#"version = 1
[[rule]]
id = "loop"
detector = ["repeat", "stale", "same_result"]
on_trip = ["show", "notify", "stop"]
[[rule]]
id = "errors"
detector = "errors"
[[rule]]
id = "per-run-cap"
detector = "budget"
cost_usd = 0.10
[[rule]]
id = "cost-outlier"
detector = "cost_outlier"
"#;

/// The first run requests the same refund five times and continues; the second is quiet and graded.
const TRACE: &str = r#"{"type":"run_start","run_id":"7f3a91c0","agent":"support","ts":"2026-11-22T14:00:00Z","pid":4242}
{"type":"prompt","run_id":"7f3a91c0","id":"p","content":"Refund order 8841","ts":"2026-11-22T14:00:00Z"}
{"type":"response","run_id":"7f3a91c0","id":"m1","model":"gpt-5","content":"On it","usage":{"input":1000,"output":20},"cost_usd":0.011,"ts":"2026-11-22T14:00:01Z"}
{"type":"tool_call","run_id":"7f3a91c0","id":"c1","tool":"refund","ts":"2026-11-22T14:00:02Z","args":{"order":"8841","amount":4200}}
{"type":"tool_result","run_id":"7f3a91c0","call_id":"c1","status":"error","error":{"message":"amount over 500"}}
{"type":"response","run_id":"7f3a91c0","id":"m2","model":"gpt-5","content":"Again","usage":{"input":1100,"output":20},"cost_usd":0.012,"ts":"2026-11-22T14:01:01Z"}
{"type":"tool_call","run_id":"7f3a91c0","id":"c2","tool":"refund","ts":"2026-11-22T14:01:02Z","args":{"order":"8841","amount":4200}}
{"type":"tool_result","run_id":"7f3a91c0","call_id":"c2","status":"error","error":{"message":"amount over 500"}}
{"type":"response","run_id":"7f3a91c0","id":"m3","model":"gpt-5","content":"And again","usage":{"input":1200,"output":20},"cost_usd":0.013,"ts":"2026-11-22T14:02:01Z"}
{"type":"tool_call","run_id":"7f3a91c0","id":"c3","tool":"refund","ts":"2026-11-22T14:02:02Z","args":{"order":"8841","amount":4200}}
{"type":"tool_result","run_id":"7f3a91c0","call_id":"c3","status":"error","error":{"message":"amount over 500"}}
{"type":"response","run_id":"7f3a91c0","id":"m4","model":"gpt-5","content":"Once more","usage":{"input":1300,"output":20},"cost_usd":0.014,"ts":"2026-11-22T14:03:01Z"}
{"type":"tool_call","run_id":"7f3a91c0","id":"c4","tool":"refund","ts":"2026-11-22T14:03:02Z","args":{"order":"8841","amount":4200}}
{"type":"tool_result","run_id":"7f3a91c0","call_id":"c4","status":"error","error":{"message":"amount over 500"}}
{"type":"response","run_id":"7f3a91c0","id":"m5","model":"gpt-5","content":"A last time","usage":{"input":1400,"output":20},"cost_usd":0.015,"ts":"2026-11-22T14:04:01Z"}
{"type":"tool_call","run_id":"7f3a91c0","id":"c5","tool":"refund","ts":"2026-11-22T14:04:02Z","args":{"order":"8841","amount":4200}}
{"type":"tool_result","run_id":"7f3a91c0","call_id":"c5","status":"error","error":{"message":"amount over 500"}}
{"type":"response","run_id":"7f3a91c0","id":"m6","model":"gpt-5","content":"I give up","usage":{"input":1500,"output":20},"cost_usd":0.016,"ts":"2026-11-22T14:05:01Z"}
{"type":"tool_call","run_id":"7f3a91c0","id":"c6","tool":"lookup","ts":"2026-11-22T14:05:02Z","args":{"order":"8841"}}
{"type":"run_start","run_id":"58aa10b2","agent":"support","ts":"2026-11-22T15:00:00Z"}
{"type":"response","run_id":"58aa10b2","id":"m1","model":"gpt-5","content":"Hello","usage":{"input":900,"output":20},"cost_usd":0.010,"ts":"2026-11-22T15:00:01Z"}
{"type":"tool_call","run_id":"58aa10b2","id":"c1","tool":"lookup","ts":"2026-11-22T15:00:02Z","args":{"order":"8842"}}
{"type":"tool_result","run_id":"58aa10b2","call_id":"c1","status":"ok","result":"found"}
{"type":"run_end","run_id":"58aa10b2","status":"ok","correct":true,"ts":"2026-11-22T15:00:04Z"}
"#;

fn with_rules() -> Options {
    let read: fn(&Source) -> Result<InForce, String> = |_| {
        let rules = Rules::read(RULES).map_err(|mistake| mistake.words("alerts.toml"))?;
        Ok(InForce {
            rules: Arc::new(rules),
            path: Some("/home/a/alerts.toml".to_owned()),
            ..InForce::built_in()
        })
    };
    Options {
        setup: Setup {
            alerts: Source {
                read,
                ..Source::default()
            },
            ..Setup::default()
        },
        ..options()
    }
}

fn screen(size: (u16, u16), keys: &str) -> String {
    sized(&with_rules(), TRACE, size, keys)
}

#[track_caller]
fn check(keys: &str, expected: &[&str]) {
    assert_shown(&screen((120, 36), keys), expected);
}

#[test]
fn shows_what_fired_why_and_what_stopping_would_have_saved() {
    insta::assert_snapshot!(screen((120, 36), "6"));
    insta::assert_snapshot!(screen((80, 24), "6"));
    insta::assert_snapshot!(screen((160, 50), "6 h"));
    insta::assert_snapshot!(screen((40, 10), "6"));
}

#[test]
fn every_view_says_how_many_fire_and_the_runs_say_where() {
    check("1", &["6!3"]);
    check("2", &["ALERTS", "✖1 ⚠2"]);
}

#[test]
fn the_evidence_is_marked_and_stepped_through() {
    check(
        "6 enter",
        &[
            "TOOL / TEXT",
            "↻ trip loop·repeat: 5 steps in a row had the same",
            "4!14:00:02",
        ],
    );
    let (first, second) = (screen((120, 36), "6 enter"), screen((120, 36), "6 enter }"));
    assert_ne!(first, second);
    // Esc first ends the stepping, and only then leaves the stream.
    check("6 enter esc", &["TOOL / TEXT"]);
}

#[test]
fn an_alert_is_acknowledged_by_a_name_that_is_asked_for_once() {
    check("6 a", &["who acknowledges it?"]);
    check("6 a lead enter", &["ack lead", "6!2"]);
    check("6 a lead enter a", &["FIRING", "6!3"]);
    check("6 a lead enter . a", &["6!1"]);
}

#[test]
fn the_second_key_picks_how_long_an_alert_is_snoozed() {
    check("6 s", &["1 hour", "1 day"]);
    check("6 s 4", &["snoozed 4h", "6!2"]);
    check("6 s n", &["FIRING"]);
}

#[test]
fn history_lists_when_it_fired() {
    check("6 h", &["history: fired 3 times", "warn #", "trip #"]);
}

#[test]
fn baselines_being_learned_are_shown() {
    check("6", &["learning", "1 learning"]);
}

#[test]
fn a_pid_that_cannot_belong_to_the_run_is_not_ended() {
    let shown = screen((120, 36), "6 K");
    assert!(shown.contains("nothing can be ended"), "{shown}");
    // Typed immediately, with a stopped clock: nothing is confirmed, esc closes.
    let shown = screen((120, 36), "6 K 7f3a91c0 enter");
    assert!(shown.contains("end the process of this run"), "{shown}");
    let shown = screen((120, 36), "6 K esc");
    assert!(!shown.contains("end the process of this run"), "{shown}");
}

#[test]
fn rules_that_cannot_be_read_are_named() {
    let options = Options {
        setup: Setup {
            alerts: Source {
                read: |_| Err("alerts.toml:3:1: no such detector".to_owned()),
                ..Source::default()
            },
            ..Setup::default()
        },
        ..options()
    };
    let shown = sized(&options, TRACE, (80, 24), "6");
    assert!(shown.contains("alerts.toml:3:1"), "{shown}");
}
