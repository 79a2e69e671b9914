use crate::ingest::Loaded;
use crate::tui::render::{self, Headless};
use crate::tui::testing::{load, options, screen};

/// The new model asks for more, and is stopped.
const REFUND: &str = r#"{"type":"run_start","run_id":"old","id":"s","ts":"2026-11-22T10:00:00Z","model":"gpt-4o"}
{"type":"prompt","run_id":"old","id":"p","ts":"2026-11-22T10:00:00Z","content":"Refund order 8841, please."}
{"type":"tool_call","run_id":"old","id":"c1","ts":"2026-11-22T10:00:01Z","tool":"db.read","args":{"order":"8841"}}
{"type":"tool_result","run_id":"old","call_id":"c1","ts":"2026-11-22T10:00:02Z","status":"ok","duration_ms":81,"result":{"total":420}}
{"type":"tool_call","run_id":"old","id":"c2","ts":"2026-11-22T10:00:03Z","tool":"refund","args":{"order":"8841","amount":420,"request":"7f3a91c2-0000-4000-8000-1234567890ab","note":"damaged on arrival"}}
{"type":"tool_result","run_id":"old","call_id":"c2","ts":"2026-11-22T10:00:04Z","status":"ok","duration_ms":1200,"cost_usd":0.004,"result":"done"}
{"type":"response","run_id":"old","id":"r","ts":"2026-11-22T10:00:05Z","model":"gpt-4o","content":"Refunded."}
{"type":"run_start","run_id":"new","id":"s","ts":"2026-11-22T11:00:00Z","model":"gpt-5"}
{"type":"prompt","run_id":"new","id":"p","ts":"2026-11-22T11:00:00Z","content":"Refund order 8841, please."}
{"type":"tool_call","run_id":"new","id":"c1","ts":"2026-11-22T11:00:01Z","tool":"db.read","args":{"order":"8841"}}
{"type":"tool_result","run_id":"new","call_id":"c1","ts":"2026-11-22T11:00:02Z","status":"ok","duration_ms":80,"result":{"total":420}}
{"type":"tool_call","run_id":"new","id":"c2","ts":"2026-11-22T11:00:03Z","tool":"refund","args":{"order":"8841","amount":4200,"request":"7f3a91c2-0000-4000-8000-1234567890ac","note":"item damaged on arrival"}}
{"type":"policy_decision","run_id":"new","call_id":"c2","ts":"2026-11-22T11:00:03Z","policy":"refund-cap","rule":"r3","decision":"block","reason":"over the cap"}
{"type":"tool_result","run_id":"new","call_id":"c2","ts":"2026-11-22T11:00:04Z","status":"blocked"}
{"type":"tool_call","run_id":"new","id":"c3","ts":"2026-11-22T11:00:05Z","tool":"escalate","args":{"tier":2}}
{"type":"tool_result","run_id":"new","call_id":"c3","ts":"2026-11-22T11:00:06Z","status":"ok","result":"asked"}
{"type":"response","run_id":"new","id":"r","ts":"2026-11-22T11:00:07Z","model":"gpt-5","content":"Somebody will look at it."}
"#;

