//! Jaeger: the traces of a service in a window. Its API has no cursor: a full page means that the window is too long.

use serde_json::Value;

use super::address::{Address, encoded};
use super::auth::{Auth, get};
use super::connection::{Connection, Trouble};
use super::keys::Keys;
use super::product::{self, Page, Part, Product, Want};
use super::record::Reader;
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
        Reader::traces(&jaeger::Jaeger)
    }

    fn auth(&self) -> &Auth {
        &self.auth
    }

    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        let services =
            connection.json(&get(&format!("{}/api/services", self.base), &self.auth)?)?;
        let services = services.get("data").and_then(Value::as_array);
        let services = services.into_iter().flatten().filter_map(Value::as_str);
        let services: Vec<&str> = services.collect();
        if services.contains(&self.service.as_str()) {
            return Ok(());
        }
        let (host, wanted, known) = (&connection.host, &self.service, services.join(", "));
        Err(Trouble::Key(format!(
            "{host}: there is no service '{wanted}' (known: {known})"
        )))
    }

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let url = match want.part {
            Part::Window { from, until } => {
                // In microseconds, both ends included.
                let (from, until) = (from / 1_000, until / 1_000 - 1);
                let (base, service) = (&self.base, encoded(&self.service));
                format!(
                    "{base}/api/traces?service={service}&start={from}&end={until}&limit={LIMIT}"
                )
            }
            Part::Traces(ids) => {
                let ids = product::query(&product::each("traceID", ids));
                format!("{}/api/traces?{ids}", self.base)
            }
            Part::Rows { .. } | Part::Selected { .. } => return Ok(Page::default()),
        };
        let answer = connection.json(&get(&url, &self.auth)?)?;
        let page = Page::of(connection, answer, ("data", "/none"))?;
        Ok(match want.part {
            Part::Window { .. } => page.of_at_most(LIMIT),
            Part::Traces(_) | Part::Rows { .. } | Part::Selected { .. } => page,
        })
    }

    fn traces_at_once(&self) -> usize {
        20
    }
}
