//! The program without a command: the explorer on a terminal, otherwise the list of runs.

use std::env;
use std::path::{Path, PathBuf};

use crate::act::ask::outside;
use crate::act::keep::Keeper;
use crate::act::places::Places;
use crate::analysis::runs::{Key, Order};
use crate::cli::alert::sources as alert_sources;
use crate::cli::args::{Commands, Paths, Rows, When};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::pick::Target;
use crate::cli::policy::{over, sources};
use crate::cli::selection::Selection;
use crate::cli::text_style::Charset;
use crate::cli::{Cx, demo, filter, ls, picture, plain, settings, url};
use crate::config::{self, Origin};
use crate::ingest::discover::{self, Input};
use crate::ingest::intake;
use crate::ingest::intake::Messages;
use crate::ingest::recent::Homes;
use crate::state;
use crate::tui;
use crate::tui::Setup;
use crate::tui::policing::Source;
use crate::tui::screen::id;
use crate::tui::screens::ScreenId;
use crate::tui::theme::ground::{Background, Ground};
use crate::tui::theme::{self, ColorChoice, Palette};

/// What to open in the explorer.
#[derive(Debug, clap::Args)]
pub struct Explore {
    #[command(flatten)]
    pub paths: Paths,

    /// Follow the traces while they are being written, starting at their end
    #[arg(long, conflicts_with = "screenshot")]
    follow: bool,

    /// Read the stream line by line with typed commands, without drawing a screen
    #[arg(long, conflicts_with_all = ["follow", "screenshot"])]
    plain: bool,

    /// Alert rules file, for view 6 [default: that of the settings, else the built-in rules]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    #[command(flatten)]
    pub picture: Picture,
}

/// A picture of the explorer instead of the explorer.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Picture {
    /// Draw the explorer to this SVG file and exit; needs no terminal
    #[arg(long, value_name = "FILE")]
    pub screenshot: Option<PathBuf>,

    /// Columns and rows of the screenshot
    #[arg(long, value_name = "WxH", default_value = "120x36", value_parser = size, requires = "screenshot")]
    pub size: (u16, u16),

    /// Keys to press before the screenshot, such as 'j j / tool:refund enter'
    #[arg(long, value_name = "KEYS", requires = "screenshot")]
    pub keys: Option<String>,

    /// Replace the screenshot if it exists
    #[arg(long, requires = "screenshot")]
    pub force: bool,
}

/// `120x36`: columns and rows.
fn size(text: &str) -> Result<(u16, u16), String> {
    let sides = text.split_once(['x', '×']);
    let sides = sides.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some(size @ (1..=1000, 1..=500)) => Ok(size),
        Some(_) => Err("must be between 1x1 and 1000x500".to_owned()),
        None => Err("expected columns and rows, such as 120x36".to_owned()),
    }
}

impl Command for Explore {
    const NAME: &'static str = "saferun-tui";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .and(Accepts::SCREEN)
        .with(GlobalOption::Where)
        .with(GlobalOption::MaxMem);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        if self.follow {
            return follow_with(cx, &self.paths.paths, self.rules);
        }
        if self.paths.paths.is_empty() && !super::stdin_is_a_trace() {
            check_named(cx, self.rules.as_deref())?;
            return without_paths(cx, self.picture);
        }
        let paths = self.paths.or_stdin()?;
        if let Some(meant) = paths.first().and_then(|path| meant(path)) {
            let what = format!("{}: no such file · {meant}", paths[0].display());
            return Err(Failure::Input(what).into());
        }
        if self.plain {
            check_named(cx, self.rules.as_deref())?;
            return plain(cx, &paths);
        }
        url::check(&paths)?;
        let targets: Vec<Target> = paths.iter().map(|path| Target::parse(path)).collect();
        let (targets, mut errors) = url::into_folders(&cx.notes, targets, &cx.load.access);
        let files: Vec<PathBuf> = targets.iter().map(|it| it.path.clone()).collect();
        let found = cx.load.resolve(&cx.notes, &files);
        let notes = found.notes();
        errors.extend(found.errors);
        let named = Named {
            inputs: found.inputs,
            notes,
            title: title(&paths),
            failed: errors.iter().map(ToString::to_string).collect(),
            picture: self.picture,
            rules: self.rules,
            paths: files,
            targets,
            ..Named::default()
        };
        run(cx, named)
    }
}

fn plain(cx: &mut Cx, paths: &[PathBuf]) -> anyhow::Result<Exit> {
    if paths.iter().any(|path| path == Path::new("-")) {
        let what = "--plain reads commands from standard input, so the trace must be a file";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    let policies = over::read(cx)?;
    let read = cx.load.paths(&cx.notes, paths)?;
    if !read.has_records() {
        return Ok(read.exit(&cx.notes));
    }
    plain::walk(cx, &read, policies.as_ref())
}

/// What to open, and what to call it.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) inputs: Vec<Input>,
    pub(super) title: String,
    /// Why some paths could not be opened.
    pub(super) failed: Vec<String>,
    /// What their folders hold that is not shown.
    pub(super) notes: Vec<String>,
    pub(super) picture: Picture,
    /// The paths of files and folders, to follow them; empty if that is impossible.
    pub(super) paths: Vec<PathBuf>,
    /// The same paths, with the runs and actions they name.
    pub(super) targets: Vec<Target>,
    pub(super) live: bool,
    /// A file of rules of alerts.
    pub(super) rules: Option<PathBuf>,
    /// About what the agents of this machine are doing.
    pub(super) overview: bool,
    /// The bundled traces, which have a bundled policy.
    pub(super) is_demo: bool,
}

