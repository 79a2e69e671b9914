//! LangSmith: runs of a project by pages. Version 2 of its API if the server has it, else version 1.

use serde_json::{Value, json};

use super::address::{Address, encoded};
use super::auth::{Auth, get, post};
use super::connection::{Connection, Trouble};
use super::keys::Keys;
use super::product::{Page, Part, Product, Want};
use super::record::{HOUR, Nanos, Reader, moment};
use super::selection::is_ambiguous;
use crate::act::net::secret::Secret;
use crate::base::clock::{Clock as _, System};
use crate::ingest::formats::langsmith;
use crate::query::evidence::Fact;
use crate::query::fields::Field;

/// The largest page that version 1 accepts.
const LIMIT: usize = 100;
/// Version 2 looks back a day by default, and 401 days at most.
const FURTHEST: Nanos = 400 * 24 * HOUR;

/// Without these, version 2 returns ids alone. Attachments are left out: they are signed links.
const SELECTS: &[&str] = &[
    "ID",
    "NAME",
    "RUN_TYPE",
    "STATUS",
    "START_TIME",
    "END_TIME",
    "INPUTS",
    "OUTPUTS",
    "PARENT_RUN_IDS",
    "PROJECT_ID",
    "TRACE_ID",
    "DOTTED_ORDER",
    "ERROR",
    "TAGS",
    "EXTRA",
    "EVENTS",
    "FEEDBACK_STATS",
    "FIRST_TOKEN_TIME",
    "PROMPT_TOKENS",
    "COMPLETION_TOKENS",
    "TOTAL_TOKENS",
    "PROMPT_COST",
    "COMPLETION_COST",
    "TOTAL_COST",
    "PROMPT_TOKEN_DETAILS",
    "COMPLETION_TOKEN_DETAILS",
];

const SELECT: &[&str] = &[
    "id",
    "name",
    "run_type",
    "status",
    "start_time",
    "end_time",
    "inputs",
    "outputs",
    "parent_run_id",
    "session_id",
    "trace_id",
    "dotted_order",
    "error",
    "tags",
    "extra",
    "events",
    "feedback_stats",
    "first_token_time",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_cost",
    "completion_cost",
    "total_cost",
    "prompt_token_details",
    "completion_token_details",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    Second,
    First,
}

#[derive(Debug)]
pub(super) struct Langsmith {
    base: String,
    project: String,
    auth: Auth,
    id: String,
    api: Api,
    /// If this version is missing on the server, tries the other one once.
    has_switched: bool,
}

impl Langsmith {
    pub(super) fn new(address: &Address, keys: &Keys) -> Result<Langsmith, String> {
        let key = keys.need(address.kind, address.kind.variables())?;
        let mut headers = vec![("x-api-key".to_owned(), key)];
        let tenant = ["LANGSMITH_WORKSPACE_ID", "LANGCHAIN_WORKSPACE_ID"];
        let tenant = tenant.iter().find_map(|name| Secret::from_variable(name));
        headers.extend(tenant.map(|tenant| ("x-tenant-id".to_owned(), tenant)));
        Ok(Langsmith {
            base: address.base.clone(),
            project: address.project.clone(),
            auth: Auth::Headers(headers),
            id: String::new(),
            api: Api::First,
            has_switched: false,
        })
    }

    fn query(&self, want: Want<'_>) -> Option<Value> {
        let back = System.now().saturating_mul(1_000) - FURTHEST;
        let mut body = match (self.api, want.part) {
            (_, Part::Rows { .. } | Part::Traces([])) => return None,
            (Api::Second, Part::Window { from, until }) => {
                json!({"min_start_time": moment(from), "max_start_time": moment(until)})
            }
            (Api::Second, Part::Traces([id, ..])) => {
                json!({"trace_id": id, "min_start_time": moment(back)})
            }
            (Api::First, Part::Window { from, until }) => {
                json!({"start_time": moment(from), "end_time": moment(until)})
            }
            (Api::First, Part::Traces([id, ..])) => json!({"trace": id}),
            (api, Part::Selected { condition, within }) => {
                let names = match api {
                    Api::Second => ["min_start_time", "max_start_time"],
                    Api::First => ["start_time", "end_time"],
                };
                let mut body = json!({"filter": condition});
                body[names[0]] = moment(back).into();
                if let Some((from, until)) = within {
                    body[names[0]] = moment(from).into();
                    body[names[1]] = moment(until).into();
                }
                body
            }
        };
        match self.api {
            Api::Second => {
                body["project_ids"] = json!([self.id]);
                body["page_size"] = LIMIT.into();
                body["selects"] = json!(SELECTS);
            }
            Api::First => {
                body["session"] = json!([self.id]);
                body["limit"] = LIMIT.into();
                body["select"] = json!(SELECT);
            }
        }
        if let Some(after) = want.after {
            body["cursor"] = after.into();
        }
        Some(body)
    }

