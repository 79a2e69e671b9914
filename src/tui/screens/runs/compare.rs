//! From the table to two cohorts: the groups that the marked runs are in, or the only two there are.

use std::collections::BTreeMap;

use crate::analysis::cohort::ask::Choice;
use crate::analysis::runs::{Grouping, has_content};
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::screens::runs::Runs;
use crate::tui::session::Session;

impl Runs {
    /// Compares the groups of A and B; without a grouping these are the runs of a model.
    pub(super) fn compare_groups(&self, session: &mut Session) -> Vec<Effect> {
        let by = self.grouping.unwrap_or(Grouping::Model);
        let store = &session.loaded.store;
        let all = (0..store.runs().len() as u32).map(RunIx);
        let is_kept = |ix: &RunIx| {
            let kept = self.kept.runs.as_ref();
            has_content(store.run(*ix)) && kept.is_none_or(|kept| kept.contains(ix))
        };
        let group = |ix: RunIx| by.group(store, store.run(ix), &session.zone);
        let mut groups: BTreeMap<String, Vec<RunIx>> = BTreeMap::new();
        for ix in all.filter(is_kept) {
            groups.entry(group(ix)).or_default().push(ix);
        }
        let first = |name: &String| {
            let runs = groups.get(name).into_iter().flatten();
            runs.filter_map(|ix| store.run(*ix).started.get()).min()
        };
        let sides = match session.marks.pair {
            [Some(a), Some(b)] if group(a) != group(b) => Some([group(a), group(b)]),
            _ if groups.len() == 2 => {
                // A is the earlier one, as on the command line.
                let mut names: Vec<String> = groups.keys().cloned().collect();
                names.sort_by_key(|name| first(name).unwrap_or(i64::MAX));
                names.try_into().ok()
            }
            _ => None,
        };
        let choice = if let Some(sides) = sides {
            Choice::Runs(sides.map(|name| {
                let runs = groups.remove(&name).unwrap_or_default();
                (format!("{}:{name}", by.word()), runs)
            }))
        } else if by == Grouping::Model {
            Choice::By(by)
        } else {
            let words = format!(
                "{} groups by {}: first mark a run of one group as A and a run of another as B",
                groups.len(),
                by.word()
            );
            session.say(&words);
            return Vec::new();
        };
        vec![Effect::Compare(choice)]
    }
}
