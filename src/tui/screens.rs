//! Every screen of the program. To add one: a file here, an id, and a line in [`SCREENS`].

pub mod cohort;
pub mod diff;
pub mod export;
pub mod files;
pub mod filter_bar;
pub mod help;
pub mod notices;
pub mod outcome;
pub mod palette;
pub mod recent;
pub mod replay;
pub mod runs;
pub mod stream;
pub mod timeline;

use crate::tui::session::Session;
use crate::tui::shell::Screen;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScreenId {
    Stream,
    Runs,
    Diff,
    Replay,
    Cohort,
    Timeline,
    Help,
    Palette,
    Files,
    Notices,
    Recent,
}

/// What the program knows of a screen before it is built.
#[derive(Debug)]
pub struct Info {
    pub id: ScreenId,
    /// The name for the palette, the command line and the configuration.
    pub name: &'static str,
    /// Its place among the tabs; none for a screen that is laid over a view.
    pub tab: Option<Tab>,
    pub about: &'static str,
    pub build: fn(&Session) -> Box<dyn Screen>,
}

/// The tab of a view. Its number is its key.
#[derive(Debug, Clone, Copy)]
pub struct Tab {
    pub number: char,
    pub title: &'static str,
    /// For terminals where the titles of all do not fit.
    pub short: &'static str,
}

/// In the order of the tabs.
pub static SCREENS: &[Info] = &[
    Info {
        id: ScreenId::Stream,
        name: "stream",
        tab: Some(tab('1', "Stream", "Str")),
        about: "every action in its order",
        build: |_| Box::new(stream::Stream::default()),
    },
    Info {
        id: ScreenId::Runs,
        name: "runs",
        tab: Some(tab('2', "Runs", "Run")),
        about: "the runs as a table to sort, to group and to filter",
        build: |session| Box::new(runs::Runs::new(session)),
    },
    Info {
        id: ScreenId::Replay,
        name: "replay",
        tab: Some(tab('3', "Replay", "Rep")),
        about: "one run step by step, with what the model saw",
        build: |_| Box::new(replay::Replay::default()),
    },
    Info {
        id: ScreenId::Diff,
        name: "diff",
        tab: Some(tab('4', "Diff", "Dif")),
        about: "two runs side by side: where they part, and why",
        build: |_| Box::new(diff::Diff::default()),
    },
    Info {
        id: ScreenId::Cohort,
        name: "cohort",
        tab: Some(tab('5', "Cohort", "Coh")),
        about: "two cohorts of runs: what changed, and what cannot be told",
        build: |_| Box::new(cohort::Cohort::default()),
    },
    Info {
        id: ScreenId::Timeline,
        name: "timeline",
        tab: Some(tab('7', "Timeline", "Tim")),
        about: "a run along its time: what took long, and what waited for what",
        build: |_| Box::new(timeline::Timeline::default()),
    },
    Info {
        id: ScreenId::Help,
        name: "help",
        tab: None,
        about: "every key and command",
        build: |_| Box::new(help::Help::default()),
    },
    Info {
        id: ScreenId::Palette,
        name: "palette",
        tab: None,
        about: "any command by its name",
        build: |_| Box::new(palette::Palette::default()),
    },
    Info {
        id: ScreenId::Files,
        name: "files",
        tab: None,
        about: "the files that are open, and others to open",
        build: |_| Box::new(files::Files::default()),
    },
    Info {
        id: ScreenId::Notices,
        name: "notices",
        tab: None,
        about: "what was told in passing",
        build: |_| Box::new(notices::Notices::default()),
    },
    Info {
        id: ScreenId::Recent,
        name: "recent",
        tab: None,
        about: "the runs that agents left on this machine",
        build: |_| Box::new(recent::Recent::default()),
    },
];

const fn tab(number: char, title: &'static str, short: &'static str) -> Tab {
    Tab {
        number,
        title,
        short,
    }
}

impl ScreenId {
    pub fn info(self) -> &'static Info {
        SCREENS
            .iter()
            .find(|info| info.id == self)
            .expect("every screen is in the table")
    }

    /// The view with this name.
    pub fn view(name: &str) -> Option<ScreenId> {
        views().find(|info| info.name == name).map(|info| info.id)
    }
}

/// The screens that have a tab.
pub fn views() -> impl Iterator<Item = &'static Info> {
    SCREENS.iter().filter(|info| info.tab.is_some())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{SCREENS, views};

    #[test]
    fn every_screen_has_its_own_name_and_every_view_its_own_number() {
        let names: HashSet<&str> = SCREENS.iter().map(|info| info.name).collect();
        assert_eq!(names.len(), SCREENS.len());
        let numbers: HashSet<char> = views()
            .filter_map(|info| info.tab.map(|tab| tab.number))
            .collect();
        assert_eq!(numbers.len(), views().count());
        assert!(SCREENS.iter().all(|info| info.id.info().name == info.name));
    }
}
