use std::collections::BTreeMap;

use crate::ingest::Loaded;
use crate::state::Position;
use crate::tui::keys::COMMANDS;
use crate::tui::render::{self, Headless};
use crate::tui::screen::Pointer;
use crate::tui::screen::id::{ScreenId, views};
use crate::tui::testing::{assert_shown, load, options, played, screen};
use crate::tui::{Named, Options};

const TWO: &str = "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"p\",\"content\":\"x\"}\n{\"type\":\"prompt\",\"run_id\":\"r2\",\"id\":\"q\",\"content\":\"y\"}\n";

fn unfinished() -> Headless {
    let mut shown = Headless::new(&options(), (120, 30));
    for message in load(TWO) {
        if !matches!(message, Loaded::Done) {
            shown.load(message);
        }
    }
    shown
}

#[test]
fn loading_is_reported_with_numbers_and_stopped_by_a_key() {
    let mut shown = unfinished();
    let loading = render::text(&shown.draw());
    assert!(loading.contains("indexing 100 %"), "{loading}");
    shown.play("ctrl-g");
    let stopped = render::text(&shown.draw());
    assert!(stopped.contains("stopped at 100 %"), "{stopped}");
    assert!(screen(TWO, "ctrl-g").contains("nothing is being loaded"));
}

fn second_run_later(key: Option<&str>) -> String {
    let mut shown = Headless::new(&options(), (120, 30));
    let one = "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"p\",\"content\":\"x\"}\n";
    for message in load(one) {
        if !matches!(message, Loaded::Done | Loaded::Finished { .. }) {
            shown.load(message);
        }
    }
    shown.draw();
    if let Some(key) = key {
        shown.play(key);
    }
    let mut second = crate::ingest::Batch::default();
    let run = crate::model::run::RunIx(1);
    let made = load(TWO).into_iter().find_map(|message| match message {
        Loaded::Batch(batch) => batch.runs.into_iter().find(|(ix, _)| *ix == run),
        _ => None,
    });
    second.runs = made.into_iter().collect();
    shown.load(Loaded::Batch(Box::new(second)));
    render::text(&shown.draw())
}

#[test]
fn several_runs_open_in_the_table_unless_a_key_was_pressed_before_the_second_came() {
    let listed = second_run_later(None);
    assert!(listed.contains("STARTED"), "{listed}");
    let stays = second_run_later(Some("k"));
    assert!(
        stays.contains("TOOL / TEXT") && stays.contains("2 lists them"),
        "{stays}"
    );
}

#[test]
fn files_of_a_folder_that_are_not_shown_are_reported() {
    let notes = Options {
        notes: vec!["3 other JSON files not shown".to_owned()],
        ..options()
    };
    let shown = render::text(&render::script(&notes, load(TWO), (120, 30), ""));
    assert!(shown.contains("3 other JSON files not shown"), "{shown}");
}

/// The screen after a click on these words of its first lines.
fn clicked(words: &str) -> String {
    let failed = Options {
        failed: vec!["no-such.jsonl: not found".to_owned()],
        ..options()
    };
    let mut shown = Headless::new(&failed, (120, 30));
    for message in load(TWO) {
        shown.load(message);
    }
    let picture = render::text(&shown.draw());
    let lines = picture.lines().enumerate();
    let mut places = lines.filter_map(|(y, line)| Some((line.split_once(words)?.0.to_owned(), y)));
    let (before, y) = places.next().expect("these words");
    shown.point(Pointer::Click {
        x: before.chars().count() as u16,
        y: y as u16,
    });
    render::text(&shown.draw())
}

#[test]
fn the_first_lines_can_be_clicked() {
    assert!(clicked("1Str").contains("TOOL / TEXT"));
    assert!(clicked("? help").contains("keys of Runs"));
    assert!(clicked("! 1").contains("newest first"));
    assert!(!clicked("press / to filter").contains("press / to filter"));
}

#[test]
fn a_head_of_the_table_sorts_by_its_column_and_the_wheel_moves() {
    let mut shown = Headless::new(&options(), (120, 30));
    for message in load(TWO) {
        shown.load(message);
    }
    shown.draw();
    shown.point(Pointer::Click { x: 4, y: 3 });
    assert!(render::text(&shown.draw()).contains("sort:run"));
    shown.point(Pointer::WheelDown { x: 4, y: 8 });
    assert!(render::text(&shown.draw()).contains("preview: r2"));
}

