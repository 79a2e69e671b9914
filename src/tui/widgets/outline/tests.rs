use serde_json::{Value, json};

use crate::tui::widgets::outline::build::{Builder, Limits, New};
use crate::tui::widgets::outline::folds::{Folds, Motion};
use crate::tui::widgets::outline::json::Remarks;
use crate::tui::widgets::outline::{Form, Outline, diff, json, layout, markdown};
use crate::tui::widgets::tone::Tone;

fn tree(value: &Value) -> Outline {
    bounded(value, Limits::FIRST)
}

fn bounded(value: &Value, limits: Limits) -> Outline {
    let mut builder = Builder::new(Some("$.args"), limits);
    json::value(&mut builder, value, &Remarks::default());
    builder.finish()
}

fn made(make: impl FnOnce(&mut Builder)) -> Outline {
    let mut builder = Builder::new(None, Limits::FIRST);
    make(&mut builder);
    builder.finish()
}

/// The lines of an outline on a screen of `width` cells.
fn shown(outline: &Outline, folds: &Folds, width: usize) -> Vec<String> {
    let mut all = Vec::new();
    for row in (0..folds.len()).filter_map(|place| folds.at(place)) {
        let lines = layout::lines(outline, row, folds.is_folded(row), width);
        assert_eq!(
            lines.len(),
            layout::height(outline, row, folds.is_folded(row), width)
        );
        let indent = " ".repeat(layout::indent(outline, row, width));
        for line in lines {
            let words: String = line.iter().map(|(_, piece)| piece.as_str()).collect();
            all.push(format!("{indent}{words}").trim_end().to_owned());
        }
    }
    all
}

#[track_caller]
fn check(outline: &Outline, width: usize, expected: &[&str]) {
    assert_eq!(shown(outline, &Folds::new(outline), width), expected);
}

#[test]
fn an_object_is_shown_by_keys_and_its_values_begin_below_each_other() {
    check(
        &tree(&json!({"order_id": "8841", "amount": 4200, "tags": ["a", null], "deep": {"x": {}}})),
        60,
        &[
            "order_id  \"8841\"",
            "amount    4200",
            "tags      2 items",
            "  - \"a\"",
            "  - null",
            "deep",
            "  x  {}",
        ],
    );
}

#[test]
fn a_text_of_several_lines_is_below_its_key_and_a_long_value_is_wrapped_next_to_it() {
    check(
        &tree(&json!({"body": "one\ntwo"})),
        40,
        &["body", "  one", "  two"],
    );
    check(
        &tree(&json!({"why": "because it arrived damaged and late"})),
        30,
        &["why  \"because it arrived", "     damaged and late\""],
    );
}

#[test]
fn what_is_hidden_is_counted_at_every_level() {
    let many: Vec<u32> = (0..1000).collect();
    let limits = Limits { rows: 4, text: 10 };
    check(
        &bounded(&json!({"a": {"list": many}, "b": 1, "c": 2}), limits),
        60,
        &[
            "a",
            "  list  3 items",
            "    - 0",
            "    - 1",
            "    … 998 more values (enter shows more)",
            "… 2 more values (enter shows more)",
        ],
    );
    check(
        &bounded(&json!({"t": "0123456789abc\nx"}), limits),
        60,
        &[
            "t",
            "  0123456789",
            "  … 5 B more of this text (enter shows more)",
        ],
    );
}

#[test]
fn bytes_in_disguise_are_a_placeholder_with_their_type_and_size() {
    let png = format!("iVBORw0KGgoAAAANSUhEUgAAAoAAAAHg{}", "aB3".repeat(400));
    check(
        &tree(
            &json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png}}),
        ),
        60,
        &["[image/png 640×480 · 924 B, not shown]"],
    );
    check(
        &tree(&json!({"x": png})),
        60,
        &["x  [image/png 640×480 · 924 B, not shown]"],
    );
    let hash = "0123456789abcdef".repeat(20);
    assert!(
        shown(
            &tree(&json!({"x": hash})),
            &Folds::new(&tree(&json!({"x": hash}))),
            60
        )
        .join("")
        .contains("0123")
    );
}

#[test]
fn a_path_leads_to_each_value() {
    let outline = tree(&json!({"items": [{"price": 1}, {"the price": 2}], "t": "a\nb"}));
    let paths: Vec<_> = (0..outline.len())
        .map(|row| outline.path_words(row).expect("a path"))
        .collect();
    assert_eq!(
        paths,
        [
            "$.args.items",
            "$.args.items[0]",
            "$.args.items[0].price",
            "$.args.items[1]",
            "$.args.items[1][\"the price\"]",
            "$.args.t",
            "$.args.t",
            "$.args.t",
        ]
    );
}

#[track_caller]
fn check_moves(moves: &[(Motion, usize)]) {
    let outline = tree(&json!({"a": {"x": 1, "y": 2}, "b": [1, 2], "c": {"x": 3}}));
    let mut folds = Folds::new(&outline);
    let mut row = 0;
    for (number, (motion, expected)) in moves.iter().enumerate() {
        row = folds.go(&outline, row, *motion);
        assert_eq!(row, *expected, "move {number}: {motion:?}");
        assert_eq!(
            folds.at(folds.place(row)),
            Some(row),
            "the cursor is on a row that is shown"
        );
    }
}

