//! Parses the settings file and reports mistakes with their line.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::analysis::runs::{Grouping, Key as SortKey, Order};
use crate::config::{Config, Setting};
use crate::ingest::discover::at_home;
use crate::query;
use crate::query::fields::nearest;
use crate::tui::Alert;
use crate::tui::keys::{Key, meets};
use crate::tui::screens::runs;
use crate::tui::theme::Palette;

/// A line number and what is wrong there.
type Wrong = (usize, String);

const TOP: &[&str] = &[
    "theme",
    "ascii",
    "mouse",
    "state",
    "price-file",
    "time-zone",
    "runs",
    "live",
    "alerts",
    "pull",
    "rerun",
    "keys",
    "filters",
];
const RUNS: &[&str] = &["columns", "sort", "group"];
const LIVE: &[&str] = &["alert"];
const RERUN: &[&str] = &["base-url", "key-cmd", "tools"];
const ALERTS: &[&str] = &["rules"];
/// Of a product in the table `pull`.
const PRODUCT: &[&str] = &["key-cmd"];
const PRODUCTS: &[&str] = &[
    "phoenix",
    "mlflow",
    "langfuse",
    "langsmith",
    "helicone",
    "clickhouse",
    "tempo",
    "jaeger",
];

/// A named value of the file, with the text of the whole file.
struct At<'a> {
    text: &'a str,
    name: &'a str,
    value: &'a Spanned<DeValue<'a>>,
}

impl Config {
    pub(super) fn parse(text: &str) -> Result<Config, Wrong> {
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            (line(text, at), error.message().to_owned())
        })?;
        let mut config = Config::default();
        for (key, value) in table.get_ref() {
            let name: &str = key.get_ref();
            let at = At { text, name, value };
            match name {
                "theme" => config.theme = Setting::file(at.theme()?),
                "ascii" => config.ascii = Setting::file(at.bool()?),
                "mouse" => config.mouse = Setting::file(at.bool()?),
                "state" => config.state = Setting::file(at.bool()?),
                "price-file" => {
                    let path = at_home(Path::new(at.string()?));
                    config.price_file = Setting::file(Some(path));
                }
                "time-zone" => config.zone = Setting::file(Some(at.string()?.to_owned())),
                "runs" => config.read_runs(&at)?,
                "live" => config.read_live(&at)?,
                "alerts" => config.read_alerts(&at)?,
                "pull" => config.read_pull(&at)?,
                "rerun" => config.read_rerun(&at)?,
                "keys" => config.read_keys(&at)?,
                "filters" => config.read_filters(&at)?,
                _ => return Err(unknown(text, key, TOP.iter().copied())),
            }
        }
        Ok(config)
    }

    fn read_runs(&mut self, at: &At<'_>) -> Result<(), Wrong> {
        for (key, value) in at.table()? {
            let name: &str = key.get_ref();
            let at = At { name, value, ..*at };
            match name {
                "columns" => self.runs.columns = Setting::file(at.columns()?),
                "sort" => self.runs.sort = Setting::file(at.order()?),
                "group" => self.runs.group = Setting::file(Some(at.grouping()?)),
                _ => return Err(unknown(at.text, key, RUNS.iter().copied())),
            }
        }
        Ok(())
    }

    fn read_alerts(&mut self, at: &At<'_>) -> Result<(), Wrong> {
        for (key, value) in at.table()? {
            let name: &str = key.get_ref();
            let at = At { name, value, ..*at };
            match name {
                "rules" => {
                    let path = at_home(Path::new(at.string()?));
                    self.alert_rules = Setting::file(Some(path));
                }
                _ => return Err(unknown(at.text, key, ALERTS.iter().copied())),
            }
        }
        Ok(())
    }

    fn read_live(&mut self, at: &At<'_>) -> Result<(), Wrong> {
        for (key, value) in at.table()? {
            let name: &str = key.get_ref();
            let at = At { name, value, ..*at };
            match name {
                "alert" => self.alert = Setting::file(at.alert()?),
                _ => return Err(unknown(at.text, key, LIVE.iter().copied())),
            }
        }
        Ok(())
    }

    fn read_rerun(&mut self, at: &At<'_>) -> Result<(), Wrong> {
        for (key, value) in at.table()? {
            let name: &str = key.get_ref();
            let at = At { name, value, ..*at };
            let words = |at: &At<'_>| {
                let words = at.strings()?.into_iter().map(str::to_owned);
                Ok(Setting::file(words.collect::<Vec<String>>()))
            };
            match name {
                "base-url" => {
                    self.rerun.base_url = Setting::file(Some(at.string()?.to_owned()));
                }
                "key-cmd" => self.rerun.key_command = words(&at)?,
                "tools" => {
                    for (tool, value) in at.table()? {
                        let name: &str = tool.get_ref();
                        let at = At { name, value, ..at };
                        self.rerun.tools.push((name.to_owned(), words(&at)?));
                    }
                }
                _ => return Err(unknown(at.text, key, RERUN.iter().copied())),
            }
        }
        Ok(())
    }

    fn read_pull(&mut self, at: &At<'_>) -> Result<(), Wrong> {
        for (product, value) in at.table()? {
            let name: &str = product.get_ref();
            if !PRODUCTS.contains(&name) {
                return Err(unknown(at.text, product, PRODUCTS.iter().copied()));
            }
            let of_product = At { name, value, ..*at };
            for (key, value) in of_product.table()? {
                let at = At {
                    name: key.get_ref(),
                    value,
                    ..*at
                };
                if !PRODUCT.contains(&at.name) {
                    return Err(unknown(at.text, key, PRODUCT.iter().copied()));
                }
                let words = at.strings()?.into_iter().map(str::to_owned).collect();
                self.pull.push((name.to_owned(), Setting::file(words)));
            }
        }
        Ok(())
    }

    fn read_keys(&mut self, at: &At<'_>) -> Result<(), Wrong> {
        let mut taken: HashMap<Key, Vec<&'static str>> = HashMap::new();
        for (key, value) in at.table()? {
            let name: &str = key.get_ref();
            let at = At { name, value, ..*at };
            let Some(known) = self.keys.iter().position(|(known, _)| *known == name) else {
                let names = self.keys.iter().map(|(name, _)| *name);
                return Err(unknown(at.text, key, names));
            };
            let keys = at.keys()?;
            let name = self.keys[known].0;
            for key in &keys {
                let others = taken.entry(*key).or_default();
                if let Some(other) = others.iter().find(|other| meets(other, name)) {
                    return Err(at.wrong(&format!("'{key}' is already bound to {other}")));
                }
                others.push(name);
            }
            self.keys[known].1 = Setting::file(keys);
        }
        Ok(())
    }

    fn read_filters(&mut self, at: &At<'_>) -> Result<(), Wrong> {
        for (key, value) in at.table()? {
            let name: &str = key.get_ref();
            let at = At { name, value, ..*at };
            let filter = at.string()?;
            // One for the stream may test the verdicts of a policy.
            query::parse_over_policy(filter).map_err(|error| {
                let hint = error
                    .suggestion
                    .map(|it| format!(" · did you mean '{it}'?"));
                at.wrong(&format!("{}{}", error.message, hint.unwrap_or_default()))
            })?;
            self.filters
                .push((name.to_owned(), Setting::file(filter.to_owned())));
        }
        Ok(())
    }
}

