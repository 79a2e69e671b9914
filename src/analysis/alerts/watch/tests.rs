use std::sync::Arc;

use super::{Traces, Watch};
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::Rules;
use crate::analysis::alerts::state::{Book, Event, Mark, State};
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::query::Context;
use crate::store::Store;
use crate::store::testing::load;

/// A run that makes the same call `times` times, then `more` new calls, and may end.
fn trace(times: usize, more: usize, ends: bool) -> String {
    let mut lines = vec![
        r#"{"type":"run_start","run_id":"r1","agent":"desk","ts":"2026-11-22T10:00:00Z"}"#
            .to_owned(),
    ];
    for n in 0..times + more {
        let order = if n < times { 7 } else { 100 + n };
        lines.push(format!(
            r#"{{"type":"tool_call","run_id":"r1","id":"c{n}","tool":"refund","args":{{"order":{order}}}}}"#
        ));
        lines.push(format!(
            r#"{{"type":"tool_result","run_id":"r1","call_id":"c{n}","status":"ok","result":"still {order}"}}"#
        ));
        lines.push(format!(
            r#"{{"type":"response","run_id":"r1","id":"m{n}","content":"text {n}"}}"#
        ));
    }
    if ends {
        lines.push(r#"{"type":"run_end","run_id":"r1","status":"ok"}"#.to_owned());
    }
    lines.join("\n")
}

/// Looks at each trace in turn, as if one had grown into the next; returns what was reported, old news in brackets.
fn told(book: &mut Book, traces: &[(usize, usize, bool)]) -> Vec<String> {
    told_by(
        "[[rule]]\nid = \"loop\"\ndetector = \"repeat\"\n",
        book,
        traces,
    )
}

fn told_by(text: &str, book: &mut Book, traces: &[(usize, usize, bool)]) -> Vec<String> {
    let rules = Arc::new(Rules::read(text).expect("rules"));
    let mut watch = Watch::default();
    let mut all = Vec::new();
    for (second, (times, more, ends)) in (0..).zip(traces) {
        let store = load(&trace(*times, *more, *ends));
        let context = Context::default();
        let known = (Arc::from([]), &context);
        let overlay = Overlay::new(&store, &rules, known, &CancelFlag::new());
        for news in watch.look((&store, &overlay), book, second) {
            let word = news.event.word();
            all.push(if news.is_old {
                format!("({word})")
            } else {
                word.to_owned()
            });
        }
    }
    all
}

#[test]
fn it_fires_gets_worse_and_is_resolved_when_the_streak_is_over() {
    let mut book = Book::new();
    let seen = told(
        &mut book,
        &[
            (1, 0, false),
            (3, 0, false),
            (5, 0, false),
            (5, 2, false),
            (5, 4, false),
        ],
    );
    assert_eq!(seen, ["fire", "worse", "resolve"]);
    let kept = book.alerts.values().next().expect("an alert");
    assert_eq!(kept.machine.state, State::Resolved);
    assert_eq!((kept.rule.as_str(), kept.value.as_str()), ("loop", "×5"));
}

#[test]
fn a_sudden_trip_is_reported_once_and_the_end_of_the_run_resolves_it() {
    let mut book = Book::new();
    let seen = told(&mut book, &[(1, 0, false), (5, 0, false), (5, 0, true)]);
    assert_eq!(seen, ["fire", "resolve"]);
}

#[test]
fn an_alert_from_before_is_old_news_until_it_gets_worse() {
    let mut book = Book::new();
    let seen = told(&mut book, &[(4, 0, false), (5, 0, false), (5, 0, true)]);
    assert_eq!(seen, ["(fire)", "worse", "resolve"]);
    let seen = told(&mut Book::new(), &[(5, 0, false), (5, 0, true)]);
    assert_eq!(seen, ["(fire)", "(resolve)"]);
}

#[test]
fn a_restarted_program_continues_where_the_last_one_was() {
    let mut book = Book::new();
    assert_eq!(told(&mut book, &[(1, 0, false), (3, 0, false)]), ["fire"]);
    assert_eq!(told(&mut book, &[(3, 0, false), (5, 0, false)]), ["worse"]);
}

#[test]
fn a_match_is_resolved_when_it_does_not_recur() {
    let text = "[[rule]]\nid = \"m\"\ndetector = \"match\"\nwhen = \"args.order=7\"\ncount = 3\nseverity = \"trip\"\n";
    let grows = [(1, 0, false), (3, 0, false), (3, 2, false), (3, 3, false)];
    let seen = told_by(text, &mut Book::new(), &grows);
    assert_eq!(seen, ["fire", "resolve"]);
}

#[test]
fn a_pause_fires_by_the_clock_and_is_resolved_when_the_run_continues() {
    let text = "[[rule]]\nid = \"stuck\"\ndetector = \"budget\"\nidle = \"1h\"\n";
    let rules = Arc::new(Rules::read(text).expect("rules"));
    let call = r#"{"type":"tool_call","run_id":"r1","agent":"desk","ts":"2026-11-22T10:01:00Z","id":"c","tool":"t","args":{}}"#;
    let answer = r#"{"type":"response","run_id":"r1","agent":"desk","ts":"2026-11-22T11:31:00Z","id":"m","content":"on"}"#;
    let (short, long) = (call.to_owned(), [call, answer, answer, answer].join("\n"));
    let (context, cancel) = (Context::default(), CancelFlag::new());
    let store = load(&short);
    let began = store.row(ActionIx(0)).time().0;
    let at = |seconds: i64| Time(began + seconds * 1_000_000);
    let known = (Arc::from([]), &context);
    let overlay = Overlay::new(&store, &rules, known, &cancel);
    let early = overlay.at(at(1800), (&store, &context), &cancel);
    let (mut watch, mut book) = (Watch::default(), Book::new());
    let mut look = |store: &Store, overlay: &Overlay| {
        let news = watch.look((store, overlay), &mut book, 0);
        news.into_iter().map(|it| it.event).collect::<Vec<_>>()
    };
    assert_eq!(look(&store, &early), []);
    let late = early.at(at(5340), (&store, &context), &cancel);
    assert_eq!(look(&store, &late), [Event::Fire]);
    // The pause is reported once, however often the clock is read.
    let later = late.at(at(5370), (&store, &context), &cancel);
    assert_eq!(look(&store, &later), []);
    let store = load(&long);
    let on = later.at(at(5430), (&store, &context), &cancel);
    assert_eq!(look(&store, &on), [Event::Resolve]);
}

#[test]
fn an_acknowledgement_is_passed_on_once() {
    let mut book = Book::new();
    let text = "[[rule]]\nid = \"loop\"\ndetector = \"repeat\"\n";
    let rules = Arc::new(Rules::read(text).expect("rules"));
    let (mut watch, context) = (Watch::default(), Context::default());
    let mut look = |book: &mut Book, times| {
        let store = load(&trace(times, 0, false));
        let known = (Arc::from([]), &context);
        let overlay = Overlay::new(&store, &rules, known, &CancelFlag::new());
        let news = watch.look((&store, &overlay), book, 0);
        news.into_iter().map(|it| it.event).collect::<Vec<_>>()
    };
    assert_eq!(look(&mut book, 1), []);
    assert_eq!(look(&mut book, 3), [Event::Fire]);
    let key = book.alerts.keys().next().cloned().expect("a key");
    book.mark(&key, &Mark::Ack(Some("lead".to_owned())));
    assert_eq!(look(&mut book, 3), [Event::Acknowledge]);
    assert_eq!(look(&mut book, 3), []);
}

#[test]
fn a_run_without_times_and_end_is_over_an_hour_after_its_last_action() {
    let text = trace(5, 0, false).replace(",\"ts\":\"2026-11-22T10:00:00Z\"", "");
    let rules = "[[rule]]\nid = \"loop\"\ndetector = \"repeat\"\n";
    let rules = Arc::new(Rules::read(rules).expect("rules"));
    let (store, context) = (load(&text), Context::default());
    let known = (Arc::from([]), &context);
    let overlay = Overlay::new(&store, &rules, known, &CancelFlag::new());
    let why = overlay.alerts()[0].why(&store);
    assert!(why.ends_with(" · no times recorded"), "{why}");
    let events = |watch: &mut Watch, book: &mut Book, now| {
        let news = watch.look((&store, &overlay), book, now);
        news.into_iter().map(|it| it.event).collect::<Vec<_>>()
    };
    let (mut watch, mut book) = (Watch::default(), Book::new());
    assert_eq!(events(&mut watch, &mut book, 100), [Event::Fire]);
    assert_eq!(events(&mut watch, &mut book, 3699), []);
    assert_eq!(events(&mut watch, &mut book, 3700), [Event::Resolve]);
    // A file that is only read does not grow.
    let mut read = Watch {
        traces: Traces::Read,
        ..Watch::default()
    };
    let seen = events(&mut read, &mut Book::new(), 100);
    assert_eq!(seen, [Event::Fire, Event::Resolve]);
}

#[test]
fn an_alert_that_was_over_before_watching_began_is_resolved_at_once() {
    let seen = told(&mut Book::new(), &[(5, 4, false)]);
    assert_eq!(seen, ["(fire)", "(resolve)"]);
}
