//! The values in a row of the engine's answer. Whole numbers of 64 bits come as text.

use serde_json::Value;

use crate::model::quantity::{Cost, Elapsed, Time, Tokens, Usage};

#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a>(pub(super) &'a Value);

impl<'a> Cells<'a> {
    pub(super) fn text(self, name: &str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn texts(self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let list = self.0.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// None if it is NULL.
    pub(super) fn whole(self, name: &str) -> Option<i64> {
        whole(self.0.get(name)?)
    }

    pub(super) fn count(self, name: &str) -> u64 {
        let number = self.whole(name).unwrap_or(0);
        u64::try_from(number).unwrap_or(0)
    }

    pub(super) fn small(self, name: &str) -> u32 {
        u32::try_from(self.count(name)).unwrap_or(u32::MAX)
    }

    pub(super) fn float(self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    pub(super) fn is_true(self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Value::Bool(truth) => Some(*truth),
            other => whole(other).map(|it| it != 0),
        }
    }

    pub(super) fn time(self, name: &str) -> Time {
        self.whole(name).map_or(Time::NONE, Time)
    }

    pub(super) fn elapsed(self, name: &str) -> Elapsed {
        self.whole(name).map_or(Elapsed::NONE, Elapsed)
    }

    pub(super) fn cost(self, name: &str) -> Cost {
        self.whole(name).map_or(Cost::NONE, Cost)
    }

    /// The columns `PREFIX_in` and so on.
    pub(super) fn usage(self, prefix: &str) -> Usage {
        let tokens = |name: &str| {
            let count = self.whole(&format!("{prefix}_{name}"));
            let count = count.and_then(|it| u64::try_from(it).ok());
            count.map_or(Tokens::NONE, Tokens::from)
        };
        Usage {
            input: tokens("in"),
            output: tokens("out"),
            cache_read: tokens("read"),
            cache_write: tokens("write"),
            reasoning: tokens("reasoning"),
            ..Usage::NONE
        }
    }
}

pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    }
}
