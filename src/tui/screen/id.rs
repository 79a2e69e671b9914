//! The screens: their names, tabs and order. Which type each has is in `screens.rs`.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScreenId {
    Stream,
    Runs,
    Diff,
    Replay,
    Cohort,
    Alerts,
    Timeline,
    Costs,
    Policy,
    Asks,
    Help,
    Palette,
    Files,
    Changes,
    Notices,
    Recent,
}

/// The facts about a screen.
#[derive(Debug)]
pub struct Info {
    pub id: ScreenId,
    /// The name for the palette, the command line and the configuration.
    pub name: &'static str,
    /// Its tab; none for an overlay.
    pub tab: Option<Tab>,
    pub about: &'static str,
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
        about: "every action in order",
    },
    Info {
        id: ScreenId::Runs,
        name: "runs",
        tab: Some(tab('2', "Runs", "Run")),
        about: "a table of runs to sort, group and filter",
    },
    Info {
        id: ScreenId::Replay,
        name: "replay",
        tab: Some(tab('3', "Replay", "Rep")),
        about: "one run step by step, with what the model saw",
    },
    Info {
        id: ScreenId::Diff,
        name: "diff",
        tab: Some(tab('4', "Diff", "Dif")),
        about: "two runs side by side: where they diverge, and why",
    },
    Info {
        id: ScreenId::Cohort,
        name: "cohort",
        tab: Some(tab('5', "Cohort", "Coh")),
        about: "two cohorts of runs: what changed, and what is inconclusive",
    },
    Info {
        id: ScreenId::Alerts,
        name: "alerts",
        tab: Some(tab('6', "Alerts", "Ale")),
        about: "loops, budgets and drift: what fired, why, the evidence, and what stopping would have saved",
    },
    Info {
        id: ScreenId::Timeline,
        name: "timeline",
        tab: Some(tab('7', "Timeline", "Tim")),
        about: "a run over time: what was slow, and what was waiting for what",
    },
    Info {
        id: ScreenId::Costs,
        name: "costs",
        tab: Some(tab('8', "Costs", "Cos")),
        about: "what a run cost: by call, turn, model, tool, kind of token, and what was paid for twice",
    },
    Info {
        id: ScreenId::Policy,
        name: "policy",
        tab: Some(tab('9', "Policy", "Pol")),
        about: "what a policy would have done: its calls, its rules, and problems with the rules",
    },
    Info {
        id: ScreenId::Asks,
        name: "asks",
        tab: Some(tab('0', "Asks", "Ask")),
        about: "tool calls waiting for approval: what would run, which rule asks, and your answer",
    },
    Info {
        id: ScreenId::Help,
        name: "help",
        tab: None,
        about: "every key and command",
    },
    Info {
        id: ScreenId::Palette,
        name: "palette",
        tab: None,
        about: "any command by name",
    },
    Info {
        id: ScreenId::Files,
        name: "files",
        tab: None,
        about: "open files, and other files to open",
    },
    Info {
        id: ScreenId::Changes,
        name: "changed-files",
        tab: None,
        about: "the files that a run read or changed, and their net change",
    },
    Info {
        id: ScreenId::Notices,
        name: "notices",
        tab: None,
        about: "the message log",
    },
    Info {
        id: ScreenId::Recent,
        name: "recent",
        tab: None,
        about: "recent agent runs on this machine",
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
