//! Langfuse: observations by pages, newest first. Servers before version 4 have another API, by page number, in which
//! user, session and release are stored on separate traces.

use serde_json::{Value, json};

use super::address::{Address, encoded};
use super::auth::{Auth, get};
use super::connection::{Connection, Trouble};
use super::keys::Keys;
use super::product::{self, Page, Part, Product, Want};
use super::record::{Reader, moment};
use super::selection::of_run;
use crate::act::net::secret::Secret;
use crate::ingest::formats::langfuse;
use crate::query::evidence::Fact;
use crate::query::fields::Field;

/// With whole inputs and outputs, larger pages exceed what the server sends.
const LIMIT: usize = 250;
const OLD_LIMIT: usize = 100;
const FIELDS: &str = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    /// By cursor.
    Second,
    /// By page number: observations, and traces.
    First,
}

#[derive(Debug)]
pub(super) struct Langfuse {
    base: String,
    project: String,
    auth: Auth,
    api: Api,
}

impl Langfuse {
    pub(super) fn new(address: &Address, keys: &Keys) -> Result<Langfuse, String> {
        let name = Secret::from_variable("LANGFUSE_PUBLIC_KEY");
        let name = name.ok_or("no key: LANGFUSE_PUBLIC_KEY is not set")?;
        let key = keys.need(address.kind, &["LANGFUSE_SECRET_KEY"])?;
        Ok(Langfuse {
            base: address.base.clone(),
            project: address.project.clone(),
            auth: Auth::Basic(name.reveal().to_owned(), key),
            api: Api::Second,
        })
    }

    fn ask(
        &self,
        connection: &mut Connection<'_>,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Value, Trouble> {
        let url = format!("{}/api/public/{path}?{}", self.base, product::query(query));
        connection.json(&get(&url, &self.auth)?)
    }

    fn second(&self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let mut query = vec![("fields", FIELDS.to_owned()), ("limit", LIMIT.to_string())];
        match want.part {
            Part::Window { from, until } => {
                query.push(("fromStartTime", moment(from)));
                query.push(("toStartTime", moment(until)));
            }
            Part::Traces(ids) => query.extend(product::each("traceId", ids)),
            Part::Selected { condition, within } => {
                let names = ["fromStartTime", "toStartTime"];
                query.extend(product::selected(condition, within, names));
            }
            Part::Rows { .. } => return Ok(Page::default()),
        }
        query.extend(want.after.map(|after| ("cursor", after.to_owned())));
        let answer = self.ask(connection, "v2/observations", &query)?;
        let page = Page::of(connection, answer, ("data", "/meta/cursor"))?;
        Ok(page.of_at_most(LIMIT))
    }

    /// Observations first, then the traces of the same time: `after` is `traces` and the page number.
    fn first(&self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let (of_traces, number) = match want.after.map(|after| after.split_once(' ')) {
            Some(Some((list, number))) => (list == "traces", number.parse().unwrap_or(1)),
            None | Some(None) => (false, 1),
        };
        let mut query = vec![
            ("page", number.to_string()),
            ("limit", OLD_LIMIT.to_string()),
        ];
        let (path, names) = if of_traces {
            ("traces", ["fromTimestamp", "toTimestamp"])
        } else {
            ("observations", ["fromStartTime", "toStartTime"])
        };
        if of_traces {
            query.push(("fields", "core".to_owned()));
        }
        match want.part {
            Part::Window { from, until } => {
                query.extend(names.into_iter().zip([from, until].map(moment)));
            }
            Part::Traces([id]) if of_traces => {
                let trace = self.ask(connection, &format!("traces/{}", encoded(id)), &[])?;
                return Ok(Page {
                    records: vec![without_observations(trace)],
                    ..Page::default()
                });
            }
            Part::Traces(ids) => query.extend(product::each("traceId", ids)),
            Part::Selected { .. } => {
                return Err(connection.wrong(
                    "a server before version 4 cannot select runs: pull everything, then use --where on the folder",
                ));
            }
            Part::Rows { .. } => return Ok(Page::default()),
        }
        let answer = self.ask(connection, path, &query)?;
        let pages = answer.pointer("/meta/totalPages").and_then(Value::as_u64);
        let mut page = Page::of(connection, answer, ("data", "/none"))?;
        let is_last = pages.map_or(page.records.len() < OLD_LIMIT, |pages| number >= pages);
        page.next = match (is_last, of_traces) {
            (false, _) => Some(format!("{path} {}", number + 1)),
            (true, false) => Some("traces 1".to_owned()),
            (true, true) => None,
        };
        if of_traces {
            page.records = page.records.into_iter().map(without_observations).collect();
        }
        Ok(page)
    }
}

/// Parameters of its API: `name=value`. It compares them exactly, and stores environments in lower case.
pub(super) fn conditions(fact: &Fact) -> Vec<String> {
    match fact {
        Fact::Text {
            name: Some(name), ..
        } => match name.field {
            Field::User if !name.any_case => vec![format!("userId={}", name.value)],
            Field::Env => vec![format!("environment={}", name.value)],
            _ => Vec::new(),
        },
        Fact::Run {
            id,
            any_case: false,
        } => of_run(id, joined, format!("traceId={id}")),
        Fact::Run { .. } | Fact::Text { .. } | Fact::Failure | Fact::Since(_) => Vec::new(),
    }
}

/// Sessions are a field of observations, threads a member of their metadata.
fn joined((rank, id): (u8, &str)) -> Vec<String> {
    match rank {
        0 => vec![format!("sessionId={id}")],
        2 => {
            let test = json!([{"type": "stringObject", "column": "metadata", "key": "thread_id", "operator": "=", "value": id}]);
            vec![format!("filter={test}")]
        }
        _ => Vec::new(),
    }
}

/// Observations are separate records; in a trace they are only ids.
fn without_observations(mut trace: Value) -> Value {
    if let Some(members) = trace.as_object_mut() {
        for name in ["observations", "scores"] {
            if members.contains_key(name) {
                members.insert(name.to_owned(), Value::Array(Vec::new()));
            }
        }
    }
    trace
}

impl Product for Langfuse {
    fn reader(&self) -> Reader {
        Reader::spans(&langfuse::Langfuse)
    }

    fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Half of what the smallest cloud plan allows; a self-hosted server has no limit.
    fn per_minute(&self) -> Option<f64> {
        self.base.ends_with("langfuse.com").then_some(15.0)
    }

    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        let projects = self.ask(connection, "projects", &[])?;
        let projects = projects.get("data").and_then(Value::as_array);
        let projects = projects.ok_or_else(|| connection.wrong("its answer has no 'data'"))?;
        let name = |project: &Value, key: &str| Some(project.get(key)?.as_str()?.to_owned());
        let is_it = |project: &Value| {
            ["id", "name"]
                .iter()
                .any(|key| name(project, key).as_ref() == Some(&self.project))
        };
        if self.project.is_empty() || projects.iter().any(is_it) {
            return Ok(());
        }
        let known: Vec<String> = projects.iter().filter_map(|it| name(it, "name")).collect();
        Err(Trouble::Key(format!(
            "the key is for the project {}, not for {}",
            known.join(", "),
            self.project
        )))
    }

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        if self.api == Api::Second {
            match self.second(connection, want) {
                Err(error) if error.is_missing() && want.after.is_none() => self.api = Api::First,
                answer => return answer,
            }
        }
        self.first(connection, want)
    }

    fn traces_at_once(&self) -> usize {
        1
    }

    fn joined(&self, join: (u8, &str)) -> Vec<String> {
        joined(join)
    }
}
