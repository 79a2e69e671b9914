//! Marks that the user sets: a letter on an action, and the way back to it.

use crate::base::text;
use crate::model::action::ActionIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Key};
use crate::tui::screens::stream::Stream;
use crate::tui::session::Session;
use crate::tui::widgets::prompt::Prompt;

/// A note while it is typed.
#[derive(Debug)]
pub(super) struct NotePrompt {
    pub(super) letter: char,
    pub(super) prompt: Prompt,
}

/// Cells of a note in a list of marks.
const LONGEST_NOTE: usize = 24;

impl Stream {
    /// Opens the note of the selected action; one without a mark gets the next free letter.
    pub(super) fn begin_note(&mut self, session: &mut Session) -> Vec<Effect> {
        let Some(subject) = self.subject().filter(|subject| !subject.is_end) else {
            return Vec::new();
        };
        let known = session.marks.of(subject.ix);
        let Some(letter) = known.or_else(|| session.marks.free()) else {
            self.say("all letters are in use · m and a letter removes its mark");
            return Vec::new();
        };
        let effects = match known {
            Some(_) => Vec::new(),
            None => self.mark(letter, session),
        };
        let prompt = Prompt::new(session.marks.note(letter));
        self.input.note = Some(NotePrompt { letter, prompt });
        effects
    }

    pub(super) fn type_note(&mut self, key: Key, session: &mut Session) {
        let Some(note) = &mut self.input.note else {
            return;
        };
        match key.code {
            Code::Enter => {
                session
                    .marks
                    .set_note(note.letter, note.prompt.text().trim());
                let words = format!("noted at mark {} · ' lists the marks", note.letter);
                self.input.note = None;
                self.say(words);
            }
            Code::Esc => self.input.note = None,
            _ => {
                note.prompt.edit(key);
            }
        }
    }

    /// The marks with their notes, for the second key of `'`.
    pub(super) fn marked(session: &Session) -> Vec<(char, String)> {
        let store = &session.loaded.store;
        let one = |(letter, ix): (char, ActionIx)| {
            let known = (store.first()..store.len()).contains(&ix.0);
            let seq = known.then(|| store.row(ix).seq()).filter(|seq| *seq > 0);
            let seq = seq.map_or_else(|| "a line".to_owned(), |seq| format!("#{seq}"));
            let note = text::sanitize(session.marks.note(letter));
            let note = text::cut(&note, LONGEST_NOTE);
            (letter, format!("{seq} {note}").trim_end().to_owned())
        };
        let all: Vec<_> = session.marks.letters().map(one).collect();
        if all.is_empty() {
            return vec![('a', "–z: nothing is marked yet".to_owned())];
        }
        all
    }

    /// `m x`: sets the mark, or takes it away where it is already.
    pub(super) fn mark(&mut self, letter: char, session: &mut Session) -> Vec<Effect> {
        let Some(subject) = self.subject() else {
            return Vec::new();
        };
        if subject.is_end {
            self.say_while_reading("still indexing: this action cannot be marked yet".to_owned());
            return Vec::new();
        }
        let is_set = session.marks.toggle(letter, subject.ix);
        let verb = if is_set { "marked" } else { "no longer marked" };
        self.say(format!(
            "{verb} {letter} · ' and {letter} comes back · \" writes a note · M shows only marked"
        ));
        if self.query.narrow.marked {
            return self.ask(session);
        }
        Vec::new()
    }

    /// `' x`.
    pub(super) fn go_to_mark(&mut self, letter: char, session: &mut Session) {
        match session.marks.get(letter) {
            Some(ix) => self.go_to(ix, &format!("mark {letter}")),
            None => self.say(format!("no mark {letter}")),
        }
    }

    /// Selects an action if it is listed; otherwise reports that it is hidden.
    pub(super) fn go_to(&mut self, ix: ActionIx, what: &str) {
        self.end = None;
        let position = self.list.listing.seek(ix);
        if self.list.listing.at(position) == Some(ix) {
            self.list.holds_end = false;
            self.query.answers.home = None;
            self.list.jump(position);
        } else {
            self.say(format!("{what} is hidden by the filter · esc shows all"));
        }
    }

    /// To the action that caused this one; in a subagent to the call that started it.
    pub(super) fn go_to_parent(&mut self, session: &Session) {
        self.query.answers.home = None;
        let Some(row) = self.selected(session).filter(|_| self.end.is_none()) else {
            return;
        };
        let symbols = session.loaded.store.symbols();
        let lane = row
            .run()
            .lanes
            .iter()
            .find(|lane| !row.agent().is_empty() && symbols.name(lane.agent) == row.agent());
        let caller = lane.and_then(|lane| lane.parent.get());
        let len = session.loaded.store.len();
        match caller.or(row.parent()).filter(|parent| parent.0 < len) {
            Some(parent) => self.go_to(parent, "the action that caused this one"),
            None => self.say("the cause of this action is not recorded".to_owned()),
        }
    }
}
