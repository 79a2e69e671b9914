//! Which key means what, on which screen.

use crate::tui::keys::{COMMANDS, Code, Command, Entry, Key, Place};
use crate::tui::screen::id::{self, ScreenId};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Command(Command),
    View(ScreenId),
}

impl Meaning {
    /// A command or a view, by its name.
    pub fn find(name: &str) -> Option<Meaning> {
        let command = COMMANDS.iter().find(|entry| entry.name == name);
        let command = command.map(|entry| Meaning::Command(entry.command));
        command.or_else(|| ScreenId::view(name).map(Meaning::View))
    }

    /// Its name in the settings file.
    pub fn name(self) -> &'static str {
        match self {
            Meaning::Command(command) => command.entry().name,
            Meaning::View(view) => view.info().name,
        }
    }

    /// The screens that it is for; empty means all.
    fn screens(self) -> &'static [ScreenId] {
        match self {
            Meaning::Command(command) => command.entry().screens,
            Meaning::View(_) => &[],
        }
    }

    /// Whether both are for a screen together, or both for all; and for the same part of it.
    fn meets(self, other: Meaning) -> bool {
        let (own, others) = (self.screens(), other.screens());
        let together = own.iter().any(|screen| others.contains(screen));
        let is_same = together || own.is_empty() && others.is_empty();
        is_same && self.is_inner() == other.is_inner()
    }

    /// Whether it is for a part of its screen.
    fn is_inner(self) -> bool {
        match self {
            Meaning::Command(command) => command.entry().group.is_inner(),
            Meaning::View(_) => false,
        }
    }

    /// How close its scope is to where keys are typed; `None` if it does not apply there.
    fn nearness(self, place: Place) -> Option<u8> {
        let screens = self.screens();
        if screens.is_empty() {
            return Some(0);
        }
        let is_here = screens.contains(&place.screen);
        if self.is_inner() {
            (is_here && place.is_inner).then_some(2)
        } else {
            is_here.then_some(1)
        }
    }
}

/// Whether both may not have the same key. What is for one screen takes precedence there over what is for all.
pub fn meets(one: &str, other: &str) -> bool {
    match (Meaning::find(one), Meaning::find(other)) {
        (Some(one), Some(other)) => one.meets(other),
        (None, _) | (_, None) => false,
    }
}

/// Whether a command, by its name, is for every screen.
pub fn is_for_all(name: &str) -> bool {
    Meaning::find(name).is_none_or(|meaning| meaning.screens().is_empty())
}

/// Which key means what.
#[derive(Debug, Clone)]
pub struct Keymap {
    bound: Vec<(Key, Meaning)>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        let keys = |entry: &'static Entry| {
            let meaning = Meaning::Command(entry.command);
            entry
                .keys()
                .filter_map(move |name| Some((Key::parse(name)?, meaning)))
        };
        let views = id::views().filter_map(|info| {
            let key = Key::plain(Code::Char(info.tab?.number));
            Some((key, Meaning::View(info.id)))
        });
        Keymap {
            bound: COMMANDS.iter().flat_map(keys).chain(views).collect(),
        }
    }
}

impl Keymap {
    /// The keys of a command, as a user names them.
    pub fn keys(&self, command: Command) -> Vec<String> {
        self.named(Meaning::Command(command))
    }

    /// The first key of a command; none if the user unbound it.
    pub fn key(&self, command: Command) -> Option<String> {
        self.keys(command).into_iter().next()
    }

    /// The keys that still run it on this screen, where another command may have taken some.
    pub fn keys_on(&self, screen: ScreenId, command: Command) -> Vec<String> {
        let meant = Meaning::Command(command);
        let bound = self.bound.iter().filter(|(key, meaning)| {
            let place = Place {
                screen,
                is_inner: meant.is_inner(),
            };
            *meaning == meant && self.meaning(*key, place) == Some(meant)
        });
        bound.map(|(key, _)| key.to_string()).collect()
    }

    pub fn view_keys(&self, view: ScreenId) -> Vec<String> {
        self.named(Meaning::View(view))
    }

    fn named(&self, wanted: Meaning) -> Vec<String> {
        let bound = self.bound_to(wanted).into_iter();
        bound.map(|key| key.to_string()).collect()
    }

