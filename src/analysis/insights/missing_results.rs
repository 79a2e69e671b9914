//! "2 results never arrived (Bash, Read)."

use super::{Insight, Rule, View, Weight, names};
use crate::base::human;
use crate::model::action::{Flags, Kind, Status};

pub(super) struct MissingResults;

impl Rule for MissingResults {
    fn id(&self) -> &'static str {
        "missing-results"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| {
            row.kind() == Kind::ToolCall
                && row.status() == Status::Pending
                && !row.flags().has(Flags::WAITING)
        });
        let tools = names(evidence.iter().map(|ix| view.store.row(*ix).tool()));
        let results = human::counted(evidence.len() as u64, "result");
        if view.is_growing {
            let words = format!("{results} still pending ({tools})");
            return Insight::new(self, Weight::Note, words, evidence);
        }
        let words = format!("{results} never arrived ({tools})");
        Insight::new(self, Weight::Bad, words, evidence)
    }
}
