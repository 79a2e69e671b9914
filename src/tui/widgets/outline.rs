//! A document as rows that fold: a JSON value, a text, a diff. All rows are in one flat array, each
//! knows its parent and where its descendants end, so that every movement is arithmetic.
//!
//! It holds raw trace content; [`layout`] makes the rows that are on the screen harmless.

pub mod build;
pub mod diff;
pub mod folds;
pub mod json;
pub mod layout;
pub mod markdown;

use std::ops::Range;

use crate::tui::widgets::tone::Tone;

/// Rows, and the text that all of them share.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    rows: Vec<Row>,
    text: String,
    /// Pieces of a row's text in another tone, in the order of the rows.
    spans: Vec<Span>,
    /// What a path to a value begins with; none where the rows are no JSON value.
    root: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
pub struct Row {
    parent: u32,
    /// One past the last descendant.
    end: u32,
    pub depth: u16,
    pub form: Form,
    key: Key,
    pub tone: Tone,
    /// Cells that the first line of the text is moved in: the width of the keys around it, or of the
    /// mark of a list.
    pub hang: u16,
    text: (u32, u32),
    /// Whether it is folded before anybody touched it.
    pub starts_folded: bool,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Object,
    Array,
    /// A value in a row of its own.
    Scalar,
    /// A text of several lines: they are the rows below.
    Text,
    /// A line of a text.
    Line,
    /// A heading for rows that are not values: a change, a block of code, a decision.
    Section,
    /// This much more exists and is built on request.
    More,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    None,
    Name(u32, u32),
    Item(u32),
}

#[derive(Debug, Clone, Copy)]
struct Span {
    row: u32,
    start: u32,
    end: u32,
    tone: Tone,
}

/// One step from a value to a value inside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Item(usize),
}

const NOBODY: u32 = u32::MAX;

impl Outline {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn row(&self, at: usize) -> &Row {
        &self.rows[at]
    }

    /// The raw text of a row, without its key.
    pub fn text(&self, at: usize) -> &str {
        let (start, end) = self.rows[at].text;
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// The raw key; empty for the items of an array and for rows without one.
    pub fn key(&self, at: usize) -> &str {
        match self.rows[at].key {
            Key::Name(start, end) => self
                .text
                .get(start as usize..end as usize)
                .unwrap_or_default(),
            Key::Item(_) | Key::None => "",
        }
    }

    /// The place of a row in its array, from 0.
    pub fn item(&self, at: usize) -> Option<u32> {
        match self.rows[at].key {
            Key::Item(number) => Some(number),
            Key::Name(..) | Key::None => None,
        }
    }

    pub fn parent(&self, at: usize) -> Option<usize> {
        let parent = self.rows[at].parent;
        (parent != NOBODY).then_some(parent as usize)
    }

    /// One past the last descendant.
    pub fn end(&self, at: usize) -> usize {
        self.rows[at].end as usize
    }

    /// Whether there are rows below it.
    pub fn folds(&self, at: usize) -> bool {
        self.end(at) > at + 1
    }

    pub fn next_sibling(&self, at: usize) -> Option<usize> {
        let next = self.end(at);
        (next < self.len() && self.rows[next].parent == self.rows[at].parent).then_some(next)
    }

    pub fn previous_sibling(&self, at: usize) -> Option<usize> {
        let mut before = at.checked_sub(1)?;
        while self.rows[before].depth > self.rows[at].depth {
            before = self.parent(before)?;
        }
        (self.rows[before].parent == self.rows[at].parent).then_some(before)
    }

    /// The rows with the same parent, this one too.
    pub fn siblings(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let range = match self.parent(at) {
            Some(parent) => parent + 1..self.end(parent),
            None => 0..self.len(),
        };
        self.chain(range)
    }

    pub fn children(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        self.chain(at + 1..self.end(at))
    }

    fn chain(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let mut next = range.start;
        std::iter::from_fn(move || {
            let at = (next < range.end).then_some(next)?;
            next = self.end(at);
            Some(at)
        })
    }

    /// The next row after `at` that has the same key, at any depth; around the end to the first.
    pub fn next_same_key(&self, at: usize) -> Option<usize> {
        let key = self.key(at);
        if key.is_empty() {
            return None;
        }
        let mut others = (at + 1..self.len()).chain(0..at);
        others.find(|other| self.key(*other) == key)
    }

    /// From the value of the outline to this row; none for rows that are no part of it. A line of a
    /// text has the path of its text.
    pub fn path(&self, at: usize) -> Option<Vec<Step>> {
        self.root?;
        let mut steps = Vec::new();
        let mut row = Some(at);
        while let Some(at) = row {
            match self.rows[at].key {
                Key::Item(number) => steps.push(Step::Item(number as usize)),
                Key::Name(..) => steps.push(Step::Key(self.key(at).to_owned())),
                Key::None if matches!(self.rows[at].form, Form::Section | Form::More) => {
                    return None;
                }
                Key::None => {}
            }
            row = self.parent(at);
        }
        steps.reverse();
        Some(steps)
    }

    /// `$.args.items[2].price`, raw.
    pub fn path_words(&self, at: usize) -> Option<String> {
        let mut words = self.root?.to_owned();
        for step in self.path(at)? {
            match step {
                Step::Item(number) => words.extend(["[", &number.to_string(), "]"]),
                Step::Key(key) if is_plain(&key) => {
                    words.push('.');
                    words.push_str(&key);
                }
                Step::Key(key) => words.extend(["[", &format!("{key:?}"), "]"]),
            }
        }
        Some(words)
    }

    /// The text of a row and of all rows below it, raw, one line for each.
    pub fn whole_text(&self, at: usize) -> String {
        if !self.folds(at) {
            return self.text(at).to_owned();
        }
        let lines = (at + 1..self.end(at)).filter(|row| self.rows[*row].form != Form::More);
        lines
            .map(|row| self.text(row))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn spans(&self, at: usize) -> &[Span] {
        let at = at as u32;
        let start = self.spans.partition_point(|span| span.row < at);
        let end = self.spans.partition_point(|span| span.row <= at);
        &self.spans[start..end]
    }
}

/// Whether a key needs no quotes in a path.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests;
