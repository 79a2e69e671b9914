//! Reading the user's own prices from a TOML file.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::price::Price;
use crate::ingest::error::Error;

/// Far above any price, and far below values whose sums could overflow.
const MAX_USD_PER_MILLION: f64 = 1e6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    input: Spanned<f64>,
    output: Spanned<f64>,
    cache_read: Option<Spanned<f64>>,
    cache_write: Option<Spanned<f64>>,
    cache_write_hour: Option<Spanned<f64>>,
}

pub(super) fn read(path: &Path) -> Result<HashMap<String, Price>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.display().to_string(),
        source,
    })?;
    parse(&text).map_err(|what| Error::Prices {
        path: path.display().to_string(),
        what,
    })
}

fn parse(text: &str) -> Result<HashMap<String, Price>, String> {
    let entries: HashMap<String, Entry> = toml::from_str(text).map_err(|error| {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        format!("line {line}: {}", error.message())
    })?;
    entries
        .into_iter()
        .map(|(name, entry)| Ok((name, price(text, &entry)?)))
        .collect()
}

fn price(text: &str, entry: &Entry) -> Result<Price, String> {
    let read = |value: &Spanned<f64>| {
        let usd = *value.get_ref();
        if (0.0..=MAX_USD_PER_MILLION).contains(&usd) {
            Ok(Price::per_token(usd))
        } else {
            let line = line_of(text, value.span().start);
            Err(format!(
                "line {line}: {usd} is not a price (US$ per million tokens, 0 to 1000000)"
            ))
        }
    };
    let or = |value: &Option<Spanned<f64>>, default| value.as_ref().map_or(Ok(default), read);
    let input = read(&entry.input)?;
    let cache_write = or(&entry.cache_write, input)?;
    Ok(Price {
        input,
        output: read(&entry.output)?,
        cache_read: or(&entry.cache_read, input)?,
        cache_write,
        cache_write_hour: or(&entry.cache_write_hour, cache_write)?,
        long: None,
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}
