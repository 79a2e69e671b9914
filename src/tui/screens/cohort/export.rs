//! Exports of a comparison.

use crate::export::cohort::markdown;
use crate::export::json::{self, Escapes};
use crate::tui::effects::Effect;
use crate::tui::keys::Key;
use crate::tui::screens::cohort::Cohort;
use crate::tui::screens::export::{Form, How};
use crate::tui::session::Session;

impl Cohort {
    /// The key after `x`.
    pub(super) fn export(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        self.exporting = false;
        let Some((answer, how)) = self.answer().zip(How::of(key)) else {
            return Vec::new();
        };
        let text = match how.form() {
            Form::Markdown => markdown::markdown(answer),
            Form::Json => {
                let document = json::cohort::cohort(&session.loaded.store, answer);
                json::text(&document, Escapes::Unsafe)
            }
        };
        vec![how.hand(text.into(), session)]
    }
}
