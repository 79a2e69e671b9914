//! Starting at the run and action that the command line named (`PATH#RUN:SEQ`).

use crate::analysis::naming;
use crate::analysis::runs::has_content;
use crate::model::run::RunIx;
use crate::tui::screens::ScreenId;
use crate::tui::session::Here;
use crate::tui::shell::route::{Route, Stop};
use crate::tui::shell::{ScreenEffect, Shell, Start};

impl Shell {
    /// Goes to what was named as soon as it is loaded. A prefix of an id is unique only when all
    /// runs are known.
    pub(super) fn find_named(&mut self) -> Vec<ScreenEffect> {
        let Some((name, view)) = self.named.take() else {
            return Vec::new();
        };
        let is_complete = !self.session.is_loading();
        match self.named_run(&name) {
            Some((run, seq)) if is_complete || self.is_loaded(&name, run, seq) => {
                self.go_to(run, seq, view)
            }
            None if is_complete && !self.session.trace.live => {
                let words = format!("no single run is named '{name}'");
                self.session.fail(&words);
                Vec::new()
            }
            Some(_) | None => {
                self.named = Some((name, view));
                Vec::new()
            }
        }
    }

    fn named_run(&self, name: &str) -> Option<(RunIx, Option<u32>)> {
        let runs = (0..).map(RunIx).zip(self.session.loaded.store.runs());
        let runs: Vec<_> = runs.filter(|(_, run)| has_content(run)).collect();
        let ids: Vec<&str> = runs.iter().map(|(_, run)| &*run.id).collect();
        let (at, seq) = naming::find(&ids, Some(name)).ok()?;
        Some((runs[at].0, seq))
    }

    /// Whether a run was named by its whole id and has the action, so that more runs change nothing.
    fn is_loaded(&self, name: &str, run: RunIx, seq: Option<u32>) -> bool {
        let run = self.session.loaded.store.run(run);
        let whole = match (seq, naming::split_seq(name)) {
            (Some(_), Some((id, _))) => id,
            (_, _) => name,
        };
        *run.id == *whole && seq.is_none_or(|seq| seq <= run.totals.actions)
    }

    fn go_to(&mut self, run: RunIx, seq: Option<u32>, view: ScreenId) -> Vec<ScreenEffect> {
        let store = &self.session.loaded.store;
        let named = seq.and_then(|seq| store.numbered(run, seq));
        let action = named.map(|row| row.ix()).or(store.first_of(run));
        let missing = seq.filter(|_| named.is_none());
        let here = Here {
            action,
            run: Some(run),
            scope: Some(run),
        };
        if let Some(seq) = missing {
            let actions = store.run(run).totals.actions;
            let words = format!("the run has no action {seq} (it has {actions})");
            self.session.fail(&words);
        }
        self.start = Start::Found;
        self.session.here = here;
        if self.runs_with_content() > 1 && view == ScreenId::Stream {
            self.route = Route::new(ScreenId::Runs);
            self.route.go(Stop::inside(view, here));
        } else {
            self.route = Route::new(view);
        }
        self.enter()
    }
}
