//! What a comparison of two runs is taken away as: written in the background, since it opens every pair
//! that differs.

use std::sync::Arc;

use crate::analysis::diff::Comparison;
use crate::analysis::diff::mask::Blind;
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::diff::why::Why;
use crate::export::diff::Page;
use crate::export::diff::markdown::markdown;
use crate::export::json::{self, Escapes};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::jobs::Job;
use crate::tui::keys::Key;
use crate::tui::screens::diff::Diff;
use crate::tui::screens::export::{Form, How};
use crate::tui::session::Session;

#[derive(Debug)]
pub struct Task {
    store: Store,
    pair: [RunIx; 2],
    comparison: Arc<Comparison>,
    why: Option<Why>,
    blind: Blind,
    how: How,
}

/// A document, and where it goes to.
#[derive(Debug)]
pub struct Written {
    pub text: String,
    pub how: How,
}

impl Task {
    pub fn run(self) -> Written {
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
            Form::Markdown => markdown(&page).join("\n") + "\n",
            Form::Json => json::text(&json::diff::diff(&page), Escapes::Unsafe),
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
        let job = Job::Write(Task {
            store: session.loaded.store.clone(),
            pair: done.pair,
            comparison,
            why: done.why.clone(),
            blind: self.options.blind.clone(),
            how,
        });
        vec![Effect::Start(Box::new(job))]
    }
}
