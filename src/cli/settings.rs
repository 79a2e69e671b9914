//! The settings in force: the file, then the environment, then the options of the command line.

use std::env;

use crate::act::places::Places;
use crate::act::rerun::Settings;
use crate::cli::args::Global;
use crate::cli::failure::Failure;
use crate::config::{Config, Origin, PRICES_VARIABLE};
use crate::tui::theme::Palette;

/// Options that were not given take their values from the settings.
pub(super) fn resolve(global: &mut Global) -> Result<Config, Failure> {
    let mut config = if global.no_config {
        Config::default()
    } else {
        Config::load(global.config.as_deref()).map_err(|error| Failure::Usage(error.to_string()))?
    };
    let prices = env::var_os(PRICES_VARIABLE).filter(|path| !path.is_empty());
    let prices = prices.map(|path| Some(path.into()));
    config
        .price_file
        .over(prices, Origin::Environment(PRICES_VARIABLE));
    let prices = global.price_file.take().map(Some);
    config.price_file.over(prices, Origin::Flag("--price-file"));
    let zone = global.tz.take().map(Some);
    config.zone.over(zone, Origin::Flag("--tz"));
    let theme = global.theme.as_deref().map(Palette::find);
    config.theme.over(theme, Origin::Flag("--theme"));
    let flag = |is_given: bool, value: bool| is_given.then_some(value);
    let ascii = flag(global.ascii, true);
    config.ascii.over(ascii, Origin::Flag("--ascii"));
    let mouse = flag(global.no_mouse, false);
    config.mouse.over(mouse, Origin::Flag("--no-mouse"));
    let state = flag(global.no_state, false);
    config.state.over(state, Origin::Flag("--no-state"));
    global.price_file.clone_from(&config.price_file.value);
    global.tz.clone_from(&config.zone.value);
    global.ascii = config.ascii.value;
    global.no_mouse = !config.mouse.value;
    global.no_state = !config.state.value;
    Ok(config)
}

/// How steps are run again, and the folder for new runs.
pub(super) fn rerun(config: &Config) -> Settings {
    let rerun = &config.rerun;
    let tools = rerun.tools.iter();
    Settings {
        base_url: rerun.base_url.value.clone(),
        key_command: rerun.key_command.value.clone(),
        tools: tools
            .map(|(name, words)| (name.clone(), words.value.clone()))
            .collect(),
        folder: Places::of_environment().map(|places| places.state().join("reruns")),
    }
}
