//! The filter line: what is typed, whether it makes sense, and what is in force.

use crate::query::expr::Expr;
use crate::tui::filtering::{self, Problem};
use crate::tui::widgets::prompt::Prompt;

#[derive(Debug, Default)]
pub struct FilterBar {
    /// Open while it is edited.
    pub prompt: Option<Prompt>,
    /// What is typed, valid or not; empty keeps everything.
    pub text: String,
    /// What is in force: the last text that made sense.
    pub parsed: Option<Expr>,
    pub problem: Option<Problem>,
    /// What Esc brings back.
    before: String,
}

impl FilterBar {
    pub fn open(&mut self) {
        self.before.clone_from(&self.text);
        // The next word can be typed at once.
        let is_open = self.text.is_empty() || self.text.ends_with(char::is_whitespace);
        let space = if is_open { "" } else { " " };
        self.prompt = Some(Prompt::new(&format!("{}{space}", self.text)));
    }

    /// Ends editing and brings back what was before; tells whether that is another text.
    pub fn restore(&mut self) -> bool {
        self.prompt = None;
        let before = std::mem::take(&mut self.before);
        let differs = before != self.text;
        self.text = before;
        differs
    }

    /// Ends editing. What makes no sense stays to be mended.
    pub fn keep(&mut self) {
        if self.problem.is_none() {
            self.prompt = None;
        }
    }

    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
    }

    /// Reads the text; tells whether it makes sense.
    pub fn judge(&mut self) -> bool {
        match filtering::parse(&self.text) {
            Ok(parsed) => {
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
