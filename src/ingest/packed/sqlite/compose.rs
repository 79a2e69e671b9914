//! Makes lines of JSON from rows.

use std::borrow::Cow;

use memchr::memchr2;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params};

use super::schema::Lines;
use crate::ingest::json::{self, Cursor, Marks};

/// The limit on the size of one decompressed value.
const LARGEST: usize = 256 << 20;

/// The lines of the row with a key: one, unless the row is split.
pub(super) fn pieces(
    connection: &Connection,
    lines: &Lines,
    key: &Value,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut statement = connection.prepare_cached(lines.row)?;
    let mut rows = statement.query(params![key])?;
    let Some(row) = rows.next()? else {
        return Ok(Vec::new());
    };
    let mut text = Vec::new();
    if let Some(name) = lines.inside {
        text.extend_from_slice(format!("{{\"{name}\":").as_bytes());
    }
    object(row, lines, &mut text)?;
    if lines.inside.is_some() {
        text.push(b'}');
    }
    if let Some((name, query)) = lines.parts {
        text.pop();
        text.extend_from_slice(format!(",\"{name}\":[").as_bytes());
        let mut statement = connection.prepare_cached(query)?;
        let mut rows = statement.query(params![key])?;
        let mut is_first = true;
        while let Some(row) = rows.next()? {
            if !std::mem::replace(&mut is_first, false) {
                text.push(b',');
            }
            object(row, lines, &mut text)?;
        }
        text.extend_from_slice(b"]}");
    }
    Ok(match lines.split {
        Some(list) => split(&text, list).unwrap_or_else(|| vec![text]),
        None => vec![text],
    })
}

/// Appends a row as an object.
fn object(row: &Row<'_>, lines: &Lines, text: &mut Vec<u8>) -> rusqlite::Result<()> {
    let names = row.as_ref().column_names();
    let start = text.len() + 1;
    text.push(b'{');
    for (at, name) in names.into_iter().enumerate() {
        let value = row.get_ref(at)?;
        let is_spread = lines.spread == Some(name);
        let value = encoded(value, is_spread || lines.json.contains(&name));
        let Some(value) = value else { continue };
        let members = value
            .strip_prefix(b"{")
            .and_then(|rest| rest.strip_suffix(b"}"))
            .filter(|_| is_spread);
        if members.is_some_and(|members| members.trim_ascii().is_empty()) {
            continue;
        }
        if text.len() > start {
            text.push(b',');
        }
        if let Some(members) = members {
            text.extend_from_slice(members);
        } else {
            text.extend(quoted(name));
            text.push(b':');
            text.extend_from_slice(&value);
        }
    }
    text.push(b'}');
    Ok(())
}

/// A value as JSON; none for NULL. Borrowed if it is JSON on one line already: most of a store is tool results.
fn encoded(value: ValueRef<'_>, is_json: bool) -> Option<Cow<'_, [u8]>> {
    let bytes = match value {
        ValueRef::Integer(number) => return Some(number.to_string().into_bytes().into()),
        ValueRef::Real(number) if number.is_finite() => {
            return Some(number.to_string().into_bytes().into());
        }
        ValueRef::Null | ValueRef::Real(_) => return None,
        ValueRef::Text(text) => Cow::Borrowed(text),
        ValueRef::Blob(blob) => unpacked(blob),
    };
    if !is_json || !is_value(bytes.trim_ascii()) {
        return Some(quoted(&String::from_utf8_lossy(&bytes)).into());
    }
    Some(match bytes {
        Cow::Borrowed(text) if memchr2(b'\n', b'\r', text.trim_ascii()).is_none() => {
            Cow::Borrowed(text.trim_ascii())
        }
        other => Cow::Owned(in_line(other.trim_ascii())),
    })
}

/// Whether this is JSON of any type.
fn is_value(text: &[u8]) -> bool {
    let marks = Marks::of(text);
    let mut cursor = Cursor::whole(text, &marks);
    cursor.skip().and_then(|()| cursor.end()).is_ok()
}

/// A blob, decompressed if it is zstd.
fn unpacked(blob: &[u8]) -> Cow<'_, [u8]> {
    use std::io::Read as _;
    if !blob.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Cow::Borrowed(blob);
    }
    let mut text = Vec::new();
    let read = zstd::Decoder::new(blob)
        .and_then(|decoder| decoder.take(LARGEST as u64).read_to_end(&mut text));
    match read {
        Ok(_) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(blob),
    }
}

/// JSON without line ends, which are white space in it.
fn in_line(text: &[u8]) -> Vec<u8> {
    let blank = |byte: &u8| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            *byte
        }
    };
    text.iter().map(blank).collect()
}

fn quoted(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

/// The row without one of its lists, and then the elements of that list.
fn split(text: &[u8], list: &str) -> Option<Vec<Vec<u8>>> {
    let mut row = json::value(text)?;
    let elements = row.pointer_mut(list)?.take();
    let elements = elements.as_array()?.iter().map(as_record);
    Some(
        std::iter::once(row.to_string().into_bytes())
            .chain(elements)
            .collect(),
    )
}

/// An element as a record: one that is not an object becomes its only member.
fn as_record(element: &serde_json::Value) -> Vec<u8> {
    let record = match element {
        serde_json::Value::Object(_) => element.clone(),
        serde_json::Value::String(name) => serde_json::json!({ name.as_str(): null }),
        other => serde_json::json!({ "value": other }),
    };
    record.to_string().into_bytes()
}
