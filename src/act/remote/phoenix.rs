//! Arize Phoenix: spans by pages, last inserted first. Rows are numbered in order of insertion and never change.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::address::{Address, encoded};
use super::auth::{Auth, get};
use super::keys::Keys;
use super::product::{Page, Part, Product};
use super::record::{Nanos, Reader, Unit};
use super::wire::{Trouble, Wire};
use crate::base::human::rfc3339;
use crate::ingest::formats::phoenix;

const LIMIT: &str = "1000";

#[derive(Debug)]
pub(super) struct Phoenix {
    base: String,
    project: String,
    auth: Auth,
}

impl Phoenix {
    pub(super) fn new(address: &Address, keys: &Keys) -> Result<Phoenix, String> {
        // Servers without accounts need no key.
        let key = keys.find(&["PHOENIX_API_KEY"])?;
        let mut auth = key.map_or(Auth::None, Auth::Bearer);
        if let Auth::None = auth {
            auth = Auth::of_list(std::env::var("PHOENIX_CLIENT_HEADERS").ok().as_deref());
        }
        Ok(Phoenix {
            base: address.base.clone(),
            project: address.project.clone(),
            auth,
        })
    }

    fn url(&self, query: &[(&str, String)]) -> String {
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let (base, project) = (&self.base, encoded(&self.project));
        format!("{base}/v1/projects/{project}/spans?{}", query.join("&"))
    }
}

/// A time as the server reads it.
pub(super) fn moment(nanos: Nanos) -> String {
    rfc3339(nanos / 1_000)
}

impl Product for Phoenix {
    fn reader(&self) -> Reader {
        Reader {
            format: &phoenix::Phoenix,
            unit: Unit::Span,
        }
    }

    fn begin(&mut self, wire: &mut Wire<'_>) -> Result<(), Trouble> {
        self.auth.hide(wire);
        let url = self.url(&[("limit", "1".to_owned())]);
        wire.json(&get(&url, &self.auth)?).map(drop)
    }

    fn page(
        &mut self,
        wire: &mut Wire<'_>,
        part: Part<'_>,
        after: Option<&str>,
    ) -> Result<Page, Trouble> {
        let mut query = vec![("limit", LIMIT.to_owned())];
        match part {
            Part::Window { from, until } => {
                query.push(("start_time", moment(from)));
                query.push(("end_time", moment(until)));
            }
            Part::Rows { since } => query.push(("start_time", moment(since))),
            Part::Traces(ids) => query.extend(ids.iter().map(|id| ("trace_id", id.clone()))),
        }
        query.extend(after.map(|after| ("cursor", after.to_owned())));
        let answer = wire.json(&get(&self.url(&query), &self.auth)?)?;
        page(answer, "data", "/next_cursor").ok_or_else(|| wire.wrong("its answer has no 'data'"))
    }

    fn traces_at_once(&self) -> usize {
        50
    }

    fn row(&self, record: &Value) -> Option<u64> {
        let id = STANDARD.decode(record.get("id")?.as_str()?).ok()?;
        let id = String::from_utf8(id).ok()?;
        id.strip_prefix("Span:")?.parse().ok()
    }

    fn has_rows(&self) -> bool {
        true
    }
}

/// The records of an answer, and its cursor.
pub(super) fn page(mut answer: Value, list: &str, next: &str) -> Option<Page> {
    let next = answer.pointer(next).and_then(Value::as_str);
    let next = next.filter(|next| !next.is_empty()).map(str::to_owned);
    match answer.get_mut(list)?.take() {
        Value::Array(records) => Some(Page {
            records,
            next,
            may_be_cut: false,
        }),
        _ => None,
    }
}
