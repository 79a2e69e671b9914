//! A record as a tree of value positions; nothing is copied.
//!
//! For records whose parts are only meaningful together. One pass of a [`Cursor`] checks the record and
//! notes its values; callers then ask in any order, and get an empty [`View`] for anything missing.

use std::borrow::Cow;

use super::{Broken, Checked, Cursor, Range, Record, Str, unescape};
use crate::ingest::time;
use crate::model::action::Flags;
use crate::model::quantity::{Cost, Elapsed, Time, Tokens};

/// Values below this depth are leaves: no format needs names that deep.
const DEEPEST: usize = 24;

/// The values of a record, each before those inside it.
#[derive(Debug)]
pub struct Tree<'a> {
    cursor: Cursor<'a>,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    key: Option<Str>,
    text: Option<Str>,
    start: u32,
    end: u32,
    /// The index of the first value after this one that is not inside it.
    next: u32,
}

impl<'a> Tree<'a> {
    /// Reads a record to its end.
    pub fn read(record: Record<'a>) -> Result<Tree<'a>, Broken> {
        let mut tree = Tree {
            cursor: Cursor::new(record),
            nodes: Vec::new(),
        };
        let Tree { cursor, nodes } = &mut tree;
        node(cursor, nodes, None, 0)?;
        cursor.end()?;
        Ok(tree)
    }

    pub fn root(&self) -> View<'_, 'a> {
        View { tree: self, at: 0 }
    }

    /// What was accepted leniently.
    pub fn notes(&self) -> Flags {
        self.cursor.notes
    }
}

fn node(
    cursor: &mut Cursor<'_>,
    nodes: &mut Vec<Node>,
    key: Option<Str>,
    depth: usize,
) -> Checked<()> {
    let first = cursor.peek();
    let at = nodes.len();
    nodes.push(Node {
        key,
        text: None,
        start: cursor.position() as u32,
        end: 0,
        next: 0,
    });
    match first {
        b'{' if depth < DEEPEST => {
            cursor.members(|cursor, key| node(cursor, nodes, Some(key), depth + 1))?;
        }
        b'[' if depth < DEEPEST => cursor.array(|cursor| node(cursor, nodes, None, depth + 1))?,
        b'"' => nodes[at].text = Some(cursor.string()?),
        _ => cursor.skip()?,
    }
    nodes[at].end = cursor.position() as u32;
    nodes[at].next = nodes.len() as u32;
    Ok(())
}

/// A value of a [`Tree`], or nothing if the record has no such value.
#[derive(Debug, Clone, Copy)]
pub struct View<'t, 'a> {
    tree: &'t Tree<'a>,
    at: usize,
}

const NOTHING: usize = usize::MAX;

impl<'t, 'a> View<'t, 'a> {
    fn node(self) -> Option<&'t Node> {
        self.tree.nodes.get(self.at)
    }

    fn other(self, at: usize) -> View<'t, 'a> {
        View { at, ..self }
    }

    fn first(self) -> u8 {
        let bytes = self.tree.cursor.bytes();
        self.node().map_or(0, |node| bytes[node.start as usize])
    }

    pub fn cursor(self) -> &'t Cursor<'a> {
        &self.tree.cursor
    }

    /// Whether there is a value other than null.
    pub fn is_some(self) -> bool {
        !matches!(self.first(), 0 | b'n')
    }

    pub fn is_object(self) -> bool {
        self.first() == b'{'
    }

    pub fn is_array(self) -> bool {
        self.first() == b'['
    }

    pub fn is_string(self) -> bool {
        self.first() == b'"'
    }

    /// `self`, or `other` if this is missing or null.
    #[must_use]
    pub fn or(self, other: View<'t, 'a>) -> View<'t, 'a> {
        if self.is_some() { self } else { other }
    }

    /// A member of an object; the last one of this key.
    #[must_use]
    pub fn get(self, key: &str) -> View<'t, 'a> {
        let found = self.members().filter(|(name, _)| *name == key.as_bytes());
        found.last().map_or(self.other(NOTHING), |(_, value)| value)
    }

    /// The first of these members that is present and not null.
    #[must_use]
    pub fn any(self, keys: &[&str]) -> View<'t, 'a> {
        let found = keys.iter().map(|key| self.get(key));
        found
            .into_iter()
            .find(|value| value.is_some())
            .unwrap_or(self.other(NOTHING))
    }

    /// Keys as written, and values; empty unless this is an object.
    pub fn members(self) -> impl Iterator<Item = (&'a [u8], View<'t, 'a>)> {
        let inside = self.inside(self.is_object());
        inside.map(move |value| {
            let key = value.node().and_then(|node| node.key);
            (key.map_or(&b""[..], |key| self.cursor().raw(key)), value)
        })
    }

