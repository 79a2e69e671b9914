//! "2 results never arrived (Bash, Read)."

use super::{Insight, Rule, View, Weight, counted, names};
use crate::model::action::{Flags, Kind, Status};

pub(super) struct Pending;

impl Rule for Pending {
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| {
            row.kind() == Kind::ToolCall
                && row.status() == Status::Pending
                && !row.flags().has(Flags::WAITING)
        });
        let tools = names(evidence.iter().map(|ix| view.store.row(*ix).tool()));
        let words = format!(
            "{} never arrived ({tools})",
            counted(evidence.len(), "result")
        );
        Insight::new(Weight::Bad, words, evidence)
    }
}
