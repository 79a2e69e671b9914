use ratatui::layout::Rect;

use super::{Line, Runs};
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::keys::Command;
use crate::tui::screen::Screen;
use crate::tui::screen::id::ScreenId;
use crate::tui::session::{Here, News, Session};
use crate::tui::testing::{load, options, played};
use crate::tui::{Options, render};

const TRACE: &str = r#"{"type":"run_start","run_id":"old","ts":"2026-11-20T10:00:00Z","agent":"shop","model":"gpt-4o"}
{"type":"prompt","run_id":"old","id":"p1","ts":"2026-11-20T10:00:01Z","content":"First question"}
{"type":"response","run_id":"old","id":"m1","ts":"2026-11-20T10:00:02Z","content":"x","cost_usd":1.5}
{"type":"run_start","run_id":"new","ts":"2026-11-22T10:00:00Z","agent":"shop","model":"gpt-5"}
{"type":"prompt","run_id":"new","id":"p2","ts":"2026-11-22T10:00:01Z","content":"Second \u001b[31mquestion"}
{"type":"tool_call","run_id":"new","id":"c1","ts":"2026-11-22T10:00:02Z","tool":"pay"}
{"type":"tool_result","run_id":"new","call_id":"c1","ts":"2026-11-22T10:00:03Z","status":"error"}
{"type":"run_start","run_id":"mid","ts":"2026-11-21T10:00:00Z","agent":"shop","model":"gpt-5"}
{"type":"response","run_id":"mid","id":"m3","ts":"2026-11-21T10:00:02Z","content":"x","cost_usd":0.5}
"#;

fn screen(keys: &str) -> String {
    played(&options(), TRACE, keys)
}

/// The ids of the runs in the order of the screen.
#[track_caller]
fn check(keys: &str, expected: &str) {
    let shown = screen(keys);
    let ids = shown.lines().skip(4).filter_map(|line| {
        let line = line.get(3..)?;
        ["old", "mid", "new"]
            .into_iter()
            .find(|id| line.starts_with(id))
    });
    assert_eq!(ids.collect::<Vec<_>>().join(" "), expected, "{shown}");
}

#[test]
fn the_newest_run_is_on_top_and_selected() {
    check("", "new mid old");
    assert!(screen("").contains("preview: new"));
}

#[test]
fn a_run_that_is_opened_is_alone_and_back_leads_to_its_place() {
    let opened = screen("j j enter");
    assert!(
        opened.contains("this run only") && opened.contains("First question"),
        "{opened}"
    );
    assert!(screen("j j enter q").contains("preview: old"));
}

#[test]
fn what_is_selected_survives_every_change_of_the_view() {
    assert!(screen("j 1").contains("run mid"), "{}", screen("j 1"));
    assert!(screen("j 1 2").contains("preview: mid"));
    assert!(screen("1 G 2").contains("preview: mid"));
    assert!(screen("j enter j q [ 2").contains("preview: mid"));
}

#[test]
fn the_history_of_views_goes_both_ways() {
    let back = screen("j 1 [");
    assert!(back.contains("preview: mid"), "{back}");
    let forward = screen("j 1 [ ]");
    assert!(forward.contains("run mid"), "{forward}");
}

#[test]
fn sorting_goes_through_the_columns_and_turns_round() {
    check("S", "old mid new");
    assert!(screen("S").contains("preview: old"));
    assert!(screen("j S").contains("preview: mid"));
    check("$", "old mid new");
    check("$ $", "mid old new");
    assert!(screen("E").contains("sort:-errors"));
}

#[test]
fn a_list_of_columns_to_sort_by_has_a_letter_for_each() {
    let list = screen("s");
    assert!(
        list.contains("┌ sort by ") && list.contains(" c cost") && list.contains(" s started"),
        "{list}"
    );
    check("s c", "old mid new");
    check("s S", "old mid new");
    check("s esc", "new mid old");
    assert!(
        screen("s j j j enter").contains("sort:model"),
        "{}",
        screen("s j j j enter")
    );
}