#[test]
fn the_movements_are_those_of_jless() {
    use Motion::{
        FoldSiblings, In, NextSameKey, NextSibling, Out, Parent, PreviousSibling, Toggle,
        UnfoldSiblings,
    };
    check_moves(&[
        (In, 1),
        (NextSibling, 2),
        (NextSibling, 2),
        (PreviousSibling, 1),
        (Parent, 0),
    ]);
    check_moves(&[
        (NextSibling, 3),
        (NextSibling, 6),
        (NextSibling, 6),
        (PreviousSibling, 3),
    ]);
    check_moves(&[(In, 1), (Out, 0), (Out, 0), (In, 0), (In, 1)]);
    check_moves(&[(In, 1), (NextSameKey, 7), (NextSameKey, 1)]);
    check_moves(&[
        (FoldSiblings, 0),
        (NextSibling, 3),
        (UnfoldSiblings, 3),
        (In, 4),
        (In, 4),
    ]);
    check_moves(&[(Toggle, 0), (NextSibling, 3), (In, 4)]);
}

#[test]
fn what_is_folded_says_what_is_inside_and_a_search_for_a_key_opens_it() {
    let outline = tree(&json!({"a": {"x": 1, "y": "two"}, "b": 3, "c": {"b": 4}}));
    let mut folds = Folds::new(&outline);
    folds.go(&outline, 0, Motion::FoldSiblings);
    assert_eq!(
        shown(&outline, &folds, 60),
        ["a  x 1, y \"two\"", "b  3", "c  b 4"]
    );
    let row = folds.go(&outline, 3, Motion::NextSameKey);
    assert_eq!(row, 5);
    assert_eq!(
        shown(&outline, &folds, 60),
        ["a  x 1, y \"two\"", "b  3", "c", "  b  4"]
    );
}

#[test]
fn markdown_keeps_its_lines_and_code_can_be_folded() {
    let outline = made(|builder| {
        markdown::text(
            builder,
            "# Title\n\n- one two three four five\n```rust\nfn main() {}\n```\nUse `x`.",
        );
    });
    check(
        &outline,
        20,
        &[
            "# Title",
            "",
            "- one two three",
            "  four five",
            "rust · 1 line",
            "  fn main() {}",
            "Use `x`.",
        ],
    );
    let code = layout::lines(&outline, 5, false, 40);
    assert_eq!(
        code[0]
            .iter()
            .find(|(_, piece)| piece == "`x`")
            .map(|(tone, _)| *tone),
        Some(Tone::Key)
    );
    assert_eq!(outline.row(3).form, Form::Section);
}

#[test]
fn a_fence_that_is_never_closed_and_nested_marks_lose_nothing() {
    let text = "**bold `code`** and\n```\nlast line";
    let outline = made(|builder| markdown::text(builder, text));
    check(
        &outline,
        60,
        &["**bold `code`** and", "code · 1 line", "  last line"],
    );
}

#[test]
fn a_change_shows_what_came_and_went_and_counts_what_is_equal() {
    let old = "1\n2\n3\n4\n5\nthe old word\n7\n8\n9\n10\n11\n";
    let new = "1\n2\n3\n4\n5\nthe new word\n7\n8\n9\n10\n11\n";
    assert_eq!(crate::analysis::changes::count(old, new), (1, 1));
    let outline = made(|builder| diff::texts(builder, old, new));
    check(
        &outline,
        60,
        &[
            "  … 2 equal lines",
            "  3",
            "  4",
            "  5",
            "- the old word",
            "+ the new word",
            "  7",
            "  8",
            "  9",
            "  … 2 equal lines",
        ],
    );
    let line = layout::lines(&outline, 5, false, 60).remove(0);
    assert!(
        line.iter()
            .any(|(tone, piece)| *tone == Tone::Added && piece.contains("new")),
        "{line:?}"
    );
}

#[test]
fn patches_are_recognised_and_each_file_folds() {
    const PATCH: &str =
        "*** Begin Patch\n*** Update File: a.rs\n@@\n-x\n+y\n*** Add File: b.rs\n+z\n*** End Patch";
    assert!(diff::is_patch(PATCH) && diff::is_patch("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y"));
    assert!(!diff::is_patch("--- a line\nand ++ another") && !diff::is_patch("+++ b"));
    let outline = made(|builder| diff::patch(builder, PATCH));
    check(
        &outline,
        60,
        &[
            "Update File: a.rs",
            "  @@",
            "  -x",
            "  +y",
            "Add File: b.rs",
            "  +z",
        ],
    );
}

#[test]
fn hostile_text_is_shown_and_never_written() {
    let outline = made(|builder| {
        builder.push(New::line(Tone::Plain, "\u{1b}[31mred\u{202e}\ttab"));
    });
    let all = shown(&outline, &Folds::new(&outline), 60).join("\n");
    assert!(
        all.contains("[31mred") && !all.contains(['\u{1b}', '\u{202e}', '\t']),
        "{all}"
    );
}

#[test]
fn a_huge_text_is_cut_and_the_rest_is_counted() {
    let outline = tree(&Value::String("x\n".repeat(30 << 20)));
    assert!(outline.len() < 40_000);
    assert_eq!(outline.row(outline.len() - 1).form, Form::More);
    let many: Vec<u32> = (0..1_000_000).collect();
    assert_eq!(tree(&json!(many)).len(), Limits::FIRST.rows + 1);
}
