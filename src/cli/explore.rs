//! The bare command: a screen where there is one, the list of runs where there is none.

use std::env;

use crate::cli::args::When;
use crate::cli::failure::{Exit, Failure};
use crate::cli::look::Charset;
use crate::cli::{Cx, filter, ls};
use crate::ingest::discover::{self, Input};
use crate::ingest::loader;
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
}

pub(super) fn run(cx: &mut Cx, named: Named) -> anyhow::Result<Exit> {
    let machine = cx.global.json || cx.global.jsonl || cx.global.csv;
    if machine || cx.out.look.width.is_none() {
        let mut read = cx.load.inputs(&cx.notes, named.inputs);
        read.failed += named.failed.len();
        return ls::list(cx, &read, "-started");
    }
    if let Some(expr) = cx.global.condition.as_deref() {
        filter::parse(expr)?;
    }
    if named.inputs.is_empty() {
        return Ok(Exit::NoInput);
    }
    let term = env::var("TERM").unwrap_or_default();
    if matches!(term.as_str(), "" | "dumb") {
        let what = format!(
            "the terminal (TERM='{term}') cannot show the explorer; use saferun-tui ls, query or show"
        );
        return Err(Failure::Usage(what).into());
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

fn screen(cx: &Cx, named: Named) -> anyhow::Result<Exit> {
    let several = discover::are_several(&named.inputs);
    let loading = loader::Options {
        preview: true,
        ..cx.load.options.clone()
    };
    let messages = loader::start(named.inputs, loading.clone());
    let options = tui::Options {
        title: named.title,
        filter: cx.global.condition.clone(),
        view: cx.global.view.as_deref().and_then(ScreenId::view),
        several,
        told: named.failed,
        loading,
        ascii: cx.out.look.charset != Charset::Unicode,
        color: match cx.global.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        },
        palette: cx
            .config
            .theme
            .value
            .unwrap_or_else(|| Palette::of_terminal(|name| env::var(name).unwrap_or_default())),
        keymap: cx.config.keymap(),
        setup: Setup {
            columns: cx.config.runs.columns.value.clone(),
            order: cx.config.runs.sort.value,
            grouping: cx.config.runs.group.value,
            filters: cx
                .config
                .filters
                .iter()
                .map(|(name, filter)| (name.clone(), filter.value.clone()))
                .collect(),
        },
        mouse: !cx.global.no_mouse,
        zone: cx.out.look.zone.clone(),
        ..tui::Options::default()
    };
    Ok(match tui::run(&options, messages)? {
        tui::Exit::Quit => Exit::Done,
        tui::Exit::Interrupted(signal) => Exit::Signal(u8::try_from(signal).unwrap_or(0)),
        tui::Exit::TerminalLost => Exit::Signal(1),
    })
}
