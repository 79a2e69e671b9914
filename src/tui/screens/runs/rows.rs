//! One run in the words of a row. Here trace content becomes text for the screen: every string is sanitised.

use jiff::tz::TimeZone;

use crate::analysis::runs::stopped;
use crate::analysis::title;
use crate::base::{human, text};
use crate::export::words::{self, Role};
use crate::model::quantity::Elapsed;
use crate::model::run::{Run, RunIx};
use crate::store::Store;
use crate::store::bodies::Bodies;
use crate::tui::screens::outcome;
use crate::tui::screens::runs::columns::COST;

/// Empty strings are what was not recorded.
#[derive(Debug, Clone)]
pub(super) struct RunText {
    pub(super) started: String,
    pub(super) agent: String,
    pub(super) model: String,
    pub(super) turns: String,
    pub(super) grade: Option<(String, Role)>,
    pub(super) actions: String,
    pub(super) duration: String,
    pub(super) cost: String,
    pub(super) errors: u32,
    pub(super) blocked: u32,
    pub(super) retries: u32,
    /// How long people were waited for.
    pub(super) waited: String,
    /// Its title, or what the user asked first.
    pub(super) title: String,
}

pub(super) fn build(
    store: &Store,
    ix: RunIx,
    bodies: &mut Bodies,
    (zone, now, waited): (&TimeZone, i64, Elapsed),
) -> RunText {
    let run = store.run(ix);
    let clean = |raw: &str| text::sanitize(raw).into_owned();
    RunText {
        started: run
            .started
            .get()
            .map(|us| human::when(us, now, zone))
            .unwrap_or_default(),
        agent: clean(store.symbols().name(run.who.agent)),
        model: clean(&short_models(store, run)),
        turns: human::short_count(run.totals.turns.into()),
        grade: words::grade(run),
        actions: human::short_count(run.totals.actions.into()),
        duration: run.duration().get().map(human::span).unwrap_or_default(),
        cost: outcome::cost_in(run.cost(), COST).unwrap_or_default(),
        errors: run.totals.errors,
        blocked: stopped(run),
        retries: run.totals.retries,
        waited: waited.get().map(human::span).unwrap_or_default(),
        title: title::of(store, ix, bodies),
    }
}

/// The first model without the date of its release, and how many more there are.
fn short_models(store: &Store, run: &Run) -> String {
    let mut models = run.who.models.iter();
    let Some(first) = models.next() else {
        return String::new();
    };
    let first = undated(store.symbols().name(*first));
    match models.count() {
        0 => first.to_owned(),
        more => format!("{first} +{more}"),
    }
}

/// `claude-opus-4-5` of `claude-opus-4-5-20251101`.
fn undated(model: &str) -> &str {
    let is_date = |end: &str| end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_digit());
    let dated = model.rsplit_once('-').filter(|(_, end)| is_date(end));
    dated.map_or(model, |(name, _)| name)
}

/// A model in so many cells. Models of one maker begin alike: what tells them apart is at the end, so parts of the
/// name are dropped from its beginning.
pub(super) fn fit_model(model: &str, cells: usize) -> String {
    if text::width(model) <= cells {
        return model.to_owned();
    }
    let tails = model
        .match_indices('-')
        .filter_map(|(at, _)| model.get(at + 1..));
    let fitting = tails
        .map(|tail| format!("…{tail}"))
        .find(|tail| text::width(tail) <= cells);
    fitting.unwrap_or_else(|| text::cut_front(model, cells).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{fit_model, undated};

    #[test]
    fn a_model_that_does_not_fit_loses_parts_from_its_beginning() {
        let model = undated("claude-sonnet-4-5-20250929");
        assert_eq!(fit_model(model, 17), "claude-sonnet-4-5");
        assert_eq!(fit_model(model, 12), "…sonnet-4-5");
        assert_eq!(fit_model(model, 8), "…4-5");
        assert_eq!(fit_model("gemini-2.5-flash", 12), "…2.5-flash");
        assert_eq!(fit_model("verylongmodel", 6), "…model");
        assert_eq!(undated("gpt-5-12345678"), "gpt-5");
        assert_eq!(undated("gpt-5"), "gpt-5");
    }
}
