use clap::{CommandFactory, FromArgMatches, Parser};

use super::{Args, Commands, WIDTH};
use crate::base::text;
use crate::cli::command::{Accepts, Command, check};
use crate::cli::explore::Explore;

#[track_caller]
fn parse(line: &str) -> Args {
    Args::try_parse_from(line.split(' ')).expect("the arguments are valid")
}

#[test]
fn the_argument_definitions_are_consistent() {
    Args::command().debug_assert();
}

#[test]
fn a_path_opens_the_explorer_and_options_may_precede_a_command() {
    assert!(parse("saferun-tui a.jsonl ls").command.is_none());
    let args = parse("saferun-tui --color never ls a.jsonl");
    assert!(matches!(args.command, Some(Commands::Ls(_))) && args.explore.paths.paths.is_empty());
}

/// Every command with the arguments it needs, and the options it accepts.
const COMMANDS: &[(&str, &str)] = &[
    (
        "ls a",
        "where json jsonl csv format shape policy price-file tz",
    ),
    (
        "query f a",
        "where json jsonl csv format shape policy price-file tz",
    ),
    ("stats a", "where json jsonl csv format shape price-file tz"),
    ("cost a", "where json jsonl csv format shape price-file tz"),
    ("policy eval p a", "where json format shape price-file tz"),
    (
        "cohort a",
        "where json jsonl csv format shape price-file tz",
    ),
    ("baseline show a", "where json format shape price-file tz"),
    (
        "tail a",
        "where jsonl csv format shape max-mem policy price-file tz theme view no-mouse no-state",
    ),
    ("show a", "where json jsonl csv format shape price-file tz"),
    ("diff a b", "where json jsonl csv shape price-file tz theme"),
    ("export a", "where format shape price-file tz"),
    ("fork a --at 1", "where format shape price-file tz"),
    ("verify a", "json jsonl csv format shape price-file tz"),
    ("convert a -o b", "where format shape price-file tz"),
    ("formats", "json jsonl csv shape"),
    ("check-filter f", "json"),
    (
        "config",
        "json policy price-file tz theme view no-mouse no-state",
    ),
    (
        "demo",
        "where json jsonl csv policy price-file tz theme view no-mouse no-state",
    ),
    ("completions bash", ""),
    ("man", ""),
    ("help", ""),
    (
        "approvals a",
        "where json jsonl csv format shape price-file tz",
    ),
    ("record -- a", "price-file"),
    ("listen", ""),
    ("wire python", ""),
    (
        "alert check a",
        "where json jsonl format shape price-file tz",
    ),
    ("guard status", "json"),
    ("asks", "json"),
    ("approve a", ""),
    ("deny a", ""),
    ("mcp -- a", ""),
    ("serve a", "where json format shape price-file tz"),
    ("rerun a", "where json format shape price-file tz"),
    ("mcp-serve a", "where format shape price-file tz"),
    ("pull a", "where json tz"),
    (
        "load a --to clickhouse://localhost/x",
        "format shape price-file tz",
    ),
    ("fleet ddl", ""),
    ("doctor", "json jsonl csv"),
    ("keep", ""),
    ("mcp-server a", "format shape price-file tz"),
    (
        "live",
        "json jsonl csv format shape max-mem policy price-file tz theme view no-mouse no-state",
    ),
];

/// Options that only some commands accept, and whether the others refuse them.
const OPTIONS: &[(&str, bool)] = &[
    ("where x", true),
    ("json", true),
    ("jsonl", true),
    ("csv", true),
    ("format saferun", true),
    ("shape x", true),
    ("max-mem 512MB", true),
    ("policy x", true),
    ("price-file x", false),
    ("tz UTC", false),
    ("theme dark", false),
    ("view runs", false),
    ("no-mouse", false),
    ("no-state", false),
];

fn accepts(args: &Args) -> (&'static str, Accepts) {
    match &args.command {
        Some(command) => (command.name(), command.accepts()),
        None => (Explore::NAME, Explore::ACCEPTS),
    }
}

/// `--format` of these commands is an option of their own.
fn has_its_own(line: &str, option: &str) -> bool {
    let own = ["diff", "alert"];
    option == "format" && own.iter().any(|name| line.starts_with(name))
}