impl Named {
    fn policies(&self, cx: &Cx) -> Source {
        Source {
            named: cx.global.overlay.clone(),
            place: sources::place(),
            read: if self.is_demo && cx.global.overlay.is_empty() {
                demo::policies
            } else {
                sources::for_screen
            },
        }
    }

    /// The runs to start with.
    fn start(&self) -> Vec<tui::Named> {
        let named = self.targets.iter().filter_map(|target| {
            Some(tui::Named {
                path: target.path.clone(),
                name: target.name.clone()?,
            })
        });
        named.collect()
    }
}

pub(super) fn run(cx: &mut Cx, named: Named) -> anyhow::Result<Exit> {
    check_named(cx, named.rules.as_deref())?;
    let is_drawn = named.picture.screenshot.is_some();
    if !is_drawn && (cx.global.machine().is_some() || cx.out.style.width.is_none()) {
        let mut read = cx.load.inputs(&cx.notes, named.inputs);
        read.failed += named.failed.len();
        read.selection = Selection::of(&read, &named.targets)?;
        return ls::list(cx, &read, &Rows::default());
    }
    if let Some(expr) = cx.global.condition.as_deref() {
        filter::parse(expr)?;
    }
    if named.live {
        check_terminal()?;
        return screen(cx, named);
    }
    if named.inputs.is_empty() {
        return Ok(Exit::NoInput);
    }
    if !is_drawn {
        check_terminal()?;
    }
    let inputs = cx.load.traces(&cx.notes, named.inputs);
    if inputs.is_empty() {
        return Ok(Exit::NoInput);
    }
    let has_failed = !named.failed.is_empty();
    match screen(cx, Named { inputs, ..named })? {
        Exit::Done if has_failed => Ok(Exit::NoInput),
        exit => Ok(exit),
    }
}

/// Checks the policy and rules that were named: the screen reads them only when it needs them, too late for an error.
fn check_named(cx: &Cx, rules: Option<&Path>) -> Result<(), Failure> {
    if !cx.global.overlay.is_empty() {
        sources::read(&cx.global.overlay, false)?;
    }
    rules.map_or(Ok(()), alert_sources::check)
}

/// Without a path: the recent runs of agents on this machine.
fn without_paths(cx: &Cx, picture: Picture) -> anyhow::Result<Exit> {
    let is_shown = cx.out.style.width.is_some() || picture.screenshot.is_some();
    if is_shown && cx.global.machine().is_none() && cx.global.condition.is_none() {
        return recent(cx, picture);
    }
    let hint = "no trace given\n\n  saferun-tui PATH...     open traces (files, folders, globs, - for standard input)\n  \
                saferun-tui demo        explore the traces that come with the program\n  \
                saferun-tui --help      everything else";
    Err(Failure::Usage(hint.to_owned()).into())
}

/// Opens the explorer on traces that grow. They need not exist yet.
pub(super) fn follow(cx: &mut Cx, paths: &[PathBuf]) -> anyhow::Result<Exit> {
    follow_with(cx, paths, None)
}

/// What a word that names no file probably means: a view, or a command.
fn meant(word: &Path) -> Option<String> {
    let name = word.to_str().filter(|_| !word.exists())?;
    if id::views().any(|view| view.name == name) {
        return Some(format!(
            "'{name}' is a view: saferun-tui --view {name} PATH"
        ));
    }
    let command = Commands::near(word)?;
    Some(format!("did you mean the command '{command}'?"))
}

fn follow_with(cx: &mut Cx, paths: &[PathBuf], rules: Option<PathBuf>) -> anyhow::Result<Exit> {
    if paths.is_empty() {
        return Err(Failure::Usage("no trace to follow was given".to_owned()).into());
    }
    url::check(paths)?;
    let targets: Vec<Target> = paths.iter().map(|path| Target::parse(path)).collect();
    let (targets, failed) = url::into_folders(&cx.notes, targets, &cx.load.access);
    let files: Vec<PathBuf> = targets.iter().map(|it| it.path.clone()).collect();
    if files.is_empty() && !failed.is_empty() {
        return Ok(Exit::NoInput);
    }
    let named = Named {
        title: title(paths),
        paths: files,
        targets,
        live: true,
        rules,
        ..Named::default()
    };
    run(cx, named)
}

/// Opens the explorer on what agents are doing in some folders.
pub(super) fn overview(cx: &mut Cx, folders: Vec<PathBuf>) -> anyhow::Result<Exit> {
    let named = Named {
        title: "live".to_owned(),
        paths: folders,
        live: true,
        overview: true,
        ..Named::default()
    };
    run(cx, named)
}

