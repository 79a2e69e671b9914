use std::fmt::Write as _;

use proptest::prelude::{prop, proptest};

use crate::ingest::discover::Input;
use crate::ingest::prices::PriceTable;
use crate::ingest::{Loaded, intake};
use crate::tui::screen::id::ScreenId;
use crate::tui::theme::ColorChoice;
use crate::tui::{Options, render};

pub(super) const TRACE: &str = r#"{"v":1,"type":"run_start","run_id":"r1","ts":"2026-11-22T10:00:00.000Z","agent":"support-agent","model":"gpt-4o"}
{"type":"prompt","run_id":"r1","id":"e1","ts":"2026-11-22T10:00:00.010Z","role":"user","content":"Refund order 8841, it arrived damaged."}
{"type":"response","run_id":"r1","id":"e2","parent_id":"e1","ts":"2026-11-22T10:00:00.020Z","model":"gpt-4o","content":"","usage":{"input_tokens":812,"output_tokens":41},"cost_usd":0.00244,"duration_ms":912,"finish_reason":"tool_calls"}
{"type":"tool_call","run_id":"r1","id":"c1","parent_id":"e2","ts":"2026-11-22T10:00:00.934Z","tool":"refund","args":{"order_id":"8841","amount":4200}}
{"type":"policy_decision","run_id":"r1","call_id":"c1","ts":"2026-11-22T10:00:00.936Z","policy":"refund-cap","rule":"r3","decision":"require_approval","reason":"amount over 500","matched":[{"path":"args.amount","op":">","value":500,"actual":4200}]}
{"type":"approval","run_id":"r1","call_id":"c1","ts":"2026-11-22T10:00:41.100Z","state":"denied","by":"lead@example.com","reason":"order total is 420","wait_ms":40164}
{"type":"tool_result","run_id":"r1","call_id":"c1","ts":"2026-11-22T10:00:41.101Z","status":"denied","duration_ms":40167}
{"type":"tool_call","run_id":"r1","id":"c2","ts":"2026-11-22T10:00:42.000Z","tool":"lookup","args":{"q":"\u001b[31mred\u202e"}}
{"type":"tool_result","run_id":"r1","call_id":"c2","ts":"2026-11-22T10:00:42.100Z","status":"error","duration_ms":100,"error":{"type":"Timeout","message":"no answer"}}
{"type":"prompt" oops
{"type":"prompt","run_id":"r2","id":"f1","ts":"2026-11-22T10:01:00.000Z","role":"user","content":"Second run"}
"#;

pub(super) fn options() -> Options {
    Options {
        title: "trace.jsonl".to_owned(),
        color: ColorChoice::Never,
        view: Some(ScreenId::Stream),
        ..Options::default()
    }
}

pub(super) fn load(trace: &'static [u8]) -> Vec<Loaded> {
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: trace,
        companions: &[],
    }];
    intake::load(inputs, intake::Options::new(PriceTable::built_in()))
        .into_iter()
        .collect()
}

fn screen(size: (u16, u16), keys: &str) -> String {
    render::text(&render::script(
        &options(),
        load(TRACE.as_bytes()),
        size,
        keys,
    ))
}

/// The line of the screen that holds `needle`.
#[track_caller]
fn line(screen: &str, needle: &str) -> String {
    let found = screen.lines().find(|line| line.contains(needle));
    found
        .unwrap_or_else(|| panic!("no {needle:?} in\n{screen}"))
        .to_owned()
}

#[test]
fn a_row_says_what_happened_and_what_was_decided() {
    insta::assert_snapshot!(screen((120, 24), "G k k k"));
}

#[test]
fn a_narrow_screen_has_one_pane_and_a_peek() {
    insta::assert_snapshot!(screen((80, 24), "g j j j"));
}

#[test]
fn enter_opens_the_action_on_the_whole_narrow_screen() {
    insta::assert_snapshot!(screen((60, 12), "g j j j enter"));
}

#[test]
fn a_filter_counts_what_it_hides_and_esc_brings_all_back() {
    let kept = screen((120, 24), "/ tool:refund enter");
    assert!(line(&kept, "hidden by filter").contains("✓ 1 of"), "{kept}");
    assert!(!kept.contains("Second run"), "{kept}");
    let back = screen((120, 24), "/ tool:refund esc");
    assert!(back.contains("Second run"), "{back}");
}

