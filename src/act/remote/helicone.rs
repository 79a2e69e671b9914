//! Helicone: requests in order of their time. Bodies stored elsewhere are fetched immediately, because the links to
//! them are keys that are valid for a day.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::address::Address;
use super::auth::{Auth, get, post};
use super::connection::{Connection, Trouble};
use super::keys::Keys;
use super::product::{Page, Part, Product, Want};
use super::record::{Nanos, Reader, moment};
use super::selection::like;
use crate::ingest::formats::helicone;
use crate::query::evidence::Fact;
use crate::query::fields::Field;

const LIMIT: usize = 500;

#[derive(Debug)]
pub(super) struct Helicone {
    base: String,
    auth: Auth,
}

/// Pages go by time: the last time of a page, and how many requests of that instant were read.
#[derive(Debug, PartialEq, Eq)]
struct After {
    time: String,
    offset: usize,
}

impl After {
    fn parse(text: &str) -> Option<After> {
        let (time, offset) = text.split_once(' ')?;
        Some(After {
            time: time.to_owned(),
            offset: offset.parse().ok()?,
        })
    }

    /// After a full page.
    fn of(records: &[Value], before: Option<&After>) -> Option<After> {
        let time = time(records.last()?)?.to_owned();
        let same = records
            .iter()
            .rev()
            .take_while(|it| self::time(it) == Some(time.as_str()));
        let same = same.count();
        let offset = match before {
            // The whole page belongs to one instant, which was already being read.
            Some(before) if before.time == time => before.offset + records.len(),
            Some(_) | None => same,
        };
        Some(After { time, offset })
    }
}

fn time(record: &Value) -> Option<&str> {
    record.get("request_created_at")?.as_str()
}

impl Helicone {
    pub(super) fn new(address: &Address, keys: &Keys) -> Result<Helicone, String> {
        let key = keys.need(address.kind, address.kind.variables())?;
        Ok(Helicone {
            base: address.base.clone(),
            auth: Auth::Bearer(key),
        })
    }

    fn query(&self, connection: &mut Connection<'_>, body: &Value) -> Result<Vec<Value>, Trouble> {
        let url = format!("{}/v1/request/query-clickhouse", self.base);
        let answer = connection.json(&post(&url, body, &self.auth)?)?;
        Ok(Page::of(connection, answer, ("data", "/none"))?.records)
    }

