//! `ClickHouse`'s HTTP interface: a query in the body, values as parameters, answers as JSON.

use std::cell::Cell;

use serde_json::Value;

use crate::act::net::secret::Secret;
use crate::act::remote::address::{Address, encoded};
use crate::act::remote::auth::{Auth, post_text};
use crate::act::remote::connection::{Connection, Trouble};
use crate::act::remote::keys::Keys;
use crate::act::remote::product::Page;
use crate::base::human;

/// Names and values.
pub(in crate::act::remote) type Params = [(String, String)];

/// More rows than this are read only if the user allows it: a query over a whole archive slows everyone
/// else down.
const MAX_SCAN: u64 = 2_000_000_000;

#[derive(Debug)]
pub(in crate::act::remote) struct Engine {
    base: String,
    /// How many rows a query may read at most; none if the user agreed to any number.
    max_scan: Option<u64>,
    database: String,
    auth: Auth,
    /// The user's profile does not allow queries to change settings.
    has_fixed_settings: Cell<bool>,
}

/// What the engine answers to a setting that may not be changed.
const FIXED: &str = "Code: 164";

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
            max_scan: Some(address.max_scan.unwrap_or(MAX_SCAN)),
            database: database.to_owned(),
            auth: if headers.is_empty() {
                Auth::None
            } else {
                Auth::Headers(headers)
            },
            has_fixed_settings: Cell::new(false),
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
        connection: &mut Connection<'_>,
        query: &str,
        params: &Params,
    ) -> Result<Vec<Value>, Trouble> {
        if !self.has_fixed_settings.get() {
            let settings = self.settings();
            match self.ask(connection, query, (params, settings.as_str())) {
                Err(Trouble::Refused { said, .. }) if said.contains(FIXED) => {
                    self.has_fixed_settings.set(true);
                }
                answer => return answer,
            }
        }
        let mut rows = self.ask(connection, query, (params, ""))?;
        rows.iter_mut().for_each(quote);
        Ok(rows)
    }

    fn settings(&self) -> String {
        const OWN: &str = "&readonly=2&max_execution_time=110&log_comment=saferun-tui\
            &output_format_json_quote_64bit_integers=1&output_format_json_quote_denormals=1";
        match self.max_scan {
            Some(most) => format!("&max_rows_to_read={most}{OWN}"),
            None => OWN.to_owned(),
        }
    }

    fn ask(
        &self,
        connection: &mut Connection<'_>,
        query: &str,
        (params, settings): (&Params, &str),
    ) -> Result<Vec<Value>, Trouble> {
        let mut url = self.url();
        url.push_str(settings);
        for (name, value) in params {
            url.extend(["&param_", name, "=", &encoded(value)]);
        }
        let query = format!("{query}\nFORMAT JSON");
        let answer = connection.json(&post_text(&url, query, &self.auth)?)?;
        Ok(Page::of(connection, answer, ("data", "/none"))?.records)
    }

    /// Queries may read any number of rows.
    pub(in crate::act::remote) fn allow_all(&mut self) {
        self.max_scan = None;
    }

    /// Asks how many rows a query would read, and fails if these are more than allowed. Not every engine and table can
    /// tell: then the limit ends the query itself.
    pub(in crate::act::remote) fn estimate(
        &self,
        connection: &mut Connection<'_>,
        query: &str,
        params: &Params,
    ) -> Result<(), Trouble> {
        let Some(most) = self.max_scan else {
            return Ok(());
        };
        let query = format!("SELECT sum(rows) AS rows FROM (EXPLAIN ESTIMATE {query})");
        let answer = match self.rows(connection, &query, params) {
            Err(Trouble::Refused { .. } | Trouble::TooMuch { .. }) => return Ok(()),
            answer => answer?,
        };
        let rows = answer.first().and_then(|row| row.get("rows"));
        let rows = rows.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok()));
        match rows {
            Some(rows) if rows > most => Err(Trouble::Scan {
                host: connection.host.clone(),
                what: format!("{} rows, more", human::count(rows)),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// A statement that returns nothing; for `INSERT`, the rows follow it.
    pub(in crate::act::remote) fn run(
        &self,
        connection: &mut Connection<'_>,
        statement: impl Into<Vec<u8>>,
    ) -> Result<(), Trouble> {
        connection.done(&post_text(&self.url(), statement, &self.auth)?)
    }
}

/// Writes whole numbers as texts, as the settings would have done.
fn quote(value: &mut Value) {
    match value {
        Value::Number(number) if !number.is_f64() => *value = Value::from(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(quote),
        Value::Object(members) => members.values_mut().for_each(quote),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