impl<'a> At<'a> {
    fn wrong(&self, what: &str) -> Wrong {
        let at = self.value.span().start;
        (line(self.text, at), format!("{}: {what}", self.name))
    }

    fn bool(&self) -> Result<bool, Wrong> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.wrong("expected true or false")),
        }
    }

    fn string(&self) -> Result<&'a str, Wrong> {
        text_of(self.value).ok_or_else(|| self.wrong("expected a string in quotes"))
    }

    /// One string, or a list of strings.
    fn strings(&self) -> Result<Vec<&'a str>, Wrong> {
        let listed = match self.value.get_ref() {
            DeValue::Array(values) => values.iter().map(text_of).collect(),
            _ => text_of(self.value).map(|one| vec![one]),
        };
        listed.ok_or_else(|| self.wrong("expected a string in quotes, or a list of strings"))
    }

    fn table(&self) -> Result<&'a DeTable<'a>, Wrong> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.wrong(&format!("expected a table ([{}])", self.name))),
        }
    }

    fn theme(&self) -> Result<Option<Palette>, Wrong> {
        match self.string()? {
            "auto" => Ok(None),
            name => Palette::find(name).map(Some).ok_or_else(|| {
                let known = ["auto"]
                    .into_iter()
                    .chain(Palette::ALL.iter().map(|it| it.word()));
                self.no_such("theme", name, known)
            }),
        }
    }

    fn order(&self) -> Result<Order, Wrong> {
        Order::parse(self.string()?)
            .map_err(|name| self.no_such("column", name, SortKey::ALL.iter().map(|key| key.word())))
    }

    fn grouping(&self) -> Result<Grouping, Wrong> {
        let name = self.string()?;
        Grouping::find(name)
            .ok_or_else(|| self.no_such("group", name, Grouping::ALL.iter().map(|it| it.word())))
    }

    fn alert(&self) -> Result<Option<Alert>, Wrong> {
        let name = self.string()?;
        if name == Alert::OFF {
            return Ok(None);
        }
        let known = Alert::ALL.iter().copied();
        let found = known.clone().find(|alert| alert.word() == name);
        found.map(Some).ok_or_else(|| {
            let words = known.map(Alert::word).chain([Alert::OFF]);
            self.no_such("alert", name, words)
        })
    }

    fn columns(&self) -> Result<Vec<&'static str>, Wrong> {
        let one = |name: &str| {
            let known = runs::column_names().find(|known| *known == name);
            known.ok_or_else(|| self.no_such("column", name, runs::column_names()))
        };
        self.strings()?.into_iter().map(one).collect()
    }

    fn keys(&self) -> Result<Vec<Key>, Wrong> {
        let one = |name: &str| {
            Key::parse(name).ok_or_else(|| {
                self.wrong(&format!(
                    "'{name}' is not a key (use names such as j, ctrl-d, pageup, space)"
                ))
            })
        };
        self.strings()?.into_iter().map(one).collect()
    }

    fn no_such<'k>(&self, what: &str, name: &str, known: impl Iterator<Item = &'k str>) -> Wrong {
        let known: Vec<&str> = known.collect();
        let near = nearest(name, known.iter().copied());
        let near = near.map_or_else(String::new, |near| format!(" · did you mean '{near}'?"));
        let known = known.join(", ");
        self.wrong(&format!("'{name}' is not a {what}{near} (known: {known})"))
    }
}

fn text_of<'a>(value: &'a Spanned<DeValue<'a>>) -> Option<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

fn unknown<'k>(
    text: &str,
    key: &Spanned<impl AsRef<str>>,
    known: impl Iterator<Item = &'k str>,
) -> Wrong {
    let name = key.get_ref().as_ref();
    let known: Vec<&str> = known.collect();
    let Range { start, .. } = key.span();
    (
        line(text, start),
        format!("'{name}' is not a setting{}", meant(name, &known)),
    )
}

/// The nearest known name, or else all of them.
fn meant(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!(" · did you mean '{near}'?"),
        None if known.len() <= 16 => format!(" (known: {})", known.join(", ")),
        None => " (saferun-tui config lists them)".to_owned(),
    }
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).split('\n').count()
}
