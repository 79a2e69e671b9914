use crate::ingest::Loaded;
use crate::tui::Options;
use crate::tui::render::{self, Headless};
use crate::tui::shell::Pointer;
use crate::tui::testing::{load, options, played, screen};

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
fn loading_is_told_with_numbers_and_stopped_by_a_key() {
    let mut shown = unfinished();
    let loading = render::text(&shown.draw());
    assert!(loading.contains("indexing 100 %"), "{loading}");
    shown.play("ctrl-g");
    let stopped = render::text(&shown.draw());
    assert!(stopped.contains("stopped at 100 %"), "{stopped}");
    assert!(screen(TWO, "ctrl-g").contains("nothing is being loaded"));
}

#[test]
fn a_second_run_that_comes_later_is_told_and_nothing_jumps() {
    let mut shown = Headless::new(&options(), (120, 30));
    let one = "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"p\",\"content\":\"x\"}\n";
    for message in load(one) {
        if !matches!(message, Loaded::Done | Loaded::Finished { .. }) {
            shown.load(message);
        }
    }
    shown.draw();
    let mut second = crate::ingest::Batch::default();
    let run = crate::model::run::RunIx(1);
    let made = load(TWO).into_iter().find_map(|message| match message {
        Loaded::Batch(batch) => batch.runs.into_iter().find(|(ix, _)| *ix == run),
        _ => None,
    });
    second.runs = made.into_iter().collect();
    shown.load(Loaded::Batch(Box::new(second)));
    let shown = render::text(&shown.draw());
    assert!(
        shown.contains("TOOL / TEXT") && shown.contains("2 lists them"),
        "{shown}"
    );
}

#[test]
fn a_click_on_a_tab_shows_its_view() {
    let mut shown = Headless::new(&options(), (120, 30));
    for message in load(TWO) {
        shown.load(message);
    }
    let header = render::text(&shown.draw());
    let header = header.lines().next().unwrap_or_default();
    let before = header.split("1 Stream").next().unwrap_or_default();
    shown.point(Pointer::Click {
        x: before.chars().count() as u16,
        y: 0,
    });
    assert!(render::text(&shown.draw()).contains("TOOL / TEXT"));
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
fn what_could_not_be_opened_is_told_and_counted_until_it_is_looked_up() {
    let told = Options {
        told: vec!["no-such\u{1b}.jsonl: not found".to_owned()],
        ..options()
    };
    let first = played(&told, TWO, "");
    assert!(
        first.contains("✖ no-such␛.jsonl") && first.contains("! 1"),
        "{first}"
    );
    let after = played(&told, TWO, "j");
    assert!(
        !after.contains("no-such") && after.contains("! 1"),
        "{after}"
    );
    let listed = played(&told, TWO, "j !");
    assert!(listed.contains("no-such"), "{listed}");
    assert!(!played(&told, TWO, "j ! q").contains("! 1"));
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
