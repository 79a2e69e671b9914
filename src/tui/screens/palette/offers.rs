//! What a text in the palette can be completed to, and what it means when it is run.

use crate::analysis::runs::{Grouping, Key as SortKey};
use crate::base::text;
use crate::query::complete::complete;
use crate::tui::keys::{COMMANDS, Command, Entry, Takes};
use crate::tui::screen::id::{self, ScreenId};
use crate::tui::screens::palette::shell;
use crate::tui::session::Session;
use crate::tui::theme::Palette;
use crate::tui::widgets::chooser::Item;
use crate::tui::widgets::fuzzy;

/// What running a text does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Does {
    Command(Command, String),
    /// Shows a view, with this filter if there is one.
    View(ScreenId, Option<String>),
    /// Copies a command line for the selected action or run: the explorer has no screen for it.
    Shell(&'static str),
}

#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) item: Item,
    /// The text that it completes to.
    pub(super) text: String,
    pub(super) does: Does,
    /// Something has to be typed after it before it can be run.
    pub(super) is_begun: bool,
}

/// Completions of what is typed: names first, and what a name takes once it is written out.
pub(super) fn offers(typed: &str, session: &Session) -> Vec<Offer> {
    let typed = typed.trim_start();
    if typed.parse::<u32>().is_ok() {
        let action = format!("go to action {} of this run", typed.trim());
        return vec![Offer {
            item: Item {
                name: typed.to_owned(),
                about: action,
                aside: String::new(),
            },
            text: typed.to_owned(),
            does: Does::Command(Command::GoTo, typed.to_owned()),
            is_begun: false,
        }];
    }
    match typed.split_once(char::is_whitespace) {
        None => names(typed, session),
        Some((name, argument)) => arguments((name, argument.trim_start()), session),
    }
}

/// What a text runs as it is; `None` if it names no command or view.
pub(super) fn written(typed: &str, session: &Session) -> Option<Does> {
    if typed.parse::<u32>().is_ok() {
        return Some(Does::Command(Command::GoTo, typed.to_owned()));
    }
    let (name, argument) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let argument = argument.trim();
    if let Some(view) = ScreenId::view(name) {
        let filter = (!argument.is_empty()).then(|| argument.to_owned());
        return Some(Does::View(view, filter));
    }
    let own = commands(session).find(|entry| entry.name == name);
    if let Some(shell) = shell::named(name).filter(|_| own.is_none()) {
        return Some(Does::Shell(shell.name));
    }
    // A command of another view goes there.
    let other = || COMMANDS.iter().find(|entry| entry.name == name);
    let entry = own.or_else(other)?;
    let is_complete = !needs(entry) || !argument.is_empty();
    is_complete.then(|| Does::Command(entry.command, argument.to_owned()))
}

/// Why no completion of a text can be run; empty if one can.
pub(super) fn problem(typed: &str, session: &Session) -> String {
    let name = typed.split_whitespace().next().unwrap_or_default();
    if name.is_empty() {
        return String::new();
    }
    let elsewhere = COMMANDS
        .iter()
        .find(|entry| entry.name == name && !entry.is_for(session.place.screen));
    let elsewhere = elsewhere.filter(|_| shell::named(name).is_none());
    match elsewhere.and_then(|entry| entry.screens.first()?.info().tab) {
        Some(tab) => format!("goes to {} ({})", tab.title, tab.number),
        None if written(typed.trim(), session).is_some() => String::new(),
        None if names(name, session).is_empty() => "no such command".to_owned(),
        None => String::new(),
    }
}

/// The commands that do something on the view below.
fn commands(session: &Session) -> impl Iterator<Item = &'static Entry> {
    let view = session.place.screen;
    let is_here = move |entry: &&Entry| entry.is_for(view) && entry.command != Command::Palette;
    COMMANDS.iter().filter(is_here)
}

/// Whether a command needs an argument.
fn needs(entry: &Entry) -> bool {
    entry.takes == Some(Takes::Number) || entry.command == Command::Add
}

