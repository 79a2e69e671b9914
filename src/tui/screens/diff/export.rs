//! Exports a comparison of two runs in the background, since that opens every pair
//! that differs.

use std::sync::Arc;

use crate::analysis::diff::Comparison;
use crate::analysis::diff::inputs::InputDiff;
use crate::analysis::diff::mask::IgnoreRules;
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::export::diff::Page;
use crate::export::diff::markdown::markdown;
use crate::export::json::{self, Escapes};
use crate::export::redact::Masked;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::keys::Key;
use crate::tui::screens::diff::Diff;
use crate::tui::screens::export::{Form, How};
use crate::tui::session::Session;

#[derive(Debug)]
pub(super) struct Export {
    store: Store,
    pair: [RunIx; 2],
    comparison: Arc<Comparison>,
    why: Option<InputDiff>,
    blind: IgnoreRules,
    how: How,
}

/// A document, and where it goes to.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) text: Masked<String>,
    pub(super) how: How,
}

impl Export {
    pub(super) fn write(self) -> Written {
        let [a, b] = self.pair.map(|run| Side {
            store: &self.store,
            run,
        });
        let page = Page {
            story: Story {
                comparison: &self.comparison,
                a,
                b,
            },
            blind: &self.blind,
            why: self.why.as_ref(),
            only_changed: false,
        };
        let text = match self.how.form() {
            Form::Markdown => markdown(&page).map(|lines| lines.join("\n") + "\n"),
            Form::Json => {
                let document = json::diff::masked(&page);
                document.map(|document| json::text(&document, Escapes::Unsafe))
            }
        };
        Written {
            text,
            how: self.how,
        }
    }
}

impl Diff {
    /// The key after `x`.
    pub(super) fn export(&self, key: Key, session: &Session) -> Vec<Effect> {
        let Some((done, how)) = self.done.as_ref().zip(How::of(key)) else {
            return Vec::new();
        };
        let Some(comparison) = done.comparison.clone() else {
            return Vec::new();
        };
        vec![Effect::start(Export {
            store: session.loaded.store.clone(),
            pair: done.pair,
            comparison,
            why: done.why.clone(),
            blind: self.options.blind.clone(),
            how,
        })]
    }
}
