//! `config`: the settings in force and where each came from, in the form of the settings file.

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::text;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::Exit;
use crate::config::{self, Origin, Setting, usual_path};
use crate::export::words::Role;
use crate::tui::Alert;
use crate::tui::theme::Palette;

/// Print the settings in force and where each came from
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  saferun-tui config > ~/.config/saferun-tui/config.toml    a file to start from"
)]
pub struct Config {}

/// A line of the settings file.
#[derive(Debug)]
struct Line {
    table: &'static str,
    name: String,
    /// None if it is not set.
    value: Option<Value>,
    from: Origin,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: Option<String>,
    settings: Vec<Set<'a>>,
}

#[derive(Serialize)]
struct Set<'a> {
    name: String,
    value: Option<&'a Value>,
    from: String,
}

impl Command for Config {
    const NAME: &'static str = "config";
    const ACCEPTS: Accepts = Accepts::SCREEN
        .with(GlobalOption::Json)
        .with(GlobalOption::PriceFile)
        .with(GlobalOption::Tz);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let lines = lines(&cx.config);
        for words in config::taken_keys(&cx.config) {
            cx.notes.note(&words);
        }
        if cx.global.json {
            let settings = lines.iter().map(|line| Set {
                name: match line.table {
                    "" => line.name.clone(),
                    table => format!("{table}.{}", line.name),
                },
                value: line.value.as_ref(),
                from: origin(line.from),
            });
            let document = Document {
                schema: "saferun.tui/config@1",
                file: path(&cx.config).map(|(path, _)| path),
                settings: settings.collect(),
            };
            cx.out.json(&document)?;
            return Ok(Exit::Done);
        }
        if let Some((path, is_read)) = path(&cx.config) {
            let state = if is_read { "" } else { " (does not exist)" };
            let line = cx.out.style.clean(&format!("# {path}{state}"));
            cx.out.painted(Role::Dim, &line)?;
        }
        let mut table = "";
        for line in &lines {
            if line.table != table {
                table = line.table;
                cx.out.line("")?;
                cx.out.painted(Role::Head, &format!("[{table}]"))?;
            }
            write(cx, line)?;
        }
        Ok(Exit::Done)
    }
}

/// The file that was read, or the one that would be; and whether it was.
fn path(config: &config::Config) -> Option<(String, bool)> {
    let shown = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    match &config.path {
        Some(path) => Some((shown(path.clone()), true)),
        None => usual_path().map(|path| (shown(path), false)),
    }
}

/// The width of names and values, before the origin.
const WIDTH: usize = 44;

fn write(cx: &mut Cx, line: &Line) -> anyhow::Result<()> {
    let name = match &line.name {
        name if name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) =>
        {
            name.clone()
        }
        name => Value::from(name.as_str()).to_string(),
    };
    // A value that is not set is printed as a comment, so that the output is a valid settings file.
    let set = match &line.value {
        Some(value) => format!("{name} = {value}"),
        None => format!("# {name} ="),
    };
    let set = text::fit(&cx.out.style.clean(&set), WIDTH.max(text::width(&set)));
    let from = cx
        .out
        .style
        .paint(Role::Dim, &format!("# {}", origin(line.from)));
    cx.out.line(&format!("{set} {from}"))?;
    Ok(())
}

fn origin(from: Origin) -> String {
    match from {
        Origin::Default => "default".to_owned(),
        Origin::File => "file".to_owned(),
        Origin::Environment(name) => format!("${name}"),
        Origin::Flag(name) => name.to_owned(),
    }
}

fn lines(config: &config::Config) -> Vec<Line> {
    let runs = &config.runs;
    let sort = runs.sort.value.words();
    let columns = (!runs.columns.value.is_empty()).then(|| json!(runs.columns.value));
    let theme = config.theme.value.map_or("auto", Palette::word);
    let price_file = config
        .price_file
        .value
        .as_ref()
        .map(|path| json!(path.to_string_lossy()));
    let mut lines = vec![
        line("", "theme", &config.theme, Some(json!(theme))),
        line("", "ascii", &config.ascii, Some(json!(config.ascii.value))),
        line("", "mouse", &config.mouse, Some(json!(config.mouse.value))),
        line("", "state", &config.state, Some(json!(config.state.value))),
        line("", "price-file", &config.price_file, price_file),
        line(
            "",
            "time-zone",
            &config.zone,
            config.zone.value.as_ref().map(|it| json!(it)),
        ),
        line("runs", "columns", &runs.columns, columns),
        line("runs", "sort", &runs.sort, Some(json!(sort))),
        line(
            "runs",
            "group",
            &runs.group,
            runs.group.value.map(|it| json!(it.word())),
        ),
    ];
    let alert = config.alert.value.map_or(Alert::OFF, Alert::word);
    lines.push(line("live", "alert", &config.alert, Some(json!(alert))));
    let rules = config.alert_rules.value.as_ref();
    let rules = rules.map(|path| json!(path.to_string_lossy()));
    lines.push(line("alerts", "rules", &config.alert_rules, rules));
    let pull = config.pull.iter();
    lines.extend(pull.map(|(product, command)| {
        let name = format!("{product}.key-cmd");
        line("pull", &name, command, Some(json!(command.value)))
    }));
    let rerun = &config.rerun;
    let base_url = rerun.base_url.value.as_ref().map(|url| json!(url));
    let command = &rerun.key_command.value;
    let command = (!command.is_empty()).then(|| json!(command));
    lines.push(line("rerun", "base-url", &rerun.base_url, base_url));
    lines.push(line("rerun", "key-cmd", &rerun.key_command, command));
    let tools = rerun.tools.iter();
    lines.extend(
        tools.map(|(tool, words)| line("rerun.tools", tool, words, Some(json!(words.value)))),
    );
    let keymap = config.keymap();
    lines.extend(config.keys.iter().map(|(name, keys)| {
        let in_force = keymap.keys_named(name).into_iter();
        let named: Vec<String> = in_force.map(|key| key.to_string()).collect();
        line("keys", name, keys, Some(json!(named)))
    }));
    let filters = config.filters.iter();
    lines.extend(
        filters.map(|(name, filter)| line("filters", name, filter, Some(json!(filter.value)))),
    );
    lines
}

fn line<T>(table: &'static str, name: &str, setting: &Setting<T>, value: Option<Value>) -> Line {
    Line {
        table,
        name: name.to_owned(),
        value,
        from: setting.from,
    }
}
