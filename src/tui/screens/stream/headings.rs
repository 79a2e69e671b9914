//! Lines between the rows: where a run or a turn begins.

use crate::base::{human, text};
use crate::model::action::{ActionIx, Kind};
use crate::model::run::CostSource;
use crate::store::row::Row;
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::rows;
use crate::tui::session::Opened;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    Run,
    Turn,
    /// Of what is followed something may be missing before this row.
    Gap,
}

/// Broken lines belong to no turn: so many are looked past.
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
    let Listing::All(_) = listing else {
        return None;
    };
    let mut before = (item.saturating_sub(LOOK_PAST)..item).rev();
    let known = |item: usize| listing.at(item).map(|ix| store.row(ix));
    let before = before.find_map(|item| known(item).filter(|row| row.kind() != Kind::Malformed))?;
    let is_next = before.run_ix() == row.run_ix() && before.turn() < row.turn();
    (is_next && before.turn() > 0).then_some(Heading::Turn)
}

/// Rows of the screen that an item takes.
pub fn height(listing: &Listing, opened: &Opened, item: usize) -> usize {
    let below = |ix: ActionIx| rows::height(&opened.store.row(ix));
    listing.at(item).map_or(1, below) + usize::from(heading(listing, opened, item).is_some())
}

/// What may be missing before a row of a list.
pub fn gap<'a>(listing: &Listing, opened: &'a Opened, item: usize) -> Option<&'a str> {
    let previous = item.checked_sub(1).and_then(|item| listing.at(item));
    opened.gaps.above(listing.at(item)?, previous)
}

/// The words of a heading, sanitised; `gap` is what may be missing.
pub fn words(heading: Heading, row: &Row<'_>, (time, gap): (&str, Option<&str>)) -> String {
    match heading {
        Heading::Gap => gap.unwrap_or_default().to_owned(),
        Heading::Turn if time.is_empty() => format!("turn {}", row.turn()),
        Heading::Turn => format!("turn {} · {time}", row.turn()),
        Heading::Run => run(row),
    }
}

fn run(row: &Row<'_>) -> String {
    let (run, symbols) = (row.run(), row.store.symbols());
    let models = run
        .who
        .models
        .iter()
        .take(2)
        .map(|model| symbols.name(*model));
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
        symbols.name(run.who.agent).to_owned(),
    ];
    words.extend(models.map(str::to_owned));
    let plural = if run.totals.actions == 1 { "" } else { "s" };
    words.push(format!(
        "{} action{plural}",
        human::count(run.totals.actions.into())
    ));
    words.extend(cost);
    words.retain(|word| !word.is_empty());
    text::sanitize(&words.join(" · ")).into_owned()
}
