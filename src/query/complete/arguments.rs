//! Completes argument names from some calls of the store.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::action::{ActionIx, Kind};
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// How many positions of the store are sampled, and how many calls are opened: a prompt must not
/// lag.
const PLACES: u32 = 1024;
const CALLS: usize = 64;

/// Continuations of `args.` plus what was typed: `amount:`, or `user.` if there is more inside.
pub(super) fn names(typed: &str, store: &Store) -> Vec<String> {
    let (around, begun) = typed.rsplit_once('.').map_or(("", typed), |it| it);
    let step = store.len().div_ceil(PLACES).max(1) as usize;
    let calls = (0..store.len())
        .step_by(step)
        .map(|ix| store.row(ActionIx(ix)))
        .filter(|row| row.kind() == Kind::ToolCall)
        .take(CALLS);
    let mut found = BTreeSet::new();
    for row in calls {
        let body = bodies::open(&row, Depth::Glance);
        let steps = around.split('.').filter(|step| !step.is_empty());
        let inside = body.args.as_ref().and_then(|args| {
            steps
                .into_iter()
                .try_fold(args, |value, step| value.get(step))
        });
        let members = inside.and_then(Value::as_object).into_iter().flatten();
        for (name, value) in members {
            if name.to_lowercase().starts_with(&begun.to_lowercase()) && is_plain(name) {
                let end = if value.is_object() { '.' } else { ':' };
                found.insert(format!("{name}{end}"));
            }
        }
    }
    let around = if around.is_empty() {
        String::new()
    } else {
        format!("{around}.")
    };
    found
        .into_iter()
        .map(|name| format!("args.{around}{name}"))
        .collect()
}

/// Whether the filter language accepts a name without quotes.
fn is_plain(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(is_part)
}