    /// Puts the bodies into a record whose bodies are stored elsewhere.
    fn complete(connection: &mut Connection<'_>, record: &mut Value) -> Result<(), Trouble> {
        let is_elsewhere = |name: &str| {
            record
                .pointer(&format!("/{name}/helicone_message"))
                .is_some()
        };
        if !is_elsewhere("request_body") && !is_elsewhere("response_body") {
            return Ok(());
        }
        let Some(link) = record.get("signed_body_url").and_then(Value::as_str) else {
            return Ok(());
        };
        // The link is the key: ours is not sent with it.
        let mut bodies = match connection.file(&get(link, &Auth::None)?) {
            Ok(bodies) => bodies,
            // It has expired, or the bodies are gone: the row keeps what it has.
            Err(Trouble::Refused { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        for (name, part) in [("request_body", "request"), ("response_body", "response")] {
            if let Some(body) = bodies.get_mut(part).map(Value::take) {
                record[name] = body;
            }
        }
        Ok(())
    }
}

/// Tests of its columns. A condition is one leaf of its filter.
pub(super) fn conditions(fact: &Fact) -> Vec<String> {
    let texts = |any_case: bool, value: &str| {
        if any_case {
            json!({"ilike": like(value)})
        } else {
            json!({"equals": value})
        }
    };
    let leaf = |column: Value| json!({"request_response_rmt": column}).to_string();
    match fact {
        Fact::Text {
            name: Some(name), ..
        } if name.field == Field::User => {
            vec![leaf(json!({"user_id": texts(name.any_case, &name.value)}))]
        }
        Fact::Run { id, any_case } => {
            let test = texts(*any_case, id);
            vec![
                leaf(json!({"properties": {SESSION: test}})),
                leaf(json!({"request_id": test})),
            ]
        }
        Fact::Text { .. } | Fact::Failure | Fact::Since(_) => Vec::new(),
    }
}

/// The property that joins requests.
const SESSION: &str = "Helicone-Session-Id";

/// Requests that began in a window, meet a condition or have this id.
fn filter(part: Part<'_>, after: Option<&After>) -> Option<Value> {
    let column = |name: &str, test: Value| json!({"request_response_rmt": {name: test}});
    let both = |left: Value, right: Value| json!({"left": left, "operator": "and", "right": right});
    let since = |from: String| column("request_created_at", json!({"gte": from}));
    let between = |from: Nanos, until: Nanos| {
        let from = after.map_or_else(|| moment(from), |after| after.time.clone());
        let until = column("request_created_at", json!({"lt": moment(until)}));
        both(since(from), until)
    };
    match part {
        Part::Window { from, until } => Some(between(from, until)),
        Part::Selected { condition, within } => {
            let test: Value = serde_json::from_str(condition).ok()?;
            let times = match (within, after) {
                (Some((from, until)), _) => Some(between(from, until)),
                (None, Some(after)) => Some(since(after.time.clone())),
                (None, None) => None,
            };
            Some(match times {
                Some(times) => both(times, test),
                None => test,
            })
        }
        Part::Traces(ids) => {
            let mut tests = ids
                .iter()
                .map(|id| column("request_id", json!({"equals": id})));
            let first = tests.next()?;
            Some(tests.fold(
                first,
                |left, right| json!({"left": left, "operator": "or", "right": right}),
            ))
        }
        Part::Rows { .. } => None,
    }
}

impl Product for Helicone {
    fn reader(&self) -> Reader {
        Reader::spans(&helicone::Helicone)
    }

    fn auth(&self) -> &Auth {
        &self.auth
    }

    /// An organisation has 200.
    fn per_minute(&self) -> Option<f64> {
        Some(100.0)
    }

    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        let body = json!({"filter": "all", "limit": 1, "offset": 0});
        self.query(connection, &body).map(drop)
    }

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let after = want.after.and_then(After::parse);
        let Some(filter) = filter(want.part, after.as_ref()) else {
            return Ok(Page::default());
        };
        let body = json!({
            "filter": filter,
            "limit": LIMIT,
            "offset": after.as_ref().map_or(0, |after| after.offset),
            "sort": {"created_at": "asc"},
        });
        let mut records = self.query(connection, &body)?;
        let next = if records.len() >= LIMIT {
            After::of(&records, after.as_ref())
        } else {
            None
        };
        let ids: HashSet<String> = records
            .iter()
            .filter_map(|it| Some(it.get("request_id")?.as_str()?.to_owned()))
            .collect();
        if ids.len() < records.len() {
            return Err(connection.wrong("it lists a request twice"));
        }
        for record in &mut records {
            Helicone::complete(connection, record)?;
        }
        Ok(Page {
            records,
            next: next.map(|after| format!("{} {}", after.time, after.offset)),
            may_be_cut: false,
        })
    }

    fn traces_at_once(&self) -> usize {
        20
    }

    fn joined(&self, (_, id): (u8, &str)) -> Vec<String> {
        let session = json!({"request_response_rmt": {"properties": {SESSION: {"equals": id}}}});
        vec![session.to_string()]
    }

    /// A request without a session is a trace of its own.
    fn selects_whole_traces(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(times: &[&str]) -> Vec<Value> {
        times
            .iter()
            .map(|time| json!({"request_created_at": time}))
            .collect()
    }

    #[test]
    fn pages_go_by_time_and_by_offset_within_an_instant() {
        let first = After::of(&records(&["1", "2", "2"]), None).expect("a place");
        assert_eq!(
            first,
            After {
                time: "2".to_owned(),
                offset: 2
            }
        );
        let second = After::of(&records(&["2", "2", "2"]), Some(&first)).expect("a place");
        assert_eq!(second.offset, 5);
        let third = After::of(&records(&["2", "3", "4"]), Some(&second)).expect("a place");
        assert_eq!(
            third,
            After {
                time: "4".to_owned(),
                offset: 1
            }
        );
    }
}
