//! One run in the words of a row. Here trace content becomes text for the screen: every string is sanitised.

use std::rc::Rc;

use jiff::tz::TimeZone;

use crate::analysis::models;
use crate::analysis::project;
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
        model: clean(&bare_models(store, run)),
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

/// The name of the place where a run worked; empty if not recorded.
pub(super) fn project(store: &Store, ix: RunIx) -> Rc<str> {
    let project = project::of(store, store.run(ix));
    text::sanitize(project.name()).into_owned().into()
}

/// Its models without providers and dates.
fn bare_models(store: &Store, run: &Run) -> String {
    let names = run.who.models.iter().map(|sym| store.symbols().name(*sym));
    let bare: Vec<&str> = names.map(models::bare).collect();
    bare.join(models::BETWEEN)
}
