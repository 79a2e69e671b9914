//! During a search, an action opens at the match.

use crate::query::needles::Needle;
use crate::store::row::Row;
use crate::tui::screens::stream::inspector::{Inspector, Subject, Tab};

/// The searched text, and where it was found.
#[derive(Debug, Default)]
pub(super) struct Hit {
    sought: Vec<Needle>,
    /// The action that has been searched already: after that, the user's own position stays.
    at: Option<Subject>,
    tab: Option<Tab>,
}

impl Hit {
    /// The tab in which the text was found in this action.
    pub(super) fn tab(&self, subject: Subject) -> Option<Tab> {
        self.tab.filter(|_| self.at == Some(subject))
    }

    /// The user chose a tab.
    pub(super) fn give_way(&mut self) {
        self.tab = None;
    }
}

impl Inspector {
    /// Looks for some texts in what is opened from now on.
    pub fn look_for(&mut self, sought: &[Needle]) {
        if self.hit.sought != sought {
            self.hit = Hit {
                sought: sought.to_owned(),
                ..Hit::default()
            };
        }
    }

    /// The first time that an action is open: to the text, in the tab that is shown or in another.
    pub(super) fn go_to_hit(&mut self, subject: Subject, row: &Row<'_>) {
        if self.hit.sought.is_empty() || self.hit.at == Some(subject) {
            return;
        }
        self.hit.at = Some(subject);
        self.hit.tab = None;
        let sought = self.hit.sought.clone();
        let shown = self.tab;
        let others = Tab::ALL.iter().copied();
        let others = others.filter(|tab| *tab != shown && *tab != Tab::Raw);
        for tab in std::iter::once(shown).chain(others) {
            self.tab = tab;
            if let Some(document) = &self.document {
                document.make(tab, row);
            }
            self.read();
            if self.find_first(&sought) {
                self.hit.tab = Some(tab);
                return;
            }
        }
        self.tab = shown;
    }
}