#[test]
fn esc_in_the_list_clears_the_filter_and_the_hints_say_so() {
    let kept = screen((120, 24), "/ tool:refund enter");
    assert!(kept.contains("esc clear filter"), "{kept}");
    let back = screen((120, 24), "/ tool:refund enter esc");
    assert!(
        back.contains("Second run") && back.contains("press / to filter"),
        "{back}"
    );
    assert!(!back.contains("clear filter"), "{back}");
}

#[test]
fn a_filter_is_opened_again_to_type_the_next_word_or_to_empty_it() {
    let more = screen((120, 24), "/ tool:refund enter / status:ok");
    assert!(more.contains("/ tool:refund status:ok"), "{more}");
    let other = screen((120, 24), "/ tool:refund enter / ctrl-u tool:lookup enter");
    assert!(other.contains("/ tool:lookup "), "{other}");
}

#[test]
fn the_hints_end_with_the_help_and_the_way_out_at_every_width() {
    for width in [60, 72, 80, 120] {
        for keys in ["g", "g enter", "/ kind:note|tool:refund enter"] {
            let shown = screen((width, 15), keys);
            let foot = shown.lines().last().unwrap_or_default();
            assert!(foot.contains("? help  q back  "), "{width} {keys}\n{foot}");
        }
    }
}

#[test]
fn a_wrong_filter_is_pointed_at_and_not_applied() {
    let wrong = screen((120, 24), "/ costt>1 enter");
    assert!(line(&wrong, "^ ").starts_with("   ^ "), "{wrong}");
    assert!(wrong.contains("✗ not applied"), "{wrong}");
}

#[test]
fn jumps_go_to_errors_and_blocks_and_report_when_there_is_no_other() {
    assert!(screen((80, 24), "g e").contains("5 / 7"));
    assert!(screen((80, 24), "g b").contains("4 / "));
    assert!(screen((80, 24), "G e").contains("no further error"));
}

#[test]
fn escape_sequences_of_the_trace_are_shown_and_never_written() {
    let shown = screen((120, 30), "g e");
    assert!(shown.contains("red"));
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
}

#[test]
fn the_scope_key_leaves_only_this_run_and_brings_all_back() {
    let scoped = screen((120, 24), "G r");
    assert!(
        scoped.contains("this run only") && !scoped.contains("Refund order"),
        "{scoped}"
    );
    assert!(screen((120, 24), "G r r").contains("Refund order"));
}

#[test]
fn the_help_lists_the_commands_of_the_table() {
    let help = screen((100, 50), "?");
    assert!(line(&help, "next error").contains('e'), "{help}");
    assert!(!screen((100, 50), "? q").contains("next error"));
}

#[test]
fn rows_that_come_after_the_filter_are_tested_too() {
    let mut messages = load(TRACE.as_bytes());
    let at = messages
        .iter()
        .position(|message| matches!(message, Loaded::Batch(_)))
        .expect("a batch");
    let rest = messages.split_off(at);
    let mut shown = render::Headless::new(
        &Options {
            filter: Some("tool:refund".to_owned()),
            ..options()
        },
        (120, 24),
    );
    messages
        .into_iter()
        .chain(rest)
        .for_each(|message| shown.load(message));
    let shown = render::text(&shown.draw());
    assert!(
        shown.contains("1 of 7") || shown.contains("✓ 1 of"),
        "{shown}"
    );
}

#[test]
fn enter_opens_the_tab_with_the_outcome() {
    assert!(screen((120, 24), "g j enter").contains("[Text]"));
    assert!(screen((120, 24), "g j j j enter").contains("[Policy]"));
    assert!(screen((120, 24), "g e enter").contains("[Result]"));
    assert!(screen((120, 24), "g e e enter").contains("[Raw]"));
}

#[test]
fn a_tab_chosen_by_hand_stays_where_an_action_has_it() {
    assert!(screen((120, 24), "g j j j l l e").contains("[Args]"));
    assert!(screen((120, 24), "g j j j l l k k").contains("[Text]"));
    assert!(screen((120, 24), "g e l l").contains("[Policy]"));
}

