//! The commands grouped by purpose, as `--help` and the manual list them.

use std::fmt::Write as _;

use clap::Subcommand as _;
use clap::builder::Styles;

use crate::base::text;
use crate::cli::args::Commands;

/// Commands for one purpose.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) names: &'static [&'static str],
}

const fn group(title: &'static str, names: &'static [&'static str]) -> Group {
    Group { title, names }
}

/// Every command is in one of them.
pub(super) const GROUPS: &[Group] = &[
    group(
        "Look",
        &[
            "ls", "query", "stats", "cost", "show", "live", "tail", "demo",
        ],
    ),
    group("Compare", &["diff", "cohort", "baseline"]),
    group(
        "Control",
        &[
            "policy",
            "guard",
            "asks",
            "approve",
            "deny",
            "approvals",
            "mcp",
            "alert",
        ],
    ),
    group("Reproduce", &["serve", "rerun", "fork", "mcp-serve"]),
    group(
        "Capture",
        &["record", "listen", "wire", "pull", "load", "fleet"],
    ),
    group("Keep", &["export", "convert", "keep", "doctor", "verify"]),
    group(
        "Program",
        &[
            "help",
            "formats",
            "check-filter",
            "config",
            "mcp-server",
            "completions",
            "man",
        ],
    ),
];

/// The commands of a group that this build has, each with its description.
pub(super) fn listed<'a>(group: &Group, program: &'a clap::Command) -> Vec<(&'a str, String)> {
    let found = group
        .names
        .iter()
        .filter_map(|name| program.find_subcommand(name));
    found
        .map(|command| {
            let about = command.get_about().map(ToString::to_string);
            (command.get_name(), about.unwrap_or_default())
        })
        .collect()
}

/// The indent of a name, and the width of its column.
const INDENT: usize = 2;
const NAME: usize = 14;
/// The width of the narrowest usual terminal.
const WIDTH: usize = 80;

/// The help of the program, with the commands in groups.
pub(super) fn template() -> String {
    let program = Commands::augment_subcommands(clap::Command::new("saferun-tui"));
    let head = *Styles::styled().get_header();
    let mut all = "{before-help}{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for group in GROUPS {
        let _ = write!(all, "\n{head}{}:{head:#}\n", group.title);
        for (name, about) in listed(group, &program) {
            let lines = text::wrap(&about, WIDTH - INDENT - NAME);
            for (at, line) in lines.iter().enumerate() {
                let name = if at == 0 { name } else { "" };
                let line = line.trim_end();
                let _ = writeln!(all, "{:INDENT$}{name:<NAME$}{line}", "");
            }
        }
    }
    let _ = write!(
        all,
        "\n{head}Arguments:{head:#}\n{{positionals}}\n\n{head}Options:{head:#}\n{{options}}{{after-help}}"
    );
    all
}

#[cfg(test)]
mod tests {
    use clap::Subcommand as _;

    use super::GROUPS;
    use crate::cli::args::Commands;

    #[test]
    fn every_command_is_in_one_group() {
        let program = Commands::augment_subcommands(clap::Command::new("saferun-tui"));
        for command in program.get_subcommands() {
            let name = command.get_name();
            let groups = GROUPS.iter().filter(|group| group.names.contains(&name));
            assert_eq!(groups.count(), 1, "{name}");
        }
    }
}
