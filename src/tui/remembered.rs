//! What is remembered between starts: what a session starts with, and what it saves. Pure;
//! `runtime/memory.rs` reads and writes.

use std::path::PathBuf;

use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::state::{Change, Layout, Mark, Position, SavedFilter, TraceId};
use crate::store::Store;
use crate::tui::screen::id::ScreenId;
use crate::tui::session::{Here, Session};

/// The state saved by earlier sessions.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// Whether this session will be remembered too.
    pub is_on: bool,
    /// Filters that were applied, the newest last.
    pub history: Vec<String>,
    pub saved: Vec<SavedFilter>,
    /// Traces that were opened, the newest first.
    pub opened: Vec<PathBuf>,
    /// Columns and order of each view, by the name of the view.
    pub layouts: Vec<(String, Layout)>,
    /// Where the user left this trace.
    pub position: Option<Position>,
    /// The marks of this trace.
    pub marks: Vec<Mark>,
}

impl Remembered {
    pub fn layout(&self, view: ScreenId) -> Option<&Layout> {
        let name = view.info().name;
        let mut layouts = self.layouts.iter();
        layouts
            .find(|(view, _)| view == name)
            .map(|(_, layout)| layout)
    }
}

/// The action that a position or a mark names; `None` if the trace no longer has it.
pub fn find(store: &Store, run: &str, seq: u32) -> Option<ActionIx> {
    let ix = run_named(store, run)?;
    let rows = store.run(ix).first_action.get()?.0..store.len();
    let mut rows = rows.map(ActionIx);
    rows.find(|row| {
        let row = store.row(*row);
        row.run_ix() == ix && row.seq() == seq
    })
}

/// The selection and the view in which the user left the trace.
pub fn place(store: &Store, position: &Position) -> Option<(ScreenId, Here)> {
    let run = run_named(store, &position.run)?;
    let here = Here {
        action: find(store, &position.run, position.seq).or_else(|| store.first_of(run)),
        run: Some(run),
        scope: position.is_alone.then_some(run),
    };
    let view = ScreenId::view(&position.view)?;
    // Which runs were compared is not remembered.
    let compares = matches!(view, ScreenId::Diff | ScreenId::Cohort);
    Some((if compares { ScreenId::Stream } else { view }, here))
}

fn run_named(store: &Store, name: &str) -> Option<RunIx> {
    let mut runs = (0..).map(RunIx).zip(store.runs());
    runs.find(|(_, run)| &*run.id == name).map(|(ix, _)| ix)
}

/// What to save of a session about filters.
pub fn filter_changes(session: &Session) -> Vec<Change> {
    let before = &session.setup.remembered;
    // Filters that were applied in this session are the newest ones.
    let mut known = before.history.iter();
    let history = &session.filters.history;
    let old = history
        .iter()
        .take_while(|filter| known.any(|known| known == *filter))
        .count();
    let used = history.iter().skip(old).cloned().map(Change::Filtered);
    let saved: Vec<SavedFilter> = session
        .filters
        .saved
        .iter()
        .filter(|filter| !session.setup.filters.contains(filter))
        .map(|(name, filter)| SavedFilter {
            name: name.clone(),
            filter: filter.clone(),
        })
        .collect();
    let gone = before.saved.iter().filter(|old| !saved.contains(old));
    let gone = gone.cloned().map(Change::ForgotFilter);
    let new = saved.iter().filter(|new| !before.saved.contains(new));
    let new = new.cloned().map(Change::SavedFilter);
    used.chain(gone).chain(new).collect()
}

/// What to save of a session about its trace; `filters` are those in force.
pub fn trace_changes(
    session: &Session,
    trace: &TraceId,
    filters: &[(ScreenId, String)],
) -> Vec<Change> {
    let store = &session.loaded.store;
    let named = |ix: ActionIx| {
        let known = (store.first()..store.len()).contains(&ix.0);
        known
            .then(|| store.row(ix))
            .map(|row| (row.run(), row.seq()))
    };
    let here = session.here;
    let place = here.action.and_then(named).or_else(|| {
        let run = here.run.filter(|ix| (ix.0 as usize) < store.runs().len());
        run.map(|ix| (store.run(ix), 0))
    });
    let moved = place.map(|(run, seq)| Change::Moved {
        trace: trace.clone(),
        to: Position {
            run: run.id.to_string(),
            seq,
            view: session.place.screen.info().name.to_owned(),
            is_alone: here.scope.is_some(),
            filters: filters
                .iter()
                .map(|(view, filter)| (view.info().name.to_owned(), filter.clone()))
                .collect(),
        },
    });
    let marks: Vec<Mark> = session
        .marks
        .letters()
        .filter_map(|(letter, ix)| {
            let (run, seq) = named(ix)?;
            Some(Mark {
                letter,
                run: run.id.to_string(),
                seq,
                note: session.marks.note(letter).to_owned(),
            })
        })
        .collect();
    let before = &session.setup.remembered.marks;
    let is_gone = |old: &&Mark| {
        let is_known = session.marks.pending().iter().all(|it| it != *old);
        is_known && marks.iter().all(|new| new.letter != old.letter)
    };
    let gone = before.iter().filter(is_gone).map(|old| Change::Unmarked {
        trace: trace.clone(),
        letter: old.letter,
    });
    let new = marks.iter().filter(|new| !before.contains(new));
    let new = new.map(|mark| Change::Marked {
        trace: trace.clone(),
        mark: mark.clone(),
    });
    moved.into_iter().chain(gone).chain(new).collect()
}

/// What to save of the views whose columns or order the user changed.
pub fn layout_changes(before: &[(ScreenId, Layout)], now: Vec<(ScreenId, Layout)>) -> Vec<Change> {
    now.into_iter()
        .filter(|new| !before.contains(new))
        .map(|(view, layout)| Change::LaidOut {
            view: view.info().name.to_owned(),
            layout,
        })
        .collect()
}

#[cfg(test)]
mod tests;
