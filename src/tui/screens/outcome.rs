//! The words and marks for the status of a run or an action; the same on every view.

use std::time::Duration;

use ratatui::style::Style;

use crate::analysis::life::{Life, Rate};
use crate::base::{human, text};
use crate::model::action::Status;
use crate::model::quantity::Cost;
use crate::model::run::{CostSource, RunStatus};
use crate::tui::session::Session;
use crate::tui::theme::Theme;

const SECOND: i64 = 1_000_000;
/// Width of the longest text, with all details.
pub const WIDE: usize = 15;

/// A word in full, and its abbreviation for narrow columns.
type Word = (&'static str, &'static str);

const OK: Word = ("ok", "ok");
const BLOCKED: Word = ("blocked", "block");
const CANCELLED: Word = ("cancelled", "canc");
const NOT_RECORDED: Word = ("", "");

/// The mark and the word for the status of an action; empty if it was not recorded. In `cells` that cannot
/// hold both, only the word is shown: it is never cut.
pub fn status(
    (status, is_waiting): (Status, bool),
    theme: &Theme,
    cells: usize,
) -> (String, Style) {
    let marks = theme.marks;
    let mark = match status {
        Status::Unrecorded => marks.none,
        Status::Ok => marks.ok,
        Status::Error | Status::Timeout | Status::Cancelled => marks.error,
        Status::Blocked | Status::Denied => marks.blocked,
        Status::Pending if is_waiting => marks.waiting,
        Status::Pending => marks.more,
    };
    let word = status_word(status, is_waiting);
    let words = if word.is_empty() {
        mark.to_owned()
    } else if text::width(word) + 2 <= cells {
        format!("{mark} {word}")
    } else {
        word.to_owned()
    };
    (words, theme.status(status))
}

/// Cells of a status with its mark; none if it was not recorded.
pub fn cells(status: Status, is_waiting: bool) -> usize {
    match status_word(status, is_waiting) {
        "" => 0,
        word => word.len() + 2,
    }
}

fn status_word(status: Status, is_waiting: bool) -> &'static str {
    match status {
        Status::Unrecorded => "",
        Status::Ok => "ok",
        Status::Error => "error",
        Status::Blocked => "blocked",
        Status::Denied => "denied",
        Status::Pending if is_waiting => "waiting",
        Status::Pending => "no result",
        Status::Timeout => "timeout",
        Status::Cancelled => "cancelled",
    }
}

/// How a run ended or is going, in as much detail as there is room for: in few cells a duration stands
/// alone, without its word.
pub fn words(life: Life, theme: &Theme, cells: usize) -> (String, Style) {
    let (marks, styles) = (theme.marks, &theme.styles);
    let wide = cells >= WIDE;
    let (mark, words, style) = match life {
        Life::Recorded(RunStatus::Unknown) => return (marks.none.to_owned(), styles.faint),
        Life::Recorded(status) => of_status(status, theme, cells),
        Life::Running(span) if wide => (
            marks.running,
            format!("running {}", human::clock(span)),
            styles.ok,
        ),
        Life::Busy | Life::Running(_) => (marks.running, "running".to_owned(), styles.ok),
        Life::Waiting(span) if wide => (
            marks.waiting,
            format!("waiting {}", human::clock(span)),
            styles.waiting,
        ),
        Life::Waiting(span) => (marks.waiting, human::clock(span), styles.waiting),
        Life::Idle(span) => (
            marks.quiet,
            format!("idle {}", human::roughly(span)),
            styles.faint,
        ),
        Life::Silent(span) if wide => (
            marks.unsure,
            format!("silent {}", human::roughly(span)),
            styles.waiting,
        ),
        Life::Silent(_) => (marks.unsure, "silent".to_owned(), styles.waiting),
        Life::Gone => (marks.error, "abandoned".to_owned(), styles.error),
    };
    let whole = format!("{mark} {words}").trim_start().to_owned();
    // A word is never cut: without room it stands without its mark.
    let shown = if text::width(&whole) > cells {
        words
    } else {
        whole
    };
    (shown, style)
}

fn of_status(status: RunStatus, theme: &Theme, cells: usize) -> (&'static str, String, Style) {
    let (marks, styles) = (theme.marks, &theme.styles);
    let (mark, style) = match status {
        RunStatus::Unknown => (marks.none, styles.faint),
        RunStatus::Ok => (marks.ok, styles.ok),
        RunStatus::Error => (marks.error, styles.error),
        RunStatus::Blocked => (marks.blocked, styles.blocked),
        RunStatus::Cancelled => (marks.error, styles.waiting),
        RunStatus::Running => (marks.more, styles.waiting),
        RunStatus::Unfinished => (marks.unsure, styles.waiting),
    };
    let (full, short) = run_word(status);
    let room = cells.saturating_sub(text::width(full));
    // The word is kept whole as long as possible, without its mark if need be.
    let (mark, word) = match room {
        0 if text::width(full) > cells => (mark, short),
        0 | 1 => ("", full),
        _ => (mark, full),
    };
    (mark, word.to_owned(), style)
}

