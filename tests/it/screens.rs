//! What a user sees: a script of keys on a sample, and the picture that it ends with.

mod explorer;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::{Strategy, prop, proptest};
use proptest::test_runner::Config;
use saferun_tui::base::clock::Fixed;
use saferun_tui::ingest::intake::{self, Options as Loading};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::ingest::{Loaded, discover};
use saferun_tui::tui::render::{self, Headless};
use saferun_tui::tui::theme::ColorChoice;
use saferun_tui::tui::{Options, Setup, keys};

use crate::support::harmless;

const REFUND: &str = "saferun/refund-agent.jsonl";
const NIGHT: &str = "saferun/ops-night.jsonl";
const LANES: &str = "claude-code/5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34.jsonl";
const CODEX: &str = "codex/rollout-2026-11-17T18-40-03-019a9d3e-5c41-7b02-9f6e-3d2c8a417e55.jsonl";

const COHORT: &str = "refund-cohort/model-a.jsonl";

const WIDE: (u16, u16) = (120, 36);
const USUAL: (u16, u16) = (80, 24);
const NARROW: (u16, u16) = (40, 10);
const LARGE: (u16, u16) = (160, 45);
const SMALL: (u16, u16) = (60, 15);

/// Opens everything that a user can open, and comes back from most of it.
const TOUR: &str = "j j enter l l l l j j ctrl-d G backtab tab tab tab \\ k \\ esc G e E b B t T } { \
                    / status:blocked enter j esc / costt>1 enter esc / a enter esc s G s ? j j / turn enter \
                    q q D 4 n N d u z tab j i esc m h = j = esc l I z u G enter enter q 2 j z z enter space s S C j k enter tab o q enter q q s f f p r x m tab esc q / is:error enter enter q 1 space [ ] : nex tab enter : enter ctrl-p esc ! j q ctrl-g ? g j ctrl-u ctrl-l pageup home end enter backspace delete left right up down";

/// A day after the samples.
const NOW: i64 = 1_795_478_400_000_000;

fn options(title: &str) -> Options {
    Options {
        title: title.to_owned(),
        color: ColorChoice::Never,
        clock: Arc::new(Fixed(NOW)),
        ..Options::default()
    }
}

fn messages(path: &Path) -> Vec<Loaded> {
    let found = discover::resolve(&[path.to_owned()], discover::Shown::AllJson);
    let (inputs, errors) = (found.inputs, found.errors);
    assert!(errors.is_empty(), "{errors:?}");
    intake::load(inputs, Loading::new(PriceTable::built_in()))
        .into_iter()
        .collect()
}

fn opened(name: &str, size: (u16, u16)) -> Headless {
    let mut screen = Headless::new(&options(name), size);
    // The path is shown on the screen, so it must be the same on every machine.
    for message in messages(&Path::new("sample-traces").join(name)) {
        screen.load(message);
    }
    screen
}

fn screen(name: &str, size: (u16, u16), keys: &str) -> String {
    let mut screen = opened(name, size);
    screen.play(keys);
    render::text(&screen.draw())
}

/// A picture at three sizes, for `name__size`.
fn pictures(name: &str, trace: &str, keys: &str) {
    for (size, word) in [(WIDE, "wide"), (USUAL, "usual"), (NARROW, "narrow")] {
        insta::with_settings!({ description => keys, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}__{word}"), screen(trace, size, keys));
        });
    }
}

#[test]
fn the_start_shows_the_first_rows() {
    pictures("start", REFUND, "");
}

#[test]
fn a_step_shows_its_state_and_what_the_model_saw() {
    pictures("replay", REFUND, "3 b l l");
    pictures("replay_unfolded", CODEX, "3 G c");
}

#[test]
fn a_filter_leaves_what_it_names() {
    pictures("blocked", REFUND, "/ status:blocked enter");
}

#[test]
fn the_inspector_has_a_tab_for_each_question() {
    pictures("opened", REFUND, "b enter");
    pictures("tab_two", REFUND, "b enter l");
    pictures("tab_three", REFUND, "b enter l l");
    pictures("tab_four", REFUND, "b enter l l l");
}

#[test]
fn the_help_lists_every_key() {
    views("help", REFUND, "?");
    views("help_runs", NIGHT, "? / group");
    let tabs = saferun_tui::tui::screens::views().filter_map(|info| info.tab);
    let listed: String = tabs
        .map(|tab| screen(REFUND, (120, 240), &format!("{} ?", tab.number)))
        .collect();
    for entry in keys::COMMANDS {
        assert!(listed.contains(entry.help), "{}\n{listed}", entry.help);
    }
}

#[test]
fn the_jumps_find_the_errors() {
    pictures("error", NIGHT, "1 g e");
    pictures("second_error", NIGHT, "1 g e e");
}

#[test]
fn a_broken_line_keeps_its_place_and_says_what_is_wrong() {
    pictures("broken_line", NIGHT, "1 / kind:malformed enter enter");
}

