//! The filter line: its text, whether it is valid, and the active filter.

pub mod view;

use crate::base::text;
use crate::query::complete::{Completion, complete};
use crate::query::expr::Expr;
use crate::query::incomplete::is_incomplete;
use crate::query::needles::{Needle, needles};
use crate::store::Store;
use crate::tui::filtering::{self, Problem};
use crate::tui::keys::{Code, Key};
use crate::tui::widgets::prompt::Prompt;

#[derive(Debug, Default)]
pub struct FilterBar {
    /// Open while it is edited.
    pub prompt: Option<Prompt>,
    /// The text, valid or not; empty keeps everything.
    pub text: String,
    /// The filter in force: that of the last valid text.
    pub parsed: Option<Expr>,
    /// The last valid text.
    enforced: String,
    pub problem: Option<Problem>,
    /// The last search failed: the filter is not applied to what is listed.
    pub has_failed: bool,
    /// The text is unfinished: the last valid filter stays active, and no error is shown.
    pub is_incomplete: bool,
    /// A policy lies over what is filtered.
    pub is_over_policy: bool,
    /// What the filter in force looks for in texts.
    pub sought: Vec<Needle>,
    /// The text that Esc restores.
    before: String,
    /// Completions.
    pub proposals: Option<Proposals>,
    /// How far back in the history the user is.
    back: usize,
}

/// Cells of a filter line around what is typed.
const PROMPT: usize = 6;

/// What a key did while the line is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    Nothing,
    /// The text changed.
    Text,
    /// Another filter is in force.
    Filter,
}

/// Completions for the word at the cursor.
#[derive(Debug)]
pub struct Proposals {
    pub items: Vec<Completion>,
    /// The one taken now.
    pub at: Option<usize>,
    /// Cells before the word.
    pub column: usize,
    /// The text before any was taken.
    text: String,
}

impl FilterBar {
    pub fn open(&mut self) {
        (self.proposals, self.back) = (None, 0);
        self.before.clone_from(&self.text);
        // So that the next word can be typed at once.
        let is_open = self.text.is_empty() || self.text.ends_with(char::is_whitespace);
        let space = if is_open { "" } else { " " };
        self.prompt = Some(Prompt::new(&format!("{}{space}", self.text)));
    }

    /// Takes a key while the line is open.
    pub fn typed(&mut self, key: Key, store: &Store, history: &mut Vec<String>) -> Typed {
        let is_other = match key.code {
            Code::Enter => {
                let is_other = self.keep();
                self.remember(history);
                return if is_other {
                    Typed::Filter
                } else {
                    Typed::Nothing
                };
            }
            Code::Esc => self.restore(),
            Code::Tab | Code::BackTab => self.take_proposal(key.code == Code::Tab, store),
            Code::Up | Code::Down => self.recall(history, key.code == Code::Up),
            _ => self.edit(key, store),
        };
        if is_other {
            Typed::Text
        } else {
            Typed::Nothing
        }
    }

    /// Cancels editing and restores the old text; returns whether it differs from what was typed or is in force.
    pub fn restore(&mut self) -> bool {
        (self.prompt, self.proposals, self.is_incomplete) = (None, None, false);
        let before = std::mem::take(&mut self.before);
        let differs = before != self.text || before != self.enforced;
        self.text = before;
        differs
    }

    /// Ends editing, unless the text is invalid; returns whether the active filter changed.
    pub fn keep(&mut self) -> bool {
        self.proposals = None;
        let is_other = std::mem::take(&mut self.is_incomplete) && self.enforce();
        if self.problem.is_none() {
            self.prompt = None;
        }
        is_other
    }

    /// Handles a key; returns whether the text changed.
    pub fn edit(&mut self, key: Key, store: &Store) -> bool {
        let is_other = self.prompt.as_mut().is_some_and(|prompt| prompt.edit(key));
        if let Some(prompt) = self.prompt.as_ref().filter(|_| is_other) {
            prompt.text().clone_into(&mut self.text);
            self.propose(store);
        }
        is_other
    }

    /// Inserts pasted text if the line is open; returns whether it is.
    pub fn paste(&mut self, pasted: &str) -> bool {
        let Some(prompt) = &mut self.prompt else {
            return false;
        };
        prompt.paste(pasted);
        prompt.text().clone_into(&mut self.text);
        true
    }

    /// Finds completions.
    fn propose(&mut self, store: &Store) {
        self.proposals = None;
        let Some(prompt) = &self.prompt else { return };
        let (text, cursor) = (prompt.text(), prompt.cursor());
        let items = complete(text, cursor, store);
        let Some(first) = items.first() else { return };
        let before = text.get(..first.replace.start).unwrap_or_default();
        let typed = text.get(first.replace.clone()).unwrap_or_default();
        let says_all = items.len() == 1 && first.text == typed;
        // Propose nothing before a word begins, except values.
        let is_begun = !typed.is_empty() || before.ends_with([':', '=']);
        if says_all || !is_begun {
            return;
        }
        self.proposals = Some(Proposals {
            at: None,
            column: text::width(&text::sanitize(before)),
            text: text.to_owned(),
            items,
        });
    }

