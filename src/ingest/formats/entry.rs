//! The actions of a record, for formats that are parsed into trees. One function finds the actions;
//! decoding takes their names and opening takes their bodies, so they agree.

use serde_json::Value;

use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink, Name};
use crate::ingest::json::{Checked, Cursor, Json, Range, Record, Tree, View, value};
use crate::model::quantity::Usage;

/// A fact with its names and its body.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The numbers of the fact; its texts are the fields below.
    pub(crate) fact: Fact,
    pub(crate) run: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) call: String,
    pub(crate) agent: String,
    pub(crate) tool: String,
    pub(crate) model: String,
    pub(crate) usage: Usage,
    pub(crate) names: Vec<(Name, String)>,
    pub(crate) body: Body,
}

impl Entry {
    pub(crate) fn new(kind: FactKind) -> Entry {
        Entry {
            fact: Fact::new(kind),
            run: String::new(),
            id: String::new(),
            parent: String::new(),
            call: String::new(),
            agent: String::new(),
            tool: String::new(),
            model: String::new(),
            usage: Usage::NONE,
            names: Vec::new(),
            body: Body::default(),
        }
    }

    /// Adds one of the less common names, unless it is empty.
    pub(crate) fn name(&mut self, name: Name, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.names.push((name, text));
        }
    }

    /// Emits the fact. `part` distinguishes facts at the same place.
    pub(crate) fn push(&self, part: u16, place: Option<Range>, out: &mut FactSink<'_>) {
        let mut fact = self.fact;
        fact.part = part;
        if let Some(place) = place {
            fact.start = place.start as u32;
            fact.len = (place.end - place.start) as u32;
        }
        fact.run = out.arena(self.run.as_bytes());
        fact.id = out.arena(self.id.as_bytes());
        fact.parent = out.arena(self.parent.as_bytes());
        fact.call = out.arena(self.call.as_bytes());
        fact.agent = out.arena(self.agent.as_bytes());
        fact.tool = out.arena(self.tool.as_bytes());
        fact.model = out.arena(self.model.as_bytes());
        for (name, text) in &self.names {
            let text = out.arena(text.as_bytes());
            out.name(*name, text);
        }
        out.usage(&mut fact, self.usage);
        out.push(fact);
    }
}

/// Parses a record into a tree and passes it to `told`. Invalid JSON, or a line that is not an object, is
/// malformed.
pub(crate) fn decode_tree(
    record: Record<'_>,
    out: &mut FactSink<'_>,
    emit: impl FnOnce(View<'_, '_>, &mut FactSink<'_>),
) {
    let is_line = record.member.is_empty();
    match Tree::read(record) {
        Ok(tree) if tree.root().is_object() || !is_line => {
            emit(tree.root(), out);
            out.note(tree.notes());
        }
        Ok(_) | Err(_) => out.malformed(),
    }
}

/// Adds the body of a result to the body of its call.
pub(crate) fn add_result(result: Body, body: &mut Body) {
    body.result = result.result.or(body.result.take());
    body.error = result.error.or(body.error.take());
    body.text = result.text.or(body.text.take());
}

/// Adds decisions and approvals to a body.
pub(crate) fn add_attached(emit: Body, body: &mut Body) {
    body.decisions.extend(emit.decisions);
    body.approvals.extend(emit.approvals);
}

/// Checks that a record is a valid object and parses it; null if it is nested too deep to be opened.
pub(crate) fn whole(cursor: &mut Cursor<'_>) -> Checked<(Range, Value)> {
    let range = sound(cursor)?;
    let bytes = &cursor.bytes()[range.start..range.end];
    Ok((range, value(bytes).unwrap_or_default()))
}

/// The same, as a value that shares the text of the record.
pub(crate) fn shared(cursor: &mut Cursor<'_>) -> Checked<(Range, Json)> {
    if cursor.peek() != b'{' {
        return cursor.fail("not an object");
    }
    let start = cursor.position();
    let value = Json::read(cursor)?;
    let end = cursor.position();
    cursor.end()?;
    Ok((Range { start, end }, value))
}

/// Checks that a record is a valid object; returns its position.
pub(crate) fn sound(cursor: &mut Cursor<'_>) -> Checked<Range> {
    if cursor.peek() != b'{' {
        return cursor.fail("not an object");
    }
    let range = cursor.range()?;
    cursor.end()?;
    Ok(range)
}

/// Descends into a record by member names and calls `each` with the position of the value there; if it is
/// an array, of every element. The record must be valid.
pub(crate) fn elements(record: Record<'_>, path: &[&str], each: &mut dyn FnMut(Range)) {
    let mut cursor = Cursor::new(record);
    // Every part of a valid record is valid.
    let _ = descend(&mut cursor, path, each);
}

fn descend(cursor: &mut Cursor<'_>, path: &[&str], each: &mut dyn FnMut(Range)) -> Checked<()> {
    if cursor.peek() == b'[' {
        return cursor.array(|cursor| descend(cursor, path, each));
    }
    let Some((first, rest)) = path.split_first() else {
        each(cursor.range()?);
        return Ok(());
    };
    cursor.object_or_skip(|cursor, key| {
        if key == first.as_bytes() {
            descend(cursor, rest, each)
        } else {
            cursor.skip()
        }
    })
}
