use crate::tui::Options;
use crate::tui::screen::id::ScreenId;
use crate::tui::testing::{options, played};

const TRACE: &str = r#"{"type":"prompt","run_id":"r1","id":"p1","content":"First question"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"pay","args":{}}
{"type":"tool_call","run_id":"r2","id":"c2","tool":"refund","args":{}}
"#;

fn screen(keys: &str) -> String {
    let stream = Options {
        view: Some(ScreenId::Stream),
        ..options()
    };
    played(&stream, TRACE, keys)
}

#[test]
fn a_number_goes_to_the_action_with_this_number_in_its_run() {
    assert!(
        screen("g :2 enter").contains("2 / 3"),
        "{}",
        screen("g :2 enter")
    );
    let from_the_runs = screen("2 :2 enter");
    assert!(from_the_runs.contains("TOOL / TEXT"), "{from_the_runs}");
    let missing = screen("g :7 enter");
    assert!(missing.contains("no action 7 in this run"), "{missing}");
}

#[test]
fn a_few_letters_find_a_command_and_its_key_is_next_to_it() {
    let offered = screen(":");
    assert!(
        offered.contains("next-error") && offered.contains("commands · type a few letters"),
        "{offered}"
    );
    let offered = screen(":nxerr");
    let first = offered.lines().nth(2).unwrap_or_default();
    assert!(
        first.contains("next-error") && first.trim_end_matches([' ', '│']).ends_with('e'),
        "{offered}"
    );
    assert!(screen(":bottom enter").contains("3 / 3"));
}

#[test]
fn a_filter_is_completed_with_values_that_occur_and_then_run() {
    let offered = screen(":filter space tool:");
    assert!(
        offered.contains("tool:pay") && offered.contains("tool:refund"),
        "{offered}"
    );
    let run = screen(":filter space tool: down tab enter");
    assert!(
        run.contains("/ tool:refund") && run.contains("✓ 1 of 3"),
        "{run}"
    );
}

#[test]
fn a_view_is_shown_with_its_filter() {
    let runs = screen(":runs space tool:refund enter");
    assert!(runs.contains("✓ 1 of 2 runs"), "{runs}");
    assert!(screen(":runs space tool:refund enter q").contains("TOOL / TEXT"));
}

#[test]
fn a_mistake_is_reported_and_changes_nothing() {
    let wrong = screen(":runs enter :sort space price enter");
    assert!(
        wrong.contains("'price' is not a column to sort by"),
        "{wrong}"
    );
    assert!(screen(":nonsuch").contains("no such command"));
    assert!(screen(":sort space cost").contains("goes to Runs (2)"));
    let sorted = screen(":sort space cost enter");
    assert!(sorted.contains("sort:-cost"), "{sorted}");
}

#[test]
fn commands_of_another_view_are_not_offered() {
    let on_runs = Options {
        view: Some(ScreenId::Runs),
        ..options()
    };
    assert!(!played(&on_runs, TRACE, ":error").contains("next-error"));
}

#[test]
fn what_is_only_on_the_command_line_is_found_and_its_line_copied() {
    let cost = screen(":cost");
    assert!(
        cost.lines().nth(2).unwrap_or_default().contains("costs"),
        "{cost}"
    );
    let stats = screen(":stats enter");
    assert!(
        stats.contains("copied, to run in a shell: saferun-tui stats trace.jsonl --by tool"),
        "{stats}"
    );
    let export = screen("g j :export enter");
    assert!(
        export.contains("saferun-tui export trace.jsonl#r1:2 --as curl"),
        "{export}"
    );
}
