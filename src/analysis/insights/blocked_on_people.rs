//! "waited 515 min for 5 approvals (ann)."

use super::{Insight, Rule, View, Weight, names};
use crate::analysis::approvals::waited;
use crate::base::human;
use crate::model::action::Flags;
use crate::model::outcome::AttachedKind;
use crate::model::quantity::Elapsed;

pub(super) struct BlockedOnPeople;

const MINUTE: i64 = 60_000_000;
/// Less than this in all is how people work.
const LEAST: i64 = 10 * MINUTE;

impl Rule for BlockedOnPeople {
    fn id(&self) -> &'static str {
        "blocked-on-people"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence =
            view.rows(|row| row.flags().has(Flags::HAS_APPROVAL) && waited(row) > Elapsed(0));
        let rows = || evidence.iter().map(|ix| view.store.row(*ix));
        let sum: i64 = rows().filter_map(|row| waited(&row).get()).sum();
        if sum < LEAST {
            return None;
        }
        let symbols = view.store.symbols();
        let answers = rows().flat_map(|row| row.attached().collect::<Vec<_>>());
        let by = answers
            .filter(|it| it.kind == AttachedKind::Approval && it.wait.is_some())
            .map(|it| symbols.name(it.by))
            .filter(|it| !it.is_empty());
        let by = names(by);
        let by = if by.is_empty() {
            by
        } else {
            format!(" ({by})")
        };
        let approvals = human::counted(evidence.len() as u64, "approval");
        let minutes = human::count((sum / MINUTE).unsigned_abs());
        let words = format!("waited {minutes} min for {approvals}{by}");
        Insight::new(self, Weight::Warning, words, evidence)
    }
}