#[track_caller]
fn check(keys: &str, expected: &[&str]) -> String {
    let shown = screen(REFUND, keys);
    for words in expected {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    shown
}

#[test]
fn two_runs_need_no_marks_and_open_where_they_diverge() {
    let shown = check("4", &[]);
    insta::assert_snapshot!(shown);
}

#[test]
fn runs_are_marked_or_taken_one_after_the_other() {
    check("2 g D", &["this run is A"]);
    check(
        "2 g D j D",
        &["A new ↔ B old", "refund was blocked in A only"],
    );
    check(
        "2 g j space k space D",
        &["A old ↔ B new", "refund was blocked in B only"],
    );
}

#[test]
fn changes_are_gone_through() {
    check("4 g n", &["blocked  A #4 ↔ B #4  refund"]);
    check("4 g n n", &["extra  B #5  escalate", "escalate tier=2"]);
    check("4 g n n n", &["text  A #5 ↔ B #6  response"]);
    check("4 g n n n n", &["no difference after this one"]);
    check("4 G N", &["extra  B #5"]);
    check("4 G d", &["blocked  A #4 ↔ B #4"]);
}

#[test]
fn inside_a_pair_every_path_is_listed() {
    let fields = "~ args.amount   420 → 4200  ×10";
    let shown = check(
        "4 enter",
        &[
            fields,
            "~ args.note     \"damaged on arrival\" → \"item",
            "~ status        \"ok\" → \"blocked\"",
        ],
    );
    assert!(shown.contains("1.2s → 1.0s · $0.0040 → —"), "{shown}");
}

#[test]
fn noise_and_paths_are_hidden_and_counted() {
    check("4 M", &["noise hidden", "1 difference hidden"]);
    let shown = check("4 tab j i", &["ignored args.amount"]);
    assert!(!shown.contains("420 → 4200"), "{shown}");
    let back = check("4 tab j i I", &["420 → 4200"]);
    assert!(!back.contains("ignored args"), "{back}");
    check("4 G i", &["ignored text", "3 same"]);
}

#[test]
fn an_action_is_paired_by_hand() {
    // The refund of A and the call of B that came in its place.
    check("4 h =", &["select its counterpart in B"]);
    let paired = check("4 h = n =", &["1 pair made by hand", "tool", "A #4 ↔ B #5"]);
    assert!(paired.contains("extra"), "{paired}");
    check(
        "4 h = n = =",
        &["no longer paired by hand", "blocked  A #4 ↔ B #4"],
    );
    check("4 h = G =", &["can be paired"]);
    check("4 g h = d l =", &["can be paired"]);
}

#[test]
fn marks_are_set_here_and_found_again_in_every_view() {
    check("4 n m a", &["marked a"]);
    let there = check("4 n m a g ' a", &["extra  B #5  escalate"]);
    assert!(there.contains("a  5"), "{there}");
    check("4 g ' z", &["no action of these runs has the mark z"]);
    check("4 n m a 1 g ' a", &["escalate"]);
    check("4 n m a m a", &["no longer marked a"]);
}

#[test]
fn a_comparison_is_taken_away() {
    check(
        "4 x",
        &["m Markdown to the clipboard", "V Markdown in $EDITOR"],
    );
    check("4 x m", &["copied as Markdown"]);
    check("4 x j", &["copied as JSON"]);
    let given_up = check("4 x esc", &[]);
    assert!(!given_up.contains("clipboard"), "{given_up}");
    let mut screen = Headless::new(&options(), (120, 36));
    for message in load(REFUND) {
        screen.load(message);
    }
    screen.play("4 x j");
    let copied = screen.copied().expect("something was copied");
    let document: serde_json::Value = serde_json::from_str(copied).expect("JSON");
    assert_eq!(document["schema"], "saferun.tui/diff@1");
    assert_eq!(document["cause"], "blocked");
}

#[test]
fn what_is_selected_is_selected_on_the_other_views() {
    let of_b = check("4 n 1", &["escalate"]);
    assert!(of_b.contains("run new"), "{of_b}");
    let of_a = check("4 h 1", &["run old"]);
    assert!(of_a.contains("refund"), "{of_a}");
    // And the other way round.
    check("4 h 1 k 4", &["same  A #3 ↔ B #3  db.read"]);
}

#[test]
fn the_unified_layout_shows_both_actions() {
    let shown = check(
        "4 u",
        &[
            "  4     − ⚙ refund",
            "      4 + ⚙ refund",
            "policy refund-cap r3 BLOCK",
        ],
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_equal_is_folded_and_unfolds() {
    let calls = ["a", "b"].iter().flat_map(|run| {
        let call = move |at: usize| {
            let (tool, args) = match at {
                9 => ("write", serde_json::json!({"run": run})),
                at => ("read", serde_json::json!({"at": at})),
            };
            let call = serde_json::json!({"type": "tool_call", "run_id": run, "id": at.to_string(), "tool": tool, "args": args});
            format!("{call}\n")
        };
        (0..10).map(call)
    });
    let trace: String = calls.collect();
    let trace: &'static str = Box::leak(trace.into_boxed_str());
    let folded = screen(trace, "4");
    assert!(
        folded.contains("⋯ 8 equal actions") && !folded.contains("at=3"),
        "{folded}"
    );
    let unfolded = screen(trace, "4 g enter");
    assert!(
        !unfolded.contains("equal actions") && unfolded.contains("at=3"),
        "{unfolded}"
    );
    assert!(screen(trace, "4 z").contains("at=3"));
    assert!(screen(trace, "4 z z").contains("⋯ 8 equal actions"));
}

#[test]
fn a_run_that_grows_is_compared_again() {
    // More than one batch of the loader: the second run goes on in the second one.
    let lines = (0..4_500).map(|at| {
        let run = if at < 10 { "old" } else { "new" };
        let args = serde_json::json!({"at": at});
        let call = serde_json::json!({"type": "tool_call", "run_id": run, "id": at.to_string(), "tool": "read", "args": args});
        format!("{call}\n")
    });
    let trace: &'static str = Box::leak(lines.collect::<String>().into_boxed_str());
    let mut shown = Headless::new(&options(), (120, 30));
    let mut messages = load(trace).into_iter();
    for message in messages.by_ref() {
        let is_batch = matches!(message, Loaded::Batch(_));
        shown.load(message);
        if is_batch {
            break;
        }
    }
    shown.play("2 g D j D G");
    let extra = |shown: &mut Headless| {
        let picture = render::text(&shown.draw());
        let told = picture
            .split(" extra")
            .next()
            .and_then(|it| it.split(' ').next_back());
        told.and_then(|it| it.parse::<u32>().ok())
            .unwrap_or_else(|| panic!("{picture}"))
    };
    let before = extra(&mut shown);
    messages.for_each(|message| shown.load(message));
    let after = extra(&mut shown);
    assert!(before < after, "{before} {after}");
    let end = render::text(&shown.draw());
    assert!(end.contains("at=4499"), "the end is followed\n{end}");
}

#[test]
fn without_two_runs_it_says_how_to_choose_them() {
    let one = "{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"x\"}\n";
    let shown = screen(one, "4");
    assert!(
        shown.contains("Choose two runs to compare") && shown.contains("Press D on one run"),
        "{shown}"
    );
    assert!(screen(one, "4 n d u z tab i m = esc enter j q").contains("TOOL / TEXT"));
}
