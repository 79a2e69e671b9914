//! Starting with the runs and the action that the command line named (`PATH#RUN:SEQ`).

use crate::analysis::naming;
use crate::analysis::runs::has_content;
use crate::model::run::RunIx;
use crate::query::expr::{Expr, Subject, Term, Test, Value};
use crate::query::fields::Field;
use crate::tui::Named;
use crate::tui::keys::Command;
use crate::tui::screens::ScreenId;
use crate::tui::session::Here;
use crate::tui::shell::route::{Route, Stop};
use crate::tui::shell::{ScreenEffect, Shell, Start};

/// A run, and an action of it if one was named.
type Found = (RunIx, Option<u32>);

impl Shell {
    /// Goes to what was named as soon as it is loaded. A prefix of an id is unique only when all
    /// runs are known.
    pub(super) fn find_named(&mut self) -> Vec<ScreenEffect> {
        let Some((named, view)) = self.named.take() else {
            return Vec::new();
        };
        let found: Vec<_> = named.iter().map(|it| (it, self.named_run(it))).collect();
        let is_loaded = |(it, found): &(&Named, Option<Found>)| {
            found.is_some_and(|(run, seq)| self.is_loaded(&it.name, run, seq))
        };
        // A followed trace may still bring a run that is missing.
        let may_come = self.session.trace.live && found.iter().any(|(_, found)| found.is_none());
        let is_complete = !self.session.is_loading() && !may_come;
        if !is_complete && !found.iter().all(is_loaded) {
            self.named = Some((named, view));
            return Vec::new();
        }
        let mut runs: Vec<Found> = Vec::new();
        for (it, found) in found {
            let Some((run, seq)) = found else {
                let words = format!("no single run is named '{}'", it.name);
                self.session.fail(&words);
                continue;
            };
            if runs.iter().all(|(known, _)| *known != run) {
                runs.push((run, seq));
            }
        }
        match runs.as_slice() {
            [] => Vec::new(),
            [(run, seq)] => self.go_to(*run, *seq, view.unwrap_or(ScreenId::Stream)),
            several => self.keep_named(several, view.unwrap_or(ScreenId::Runs)),
        }
    }

    fn named_run(&self, named: &Named) -> Option<Found> {
        let store = &self.session.loaded.store;
        let runs = (0..).map(RunIx).zip(store.runs());
        let runs: Vec<_> = runs.filter(|(_, run)| has_content(run)).collect();
        let path = &named.path;
        let inside = runs
            .iter()
            .filter(|(_, run)| store.source(run.source).path.starts_with(path));
        let inside: Vec<_> = inside.copied().collect();
        // The paths of a pattern (`*.jsonl`) do not begin with it.
        let runs = if inside.is_empty() { runs } else { inside };
        let ids: Vec<&str> = runs.iter().map(|(_, run)| &*run.id).collect();
        let (at, seq) = naming::find(&ids, Some(&named.name)).ok()?;
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

    /// Keeps several named runs with a filter, which is shown and can be cleared.
    fn keep_named(&mut self, runs: &[Found], view: ScreenId) -> Vec<ScreenEffect> {
        let store = &self.session.loaded.store;
        let ids = runs.iter().map(|(run, _)| store.run(*run).id.to_string());
        let term = Expr::Term(Term {
            subject: Subject::Field(Field::Run),
            test: Test::Equals(ids.map(Value::Quoted).collect()),
        });
        let filter = match self.given.as_deref().map(str::trim) {
            None | Some("") => term.to_string(),
            Some(given) => format!("({given}) {term}"),
        };
        let mut here = Here::default();
        if let Some((first, _)) = runs.first() {
            here.select_run(*first, store);
        }
        let mut words = format!("{} runs were named: the filter keeps them", runs.len());
        if let [(a, _), (b, _)] = runs {
            self.session.marks.pair = [Some(*a), Some(*b)];
            let keys = self.session.keymap.keys(Command::Compare).join(" ");
            words = format!("{words} · {keys} compares them");
        }
        self.session.say(&words);
        self.start = Start::Found;
        self.session.here = here;
        self.route = Route::new(view);
        let mut asked = self.filter_view(ScreenId::Runs, &filter);
        if view != ScreenId::Runs {
            asked.extend(self.filter_view(view, &filter));
        }
        self.given = Some(filter);
        asked.extend(self.enter());
        asked
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
