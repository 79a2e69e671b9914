//! Which key means what, on which screen.

use crate::tui::keys::{COMMANDS, Code, Command, Entry, Key};
use crate::tui::screens::{self, ScreenId};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Command(Command),
    View(ScreenId),
}

impl Meaning {
    /// What a name of the table of commands or of a view means.
    fn find(name: &str) -> Option<Meaning> {
        let command = COMMANDS.iter().find(|entry| entry.name == name);
        let command = command.map(|entry| Meaning::Command(entry.command));
        command.or_else(|| ScreenId::view(name).map(Meaning::View))
    }

    /// The screen that it is for; none when for every screen.
    fn screen(self) -> Option<ScreenId> {
        match self {
            Meaning::Command(command) => command.entry().screen,
            Meaning::View(_) => None,
        }
    }
}

/// Whether one key cannot mean both. What is for one screen wins there over what is for all.
pub fn meets(one: &str, other: &str) -> bool {
    screen_of(one) == screen_of(other)
}

/// The screen that a command is for, by its name; none for those of every screen, and for views.
pub fn screen_of(name: &str) -> Option<ScreenId> {
    Meaning::find(name).and_then(Meaning::screen)
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
        let views = screens::views().filter_map(|info| {
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

    /// Those of them that mean it on a screen, where another command may have some.
    pub fn keys_on(&self, screen: ScreenId, command: Command) -> Vec<String> {
        let meant = Meaning::Command(command);
        let bound = self.bound.iter().filter(|(key, meaning)| {
            *meaning == meant && self.meaning(*key, screen) == Some(meant)
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

    /// What a key asks for on a screen: its own command, else one of all screens.
    pub fn meaning(&self, key: Key, screen: ScreenId) -> Option<Meaning> {
        let meant = self.bound.iter().filter(|(bound, _)| *bound == key);
        let meant = meant.map(|(_, meaning)| *meaning);
        let fitting = meant.filter(|meaning| meaning.screen().is_none_or(|own| own == screen));
        fitting.max_by_key(|meaning| meaning.screen().is_some())
    }

    /// The keys of a meaning.
    pub fn bound_to(&self, wanted: Meaning) -> Vec<Key> {
        let bound = self.bound.iter().filter(|(_, meaning)| *meaning == wanted);
        bound.map(|(key, _)| *key).collect()
    }

    /// Gives keys to a command or a view, and takes them from what they meant wherever they would mean this now.
    pub fn rebind(&mut self, name: &str, keys: &[Key]) {
        let Some(meaning) = Meaning::find(name) else {
            return;
        };
        let screen = meaning.screen();
        let is_taken = |key: &Key, other: Meaning| {
            keys.contains(key) && (screen.is_none() || other.screen() == screen)
        };
        self.bound
            .retain(|(key, other)| *other != meaning && !is_taken(key, *other));
        self.bound.extend(keys.iter().map(|key| (*key, meaning)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Keymap, Meaning};
    use crate::tui::keys::{Code, Command, Key};
    use crate::tui::screens::ScreenId;

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
}