/// What to call the paths that were given.
fn title(paths: &[PathBuf]) -> String {
    match paths {
        [path] => path.to_string_lossy().into_owned(),
        paths => format!("{} paths", paths.len()),
    }
}

fn check_terminal() -> Result<(), Failure> {
    let term = env::var("TERM").unwrap_or_default();
    if matches!(term.as_str(), "" | "dumb") {
        let what = format!(
            "the terminal (TERM='{term}') cannot show the explorer; use saferun-tui ls, query or show"
        );
        return Err(Failure::Usage(what));
    }
    Ok(())
}

fn recent(cx: &Cx, picture: Picture) -> anyhow::Result<Exit> {
    let named = Named {
        picture,
        ..Named::default()
    };
    let options = tui::Options {
        recent: true,
        ..options(cx, &named)
    };
    if named.picture.screenshot.is_some() {
        return picture::draw(cx, &named, options);
    }
    check_terminal()?;
    let options = with_asks(options);
    show(&options, crossbeam_channel::never().into())
}

fn screen(cx: &Cx, named: Named) -> anyhow::Result<Exit> {
    let options = options(cx, &named);
    if named.picture.screenshot.is_some() {
        return picture::draw(cx, &named, options);
    }
    let options = with_asks(options);
    let loading = options.loading.clone();
    let messages = if named.live {
        intake::follow(named.paths, loading, false)?
    } else {
        intake::open(named.inputs, loading)
    };
    show(&options, messages)
}

/// Tool calls that wait for a person can be answered while the explorer runs.
fn with_asks(options: tui::Options) -> tui::Options {
    match Places::of_environment() {
        Some(places) => tui::Options {
            outside: outside::start(places),
            ..options
        },
        None => options,
    }
}

fn show(options: &tui::Options, messages: Messages) -> anyhow::Result<Exit> {
    Ok(match tui::run(options, messages)? {
        tui::Exit::Quit => Exit::Done,
        tui::Exit::Interrupted(signal) => Exit::Signal(u8::try_from(signal).unwrap_or(0)),
        tui::Exit::TerminalLost => Exit::Signal(1),
    })
}

/// Copies runs that agents will delete; none without a home folder.
pub(super) fn keeper() -> Option<Keeper> {
    Some(Keeper {
        state: state::usual_folder()?,
        home: homes()?.home().to_owned(),
    })
}

/// Where agents keep their runs.
pub(super) fn homes() -> Option<Homes> {
    let home = env::var_os("HOME")?;
    Some(Homes::of(Path::new(&home), |name| env::var_os(name)))
}

const LAST_ACTIVE_FIRST: Order = Order {
    key: Key::Active,
    falling: true,
};

/// The demo begins with what there is to find out.
const MOST_ERRORS_FIRST: Order = Order {
    key: Key::Errors,
    falling: true,
};

fn options(cx: &Cx, named: &Named) -> tui::Options {
    let config = &cx.config;
    let view = cx.global.view.as_deref().and_then(ScreenId::view);
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let filters = config.filters.iter();
    let filters = filters.map(|(name, filter)| (name.clone(), filter.value.clone()));
    tui::Options {
        several: discover::are_several(&named.inputs),
        title: named.title.clone(),
        notes: named.notes.clone(),
        failed: [named.failed.as_slice(), &config::taken_keys(config)].concat(),
        paths: named.paths.clone(),
        live: named.live,
        filter: cx.global.condition.clone(),
        start: named.start(),
        view: view.or(match (named.overview, named.live) {
            (true, _) => Some(ScreenId::Runs),
            (false, true) => Some(ScreenId::Stream),
            (false, false) => None,
        }),
        loading: intake::Options {
            preview: true,
            ..cx.load.options.clone()
        },
        ascii: cx.out.style.charset != Charset::Unicode,
        color: match cx.global.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        },
        palette: config
            .theme
            .value
            .unwrap_or_else(|| Palette::of_terminal(variable)),
        ground: Ground {
            background: Background::of_environment(variable),
            adapts: config.theme.value.is_none() && theme::has_256_colors(variable),
        },
        keymap: config.keymap(),
        setup: Setup {
            columns: config.runs.columns.value.clone(),
            order: match (named, config.runs.sort.from) {
                (Named { overview: true, .. }, Origin::Default) => LAST_ACTIVE_FIRST,
                (Named { is_demo: true, .. }, Origin::Default) => MOST_ERRORS_FIRST,
                (_, _) => config.runs.sort.value,
            },
            overview: named.overview,
            alert: config.alert.value,
            grouping: config.runs.group.value,
            filters: filters.collect(),
            homes: homes(),
            keeper: keeper(),
            demo: demo::inputs(),
            policies: named.policies(cx),
            alerts: alert_sources::of_screen(cx, named.rules.as_deref()),
            rerun: settings::rerun(config),
            ..Setup::default()
        },
        state: cx.config.state.value.then(state::usual_folder).flatten(),
        mouse: !cx.global.no_mouse,
        zone: cx.out.style.zone.clone(),
        ..tui::Options::default()
    }
}