const PROJECTS: &str = r#"{"type":"prompt","run_id":"r1","id":"p1","ts":"2026-11-20T10:00:00Z","content":"x","labels":{"cwd":"/work/shop","branch":"main"}}
{"type":"response","run_id":"r1","id":"m1","content":"x","cost_usd":2}
{"type":"prompt","run_id":"r2","id":"p2","ts":"2026-11-21T10:00:00Z","content":"x","labels":{"cwd":"/work/shop","branch":"fix"}}
{"type":"response","run_id":"r2","id":"m2","content":"x","cost_usd":2}
{"type":"prompt","run_id":"r3","id":"p3","ts":"2026-11-22T10:00:00Z","content":"x","labels":{"cwd":"/work/till"}}
{"type":"response","run_id":"r3","id":"m3","content":"x","cost_usd":3}
"#;

#[test]
fn groups_are_ordered_by_the_totals_they_show() {
    let shown = played(&options(), PROJECTS, "$ z z z");
    let place = |words: &str| {
        shown
            .find(words)
            .unwrap_or_else(|| panic!("{words}\n{shown}"))
    };
    assert!(place("/work/shop · 2 runs · $4.00") < place("/work/till · 1 run · $3.00"));
    let rising = played(&options(), PROJECTS, "$ $ z z z");
    assert!(
        rising.find("/work/till") < rising.find("/work/shop"),
        "{rising}"
    );
    let actions = played(&options(), PROJECTS, "A z z z");
    assert!(
        actions.contains("/work/shop · 2 runs · $4.00 · 4 actions"),
        "{actions}"
    );
}

#[test]
fn branches_of_a_project_are_groups_of_their_own() {
    let shown = played(&options(), PROJECTS, "z z z z");
    assert!(
        shown.contains("/work/shop @ main · 1 run") && shown.contains("no branch recorded · 1 run"),
        "{shown}"
    );
}

#[test]
fn one_key_folds_all_groups_and_unfolds_them() {
    let folded = screen("z z Z");
    assert!(
        folded.contains("▸ gpt-5") && folded.contains("▸ gpt-4o"),
        "{folded}"
    );
    check("z z Z", "");
    check("z z Z Z", "new mid old");
}

#[test]
fn a_filter_is_about_runs_and_says_how_many_it_keeps() {
    check("/ cost>1 enter", "old");
    check("/ model:gpt-5* space is:error enter", "new");
    let shown = screen("/ model:gpt-5 enter");
    assert!(shown.contains("✓ 2 of 3 runs"), "{shown}");
    check("/ model:gpt-5 enter esc", "new mid old");
}

#[test]
fn a_filter_that_keeps_nothing_says_what_to_change() {
    let shown = screen("/ model:gpt-6 enter");
    assert!(
        shown.contains("no runs match") && shown.contains("gpt-5"),
        "{shown}"
    );
}

#[test]
fn groups_are_shown_with_their_totals_and_folded() {
    let by_model = screen("z z");
    assert!(
        by_model.contains("▾ gpt-5 · 2 runs · $0.50 · 1 error"),
        "{by_model}"
    );
    let facts = screen("z z g");
    for words in [
        "─ by model ─",
        "ended   2 unknown",
        "cost    $0.50 · $0.50 per run · 1 of unknown cost",
        "· 1 error ·",
    ] {
        assert!(facts.contains(words), "{words}\n{facts}");
    }
    let folded = screen("z z g enter");
    assert!(folded.contains("▸ gpt-5 · 2 runs"), "{folded}");
    check("z z g enter", "old");
    check("z z g enter enter", "new mid old");
}

#[test]
fn two_runs_are_chosen_and_given_up_again() {
    let chosen = screen("space j space");
    assert!(
        chosen.contains(" A new") && chosen.contains(" B mid"),
        "{chosen}"
    );
    let given_up = screen("space j space k space");
    assert!(
        given_up.contains(" A mid") && !given_up.contains(" B "),
        "{given_up}"
    );
}

