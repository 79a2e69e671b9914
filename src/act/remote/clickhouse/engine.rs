//! `ClickHouse`'s HTTP interface: a query in the body, values as parameters, answers as JSON.

use serde_json::Value;

use crate::act::net::secret::Secret;
use crate::act::remote::address::{Address, encoded};
use crate::act::remote::auth::{Auth, post_text};
use crate::act::remote::keys::Keys;
use crate::act::remote::product::Page;
use crate::act::remote::wire::{Trouble, Wire};

/// Names and values.
pub(in crate::act::remote) type Params = [(String, String)];

/// More rows than this are read only if the user allows it: a query over a whole archive slows everyone
/// else down.
const MAX_SCAN: u64 = 2_000_000_000;

#[derive(Debug)]
pub(in crate::act::remote) struct Engine {
    base: String,
    /// How many rows a query may read at most.
    max_scan: u64,
    database: String,
    auth: Auth,
}

impl Engine {
    pub(in crate::act::remote) fn new(
        address: &Address,
        keys: &Keys,
        database: &str,
    ) -> Result<Engine, String> {
        let user = std::env::var("CLICKHOUSE_USER")
            .ok()
            .filter(|it| !it.is_empty());
        let user = address.user.clone().or(user);
        let mut headers: Vec<(String, Secret)> = Vec::new();
        headers.extend(user.map(|user| ("x-clickhouse-user".to_owned(), Secret::new(user))));
        let key = keys.find(address.kind.variables())?;
        headers.extend(key.map(|key| ("x-clickhouse-key".to_owned(), key)));
        Ok(Engine {
            base: address.base.clone(),
            max_scan: address.max_scan.unwrap_or(MAX_SCAN),
            database: database.to_owned(),
            auth: if headers.is_empty() {
                Auth::None
            } else {
                Auth::Headers(headers)
            },
        })
    }

    pub(in crate::act::remote) fn auth(&self) -> &Auth {
        &self.auth
    }

    fn url(&self) -> String {
        format!("{}/?database={}", self.base, encoded(&self.database))
    }

    /// The rows of a query, as objects. Values are passed as parameters, never in its text.
    pub(in crate::act::remote) fn rows(
        &self,
        wire: &mut Wire<'_>,
        query: &str,
        params: &Params,
    ) -> Result<Vec<Value>, Trouble> {
        let mut url = self.url();
        let max_scan = self.max_scan.to_string();
        let settings = [
            ("readonly", "2"),
            ("max_rows_to_read", max_scan.as_str()),
            ("max_execution_time", "110"),
            ("log_comment", "saferun-tui"),
            ("output_format_json_quote_64bit_integers", "1"),
            ("output_format_json_quote_denormals", "1"),
        ];
        for (name, value) in settings {
            url.extend(["&", name, "=", value]);
        }
        for (name, value) in params {
            url.extend(["&param_", name, "=", &encoded(value)]);
        }
        let query = format!("{query}\nFORMAT JSON");
        let answer = wire.json(&post_text(&url, query, &self.auth)?)?;
        Ok(Page::of(wire, answer, ("data", "/none"))?.records)
    }

    /// A statement that returns nothing; for `INSERT`, the rows follow it.
    pub(in crate::act::remote) fn run(
        &self,
        wire: &mut Wire<'_>,
        statement: impl Into<Vec<u8>>,
    ) -> Result<(), Trouble> {
        wire.done(&post_text(&self.url(), statement, &self.auth)?)
    }
}
