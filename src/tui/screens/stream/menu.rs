//! A list over the stream to choose from: saved filters, or the insights.

use crate::base::text;
use crate::model::action::ActionIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Key};
use crate::tui::screens::stream::Stream;
use crate::tui::session::Session;
use crate::tui::widgets::tone::Tone;

#[derive(Debug)]
pub struct Menu {
    pub title: &'static str,
    /// What the keys do, on the last line.
    pub foot: &'static str,
    pub items: Vec<Item>,
    pub cursor: usize,
}

#[derive(Debug)]
pub struct Item {
    pub tone: Tone,
    /// Sanitised.
    pub words: String,
    pub choice: Choice,
}

/// What happens when an item is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Filter(String),
    /// Goes to the evidence of an insight.
    Evidence(String, Vec<ActionIx>),
    /// Saves the active filter.
    Save,
    Nothing,
}

impl Stream {
    pub(super) fn open_saved(&mut self, session: &Session) {
        let text = self.query.bar.text.trim();
        let mut items: Vec<Item> = Vec::new();
        if !text.is_empty()
            && self.query.bar.problem.is_none()
            && !session.filters.saved.iter().any(|(_, saved)| saved == text)
        {
            items.push(Item {
                tone: Tone::Strong,
                words: format!("save: {}", text::sanitize(text)),
                choice: Choice::Save,
            });
        }
        items.extend(session.filters.saved.iter().map(|(name, filter)| {
            let named = if name.is_empty() {
                filter.clone()
            } else {
                format!("{name}: {filter}")
            };
            Item {
                tone: Tone::Plain,
                words: text::sanitize(&named).into_owned(),
                choice: Choice::Filter(filter.clone()),
            }
        }));
        if items.is_empty() {
            items.push(Item {
                tone: Tone::Faint,
                words: "no filter is saved · type one with / and press F2".to_owned(),
                choice: Choice::Nothing,
            });
        }
        self.input.menu = Some(Menu {
            title: "saved filters",
            foot: "enter use or save · x forget · esc close",
            items,
            cursor: 0,
        });
    }

    pub(super) fn choose_in_menu(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        let Some(menu) = &mut self.input.menu else {
            return Vec::new();
        };
        let last = menu.items.len().saturating_sub(1);
        match (key.code, key.char()) {
            (Code::Down | Code::Tab, _) | (_, Some('j')) => {
                menu.cursor = (menu.cursor + 1).min(last);
            }
            (Code::Up | Code::BackTab, _) | (_, Some('k')) => {
                menu.cursor = menu.cursor.saturating_sub(1);
            }
            (Code::Enter, _) => {
                let choice = menu.items.get(menu.cursor).map(|item| item.choice.clone());
                self.input.menu = None;
                return choice
                    .map(|choice| self.take_choice(choice, session))
                    .unwrap_or_default();
            }
            (_, Some('x')) | (Code::Delete, _) => {
                if let Some(Item {
                    choice: Choice::Filter(text),
                    ..
                }) = menu.items.get(menu.cursor)
                {
                    session.filters.saved.retain(|(_, saved)| saved != text);
                    self.open_saved(session);
                }
            }
            (Code::Esc, _) | (_, Some('q')) => self.input.menu = None,
            _ => {}
        }
        Vec::new()
    }

    fn take_choice(&mut self, choice: Choice, session: &mut Session) -> Vec<Effect> {
        match choice {
            Choice::Filter(text) => self.filter_by(&text, session),
            Choice::Save => {
                let filter = self.query.bar.text.trim().to_owned();
                session.filters.saved.push((String::new(), filter));
                self.say(if session.setup.remembered.is_on {
                    "filter saved"
                } else {
                    "saved until you quit · [filters] in the settings file keeps it for good"
                });
                Vec::new()
            }
            Choice::Evidence(words, evidence) => self.go_to_evidence(words, evidence, session),
            Choice::Nothing => Vec::new(),
        }
    }
}
