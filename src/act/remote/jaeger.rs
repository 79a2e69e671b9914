//! Jaeger: the traces of a service in a window. Its API has no cursor: a full page means that the window is too long.

use serde_json::Value;

use super::address::{Address, encoded};
use super::auth::{Auth, get};
use super::keys::Keys;
use super::phoenix::page;
use super::product::{Page, Part, Product};
use super::record::{Reader, Unit};
use super::wire::{Trouble, Wire};
use crate::ingest::formats::jaeger;

const LIMIT: usize = 500;

#[derive(Debug)]
pub(super) struct Jaeger {
    base: String,
    service: String,
    auth: Auth,
}

impl Jaeger {
    pub(super) fn new(address: &Address, keys: &Keys) -> Result<Jaeger, String> {
        if address.project.is_empty() {
            return Err("the URL has no service (jaeger://HOST/SERVICE)".to_owned());
        }
        let key = keys.find(address.kind.variables())?;
        Ok(Jaeger {
            base: address.base.clone(),
            service: address.project.clone(),
            auth: key.map_or(Auth::None, Auth::Bearer),
        })
    }
}

impl Product for Jaeger {
    fn reader(&self) -> Reader {
        Reader {
            format: &jaeger::Jaeger,
            unit: Unit::Trace,
        }
    }

    fn begin(&mut self, wire: &mut Wire<'_>) -> Result<(), Trouble> {
        self.auth.hide(wire);
        let services = wire.json(&get(&format!("{}/api/services", self.base), &self.auth)?)?;
        let services = services.get("data").and_then(Value::as_array);
        let services = services.into_iter().flatten().filter_map(Value::as_str);
        let services: Vec<&str> = services.collect();
        if services.contains(&self.service.as_str()) {
            return Ok(());
        }
        let (host, wanted, known) = (&wire.host, &self.service, services.join(", "));
        Err(Trouble::Key(format!(
            "{host}: there is no service '{wanted}' (known: {known})"
        )))
    }

    fn page(
        &mut self,
        wire: &mut Wire<'_>,
        part: Part<'_>,
        _after: Option<&str>,
    ) -> Result<Page, Trouble> {
        let url = match part {
            Part::Window { from, until } => {
                // In microseconds, both ends included.
                let (from, until) = (from / 1_000, until / 1_000 - 1);
                let (base, service) = (&self.base, encoded(&self.service));
                format!(
                    "{base}/api/traces?service={service}&start={from}&end={until}&limit={LIMIT}"
                )
            }
            Part::Traces(ids) => {
                let ids: Vec<String> = ids
                    .iter()
                    .map(|id| format!("traceID={}", encoded(id)))
                    .collect();
                format!("{}/api/traces?{}", self.base, ids.join("&"))
            }
            Part::Rows { .. } => return Ok(Page::default()),
        };
        let answer = wire.json(&get(&url, &self.auth)?)?;
        let page = page(answer, "data", "/none");
        let mut page = page.ok_or_else(|| wire.wrong("its answer has no 'data'"))?;
        page.may_be_cut = matches!(part, Part::Window { .. }) && page.records.len() >= LIMIT;
        Ok(page)
    }

    fn traces_at_once(&self) -> usize {
        20
    }
}
