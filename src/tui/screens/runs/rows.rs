//! One run in the words of a row. Here trace content becomes text for the screen: every string is sanitised.

use jiff::tz::TimeZone;

use crate::analysis::runs::stopped;
use crate::analysis::summary;
use crate::base::{human, text};
use crate::model::quantity::Cost;
use crate::model::run::{CostSource, Run, RunIx, RunStatus};
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};

/// Empty strings are what was not recorded.
#[derive(Debug, Clone)]
pub(super) struct RunText {
    pub(super) started: String,
    pub(super) agent: String,
    pub(super) model: String,
    pub(super) turns: String,
    pub(super) actions: String,
    pub(super) duration: String,
    pub(super) cost: String,
    pub(super) errors: u32,
    pub(super) blocked: u32,
    pub(super) retries: u32,
    pub(super) status: RunStatus,
    /// Its title, or what the user asked first.
    pub(super) title: String,
}

pub(super) fn build(
    store: &Store,
    ix: RunIx,
    bodies: &mut Bodies,
    (zone, now): (&TimeZone, i64),
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
        actions: human::short_count(run.totals.actions.into()),
        duration: run.duration().get().map(human::span).unwrap_or_default(),
        cost: cost(run.cost()).unwrap_or_default(),
        errors: run.totals.errors,
        blocked: stopped(run),
        retries: run.totals.retries,
        status: run.status,
        title: title(store, ix, bodies),
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

/// What the run was about: its title where the trace has one, else the first prompt.
pub(super) fn title(store: &Store, ix: RunIx, bodies: &mut Bodies) -> String {
    if let Some(title) = &store.run(ix).title {
        return text::sanitize(title).into_owned();
    }
    let prompt = first_prompt(store, ix, bodies);
    let bare = prompt.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    bare.unwrap_or(&prompt).to_owned()
}

pub(super) fn first_prompt(store: &Store, ix: RunIx, bodies: &mut Bodies) -> String {
    let prompt = store.run(ix).first_prompt.get();
    let Some(prompt) = prompt.filter(|prompt| prompt.0 < store.len()) else {
        return String::new();
    };
    let row = store.row(prompt);
    let body = bodies.open(&row, Depth::Glance);
    text::sanitize(&summary::line(&row, &body)).into_owned()
}

/// The cost, with `≈` where it is an estimate; none when unknown.
pub(super) fn cost(cost: Option<(Cost, CostSource)>) -> Option<String> {
    let (cost, source) = cost?;
    let usd = human::usd(cost.usd()?);
    Some(match source {
        CostSource::Recorded => usd,
        CostSource::Estimated | CostSource::Mixed => format!("≈{usd}"),
    })
}
