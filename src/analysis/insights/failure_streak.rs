//! "Bash failed 5 times in a row."

use super::{Insight, Rule, View, Weight};
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;

pub(super) struct FailureStreak;

/// Shorter streaks are normal.
const MIN_STREAK: usize = 3;

impl Rule for FailureStreak {
    fn id(&self) -> &'static str {
        "failure-streak"
    }

    /// The longest streak of failures of one tool in one run.
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let mut open: Vec<((RunIx, Sym), Vec<ActionIx>)> = Vec::new();
        let mut longest: Vec<ActionIx> = Vec::new();
        for row in view.all().filter(|row| row.kind() == Kind::ToolCall) {
            let key = (row.run_ix(), row.tool_sym());
            // Streaks do not cross runs.
            open.retain(|((run, _), _)| *run == key.0);
            let place = open.iter().position(|(known, _)| *known == key);
            let place = place.unwrap_or_else(|| {
                open.push((key, Vec::new()));
                open.len() - 1
            });
            let streak = &mut open[place].1;
            if matches!(row.status(), Status::Error | Status::Timeout) {
                streak.push(row.ix());
                if streak.len() > longest.len() {
                    longest.clone_from(streak);
                }
            } else {
                streak.clear();
            }
        }
        if longest.len() < MIN_STREAK {
            return None;
        }
        let tool = view.store.row(longest[0]).tool();
        let words = format!("{tool} failed {} times in a row", longest.len());
        Insight::new(self, Weight::Bad, words, longest)
    }
}