#[test]
fn what_could_not_be_opened_is_reported_and_counted_until_it_is_read() {
    let failed = Options {
        failed: vec!["no-such\u{1b}.jsonl: not found".to_owned()],
        ..options()
    };
    let first = played(&failed, TWO, "");
    assert!(
        first.contains("✖ no-such␛.jsonl") && first.contains("! 1"),
        "{first}"
    );
    let after = played(&failed, TWO, "j");
    assert!(
        !after.contains("no-such") && after.contains("! 1"),
        "{after}"
    );
    let listed = played(&failed, TWO, "j !");
    assert!(listed.contains("no-such"), "{listed}");
    assert!(!played(&failed, TWO, "j ! q").contains("! 1"));
}

#[test]
fn a_key_of_ones_own_is_shown_where_keys_are_shown() {
    let mut keymap = options().keymap;
    keymap.rebind(
        "filter",
        &[crate::tui::keys::Key::parse("ctrl-o").expect("a key")],
    );
    let own = Options {
        keymap,
        ..options()
    };
    assert!(played(&own, TWO, "").contains("ctrl-o filter"));
    assert!(played(&own, TWO, "? ctrl-o filter").contains("ctrl-o"));
    assert!(!played(&own, TWO, "/ zzz").contains("zzz"));
}

#[test]
fn colours_are_changed_by_name_or_one_after_the_other() {
    assert!(screen(TWO, ":theme space light enter").contains("theme light"));
    assert!(screen(TWO, ":theme enter").contains("theme dark"));
    assert!(screen(TWO, ":theme enter :theme enter").contains("theme light"));
    assert!(screen(TWO, ":theme space pink enter").contains("'pink' is not a theme"));
}

#[test]
fn broken_lines_beside_one_run_are_no_second_run() {
    let broken = "{\"type\":\"prompt\" oops\n{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"x\"}\n";
    assert!(
        screen(broken, "").contains("TOOL / TEXT"),
        "{}",
        screen(broken, "")
    );
    assert!(screen(broken, "2").contains("1 run"));
}

#[test]
fn with_ascii_no_glyph_of_ours_is_left_and_the_words_of_the_trace_stay() {
    let ascii = Options {
        ascii: true,
        ..options()
    };
    let trace = "{\"type\":\"response\",\"run_id\":\"é\",\"id\":\"p\",\"content\":\"x\",\"model\":\"gpt-5\",\"usage\":{\"input_tokens\":900,\"output_tokens\":80}}\n{\"type\":\"prompt\",\"run_id\":\"r2\",\"id\":\"q\",\"content\":\"y\"}\n";
    for keys in ["", "z", "1", "?", ":", "ctrl-p"] {
        let shown = played(&ascii, trace, keys);
        let strange: String = shown
            .chars()
            .filter(|char| !char.is_ascii() && *char != 'é')
            .collect();
        assert_eq!(strange, "", "{keys}\n{shown}");
    }
    assert!(played(&ascii, trace, "").contains('é'));
}

fn run(name: &str) -> Named {
    Named {
        path: "trace.jsonl".into(),
        name: name.to_owned(),
    }
}

const FOUR: &str = concat!(
    "{\"type\":\"prompt\",\"run_id\":\"left\",\"id\":\"p\",\"content\":\"one\"}\n",
    "{\"type\":\"prompt\",\"run_id\":\"middle\",\"id\":\"q\",\"content\":\"two\"}\n",
    "{\"type\":\"prompt\",\"run_id\":\"right\",\"id\":\"r\",\"content\":\"three\"}\n",
    "{\"type\":\"prompt\",\"run_id\":\"right-2\",\"id\":\"s\",\"content\":\"four\"}\n",
);

#[test]
fn several_runs_that_are_named_are_kept_by_a_filter() {
    let named = |names: &[&str]| Options {
        start: names.iter().map(|name| run(name)).collect(),
        ..options()
    };
    let shown = played(&named(&["right", "lef"]), FOUR, "");
    assert_shown(
        &shown,
        &[
            "/ run=(\"right\"|\"left\")",
            "✓ 2 of 4 runs",
            "2 runs were named: the filter keeps them · D compares them",
        ],
    );
    // Their order is that of the sides.
    let compared = played(&named(&["right", "lef"]), FOUR, "4");
    assert_shown(&compared, &["A right", "B left"]);
    let cleared = played(&named(&["right", "left", "middle"]), FOUR, "/ ctrl-u enter");
    assert_shown(&cleared, &["4 runs"]);
    let stream = Options {
        view: Some(ScreenId::Stream),
        filter: Some("kind:prompt".to_owned()),
        ..named(&["right", "left"])
    };
    let shown = played(&stream, FOUR, "");
    assert_shown(
        &shown,
        &["/ (kind:prompt) run=(\"right\"|\"left\")", "✓ 2 of 4"],
    );
    let missing = played(&named(&["left", "nowhere"]), FOUR, "");
    assert_shown(&missing, &["no single run is named 'nowhere'", "1 / 1"]);
}

