//! Grafana Tempo: traces are searched in a window, then fetched one by one. They are OTLP, in an envelope.

use serde_json::{Value, json};

use super::address::{Address, encoded};
use super::auth::{Auth, get};
use super::connection::{Connection, Trouble};
use super::keys::Keys;
use super::product::{Page, Part, Product, Want};
use super::record::{Reader, SECOND};
use crate::act::net::secret::Secret;
use crate::ingest::formats::otlp;

const LIMIT: usize = 200;

#[derive(Debug)]
pub(super) struct Tempo {
    base: String,
    auth: Auth,
}

impl Tempo {
    pub(super) fn new(address: &Address, keys: &Keys) -> Result<Tempo, String> {
        let mut headers: Vec<(String, Secret)> = Vec::new();
        if !address.project.is_empty() {
            headers.push((
                "x-scope-orgid".to_owned(),
                Secret::new(address.project.clone()),
            ));
        }
        if let Some(key) = keys.find(address.kind.variables())? {
            headers.push((
                "authorization".to_owned(),
                Secret::new(format!("Bearer {}", key.reveal())),
            ));
        }
        Ok(Tempo {
            base: address.base.clone(),
            auth: if headers.is_empty() {
                Auth::None
            } else {
                Auth::Headers(headers)
            },
        })
    }

    /// A trace as one OTLP line; none if the server no longer has it.
    fn trace(&self, connection: &mut Connection<'_>, id: &str) -> Result<Option<Value>, Trouble> {
        let url = format!("{}/api/v2/traces/{}", self.base, encoded(id));
        let mut answer = match connection.json(&get(&url, &self.auth)?) {
            Err(Trouble::Refused { status: 404, .. }) => return Ok(None),
            answer => answer?,
        };
        if answer.get("status").and_then(Value::as_str) == Some("PARTIAL") {
            return Err(connection.wrong(&format!("it returned only part of the trace {id}")));
        }
        let mut trace = match answer.get_mut("trace") {
            Some(trace) => trace.take(),
            None => answer,
        };
        let spans = ["resourceSpans", "batches"].iter().find_map(|name| {
            let spans = trace.get_mut(name)?.take();
            spans.is_array().then_some(spans)
        });
        Ok(spans.map(|spans| json!({"resourceSpans": spans})))
    }
}

impl Product for Tempo {
    fn reader(&self) -> Reader {
        Reader::traces(&otlp::Otlp)
    }

    fn auth(&self) -> &Auth {
        &self.auth
    }

    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        let url = format!("{}/api/search?q={}&limit=1", self.base, encoded("{}"));
        connection.json(&get(&url, &self.auth)?).map(drop)
    }

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let (ids, may_be_cut) = match want.part {
            Part::Window { from, until } => {
                let (from, until) = (from.div_euclid(SECOND), until.div_euclid(SECOND));
                let (base, all) = (&self.base, encoded("{}"));
                let url =
                    format!("{base}/api/search?q={all}&start={from}&end={until}&limit={LIMIT}");
                let answer = connection.json(&get(&url, &self.auth)?)?;
                let found = answer
                    .get("traces")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                let ids = found.filter_map(|it| Some(it.get("traceID")?.as_str()?.to_owned()));
                let ids: Vec<String> = ids.collect();
                let is_full = ids.len() >= LIMIT;
                (ids, is_full)
            }
            Part::Traces(ids) => (ids.to_vec(), false),
            Part::Rows { .. } | Part::Selected { .. } => return Ok(Page::default()),
        };
        if may_be_cut {
            // Fetching its traces would be wasted: the window will be split.
            return Ok(Page {
                may_be_cut,
                ..Page::default()
            });
        }
        let mut records = Vec::new();
        for id in ids {
            records.extend(self.trace(connection, &id)?);
        }
        Ok(Page {
            records,
            next: None,
            may_be_cut,
        })
    }

    fn traces_at_once(&self) -> usize {
        20
    }
}
