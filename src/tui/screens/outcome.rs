//! How a run ended or stands, as a mark and a word; the same on every view.

use std::time::Duration;

use ratatui::style::Style;

use crate::analysis::life::{Life, Rate};
use crate::base::human;
use crate::model::quantity::Cost;
use crate::model::run::{CostSource, RunStatus};
use crate::tui::session::Session;
use crate::tui::theme::{Marks, Styles, Theme};

const SECOND: i64 = 1_000_000;
/// Cells that the longest words take, with everything said.
pub const WIDE: usize = 15;

/// What was not recorded is neither ok nor anything else. Where there is little room a clock stands for its
/// word.
pub fn words(life: Life, theme: &Theme, cells: usize) -> (String, Style) {
    let (marks, styles) = (theme.marks, &theme.styles);
    let wide = cells >= WIDE;
    let (mark, words, style) = match life {
        Life::Recorded(RunStatus::Unknown) => return (marks.none.to_owned(), styles.faint),
        Life::Recorded(status) => told(status, marks, styles),
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
        Life::Gone => (marks.error, "left".to_owned(), styles.error),
    };
    (format!("{mark} {words}"), style)
}

fn told(
    status: RunStatus,
    marks: &'static Marks,
    styles: &Styles,
) -> (&'static str, String, Style) {
    let (mark, word, style) = match status {
        RunStatus::Unknown => (marks.none, "", styles.faint),
        RunStatus::Ok => (marks.ok, "ok", styles.ok),
        RunStatus::Error => (marks.error, "failed", styles.error),
        RunStatus::Blocked => (marks.blocked, "blocked", styles.blocked),
        RunStatus::Cancelled => (marks.error, "stopped", styles.waiting),
        RunStatus::Running => (marks.more, "open", styles.waiting),
    };
    (mark, word.to_owned(), style)
}

/// As a part of a line of words; empty where there is nothing to say.
pub fn plain(life: Life) -> String {
    match life {
        Life::Recorded(RunStatus::Unknown) => String::new(),
        Life::Recorded(status) => format!("ended: {}", status.word()),
        Life::Busy => "▶ running".to_owned(),
        Life::Running(span) => format!("▶ running {}", human::clock(span)),
        Life::Waiting(span) => format!("‖ waiting {}", human::clock(span)),
        Life::Idle(span) => format!("idle {}", human::roughly(span)),
        Life::Silent(span) => format!("silent {}", human::roughly(span)),
        Life::Gone => "left by its writer".to_owned(),
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

/// How fast something goes: `12/s`, `≈$.41/min`. Empty where nothing came lately.
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

/// The pace of all runs together.
pub fn pace_of_all(session: &Session) -> Vec<String> {
    let is_estimate = session
        .pulse
        .spent()
        .is_some_and(|(_, source)| source != CostSource::Recorded);
    let now = session.clock.now();
    pace(session.pulse.rate_of_all(), is_estimate, now)
}

/// How long words about lives and paces stay true if nothing comes.
pub fn stays(lives: impl Iterator<Item = i64>, session: &Session) -> Option<Duration> {
    if !session.live {
        return None;
    }
    let is_quiet = session.pulse.rate_of_all().is_quiet(session.clock.now());
    let pace = (!is_quiet).then_some(SECOND);
    let soonest = lives.chain(pace).min()?;
    Some(Duration::from_micros(soonest.unsigned_abs()))
}

#[cfg(test)]
mod tests;
