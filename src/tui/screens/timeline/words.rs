//! What the lines around the waterfall say.

use crate::analysis::timeline::{Fill, Share, What, Window};
use crate::analysis::title;
use crate::base::{human, text};
use crate::tui::screens::timeline::Timeline;
use crate::tui::screens::timeline::axis::Axis;
use crate::tui::screens::timeline::lines::Line;
use crate::tui::session::Session;

/// Sanitised texts, and levels between 0 and 1 for strips of cells.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) crumbs: Vec<String>,
    /// From when to when, in the zone of the user.
    pub(super) from: String,
    pub(super) to: String,
    /// How much of the run that is, what lanes are, and how much is not on the screen.
    pub(super) state: String,
    pub(super) labels: Vec<(usize, String)>,
    pub(super) path: String,
    pub(super) parallelism: String,
    pub(super) cost: Strip,
    pub(super) context: Strip,
    pub(super) position: String,
    /// The message shown instead of a waterfall.
    pub(super) empty: Vec<String>,
}

/// A running total per cell, and its final value.
#[derive(Debug, Default)]
pub(super) struct Strip {
    pub(super) levels: Vec<Option<f64>>,
    pub(super) words: String,
}

/// Cells of each strip at the foot.
const STRIP: usize = 30;
const NARROW_STRIP: usize = 16;

impl Words {
    pub(super) fn new(timeline: &Timeline, session: &mut Session) -> Words {
        let crumbs = crumbs(timeline, session);
        let (Some(window), Some(whole)) = (timeline.window(), timeline.made.whole) else {
            return Words {
                crumbs,
                empty: empty(timeline, session),
                ..Words::default()
            };
        };
        let cells = timeline.frame.regions.cells;
        let axis = Axis::new(window, cells);
        let strip = if cells > 60 { STRIP } else { NARROW_STRIP };
        Words {
            crumbs,
            from: human::time_of_day(window.from, &session.zone),
            to: human::time_of_day(window.to, &session.zone),
            state: state(timeline, (window, whole)),
            labels: axis.labels(whole.from),
            path: path(timeline),
            parallelism: parallelism(timeline),
            cost: cost(timeline, session, (window, strip)),
            context: context(timeline, (window, strip)),
            position: position(timeline),
            empty: Vec::new(),
        }
    }
}

fn crumbs(timeline: &Timeline, session: &mut Session) -> Vec<String> {
    let opened = &mut session.loaded;
    let store = &opened.store;
    let Some(ix) = timeline
        .made
        .run
        .filter(|ix| (ix.0 as usize) < store.runs().len())
    else {
        return Vec::new();
    };
    let agent = text::sanitize(store.symbols().name(store.run(ix).who.agent));
    let mut crumbs = vec![
        text::cut(&agent, 24).into_owned(),
        title::or_id(store, ix, (&mut opened.bodies, 40)),
    ];
    crumbs.retain(|crumb| !crumb.is_empty());
    crumbs
}

/// `zoom 30.0s of 3m12s · lanes: agent · 29 outside of this time`.
fn state(timeline: &Timeline, (window, whole): (Window, Window)) -> String {
    let made = &timeline.made;
    let zoom = if window == whole {
        human::span(whole.length())
    } else {
        let lengths = [window, whole].map(|window| human::span(window.length()));
        format!("zoom {} of {}", lengths[0], lengths[1])
    };
    let mut parts = vec![zoom, format!("lanes: {}", timeline.by.word())];
    let outside = made.bars.iter().filter(|bar| !bar.is_in(window)).count();
    if outside > 0 {
        let outside = human::count(outside as u64);
        parts.push(format!("{outside} outside this window"));
    }
    if made.untimed > 0 {
        parts.push(format!(
            "{} without a time",
            human::count(made.untimed.into())
        ));
    }
    parts.join(" · ")
}

/// `model 61 % · tools 14 % · approval wait 21 % · idle 4 %`.
fn path(timeline: &Timeline) -> String {
    let path = &timeline.made.path;
    let Share {
        model,
        tools,
        approval,
        idle,
    } = path.share();
    let parts = [
        ("model", model),
        ("tools", tools),
        ("approval wait", approval),
        ("idle", idle),
    ];
    let about = if path.is_inferred { "≈" } else { "" };
    let percents = percents(parts.map(|(_, part)| part), path.length);
    // Many formats do not record how long a person was asked.
    let bars = &timeline.made.bars;
    let has_approvals = bars.iter().any(|bar| bar.what == What::Approval);
    let words = parts.iter().zip(percents);
    let words: Vec<String> = words
        .map(|((word, _), percent)| match *word {
            "approval wait" if !has_approvals => format!("{word} —"),
            word => format!("{word} {about}{percent} %"),
        })
        .collect();
    words.join(" · ")
}

