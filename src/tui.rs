//! Floor 7: the screen.

pub mod keys;
pub mod notices;
pub mod render;
pub mod theme;

pub mod effects;
pub mod filtering;
pub mod gaps;
pub mod jobs;
mod runtime;
pub mod screens;
pub mod session;
pub mod shell;
#[cfg(test)]
mod testing;
pub mod widgets;

use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::runs::{Grouping, Order};
use crate::base::clock::{Clock, System};
use crate::ingest::discover::{self, Input};
use crate::ingest::intake;
use crate::ingest::intake::Messages;
use crate::ingest::prices::PriceTable;
use crate::tui::keys::Keymap;
use crate::tui::screens::ScreenId;
use crate::tui::theme::{ColorChoice, Palette, Theme};

/// How the user wants the screen.
#[derive(Debug, Clone)]
pub struct Options {
    /// What was opened, in a few words.
    pub title: String,
    /// The traces named, to follow them.
    pub paths: Vec<PathBuf>,
    /// The traces grow, and the end is what matters.
    pub live: bool,
    /// The filter to begin with.
    pub filter: Option<String>,
    /// The view to begin with; none to begin with the one that fits what is loaded.
    pub view: Option<ScreenId>,
    /// The run to start in, and perhaps its action: `7f3a91`, `7f3a91:42`.
    pub start: Option<String>,
    /// What could not be opened, to be told on the screen.
    pub told: Vec<String>,
    /// How to load what is opened later.
    pub loading: intake::Options,
    /// Nothing is opened: begins with the choice of recent runs.
    pub recent: bool,
    /// What was opened is sure to hold several runs.
    pub several: bool,
    /// Marks of ASCII only.
    pub ascii: bool,
    pub color: ColorChoice,
    pub palette: Palette,
    pub keymap: Keymap,
    pub setup: Setup,
    /// Takes mouse events (clicks and the wheel).
    pub mouse: bool,
    /// For times of day.
    pub zone: jiff::tz::TimeZone,
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            title: String::new(),
            paths: Vec::new(),
            live: false,
            filter: None,
            view: None,
            start: None,
            recent: false,
            several: false,
            told: Vec::new(),
            loading: intake::Options::new(PriceTable::built_in()),
            ascii: false,
            color: ColorChoice::default(),
            palette: Palette::Sixteen,
            keymap: Keymap::default(),
            setup: Setup::default(),
            mouse: true,
            zone: jiff::tz::TimeZone::UTC,
            clock: Arc::new(System),
        }
    }
}

/// What a user set for single screens.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The columns of the runs; empty takes those that fit.
    pub columns: Vec<&'static str>,
    pub order: Order,
    pub grouping: Option<Grouping>,
    /// Saved filters by their names.
    pub filters: Vec<(String, String)>,
    /// Where agents keep their runs.
    pub home: Option<PathBuf>,
    /// The traces that come with the program.
    pub demo: Vec<Input>,
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The user left it.
    Quit,
    /// A signal ended it; its number.
    Interrupted(i32),
    /// The terminal is gone.
    TerminalLost,
}

impl Options {
    /// The same for something else that is opened.
    fn opening(&self, title: String, inputs: &[Input]) -> Options {
        Options {
            title,
            filter: None,
            view: None,
            start: None,
            recent: false,
            told: Vec::new(),
            several: discover::are_several(inputs),
            ..self.clone()
        }
    }

    fn is_colored(&self) -> bool {
        match self.color {
            ColorChoice::Auto => std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        }
    }

    fn theme(&self) -> Theme {
        let palette = if self.is_colored() {
            self.palette
        } else {
            Palette::None
        };
        Theme {
            keymap: Arc::new(self.keymap.clone()),
            ..Theme::new(palette, self.ascii)
        }
    }
}

/// Shows what the loader brings until the user leaves. The terminal is as before when it returns.
pub fn run(options: &Options, messages: Messages) -> anyhow::Result<Exit> {
    runtime::run(options, messages)
}
