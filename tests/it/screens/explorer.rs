//! The stream and the inspector in use, at the sizes that people have.

use super::{CODEX, LANES, NIGHT, REFUND, opened};
use saferun_tui::tui::render;

const SIZES: &[((u16, u16), &str)] = &[
    ((120, 36), "120x36"),
    ((80, 24), "80x24"),
    ((60, 15), "60x15"),
    ((160, 45), "160x45"),
];

/// Pictures at every size after some keys.
fn pictures(name: &str, trace: &str, keys: &str) {
    for (size, word) in SIZES {
        let mut screen = opened(trace, *size);
        screen.play(keys);
        let shown = render::text(&screen.draw());
        insta::with_settings!({ description => keys, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}__{word}"), shown);
        });
    }
}

#[test]
fn the_stream_shows_a_run_at_a_glance() {
    pictures("glance", REFUND, "G");
}

#[test]
fn arguments_are_a_tree_and_an_edit_is_a_change() {
    pictures("edit", LANES, "/ tool:Edit enter j enter backtab j j");
    pictures("patch", CODEX, "/ tool:apply_patch enter enter");
}

#[test]
fn a_text_reads_like_a_text() {
    pictures("text", LANES, "G k enter");
}

#[test]
fn a_second_key_is_offered_with_what_it_does() {
    pictures("second_key", REFUND, "b =");
}

#[test]
fn completions_are_below_the_filter() {
    pictures("proposals", REFUND, "/ status: tab");
}

#[test]
fn a_text_is_found_and_marked() {
    pictures("found", REFUND, "ctrl-f refund enter n");
}

#[test]
fn only_trouble_is_left_and_the_rest_is_counted() {
    pictures("trouble", NIGHT, "1 Z");
}

#[test]
fn what_was_noticed_is_a_list_to_go_from() {
    pictures("noticed", REFUND, "i");
}

#[test]
fn columns_of_any_field_are_next_to_the_text() {
    pictures(
        "columns",
        REFUND,
        "| args.order_id enter | tokens.out enter",
    );
}

#[test]
fn costs_are_listed_by_call_tool_result_and_cache_miss() {
    pictures("costs", LANES, "8");
    pictures("costs_tools", REFUND, "8 l l l");
    pictures("costs_results", LANES, "8 h h j");
    pictures("costs_misses", LANES, "8 h");
}

#[test]
fn a_line_of_the_costs_opens_its_action() {
    let mut screen = opened(LANES, (120, 36));
    screen.play("8 h enter");
    let shown = render::text(&screen.draw());
    assert!(shown.contains("33"), "{shown}");
    screen.play("q");
    assert!(render::text(&screen.draw()).contains("[cache misses]"));
}