    /// What a key asks for at a place: a command of the part of the screen, else one of the screen, else
    /// one of all screens.
    pub fn meaning(&self, key: Key, place: impl Into<Place>) -> Option<Meaning> {
        let place = place.into();
        let meant = self.bound.iter().filter(|(bound, _)| *bound == key);
        let near = meant.filter_map(|(_, meaning)| Some((meaning.nearness(place)?, *meaning)));
        near.max_by_key(|(nearness, _)| *nearness)
            .map(|(_, meaning)| meaning)
    }

    /// The command that a key runs on other views, if it is one and the same.
    pub fn elsewhere(&self, key: Key) -> Option<Command> {
        let meant = self.bound.iter().filter(|(bound, _)| *bound == key);
        let mut commands = meant.filter_map(|(_, meaning)| match meaning {
            Meaning::Command(command) => Some(*command),
            Meaning::View(_) => None,
        });
        let first = commands.next()?;
        commands.all(|other| other == first).then_some(first)
    }

    /// The keys of a meaning.
    pub fn bound_to(&self, wanted: Meaning) -> Vec<Key> {
        let bound = self.bound.iter().filter(|(_, meaning)| *meaning == wanted);
        bound.map(|(key, _)| *key).collect()
    }

    /// The keys of a command or a view, by its name.
    pub fn keys_named(&self, name: &str) -> Vec<Key> {
        Meaning::find(name).map_or_else(Vec::new, |meaning| self.bound_to(meaning))
    }

    /// Binds keys to a command or a view, and unbinds them from commands that they would conflict with.
    pub fn rebind(&mut self, name: &str, keys: &[Key]) {
        let Some(meaning) = Meaning::find(name) else {
            return;
        };
        let is_for_all = meaning.screens().is_empty();
        let is_taken =
            |key: &Key, other: Meaning| keys.contains(key) && (is_for_all || other.meets(meaning));
        self.bound
            .retain(|(key, other)| *other != meaning && !is_taken(key, *other));
        self.bound.extend(keys.iter().map(|key| (*key, meaning)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Keymap, Meaning};
    use crate::tui::keys::{Code, Command, Key, Place};
    use crate::tui::screen::id::ScreenId;

    #[test]
    fn a_chord_never_means_its_plain_key() {
        let keymap = Keymap::default();
        let chord = Key {
            code: Code::Char('j'),
            ctrl: true,
            alt: false,
        };
        assert_eq!(keymap.meaning(chord, ScreenId::Stream), None);
        assert_eq!(
            keymap.meaning(Key::plain(Code::Char('j')), ScreenId::Stream),
            Some(Meaning::Command(Command::Down))
        );
    }

    #[test]
    fn a_key_means_what_the_screen_makes_of_it() {
        let keymap = Keymap::default();
        let meaning = |name, screen| keymap.meaning(Key::parse(name).expect("a key"), screen);
        let command = |command| Some(Meaning::Command(command));
        assert_eq!(
            meaning("space", ScreenId::Stream),
            command(Command::PageDown)
        );
        assert_eq!(meaning("space", ScreenId::Runs), command(Command::Pair));
        assert_eq!(meaning("e", ScreenId::Runs), None);
        assert_eq!(
            meaning("2", ScreenId::Stream),
            Some(Meaning::View(ScreenId::Runs))
        );
    }

    #[test]
    fn in_the_inspector_a_key_means_a_command_of_its_own_where_there_is_one() {
        let keymap = Keymap::default();
        let inner = Place {
            screen: ScreenId::Stream,
            is_inner: true,
        };
        let meaning = |name| keymap.meaning(Key::parse(name).expect("a key"), inner);
        let command = |command| Some(Meaning::Command(command));
        assert_eq!(meaning("e"), command(Command::UnfoldSiblings));
        assert_eq!(meaning("b"), command(Command::NextBlock));
        assert_eq!(meaning("j"), command(Command::Down));
        let outer = keymap.meaning(Key::parse("e").expect("a key"), ScreenId::Stream);
        assert_eq!(outer, command(Command::NextError));
    }
}