    fn ask(&self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let Some(body) = self.query(want) else {
            return Ok(Page::default());
        };
        let (path, list, next) = match self.api {
            Api::Second => ("v2", "items", "/next_cursor"),
            Api::First => ("v1", "runs", "/cursors/next"),
        };
        let url = format!("{}/api/{path}/runs/query", self.base);
        let answer = connection.json(&post(&url, &body, &self.auth)?)?;
        Ok(Page::of(connection, answer, (list, next))?.of_at_most(LIMIT))
    }
}

/// Expressions of its filter language, which compares exactly.
pub(super) fn conditions(fact: &Fact) -> Vec<String> {
    match fact {
        Fact::Text {
            name: Some(name), ..
        } if !name.any_case && !is_ambiguous(&name.value) => match name.field {
            Field::User => vec![metadata("user_id", &name.value)],
            Field::Release => vec![metadata("revision_id", &name.value)],
            _ => Vec::new(),
        },
        Fact::Run {
            id,
            any_case: false,
        } if !is_ambiguous(id) => {
            let mut all: Vec<String> = JOINS.iter().map(|it| metadata(it, id)).collect();
            all.push(format!("eq(trace_id, {})", Value::from(id.as_str())));
            all
        }
        Fact::Run { .. } | Fact::Text { .. } | Fact::Failure | Fact::Since(_) => Vec::new(),
    }
}

/// By the rank of what joins traces.
const JOINS: [&str; 3] = ["session_id", "conversation_id", "thread_id"];

fn metadata(key: &str, value: &str) -> String {
    let value = Value::from(value);
    format!("and(eq(metadata_key, \"{key}\"), eq(metadata_value, {value}))")
}

impl Product for Langsmith {
    fn reader(&self) -> Reader {
        Reader::spans(&langsmith::Langsmith)
    }

    fn auth(&self) -> &Auth {
        &self.auth
    }

    /// A key may query ten times in ten seconds.
    fn per_minute(&self) -> Option<f64> {
        Some(30.0)
    }

    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        let url = format!(
            "{}/api/v1/sessions?name={}&limit=1",
            self.base,
            encoded(&self.project)
        );
        let found = connection.json(&get(&url, &self.auth)?)?;
        let id = found.pointer("/0/id").and_then(Value::as_str);
        let missing = || {
            Trouble::Key(format!(
                "{}: there is no project '{}'",
                connection.host, self.project
            ))
        };
        self.id = id.ok_or_else(missing)?.to_owned();
        let info = connection.json(&get(&format!("{}/info", self.base), &self.auth)?);
        let flag = info
            .ok()
            .and_then(|it| it.pointer("/instance_flags/sdb_query_enabled")?.as_bool());
        self.api = match flag {
            Some(true) => Api::Second,
            Some(false) | None => Api::First,
        };
        Ok(())
    }

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        match self.ask(connection, want) {
            Err(error) if error.is_missing() && want.after.is_none() && !self.has_switched => {
                self.has_switched = true;
                self.api = match self.api {
                    Api::Second => Api::First,
                    Api::First => Api::Second,
                };
                self.ask(connection, want)
            }
            answer => answer,
        }
    }

    fn traces_at_once(&self) -> usize {
        1
    }

    fn joined(&self, (rank, id): (u8, &str)) -> Vec<String> {
        let key = JOINS.get(usize::from(rank));
        key.map(|key| metadata(key, id)).into_iter().collect()
    }
}