#[test]
fn an_action_that_is_named_wins_over_the_place_where_the_trace_was_left() {
    let mut left = options();
    left.setup.remembered.position = Some(Position {
        run: "r1".to_owned(),
        seq: 1,
        view: "stream".to_owned(),
        is_alone: false,
        filters: BTreeMap::new(),
    });
    assert!(played(&left, TWO, "").contains("1 / 2"));
    let named = Options {
        start: vec![run("r2:1")],
        ..left
    };
    let shown = played(&named, TWO, "");
    assert!(!shown.contains("1 / 2"), "{shown}");
}

const MANY: &str = concat!(
    "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"a\",\"content\":\"one\"}\n",
    "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"b\",\"content\":\"two\"}\n",
    "{\"type\":\"tool_call\",\"run_id\":\"r1\",\"id\":\"c\",\"tool\":\"ls\",\"args\":{}}\n",
    "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"d\",\"content\":\"four\"}\n",
);

#[test]
fn a_number_before_the_key_of_the_last_row_goes_to_that_action() {
    assert!(
        screen(MANY, "3G").contains("3 / 4"),
        "{}",
        screen(MANY, "3G")
    );
    assert!(screen(MANY, "3 G").contains("3 Replay") && !screen(MANY, "3 G").contains("3 / 4 ·"));
    let far = screen(MANY, "12 G");
    assert!(far.contains("no action 12 in this run"), "{far}");
    let waiting = screen(MANY, "12");
    assert!(waiting.contains("12 · G goes to this action"), "{waiting}");
    assert!(!screen(MANY, "12 esc").contains("goes to this action"));
}

#[test]
fn a_digit_alone_opens_its_view_before_the_next_key_acts() {
    assert!(screen(MANY, "2").contains("STARTED"));
    let sorted = screen(MANY, "2 s");
    assert!(sorted.contains("sort by"), "{sorted}");
    assert!(screen(MANY, "2enter").contains("STARTED"));
}

#[test]
fn a_key_without_effect_says_where_it_works_or_where_keys_are_listed() {
    let elsewhere = screen(MANY, "2 e");
    assert!(
        elsewhere.contains("e does nothing in Runs · ? lists the keys"),
        "{elsewhere}"
    );
    let cohorts = screen(MANY, "C");
    assert!(cohorts.contains("C (cohorts) works in Runs"), "{cohorts}");
    let filter = screen(MANY, "8 /");
    assert!(
        filter.contains("/ (filter) works in Stream, Runs and Alerts"),
        "{filter}"
    );
    assert!(!screen(MANY, "C !").contains("works in"));
}

#[test]
fn esc_goes_back_one_step_and_never_out_of_the_program() {
    let mut shown = Headless::new(&options(), (120, 30));
    for message in load(TWO) {
        shown.load(message);
    }
    for view in ["1", "3", "7", "8"] {
        shown.play(view);
        shown.play("esc");
        let back = render::text(&shown.draw());
        assert!(back.contains("STARTED"), "{view}\n{back}");
    }
    shown.play("esc");
    let first = render::text(&shown.draw());
    assert!(
        first.contains("this is the first view · q quits"),
        "{first}"
    );
}

#[test]
fn the_help_of_the_inspector_is_about_the_inspector() {
    let help = screen(MANY, "enter ?");
    assert!(help.contains("keys of the inspector"), "{help}");
    assert!(screen(MANY, "?").contains("keys of Stream"));
}

#[test]
fn a_run_that_was_opened_from_the_table_is_open_again_with_its_filter_and_esc_leads_back() {
    let mut left = options();
    left.setup.remembered.position = Some(Position {
        run: "r2".to_owned(),
        seq: 1,
        view: "stream".to_owned(),
        is_alone: true,
        filters: [("stream".to_owned(), "kind:prompt".to_owned())].into(),
    });
    let shown = played(&left, TWO, "");
    assert!(shown.contains("/ kind:prompt"), "{shown}");
    assert!(shown.contains("this run only · 1 of 1"), "{shown}");
    assert!(played(&left, TWO, "esc").contains("this run only · 1 action"));
    assert!(played(&left, TWO, "esc esc").contains("STARTED"));
}

#[test]
fn every_command_can_be_run_from_the_palette_of_every_view() {
    for (at, view) in views().enumerate() {
        let mut shown = Headless::new(&options(), (80, 24));
        for message in load(TWO) {
            shown.load(message);
        }
        let tab = view.tab.map(|tab| tab.number).expect("a view has a tab");
        for (number, entry) in COMMANDS.iter().enumerate() {
            // Commands of other views are only refused: each view tries a tenth of them.
            if !entry.is_for(view.id) && number % 10 != at {
                continue;
            }
            shown.play(&format!("{tab} :"));
            shown.paste(entry.name);
            shown.play("enter esc esc");
        }
    }
}