#[test]
fn the_tabs_turn_around_at_both_ends() {
    assert!(screen((120, 24), "g e e l").contains("[Args]"));
    assert!(screen((120, 24), "g e e l h").contains("[Raw]"));
}

#[test]
fn maximise_on_a_narrow_screen_closes_the_action_and_says_why_the_list_stays() {
    assert!(screen((80, 24), "g j enter").contains("[Text]"));
    let back = screen((80, 24), "g j enter \\");
    assert!(!back.contains("[Text]"), "{back}");
    assert!(screen((80, 24), "g \\").contains("already has the whole screen"));
    let wide = screen((120, 24), "g j enter \\ \\ tab");
    assert!(
        wide.contains("[Policy]") && wide.contains("TOOL / TEXT"),
        "{wide}"
    );
}

const FAILED: &str = r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"Bash","args":{"command":"git push"}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"error","result":"Exit code 128\nfatal: no upstream branch.\nTo push"}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"refund","args":{"amount":4200,"order":"8841"}}
{"type":"approval","run_id":"r1","call_id":"c2","state":"requested","args":{"amount":420,"order":"8841"}}
{"type":"approval","run_id":"r1","call_id":"c2","state":"denied","by":"lead","args":{"order":"8841"}}
"#;

fn failed(keys: &str) -> String {
    let messages = load(FAILED.as_bytes());
    render::text(&render::script(&options(), messages, (120, 30), keys))
}

#[test]
fn a_failed_call_without_an_error_record_shows_the_first_telling_line() {
    let shown = failed("g");
    assert!(
        shown.contains("└ error fatal: no upstream branch."),
        "{shown}"
    );
    let result = failed("g enter");
    assert_eq!(result.matches("To push").count(), 1, "{result}");
}

#[test]
fn what_a_person_was_shown_is_below_the_approval_with_the_value_of_the_call() {
    let shown = failed("g j enter");
    for words in [
        "  ▾ shown to the person:",
        "amount  420   ! the call has",
        "  ▾ decided on:",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    assert_eq!(shown.matches("! ").count(), 1, "{shown}");
}

#[test]
fn the_line_that_calls_itself_an_error_is_the_one_that_is_shown() {
    const LONG: &str = r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"Bash","args":{}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"error","result":"Exit code 1\nCompiling 4 files\n  error: undefined function get/2\n"}
"#;
    let messages = load(LONG.as_bytes());
    let shown = render::text(&render::script(&options(), messages, (120, 24), "g"));
    assert!(
        shown.contains("└ error: undefined function get/2"),
        "{shown}"
    );
}

const ORPHANS: &str = r#"{"type":"prompt","run_id":"r1","id":"e1","role":"user","content":"Go"}
{"type":"policy_decision","run_id":"r1","call_id":"x1","policy":"cap","rule":"r1","decision":"allow"}
{"type":"policy_decision","run_id":"r1","call_id":"x2","policy":"cap","rule":"r2","decision":"block"}
"#;

#[test]
fn a_decision_on_no_known_call_has_its_own_mark_and_is_a_block_only_when_it_blocks() {
    let shown = render::text(&render::script(
        &options(),
        load(ORPHANS.as_bytes()),
        (120, 24),
        "g b",
    ));
    assert!(shown.contains("§ pol"), "{shown}");
    assert!(shown.contains("3 / 3"), "{shown}");
}

