//! The palette: every command and view by its name, with what it takes, completed while it is typed.

mod offers;
mod shell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::export::redact::Masked;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::{Pointer, Screen};
use crate::tui::screens::palette::offers::{Does, Offer};
use crate::tui::session::Session;
use crate::tui::theme::Theme;
use crate::tui::widgets::chooser::{Chooser, ChooserEvent, Frame, Item};

#[derive(Debug, Default)]
pub struct Palette {
    chooser: Chooser,
    offers: Vec<Offer>,
    items: Vec<Item>,
    /// Why what is typed cannot be run.
    problem: String,
    area: Rect,
}

impl Palette {
    fn offer(&mut self, session: &Session) {
        self.offers = offers::offers(self.chooser.prompt.text(), session);
        self.items = self.offers.iter().map(|offer| offer.item.clone()).collect();
        self.problem = offers::problem(self.chooser.prompt.text(), session);
    }

    fn run(&mut self, session: &mut Session) -> Vec<Effect> {
        let typed = self.chooser.prompt.text().trim();
        let chosen = self.offers.get(self.chooser.selected());
        let does = match (offers::written(typed, session), chosen) {
            // A complete name takes precedence over its completions.
            (Some(does), _) => does,
            (None, Some(offer)) if offer.is_begun => return self.complete(session),
            (None, Some(offer)) => offer.does.clone(),
            (None, None) => return Vec::new(),
        };
        match does {
            Does::Command(command, argument) => vec![Effect::Obey(command, argument)],
            Does::View(view, filter) => vec![Effect::Show(view, filter)],
            Does::Shell(name) => Self::write(name, session),
        }
    }

    /// Copies a command line, and reports it.
    fn write(name: &str, session: &mut Session) -> Vec<Effect> {
        let line = shell::named(name).and_then(|command| command.line(session));
        let Some(line) = line else {
            session.say("select an action first: this command needs one");
            return vec![Effect::Pop];
        };
        session.say(&format!("copied, to run in a shell: {line}"));
        vec![Effect::Pop, Effect::Copy(Masked::from(line))]
    }

    fn complete(&mut self, session: &Session) -> Vec<Effect> {
        if let Some(offer) = self.offers.get(self.chooser.selected()) {
            self.chooser = Chooser::new(&offer.text);
            self.offer(session);
        }
        Vec::new()
    }
}

impl Screen for Palette {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        Some(match self.chooser.key(key, self.offers.len()) {
            ChooserEvent::Closed => vec![Effect::Pop],
            ChooserEvent::Taken => self.run(session),
            ChooserEvent::Completed => self.complete(session),
            ChooserEvent::Edited => {
                self.offer(session);
                Vec::new()
            }
            ChooserEvent::Nothing => Vec::new(),
        })
    }

    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        self.chooser.prompt.paste(text);
        self.offer(session);
        Vec::new()
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        self.offer(session);
        Vec::new()
    }

    fn update(&mut self, _command: Command, _session: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        let len = self.offers.len();
        match pointer {
            Pointer::WheelDown { .. } => self.chooser.roll(true, len),
            Pointer::WheelUp { .. } => self.chooser.roll(false, len),
            Pointer::Click { y, .. } => match self.chooser.at(self.area, y, len) {
                Some(at) => {
                    self.chooser.select(at);
                    return self.complete(session);
                }
                None => return vec![Effect::Pop],
            },
            Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, _session: &mut Session) -> Vec<Effect> {
        self.area = area;
        self.chooser.settle(area, self.offers.len());
        Vec::new()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let hint = if self.chooser.prompt.text().is_empty() {
            format!("{} commands · type a few letters", self.offers.len())
        } else {
            "tab: complete · enter: run · esc: close".to_owned()
        };
        let frame = Frame {
            sign: ":",
            hint: &hint,
            problem: &self.problem,
        };
        self.chooser.draw(&self.items, frame, theme, (area, buf));
    }
}

#[cfg(test)]
mod tests;