#[test]
fn every_command_accepts_the_options_it_declares_and_refuses_the_others() {
    // Building the program takes far longer than parsing a line.
    let mut program = Args::command();
    for (line, declared) in COMMANDS {
        for (option, is_refused) in OPTIONS {
            let name = option.split(' ').next().unwrap_or_default();
            if has_its_own(line, name) {
                continue;
            }
            // The arguments after `--` belong to another program.
            let line = match line.split_once(" -- ") {
                Some((before, after)) => format!("{before} --{option} -- {after}"),
                None => format!("{line} --{option}"),
            };
            let words = format!("saferun-tui {line}");
            let matches = program.try_get_matches_from_mut(words.split(' '));
            let matches = matches.expect("the arguments are valid");
            let args = Args::from_arg_matches(&matches).expect("the arguments are valid");
            let (command, accepts) = accepts(&args);
            let is_declared = declared.split(' ').any(|it| it == name);
            let result = check(command, accepts, &args.global);
            assert_eq!(result.is_ok(), is_declared || !is_refused, "{line}");
            if let Err(error) = result {
                let expected =
                    format!("'{command}' has no --{name} (see saferun-tui {command} --help)");
                assert_eq!(error.to_string(), expected);
            }
        }
    }
}

#[test]
fn the_help_of_a_command_lists_exactly_the_options_it_accepts() {
    let mut all = Args::command();
    all.build();
    let mut known = 0;
    for command in all.get_subcommands() {
        let found = COMMANDS
            .iter()
            .find(|(line, _)| line.split(' ').next() == Some(command.get_name()));
        let (line, declared) = found.unwrap_or_else(|| panic!("{command}: not in the table"));
        for (option, _) in OPTIONS {
            let name = option.split(' ').next().unwrap_or_default();
            let mut arguments = command.get_arguments();
            let Some(argument) = arguments.find(|it| it.get_long() == Some(name)) else {
                continue;
            };
            if has_its_own(line, name) {
                continue;
            }
            let is_declared = declared.split(' ').any(|it| it == name);
            assert_eq!(!argument.is_hide_set(), is_declared, "{line} --{option}");
        }
        known += 1;
    }
    assert_eq!(known, COMMANDS.len());
}

#[test]
fn the_explorer_accepts_every_option() {
    for (option, _) in OPTIONS {
        let args = parse(&format!("saferun-tui --{option} a.jsonl"));
        let (name, accepts) = accepts(&args);
        assert!(check(name, accepts, &args.global).is_ok(), "{option}");
    }
}

#[test]
fn a_value_of_where_or_sort_may_begin_with_a_dash() {
    let args = parse("saferun-tui ls --sort -cost -w -user:bot a.jsonl");
    assert_eq!(args.global.condition.as_deref(), Some("-user:bot"));
    let parsed = format!("{:?}", args.command);
    assert!(parsed.contains(r#"sort: Some("-cost")"#), "{parsed}");
}

#[test]
fn every_argument_has_a_help_text_in_plain_style() {
    fn check(command: &clap::Command, path: &str) {
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            let name = argument.get_id();
            assert!(!help.is_empty(), "{path} {name}: no help");
            assert!(!help.ends_with('.'), "{path} {name}: ends with a full stop");
        }
        for command in command.get_subcommands() {
            let about = command.get_about().map(ToString::to_string);
            let path = format!("{path} {}", command.get_name());
            let about = about.unwrap_or_default();
            assert!(
                !about.is_empty() && !about.ends_with('.'),
                "{path}: {about}"
            );
            check(command, &path);
        }
    }
    check(&Args::command(), "saferun-tui");
}

#[test]
fn clap_wraps_only_whole_paragraphs_of_a_help() {
    fn check(command: &clap::Command, path: &str) {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let mut lines = help.lines().peekable();
        while let Some(line) = lines.next() {
            // A line that is wrapped would break columns, and leave half a line in a paragraph broken by hand.
            let is_last = lines.peek().is_none_or(|next| next.is_empty());
            let is_paragraph = is_last && !line.starts_with(' ');
            assert!(is_paragraph || text::width(line) <= WIDTH, "{path}: {line}");
        }
        for command in command.get_subcommands() {
            check(command, &format!("{path} {}", command.get_name()));
        }
    }
    check(&Args::command(), "saferun-tui");
}
