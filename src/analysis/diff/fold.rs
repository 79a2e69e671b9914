//! Decides which columns to show: differences with some context. The rest is folded and counted.

use std::ops::Range;

use crate::analysis::diff::Column;
use crate::analysis::diff::label::Label;

/// A column, or a folded stretch of equal ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Column(usize),
    Folded(Range<usize>),
}

/// Equal columns shown next to a difference.
const CONTEXT: usize = 1;
/// Folding fewer columns than this is not worth it.
const MIN_FOLD: usize = 3;

/// All columns in order, with stretches of equal ones folded if `folds` says so for their first
/// column.
pub fn items(columns: &[Column], folds: &dyn Fn(usize) -> bool) -> Vec<Item> {
    let mut items = Vec::with_capacity(columns.len());
    let mut at = 0;
    while at < columns.len() {
        let rest = columns[at..].iter();
        let equal = rest.take_while(|it| it.label == Label::Same).count();
        if equal == 0 {
            items.push(Item::Column(at));
            at += 1;
            continue;
        }
        let end = at + equal;
        let first = if at == 0 { 0 } else { at + CONTEXT };
        let last = if end == columns.len() {
            end
        } else {
            end - CONTEXT
        };
        if first + MIN_FOLD <= last && folds(at) {
            items.extend((at..first).map(Item::Column));
            items.push(Item::Folded(first..last));
            items.extend((last..end).map(Item::Column));
        } else {
            items.extend((at..end).map(Item::Column));
        }
        at = end;
    }
    items
}
