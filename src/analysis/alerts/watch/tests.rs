use std::sync::Arc;

use super::{Event, Watch};
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::Rules;
use crate::analysis::alerts::state::{Book, Mark, State};
use crate::base::cancel::CancelFlag;
use crate::query::Context;
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
    let text = "[[rule]]\nid = \"loop\"\ndetector = \"repeat\"\n";
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
