//! Protobuf to OTLP/JSON, driven by the table. Fields that it does not have are skipped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::table::{Field, Kind, LOGS, METRICS, TRACES};
use super::{Signal, member};
use crate::base::escape::hex;

/// How deep messages may nest.
const DEEPEST: usize = 64;

type Read<T> = Result<T, String>;

pub(super) fn read(signal: Signal, bytes: &[u8]) -> Read<Value> {
    let fields = match signal {
        Signal::Traces => TRACES,
        Signal::Logs => LOGS,
        Signal::Metrics => METRICS,
    };
    let mut out = message(fields, bytes, 0)?;
    out.entry(member(signal))
        .or_insert_with(|| Value::Array(Vec::new()));
    Ok(Value::Object(out))
}

fn message(fields: &'static [Field], bytes: &[u8], depth: usize) -> Read<Map<String, Value>> {
    if depth > DEEPEST {
        return Err(format!("messages are more than {DEEPEST} deep"));
    }
    let mut out = Map::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| "a field number is too large")?;
        if number == 0 {
            return Err("a field has the number 0".to_owned());
        }
        let raw = raw(&mut rest, tag & 7)?;
        let Some(field) = fields.iter().find(|it| it.number == number) else {
            continue;
        };
        // Another wire type than that of the field: an unknown field.
        let Some(value) = value(field.kind, raw, depth)? else {
            continue;
        };
        put(&mut out, field, value);
    }
    Ok(out)
}

/// The last value of a field counts; repeated occurrences of a message are merged.
fn put(out: &mut Map<String, Value>, field: &Field, value: Value) {
    if field.is_list {
        let list = out
            .entry(field.name)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value);
        }
        return;
    }
    match (out.get_mut(field.name), value) {
        (Some(Value::Object(before)), Value::Object(more)) => before.extend(more),
        (_, value) => {
            out.insert(field.name.to_owned(), value);
        }
    }
}

/// A value as encoded on the wire.
#[derive(Debug, Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

fn raw<'a>(rest: &mut &'a [u8], kind: u64) -> Read<Raw<'a>> {
    Ok(match kind {
        0 => Raw::Varint(varint(rest)?),
        1 => Raw::Fixed64(u64::from_le_bytes(fixed(rest)?)),
        2 => {
            let length = varint(rest)?;
            let length = usize::try_from(length).map_err(|_| "a length is too large")?;
            Raw::Bytes(split(rest, length)?)
        }
        5 => Raw::Fixed32(u32::from_le_bytes(fixed(rest)?)),
        other => return Err(format!("wire type {other}")),
    })
}

fn varint(rest: &mut &[u8]) -> Read<u64> {
    let mut value = 0_u64;
    for place in 0..10 {
        let [byte] = fixed(rest)?;
        value |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number is longer than 10 bytes".to_owned())
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> Read<[u8; N]> {
    split(rest, N)?
        .try_into()
        .map_err(|_| "cut short".to_owned())
}

fn split<'a>(rest: &mut &'a [u8], length: usize) -> Read<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length).ok_or("cut short")?;
    *rest = after;
    Ok(taken)
}

fn value(kind: Kind, raw: Raw<'_>, depth: usize) -> Read<Option<Value>> {
    if let Some(fields) = kind.fields() {
        return match raw {
            Raw::Bytes(bytes) => {
                message(fields, bytes, depth + 1).map(|it| Some(Value::Object(it)))
            }
            Raw::Varint(_) | Raw::Fixed64(_) | Raw::Fixed32(_) => Ok(None),
        };
    }
    Ok(match (kind, raw) {
        (Kind::Text, Raw::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned().into()),
        (Kind::Bytes, Raw::Bytes(bytes)) => Some(STANDARD.encode(bytes).into()),
        (Kind::Id, Raw::Bytes(bytes)) => Some(hex(bytes).into()),
        (Kind::Bool, Raw::Varint(number)) => Some((number != 0).into()),
        // Enums and counts have 32 bits; a negative enum is sent with 64.
        (Kind::Number, Raw::Varint(number)) => Some(i64::from(number as i32).into()),
        (Kind::Long, Raw::Varint(number)) => Some((number as i64).to_string().into()),
        (Kind::Fixed64, Raw::Fixed64(number)) => Some(number.to_string().into()),
        (Kind::Fixed32, Raw::Fixed32(number)) => Some(number.into()),
        (Kind::Double, Raw::Fixed64(bits)) => Some(double(f64::from_bits(bits))),
        _ => None,
    })
}

/// JSON has no number for these.
fn double(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}
