//! What else differs between two cohorts: prompts, tools, scaffold, parameters, prices.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::hash::fixed_hash;
use crate::model::run::{Run, RunIx};
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// How often each value of a trait occurs in a cohort. Prompts and schemas are stored only as
/// hashes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traits(pub BTreeMap<String, BTreeMap<String, u32>>);

/// The trait that a comparison is usually about.
pub const MODEL: &str = "model";

/// A trait in which two cohorts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confound {
    pub name: String,
    /// The values of each side, raw. `not recorded` counts as a value.
    pub a: String,
    pub b: String,
}

const UNRECORDED: &str = "not recorded";

impl Traits {
    /// Those of one run.
    pub fn of(store: &Store, ix: RunIx) -> Traits {
        let mut traits = Traits::default();
        let run = store.run(ix);
        let name = |sym| store.symbols().name(sym).to_owned();
        let models: Vec<String> = run.who.models.iter().map(|it| name(*it)).collect();
        traits.count(MODEL, models.join(" + "));
        traits.count("agent", name(run.who.agent));
        traits.count("provider", name(run.who.provider));
        traits.count("service", name(run.who.service));
        traits.count("env", name(run.who.env));
        traits.count("release", name(run.who.release));
        let source = store.source(run.source);
        traits.count("format", source.format.name().to_owned());
        let prices = run.cost().map(|(_, source)| source.word().to_owned());
        traits.count("cost", prices.unwrap_or_default());
        for (name, value) in settings(store, run) {
            traits.count(name, value);
        }
        traits
    }

    /// Adds those of other runs.
    pub fn add(&mut self, other: &Traits) {
        for (name, values) in &other.0 {
            let own = self.0.entry(name.clone()).or_default();
            for (value, count) in values {
                *own.entry(value.clone()).or_default() += count;
            }
        }
    }

    /// Counts one more run with a value.
    pub fn count(&mut self, name: &str, value: String) {
        let values = self.0.entry(name.to_owned()).or_default();
        *values.entry(value).or_default() += 1;
    }

    /// The traits in which two cohorts differ, the model first.
    pub fn differences(&self, other: &Traits) -> Vec<Confound> {
        let names: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differing = names.into_iter().filter_map(|name| {
            let (a, b) = (self.values(name), other.values(name));
            (a != b).then(|| Confound {
                name: name.clone(),
                a: shorten(&a),
                b: shorten(&b),
            })
        });
        let mut differing: Vec<Confound> = differing.collect();
        differing.sort_by_key(|confound| confound.name != MODEL);
        differing
    }

    fn values(&self, name: &str) -> BTreeSet<&str> {
        let values = self.0.get(name).into_iter().flat_map(BTreeMap::keys);
        let values: BTreeSet<&str> = values.map(String::as_str).collect();
        if values.is_empty() {
            BTreeSet::from([""])
        } else {
            values
        }
    }
}

/// Up to two values, and how many more there are.
fn shorten(values: &BTreeSet<&str>) -> String {
    let word = |value: &&str| {
        if value.is_empty() {
            UNRECORDED.to_owned()
        } else {
            (*value).to_owned()
        }
    };
    let mut shown: Vec<String> = values.iter().take(2).map(word).collect();
    if values.len() > 2 {
        shown.push(format!("{} more", values.len() - 2));
    }
    shown.join(", ")
}

/// The request settings recorded at the start of a run.
fn settings(store: &Store, run: &Run) -> Vec<(&'static str, String)> {
    let Some(first) = run.first_action.get() else {
        return Vec::new();
    };
    let row = store.row(first);
    let record = bodies::raw(&row, row.place(), usize::MAX);
    let keys = [
        ("system prompt", "system"),
        ("tool schemas", "tools"),
        ("parameters", "params"),
    ];
    let holds = |key: &str| memchr::memmem::find(&record, format!("\"{key}\"").as_bytes());
    if keys.iter().all(|(_, key)| holds(key).is_none()) {
        return Vec::new();
    }
    let Some(record) = bodies::open(&row, Depth::Full).record else {
        return Vec::new();
    };
    keys.into_iter()
        .filter_map(|(name, key)| Some((name, short(record.get(key)?))))
        .collect()
}

/// Short values verbatim, long ones as a hash.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= 40 && !value.is_string() {
        return text;
    }
    format!("#{:08x}", fixed_hash(text.as_bytes()) as u32)
}