#[test]
fn one_run_opens_in_the_stream() {
    let one = "{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"Alone\"}\n";
    assert!(played(&options(), one, "").contains("TOOL / TEXT"));
}

#[test]
fn a_view_that_was_asked_for_is_not_left_by_itself() {
    let asked = Options {
        view: Some(ScreenId::Stream),
        ..options()
    };
    let shown = render::text(&render::script(&asked, load(TRACE), (120, 30), ""));
    assert!(shown.contains("TOOL / TEXT"), "{shown}");
}

#[test]
fn after_a_key_the_view_stays_whatever_is_loaded() {
    let mut shown = render::Headless::new(&options(), (120, 30));
    shown.play("j");
    for message in load(TRACE) {
        shown.load(message);
    }
    let shown = render::text(&shown.draw());
    assert!(shown.contains("TOOL / TEXT"), "{shown}");
}

#[test]
fn very_many_runs_are_put_in_order_in_the_background() {
    let mut trace = String::new();
    for run in 0..6_000 {
        let line = r#"{"type":"prompt","run_id":"run-NUMBER","id":"p","ts":"2026-11-22T10:00:00Z","content":"x"}"#;
        trace.push_str(&line.replace("NUMBER", &run.to_string()));
        trace.push('\n');
    }
    let trace: &'static str = Box::leak(trace.into_boxed_str());
    let shown = played(&options(), trace, "s m G");
    assert!(shown.contains("6,000 runs"), "{shown}");
    let filtered = played(&options(), trace, "/ turns>5 enter");
    assert!(filtered.contains("✓ 0 of 6,000 runs"), "{filtered}");
}

#[test]
fn a_filter_is_completed_recalled_and_pointed_at_as_in_the_stream() {
    let proposed = screen("/ model:");
    assert!(
        proposed.contains("gpt-4o") && proposed.contains("gpt-5"),
        "{proposed}"
    );
    check("/ model: tab enter", "old");
    check("/ is:error enter / ctrl-u up enter", "new");
    let wrong = screen("/ costt>1");
    assert!(
        wrong.contains("^ 'costt' is not a field") && wrong.contains("not applied"),
        "{wrong}"
    );
}

#[test]
fn a_run_is_found_by_its_id_or_the_beginning_of_it() {
    check("/ mid enter", "mid");
    check("/ ol enter", "old");
    check("/ -mid enter", "new old");
    // What is not in its actions is not looked for in its stream.
    let opened = screen("/ ol enter enter");
    assert!(
        opened.contains("First question") && !opened.contains("\"ol\""),
        "{opened}"
    );
}

#[test]
fn keys_between_two_frames_mean_the_lines_as_the_keys_before_left_them() {
    let mut session = Session::new(&options());
    for message in load(TRACE) {
        session.apply(message);
    }
    let mut runs = Runs::new(&session);
    let area = Rect::new(0, 0, 120, 30);
    let is_stale = News {
        runs: vec![RunIx(0)],
        ..News::default()
    };
    runs.loaded(&is_stale, &mut session);
    runs.prepare(area, &mut session);
    for command in [Command::Gather, Command::Gather, Command::Top] {
        runs.update(command, &mut session);
    }
    runs.prepare(area, &mut session);
    assert!(matches!(runs.selected(), Some(Line::Group(_))));
    for command in [Command::Bottom, Command::Up, Command::Down] {
        runs.update(command, &mut session);
    }
    let opened = runs.update(Command::Open, &mut session);
    let old = RunIx(0);
    let is_old = |here: &Here| here.run == Some(old) && here.scope == Some(old);
    assert!(
        matches!(opened.as_slice(), [Effect::Visit(_, here)] if is_old(here)),
        "{opened:?}"
    );
}

