//! The user's typed consent to something with real effects. Keys that were queued when the question appeared are
//! ignored.

use crate::tui::keys::{Code, Key};
use crate::tui::widgets::prompt::Prompt;

#[derive(Debug, Default)]
pub struct Consent {
    pub prompt: Prompt,
    /// When the question was first drawn complete, in microseconds.
    since: Option<i64>,
}

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    Nothing,
    Close,
    /// Enter, and the text before it.
    Entered(String),
}

/// How long after a question appears keys are taken to be meant for something else, in microseconds.
const DEAF: i64 = 500_000;

impl Consent {
    /// Notes that the question is on the screen.
    pub fn drawn(&mut self, now: i64) {
        self.since.get_or_insert(now);
    }

    pub fn is_ready(&self, now: i64) -> bool {
        self.since.is_some_and(|since| now - since >= DEAF)
    }

    pub fn typed(&mut self, key: Key, now: i64) -> Typed {
        if key.code == Code::Esc {
            return Typed::Close;
        }
        if !self.is_ready(now) {
            // The time restarts, so that no sequence of queued keys outlasts it.
            self.since = self.since.map(|_| now);
            return Typed::Nothing;
        }
        if key.code == Code::Enter {
            return Typed::Entered(self.prompt.text().to_owned());
        }
        self.prompt.edit(key);
        Typed::Nothing
    }
}