fn many() -> &'static [u8] {
    let mut trace = String::new();
    for call in 0..300 {
        writeln!(trace, r#"{{"type":"tool_call","run_id":"r{}","id":"c{call}","tool":"t{}","args":{{"n":{call}}}}}"#, call / 100, call % 3).expect("written");
    }
    Box::leak(trace.into_boxed_str()).as_bytes()
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]
    #[test]
    fn no_size_and_no_key_panics(
        sizes in prop::collection::vec((1u16..200, 1u16..70), 1..5),
        keys in prop::collection::vec(prop::sample::select(vec![
            "j", "k", "G", "g", "enter", "tab", "backtab", "\\", "?", "q", "esc", "/ tool:t1 enter", "/ ( esc",
            "r", "a", "M", "Z", "m a", "' a", "s", "S", "o", "O", "p", "z z", "| args.n enter", "= t", "- k", "y v", "e", "b", "t", "T", "}", "{", "ctrl-d", "ctrl-u", "pagedown", "pageup", "l", "h", "5", "H",
            "J", "K", "c", "*", "space", "<", ">", "2", "1", "[", "]",
        ]), 0..12),
    ) {
        let mut shown = render::Headless::new(&options(), sizes[0]);
        let trace = if keys.len() % 2 == 0 { many() } else { TRACE.as_bytes() };
        for message in load(trace) {
            shown.load(message);
        }
        for (number, key) in keys.iter().enumerate() {
            shown.resize(sizes[number % sizes.len()]);
            shown.play(key);
            shown.draw();
        }
    }
}

#[test]
fn below_the_smallest_size_the_screen_says_so() {
    assert_eq!(
        screen((38, 7), "").lines().next(),
        Some("terminal too small (38×7, need 40×8)")
    );
}

#[test]
fn marks_are_set_found_again_and_can_be_all_that_is_shown() {
    let shown = screen((120, 24), "g j m a G ' a");
    assert!(shown.contains("2 / 7"), "{shown}");
    assert!(
        line(&shown, "\"Refund order").starts_with("  2a"),
        "{shown}"
    );
    let only = screen((120, 24), "g j m a j j m b M");
    assert!(
        only.contains("only marked") && only.contains("2 of 7"),
        "{only}"
    );
    assert!(screen((120, 24), "g j m a m a M").contains("nothing is marked"));
    assert!(screen((120, 24), "' x").contains("no mark x"));
}

#[test]
fn only_trouble_leaves_errors_blocks_and_broken_lines_and_counts_the_rest() {
    let shown = screen((120, 24), "Z");
    assert!(
        shown.contains("only trouble · 3 of 7 · 4 hidden"),
        "{shown}"
    );
    assert!(screen((120, 24), "Z esc").contains("Second run"));
}

const LANES: &str = r#"{"type":"run_start","run_id":"r1","agent":"main"}
{"type":"prompt","run_id":"r1","id":"e1","agent":"main","role":"user","content":"Go"}
{"type":"tool_call","run_id":"r1","id":"c1","agent":"main","tool":"task","args":{"n":1}}
{"type":"prompt","run_id":"r1","id":"e2","parent_id":"c1","agent":"helper","role":"user","content":"Sub"}
{"type":"tool_call","run_id":"r1","id":"c2","agent":"helper","tool":"grep","args":{"n":2}}
{"type":"prompt","run_id":"r1","id":"e3","agent":"main","role":"user","content":"More"}
"#;

fn lanes(keys: &str) -> String {
    let messages = load(LANES.as_bytes());
    render::text(&render::script(&options(), messages, (120, 24), keys))
}

#[test]
fn one_agent_can_be_all_that_is_shown_and_the_parent_is_the_call_that_started_it() {
    let only = lanes("G k a");
    assert!(
        only.contains("this run only, helper · 2 of 6") && !only.contains("More"),
        "{only}"
    );
    assert!(lanes("G k p").contains("3 / 6"), "{}", lanes("G k p"));
    assert!(lanes("G k a p").contains("is hidden by the filter"));
    assert!(lanes("g j p").contains("is not recorded"));
    assert!(lanes("g j o").contains("3 / 6"));
    assert!(lanes("g j o o").contains("6 / 6"));
    assert!(lanes("G O").contains("3 / 6"));
}

#[test]
fn turns_and_runs_begin_with_a_line_of_their_own_and_turns_only_where_nothing_is_hidden() {
    let shown = lanes("g");
    assert!(line(&shown, "turn 2").starts_with("─── turn 2"), "{shown}");
    assert!(!lanes("/ agent:main enter").contains("turn 2"));
    let runs = screen((120, 24), "g");
    assert!(line(&runs, "run r2").contains("1 action"), "{runs}");
}

