//! Which columns are shown: what differs, with what is equal around it; the rest is folded and counted.

use std::ops::Range;

use crate::analysis::diff::Column;
use crate::analysis::diff::label::Label;

/// A column, or a stretch of equal ones that is folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Column(usize),
    Folded(Range<usize>),
}

/// Equal columns that stay beside one that differs.
const AROUND: usize = 1;
/// A fold that hides fewer is no help.
const LEAST: usize = 3;

/// All columns in order, stretches of equal ones folded where `folds` says so of their first column.
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
        let first = if at == 0 { 0 } else { at + AROUND };
        let last = if end == columns.len() {
            end
        } else {
            end - AROUND
        };
        if first + LEAST <= last && folds(at) {
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
