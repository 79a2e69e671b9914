//! The user's settings: defaults, overridden by the file, the environment and the command line. Every value
//! records its origin.

mod read;

use std::env;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::analysis::runs::{Grouping, Order};
use crate::tui::Alert;
use crate::tui::keys::{COMMANDS, Key, Keymap, Meaning, Place, is_for_all};
use crate::tui::screens;
use crate::tui::theme::Palette;

/// The environment variable that names the settings file.
pub const PATH_VARIABLE: &str = "SAFERUN_TUI_CONFIG";
/// The environment variable that names the price file.
pub const PRICES_VARIABLE: &str = "SAFERUN_TUI_PRICES";

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Default,
    File,
    Environment(&'static str),
    Flag(&'static str),
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub from: Origin,
}

impl<T> Setting<T> {
    fn default(value: T) -> Setting<T> {
        Setting {
            value,
            from: Origin::Default,
        }
    }

    fn file(value: T) -> Setting<T> {
        Setting {
            value,
            from: Origin::File,
        }
    }

    /// Replaces the value if a later layer sets one.
    pub fn over(&mut self, value: Option<T>, from: Origin) {
        if let Some(value) = value {
            *self = Setting { value, from };
        }
    }
}

#[derive(Debug, Clone)]
pub struct Config {
    /// The file that was read.
    pub path: Option<PathBuf>,
    /// None chooses one for the terminal.
    pub theme: Setting<Option<Palette>>,
    pub ascii: Setting<bool>,
    pub mouse: Setting<bool>,
    /// Keep positions, filters and recent traces between sessions.
    pub state: Setting<bool>,
    pub price_file: Setting<Option<PathBuf>>,
    pub zone: Setting<Option<String>>,
    pub runs: RunsTable,
    /// What calls the user when a followed run waits for a person.
    pub alert: Setting<Option<Alert>>,
    /// The rules of alerts.
    pub alert_rules: Setting<Option<PathBuf>>,
    /// By the names of commands and views, in the order of the command table.
    pub keys: Vec<(&'static str, Setting<Vec<Key>>)>,
    /// Commands that print the key of a product, by its name: a program and its arguments.
    pub pull: Vec<(String, Setting<Vec<String>>)>,
    pub rerun: Rerun,
    /// Saved filters by name, in the order of the file.
    pub filters: Vec<(String, Setting<String>)>,
}

/// How steps are run again.
#[derive(Debug, Clone)]
pub struct Rerun {
    /// Where requests to models go.
    pub base_url: Setting<Option<String>>,
    /// A program that prints the key, and its arguments.
    pub key_command: Setting<Vec<String>>,
    /// The words of a command by the name of its tool.
    pub tools: Vec<(String, Setting<Vec<String>>)>,
}

/// The initial table of runs.
#[derive(Debug, Clone)]
pub struct RunsTable {
    /// Empty shows as many as fit.
    pub columns: Setting<Vec<&'static str>>,
    pub sort: Setting<Order>,
    pub group: Setting<Option<Grouping>>,
}

/// Why a settings file is invalid. The message may contain raw text of the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Unreadable {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}: line {line}: {what}")]
    Wrong {
        path: String,
        line: usize,
        what: String,
    },
}

impl Default for Config {
    fn default() -> Config {
        let keymap = Keymap::default();
        let commands = COMMANDS.iter().map(|entry| {
            let keys = entry.keys().filter_map(Key::parse).collect();
            (entry.name, Setting::default(keys))
        });
        let views = screens::views().map(|info| {
            let keys = keymap.bound_to(Meaning::View(info.id));
            (info.name, Setting::default(keys))
        });
        Config {
            path: None,
            theme: Setting::default(None),
            ascii: Setting::default(false),
            mouse: Setting::default(true),
            state: Setting::default(true),
            price_file: Setting::default(None),
            zone: Setting::default(None),
            alert: Setting::default(None),
            alert_rules: Setting::default(None),
            runs: RunsTable {
                columns: Setting::default(Vec::new()),
                sort: Setting::default(Order::default()),
                group: Setting::default(None),
            },
            keys: commands.chain(views).collect(),
            pull: Vec::new(),
            rerun: Rerun {
                base_url: Setting::default(None),
                key_command: Setting::default(Vec::new()),
                tools: Vec::new(),
            },
            filters: Vec::new(),
        }
    }
}

impl Config {
    /// The defaults, overridden by a file: the one named, else the one in the environment, else the usual one
    /// if it exists.
    pub fn load(named: Option<&Path>) -> Result<Config, Error> {
        let variable = env::var_os(PATH_VARIABLE).filter(|path| !path.is_empty());
        if let Some(path) = named.map(Path::to_owned).or(variable.map(PathBuf::from)) {
            return Config::read(&path);
        }
        match usual_path().filter(|path| path.exists()) {
            Some(path) => Config::read(&path),
            None => Ok(Config::default()),
        }
    }

    fn read(path: &Path) -> Result<Config, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
            path: path.to_string_lossy().into_owned(),
            source,
        })?;
        let mut config = Config::parse(&text).map_err(|(line, what)| Error::Wrong {
            path: path.to_string_lossy().into_owned(),
            line,
            what,
        })?;
        config.path = Some(path.to_owned());
        Ok(config)
    }

    /// The keys in force. A key that the user binds loses its previous meaning.
    pub fn keymap(&self) -> Keymap {
        let mut keymap = Keymap::default();
        let of_file = self.keys.iter();
        let of_file = of_file.filter(|(_, keys)| keys.from == Origin::File);
        let mut of_file: Vec<_> = of_file.collect();
        // Commands for every screen first: they take their keys from all others.
        of_file.sort_by_key(|(name, _)| !is_for_all(name));
        for (name, keys) in of_file {
            keymap.rebind(name, &keys.value);
        }
        keymap
    }
}