    /// Takes the next or previous completion; returns whether there is one.
    pub fn take_proposal(&mut self, forward: bool, store: &Store) -> bool {
        if self.proposals.is_none() {
            self.force(store);
        }
        let (Some(proposals), Some(prompt)) = (&mut self.proposals, &mut self.prompt) else {
            return false;
        };
        let len = proposals.items.len();
        let next = match (proposals.at, forward) {
            (None, true) => 0,
            (None, false) => len - 1,
            (Some(at), true) => (at + 1) % len,
            (Some(at), false) => (at + len - 1) % len,
        };
        proposals.at = Some(next);
        let item = &proposals.items[next];
        let (before, after) = (
            proposals.text.get(..item.replace.start),
            proposals.text.get(item.replace.end..),
        );
        let head = format!("{}{}", before.unwrap_or_default(), item.text);
        *prompt = Prompt::with_cursor(&head, after.unwrap_or_default());
        prompt.text().clone_into(&mut self.text);
        true
    }

    /// Tab completes even where nothing was typed.
    fn force(&mut self, store: &Store) {
        let Some(prompt) = &self.prompt else { return };
        let items = complete(prompt.text(), prompt.cursor(), store);
        if let Some(first) = items.first() {
            let before = prompt.text().get(..first.replace.start).unwrap_or_default();
            self.proposals = Some(Proposals {
                at: None,
                column: text::width(&text::sanitize(before)),
                text: prompt.text().to_owned(),
                items,
            });
        }
    }

    /// Recalls an older or newer filter; returns whether the text changed.
    pub fn recall(&mut self, history: &[String], earlier: bool) -> bool {
        let back = if earlier {
            self.back + 1
        } else {
            self.back.saturating_sub(1)
        };
        if back > history.len() || back == self.back {
            return false;
        }
        self.back = back;
        self.proposals = None;
        let text = match back {
            0 => self.before.clone(),
            back => history[history.len() - back].clone(),
        };
        self.prompt = Some(Prompt::new(&text));
        self.text = text;
        true
    }

    /// Adds the current filter to the history.
    pub fn remember(&self, history: &mut Vec<String>) {
        let text = self.text.trim();
        if self.problem.is_none() && !text.is_empty() {
            history.retain(|known| known != text);
            history.push(text.to_owned());
        }
    }

    /// The text of the filter in force: the last one that was valid.
    pub fn in_force(&self) -> &str {
        self.enforced.trim()
    }

    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
    }

    /// Parses the text; returns whether it is valid, and finished if it is being typed.
    pub fn judge(&mut self) -> bool {
        let at_end = |prompt: &Prompt| prompt.cursor() == prompt.text().len();
        let is_typed = self.prompt.as_ref().is_some_and(at_end);
        self.is_incomplete = is_typed && is_incomplete(&self.text);
        if self.is_incomplete {
            self.problem = None;
            return false;
        }
        self.enforce()
    }

    /// What is in force while the text is unfinished: the number of matches, and of what.
    pub fn waiting(&self, kept: &str, room: usize) -> String {
        let long = format!(" incomplete filter – showing last valid result ({kept}) ");
        if text::width(&long) + text::width(&self.text) + PROMPT <= room {
            long
        } else {
            format!(" incomplete – last valid: {kept} ")
        }
    }

    /// The words beside an invalid text: that it is not applied, and which filter is, in the longest form that fits.
    pub fn refused(&self, wrong: &str, counted: &str, room: usize) -> String {
        let in_force = text::sanitize(self.in_force());
        if in_force.is_empty() {
            return format!(" {wrong} not applied ");
        }
        let forms = [
            format!(" {wrong} not applied · in force: {in_force} ({counted}) "),
            format!(" {wrong} not applied · in force: {in_force} "),
        ];
        let fits = |form: &String| text::width(form) <= room;
        let short = || format!(" {wrong} in force: {in_force} ");
        forms.into_iter().find(fits).unwrap_or_else(short)
    }

    /// The cells for the words beside a text: what it leaves free, but at least half of the line.
    pub fn beside(&self, left: &str, room: usize) -> usize {
        if left.is_empty() || self.is_incomplete {
            return room;
        }
        let taken = text::width(&text::sanitize(left)) + PROMPT;
        room.saturating_sub(taken).max(room / 2)
    }

    fn enforce(&mut self) -> bool {
        match filtering::parse(&self.text, self.is_over_policy) {
            Ok(parsed) => {
                self.text.clone_into(&mut self.enforced);
                self.has_failed = false;
                self.sought = parsed.as_ref().map(needles).unwrap_or_default();
                (self.parsed, self.problem) = (parsed, None);
                true
            }
            Err(problem) => {
                self.problem = Some(problem);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
