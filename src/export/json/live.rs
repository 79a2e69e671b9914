//! `saferun.tui/live@1`: one object per run, and what it is doing.

use serde_json::{Map, Value};

use super::number;
use crate::analysis::life::Life;
use crate::analysis::project::Project;
use crate::model::quantity::{Cost, Elapsed};
use crate::model::run::{CostSource, RunIx};
use crate::store::Store;

pub const SCHEMA: &str = "saferun.tui/live@1";

pub const MEMBERS: &[&str] = &[
    "run_id",
    "path",
    "agent",
    "project",
    "branch",
    "title",
    "state",
    "state_for_ms",
    "status",
    "doing",
    "started_at",
    "active_at",
    "cost_usd",
    "cost_source",
    "cost_per_minute_usd",
];

/// Facts that are not in the store. Empty strings mean not recorded.
#[derive(Debug)]
pub struct Activity<'a> {
    pub life: Life,
    pub project: &'a Project,
    pub doing: &'a str,
    pub per_minute: Option<(Cost, CostSource)>,
    pub title: &'a str,
}

/// What was not recorded is absent.
pub fn agent(store: &Store, ix: RunIx, activity: &Activity<'_>) -> Value {
    let run = store.run(ix);
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    let usd = |cost: Option<(Cost, CostSource)>| cost.and_then(|(cost, _)| number::usd(cost));
    let path = store.source(run.source).path.to_string_lossy();
    let span = activity.life.span().map_or(Elapsed::NONE, Elapsed);
    let members = [
        ("run_id", text(&run.id)),
        ("path", text(&path)),
        ("agent", text(store.symbols().name(run.who.agent))),
        ("project", text(&activity.project.place)),
        ("branch", text(&activity.project.branch)),
        ("title", text(activity.title)),
        ("state", text(activity.life.word())),
        ("state_for_ms", number::millis(span).map(Value::Number)),
        ("status", text(run.status.word())),
        ("doing", text(activity.doing)),
        ("started_at", number::time(run.started).map(Value::from)),
        ("active_at", number::time(run.ended).map(Value::from)),
        ("cost_usd", usd(run.cost()).map(Value::Number)),
        (
            "cost_source",
            run.cost().and_then(|(_, source)| text(source.word())),
        ),
        (
            "cost_per_minute_usd",
            usd(activity.per_minute).map(Value::Number),
        ),
    ];
    let members = members.into_iter();
    let known = members.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(known.collect::<Map<_, _>>())
}
