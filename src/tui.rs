//! The explorer, the terminal user interface.

pub mod keys;
pub mod notices;
pub mod render;
pub mod theme;

pub mod alerting;
pub mod asks;
pub mod effects;
pub mod filtering;
pub mod gaps;
pub mod policing;
pub mod remembered;
mod runtime;
pub mod screen;
pub mod screens;
pub mod session;
pub mod shell;
pub mod tasks;
#[cfg(test)]
mod testing;
pub mod widgets;

use std::path::PathBuf;
use std::sync::Arc;

use crate::act::events::Outside;
use crate::act::keep::Keeper;
use crate::act::rerun::Settings;
use crate::analysis::runs::{Grouping, Order};
use crate::base::clock::{Clock, System};
use crate::ingest::discover::{self, Input};
use crate::ingest::intake;
use crate::ingest::intake::Messages;
use crate::ingest::prices::PriceTable;
use crate::ingest::recent::Homes;
use crate::tui::keys::Keymap;
use crate::tui::policing::Source;
use crate::tui::remembered::Remembered;
use crate::tui::screens::ScreenId;
use crate::tui::theme::ground::Ground;
use crate::tui::theme::{ColorChoice, Palette, Theme};

/// A run that the command line named (`PATH#RUN:SEQ`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub path: PathBuf,
    /// A prefix of its id, perhaps with an action: `7f3a91`, `7f3a91:42`.
    pub name: String,
}

/// How to run the explorer.
#[derive(Debug, Clone)]
pub struct Options {
    /// A short name for what was opened.
    pub title: String,
    /// The paths of the traces, to follow them.
    pub paths: Vec<PathBuf>,
    /// Whether the traces are followed.
    pub live: bool,
    /// The first filter.
    pub filter: Option<String>,
    /// The first view; `None` for the one that fits the trace.
    pub view: Option<ScreenId>,
    /// The run to start in and perhaps its action, or the runs to keep.
    pub start: Vec<Named>,
    /// What the folders that were opened hold that is not shown: notes to show.
    pub notes: Vec<String>,
    /// Errors to show at the start: paths that failed to open, and why; keys that are bound twice.
    pub failed: Vec<String>,
    /// Options for traces that are opened later.
    pub loading: intake::Options,
    /// Start with a list of recent runs.
    pub recent: bool,
    /// Whether the trace certainly has several runs.
    pub several: bool,
    /// Whether to draw with ASCII only.
    pub ascii: bool,
    pub color: ColorChoice,
    pub palette: Palette,
    pub ground: Ground,
    pub keymap: Keymap,
    pub setup: Setup,
    /// Where to remember things between starts; none to remember nothing.
    pub state: Option<PathBuf>,
    /// What happens outside, and where the answers of the user go.
    pub outside: Outside,
    /// Whether to use the mouse.
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
            start: Vec::new(),
            recent: false,
            several: false,
            notes: Vec::new(),
            failed: Vec::new(),
            loading: intake::Options::new(PriceTable::built_in()),
            ascii: false,
            color: ColorChoice::default(),
            palette: Palette::Sixteen,
            ground: Ground::default(),
            keymap: Keymap::default(),
            setup: Setup::default(),
            state: None,
            outside: Outside::default(),
            mouse: true,
            zone: jiff::tz::TimeZone::UTC,
            clock: Arc::new(System),
        }
    }
}

/// What calls the user when a followed run waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alert {
    Bell,
    /// A notification of the terminal's (OSC 9).
    Osc9,
}

impl Alert {
    pub const ALL: &[Alert] = &[Alert::Bell, Alert::Osc9];
    /// The word for none.
    pub const OFF: &str = "off";

    pub fn word(self) -> &'static str {
        match self {
            Alert::Bell => "bell",
            Alert::Osc9 => "osc9",
        }
    }
}

/// Settings of single screens.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Columns of the table of runs; empty shows those that fit.
    pub columns: Vec<&'static str>,
    pub order: Order,
    pub grouping: Option<Grouping>,
    /// The table of runs is about what the agents of this machine are doing.
    pub overview: bool,
    pub alert: Option<Alert>,
    /// Filters with their names.
    pub filters: Vec<(String, String)>,
    /// The folder below which agents keep their runs.
    pub homes: Option<Homes>,
    /// Where runs that agents will delete are kept.
    pub keeper: Option<Keeper>,
    /// The bundled sample traces.
    pub demo: Vec<Input>,
    /// Policies to lay over traces, and how to read them.
    pub policies: Source,
    /// Rules of alerts, and how to read them.
    pub alerts: alerting::Source,
    /// How steps are run again.
    pub rerun: Settings,
    /// For costs by kind of token; the session takes them from what traces are opened with.
    pub prices: Arc<PriceTable>,
    /// The state saved by earlier sessions; the runtime fills it in.
    pub remembered: Remembered,
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The user quit.
    Quit,
    /// A signal ended it.
    Interrupted(i32),
    /// The terminal is gone.
    TerminalLost,
}

impl Options {
    /// These options for another trace.
    fn opening(&self, title: String, inputs: &[Input]) -> Options {
        Options {
            title,
            filter: None,
            view: None,
            start: Vec::new(),
            recent: false,
            failed: Vec::new(),
            notes: Vec::new(),
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
            ground: self.ground,
            keymap: Arc::new(self.keymap.clone()),
            ..Theme::new(palette, self.ascii)
        }
    }
}

/// Runs the explorer until the user quits, then restores the terminal.
pub fn run(options: &Options, messages: Messages) -> anyhow::Result<Exit> {
    runtime::run(options, messages)
}
