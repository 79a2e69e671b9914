//! Floor 8: the command line. Data goes to standard output, words about it to standard error.

pub mod args;
pub mod failure;
pub mod look;
pub mod out;

mod filter;
mod load;
mod pick;
mod picture;
mod place;
mod table;

mod baseline;
mod cohort;
mod config;
mod convert;
mod demo;
mod diff;
mod explore;
pub mod export;
mod formats;
mod generate;
mod ls;
mod query;
mod shapes;
mod show;
mod stats;
mod tail;
mod verify;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use rustix::fs::FileType;

use crate::cli::args::{Args, Command, Global, Picture};
use crate::cli::explore::Named;
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Load;
use crate::cli::look::Look;
use crate::cli::out::{Notes, Out};
use crate::config::{Config, Origin};
use crate::ingest::discover;
use crate::tui::theme::Palette;

/// What every command gets.
#[derive(Debug)]
struct Cx {
    out: Out,
    notes: Notes,
    global: Global,
    load: Load,
    config: Config,
}

/// Does what the arguments say.
pub fn run(mut args: Args) -> anyhow::Result<Exit> {
    if let Some(option) = args.global.misplaced(args.command.as_ref()) {
        let name = args.command.as_ref().map_or("saferun-tui", Command::name);
        let help = format!("'{name}' has no {option} (see saferun-tui {name} --help)");
        return Err(Failure::Usage(help).into());
    }
    if let (Some(command), [path, ..]) = (&args.command, args.paths.as_slice()) {
        let (path, name) = (path.display(), command.name());
        let help = format!(
            "a path before a command: write saferun-tui {name} {path}, or ./{name} for a file"
        );
        return Err(Failure::Usage(help).into());
    }
    if let (Some(command), Some(_)) = (&args.command, &args.picture.screenshot) {
        let name = command.name();
        let help =
            format!("--screenshot draws the explorer: it stands behind paths, not before '{name}'");
        return Err(Failure::Usage(help).into());
    }
    if let Some(Command::Diff { .. }) = &args.command {
        // There the same word says how to write, and clap hands it on to both.
        args.global.format = None;
    }
    let config = settings(&mut args.global)?;
    shapes::declare(&args.global)?;
    let look = Look::from_environment(&args.global)?;
    let notes = Notes::new(look.clone(), args.global.quiet, args.global.verbose);
    let load = Load::new(&args.global)?;
    let mut cx = Cx {
        out: Out::stdout(look),
        notes,
        global: args.global,
        load,
        config,
    };
    let exit = match args.command {
        Some(command) => dispatch(&mut cx, command)?,
        None if args.follow => follow(&mut cx, args.paths)?,
        None => bare(&mut cx, args.paths, args.picture)?,
    };
    cx.out.flush()?;
    Ok(exit)
}

/// The settings in force. The options that were not given are filled in from them.
fn settings(global: &mut Global) -> Result<Config, Failure> {
    let mut config = if global.no_config {
        Config::default()
    } else {
        Config::load(global.config.as_deref()).map_err(|error| Failure::Usage(error.to_string()))?
    };
    let prices = env::var_os(crate::config::PRICES_VARIABLE).filter(|path| !path.is_empty());
    let from = Origin::Environment(crate::config::PRICES_VARIABLE);
    config
        .price_file
        .over(prices.map(|path| Some(path.into())), from);
    let given = global.price_file.clone();
    config
        .price_file
        .over(given.map(Some), Origin::Flag("--price-file"));
    config
        .zone
        .over(global.tz.clone().map(Some), Origin::Flag("--tz"));
    config
        .ascii
        .over(global.ascii.then_some(true), Origin::Flag("--ascii"));
    config
        .mouse
        .over(global.no_mouse.then_some(false), Origin::Flag("--no-mouse"));
    let theme = global.theme.as_deref().map(Palette::find);
    config.theme.over(theme, Origin::Flag("--theme"));
    global.price_file.clone_from(&config.price_file.value);
    global.tz.clone_from(&config.zone.value);
    (global.ascii, global.no_mouse) = (config.ascii.value, !config.mouse.value);
    Ok(config)
}

