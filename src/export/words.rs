//! Values as text for tables. Unrecorded values are `—`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::analysis::context::{Context, Exactness};
use crate::analysis::runs::{self, Tally};
use crate::base::human;
use crate::model::action::{Flags, Status};
use crate::model::quantity::{Cost, Elapsed, Time, Tokens, Usage};
use crate::model::run::{CostSource, Grade, Run, RunStatus};
use crate::store::Store;
use crate::store::row::Row;

/// The role of a piece of text, which decides its colour. The text itself carries the same information without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Plain,
    Head,
    Dim,
    Good,
    Bad,
    Warn,
}

pub const NOTHING: &str = "—";

pub fn date_time(time: Time, zone: &TimeZone) -> String {
    let stamp = time
        .get()
        .and_then(|us| Timestamp::from_microsecond(us).ok());
    stamp.map_or_else(nothing, |stamp| {
        stamp
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    })
}

pub fn time_of_day(time: Time, zone: &TimeZone) -> String {
    time.get()
        .map_or_else(nothing, |us| human::time_of_day(us, zone))
}

/// The number of an action in its run; a malformed line has none.
pub fn seq(seq: u32) -> String {
    if seq == 0 { nothing() } else { seq.to_string() }
}

pub fn span(span: Elapsed) -> String {
    span.get().map_or_else(nothing, human::span)
}

/// `≈` marks estimates from tokens and prices.
pub fn cost(cost: Option<(Cost, CostSource)>) -> String {
    let Some((cost, source)) = cost else {
        return nothing();
    };
    let Some(usd) = cost.usd() else {
        return nothing();
    };
    match source {
        CostSource::Recorded => human::usd(usd),
        CostSource::Estimated | CostSource::Mixed => format!("≈{}", human::usd(usd)),
    }
}

pub fn row_cost(row: &Row<'_>) -> String {
    let estimated = row.flags().has(Flags::ESTIMATED);
    let source = if estimated {
        CostSource::Estimated
    } else {
        CostSource::Recorded
    };
    cost(row.cost().is_some().then(|| (row.cost(), source)))
}

pub fn tokens(tokens: Tokens) -> String {
    tokens.get().map_or_else(nothing, human::count)
}

/// `812 in · 41 out · 12,000 cache read`: only what was recorded.
pub fn usage(usage: &Usage) -> Option<String> {
    let parts = [
        (usage.input, "in"),
        (usage.output, "out"),
        (usage.cache_read, "cache read"),
        (usage.cache_write, "cache write"),
        (usage.reasoning, "reasoning"),
    ];
    let known = parts
        .into_iter()
        .filter_map(|(tokens, word)| Some(format!("{} {word}", human::count(tokens.get()?))));
    let known = known.collect::<Vec<_>>().join(" · ");
    (!known.is_empty()).then_some(known)
}

pub fn status(status: Status) -> (&'static str, Role) {
    match status {
        Status::Unrecorded => (NOTHING, Role::Dim),
        Status::Ok => ("ok", Role::Good),
        Status::Error | Status::Timeout => (status.word(), Role::Bad),
        Status::Blocked | Status::Denied | Status::Cancelled | Status::Pending => {
            (status.word(), Role::Warn)
        }
    }
}

pub fn run_status(run: &Run) -> (&'static str, Role) {
    match run.status {
        RunStatus::Unknown => (NOTHING, Role::Dim),
        RunStatus::Ok => ("ok", Role::Good),
        RunStatus::Error => ("error", Role::Bad),
        RunStatus::Blocked | RunStatus::Cancelled | RunStatus::Running | RunStatus::Unfinished => {
            (run.status.word(), Role::Warn)
        }
    }
}

/// `right`, `wrong`, `0.42`; `None` if the run was not graded.
pub fn grade(run: &Run) -> Option<(String, Role)> {
    let grade = run.grade()?;
    let role = match grade {
        Grade::Right => Role::Good,
        Grade::Wrong => Role::Bad,
        Grade::Score(_) => Role::Plain,
    };
    Some((grade.to_string(), role))
}

/// `18 of 25 right`; `None` if no run was graded.
pub fn right(tally: &Tally) -> Option<String> {
    let (right, judged) = (tally.right as u64, tally.judged as u64);
    (judged > 0).then(|| format!("{} of {} right", human::count(right), human::count(judged)))
}

/// `25 runs · 18 of 25 right · median 8.2s`: whatever is recorded.
pub fn tally(tally: &Tally) -> String {
    let median = tally.median.get().map(human::span);
    let parts = [
        Some(human::counted(tally.runs as u64, "run")),
        right(tally),
        median.map(|median| format!("median {median}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Explains the badge of a context.
pub fn exactness(exactness: Exactness) -> &'static str {
    match exactness {
        Exactness::Recorded => "the body of the request, as it was sent",
        Exactness::Reconstructed => "from the trace, not the bytes that were sent",
    }
}

/// `98,212 tokens recorded (≈49 % of a window of 200,000) · parts ≈91,040`.
pub fn fill(context: &Context) -> String {
    let parts = format!("parts ≈{} tokens", human::count(context.estimate()));
    let Some(recorded) = context.recorded.get() else {
        return format!("tokens not recorded · {parts}");
    };
    let share = context.window.map(|window| {
        let percent = recorded * 100 / window.max(1);
        format!(" (≈{percent} % of {})", human::count(window))
    });
    let recorded = human::count(recorded);
    format!(
        "{recorded} tokens recorded{} · {parts}",
        share.unwrap_or_default()
    )
}

/// A name, raw; `—` if none was recorded.
pub fn name(name: &str) -> &str {
    if name.is_empty() { NOTHING } else { name }
}

/// The models of a run, in order of first use.
pub fn models(store: &Store, run: &Run) -> String {
    name(&runs::models(store, run)).to_owned()
}

fn nothing() -> String {
    NOTHING.to_owned()
}

#[cfg(test)]
mod tests;
