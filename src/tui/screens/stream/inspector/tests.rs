use crate::tui::render::{self, Headless};
use crate::tui::screens::stream::tests::{load, options};

fn opened(trace: &str, size: (u16, u16)) -> Headless {
    let trace: &'static str = Box::leak(trace.to_owned().into_boxed_str());
    let mut screen = Headless::new(&options(), size);
    for message in load(trace.as_bytes()) {
        screen.load(message);
    }
    screen
}

fn shown(trace: &str, keys: &str) -> String {
    let mut screen = opened(trace, (120, 36));
    screen.play(keys);
    render::text(&screen.draw())
}

/// A call with these arguments and this result.
fn call(args: &str, result: &str) -> String {
    format!(
        "{{\"type\":\"tool_call\",\"run_id\":\"r1\",\"id\":\"c1\",\"tool\":\"Edit\",\"args\":{args}}}\n\
         {{\"type\":\"tool_result\",\"run_id\":\"r1\",\"call_id\":\"c1\",\"status\":\"ok\",\"result\":{result}}}\n"
    )
}

#[track_caller]
fn check(screen: &str, words: &[&str]) {
    for words in words {
        assert!(screen.contains(words), "no {words:?} in\n{screen}");
    }
}

#[test]
fn the_path_of_the_cursor_is_shown_and_its_row_folds() {
    let trace = call(r#"{"order":"8841","items":[{"price":1},{"price":2}]}"#, "1");
    let at_price = shown(&trace, "tab j l l");
    check(
        &at_price,
        &[
            "$.args.items[0].price",
            "▾ items  2 items",
            "- [0]",
            "price  1",
        ],
    );
    let folded = shown(&trace, "tab j h");
    check(&folded, &["▸ items", "$.args.items"]);
    let same = shown(&trace, "tab j l l *");
    check(&same, &["$.args.items[1].price"]);
}

#[test]
fn an_edit_is_shown_as_what_changed_and_its_texts_are_folded() {
    let trace = call(
        r#"{"file_path":"src/a.rs","old_string":"one\ntwo\nthree\n","new_string":"one\nTWO\nthree\n"}"#,
        "\"done\"",
    );
    let screen = shown(&trace, "tab");
    check(
        &screen,
        &[
            "▾ src/a.rs  +1 -1",
            "- two",
            "+ TWO",
            "▸ old_string  one · two · three",
        ],
    );
}

#[test]
fn a_value_that_a_policy_looked_at_says_which_condition_it_met() {
    let trace = format!(
        "{}{}",
        call(r#"{"amount":4200,"order":"8841"}"#, "1"),
        r#"{"type":"policy_decision","run_id":"r1","call_id":"c1","policy":"refund-cap","rule":"r3","decision":"block","matched":[{"path":"args.amount","op":">","value":500,"actual":4200}]}"#
    );
    check(
        &shown(&trace, "tab"),
        &["amount  4200   <- refund-cap r3:", "> 500"],
    );
}

#[test]
fn the_value_that_was_looked_at_is_selected_in_the_next_action_too() {
    let two = format!(
        "{}{}",
        call(r#"{"a":1,"amount":4200}"#, "1"),
        call(r#"{"amount":17,"a":1}"#, "1").replace("c1", "c2")
    );
    check(&shown(&two, "tab j }"), &["2  Edit", "$.args.amount"]);
}

#[test]
fn a_large_result_is_opened_by_a_job_and_more_of_it_is_shown_when_asked_for() {
    let items: Vec<String> = (0..30_000)
        .map(|number| format!("\"item {number}\""))
        .collect();
    let trace = call("{}", &format!("[{}]", items.join(",")));
    check(&shown(&trace, "tab tab G"), &["… 10,000 more values"]);
    check(&shown(&trace, "tab tab G enter G"), &["\"item 29999\""]);
}

#[test]
fn the_divider_moves_by_keys_and_by_the_mouse_and_leaves_room_for_both() {
    let trace = call("{}", "1");
    let divider = |screen: &mut Headless| {
        let shown = render::text(&screen.draw());
        let line = shown.lines().nth(5).unwrap_or_default().to_owned();
        line.chars()
            .position(|mark| matches!(mark, '│' | '┃'))
            .expect("a divider")
    };
    let mut screen = opened(&trace, (120, 36));
    assert_eq!(divider(&mut screen), 83);
    screen.play("< <");
    assert_eq!(divider(&mut screen), 75);
    screen.play("> > > > > > > > > > > > > >");
    assert_eq!(divider(&mut screen), 95);
    screen.drag((95, 10), (60, 12));
    assert_eq!(divider(&mut screen), 60);
    screen.drag((60, 10), (3, 12));
    assert_eq!(divider(&mut screen), 39);
}

#[test]
fn a_click_goes_to_a_value_and_on_a_tab_chooses_it() {
    let mut screen = opened(&call(r#"{"a":1,"b":2}"#, "[7]"), (120, 36));
    screen.draw();
    screen.click((90, 8));
    check(&render::text(&screen.draw()), &["$.args.b"]);
    screen.click((93, 5));
    check(&render::text(&screen.draw()), &["[Result]"]);
}

#[track_caller]
fn check_copied(trace: &str, keys: &str, copied: &str) {
    let mut screen = opened(trace, (120, 36));
    screen.play(keys);
    assert_eq!(screen.copied(), Some(copied));
    assert!(render::text(&screen.draw()).contains("copied "));
}

#[test]
fn what_is_under_the_cursor_is_copied_as_it_was_recorded() {
    let trace = call(r#"{"order":"88\u001b41","items":[{"price":1}]}"#, "1");
    check_copied(&trace, "tab y v", "88\u{1b}41");
    check_copied(&trace, "tab j l y p", "$.args.items[0]");
    check_copied(&trace, "tab j l l y k", "price");
    check_copied(&trace, "tab j l y j", "{\n  \"price\": 1\n}");
    check_copied(&trace, "y k", "Edit");
    check_copied(&trace, "y p", "trace.jsonl:1");
}

#[test]
fn the_step_is_copied_as_text_and_the_request_as_a_command() {
    let trace = r#"{"type":"response","run_id":"r1","id":"e1","model":"gpt-4o","content":"Hi **you**","request":{"messages":[]}}"#;
    let mut screen = opened(trace, (120, 36));
    screen.play("y s");
    assert!(
        screen
            .copied()
            .is_some_and(|text| text.contains("Hi **you**"))
    );
    screen.play("y c");
    assert!(
        screen
            .copied()
            .is_some_and(|text| text.starts_with("curl -sS"))
    );
    check_copied(trace, "tab y v", "Hi **you**");
    check(&shown(&call("{}", "1"), "y c"), &["is not recorded"]);
}

#[test]
fn more_than_a_terminal_takes_is_not_copied() {
    let trace = call("{}", &format!("\"{}\"", "x ".repeat(700_000)));
    let mut screen = opened(&trace, (120, 36));
    screen.play("tab tab y v");
    assert_eq!(screen.copied(), None);
    check(&render::text(&screen.draw()), &["not copied: 1.4 MB"]);
}

#[test]
fn a_second_key_is_offered_and_a_term_is_made_from_a_value_or_a_row() {
    let trace = call(r#"{"order":"8841"}"#, "1");
    check(&shown(&trace, "y"), &["v value", "p path", "esc cancel"]);
    check(&shown(&trace, "="), &["t tool:Edit", "s status:ok"]);
    check(&shown(&trace, "= t"), &["/ tool:Edit", "✓ 1 of 1"]);
    check(&shown(&trace, "- t"), &["/ -tool:Edit", "0 of 1"]);
    check(&shown(&trace, "tab ="), &["/ args.order=8841", "✓ 1 of 1"]);
    check(&shown(&trace, "= esc"), &["press / to filter"]);
}

#[test]
fn the_whole_action_is_shown_in_another_program_without_anything_that_a_terminal_obeys() {
    let mut screen = opened(
        &call(r#"{"order":"88\u001b[31m41"}"#, "\"came back\""),
        (120, 36),
    );
    screen.play("v");
    let text = screen.viewed().expect("a text").to_owned();
    assert!(
        text.contains("31m41") && text.contains("came back"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn the_raw_tab_holds_every_record_and_images_are_placeholders() {
    let png = format!("iVBORw0KGgoAAAANSUhEUgAAAoAAAAHg{}", "aB3".repeat(400));
    let result = format!(
        r#"[{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{png}"}}}}]"#
    );
    let raw = shown(&call("{}", &result), "tab backtab backtab G");
    check(
        &shown(&call("{}", &result), "l l l l"),
        &["[Raw]", "▾ result · byte 69 · 1.4 kB", "image/png 640×480"],
    );
    assert!(!raw.contains("iVBORw"), "{raw}");
}

#[test]
fn json_in_a_string_is_a_tree_too_and_its_values_can_be_filtered_by() {
    let trace = call("{}", r#""{\"ok\":false,\"deep\":\"[{\\\"x\\\":7}]\"}""#);
    let screen = shown(&trace, "tab tab j l l");
    check(
        &screen,
        &[
            "ok    false",
            "▾ deep  (JSON in a string)",
            "x  7",
            "$.result.deep[0].x",
        ],
    );
    check(
        &shown(&trace, "tab tab j l l ="),
        &["/ result.deep.0.x=7", "✓ 1 of 1"],
    );
    check_copied(&trace, "tab tab y v", "false");
}

#[test]
fn the_next_action_is_opened_without_leaving_the_inspector() {
    let two = format!(
        "{}{}",
        call(r#"{"a":1}"#, "1"),
        call(r#"{"b":2}"#, "1").replace("c1", "c2")
    );
    check(&shown(&two, "tab ."), &["2  Edit", "$.args.b"]);
    check(&shown(&two, "tab . ,"), &["1  Edit", "$.args.a"]);
    let mut narrow = opened(&two, (80, 24));
    narrow.play("enter .");
    check(&render::text(&narrow.draw()), &["2  Edit", "b  2"]);
}

#[test]
fn the_layout_turns_from_both_panes_to_a_wide_inspector_to_it_alone_and_back() {
    let trace = call(r#"{"a":1}"#, "1");
    let list = |keys: &str| {
        let shown = shown(&trace, keys);
        let heads = shown.lines().find(|line| line.contains("TOOL / TEXT"));
        heads.map(|line| line.chars().position(|mark| matches!(mark, '│' | '┃')))
    };
    assert_eq!(list(""), Some(Some(83)));
    assert_eq!(list("+"), Some(Some(47)));
    assert_eq!(list("+ +"), None);
    assert_eq!(list("+ + +"), Some(Some(83)));
}

#[test]
fn a_patch_that_is_the_whole_argument_is_shown_once() {
    let trace = call(
        r#""*** Begin Patch\n*** Update File: a.rs\n-x\n+y\n*** End Patch""#,
        "1",
    );
    let screen = shown(&trace, "tab");
    assert_eq!(screen.matches("Update File: a.rs").count(), 1, "{screen}");
}

#[test]
fn a_text_that_the_first_row_holds_is_found_in_the_first_row() {
    let trace = call(r#"{"note":"a pin","other":"pins"}"#, "1");
    for typed in ["p", "pi", "pin"] {
        let keys = format!("ctrl-f {typed} enter tab");
        check(&shown(&trace, &keys), &["$.args.note"]);
        check(&shown(&trace, &format!("{keys} n")), &["$.args.other"]);
    }
}
