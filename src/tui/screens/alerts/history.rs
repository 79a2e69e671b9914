//! The lower part: what the rule of the selected alert would have stopped and saved, or when it went off.

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::backtest::Backtest;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::shown;
use crate::analysis::alerts::trail::Trail;
use crate::base::{human, text};
use crate::tui::alerting::Evaluation;
use crate::tui::screens::alerts::rows::{Item, clean};
use crate::tui::screens::alerts::tasks::Tested;
use crate::tui::session::Session;
use crate::tui::widgets::tone::{Line, Tone};

/// A title and the lines below it.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
    pub(super) spark: Option<Spark>,
}

/// The measure of a rule over time, one cell for each number: `▁▁▁▂▁▁▃▅▆▇█  S after each run · limit 4.5 at the top`.
#[derive(Debug)]
pub(super) struct Spark {
    pub(super) points: Vec<f64>,
    pub(super) limit: f64,
    pub(super) words: String,
}

impl Section {
    pub(super) fn height(&self) -> usize {
        self.lines.len() + usize::from(self.spark.is_some())
    }
}

/// The most hits that are listed; the latest ones.
const LISTED: usize = 8;

/// `room` is the width of a line.
pub(super) fn would_have(
    item: &Item,
    seen: &Evaluation,
    (tested, room): (Option<&Tested>, usize),
) -> Section {
    let Item::Alert(at) = item else {
        return Section::default();
    };
    let alert = &seen.alerts()[*at];
    let rule = &seen.rules().rules[alert.rule];
    let title = clean(&format!("would have fired: {} on the open runs", rule.id));
    let of = (*at, seen.overlay.len);
    let Some(tested) = tested.filter(|it| it.of == of) else {
        let wait = vec![(Tone::Faint, "counting…".to_owned())];
        return Section {
            title,
            lines: vec![wait, Line::new(), Line::new(), Line::new()],
            spark: None,
        };
    };
    let levels = tested.levels.iter();
    let mut lines: Vec<Line> = levels.map(|(level, it)| backtest(*level, it)).collect();
    lines.push(note(&tested.levels));
    let spark = tested.trail.as_ref().filter(|it| !it.points.is_empty());
    Section {
        title,
        lines,
        spark: spark.map(|trail| spark_of(alert, trail, room)),
    }
}

/// The last numbers that fit in `room` cells.
fn spark_of(alert: &Alert, trail: &Trail, room: usize) -> Spark {
    let limit = shown::limit(alert.worst());
    let mut words = format!("{} · limit {limit} at the top", trail.what);
    let left = room.saturating_sub(text::width(&words) + 24).max(10);
    let from = trail.points.len().saturating_sub(left);
    let points = trail.points[from..].to_vec();
    if from > 0 {
        let (last, all) = (points.len(), trail.points.len());
        words = format!("{words} · last {last} of {all}");
    }
    Spark {
        points,
        limit: trail.limit,
        words,
    }
}

/// `trip  3 of 214 runs (1.4 %, 95 %: 0.5–4.0) · would have saved $4.10 of $212 · 0 of 3 had succeeded`.
fn backtest(level: Level, it: &Backtest) -> Line {
    let (rate, (lo, hi)) = it.rate();
    let (fired, runs) = (human::count(it.fired), human::counted(it.runs, "run"));
    let percent = 100.0 * rate;
    let mut words = format!(
        "{fired} of {runs} ({percent:.1} %, 95 %: {:.1}–{:.1})",
        100.0 * lo,
        100.0 * hi
    );
    if it.cost > 0 {
        let money = |picodollars: i64| human::usd(picodollars as f64 / 1e12);
        let bound = if it.unpriced > 0 { "≥ " } else { "" };
        let (saved, cost) = (money(it.saved), money(it.cost));
        let parts = [" · would have saved ", bound, &saved, " of ", bound, &cost];
        words.extend(parts);
    }
    if it.stopped > 0 {
        let calls = human::counted(it.calls_saved, "call");
        words.extend([" · ", &calls, " after it"]);
    }
    let graded = it.succeeded + it.failed;
    if graded > 0 {
        let succeeded = format!(" · {} of {graded} had succeeded", it.succeeded);
        words.push_str(&succeeded);
    }
    let tone = if level == Level::Trip {
        Tone::Bad
    } else {
        Tone::Waiting
    };
    vec![(tone, format!("{}  ", level.word())), (Tone::Plain, words)]
}

fn note(tested: &[(Level, Backtest)]) -> Line {
    let is_dark = |(_, it): &(Level, Backtest)| it.stopped > 0 && it.succeeded + it.failed == 0;
    let words = if tested.iter().any(is_dark) {
        "no stopped run is graded: cannot tell how many would have succeeded"
    } else {
        "savings are hypothetical: a stopped run might have been started again"
    };
    vec![(Tone::Faint, words.to_owned())]
}

/// When the rule went off, and what was sent about it.
pub(super) fn happened(item: &Item, seen: &Evaluation, session: &Session) -> Section {
    let Item::Alert(at) = item else {
        return Section::default();
    };
    let alert = &seen.alerts()[*at];
    let store = &session.loaded.store;
    let time = |us: i64| human::time_of_day(us, &session.zone);
    let hits = alert
        .hits
        .iter()
        .skip(alert.hits.len().saturating_sub(LISTED));
    let mut lines: Vec<Line> = hits
        .filter(|hit| hit.at.0 >= store.first())
        .map(|hit| {
            let row = store.row(hit.at);
            let when = row.time().get().map_or_else(|| "—".to_owned(), time);
            let tone = match hit.level {
                Level::Trip => Tone::Bad,
                Level::Warn => Tone::Waiting,
                Level::Info => Tone::Plain,
            };
            let title = shown::title(seen.rules(), (hit.rule, hit.detector));
            vec![
                (Tone::Faint, format!("{when} ")),
                (tone, format!("{} ", hit.level.word())),
                (Tone::Number, format!("#{} ", row.seq())),
                (
                    Tone::Plain,
                    clean(&format!("{title} {}", shown::value(hit))),
                ),
            ]
        })
        .collect();
    let sent = seen
        .kept(alert)
        .map(|kept| &kept.sent)
        .into_iter()
        .flatten();
    lines.extend(sent.map(|(sink, (at, arrived))| {
        let (tone, word) = if *arrived {
            (Tone::Good, "sent to")
        } else {
            (Tone::Bad, "did not reach")
        };
        let words = clean(&format!("{word} {sink}"));
        vec![
            (Tone::Faint, format!("{} ", time(at * 1_000_000))),
            (tone, words),
        ]
    }));
    Section {
        title: format!("history: {}", alert.fired()),
        lines,
        spark: None,
    }
}