    /// The elements of an array; empty for anything else.
    pub fn items(self) -> impl Iterator<Item = View<'t, 'a>> {
        self.inside(self.is_array())
    }

    fn inside(self, has: bool) -> impl Iterator<Item = View<'t, 'a>> {
        let end = self.node().map_or(0, |node| node.next as usize);
        let mut at = if has { self.at + 1 } else { end };
        std::iter::from_fn(move || {
            let value = self.other(at);
            at = value.node().filter(|_| at < end)?.next as usize;
            Some(value)
        })
    }

    pub fn str(self) -> Option<Str> {
        self.node()?.text
    }

    /// The bytes of a string, still escaped; empty for anything else.
    pub fn raw(self) -> &'a [u8] {
        self.str().map_or(&[], |text| self.cursor().raw(text))
    }

    pub fn is(self, text: &str) -> bool {
        self.is_string() && self.raw() == text.as_bytes()
    }

    /// The text of a string; empty for anything else.
    pub fn text(self) -> Cow<'a, str> {
        unescape(self.raw())
    }

    /// The beginning of the text of a string: enough to recognize a leading phrase.
    pub fn opening(self) -> Cow<'a, str> {
        self.str()
            .map_or(Cow::Borrowed(""), |text| self.cursor().opening(text))
    }

    /// The bytes of the value, without surrounding white space.
    pub fn bytes(self) -> &'a [u8] {
        let range = self.range();
        &self.cursor().bytes()[range.start..range.end]
    }

    /// The position of the value in the block.
    pub fn range(self) -> Range {
        let node = self.node();
        Range {
            start: node.map_or(0, |node| node.start as usize),
            end: node.map_or(0, |node| node.end as usize),
        }
    }

    /// A number as written; empty for anything else.
    pub fn number_text(self) -> &'a [u8] {
        if matches!(self.first(), b'-' | b'0'..=b'9') {
            self.bytes()
        } else {
            &[]
        }
    }

    pub fn number(self) -> Option<f64> {
        std::str::from_utf8(self.number_text()).ok()?.parse().ok()
    }

    pub fn truth(self) -> Option<bool> {
        match self.first() {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        }
    }

    /// A count of tokens. Negative, fractional and non-numeric values are not recorded.
    pub fn tokens(self) -> Tokens {
        let whole = self.number().filter(|n| *n >= 0.0 && n.fract() == 0.0);
        whole.map_or(Tokens::NONE, |count| Tokens::from(count as u64))
    }

    /// An instant, from a text or a number.
    pub fn time(self) -> Time {
        match self.number() {
            Some(number) => time::from_number(number),
            None => time::from_text(self.text().as_bytes()),
        }
    }

    pub fn millis(self) -> Elapsed {
        self.number().map_or(Elapsed::NONE, Elapsed::from_millis)
    }

    pub fn seconds(self) -> Elapsed {
        self.number().map_or(Elapsed::NONE, |seconds| {
            Elapsed::from_millis(seconds * 1000.0)
        })
    }

    pub fn usd(self) -> Cost {
        self.number().map_or(Cost::NONE, Cost::from_usd)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Marks;
    use super::*;

    fn check(json: &str, ask: impl Fn(View<'_, '_>) -> String, expected: &str) {
        let marks = Marks::of(json.as_bytes());
        let record = Record {
            block: json.as_bytes(),
            start: 0,
            marks: &marks,
            stop: 0,
            member: &[],
        };
        let tree = Tree::read(record).expect("JSON");
        assert_eq!(ask(tree.root()), expected);
    }

    #[test]
    fn values_are_found_by_name_and_in_order() {
        let json = r#"{"a":{"b":[1,{"c":"x\n"},null]},"a2":true,"n":-1.5}"#;
        let items = |it: View<'_, '_>| it.get("a").get("b").items().count().to_string();
        check(json, items, "3");
        let second = |it: View<'_, '_>| {
            let item = it.get("a").get("b").items().nth(1);
            item.map_or_else(String::new, |item| item.get("c").text().into_owned())
        };
        check(json, second, "x\n");
        check(
            json,
            |it| format!("{:?}", it.get("a2").truth()),
            "Some(true)",
        );
        check(json, |it| format!("{:?}", it.get("n").tokens()), "-");
        check(
            json,
            |it| it.get("z").get("y").is_some().to_string(),
            "false",
        );
    }

    #[test]
    fn the_last_of_equal_keys_wins() {
        check(
            r#"{"k":1,"k":2}"#,
            |it| format!("{:?}", it.get("k").number()),
            "Some(2.0)",
        );
    }
}
