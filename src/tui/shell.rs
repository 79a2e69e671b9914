//! The stack of screens, and what is the same on all of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ingest::Loaded;
use crate::tui::effects::Effect;
use crate::tui::jobs::Output;
use crate::tui::keys::{Command, Key, Keymap, Place};
use crate::tui::screens::{self, ScreenId};
use crate::tui::session::{News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint;

/// A screen is a state and a few questions. It asks the outside by effects and does no IO.
pub trait Screen: std::fmt::Debug {
    /// Where keys are typed.
    fn place(&self) -> Place {
        Place::Everywhere
    }
    /// A key before the table of commands sees it; `None` when the screen does not want it.
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>>;
    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect>;
    /// Sets the filter, for screens that have one.
    fn filter(&mut self, text: &str, session: &mut Session) -> Vec<Effect>;
    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect>;
    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect>;
    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect>;
    fn finished(&mut self, output: Output, session: &mut Session) -> Vec<Effect>;
    /// Something happened outside that the user should know of.
    fn told(&mut self, _words: &str) {}
    /// Settles what depends on the size of the screen and fetches what will be drawn.
    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect>;
    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer);
}

/// What the mouse did, and at which cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointer {
    Click {
        x: u16,
        y: u16,
    },
    WheelUp {
        x: u16,
        y: u16,
    },
    WheelDown {
        x: u16,
        y: u16,
    },
    /// Moved with the button held down.
    Drag {
        x: u16,
        y: u16,
    },
    Release,
}

/// Below this nothing can be read.
pub const SMALLEST: (u16, u16) = (40, 8);

#[derive(Debug)]
pub struct Shell {
    pub session: Session,
    theme: Theme,
    keymap: Keymap,
    stack: Vec<Box<dyn Screen>>,
}

impl Shell {
    pub fn new(session: Session, theme: Theme, first: Box<dyn Screen>) -> Shell {
        Shell {
            session,
            theme,
            keymap: Keymap::default(),
            stack: vec![first],
        }
    }

    /// Takes a key; what is left to do outside.
    pub fn key(&mut self, key: Key) -> Vec<Effect> {
        let Some(screen) = self.stack.last_mut() else {
            return vec![Effect::Quit];
        };
        let command = self.keymap.command(key, screen.place());
        let effects = match command {
            // Whatever is being typed, these chords leave.
            Some(Command::Quit) if key.ctrl => vec![Effect::Quit],
            Some(Command::Suspend) => vec![Effect::Suspend],
            Some(Command::Redraw) => vec![Effect::Redraw],
            Some(_) | None => match (screen.typed(key, &mut self.session), command) {
                (Some(effects), _) => effects,
                (None, Some(Command::Quit)) => vec![Effect::Quit],
                (None, Some(command)) => screen.update(command, &mut self.session),
                (None, None) => Vec::new(),
            },
        };
        self.obey(effects)
    }

    /// Sets the filter of the first screen, as if it had been typed.
    pub fn filter(&mut self, text: &str) -> Vec<Effect> {
        let effects = match self.stack.first_mut() {
            Some(screen) => screen.filter(text, &mut self.session),
            None => Vec::new(),
        };
        self.obey(effects)
    }

    pub fn pointer(&mut self, pointer: Pointer) -> Vec<Effect> {
        let effects = match self.stack.last_mut() {
            Some(screen) => screen.pointed(pointer, &mut self.session),
            None => Vec::new(),
        };
        self.obey(effects)
    }

    pub fn paste(&mut self, text: &str) -> Vec<Effect> {
        let effects = match self.stack.last_mut() {
            Some(screen) => screen.pasted(text, &mut self.session),
            None => Vec::new(),
        };
        self.obey(effects)
    }

    /// Tells the user what happened outside.
    pub fn tell(&mut self, words: &str) {
        if let Some(screen) = self.stack.last_mut() {
            screen.told(words);
        }
    }

    pub fn loaded(&mut self, message: Loaded) -> Vec<Effect> {
        let news = self.session.apply(message);
        let mut effects = Vec::new();
        for screen in &mut self.stack {
            effects.extend(screen.loaded(&news, &mut self.session));
        }
        self.obey(effects)
    }

    pub fn finished(&mut self, output: Output) -> Vec<Effect> {
        // Only the first screen starts work.
        let effects = match self.stack.first_mut() {
            Some(screen) => screen.finished(output, &mut self.session),
            None => Vec::new(),
        };
        self.obey(effects)
    }

    pub fn draw(&mut self, area: Rect, buf: &mut Buffer) -> Vec<Effect> {
        let mut effects = Vec::new();
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            too_small(&self.theme, area, buf);
        } else {
            for screen in &mut self.stack {
                effects.extend(screen.prepare(area, &mut self.session));
                screen.draw(&self.theme, area, buf);
            }
        }
        if self.theme.ascii_only {
            keep_ascii(buf);
        }
        self.obey(effects)
    }

    fn obey(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut outside = Vec::new();
        for effect in effects {
            match effect {
                Effect::Push(id) => self.push(id),
                Effect::Pop if self.stack.len() > 1 => {
                    self.stack.pop();
                }
                Effect::Pop => outside.push(Effect::Quit),
                Effect::Quit
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Start(_)
                | Effect::View { .. }
                | Effect::Copy(_) => {
                    outside.push(effect);
                }
            }
        }
        outside
    }

    fn push(&mut self, id: ScreenId) {
        self.stack.push(screens::build(id));
    }
}

fn too_small(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (width, height) = SMALLEST;
    let long = format!(
        "terminal too small ({}×{}, need {width}×{height})",
        area.width, area.height
    );
    let short = format!(
        "too small ({}×{}, need {width}×{height})",
        area.width, area.height
    );
    let words = if long.chars().count() <= usize::from(area.width) {
        long
    } else {
        short
    };
    for y in 0..area.height {
        let mut row = paint::Row::new(buf, area, y, theme.styles.text);
        if y == 0 {
            row.put(&words, theme.styles.strong);
        }
    }
}

/// For terminals that cannot show anything else.
fn keep_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            cell.set_symbol("?");
        }
    }
}