fn run_word(status: RunStatus) -> Word {
    match status {
        RunStatus::Unknown => NOT_RECORDED,
        RunStatus::Ok => OK,
        RunStatus::Error => ("error", "error"),
        RunStatus::Blocked => BLOCKED,
        RunStatus::Cancelled => CANCELLED,
        RunStatus::Running => ("open", "open"),
        RunStatus::Unfinished => ("ended, no end recorded", "no end"),
    }
}

/// As a part of a sentence; empty if there is nothing to say.
pub fn plain(life: Life) -> String {
    match life {
        Life::Recorded(RunStatus::Unknown) => String::new(),
        Life::Recorded(status @ (RunStatus::Running | RunStatus::Unfinished)) => {
            run_word(status).0.to_owned()
        }
        Life::Recorded(status) => format!("ended: {}", run_word(status).0),
        Life::Busy => "▶ running".to_owned(),
        Life::Running(span) => format!("▶ running {}", human::clock(span)),
        Life::Waiting(span) => format!("‖ waiting {}", human::clock(span)),
        Life::Idle(span) => format!("idle {}", human::roughly(span)),
        Life::Silent(span) => format!("silent {}", human::roughly(span)),
        Life::Gone => "abandoned: its file or pipe is gone".to_owned(),
    }
}

/// The cost, with `≈` where it is an estimate; none when unknown.
pub fn cost(cost: Option<(Cost, CostSource)>) -> Option<String> {
    let (cost, source) = cost?;
    let usd = human::usd(cost.usd()?);
    Some(match source {
        CostSource::Recorded => usd,
        CostSource::Estimated | CostSource::Mixed => format!("≈{usd}"),
    })
}

/// The same in whole cents where it would not fit `cells`.
pub fn cost_in(spent: Option<(Cost, CostSource)>, cells: usize) -> Option<String> {
    let words = cost(spent)?;
    if text::width(&words) <= cells {
        return Some(words);
    }
    let about = if words.starts_with('≈') { "≈" } else { "" };
    Some(format!("{about}{}", human::cents(spent?.0.usd()?)))
}

/// A rate: `12/s`, `≈$0.41/min`. Empty without recent activity.
pub fn pace(rate: &Rate, is_estimate: bool, now: i64) -> Vec<String> {
    if rate.is_quiet(now) {
        return Vec::new();
    }
    let actions = rate.actions_per_second(now);
    let mut words = vec![if actions < 10.0 {
        format!("{actions:.1}/s")
    } else {
        format!("{}/s", human::count(actions.round() as u64))
    }];
    if let Some(usd) = rate.usd_per_minute(now).filter(|usd| *usd > 0.0) {
        let about = if is_estimate { "≈" } else { "" };
        words.push(format!("{about}{}/min", human::usd(usd)));
    }
    words
}

/// What a run costs a minute; empty without recent cost.
pub fn cost_pace(rate: Option<&Rate>, cost: Option<(Cost, CostSource)>, now: i64) -> String {
    let usd = rate.and_then(|rate| rate.usd_per_minute(now));
    let is_estimate = cost.is_some_and(|(_, source)| source != CostSource::Recorded);
    let about = if is_estimate { "≈" } else { "" };
    usd.filter(|usd| *usd > 0.0)
        .map_or_else(String::new, |usd| format!("{about}{}", human::cents(usd)))
}

/// The pace of all runs together.
pub fn pace_of_all(session: &Session) -> Vec<String> {
    let is_estimate = session
        .trace
        .pulse
        .spent()
        .is_some_and(|(_, source)| source != CostSource::Recorded);
    let now = session.clock.now();
    pace(session.trace.pulse.rate_of_all(), is_estimate, now)
}

/// Time until the words for states and rates are stale.
pub fn stays(lives: impl Iterator<Item = i64>, session: &Session) -> Option<Duration> {
    if !session.trace.live {
        return None;
    }
    let is_quiet = session
        .trace
        .pulse
        .rate_of_all()
        .is_quiet(session.clock.now());
    let pace = (!is_quiet).then_some(SECOND);
    let soonest = lives.chain(pace).min()?;
    Some(Duration::from_micros(soonest.unsigned_abs()))
}

#[cfg(test)]
mod tests;