fn dispatch(cx: &mut Cx, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Ls { paths, sort } => ls::run(cx, &inputs(paths)?, &sort),
        Command::Query {
            filter,
            paths,
            count,
            files_with_matches,
        } => {
            let print = match (count, files_with_matches) {
                (true, _) => query::Print::Count,
                (_, true) => query::Print::Files,
                _ => query::Print::Actions,
            };
            if !paths.is_empty() || !stdin_is_a_trace() {
                query::check_order(&filter, &paths)?;
            }
            query::run(cx, &filter, &inputs(paths)?, print)
        }
        Command::Stats { paths, by } => stats::run(cx, &inputs(paths)?, &by),
        Command::Convert {
            paths,
            output,
            to,
            force,
        } => convert::run(cx, &inputs(paths)?, (to, &output), force),
        Command::Cohort { paths, cohort } => cohort::run(cx, &inputs(paths)?, &cohort),
        Command::Baseline { what } => baseline::run(cx, what),
        Command::Tail {
            paths,
            from_start,
            since,
            poll,
        } => {
            let begin = tail::Begin::of(from_start, since);
            if cx.out.look.width.is_some() && !cx.global.jsonl && !poll {
                cx.global.condition = tail::condition(cx.global.condition.as_deref(), &begin)?;
                return follow(cx, paths);
            }
            tail::run(cx, paths, &begin, poll)
        }
        Command::Show {
            run,
            turn,
            seq,
            context,
        } => {
            let part = show::Part::of(turn, seq);
            if context {
                show::context(cx, &run, &part)
            } else if cx.global.json {
                let what =
                    "show prints actions, one per line, with --jsonl; --json is for --context";
                Err(Failure::Usage(what.to_owned()).into())
            } else {
                show::run(cx, &run, &part)
            }
        }
        Command::Diff {
            a,
            b,
            format,
            only,
            ignore,
            hide_noise,
            exit_code,
        } => {
            let wanted = diff::Wanted {
                layout: diff::Layout::of(format.as_deref(), cx.global.json),
                only_changed: only.is_some(),
                blind: diff::blind(hide_noise, &ignore)?,
                exit_code,
            };
            diff::run(cx, &a, b.as_deref(), &wanted)
        }
        Command::Export {
            run,
            turn,
            seq,
            what,
            target,
        } => {
            let part = show::Part::of(turn, seq.map(|seq| seq..=seq));
            export::run(cx, &run, &part, (what, &target))
        }
        Command::Fork {
            run,
            at,
            set,
            target,
        } => export::fork(cx, &run, (at, &set), &target),
        Command::Verify { paths, strict } => verify::run(cx, &inputs(paths)?, strict),
        Command::Formats => formats::run(cx),
        Command::CheckFilter { filter } => filter::check(cx, &filter),
        Command::Config => config::run(cx),
        Command::Demo { picture } => demo(cx, picture),
        Command::Completions { shell } => generate::completions(cx, shell),
        Command::Man => generate::man(cx),
    }
}

fn bare(cx: &mut Cx, paths: Vec<PathBuf>, picture: Picture) -> anyhow::Result<Exit> {
    if paths.is_empty() && !stdin_is_a_trace() {
        let machine = cx.global.json || cx.global.jsonl || cx.global.csv;
        let shown = cx.out.look.width.is_some() || picture.screenshot.is_some();
        if shown && !machine && cx.global.condition.is_none() {
            return explore::recent(cx, picture);
        }
        let hint = "no trace named\n\n  saferun-tui PATH...     open traces (files, folders, globs, - for standard input)\n  \
                    saferun-tui demo        look around in the traces that come with the program\n  \
                    saferun-tui --help      everything else";
        return Err(Failure::Usage(hint.to_owned()).into());
    }
    let paths = inputs(paths)?;
    if let Some(command) = paths.first().and_then(|path| Command::near(path)) {
        let path = paths[0].display();
        let what = format!("{path}: no such file · did you mean the command '{command}'?");
        return Err(Failure::Input(what).into());
    }
    let (inputs, errors) = discover::resolve(&paths);
    for error in &errors {
        cx.notes.error(&error.to_string());
    }
    explore::run(
        cx,
        Named {
            inputs,
            title: title(&paths),
            failed: errors.iter().map(ToString::to_string).collect(),
            picture,
            paths,
            live: false,
        },
    )
}

/// The explorer over traces that grow. They need not exist yet.
fn follow(cx: &mut Cx, paths: Vec<PathBuf>) -> anyhow::Result<Exit> {
    if paths.is_empty() {
        return Err(Failure::Usage("no trace named to follow".to_owned()).into());
    }
    let named = Named {
        inputs: Vec::new(),
        title: title(&paths),
        failed: Vec::new(),
        picture: Picture::default(),
        paths,
        live: true,
    };
    explore::run(cx, named)
}

/// What to call what was named.
fn title(paths: &[PathBuf]) -> String {
    match paths {
        [path] => path.to_string_lossy().into_owned(),
        paths => format!("{} paths", paths.len()),
    }
}

fn demo(cx: &mut Cx, picture: Picture) -> anyhow::Result<Exit> {
    let named = Named {
        inputs: demo::inputs(),
        title: "demo".to_owned(),
        failed: Vec::new(),
        picture,
        paths: Vec::new(),
        live: false,
    };
    explore::run(cx, named)
}

/// The paths named, or standard input where something is piped in.
fn inputs(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    if !paths.is_empty() {
        return Ok(paths);
    }
    if stdin_is_a_trace() {
        return Ok(vec![PathBuf::from("-")]);
    }
    Err(Failure::Usage(
        "no trace named (a file, a folder, a glob, or - for standard input)".to_owned(),
    ))
}

/// A pipe, a socket or a file; not a terminal and not `/dev/null`.
fn stdin_is_a_trace() -> bool {
    let stdin = io::stdin();
    let kind = rustix::fs::fstat(&stdin).map(|stat| FileType::from_raw_mode(stat.st_mode));
    !stdin.is_terminal()
        && matches!(
            kind,
            Ok(FileType::Fifo | FileType::Socket | FileType::RegularFile)
        )
}

/// Says what the argument parser says: help and version as data, mistakes as errors.
pub fn refuse(error: &clap::Error) -> Exit {
    let said = error.render();
    if error.use_stderr() {
        let said = said.to_string();
        let lines: Vec<_> = crate::base::text::sanitize_lines(&said).collect();
        let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
        return Exit::Usage;
    }
    let styled = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let said = if styled {
        said.ansi().to_string()
    } else {
        said.to_string()
    };
    let _ = io::stdout().lock().write_all(said.as_bytes());
    Exit::Done
}

/// Says why a command did not run, and how the program ends.
pub fn report(error: &anyhow::Error) -> Exit {
    let Some(exit) = failure::exit_of(error) else {
        return Exit::Done;
    };
    let said = format!("error: {error:#}");
    let lines: Vec<_> = crate::base::text::sanitize_lines(&said).collect();
    let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
    exit
}
