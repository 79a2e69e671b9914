//! Reads what earlier sessions left before a trace is opened, and saves what this one leaves.

use std::path::Path;

use crate::state::{Change, Layout, Notice, State, TraceId};
use crate::tui::Options;
use crate::tui::remembered::{self, Remembered};
use crate::tui::screen::id::{self, ScreenId};
use crate::tui::shell::Shell;

#[derive(Debug)]
pub(super) struct Memory {
    state: State,
    /// What is open, if it is a single trace that can be opened again.
    trace: Option<TraceId>,
    /// How the views were laid out when it was opened.
    layouts: Vec<(ScreenId, Layout)>,
}

/// How many traces that were opened before are offered.
const OFFERED: usize = 100;

impl Memory {
    /// `None` remembers until the program ends, and touches no file.
    pub(super) fn open(folder: Option<&Path>) -> (Memory, Vec<Notice>) {
        let (state, notices) = State::open(folder);
        let memory = Memory {
            state,
            trace: None,
            layouts: Vec::new(),
        };
        (memory, notices)
    }

    /// Adds what is remembered to the options of a session that is about to begin.
    pub(super) fn enter(&mut self, options: &mut Options) -> Vec<Notice> {
        self.trace = match options.paths.as_slice() {
            [path] => TraceId::of(path),
            _ => None,
        };
        let (state, trace) = (&self.state, self.trace.as_ref());
        let layouts = id::views().filter_map(|info| {
            let layout = state.layout(info.name)?;
            Some((info.name.to_owned(), layout.clone()))
        });
        options.setup.remembered = Remembered {
            is_on: state.is_on(),
            history: state.filter_history().to_vec(),
            saved: state.saved_filters().to_vec(),
            opened: state
                .recent()
                .map(|entry| entry.trace.path().to_owned())
                .take(OFFERED)
                .collect(),
            layouts: layouts.collect(),
            position: trace.and_then(|trace| state.position(trace)).cloned(),
            marks: trace
                .map(|trace| state.marks(trace))
                .unwrap_or_default()
                .to_vec(),
        };
        let opened = self.trace.clone().map(|trace| Change::Opened {
            trace,
            at: options.clock.now(),
        });
        self.save(opened)
    }

    /// The session has begun: what changes from now on is to be saved.
    pub(super) fn entered(&mut self, shell: &Shell) {
        self.layouts = shell.layouts();
    }

    /// Saves what a session leaves.
    pub(super) fn leave(&mut self, shell: &Shell) -> Vec<Notice> {
        let session = &shell.session;
        let mut changes = remembered::filter_changes(session);
        if let Some(trace) = &self.trace {
            changes.extend(remembered::trace_changes(session, trace, &shell.filters()));
        }
        changes.extend(remembered::layout_changes(&self.layouts, shell.layouts()));
        let mut notices = self.save(changes);
        notices.extend(self.state.flush());
        notices
    }

    fn save(&mut self, changes: impl IntoIterator<Item = Change>) -> Vec<Notice> {
        let changes = changes.into_iter();
        changes
            .flat_map(|change| self.state.apply(change))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::Memory;
    use crate::tui::Options;
    use crate::tui::keys;
    use crate::tui::screen::id::ScreenId;
    use crate::tui::shell::Shell;
    use crate::tui::testing;

    const TRACE: &str = concat!(
        "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"p\",\"content\":\"x\"}\n",
        "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"q\",\"content\":\"y\"}\n",
        "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"r\",\"content\":\"z\"}\n",
    );

    /// Opens a trace, presses keys, and quits.
    fn session(folder: Option<&Path>, path: &Path, keys: &str) -> Shell {
        let (mut memory, problems) = Memory::open(folder);
        assert_eq!(problems, []);
        let mut options = Options {
            paths: vec![path.to_owned()],
            ..testing::options()
        };
        assert_eq!(memory.enter(&mut options), []);
        let theme = options.theme();
        let mut shell = Shell::new(&options, theme);
        memory.entered(&shell);
        for message in testing::load(TRACE) {
            shell.loaded(message);
        }
        let area = Rect::new(0, 0, 120, 30);
        for key in keys::script(keys) {
            shell.draw(area, &mut Buffer::empty(area));
            shell.key(key);
        }
        shell.draw(area, &mut Buffer::empty(area));
        assert_eq!(memory.leave(&shell), []);
        shell
    }

    #[test]
    fn the_next_session_begins_where_the_last_one_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let (state, trace) = (folder.path().join("state"), folder.path().join("t.jsonl"));
        fs::write(&trace, TRACE).expect("written");
        let first = session(Some(&state), &trace, "j m a j");
        assert!(first.session.here.action.is_some());
        let second = session(Some(&state), &trace, "");
        assert_eq!(second.session.here, first.session.here);
        let marked = |shell: &Shell| shell.session.marks.get('a');
        assert!(marked(&first).is_some());
        assert_eq!(marked(&second), marked(&first));
        // A mark that was removed stays removed.
        session(Some(&state), &trace, "k m a");
        assert_eq!(marked(&session(Some(&state), &trace, "")), None);
    }

    #[test]
    fn filters_and_the_order_of_the_runs_are_remembered_for_every_trace() {
        let folder = tempfile::tempdir().expect("a folder");
        let (state, trace) = (folder.path().join("state"), folder.path().join("t.jsonl"));
        fs::write(&trace, TRACE).expect("written");
        session(Some(&state), &trace, "/ is:error enter 2 $");
        let other = folder.path().join("other.jsonl");
        fs::write(&other, TRACE).expect("written");
        let shell = session(Some(&state), &other, "");
        assert_eq!(shell.session.filters.history, ["is:error"]);
        let layouts = shell.layouts();
        let runs = layouts.iter().find(|(view, _)| *view == ScreenId::Runs);
        let sort = runs.and_then(|(_, layout)| layout.sort.as_deref());
        assert!(sort.is_some_and(|sort| sort != "-started"), "{sort:?}");
        assert_eq!(shell.session.setup.remembered.opened.len(), 1);
    }

    #[test]
    fn notes_and_the_filters_in_force_come_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (state, trace) = (folder.path().join("state"), folder.path().join("t.jsonl"));
        fs::write(&trace, TRACE).expect("written");
        let first = session(Some(&state), &trace, "j \" why enter / kind:prompt enter");
        let filters = [(ScreenId::Stream, "kind:prompt".to_owned())];
        assert_eq!(first.filters(), filters);
        let second = session(Some(&state), &trace, "");
        assert_eq!(second.session.marks.note('a'), "why");
        assert_eq!(second.filters(), filters);
        session(Some(&state), &trace, "esc");
        assert_eq!(session(Some(&state), &trace, "").filters(), []);
    }

    #[test]
    fn nothing_is_remembered_without_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let trace = folder.path().join("t.jsonl");
        fs::write(&trace, TRACE).expect("written");
        session(None, &trace, "j m a");
        assert_eq!(session(None, &trace, "").session.marks.get('a'), None);
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
    }
}
