use crate::tui::Options;
use crate::tui::render::{self, Headless};
use crate::tui::testing::{load, options, screen};

const RUN: &str = "\
{\"type\":\"prompt\",\"run_id\":\"r1\",\"agent\":\"support\",\"ts\":\"2026-11-25T10:00:00Z\",\"id\":\"p\",\"content\":\"refund it\"}
{\"type\":\"response\",\"run_id\":\"r1\",\"agent\":\"support\",\"ts\":\"2026-11-25T10:00:00Z\",\"id\":\"m1\",\"model\":\"gpt-4o\",\"content\":\"I look\",\"duration_ms\":10000,\"cost_usd\":0.5,\"usage\":{\"input_tokens\":32000,\"output_tokens\":10}}
{\"type\":\"tool_call\",\"run_id\":\"r1\",\"agent\":\"support\",\"ts\":\"2026-11-25T10:00:10Z\",\"id\":\"task\",\"tool\":\"Task\"}
{\"type\":\"tool_call\",\"run_id\":\"r1\",\"agent\":\"lookup\",\"ts\":\"2026-11-25T10:00:12Z\",\"id\":\"db\",\"parent_id\":\"task\",\"tool\":\"db.read\"}
{\"type\":\"tool_result\",\"run_id\":\"r1\",\"agent\":\"lookup\",\"ts\":\"2026-11-25T10:00:20Z\",\"call_id\":\"db\",\"status\":\"timeout\",\"duration_ms\":8000}
{\"type\":\"tool_result\",\"run_id\":\"r1\",\"agent\":\"support\",\"ts\":\"2026-11-25T10:00:20Z\",\"call_id\":\"task\",\"status\":\"ok\",\"duration_ms\":10000}
{\"type\":\"tool_call\",\"run_id\":\"r1\",\"agent\":\"support\",\"ts\":\"2026-11-25T10:00:20Z\",\"id\":\"refund\",\"tool\":\"refund\"}
{\"type\":\"approval\",\"run_id\":\"r1\",\"ts\":\"2026-11-25T10:00:20Z\",\"call_id\":\"refund\",\"state\":\"requested\"}
{\"type\":\"approval\",\"run_id\":\"r1\",\"ts\":\"2026-11-25T10:00:38Z\",\"call_id\":\"refund\",\"state\":\"denied\",\"by\":\"lead@acme\"}
{\"type\":\"tool_result\",\"run_id\":\"r1\",\"agent\":\"support\",\"ts\":\"2026-11-25T10:00:38Z\",\"call_id\":\"refund\",\"status\":\"denied\",\"duration_ms\":18000}
{\"type\":\"prompt\",\"run_id\":\"r1\",\"agent\":\"support\",\"ts\":\"2026-11-25T10:00:40Z\",\"id\":\"p2\",\"content\":\"thanks\"}
";

#[track_caller]
fn check(picture: &str, words: &[&str]) {
    for words in words {
        assert!(picture.contains(words), "no {words:?} in\n{picture}");
    }
}

/// The lines of a picture with these words.
fn lines<'a>(picture: &'a str, words: &str) -> Vec<&'a str> {
    picture
        .lines()
        .filter(|line| line.contains(words))
        .collect()
}

#[test]
fn a_run_is_a_waterfall_in_lanes_with_what_it_waited_for() {
    let picture = screen(RUN, "7");
    check(
        &picture,
        &[
            "10:00:00",
            "10:00:40",
            "lanes: agent",
            "▾ support",
            "▾ lookup (subagent)",
            "T1 I look",
            "T1 wait approval",
            "lead@acme",
            "timeout",
            "critical path",
            // 10 s model, 8 + 2 s calls, 18 s waiting, 2 s nothing: of 40.
            "model 25 % · tools 25 % · approval wait 45 % · idle 5 %",
            "$0.50",
            "≈25 %",
        ],
    );
    let label = 27;
    let bar = |words: &str| -> (usize, usize) {
        let line = lines(&picture, words)[0];
        let cells: Vec<char> = line.chars().skip(label).collect();
        let is_bar = |cell: &char| "█▒┈▌".contains(*cell);
        let first = cells.iter().position(is_bar).expect("a bar");
        (
            first,
            cells.iter().skip(first).take_while(|it| is_bar(it)).count(),
        )
    };
    // 74 cells for 40 seconds.
    assert_eq!(bar("T1 I look"), (0, 19));
    assert_eq!(bar("T1 wait approval"), (37, 34));
    assert_eq!(bar("T1 db.read"), (22, 15));
}

const READ: &str = r#"{"type":"run_start","run_id":"r1","agent":"coder","ts":"2026-11-22T10:00:00Z"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"Read","args":{"file_path":"/home/ann/projects/shop-worktrees/billing-service/config/otel.ex"},"ts":"2026-11-22T10:00:01Z"}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":"1","ts":"2026-11-22T10:00:02Z"}
"#;

#[test]
fn a_file_keeps_its_name_beside_its_bar() {
    check(&screen(READ, "7"), &["Read …", "otel.ex"]);
}

#[test]
fn lanes_are_of_agents_tools_or_kinds_and_fold() {
    check(
        &screen(RUN, "7 L"),
        &["lanes: tool", "▾ refund", "▾ db.read", "▾ model"],
    );
    check(
        &screen(RUN, "7 L L"),
        &["lanes: kind", "▾ approval", "▾ tools"],
    );
    let folded = screen(RUN, "7 g space");
    check(&folded, &["▸ support", "T1 db.read"]);
    assert!(!folded.contains("T1 I look"), "{folded}");
    check(&screen(RUN, "7 g space space"), &["▾ support", "T1 I look"]);
}

#[test]
fn time_is_zoomed_and_panned_and_what_is_outside_is_counted() {
    let zoomed = screen(RUN, "7 o +");
    check(&zoomed, &["zoom 20.0s of 40.0s", "outside this window"]);
    let earlier = screen(RUN, "7 o + h h h h h h h h h h h h h h");
    check(&earlier, &["10:00:00", "10:00:20", "zoom 20.0s of 40.0s"]);
    check(&screen(RUN, "7 o + + 0"), &["10:00:40", "40.0s · lanes"]);
    let whole = screen(RUN, "7 o + -");
    assert!(!whole.contains("zoom 20"), "{whole}");
}

#[test]
fn the_slowest_is_found_and_opened_in_the_stream() {
    // The wait and its call took longest; then the model and the subagent's call.
    let open = |keys: &str| screen(RUN, keys);
    let refund = open("7 o enter");
    assert!(refund.contains("TOOL / TEXT"), "{refund}");
    check(&open("7 o enter"), &["5 / 6"]);
    // And what is selected in the stream is selected here.
    let back = screen(RUN, "7 o enter 7 enter");
    check(&back, &["5 / 6"]);
}

#[test]
fn a_run_without_times_says_so() {
    let untimed = "{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"x\"}\n\
                   {\"type\":\"tool_call\",\"run_id\":\"r\",\"id\":\"c\",\"tool\":\"t\"}\n";
    let picture = screen(untimed, "7");
    check(
        &picture,
        &["no times were recorded in this run (2 actions without a time)"],
    );
    assert!(!picture.contains("idle"), "{picture}");
    for keys in ["7 o", "7 + h l - 0 c L $ space enter v", "7 j k G g"] {
        screen(untimed, keys);
    }
}

#[test]
fn narrow_screens_lose_figures_and_never_the_bars() {
    let mut shown = Headless::new(&options(), (80, 24));
    for message in load(RUN) {
        shown.load(message);
    }
    shown.play("7");
    let picture = render::text(&shown.draw());
    check(&picture, &["T1 I look", "█", "model 25 %"]);
    assert!(!picture.contains("COST"), "{picture}");
    for size in [(40, 8), (60, 15), (200, 60)] {
        shown.resize(size);
        let picture = render::text(&shown.draw());
        assert!(picture.contains("support"), "{size:?}\n{picture}");
    }
}

#[test]
fn with_ascii_it_is_drawn_in_ascii() {
    let ascii = Options {
        ascii: true,
        ..options()
    };
    let mut shown = Headless::new(&ascii, (120, 30));
    for message in load(RUN) {
        shown.load(message);
    }
    shown.play("7 c");
    let picture = render::text(&shown.draw());
    let strange: String = picture.chars().filter(|char| !char.is_ascii()).collect();
    assert_eq!(strange, "", "{picture}");
}

#[test]
fn waits_that_are_not_recorded_are_not_zero() {
    let plain: String = RUN
        .lines()
        .filter(|line| !line.contains("approval"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let plain: &'static str = Box::leak(plain.into_boxed_str());
    check(
        &screen(plain, "7"),
        &["tools 70 % · approval wait — · idle 5 %"],
    );
}
