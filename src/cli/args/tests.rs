use clap::{CommandFactory, Parser};

use super::{Args, Command};

#[track_caller]
fn parse(line: &str) -> Args {
    Args::try_parse_from(line.split(' ')).expect("these are good arguments")
}

#[test]
fn the_table_of_arguments_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn a_path_opens_and_a_command_is_obeyed_after_options_too() {
    assert!(parse("saferun-tui a.jsonl ls").command.is_none());
    let args = parse("saferun-tui --color never ls a.jsonl");
    assert!(matches!(args.command, Some(Command::Ls { .. })) && args.paths.is_empty());
}

#[test]
fn an_option_that_a_command_has_no_use_for_is_named() {
    let args = parse("saferun-tui verify --jsonl a.jsonl");
    assert_eq!(
        args.global.misplaced(args.command.as_ref()),
        Some("--jsonl")
    );
    let args = parse("saferun-tui ls --jsonl -w -user:bot a.jsonl");
    assert_eq!(args.global.misplaced(args.command.as_ref()), None);
    assert_eq!(args.global.condition.as_deref(), Some("-user:bot"));
}

#[test]
fn sorting_takes_a_dash_for_the_largest_first() {
    let args = parse("saferun-tui ls --sort -cost a.jsonl");
    assert!(matches!(args.command, Some(Command::Ls { sort, .. }) if sort == "-cost"));
}

#[test]
fn a_filter_as_an_argument_is_no_condition() {
    let args = parse("saferun-tui query -c tool:refund a.jsonl");
    assert_eq!(args.global.misplaced(args.command.as_ref()), None);
    assert!(
        matches!(args.command, Some(Command::Query { filter, count: true, .. }) if filter == "tool:refund")
    );
}
