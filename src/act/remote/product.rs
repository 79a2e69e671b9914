//! What distinguishes the products: their requests, and how their answers are parsed.

use serde_json::Value;

use super::address::encoded;
use super::auth::Auth;
use super::connection::{Connection, Trouble};
use super::record::{Nanos, Reader, moment};

/// A product to pull from.
pub(super) trait Product: std::fmt::Debug {
    /// The format that reads its records.
    fn reader(&self) -> Reader;

    /// The key of its requests.
    fn auth(&self) -> &Auth;

    /// How many requests a minute we may send: half of the product's limit; none if it has none.
    fn per_minute(&self) -> Option<f64> {
        None
    }

    /// Checks the key and finds the project, before anything is written.
    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble>;

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble>;

    /// How many traces can be requested by id at a time.
    fn traces_at_once(&self) -> usize;

    /// The row number of a record, for products whose rows never change and are numbered in order of insertion.
    fn row(&self, record: &Value) -> Option<u64> {
        let _ = record;
        None
    }

    fn has_rows(&self) -> bool {
        false
    }

    /// Conditions that are met by the records of a run whose traces are joined by this id (its rank: `Meta::join`).
    fn joined(&self, join: (u8, &str)) -> Vec<String> {
        let _ = join;
        Vec::new()
    }

    /// Whether a record that meets a condition comes with its whole trace.
    fn selects_whole_traces(&self) -> bool {
        false
    }
}

/// A page of a part; `after` is what the previous page named as next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Want<'a> {
    pub(super) part: Part<'a>,
    pub(super) after: Option<&'a str>,
}

/// What to request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Traces that began in a window: its first moment, and the first one after it.
    Window { from: Nanos, until: Nanos },
    /// Everything since a moment, newest rows first; only of products that have rows.
    Rows { since: Nanos },
    /// Whole traces, by id.
    Traces(&'a [String]),
    /// Everything that meets one of the product's conditions (`selection`), within a window or at any time.
    Selected {
        condition: &'a str,
        within: Option<(Nanos, Nanos)>,
    },
}

#[derive(Debug, Default)]
pub(super) struct Page {
    /// In the order of the answer.
    pub(super) records: Vec<Value>,
    /// What to request next; none at the end.
    pub(super) next: Option<String>,
    /// A full page without a next one, from a product that is known to drop the rest in that case.
    pub(super) may_be_cut: bool,
}

impl Page {
    /// The records that an answer lists, and the cursor in it, by the names and pointers of the product.
    pub(super) fn of(
        connection: &Connection<'_>,
        mut answer: Value,
        (list, next): (&str, &str),
    ) -> Result<Page, Trouble> {
        let next = answer.pointer(next).and_then(Value::as_str);
        let next = next.filter(|next| !next.is_empty()).map(str::to_owned);
        match answer.get_mut(list).map(Value::take) {
            Some(Value::Array(records)) => Ok(Page {
                records,
                next,
                may_be_cut: false,
            }),
            _ => Err(connection.wrong(&format!("its answer has no '{list}'"))),
        }
    }

    /// A full page that names no next one has lost the rest.
    pub(super) fn of_at_most(mut self, limit: usize) -> Page {
        self.may_be_cut = self.next.is_none() && self.records.len() >= limit;
        self
    }
}

/// `name=value&name=value`.
pub(super) fn query<T: AsRef<str>>(pairs: &[(&str, T)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value.as_ref())));
    pairs.collect::<Vec<String>>().join("&")
}

/// A condition that is a parameter, `name=value`, and the names of the parameters that limit it to a window.
pub(super) fn selected<'n>(
    condition: &'n str,
    within: Option<(Nanos, Nanos)>,
    [from, until]: [&'n str; 2],
) -> Vec<(&'n str, String)> {
    let (name, value) = condition.split_once('=').unwrap_or((condition, ""));
    let mut query = vec![(name, value.to_owned())];
    if let Some((first, last)) = within {
        query.extend([(from, moment(first)), (until, moment(last))]);
    }
    query
}

/// The same name for each id.
pub(super) fn each<'n>(name: &'n str, ids: &[String]) -> Vec<(&'n str, String)> {
    ids.iter().map(|id| (name, id.clone())).collect()
}