/// What bindings of the file take from other commands, in sentences.
pub fn taken_keys(config: &Config) -> Vec<String> {
    let (usual, own) = (Keymap::default(), config.keymap());
    let is_bound = |meaning: Meaning| {
        let of_file = config
            .keys
            .iter()
            .filter(|(_, keys)| keys.from == Origin::File);
        of_file
            .clone()
            .any(|(name, _)| Meaning::find(name) == Some(meaning))
    };
    let mut taken: Vec<String> = Vec::new();
    let of_file = config.keys.iter();
    for (name, keys) in of_file.filter(|(_, keys)| keys.from == Origin::File) {
        for (key, place) in keys
            .value
            .iter()
            .flat_map(|key| places().map(move |place| (*key, place)))
        {
            let (before, now) = (usual.meaning(key, place), own.meaning(key, place));
            let Some(lost) = before.filter(|_| before != now && now == Meaning::find(name)) else {
                continue;
            };
            if is_bound(lost) {
                continue;
            }
            let left: Vec<String> = own
                .bound_to(lost)
                .into_iter()
                .filter(|other| own.meaning(*other, place) == Some(lost))
                .map(|other| other.to_string())
                .collect();
            let left = match left.as_slice() {
                [] => format!("{} has no key now", lost.name()),
                left => format!("{} keeps {}", lost.name(), left.join(" ")),
            };
            let words = format!("key {key} runs {name} instead of {}; {left}", lost.name());
            if !taken.contains(&words) {
                taken.push(words);
            }
        }
    }
    taken
}

/// Everywhere that keys are typed.
fn places() -> impl Iterator<Item = Place> {
    let views = screens::views().flat_map(|info| {
        let screen = info.id;
        [false, true].map(|is_inner| Place { screen, is_inner })
    });
    views.filter(|place| !place.is_inner || place.screen == screens::ScreenId::Stream)
}

/// `$XDG_CONFIG_HOME/saferun-tui/config.toml`, or below `~/.config`.
pub fn usual_path() -> Option<PathBuf> {
    Some(folder()?.join("config.toml"))
}

/// The rules of alerts, if the settings have none.
pub fn alerts_path() -> Option<PathBuf> {
    Some(folder()?.join("alerts.toml"))
}

/// The folder in which users declare their own formats.
pub fn shapes_folder() -> Option<PathBuf> {
    Some(folder()?.join("formats"))
}

fn folder() -> Option<PathBuf> {
    let folders = etcetera::base_strategy::Xdg::new().ok()?;
    Some(folders.config_dir().join("saferun-tui"))
}

#[cfg(test)]
mod tests;