#[test]
fn subagents_have_their_lanes() {
    pictures("lanes", LANES, "");
    pictures("lanes_middle", LANES, "} } }");
}

#[test]
fn a_codex_session_reads_like_the_others() {
    pictures("codex", CODEX, "G");
}

/// A picture at the four sizes that the screens around the stream are drawn for.
fn views(name: &str, trace: &str, keys: &str) {
    at_all_sizes(name, keys, |size| screen(trace, size, keys));
}

fn at_all_sizes(name: &str, keys: &str, draw: impl Fn((u16, u16)) -> String) {
    for (size, word) in [
        (LARGE, "large"),
        (WIDE, "wide"),
        (USUAL, "usual"),
        (SMALL, "small"),
    ] {
        insta::with_settings!({ description => keys, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}__{word}"), draw(size));
        });
    }
}

#[test]
fn what_agents_left_on_the_machine_is_offered() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for (from, folder, age) in [
        (LANES, ".claude/projects/-work-weather", 1),
        (CODEX, ".codex/sessions/2026/11", 30),
    ] {
        let folder = home.path().join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let to = folder.join("run.jsonl");
        std::fs::copy(Path::new("sample-traces").join(from), &to).expect("copied");
        let written =
            UNIX_EPOCH + Duration::from_micros(NOW as u64) - Duration::from_secs(3600 * age);
        let file = std::fs::File::options()
            .write(true)
            .open(to)
            .expect("a file");
        file.set_modified(written).expect("a time");
    }
    let offered = Options {
        recent: true,
        setup: Setup {
            homes: Some(saferun_tui::ingest::recent::Homes::below(home.path())),
            ..Setup::default()
        },
        ..options("")
    };
    at_all_sizes("recent", "", |size| {
        render::text(&Headless::new(&offered, size).draw())
    });
}

#[test]
fn several_runs_open_in_a_table_with_the_newest_selected() {
    views("runs", NIGHT, "");
}

#[test]
fn runs_are_grouped_sorted_and_paired() {
    views("runs_grouped", COHORT, "s space j space s s z z");
    views("runs_filtered", COHORT, "/ is:error enter");
    views("runs_none", COHORT, "/ model:gpt-6 enter");
}

#[test]
fn two_runs_are_compared_side_by_side_or_one_below_the_other() {
    views("diff", COHORT, "space j space D");
    views("diff_fields", COHORT, "space j space D n n tab");
}

#[test]
fn the_palette_offers_commands_and_what_they_take() {
    views("palette", REFUND, ":");
    views("palette_filter", NIGHT, ":runs space model:");
    views("files", NIGHT, "ctrl-p");
}

#[test]
fn messages_are_listed() {
    views("notices", REFUND, ": go-to space first enter !");
}

#[test]
fn an_opened_run_is_the_only_one_in_the_stream() {
    views("runs_opened", NIGHT, "j enter");
}

#[test]
fn every_sample_is_drawn_at_every_small_size_and_some_odd_ones() {
    let small = (1..=10).flat_map(|width| (1..=10).map(move |height| (width, height)));
    let odd = [
        (200, 60),
        (500, 3),
        (3, 200),
        (39, 7),
        (40, 8),
        (41, 9),
        (300, 100),
    ];
    for (at, name) in [NIGHT, REFUND, LANES, CODEX].into_iter().enumerate() {
        let mut screen = opened(name, USUAL);
        // One tour on all small sizes: a size changes under a screen that is in any state.
        let mut sizes = small.clone().cycle();
        for key in TOUR.split_whitespace() {
            for size in sizes.by_ref().take(7) {
                screen.resize(size);
                screen.draw();
            }
            screen.play(key);
        }
        // The first sample takes all odd sizes; the others share them.
        let shared = |number: usize| at == 0 || number % 3 == at - 1;
        for (_, size) in odd.iter().enumerate().filter(|(number, _)| shared(*number)) {
            let mut screen = opened(name, *size);
            screen.play(TOUR);
            harmless(&render::text(&screen.draw()));
        }
    }
}

fn any_keys() -> impl Strategy<Value = Vec<String>> {
    let named = keys::COMMANDS.iter().flat_map(keys::Entry::keys);
    let mut known: Vec<String> = named.map(str::to_owned).collect();
    known.extend(["backspace", "left", "7", "tool:", "-", "\"", "refund", "é"].map(str::to_owned));
    prop::collection::vec(prop::sample::select(known), 0..40)
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_keys_at_any_size_leave_a_picture(
        keys in any_keys(),
        first in (1_u16..130, 1_u16..40),
        second in (1_u16..130, 1_u16..40),
    ) {
        let mut screen = opened(NIGHT, first);
        screen.play(&keys.join(" "));
        screen.resize(second);
        screen.draw();
        let shown = screen.draw();
        screen.resize(first);
        screen.draw();
        screen.resize(second);
        // A size that came and went leaves no trace but the place of the window.
        assert_eq!(screen.draw().area, shown.area);
        harmless(&render::text(&screen.draw()));
    }
}
