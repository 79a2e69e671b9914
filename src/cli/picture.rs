//! `--screenshot`: draws the explorer to a file instead of a terminal.

use std::path::PathBuf;

use crate::cli::Cx;
use crate::cli::explore::Named;
use crate::cli::failure::Exit;
use crate::cli::output::OutputFile;
use crate::ingest::discover::Input;
use crate::ingest::intake;
use crate::tui;
use crate::tui::render::{self, svg};
use crate::tui::theme::Palette;
use crate::tui::theme::ground::Background;

/// Loads everything, presses the keys, and writes the resulting screen. A picture has all
/// characters, and a dark background unless the user chose a light theme.
pub(super) fn draw(cx: &Cx, named: &Named, mut options: tui::Options) -> anyhow::Result<Exit> {
    let Some(path) = &named.picture.screenshot else {
        return Ok(Exit::Done);
    };
    let place = OutputFile {
        path,
        force: named.picture.force,
    };
    let sources: Vec<PathBuf> = named.inputs.iter().filter_map(Input::path).collect();
    place.check(&sources)?;
    options.ascii = cx.global.ascii;
    options.palette = cx.config.theme.value.unwrap_or(Palette::Dark);
    let (inks, background) = match options.palette {
        Palette::Light => (&svg::LIGHT, Background::Light),
        Palette::Dark | Palette::HighContrast | Palette::Sixteen | Palette::None => {
            (&svg::DARK, Background::Dark)
        }
    };
    options.ground.background = Some(background);
    options.loading.preview = false;
    let messages = intake::load(named.inputs.clone(), options.loading.clone());
    let keys = named.picture.keys.as_deref().unwrap_or_default();
    let shown = render::script(&options, messages, named.picture.size, keys);
    let drawing = svg::svg(&shown, inks);
    place.write(&sources, &mut |out| out.write_all(drawing.as_bytes()))?;
    cx.notes.detail(&format!("{} written", path.display()));
    Ok(Exit::Done)
}
