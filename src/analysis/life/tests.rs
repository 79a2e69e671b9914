use super::{Arrival, HOUR, Life, MINUTE, Pulse, Rate, SECOND};
use crate::model::action::SourceIx;
use crate::model::run::{RunIx, RunStatus};
use crate::store::Store;
use crate::store::testing::load;

/// 2026-11-25T10:00:00Z, the time of the first line of each trace here.
const TEN: i64 = 1_795_600_800_000_000;

fn line(second: u32, more: &str) -> String {
    format!("{{\"run_id\":\"r\",\"ts\":\"2026-11-25T10:00:{second:02}Z\",{more}}}\n")
}

fn prompt() -> String {
    line(0, r#""type":"prompt","id":"p","content":"go""#)
}

fn call() -> String {
    line(1, r#""type":"tool_call","id":"c","tool":"t""#)
}

/// A store that was loaded while followed, at time `at`.
fn load_followed(trace: &str, at: i64) -> (Store, Pulse) {
    let store = load(trace);
    let mut pulse = Pulse::default();
    pulse.begin(at);
    see_all(&mut pulse, &store, at);
    (store, pulse)
}

fn see_all(pulse: &mut Pulse, store: &Store, at: i64) {
    let arrival = Arrival {
        rows: 0..store.len(),
        settled: &[],
        runs: &[RunIx(0)],
    };
    pulse.see(store, &arrival, at);
}

#[track_caller]
fn check(trace: &str, after: i64, expected: Life) {
    let (store, pulse) = load_followed(trace, TEN + 2 * SECOND);
    let now = TEN + 2 * SECOND + after;
    assert_eq!(pulse.life(&store, RunIx(0), now), expected);
}

#[test]
fn the_state_depends_on_what_is_open_and_then_on_how_long_it_is_quiet() {
    check(&prompt(), SECOND, Life::Busy);
    check(&prompt(), 4 * MINUTE, Life::Idle(4 * MINUTE));
    let called = prompt() + &call();
    check(&called, 40 * SECOND, Life::Running(41 * SECOND));
    check(&called, 12 * MINUTE, Life::Silent(12 * MINUTE));
    let answered = called.clone() + &line(2, r#""type":"tool_result","call_id":"c","status":"ok""#);
    check(&answered, MINUTE, Life::Idle(MINUTE));
    let asked = called
        + &line(
            2,
            r#""type":"approval","call_id":"c","state":"requested","by":"oncall""#,
        );
    check(&asked, 41 * SECOND, Life::Waiting(41 * SECOND));
    // A person may take hours.
    check(&asked, 3 * HOUR, Life::Waiting(3 * HOUR));
}

#[test]
fn a_recorded_end_decides() {
    let ended = prompt() + &call() + &line(2, r#""type":"run_end","status":"ok""#);
    check(&ended, HOUR, Life::Recorded(RunStatus::Ok));
    // Even one that does not record an outcome.
    let ended = prompt() + &line(2, r#""type":"run_end""#);
    check(&ended, HOUR, Life::Recorded(RunStatus::Unknown));
}

#[test]
fn a_run_is_abandoned_when_its_writer_goes_away() {
    let (store, mut pulse) = load_followed(&(prompt() + &call()), TEN + SECOND);
    let life = |pulse: &Pulse| pulse.life(&store, RunIx(0), TEN + 2 * SECOND);
    pulse.miss(SourceIx(0), true);
    assert_eq!(life(&pulse), Life::Gone);
    pulse.miss(SourceIx(0), false);
    assert_eq!(life(&pulse), Life::Running(SECOND));
    pulse.end();
    assert_eq!(life(&pulse), Life::Gone);
}

#[test]
fn existing_data_is_as_old_as_its_recorded_times() {
    let store = load(&prompt());
    let mut pulse = Pulse::default();
    see_all(&mut pulse, &store, TEN + 3 * HOUR);
    pulse.begin(TEN + 3 * HOUR);
    let life = pulse.life(&store, RunIx(0), TEN + 3 * HOUR);
    assert_eq!(life, Life::Idle(3 * HOUR));
    // Without any time, the state is unknown.
    let store = load("{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"go\"}\n");
    let life = Pulse::default().life(&store, RunIx(0), TEN);
    assert_eq!(life, Life::Recorded(RunStatus::Unknown));
}

#[test]
fn only_open_actions_have_a_clock() {
    let (store, pulse) = load_followed(&(prompt() + &call()), TEN + 2 * SECOND);
    let clock = |ix| {
        pulse.clock(
            &store.row(crate::model::action::ActionIx(ix)),
            TEN + 9 * SECOND,
        )
    };
    assert_eq!((clock(0), clock(1)), (None, Some(8 * SECOND)));
}

#[test]
fn ignores_recorded_times_in_the_future() {
    let (store, pulse) = load_followed(&(prompt() + &call()), TEN - HOUR);
    let now = TEN - HOUR + 5 * SECOND;
    assert_eq!(pulse.life(&store, RunIx(0), now), Life::Running(5 * SECOND));
}

#[test]
fn the_context_is_that_of_the_last_call_if_its_window_is_known() {
    let response = |model: &str, tokens: u32| {
        line(
            1,
            &format!(
                "\"type\":\"response\",\"id\":\"m{tokens}\",\"model\":\"{model}\",\"content\":\"x\",\
                 \"usage\":{{\"input_tokens\":{tokens},\"output_tokens\":5}}"
            ),
        )
    };
    let filled = |trace: String| {
        let (store, pulse) = load_followed(&trace, TEN);
        pulse.context(&store, RunIx(0))
    };
    assert_eq!(
        filled(response("gpt-4o", 1000) + &response("gpt-4o", 64_000)),
        Some(50)
    );
    assert_eq!(filled(response("unknown-model", 64_000)), None);
    assert_eq!(filled(prompt()), None);
}

#[test]
fn rates_cover_the_last_minute_or_as_much_as_was_observed() {
    let mut rate = Rate::default();
    rate.begin(TEN);
    for second in 0..10 {
        rate.add(TEN + second * SECOND, 20, 1_000_000_000_000);
    }
    let at = |seconds: i64| TEN + seconds * SECOND;
    assert!((rate.actions_per_second(at(9)) - 20.0).abs() < 1e-9);
    assert_eq!(rate.usd_per_minute(at(9)), None);
    // 10 US$ in what is now half a minute.
    assert_eq!(rate.usd_per_minute(at(29)), Some(20.0));
    assert_eq!(rate.usd_per_minute(at(59)), Some(10.0));
    assert!(rate.is_quiet(at(69)) && !rate.is_quiet(at(68)));
    assert!(rate.actions_per_second(at(70)).abs() < 1e-9);
}

#[test]
fn the_text_changes_with_the_next_second_or_minute() {
    assert_eq!(
        Life::Running(5 * SECOND + 300_000).changes_in(),
        Some(700_000)
    );
    assert_eq!(
        Life::Idle(4 * MINUTE + SECOND).changes_in(),
        Some(59 * SECOND)
    );
    assert_eq!(
        Life::Waiting(2 * HOUR + SECOND).changes_in(),
        Some(59 * SECOND)
    );
    assert_eq!(Life::Gone.changes_in(), None);
}