#[test]
fn a_column_of_any_field_is_added_and_taken_away() {
    let shown = lanes("| args.n enter");
    assert!(line(&shown, "TOOL / TEXT").contains(" N "), "{shown}");
    assert!(line(&shown, "grep").contains(" 2 "), "{shown}");
    assert!(!line(&lanes("| args.n enter | args.n enter"), "TOOL / TEXT").contains(" N "));
    assert!(lanes("| toll enter").contains("did you mean 'tool'?"));
    assert!(line(&lanes("| args.n esc"), "TOOL / TEXT").contains("ST"));
    let inside = lanes("g j j tab | esc");
    assert!(line(&inside, "TOOL / TEXT").contains(" N "), "{inside}");
}

#[test]
fn the_row_is_brought_where_the_second_key_says() {
    let mut shown = render::Headless::new(&options(), (120, 24));
    for message in load(many()) {
        shown.load(message);
    }
    let mut row_of = |keys: &str| {
        shown.play(keys);
        let picture = render::text(&shown.draw());
        let is_marked = |line: &str| {
            line.trim_start().starts_with(|c: char| c.is_ascii_digit()) && line.contains("a⚙")
        };
        let at = picture.lines().position(is_marked);
        at.unwrap_or_else(|| panic!("{picture}"))
    };
    let (top, middle, bottom) = (
        row_of("g pagedown pagedown pagedown m a z t"),
        row_of("z z"),
        row_of("z b"),
    );
    assert!(top < middle && middle < bottom, "{top} {middle} {bottom}");
}

#[test]
fn a_jump_goes_to_what_took_far_longer_than_its_like() {
    let mut trace = String::new();
    for (call, took) in [100, 110, 90, 120, 100, 95, 105, 5000, 100]
        .iter()
        .enumerate()
    {
        writeln!(trace, "{{\"type\":\"tool_call\",\"run_id\":\"r1\",\"id\":\"c{call}\",\"tool\":\"t\"}}\n{{\"type\":\"tool_result\",\"run_id\":\"r1\",\"call_id\":\"c{call}\",\"status\":\"ok\",\"duration_ms\":{took}}}").expect("written");
    }
    let trace: &'static str = Box::leak(trace.into_boxed_str());
    let shown = |keys| {
        render::text(&render::script(
            &options(),
            load(trace.as_bytes()),
            (80, 24),
            keys,
        ))
    };
    assert!(shown("g s").contains("8 / 9"), "{}", shown("g s"));
    assert!(shown("g s s").contains("no further slow action"));
}

#[test]
fn a_text_is_found_without_hiding_anything_and_can_be_gone_through() {
    let typing = screen((120, 24), "g ctrl-f refund");
    assert!(
        line(&typing, "find: refund").contains("\"refund\": 2 actions"),
        "{typing}"
    );
    assert!(
        typing.contains("Second run") && typing.contains("2 / 7"),
        "{typing}"
    );
    let kept = screen((120, 24), "g ctrl-f refund enter");
    assert!(line(&kept, "\"Refund order").starts_with("  2•"), "{kept}");
    assert!(kept.contains("n next"), "{kept}");
    assert!(screen((120, 24), "g ctrl-f refund enter n").contains("4 / 7"));
    assert!(screen((120, 24), "g ctrl-f refund enter n n n").contains("no further match"));
    assert!(screen((120, 24), "g ctrl-f refund enter n N").contains("2 / 7"));
    assert!(screen((120, 24), "G ctrl-f refund esc").contains("7 / 7"));
    assert!(!screen((120, 24), "G ctrl-f refund enter esc").contains("n next"));
    assert!(screen((120, 24), "n").contains("no search · ctrl-f"));
}

#[test]
fn what_an_expression_matched_is_shown_and_found_in_the_inspector() {
    let shown = screen((120, 24), "/ args.order_id~884. enter");
    assert!(
        line(&shown, "$.args").contains("$.args.order_id"),
        "{shown}"
    );
    let trace = format!(
        "{{\"type\":\"prompt\",\"run_id\":\"r\",\"content\":\"{} order 8841 of Monday\"}}\n",
        "please ".repeat(30)
    );
    let load = || load(Box::leak(trace.clone().into_boxed_str()).as_bytes());
    let keys = "/ text~8\\d+ enter";
    let shown = render::text(&render::script(&options(), load(), (120, 24), keys));
    assert!(line(&shown, "1 ▷").contains("order 8841 of"), "{shown}");
}

