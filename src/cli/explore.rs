//! The bare command: a screen where there is one, the list of runs where there is none.

use std::env;
use std::path::PathBuf;

use crate::cli::args::{Picture, When};
use crate::cli::failure::{Exit, Failure};
use crate::cli::look::Charset;
use crate::cli::{Cx, demo, filter, ls, picture};
use crate::ingest::discover::{self, Input};
use crate::ingest::intake;
use crate::ingest::intake::Messages;
use crate::tui;
use crate::tui::Setup;
use crate::tui::screens::ScreenId;
use crate::tui::theme::{ColorChoice, Palette};

/// What to open, and what to call it.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) inputs: Vec<Input>,
    pub(super) title: String,
    /// Why some paths could not be opened.
    pub(super) failed: Vec<String>,
    pub(super) picture: Picture,
    /// What was named, to follow it; none where that cannot be.
    pub(super) paths: Vec<PathBuf>,
    pub(super) live: bool,
}

pub(super) fn run(cx: &mut Cx, named: Named) -> anyhow::Result<Exit> {
    let machine = cx.global.json || cx.global.jsonl || cx.global.csv;
    let drawn = named.picture.screenshot.is_some();
    if !drawn && (machine || cx.out.look.width.is_none()) {
        let mut read = cx.load.inputs(&cx.notes, named.inputs);
        read.failed += named.failed.len();
        return ls::list(cx, &read, "-started");
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
    if !drawn {
        check_terminal()?;
    }
    let known = cx.load.traces(&cx.notes, named.inputs);
    if known.is_empty() {
        return Ok(Exit::NoInput);
    }
    screen(
        cx,
        Named {
            inputs: known,
            ..named
        },
    )
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

/// Without a path: the choice of the runs that agents left on this machine.
pub(super) fn recent(cx: &Cx, picture: Picture) -> anyhow::Result<Exit> {
    let named = Named {
        inputs: Vec::new(),
        title: String::new(),
        failed: Vec::new(),
        picture,
        paths: Vec::new(),
        live: false,
    };
    let options = tui::Options {
        recent: true,
        ..options(cx, &named)
    };
    if named.picture.screenshot.is_some() {
        return picture::draw(cx, &named, options);
    }
    check_terminal()?;
    show(&options, crossbeam_channel::never().into())
}

fn screen(cx: &Cx, named: Named) -> anyhow::Result<Exit> {
    let options = options(cx, &named);
    if named.picture.screenshot.is_some() {
        return picture::draw(cx, &named, options);
    }
    let loading = options.loading.clone();
    let messages = if named.live {
        intake::follow(named.paths, loading, false)?
    } else {
        intake::load(named.inputs, loading).into()
    };
    show(&options, messages)
}

fn show(options: &tui::Options, messages: Messages) -> anyhow::Result<Exit> {
    Ok(match tui::run(options, messages)? {
        tui::Exit::Quit => Exit::Done,
        tui::Exit::Interrupted(signal) => Exit::Signal(u8::try_from(signal).unwrap_or(0)),
        tui::Exit::TerminalLost => Exit::Signal(1),
    })
}

fn options(cx: &Cx, named: &Named) -> tui::Options {
    let config = &cx.config;
    let view = cx.global.view.as_deref().and_then(ScreenId::view);
    let filters = config.filters.iter();
    let filters = filters.map(|(name, filter)| (name.clone(), filter.value.clone()));
    tui::Options {
        several: discover::are_several(&named.inputs),
        title: named.title.clone(),
        told: named.failed.clone(),
        paths: named.paths.clone(),
        live: named.live,
        filter: cx.global.condition.clone(),
        view: view.or(named.live.then_some(ScreenId::Stream)),
        loading: intake::Options {
            preview: true,
            ..cx.load.options.clone()
        },
        ascii: cx.out.look.charset != Charset::Unicode,
        color: match cx.global.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        },
        palette: config
            .theme
            .value
            .unwrap_or_else(|| Palette::of_terminal(|name| env::var(name).unwrap_or_default())),
        keymap: config.keymap(),
        setup: Setup {
            columns: config.runs.columns.value.clone(),
            order: config.runs.sort.value,
            grouping: config.runs.group.value,
            filters: filters.collect(),
            home: env::var_os("HOME").map(PathBuf::from),
            demo: demo::inputs(),
        },
        mouse: !cx.global.no_mouse,
        zone: cx.out.look.zone.clone(),
        ..tui::Options::default()
    }
}
