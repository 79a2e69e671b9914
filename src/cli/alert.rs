//! `alert`: loops, budgets and drift, found by rules.

mod check;
mod checked_traces;
mod explain;
mod marks;
mod report;
mod reporting;
pub(super) mod sources;
mod test;
mod trips;
mod watch;

use std::sync::Arc;

use crate::analysis::alerts::check as rules_check;
use crate::analysis::alerts::rules::Rules;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::query::alerted::Alerts;

/// Check runs for loops, budgets and drift by rules
#[derive(Debug, clap::Args)]
pub struct Alert {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Check(Box<check::Check>),
    Test(Box<test::Test>),
    Explain(Box<explain::Explain>),
    Watch(Box<watch::WatchRuns>),
    Ls(marks::Ls),
    Ack(marks::Ack),
    Snooze(marks::Snooze),
    Reset(marks::Reset),
}

impl Command for Alert {
    const NAME: &'static str = "alert";
    const ACCEPTS: Accepts = Accepts::READING
        .with(GlobalOption::Json)
        .with(GlobalOption::Jsonl)
        .with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        if cx.global.condition.is_some() && !self.action.filters() {
            let what = "this command has no --where (a rule has one: where = \"FILTER\")";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        match self.action {
            Action::Check(action) => action.run(cx),
            Action::Test(action) => action.run(cx),
            Action::Explain(action) => action.run(cx),
            Action::Watch(action) => action.run(cx),
            Action::Ls(action) => action.run(cx),
            Action::Ack(action) => action.run(cx),
            Action::Snooze(action) => action.run(cx),
            Action::Reset(action) => action.run(cx),
        }
    }
}

impl Action {
    /// Whether it takes a filter.
    fn filters(&self) -> bool {
        match self {
            Action::Check(_) | Action::Test(_) | Action::Explain(_) => true,
            Action::Watch(_)
            | Action::Ls(_)
            | Action::Ack(_)
            | Action::Snooze(_)
            | Action::Reset(_) => false,
        }
    }
}

/// What `alert:`, `is:alert` and `is:loop` look up in the rules in force.
pub(super) fn lookup(cx: &Cx) -> Alerts {
    let path = sources::path(cx, None);
    let notes = cx.notes.clone();
    rules_check::lookup(
        move || match sources::InForce::at(path.as_deref(), &notes) {
            Ok(found) => (found.rules, found.known),
            Err(failure) => {
                notes.error(&format!("{failure}\nthe built-in rules apply"));
                (Arc::new(Rules::built_in().clone()), Vec::new())
            }
        },
    )
}

impl Alert {
    /// Whether `--format` is a format of the output, and not that of the traces.
    pub(super) fn has_own_format(&self) -> bool {
        matches!(self.action, Action::Check(_))
    }
}