fn names(typed: &str, session: &Session) -> Vec<Offer> {
    let views = id::views().map(|info| Offer {
        item: Item {
            name: format!("{} FILTER", info.name),
            about: info.about.to_owned(),
            aside: info
                .tab
                .map(|tab| tab.number.to_string())
                .unwrap_or_default(),
        },
        text: format!("{} ", info.name),
        does: Does::View(info.id, None),
        is_begun: false,
    });
    let commands = commands(session).map(|entry| Offer {
        item: Item {
            name: match entry.takes {
                Some(takes) => format!("{} {}", entry.name, takes.word()),
                None => entry.name.to_owned(),
            },
            about: entry.help.to_owned(),
            aside: session
                .keymap
                .keys_on(session.place.screen, entry.command)
                .join(" "),
        },
        text: match entry.takes {
            Some(_) => format!("{} ", entry.name),
            None => entry.name.to_owned(),
        },
        does: Does::Command(entry.command, String::new()),
        is_begun: needs(entry),
    });
    let outside = shell::COMMANDS.iter();
    let outside = outside.filter(|it| commands_named(it.name, session).is_none());
    let outside = outside.map(|it| Offer {
        item: Item {
            name: it.name.to_owned(),
            about: it.about.to_owned(),
            aside: "shell".to_owned(),
        },
        text: it.name.to_owned(),
        does: Does::Shell(it.name),
        is_begun: false,
    });
    let mut all: Vec<Offer> = views.chain(commands).chain(outside).collect();
    if typed.is_empty() {
        all.sort_by_key(|offer| usefulness(&offer.does));
    }
    let ranked = fuzzy::rank(typed, all.iter().map(|offer| offer.text.as_str()));
    let typed = typed.to_lowercase();
    let tells = |at: &usize| {
        let about = all[*at].item.about.to_lowercase();
        !ranked.contains(at) && typed.split_whitespace().all(|word| about.contains(word))
    };
    let told = (0..all.len()).filter(tells);
    let order: Vec<usize> = ranked.iter().copied().chain(told).collect();
    order.into_iter().map(|at| all[at].clone()).collect()
}

fn commands_named(name: &str, session: &Session) -> Option<&'static Entry> {
    commands(session).find(|entry| entry.name == name)
}

/// What is offered before anything is typed, the most useful first; then the views, and everything else.
const USEFUL: &[Command] = &[
    Command::Filter,
    Command::Find,
    Command::NextError,
    Command::OnlyTrouble,
    Command::Noticed,
    Command::GoTo,
    Command::Sort,
    Command::Gather,
    Command::Replay,
    Command::Compare,
    Command::Cohorts,
    Command::Export,
    Command::Yank,
    Command::Note,
    Command::Files,
    Command::Recent,
    Command::Theme,
    Command::Help,
];

fn usefulness(does: &Does) -> usize {
    let most = USEFUL.len();
    match does {
        Does::Command(command, _) => {
            let place = USEFUL.iter().position(|useful| useful == command);
            place.unwrap_or(most + 2)
        }
        Does::View(..) => most,
        Does::Shell(_) => most + 1,
    }
}

fn arguments((name, argument): (&str, &str), session: &Session) -> Vec<Offer> {
    let view = ScreenId::view(name);
    let other = || COMMANDS.iter().find(|entry| entry.name == name);
    let entry = commands_named(name, session).or_else(other);
    let takes = match (view, entry) {
        (Some(_), _) => Some(Takes::Filter),
        (None, Some(entry)) => entry.takes,
        (None, None) => return Vec::new(),
    };
    let offer = |(value, about): (String, &str)| {
        let does = match (view, entry) {
            (Some(view), _) => Does::View(view, Some(value.clone())),
            (None, entry) => Does::Command(
                entry.map_or(Command::Filter, |it| it.command),
                value.clone(),
            ),
        };
        Offer {
            item: Item {
                name: text::sanitize(&value).into_owned(),
                about: about.to_owned(),
                aside: String::new(),
            },
            text: format!("{name} {value}"),
            does,
            is_begun: true,
        }
    };
    values(takes, argument, session)
        .into_iter()
        .map(offer)
        .collect()
}

/// Possible arguments of a command, each with a short description.
fn values(takes: Option<Takes>, typed: &str, session: &Session) -> Vec<(String, &'static str)> {
    let begun = |word: &&str| word.starts_with(typed.trim_start_matches('-'));
    let words = |words: &mut dyn Iterator<Item = &'static str>| -> Vec<(String, &'static str)> {
        words
            .filter(begun)
            .map(|word| (word.to_owned(), ""))
            .collect()
    };
    match takes {
        Some(Takes::Filter) => {
            let saved = session.setup.filters.iter();
            let saved = saved.filter(|(name, _)| name.starts_with(typed));
            let saved = saved.map(|(_, filter)| (filter.clone(), "saved"));
            let found = complete(typed, typed.len(), &session.loaded.store).into_iter();
            let found = found.filter_map(|found| {
                let before = typed.get(..found.replace.start)?;
                Some((format!("{before}{}", found.text), found.help))
            });
            saved.chain(found).collect()
        }
        Some(Takes::Column) => {
            let sign = if typed.starts_with('-') { "-" } else { "" };
            let found = words(&mut SortKey::ALL.iter().map(|key| key.word()));
            found
                .into_iter()
                .map(|(word, about)| (format!("{sign}{word}"), about))
                .collect()
        }
        Some(Takes::Field) => words(&mut Grouping::ALL.iter().map(|grouping| grouping.word())),
        Some(Takes::Theme) => words(&mut Palette::ALL.iter().map(|palette| palette.word())),
        Some(Takes::Number | Takes::Path) | None => Vec::new(),
    }
}
