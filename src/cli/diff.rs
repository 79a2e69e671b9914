//! `diff`: two runs compared, as text, markdown or JSON.

use std::path::Path;

use crate::analysis::diff::mask::{Blind, Ignored};
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::diff::why::{self, Why};
use crate::analysis::diff::{self, Options};
use crate::base::cancel::CancelFlag;
use crate::cli::failure::{Exit, Failure};
use crate::cli::out::Progress;
use crate::cli::{Cx, pick};
use crate::export::diff::markdown::markdown;
use crate::export::diff::{self as page, Page};
use crate::export::json::diff as document;
use crate::tui::render::svg::{self, Inks};
use crate::tui::theme::Palette;

/// Terminals of so many cells show the runs side by side.
const WIDE: usize = 100;

#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) layout: Layout,
    pub(super) only_changed: bool,
    pub(super) blind: Blind,
    pub(super) exit_code: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// What fits the terminal.
    Fitting,
    Side,
    Unified,
    Markdown,
    Json,
    /// A picture of the runs side by side.
    Svg,
}

impl Layout {
    pub(super) fn of(name: Option<&str>, json: bool) -> Layout {
        match name {
            _ if json => Layout::Json,
            Some("side") => Layout::Side,
            Some("unified") => Layout::Unified,
            Some("md") => Layout::Markdown,
            Some("json") => Layout::Json,
            Some("svg") => Layout::Svg,
            Some(_) | None => Layout::Fitting,
        }
    }
}

/// What the user does not want to be compared.
pub(super) fn blind(noise: bool, ignored: &[String]) -> Result<Blind, Failure> {
    let ignored = ignored.iter().map(|path| Ignored::parse(path));
    let ignored = ignored.collect::<Result<Vec<Ignored>, String>>();
    let ignored = ignored.map_err(Failure::Usage)?;
    Ok(Blind { noise, ignored })
}

pub(super) fn run(
    cx: &mut Cx,
    a: &Path,
    b: Option<&Path>,
    wanted: &Wanted,
) -> anyhow::Result<Exit> {
    let [a, b] = pick::two(cx, a, b)?;
    let (a, b) = (
        Side {
            store: &a.store,
            run: a.run,
        },
        Side {
            store: &b.store,
            run: b.run,
        },
    );
    let options = Options {
        blind: wanted.blind.clone(),
        pins: Vec::new(),
    };
    let mut progress = Progress::new(&cx.notes);
    let compared = diff::compare((a, b), &options, &CancelFlag::new(), &mut |done, all| {
        let percent = done * 100 / all.max(1);
        progress.tell(&format!("comparing {percent} %"));
    });
    progress.clear();
    let Some(comparison) = compared else {
        return Ok(Exit::Done);
    };
    let story = Story {
        comparison: &comparison,
        a,
        b,
    };
    let why = why::why(&story, &CancelFlag::new());
    write(cx, story, why.as_ref(), wanted)?;
    Ok(if wanted.exit_code && !comparison.is_equal() {
        Exit::NoMatch
    } else {
        Exit::Done
    })
}

/// A dark page unless the user wants another.
fn inks(cx: &Cx) -> &'static Inks {
    if cx.config.theme.value == Some(Palette::Light) {
        &svg::LIGHT
    } else {
        &svg::DARK
    }
}

fn write(cx: &mut Cx, story: Story<'_>, why: Option<&Why>, wanted: &Wanted) -> anyhow::Result<()> {
    let page = Page {
        story,
        blind: &wanted.blind,
        why,
        only_changed: wanted.only_changed,
    };
    let width = cx.out.look.width;
    let layout = match (wanted.layout, width) {
        (Layout::Json, _) => {
            let document = document::diff(&page);
            cx.out.json(&document)?;
            return Ok(());
        }
        (Layout::Markdown, _) => {
            for line in markdown(&page) {
                cx.out.line(&line)?;
            }
            return Ok(());
        }
        (Layout::Svg, _) => {
            let lines = page::lines(&page, page::Layout::Side(page::SIDE));
            let picture = svg::page(&lines, inks(cx));
            return Ok(cx.out.verbatim(&picture)?);
        }
        (Layout::Side, width) => page::Layout::Side(width.unwrap_or(page::SIDE)),
        (Layout::Fitting, Some(width)) if width >= WIDE => page::Layout::Side(width),
        (Layout::Fitting | Layout::Unified, _) => page::Layout::Unified,
    };
    for line in page::lines(&page, layout) {
        let pieces = line
            .iter()
            .map(|(role, piece)| cx.out.look.paint(*role, piece));
        let line: String = pieces.collect();
        cx.out.line(&line)?;
    }
    Ok(())
}