#[test]
fn an_empty_list_says_what_hides_all_and_the_key_that_shows_it_again() {
    let run = "{\"type\":\"prompt\",\"run_id\":\"r\",\"content\":\"x\"}\n";
    let shown = |keys| {
        let loaded = load(run.as_bytes());
        render::text(&render::script(&options(), loaded, (100, 24), keys))
    };
    let trouble = shown("Z");
    assert!(trouble.contains("no trouble here"), "{trouble}");
    assert!(trouble.contains("Z shows all actions again"), "{trouble}");
    let filtered = shown("/ zebra enter");
    assert!(
        filtered.contains("no actions match this filter"),
        "{filtered}"
    );
    assert!(filtered.contains("esc clears it"), "{filtered}");
}

#[test]
fn capitals_find_only_capitals() {
    assert!(screen((120, 24), "ctrl-f Refund").contains("\"Refund\": 1 action"));
}

#[test]
fn in_the_inspector_the_next_match_is_a_line_of_the_tab() {
    let shown = screen(
        (120, 24),
        "ctrl-f amount enter g j j j tab backtab backtab backtab n",
    );
    assert!(shown.contains("$.args.amount"), "{shown}");
}

#[test]
fn what_could_be_typed_next_is_proposed_and_tab_takes_it() {
    let proposed = screen((120, 24), "/ too");
    assert!(
        line(&proposed, "tool:").contains("name of the tool"),
        "{proposed}"
    );
    let values = screen((120, 24), "/ tool:");
    assert!(
        values.contains(" lookup") && values.contains(" refund"),
        "{values}"
    );
    assert!(screen((120, 24), "/ tool:re tab").contains("/ tool:refund "));
    assert!(screen((120, 24), "/ tool:re tab enter").contains("✓ 1 of 7"));
    assert!(screen((120, 24), "/ tool: tab tab").contains("/ tool:refund "));
    assert!(screen((120, 24), "/ tool: tab tab backtab").contains("/ tool:lookup "));
}

#[test]
fn filters_that_were_kept_come_back_by_the_arrow_and_esc_restores() {
    let twice = "/ tool:refund enter / ctrl-u status:error enter";
    let up = |keys: &str| screen((120, 24), &format!("{twice} {keys}"));
    assert!(up("/ ctrl-u up").contains("/ status:error "));
    assert!(up("/ ctrl-u up up").contains("/ tool:refund "));
    assert!(up("/ ctrl-u up up down").contains("/ status:error "));
    assert!(up("/ ctrl-u up up esc").contains("/ status:error "));
}

#[test]
fn a_filter_that_keeps_nothing_says_which_term_to_drop() {
    let shown = screen((120, 24), "/ tool:refund space status:error enter");
    assert!(shown.contains("without `tool:refund`: 1 match"), "{shown}");
    let shown = screen((120, 24), "/ tool:refnd enter");
    assert!(shown.contains("did you mean 'refund'?"), "{shown}");
}

#[test]
fn a_filter_is_saved_used_and_forgotten_in_the_list_of_saved_ones() {
    let save = "/ tool:refund enter f2 enter / ctrl-u enter";
    let shown = |keys: &str| screen((120, 24), &format!("{save} {keys}"));
    assert!(screen((120, 24), "f2").contains("no filter is saved"));
    assert!(shown("f2").contains("saved filters"));
    assert!(shown("f2 enter").contains("✓ 1 of 7"));
    assert!(shown("f2 x").contains("no filter is saved"));
    assert!(!shown("f2 esc").contains("saved filters"));
}

const REPEATED: &str = r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"ls","args":{"p":1}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":"x"}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"cat","args":{"p":2}}
{"type":"tool_result","run_id":"r1","call_id":"c2","status":"ok","result":"y"}
{"type":"tool_call","run_id":"r1","id":"c3","tool":"ls","args":{"p":1}}
{"type":"tool_result","run_id":"r1","call_id":"c3","status":"ok","result":"x"}
{"type":"tool_call","run_id":"r1","id":"c4","tool":"rm","args":{"p":3}}
"#;

