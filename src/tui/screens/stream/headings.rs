//! Lines between the rows: where a run or a turn begins.

use crate::analysis::models;
use crate::base::{human, text};
use crate::model::action::{ActionIx, Kind};
use crate::model::run::CostSource;
use crate::store::Store;
use crate::store::row::Row;
use crate::tui::screens::stream::folding::Folding;
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::rows;
use crate::tui::session::Opened;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    Run,
    Turn,
    /// A day of the time zone of the screen.
    Day,
    /// In a followed trace, data may be missing before this row.
    Gap,
}

/// Malformed lines belong to no turn: up to this many are skipped.
const LOOK_PAST: usize = 16;

/// What begins at a row of a list. Turns are separated only where no action between them is hidden.
pub fn heading(listing: &Listing, opened: &Opened, item: usize) -> Option<Heading> {
    if gap(listing, opened, item).is_some() {
        return Some(Heading::Gap);
    }
    let store = &opened.store;
    let row = listing.at(item).map(|ix| store.row(ix))?;
    if row.kind() == Kind::Malformed {
        return None;
    }
    if store.runs().len() > 1 && row.run().first_action == row.ix() {
        return Some(Heading::Run);
    }
    let is_turn = matches!(listing, Listing::All(_)) && begins_turn(listing, store, item);
    if is_turn {
        return Some(Heading::Turn);
    }
    date(listing, opened, item).map(|_| Heading::Day)
}

fn begins_turn(listing: &Listing, store: &Store, item: usize) -> bool {
    let known = |item: usize| listing.at(item).map(|ix| store.row(ix));
    let mut before = (item.saturating_sub(LOOK_PAST)..item).rev();
    let before = before.find_map(|item| known(item).filter(|row| row.kind() != Kind::Malformed));
    let (Some(before), Some(row)) = (before, known(item)) else {
        return false;
    };
    before.run_ix() == row.run_ix() && before.turn() > 0 && before.turn() < row.turn()
}

/// The time of a row of a list where it is on another day than that of the row before.
fn date(listing: &Listing, opened: &Opened, item: usize) -> Option<i64> {
    let time = |item: usize| opened.store.row(listing.at(item)?).time().get();
    let now = time(item)?;
    let mut before = (item.saturating_sub(LOOK_PAST)..item).rev();
    let before = before.find_map(time)?;
    human::is_other_day(before, now, &opened.zone.0).then_some(now)
}

/// The date that a heading shows: that of a run, and that of another day.
pub fn day(listing: &Listing, opened: &Opened, item: usize, heading: Heading) -> String {
    let time = match heading {
        Heading::Run => listing
            .at(item)
            .and_then(|ix| opened.store.row(ix).time().get()),
        Heading::Turn | Heading::Day | Heading::Gap => date(listing, opened, item),
    };
    time.map(|time| human::date(time, &opened.zone.0))
        .unwrap_or_default()
}

/// Rows of the screen that an item takes; none if it is folded into the row below and has no heading.
pub(super) fn height(folding: Folding<'_>, item: usize) -> usize {
    let Folding {
        listing, opened, ..
    } = folding;
    let is_changed = |ix| {
        opened
            .overlay
            .as_ref()
            .is_some_and(|it| it.change(ix).is_some())
    };
    let has_fired = |ix| {
        let alerts = opened.alerts.as_ref();
        alerts.is_some_and(|it| it.fired_at(ix).is_some())
    };
    let below = |ix: ActionIx| {
        let added = usize::from(is_changed(ix)) + usize::from(has_fired(ix));
        rows::height(&opened.store.row(ix)) + added
    };
    let own = if folding.is_folded(item) {
        0
    } else {
        listing.at(item).map_or(1, below)
    };
    own + usize::from(heading(listing, opened, item).is_some())
}

/// What may be missing before a row of a list.
pub fn gap<'a>(listing: &Listing, opened: &'a Opened, item: usize) -> Option<&'a str> {
    let previous = item.checked_sub(1).and_then(|item| listing.at(item));
    opened.gaps.above(listing.at(item)?, previous)
}

/// What a heading shows in addition to its row.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    pub time: &'a str,
    pub day: &'a str,
    /// What may be missing.
    pub gap: Option<&'a str>,
}

/// The words of a heading, sanitised.
pub fn words(heading: Heading, row: &Row<'_>, beside: Beside<'_>) -> String {
    let Beside { time, day, gap } = beside;
    match heading {
        Heading::Gap => gap.unwrap_or_default().to_owned(),
        Heading::Turn => {
            let when = format!("{day} {time}");
            let when = when.trim();
            let dot = if when.is_empty() { "" } else { " · " };
            format!("turn {}{dot}{when}", row.turn())
        }
        Heading::Day => day.to_owned(),
        Heading::Run => run(row, day),
    }
}

fn run(row: &Row<'_>, day: &str) -> String {
    let (run, symbols) = (row.run(), row.store.symbols());
    let used = run
        .who
        .models
        .iter()
        .take(2)
        .map(|model| models::bare(symbols.name(*model)));
    let cost = run.cost().and_then(|(cost, source)| {
        let about = if source == CostSource::Recorded {
            ""
        } else {
            "≈"
        };
        Some(format!("{about}{}", human::usd(cost.usd()?)))
    });
    let mut words = vec![
        format!("run {}", run.id),
        // Not at the end, where a long line is cut: the day is shown nowhere else.
        day.to_owned(),
        symbols.name(run.who.agent).to_owned(),
    ];
    words.extend(used.map(str::to_owned));
    let plural = if run.totals.actions == 1 { "" } else { "s" };
    words.push(format!(
        "{} action{plural}",
        human::count(run.totals.actions.into())
    ));
    words.extend(cost);
    words.retain(|word| !word.is_empty());
    text::sanitize(&words.join(" · ")).into_owned()
}
