use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Alerts;
use crate::analysis::alerts::rules::Rules;
use crate::base::clock::Clock;
use crate::tui::alerting::{InForce, Source};
use crate::tui::render::{self, Headless};
use crate::tui::screens::filter_bar::view as filter_bar;
use crate::tui::testing::{ManualClock, assert_shown, load, options, sized};
use crate::tui::theme::{Palette, Theme};
use crate::tui::widgets::paint::Row;
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

fn in_force(rules: &str) -> Result<InForce, String> {
    let rules = Rules::read(rules).map_err(|mistake| mistake.words("alerts.toml"))?;
    Ok(InForce {
        rules: Arc::new(rules),
        path: Some("/home/a/alerts.toml".to_owned()),
        ..InForce::built_in()
    })
}

fn with_rules() -> Options {
    reading(|_| in_force(RULES))
}

fn reading(read: fn(&Source) -> Result<InForce, String>) -> Options {
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
fn alerts_of_runs_that_have_ended_need_no_attention() {
    let end = r#"{"type":"run_end","run_id":"7f3a91c0","status":"ok","ts":"2026-11-22T16:00:00Z"}"#;
    let trace: &'static str = format!("{TRACE}{end}\n").leak();
    let shown = sized(&with_rules(), trace, (120, 36), "6");
    assert_shown(&shown, &["3 resolved"]);
    assert!(!shown.contains("6!"), "{shown}");
}

#[test]
fn a_key_that_changes_nothing_says_why() {
    check("6 t", &["what it would have stopped is shown already"]);
    let has_not_fired = ["has not fired here: there is no evidence yet"];
    for key in ["enter", "t", "h", "a"] {
        check(&format!("6 j j j {key}"), &has_not_fired);
    }
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
    check(
        "6 j j j",
        &["1 of 8 runs known; until then this rule cannot fire"],
    );
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
    let options = reading(|_| Err("alerts.toml:3:1: no such detector".to_owned()));
    let shown = sized(&options, TRACE, (80, 24), "6");
    assert!(shown.contains("alerts.toml:3:1"), "{shown}");
}

/// The first words of the rows of the list.
fn rules_listed(keys: &str) -> Vec<String> {
    let shown = screen((120, 36), keys);
    let rows = shown.lines().skip_while(|line| !line.contains("RULE"));
    let rows = rows
        .skip(1)
        .take_while(|line| line.len() > 3 && !line.contains('─'));
    let words = rows.filter_map(|line| line.split_whitespace().find(|word| word.len() > 3));
    words.map(str::to_owned).collect()
}

#[test]
fn a_filter_keeps_alerts_by_rule_by_words_and_by_evidence() {
    let all = ["loop·repeat", "errors", "per-run-cap·cost", "cost-outlier"];
    let mut sorted = rules_listed("6");
    sorted.sort_unstable();
    let mut expected = all;
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(rules_listed("6 / alert:loop enter"), ["loop·repeat"]);
    assert_eq!(rules_listed("6 / -alert:(loop|errors) enter").len(), 2);
    check(
        "6 / alert:loop enter",
        &["✓ 1 of 4 alerts · sort:-severity"],
    );
    check("6 / tool:nothing enter", &["no alert matches the filter"]);
    check(
        "6 / state:firing enter",
        &["for alerts the word alone, such as firing"],
    );
    check("6 / kost:1 enter", &["✗ not applied", "^"]);
    assert_eq!(
        rules_listed("6 :filter space alert:loop enter"),
        ["loop·repeat"]
    );
    // Esc clears the filter before it leaves the view.
    assert_eq!(rules_listed("6 / alert:loop enter esc").len(), 4);
}

#[test]
fn alerts_are_sorted_by_a_letter_and_again_reversed() {
    check("6 S", &["sort by", "c scope", "u rule"]);
    let rising = ["cost-outlier", "errors", "loop·repeat", "per-run-cap·cost"];
    assert_eq!(rules_listed("6 S u"), rising);
    let mut falling = rules_listed("6 S u S S");
    falling.reverse();
    assert_eq!(falling, rising);
    check("6 S u", &["sort:rule"]);
    check("6 S esc", &["sort:-severity"]);
    // The sign, the mark and the order agree with those of the runs.
    check("6 S u", &["RULE▲"]);
    check("6 S u S S", &["RULE▼", "sort:-rule"]);
    check("6 S i", &["SINCE▼", "sort:-since"]);
    check("6", &["S sort"]);
    assert_shown(&screen((80, 24), "6"), &["S sort"]);
}

#[test]
fn every_column_of_an_alert_is_found_by_its_words() {
    let shown = screen((120, 36), "6");
    let rows = shown.lines().skip_while(|line| !line.contains("RULE"));
    let first: Vec<&str> = rows
        .skip(1)
        .take(1)
        .flat_map(str::split_whitespace)
        .filter(|word| {
            word.chars()
                .all(|it| it.is_ascii_alphanumeric() || it == '-')
        })
        .collect();
    assert!(first.len() > 3, "{shown}");
    for word in first {
        let found = screen((120, 36), &format!("6 / \"{word}\" enter"));
        assert!(!found.contains("no alert matches"), "{word}\n{found}");
    }
}

#[test]
fn a_search_that_fails_is_not_one_that_goes_on() {
    let mut alerts = Alerts::default();
    alerts.sifted.bar.set("tool:refund");
    alerts.apply_filter();
    assert!(alerts.kept_words().contains("searching"));
    alerts.sift_failed();
    assert!(alerts.sifted.bar.has_failed && alerts.sifted.kept.is_none());
    let mut buf = Buffer::empty(Rect::new(0, 0, 60, 1));
    let (theme, area) = (Theme::new(Palette::None, false), buf.area);
    let row = Row::new(&mut buf, area, 0, Style::new());
    filter_bar::draw_line(&alerts.sifted.bar, ("searching", ""), &theme, row);
    let line = render::text(&buf);
    assert!(line.contains("the search failed"), "{line}");
}

#[test]
fn a_filter_and_an_order_stay_while_the_selection_moves() {
    check(
        "6 S u / alert:(loop|errors) enter j a lead enter",
        &["2 of 4 alerts · sort:rule", "ack lead"],
    );
}

#[test]
fn names_of_rules_and_the_badge_are_whole_in_80_columns() {
    let shown = screen((80, 24), "6");
    assert_shown(&shown, &["per-run-cap·cost ", "loop·repeat ", "6!3"]);
}

const SILENT: &str = r#"{"type":"run_start","run_id":"r1","agent":"desk","ts":"2026-11-23T23:59:00Z"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"lookup","args":{},"ts":"2026-11-24T00:00:00Z"}
"#;

/// A trace with a rule about pauses, and the clock of its screen.
fn silent(is_live: bool, keys: &str) -> (Headless, Arc<ManualClock>) {
    let clock = ManualClock::new();
    let options = Options {
        live: is_live,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..reading(|_| in_force("[[rule]]\nid = \"stuck\"\ndetector = \"budget\"\nidle = \"10m\"\n"))
    };
    let mut shown = Headless::new(&options, (120, 36));
    for message in load(SILENT) {
        shown.load(message);
    }
    shown.play(keys);
    (shown, clock)
}

#[test]
fn a_followed_run_that_goes_silent_raises_its_alert_though_nothing_arrives() {
    let (mut shown, clock) = silent(true, "1");
    let mut after = |minutes: i64| {
        clock.pass(minutes * 60_000);
        render::text(&shown.draw())
    };
    let early = after(7);
    assert!(!early.contains("6!"), "{early}");
    assert_shown(&after(1), &["6!1"]);
    assert_shown(&after(2), &["6!1", "trip stuck·idle"]);
    // A file that is only read cannot go on.
    let (mut shown, clock) = silent(false, "1");
    clock.pass(20 * 60_000);
    let read = render::text(&shown.draw());
    assert!(!read.contains("6!"), "{read}");
}

#[test]
fn the_screen_is_drawn_again_when_a_pause_becomes_an_alert() {
    let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
    // A view without a clock of its own.
    let (mut shown, clock) = silent(true, "8");
    clock.pass(7 * 60_000);
    shown.draw();
    assert_eq!(shown.stays(), minutes(1));
    clock.pass(60_000);
    shown.draw();
    assert_eq!(shown.stays(), minutes(2));
    clock.pass(2 * 60_000);
    shown.draw();
    assert_eq!(shown.stays(), None);
}
