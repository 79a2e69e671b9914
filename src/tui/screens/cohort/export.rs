//! What a comparison is taken away as.

use crate::act::viewer::Viewer;
use crate::export::cohort::markdown;
use crate::export::json::{self, Escapes};
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Key};
use crate::tui::screens::cohort::Cohort;
use crate::tui::session::Session;

/// The second keys, with what each does.
pub(super) const OFFERS: &[(char, &str)] = &[
    ('m', "Markdown to the clipboard"),
    ('j', "JSON to the clipboard"),
    ('v', "Markdown in $PAGER"),
    ('V', "Markdown in $EDITOR, to keep it"),
];

impl Cohort {
    /// The key after `x`; any other gives it up.
    pub(super) fn export(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        self.exporting = false;
        let Some(answer) = self.answer() else {
            return Vec::new();
        };
        let document = || markdown::markdown(answer);
        let (effect, told) = match key.code {
            Code::Char('m') => (Effect::Copy(document()), "copied as Markdown"),
            Code::Char('j') => {
                let mut out = Vec::new();
                let found = json::cohort::cohort(&session.loaded.store, answer);
                if let Err(error) = json::line(&mut out, &found, Escapes::Unsafe) {
                    session.fail(&error.to_string());
                    return Vec::new();
                }
                let text = String::from_utf8_lossy(&out).into_owned();
                (Effect::Copy(text), "copied as JSON")
            }
            Code::Char('v') => {
                return vec![Effect::View {
                    text: document(),
                    with: Viewer::Pager,
                }];
            }
            Code::Char('V') => {
                return vec![Effect::View {
                    text: document(),
                    with: Viewer::Editor,
                }];
            }
            _ => return Vec::new(),
        };
        session.say(told);
        vec![effect]
    }
}