fn repeated(keys: &str) -> String {
    let messages = load(REPEATED.as_bytes());
    render::text(&render::script(&options(), messages, (120, 24), keys))
}

#[test]
fn what_is_noticed_is_said_below_the_list_and_leads_to_its_evidence() {
    let shown = repeated("g");
    assert!(
        line(&shown, "1 result never arrived (rm)").contains("i shows it"),
        "{shown}"
    );
    assert!(
        line(&shown, "  3 ⚙").contains("×2 same args · ls"),
        "{shown}"
    );
    let menu = repeated("g i");
    assert!(menu.contains("!! 1 result never arrived (rm)"), "{menu}");
    let there = repeated("g i enter");
    assert!(there.contains("4 / 4"), "{there}");
    let hidden = repeated("g / tool:cat enter i enter");
    assert!(
        hidden.contains("4 / 4") && hidden.contains("filter cleared: it hid the evidence"),
        "{hidden}"
    );
}

#[test]
fn on_a_large_screen_the_conversation_is_below_the_action() {
    let shown = screen((160, 45), "g j j j");
    let said = line(&shown, "conversation");
    assert!(said.contains("───"), "{shown}");
    assert!(
        line(&shown, "▷ Refund order 8841").ends_with('2'),
        "{shown}"
    );
    // On a smaller one it has what the inspector leaves.
    assert!(screen((120, 36), "g j j j").contains("conversation"));
    assert!(!screen((120, 24), "g j j j").contains("conversation"));
}

#[test]
fn the_mouse_opens_the_filter_and_what_was_noticed_and_closes_it() {
    let mut shown = render::Headless::new(&options(), (120, 24));
    for message in load(REPEATED.as_bytes()) {
        shown.load(message);
    }
    shown.click((20, 1));
    shown.play("rm");
    assert!(render::text(&shown.draw()).contains("/ rm"));
    shown.play("esc");
    shown.click((10, 22));
    assert!(render::text(&shown.draw()).contains("enter shows the evidence"));
    shown.click((1, 5));
    assert!(!render::text(&shown.draw()).contains("enter shows the evidence"));
}

#[test]
fn a_second_key_is_offered_on_the_smallest_screen_too() {
    assert!(screen((60, 12), "y").contains("v value"));
}

#[test]
fn what_is_narrowed_and_widened_again_leaves_the_selection_where_it_was() {
    for keys in [
        "j / is:blo esc",
        "j / error esc",
        "j Z Z",
        "j / is:blocked enter esc",
    ] {
        let shown = screen((120, 24), keys);
        assert!(shown.contains("  2 / "), "{keys}\n{shown}");
    }
}

#[test]
fn a_value_comes_from_the_first_action_that_contains_it() {
    const TRACE: &str = r#"{"type":"prompt","run_id":"r1","content":"Refund it"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"find","args":{"who":"Ada"}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":{"order":"8841"}}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"refund","args":{"order":"8841"}}
"#;
    let found = crate::tui::testing::played(&options(), TRACE, "G enter W");
    assert!(
        found.contains("first seen in #2 find, in its result (inferred"),
        "{found}"
    );
    let back = crate::tui::testing::played(&options(), TRACE, "G enter W [");
    assert!(back.contains("3  refund"), "{back}");
    let none = crate::tui::testing::played(&options(), TRACE, "j enter W");
    assert!(none.contains("no earlier action of this run has"), "{none}");
}

