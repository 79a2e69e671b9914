//! The rows of what the model saw: parts that unfold into their text, with a cursor.

use std::collections::HashSet;

use crate::base::text;
use crate::export::redact::Masked;
use crate::model::action::ActionIx;
use crate::tui::effects::Effect;
use crate::tui::keys::Command;
use crate::tui::screen::id::ScreenId;
use crate::tui::screens::replay::Replay;
use crate::tui::screens::replay::context_text::{ContextText, Line};
use crate::tui::screens::replay::layout::Pane;
use crate::tui::screens::replay::tasks::MakeCurl;
use crate::tui::session::{Here, Session};
use crate::tui::widgets::viewport::{Extent, Viewport, stepped};

/// What a row of the pane belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Of {
    /// A part of the request, by its place.
    Part(usize),
    /// The number of parts that the model had seen before, and their size.
    Before(usize, u64),
    /// What the last compaction threw away, and one of its parts.
    Dropped,
    Gone(usize),
    Missing(Option<usize>),
}

#[derive(Debug)]
pub(super) struct PaneRow {
    pub(super) of: Of,
    /// A line of the text of an unfolded part, or a further row of a note; `None` for its head.
    pub(super) text: Option<String>,
}

/// The rows, which of them is selected, and what is unfolded.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) rows: Vec<PaneRow>,
    pub(super) view: Viewport,
    pub(super) unfolded: HashSet<Of>,
    /// Also list the parts that the model had already seen.
    pub(super) has_seen: bool,
    /// The call that they belong to.
    call: Option<ActionIx>,
}

/// Lines of text that one part may take.
const TALLEST: usize = 2_000;
/// Cells before the text of a part.
pub(super) const INDENT: usize = 4;

impl ContextText {
    pub(super) fn line(&self, of: Of) -> Option<&Line> {
        match of {
            Of::Part(at) => self.lines.get(at),
            Of::Gone(at) => self.dropped.as_ref()?.lines.get(at),
            Of::Before(..) | Of::Dropped | Of::Missing(_) => None,
        }
    }
}

/// The rows of a note about something that the trace does not contain, aligned behind its mark.
pub(super) fn wrapped_note(words: &str, width: usize) -> Vec<String> {
    text::wrap(words, width.saturating_sub(INDENT).max(1))
}

/// The heads in order. Parts that the model had already seen are one head unless the user wants them all.
fn heads(seen: &ContextText, has_seen: bool, unfolded: &HashSet<Of>) -> Vec<Of> {
    let mut heads = Vec::new();
    if let Some(dropped) = &seen.dropped {
        heads.push(Of::Dropped);
        if unfolded.contains(&Of::Dropped) {
            heads.extend((0..dropped.lines.len()).map(Of::Gone));
        }
    }
    let mut before = (0, 0);
    let has_new = seen.lines.iter().any(|line| line.is_new);
    for (at, line) in seen.lines.iter().enumerate() {
        if has_new && !has_seen && !line.is_new && !line.is_member {
            before = (before.0 + 1, before.1 + line.estimate);
            continue;
        }
        if before.0 > 0 {
            heads.push(Of::Before(before.0, before.1));
            before = (0, 0);
        }
        heads.push(Of::Part(at));
    }
    if before.0 > 0 {
        heads.push(Of::Before(before.0, before.1));
    }
    if !seen.missing.is_empty() {
        heads.push(Of::Missing(None));
        heads.extend((0..seen.missing.len()).map(|at| Of::Missing(Some(at))));
    }
    heads
}

impl Parts {
    /// An empty list for another call: nothing is unfolded, and what to list stays as the user chose.
    pub(super) fn of_call(&self, call: Option<ActionIx>) -> Parts {
        Parts {
            call,
            has_seen: self.has_seen,
            ..Parts::default()
        }
    }

    fn fill(&mut self, seen: &ContextText, width: usize) {
        let is_other = self.call != Some(seen.call);
        if is_other {
            *self = self.of_call(Some(seen.call));
        }
        self.rows.clear();
        let cells = width.saturating_sub(INDENT + 1).max(1);
        for of in heads(seen, self.has_seen, &self.unfolded) {
            self.rows.push(PaneRow { of, text: None });
            if let Of::Missing(Some(at)) = of {
                let below = wrapped_note(&seen.missing[at], width).into_iter().skip(1);
                self.rows.extend(below.map(|text| PaneRow {
                    of,
                    text: Some(text),
                }));
                continue;
            }
            let line = seen.line(of).filter(|_| self.unfolded.contains(&of));
            let Some(line) = line else { continue };
            let lines = text::sanitize_lines(&line.text);
            let wrapped = lines.flat_map(|line| text::wrap(&line, cells));
            self.rows.extend(wrapped.take(TALLEST).map(|text| PaneRow {
                of,
                text: Some(text),
            }));
        }
        if is_other {
            self.view.cursor = self.first_new(seen);
        }
    }

