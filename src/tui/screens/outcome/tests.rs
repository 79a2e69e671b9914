use std::sync::Arc;

use crate::analysis::runs::{Key as SortKey, Order};
use crate::base::clock::Fixed;
use crate::ingest::Loaded;
use crate::model::action::Status;
use crate::model::run::RunStatus;
use crate::query;
use crate::tui::render::{self, Headless};
use crate::tui::screen::id::ScreenId;
use crate::tui::screens::outcome::{run_word, status_word};
use crate::tui::testing::{load, options};
use crate::tui::{Alert, Options, Setup};

/// 2026-11-25T10:00:00Z, in microseconds.
const TEN: i64 = 1_795_600_800_000_000;
const SECOND: i64 = 1_000_000;

const ASKED: &str = "\
{\"type\":\"prompt\",\"run_id\":\"r1\",\"ts\":\"2026-11-25T10:00:00Z\",\"id\":\"p\",\"content\":\"go\"}
{\"type\":\"tool_call\",\"run_id\":\"r1\",\"ts\":\"2026-11-25T10:00:01Z\",\"id\":\"c\",\"tool\":\"escalate\"}
{\"type\":\"approval\",\"run_id\":\"r1\",\"ts\":\"2026-11-25T10:00:02Z\",\"call_id\":\"c\",\"state\":\"requested\"}
{\"type\":\"prompt\",\"run_id\":\"r2\",\"ts\":\"2026-11-25T10:00:03Z\",\"id\":\"p\",\"content\":\"wait\"}
{\"type\":\"tool_call\",\"run_id\":\"r3\",\"ts\":\"2026-11-25T10:00:04Z\",\"id\":\"c\",\"tool\":\"bash\"}
{\"type\":\"prompt\",\"run_id\":\"r4\",\"ts\":\"2026-11-25T10:00:05Z\",\"id\":\"p\",\"content\":\"over\"}
{\"type\":\"run_end\",\"run_id\":\"r4\",\"ts\":\"2026-11-25T10:00:06Z\",\"status\":\"ok\"}
";

/// A followed trace, seen `after` seconds past ten o'clock.
fn followed(after: i64, size: (u16, u16), keys: &str) -> String {
    let options = Options {
        live: true,
        clock: Arc::new(Fixed(TEN + after * SECOND)),
        ..options()
    };
    let mut shown = Headless::new(&options, size);
    for message in load(ASKED) {
        shown.load(message);
    }
    shown.play(keys);
    render::text(&shown.draw())
}

#[track_caller]
fn check_outcomes(picture: &str, expected: [&str; 4]) {
    for (run, outcome) in ["r1", "r2", "r3", "r4"].into_iter().zip(expected) {
        let mut lines = picture.lines();
        let line = lines.find(|line| line.trim_start().starts_with(run));
        let line = line.unwrap_or_else(|| panic!("no {run} in\n{picture}"));
        assert!(line.ends_with(outcome), "{line}");
    }
}

#[test]
fn a_run_that_is_followed_says_how_it_stands() {
    check_outcomes(
        &followed(43, (120, 30), "2"),
        ["‖ waiting 0:41", "▶ running", "▶ running 0:39", "✓ ok"],
    );
    check_outcomes(
        &followed(43, (80, 24), "2"),
        ["‖ 0:41", "▶ running", "▶ running", "✓ ok"],
    );
    check_outcomes(
        &followed(3600, (120, 30), "2"),
        ["‖ waiting 59:58", "· idle 59m", "~ silent 59m", "✓ ok"],
    );
}

#[test]
fn what_is_not_followed_says_no_more_than_its_trace() {
    let mut shown = Headless::new(&options(), (120, 30));
    for message in load(ASKED) {
        shown.load(message);
    }
    shown.play("2");
    check_outcomes(
        &render::text(&shown.draw()),
        ["… open", "—", "… open", "✓ ok"],
    );
}

#[test]
fn the_stream_shows_the_state_of_the_run_and_open_calls_have_a_clock() {
    let picture = followed(43, (120, 30), "1 g j");
    let header = picture.lines().next().unwrap_or_default();
    assert!(header.contains("‖ waiting 0:41 · go"), "{header}");
    let call = picture.lines().find(|line| line.contains("⚙ escalate"));
    assert!(call.is_some_and(|line| line.contains("0:41")), "{picture}");
    let later = followed(3 * 3600, (120, 30), "1 g j");
    assert!(later.contains("‖ waiting 2h59m · go"), "{later}");
    let ended = followed(43, (120, 30), "1 G");
    assert!(ended.contains("ended: ok · over"), "{ended}");
}

#[test]
fn the_overview_says_what_each_run_does_and_what_was_active_last_is_on_top() {
    let options = Options {
        live: true,
        view: Some(ScreenId::Runs),
        clock: Arc::new(Fixed(TEN + 43 * SECOND)),
        setup: Setup {
            overview: true,
            order: Order {
                key: SortKey::Active,
                falling: true,
            },
            ..Setup::default()
        },
        ..options()
    };
    let mut shown = Headless::new(&options, (120, 30));
    for message in load(ASKED) {
        shown.load(message);
    }
    let picture = render::text(&shown.draw());
    let place = |words: &str| {
        picture
            .find(words)
            .unwrap_or_else(|| panic!("{words}\n{picture}"))
    };
    assert!(place("DOING NOW") < place("\"over\""));
    assert!(place("▶ running 0:39") < place("‖ waiting 0:41"));
    let line = picture.lines().find(|line| line.contains("waiting 0:41"));
    assert!(
        line.is_some_and(|line| line.contains("escalate")),
        "{picture}"
    );
}

#[test]
fn the_user_is_called_once_for_a_run_that_begins_to_wait() {
    let called = |alert: Option<Alert>| {
        let options = Options {
            live: true,
            clock: Arc::new(Fixed(TEN + 43 * SECOND)),
            setup: Setup {
                alert,
                ..Setup::default()
            },
            ..options()
        };
        let mut shown = Headless::new(&options, (120, 30));
        shown.load(Loaded::Done);
        for message in load(ASKED) {
            shown.load(message);
        }
        shown.alerts().to_vec()
    };
    assert_eq!(called(Some(Alert::Bell)), ["an agent waits for a person"]);
    assert!(called(None).is_empty());
}

#[test]
fn every_word_for_a_status_is_accepted_by_filters() {
    let means = |shown: &str, word: &str| {
        let filter = query::parse(&format!("status:\"{shown}\"")).expect("a word on the screen");
        assert_eq!(filter.to_string(), format!("status:{word}"));
    };
    for status in Status::ALL.iter().filter(|it| **it != Status::Unrecorded) {
        means(status_word(*status, false), status.word());
    }
    for status in RunStatus::ALL
        .iter()
        .filter(|it| **it != RunStatus::Unknown)
    {
        let (full, short) = run_word(*status);
        means(full, status.word());
        means(short, status.word());
    }
    assert!(query::parse("is:waiting").is_ok());
}

#[test]
fn the_words_of_a_followed_run_are_not_cut_in_a_narrow_column() {
    let shown = followed(291 * 24 * 3600, (80, 24), "2");
    assert!(shown.contains(" idle 290d\n"), "{shown}");
}
