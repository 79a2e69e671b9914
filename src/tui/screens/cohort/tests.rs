use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::tui::testing::{load, options, played};
use crate::tui::{Options, render};

/// Forty tasks for each of two models: B refunds where A escalates on the first twelve.
static TRACE: LazyLock<String> = LazyLock::new(|| {
    let mut out = String::new();
    for task in 0..40 {
        for (run, model, tool) in [
            (
                "a",
                "old-model",
                if task < 12 { "escalate" } else { "refund" },
            ),
            ("b", "new-model", "refund"),
        ] {
            writeln!(
                out,
                r#"{{"type":"run_start","run_id":"{run}{task}","model":"{model}","task":"t{task:02}"}}
{{"type":"prompt","run_id":"{run}{task}","id":"p","content":"Order {task}"}}
{{"type":"tool_call","run_id":"{run}{task}","id":"c","tool":"{tool}","args":{{"order":{task}}}}}
{{"type":"tool_result","run_id":"{run}{task}","call_id":"c","status":"ok","result":1}}
{{"type":"run_end","run_id":"{run}{task}","status":"ok"}}"#
            )
            .expect("writing to a string cannot fail");
        }
    }
    out
});

fn screen(keys: &str) -> String {
    played(&options(), &TRACE, keys)
}

fn narrow(keys: &str) -> String {
    render::text(&render::script(&options(), load(&TRACE), (80, 24), keys))
}

#[track_caller]
fn check(keys: &str, expected: &[&str]) {
    let shown = screen(keys);
    for words in expected {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
}

#[test]
fn the_verdict_comes_first_and_what_changed_on_top() {
    check(
        "5",
        &[
            "A model:new-model  40 runs, 40 tasks   ↔   B model:old-model  40 runs, 40 tasks",
            "paired by task: 40 common tasks, one run a side",
            "VERDICT  ",
            "differ",
            "DIFFERS",
        ],
    );
    let shown = screen("5");
    let first = shown.lines().nth(6).unwrap_or_default();
    assert!(
        first.contains("calls escalate") && first.contains("DIFFERS"),
        "{shown}"
    );
}

#[test]
fn the_table_compares_the_only_two_models_and_back_leads_there() {
    check("2 C", &["VERDICT"]);
    check("2 C q", &["preview:"]);
    check("2 g space G space C", &["VERDICT", "A model:"]);
}

#[test]
fn every_figure_opens_the_runs_behind_it_and_those_open() {
    let behind = screen("5 enter");
    assert!(behind.contains("12 compared items differ"), "{behind}");
    assert!(
        behind.contains("t00") && behind.contains("yes") && behind.contains("no"),
        "{behind}"
    );
    check("5 enter o", &["this run only", "Order 0"]);
    check("5 enter enter", &["A b0", "B a0"]);
    check("5 enter enter q", &["12 compared items differ"]);
    check("5 enter enter q q", &["VERDICT", "by evidence"]);
}

#[test]
fn where_runs_diverge_is_listed_with_the_pairs() {
    check(
        "5 G",
        &[
            "WHERE RUNS OF THE SAME TASK DIVERGE",
            "12 ×  A refund  →  B escalate",
        ],
    );
    check(
        "5 G enter",
        &["A refund → B escalate on the same task", "b0", "a0"],
    );
}

#[test]
fn figures_are_sorted_and_chosen_and_pairs_can_be_left() {
    check("5 s", &["by measure"]);
    check("5 f", &["by evidence · only what changed"]);
    check("5 f f", &["only inconclusive figures"]);
    check("5 p", &["not paired (40 common tasks)"]);
    check("5 p p", &["paired by task"]);
    check("5 r", &["seed 2"]);
}

#[test]
fn it_is_taken_away_as_markdown_or_json() {
    check("5 x", &["m Markdown to the clipboard"]);
    check("5 x m", &["copied as Markdown"]);
    check("5 x j", &["copied as JSON"]);
    check("5 x q", &["VERDICT"]);
}

#[test]
fn a_narrow_screen_keeps_interval_and_q_in_the_line_below() {
    let shown = narrow("5");
    let heads = shown.lines().nth(5).expect("heads");
    assert!(
        !heads.contains("INTERVAL") && !heads.contains("EFFECT"),
        "{shown}"
    );
    assert!(shown.contains("  q "), "{shown}");
    let wide = screen("5");
    assert!(
        wide.contains("INTERVAL") && wide.contains("EFFECT") && wide.contains('■'),
        "{wide}"
    );
}

#[test]
fn any_two_filters_are_compared() {
    check(
        ": cohort space model:old-model space vs space model:new-model enter",
        &["A model:old-model", "VERDICT"],
    );
    check(": cohort space model:old-model enter", &["only one model"]);
}

#[test]
fn of_several_models_two_are_chosen() {
    static THREE: LazyLock<String> = LazyLock::new(|| {
        let third = TRACE
            .replace("\"run_id\":\"a", "\"run_id\":\"c")
            .replace("old-model", "third");
        format!("{}{third}", *TRACE)
    });
    let shown = |keys| {
        played(
            &Options {
                title: "x".to_owned(),
                ..options()
            },
            &THREE,
            keys,
        )
    };
    let list = shown("5");
    assert!(list.contains("3 models: choose two to compare"), "{list}");
    let chosen = shown("5 space j space");
    assert!(chosen.contains("VERDICT"), "{chosen}");
    let again = shown("5 space j space m");
    assert!(again.contains("choose two to compare"), "{again}");
    // Without times no model is newer than another.
    assert!(!list.contains("the two newest"), "{list}");
}

#[test]
fn the_newest_model_is_compared_with_the_one_before_it_by_one_key() {
    static THREE: LazyLock<String> = LazyLock::new(|| {
        let model = |name: &str, hour: u32| {
            let run = format!("\"run_id\":\"{name}");
            let own = TRACE.lines().filter(|line| line.contains("\"run_id\":\"a"));
            let own = own.map(|line| line.replace("\"run_id\":\"a", &run));
            let own = own.map(|line| {
                let started = format!("\"{name}\",\"ts\":\"2026-11-22T{hour}:00:00Z\"");
                line.replace("\"old-model\"", &started)
            });
            own.flat_map(|line| [line, "\n".to_owned()])
                .collect::<String>()
        };
        [model("x", 12), model("y", 10), model("z", 11)].concat()
    });
    let list = played(&options(), &THREE, "5");
    assert!(list.contains("the two newest: z ↔ x"), "{list}");
    let chosen = played(&options(), &THREE, "5 space");
    assert!(!chosen.contains("the two newest"), "{chosen}");
    let compared = played(&options(), &THREE, "5 enter");
    assert!(
        compared.contains("A model=\"z\"") && compared.contains("B model=\"x\""),
        "{compared}"
    );
}