const TEXTS: &str = r#"{"type":"prompt","run_id":"a","id":"p1","ts":"2026-11-22T10:00:00Z","content":"First thing"}
{"type":"tool_call","run_id":"a","id":"c1","ts":"2026-11-22T10:00:01Z","tool":"Bash","args":{"command":"ls"}}
{"type":"tool_result","run_id":"a","call_id":"c1","ts":"2026-11-22T10:00:02Z","status":"ok","result":"apples\noranges\nrun mix dialyzer before you push it anywhere else"}
{"type":"response","run_id":"a","id":"m1","ts":"2026-11-22T10:00:03Z","content":"No"}
{"type":"response","run_id":"a","id":"m2","ts":"2026-11-22T10:00:04Z","content":"Dialyzer again"}
{"type":"prompt","run_id":"b","id":"p2","ts":"2026-11-23T10:00:00Z","content":"Other thing"}
{"type":"response","run_id":"b","id":"m3","ts":"2026-11-23T10:00:01Z","content":"dialyzer too"}
{"type":"prompt","run_id":"c","id":"p3","ts":"2026-11-24T10:00:00Z","content":"Nothing of it"}
"#;

fn texts(keys: &str) -> String {
    played(&options(), TEXTS, keys)
}

#[test]
fn a_search_leads_to_the_first_match_of_the_run_that_is_opened() {
    let listed = texts("/ dialyzer enter");
    assert!(listed.contains("✓ 2 of 3 runs"), "{listed}");
    assert!(
        listed.contains("…oranges run mix dialyzer") || listed.contains("…run mix dialyzer"),
        "{listed}"
    );
    let opened = texts("/ dialyzer enter G enter");
    assert!(opened.contains("2 / 4"), "{opened}");
    assert!(opened.contains("\"dialyzer\": 2 actions"), "{opened}");
    assert!(opened.contains("mix dialyzer before"), "{opened}");
    assert!(texts("/ dialyzer enter G enter n").contains("4 / 4"));
    assert!(texts("/ dialyzer enter G enter n N").contains("2 / 4"));
    let back = texts("/ dialyzer enter G enter esc");
    assert!(back.contains("✓ 2 of 3 runs"), "{back}");
}

#[test]
fn a_run_opened_without_a_search_has_none() {
    let opened = texts("/ dialyzer enter G enter esc esc G enter");
    assert!(!opened.contains("n next"), "{opened}");
    assert!(opened.contains("this run only · 4 actions"), "{opened}");
}

#[test]
fn a_filter_about_whole_runs_opens_them_at_their_beginning() {
    let opened = texts("/ run:a enter enter");
    assert!(
        opened.contains("1 / 4") && !opened.contains("n next"),
        "{opened}"
    );
    let errors = screen("/ is:error enter enter");
    assert!(errors.contains("\"is:error\": 1 action"), "{errors}");
}

#[test]
fn while_a_filter_is_unfinished_the_last_list_stays() {
    for typed in ["s", "status", "status:", "status:er"] {
        let shown = texts(&format!("/ {typed}"));
        assert!(
            shown.contains("incomplete filter – showing last valid result (3 of 3 runs)"),
            "{typed}\n{shown}"
        );
    }
    assert!(texts("/ status enter").contains("✓ 0 of 3 runs"));
}

#[test]
fn what_is_counted_in_one_run_is_of_that_run() {
    let found = texts("G enter ctrl-f dialyzer enter");
    assert!(found.contains("\"dialyzer\": 2 actions"), "{found}");
    let all = texts("1 ctrl-f dialyzer enter");
    assert!(all.contains("\"dialyzer\": 3 actions"), "{all}");
    let hidden = texts("1 / kind:response enter ctrl-f dialyzer enter");
    assert!(
        hidden.contains("\"dialyzer\": 3 actions, 1 hidden by filter"),
        "{hidden}"
    );
}

#[test]
fn esc_never_lists_other_runs_than_the_one_that_was_opened() {
    assert!(texts("G enter esc").contains("STARTED"));
    let kept = texts("G enter / kind:response enter esc");
    assert!(kept.contains("this run only"), "{kept}");
    assert!(!kept.contains("Other thing"), "{kept}");
    assert!(texts("G enter / kind:response enter esc esc").contains("STARTED"));
    assert!(texts("G enter Z esc").contains("this run only"));
}
