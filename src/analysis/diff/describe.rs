//! Describes one difference inside a pair. Raw trace content: the caller sanitises it.

use serde_json::Value;

use crate::analysis::diff::json::{Change, Op, PathText};
use crate::analysis::diff::text_changes::{self, Piece, Side};

/// Strings up to this length are shown whole, next to each other.
const MAX_BESIDE: usize = 80;
/// Longer values are cut to this many characters.
const MAX_CHARS: usize = 400;

/// One difference: where it is, and the lines that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub path: String,
    pub op: Op,
    pub lines: Vec<Vec<Piece>>,
}

pub fn describe(change: &Change) -> Description {
    let lines = match (change.op, &change.a, &change.b) {
        (Op::Changed, Some(Value::String(a)), Some(Value::String(b)))
            if is_long(a) || is_long(b) =>
        {
            text_changes::differences(a, b)
        }
        (_, a, b) => vec![beside(a.as_ref(), b.as_ref())],
    };
    Description {
        path: PathText(&change.path).to_string(),
        op: change.op,
        lines,
    }
}

fn is_long(text: &str) -> bool {
    text.contains('\n') || text.chars().nth(MAX_BESIDE).is_some()
}

/// `420 → 4200`.
fn beside(a: Option<&Value>, b: Option<&Value>) -> Vec<Piece> {
    let old = a.map(|value| Piece::strong(Side::Old, text(value)));
    let new = b.map(|value| Piece::strong(Side::New, text(value)));
    let arrow = (old.is_some() && new.is_some()).then(|| Piece::both(" → "));
    let times = times(a, b).map(Piece::both);
    [old, arrow, new, times].into_iter().flatten().collect()
}

fn text(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_CHARS) {
        None => text,
        Some((end, _)) => {
            let rest = text.chars().count() - MAX_CHARS;
            let head = text.get(..end).unwrap_or_default();
            format!("{head}… ({rest} more characters)")
        }
    }
}

/// The factor by which a number grew or shrank, if at least 2.
fn times(a: Option<&Value>, b: Option<&Value>) -> Option<String> {
    let (a, b) = (a?.as_f64()?, b?.as_f64()?);
    let ratio = b / a;
    if !ratio.is_finite() || ratio <= 0.0 {
        return None;
    }
    let factor = ratio.max(1.0 / ratio);
    let sign = if ratio > 1.0 { "×" } else { "÷" };
    let number = if factor >= 10.0 || factor.fract() < 0.05 {
        format!("{factor:.0}")
    } else {
        format!("{factor:.1}")
    };
    (factor >= 2.0).then(|| format!("  {sign}{number}"))
}