const FOLDED: &str = r#"{"type":"user","uuid":"u1","sessionId":"s","timestamp":"2026-02-11T23:59:58.000Z","message":{"role":"user","content":"Look"}}
{"type":"assistant","uuid":"a1","parentUuid":"u1","sessionId":"s","timestamp":"2026-02-11T23:59:59.000Z","message":{"id":"m1","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls"}}],"usage":{"input_tokens":100000,"output_tokens":100}}}
{"type":"user","uuid":"u2","parentUuid":"a1","sessionId":"s","timestamp":"2026-02-12T00:00:01.000Z","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"a.rs"}]}}
{"type":"assistant","uuid":"a2","parentUuid":"u2","sessionId":"s","timestamp":"2026-02-12T00:00:03.000Z","message":{"id":"m2","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"One file."}],"usage":{"input_tokens":100,"output_tokens":10}}}
"#;

fn folded(keys: &str) -> String {
    let messages = load(FOLDED.as_bytes());
    render::text(&render::script(&options(), messages, (200, 24), keys))
}

#[test]
fn a_model_call_that_only_requests_the_tool_below_is_shown_with_it() {
    let shown = folded("g");
    let row = line(&shown, "→ Bash ls");
    assert!(row.starts_with("  3 "), "{shown}");
    assert!(row.contains("2.0s") && row.contains("$0.10"), "{shown}");
    assert!(!shown.contains("  2 23:59"), "{shown}");
    assert!(folded("g j").contains("3 / 4"), "{}", folded("g j"));
    assert!(folded("g j k").contains("1 / 4"));
    let alone = folded(":2 enter");
    assert!(line(&alone, "→ Bash").starts_with("  2 "), "{alone}");
    assert!(line(&alone, "Bash ls").starts_with("  3 "), "{alone}");
}

#[test]
fn a_day_begins_with_its_date() {
    let shown = folded("g");
    assert!(shown.contains("─── Thu 2026-02-12 ──"), "{shown}");
    assert!(
        line(&shown, "Thu 2026-02-12").starts_with("─── "),
        "{shown}"
    );
}

fn copied(keys: &str) -> String {
    let mut shown = render::Headless::new(&options(), (120, 30));
    for message in load(TRACE.as_bytes()) {
        shown.load(message);
    }
    shown.play(keys);
    shown.copied().unwrap_or_default().to_owned()
}

#[test]
fn an_address_a_step_as_markdown_and_the_request_are_copied() {
    assert_eq!(copied("g j j j y u"), "trace.jsonl#r1:4");
    let step = copied("g j j j y m");
    assert!(step.starts_with("### #4 refund · denied\n"), "{step}");
    assert!(
        step.contains("**Arguments**\n\n```json\n{\n  \"order_id\""),
        "{step}"
    );
    let curl = copied("g j j j y c");
    assert!(curl.starts_with("# reconstructed from a trace"), "{curl}");
    assert!(curl.contains("\"model\":\"gpt-4o\""), "{curl}");
}

#[test]
fn a_note_is_in_the_inspector_and_next_to_its_mark() {
    let noted = screen((120, 24), "g j \" why ? enter");
    assert!(noted.contains("noted at mark a"), "{noted}");
    assert!(
        line(&noted, "\"Refund order").starts_with("  2a"),
        "{noted}"
    );
    let list = screen((120, 24), "g j \" why enter G '");
    assert!(list.contains("a #2 why"), "{list}");
    let shown = screen((120, 24), "g j \" why enter j k");
    assert!(shown.contains("a why"), "{shown}");
}

#[test]
fn a_jump_says_whether_there_is_no_further_one_or_none_at_all() {
    let fine = r#"{"type":"prompt","run_id":"r1","id":"p","content":"x"}
{"type":"prompt","run_id":"r1","id":"q","content":"y"}
"#;
    let shown = |keys| {
        render::text(&render::script(
            &options(),
            load(fine.as_bytes()),
            (120, 24),
            keys,
        ))
    };
    assert!(
        shown("e").contains("no errors in this run"),
        "{}",
        shown("e")
    );
    assert!(
        shown("/ kind:prompt enter b").contains("no blocks or approvals among the actions listed")
    );
}

#[test]
fn a_row_shows_the_text_around_the_match_where_its_summary_does_not() {
    let far = r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"Bash","args":{"command":"make"}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":"built\nand the linker said nothing of beads at all"}
"#;
    let shown = |keys| {
        render::text(&render::script(
            &options(),
            load(far.as_bytes()),
            (120, 24),
            keys,
        ))
    };
    assert!(!shown("g").contains("beads"));
    for keys in ["/ beads enter", "ctrl-f beads enter"] {
        let found = shown(keys);
        assert!(
            line(&found, "⚙ tl").contains("nothing of beads"),
            "{keys}\n{found}"
        );
    }
}
