//! Arize Phoenix: spans by pages, last inserted first. Rows are numbered in order of insertion and never change.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::address::{Address, encoded};
use super::auth::{Auth, get};
use super::connection::{Connection, Trouble};
use super::keys::Keys;
use super::product::{self, Page, Part, Product, Want};
use super::record::{Reader, moment};
use super::selection::{is_ambiguous, of_run};
use crate::ingest::formats::otel::evidence::{
    CONVERSATION, CONVERSATION_IN_METADATA, SESSION, SESSION_IN_METADATA, THREAD,
    THREAD_IN_METADATA, USER,
};
use crate::ingest::formats::phoenix;
use crate::query::evidence::Fact;
use crate::query::fields::Field;

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
        let (base, project) = (&self.base, encoded(&self.project));
        format!(
            "{base}/v1/projects/{project}/spans?{}",
            product::query(query)
        )
    }
}

/// Parameters of its API, `name=value`, which compares exactly.
pub(super) fn conditions(fact: &Fact) -> Vec<String> {
    match fact {
        Fact::Text {
            name: Some(name), ..
        } if name.field == Field::User && !name.any_case => with_attribute(USER, &name.value),
        Fact::Run {
            id,
            any_case: false,
        } => of_run(id, joined, format!("trace_id={id}")),
        Fact::Run { .. } | Fact::Text { .. } | Fact::Failure | Fact::Since(_) => Vec::new(),
    }
}

/// Spans in whose attributes or metadata a join has this value.
fn joined((rank, id): (u8, &str)) -> Vec<String> {
    let (attributes, members) = match rank {
        0 => (SESSION, SESSION_IN_METADATA),
        1 => (CONVERSATION, CONVERSATION_IN_METADATA),
        _ => (THREAD, THREAD_IN_METADATA),
    };
    let mut names: Vec<String> = attributes.iter().map(|it| (*it).to_owned()).collect();
    names.extend(members.iter().map(|it| format!("metadata.{it}")));
    names.sort();
    names.dedup();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    with_attribute(&names, id)
}

/// The value as a text, and as the number or truth value that it may be.
fn with_attribute(names: &[&str], value: &str) -> Vec<String> {
    let quoted = Value::from(value).to_string();
    let forms = [quoted, value.to_owned()];
    let forms = &forms[..if is_ambiguous(value) { 2 } else { 1 }];
    let each = names.iter().flat_map(|name| {
        forms
            .iter()
            .map(move |form| format!("attribute={name}:{form}"))
    });
    each.collect()
}

impl Product for Phoenix {
    fn reader(&self) -> Reader {
        Reader::spans(&phoenix::Phoenix)
    }

    fn auth(&self) -> &Auth {
        &self.auth
    }

    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        let url = self.url(&[("limit", "1".to_owned())]);
        connection.json(&get(&url, &self.auth)?).map(drop)
    }

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let Want { part, after } = want;
        let mut query = vec![("limit", LIMIT.to_owned())];
        match part {
            Part::Window { from, until } => {
                query.push(("start_time", moment(from)));
                query.push(("end_time", moment(until)));
            }
            Part::Rows { since } => query.push(("start_time", moment(since))),
            Part::Traces(ids) => query.extend(product::each("trace_id", ids)),
            Part::Selected { condition, within } => {
                let names = ["start_time", "end_time"];
                query.extend(product::selected(condition, within, names));
            }
        }
        query.extend(after.map(|after| ("cursor", after.to_owned())));
        let answer = connection.json(&get(&self.url(&query), &self.auth)?)?;
        Page::of(connection, answer, ("data", "/next_cursor"))
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

    fn joined(&self, join: (u8, &str)) -> Vec<String> {
        joined(join)
    }
}