/// Whole percents that add up to a hundred: the largest rests are rounded up.
fn percents(parts: [i64; 4], whole: i64) -> [i64; 4] {
    let whole = i128::from(whole.max(1));
    let exact = parts.map(|part| i128::from(part.max(0)) * 100);
    let mut percents = exact.map(|part| (part / whole) as i64);
    let left = 100 - percents.iter().sum::<i64>();
    let mut order = [0, 1, 2, 3];
    order.sort_by_key(|at| std::cmp::Reverse(exact[*at] % whole));
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        percents[at] += 1;
    }
    percents
}

fn parallelism(timeline: &Timeline) -> String {
    let found = timeline.made.path.parallelism;
    found.map_or_else(String::new, |times| format!("parallelism ×{times:.1}"))
}

/// The ends of the cells of a strip.
fn ends(window: Window, cells: usize) -> impl Iterator<Item = i64> {
    let axis = Axis::new(window, cells);
    (0..cells).map(move |cell| axis.cell(cell).to)
}

fn cost(timeline: &Timeline, session: &Session, (window, cells): (Window, usize)) -> Strip {
    let growth = &timeline.made.growth;
    let all = growth.cost_at(i64::MAX).unwrap_or(0);
    let levels = ends(window, cells).map(|end| {
        growth
            .cost_at(end)
            .map(|cost| cost as f64 / all.max(1) as f64)
    });
    let run = timeline.made.run.map(|run| session.loaded.store.run(run));
    let words = run.and_then(|run| crate::tui::screens::outcome::cost(run.cost()));
    Strip {
        levels: levels.collect(),
        words: words.unwrap_or_default(),
    }
}

fn context(timeline: &Timeline, (window, cells): (Window, usize)) -> Strip {
    let growth = &timeline.made.growth;
    let fullest = growth.fullest().max(1);
    let level = |fill: Fill| match fill.percent {
        Some(percent) => percent as f64 / 100.0,
        None => fill.tokens as f64 / fullest as f64,
    };
    let levels = ends(window, cells).map(|end| growth.fill_at(end).map(level));
    let words = growth.fill_at(window.to).map(|fill| match fill.percent {
        Some(percent) => format!("≈{percent} %"),
        None => format!("{} tok", human::short_count(fill.tokens)),
    });
    Strip {
        levels: levels.collect(),
        words: words.unwrap_or_default(),
    }
}

/// `12 / 48 · 3 lanes`.
fn position(timeline: &Timeline) -> String {
    let bars = timeline.lines.iter();
    let bars = bars.filter(|line| matches!(line, Line::Bar(_))).count();
    let lanes = human::counted(timeline.lanes.len() as u64, "lane");
    format!("{} · {lanes}", human::counted(bars as u64, "action"))
}

/// Without times nothing is drawn: a guess would look like a recording.
fn empty(timeline: &Timeline, session: &Session) -> Vec<String> {
    let made = &timeline.made;
    if timeline.asking.is_running || made.run.is_none() {
        return vec![if session.is_loading() {
            session.loading_words()
        } else if session.loaded.store.runs().is_empty() {
            "no runs in the open traces".to_owned()
        } else {
            "building the timeline…".to_owned()
        }];
    }
    let why = match (made.bars.len() as u64, made.untimed) {
        (0, 0) => "no action in this run has a duration".to_owned(),
        (0, untimed) => format!(
            "no times were recorded in this run ({} without a time): nothing is drawn",
            human::counted(untimed.into(), "action")
        ),
        (bars, _) => format!(
            "all {} of this run have the same time and no duration: nothing is drawn",
            human::counted(bars, "action")
        ),
    };
    vec![why, "the stream shows them in their order".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::percents;

    #[test]
    fn percents_add_up_to_a_hundred() {
        assert_eq!(percents([1, 1, 1, 0], 3), [34, 33, 33, 0]);
        assert_eq!(percents([61, 14, 21, 4], 100), [61, 14, 21, 4]);
        assert_eq!(percents([0, 0, 0, 0], 0).iter().sum::<i64>(), 4);
    }
}