    /// Where reading begins: the first message that the model had not seen, else the first message.
    fn first_new(&self, seen: &ContextText) -> usize {
        let first = |test: fn(&Line) -> bool| {
            let mut rows = self.rows.iter();
            rows.position(|row| seen.line(row.of).is_some_and(test))
        };
        let new = first(|line| line.is_new && !line.is_member);
        new.or_else(|| first(|line| !line.is_member)).unwrap_or(0)
    }

    fn selected(&self) -> Option<Of> {
        self.rows.get(self.view.cursor).map(|row| row.of)
    }

    /// The head of what the cursor is in, so that the cursor stays in sight when that is folded.
    fn head(&self, of: Of) -> usize {
        let head = |row: &PaneRow| row.of == of && row.text.is_none();
        self.rows.iter().position(head).unwrap_or(0)
    }
}

impl Replay {
    /// Whether keys that move go to the parts.
    pub(super) fn is_in_parts(&self) -> bool {
        self.pane == Pane::Context
    }

    /// Lays out the rows of the pane, below `above` lines.
    pub(super) fn settle_parts(&mut self, above: u16) {
        let Some(seen) = self.seen.shown.clone() else {
            return;
        };
        let area = self.frame.regions.seen;
        self.parts.fill(&seen, usize::from(area.width));
        self.parts.view.settle(&Extent {
            len: self.parts.rows.len(),
            rows: usize::from(area.height.saturating_sub(above)),
            height: &|_| 1,
        });
    }

    /// Moves the cursor among the parts; returns whether it moved.
    pub(super) fn move_in_parts(&mut self, command: Command) -> bool {
        let rows = usize::from(self.frame.regions.seen.height.saturating_sub(4));
        let command = match command {
            Command::ContextDown => Command::Down,
            Command::ContextUp => Command::Up,
            other => other,
        };
        let size = (self.parts.rows.len(), rows);
        let to = stepped(command, self.parts.view.cursor, size);
        if let Some(to) = to {
            self.parts.view.cursor = to;
        }
        to.is_some()
    }

    /// Unfolds what the cursor is on, or folds it.
    pub(super) fn toggle_part(&mut self) {
        let Some(of) = self.parts.selected() else {
            return;
        };
        match of {
            Of::Before(..) => self.parts.has_seen = true,
            Of::Part(_) | Of::Gone(_) | Of::Dropped => {
                self.parts.view.cursor = self.parts.head(of);
                if !self.parts.unfolded.remove(&of) {
                    self.parts.unfolded.insert(of);
                }
            }
            Of::Missing(_) => self.notice = Some("the trace does not contain it"),
        }
    }

    fn selected_part(&self) -> Option<&Line> {
        self.seen.shown.as_ref()?.line(self.parts.selected()?)
    }

    /// Goes to the action that the part came from.
    pub(super) fn open_part(&mut self, session: &Session) -> Vec<Effect> {
        match self.selected_part().map(|line| line.action) {
            Some(Some(action)) => {
                let here = Here {
                    action: Some(action),
                    run: self.run,
                    scope: session.here.scope.and(self.run),
                };
                return vec![Effect::Visit(ScreenId::Stream, here)];
            }
            Some(None) => self.notice = Some("this part does not come from an action of the trace"),
            None => self.toggle_part(),
        }
        Vec::new()
    }

    /// Copies the request that the step belongs to, as a command that sends it.
    pub(super) fn copy_request(&self, session: &Session) -> Vec<Effect> {
        let make = self.action().map(|ix| MakeCurl {
            store: session.loaded.store.clone(),
            ix,
        });
        make.map(Effect::start).into_iter().collect()
    }

    /// Copies the part under the cursor.
    pub(super) fn copy_part(&mut self) -> Vec<Effect> {
        let text = self.selected_part().map(|line| line.text.clone());
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            self.notice = Some("this line is no part of the request");
            return Vec::new();
        };
        self.notice = Some("copied the part (OSC 52)");
        vec![Effect::Copy(Masked::from(text))]
    }
}
