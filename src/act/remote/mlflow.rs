//! `MLflow`: traces are searched by time, then fetched whole. Their spans are in OTLP, so each trace becomes an OTLP
//! line.

use serde_json::{Value, json};

use super::address::{Address, encoded};
use super::auth::{Auth, get, post};
use super::connection::{Connection, Trouble};
use super::keys::Keys;
use super::product::{self, Page, Part, Product, Want};
use super::record::{Nanos, Reader};
use super::selection::like;
use crate::ingest::formats::otel::evidence::ENVIRONMENT;
use crate::ingest::formats::otlp;
use crate::query::evidence::Fact;
use crate::query::fields::Field;

/// Page sizes: of a search, and of whole traces in one answer.
const FOUND: usize = 100;
const TRACES: usize = 10;

#[derive(Debug)]
pub(super) struct Mlflow {
    base: String,
    experiment: String,
    auth: Auth,
    id: String,
}

impl Mlflow {
    pub(super) fn new(address: &Address, keys: &Keys) -> Result<Mlflow, String> {
        let name = std::env::var("MLFLOW_TRACKING_USERNAME").ok();
        let auth = match name.filter(|name| !name.is_empty()) {
            Some(name) => {
                let password = keys.find(&["MLFLOW_TRACKING_PASSWORD"])?;
                password.map_or(Auth::None, |password| Auth::Basic(name, password))
            }
            None => keys
                .find(&["MLFLOW_TRACKING_TOKEN"])?
                .map_or(Auth::None, Auth::Bearer),
        };
        Ok(Mlflow {
            base: address.base.clone(),
            experiment: address.project.clone(),
            auth,
            id: String::new(),
        })
    }

    fn search(
        &self,
        connection: &mut Connection<'_>,
        filter: &str,
        after: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Trouble> {
        let url = format!("{}/api/3.0/mlflow/traces/search", self.base);
        let mut body = json!({
            "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": self.id}}],
            "filter": filter,
            "max_results": FOUND,
            // The page token is an offset: newer traces must come after it.
            "order_by": ["timestamp_ms ASC"],
        });
        if let Some(after) = after {
            body["page_token"] = after.into();
        }
        let answer = connection.json(&post(&url, &body, &self.auth)?)?;
        let traces = answer.get("traces").and_then(Value::as_array);
        let ids = traces.into_iter().flatten();
        let ids = ids.filter_map(|trace| trace.get("trace_id")?.as_str());
        let next = answer.get("next_page_token").and_then(Value::as_str);
        let next = next.filter(|next| !next.is_empty());
        Ok((ids.map(str::to_owned).collect(), next.map(str::to_owned)))
    }

    fn whole(
        &self,
        connection: &mut Connection<'_>,
        ids: &[String],
    ) -> Result<Vec<Value>, Trouble> {
        let mut records = Vec::new();
        for ids in ids.chunks(TRACES) {
            let ids = product::query(&product::each("trace_ids", ids));
            let url = format!("{}/api/3.0/mlflow/traces/batchGet?{ids}", self.base);
            let mut answer = connection.json(&get(&url, &self.auth)?)?;
            if let Some(Value::Array(traces)) = answer.get_mut("traces").map(Value::take) {
                records.extend(traces.into_iter().filter_map(line));
            }
        }
        Ok(records)
    }
}

fn during(from: Nanos, until: Nanos) -> String {
    let [from, until] = [from, until].map(|nanos| nanos.div_euclid(1_000_000));
    format!("timestamp_ms >= {from} AND timestamp_ms < {until}")
}

/// Traces whose spans the server keeps elsewhere: it cannot search in them.
const ELSEWHERE: [&str; 2] = [
    "tags.`mlflow.trace.spansLocation` IS NULL",
    "tags.`mlflow.trace.spansLocation` != 'TRACKING_STORE'",
];

/// Comparisons of its filter language, which finds texts in the JSON of a trace's spans. Session and user, and what our
/// lines take as the attributes of the resource, may be stored beside them.
pub(super) fn conditions(fact: &Fact) -> Vec<String> {
    let mut all = match fact {
        Fact::Text { text, name, .. } => {
            let tags: &[&str] = match name.as_ref().map(|name| name.field) {
                Some(Field::Env) => ENVIRONMENT,
                Some(Field::Release) => &["service.version"],
                _ => &["service.name"],
            };
            let tags = tags
                .iter()
                .map(|tag| contains(&format!("tags.`{tag}`"), text));
            let beside = [CONTENT, SESSION, USER].map(|column| contains(column, text));
            beside.into_iter().chain(tags).collect()
        }
        // Signs of a failure (`Fact::Failure` in SQL).
        Fact::Failure => ["error", "exception", "success"]
            .map(|word| contains(CONTENT, word))
            .to_vec(),
        Fact::Run { id, .. } => {
            let mut all = joined(id);
            let own = like(&server_id(id));
            all.push(format!("attributes.request_id ILIKE '{own}'"));
            all
        }
        Fact::Since(_) => return Vec::new(),
    };
    all.extend(ELSEWHERE.map(str::to_owned));
    all
}

const CONTENT: &str = "span.content";
const SESSION: &str = "metadata.`mlflow.trace.session`";
const USER: &str = "metadata.`mlflow.trace.user`";

fn contains(column: &str, text: &str) -> String {
    format!("{column} ILIKE '%{}%'", like(text))
}

fn joined(id: &str) -> Vec<String> {
    vec![
        format!("{SESSION} ILIKE '{}'", like(id)),
        contains(CONTENT, id),
    ]
}

/// The ids that the server gives to traces of OpenTelemetry.
fn server_id(trace: &str) -> String {
    if trace.starts_with("tr-") {
        trace.to_owned()
    } else {
        format!("tr-{trace}")
    }
}

/// A trace as one OTLP line; none if it has no spans (yet). Its tags are the attributes of its resource.
fn line(mut trace: Value) -> Option<Value> {
    let mut spans = trace.get_mut("spans")?.take();
    if spans.as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    let info = trace.get("trace_info");
    let listed = |name: &str| info.and_then(|info| info.get(name)?.as_object());
    let tags = listed("tags").into_iter().flatten();
    let tags = tags.filter(|(name, _)| !name.starts_with("mlflow."));
    let of_trace = listed("trace_metadata").into_iter().flatten();
    let of_trace = of_trace.filter_map(|(name, value)| {
        let name = match name.as_str() {
            "mlflow.trace.session" => "session.id",
            "mlflow.trace.user" => "user.id",
            _ => return None,
        };
        Some((name, value))
    });
    let tags = tags.map(|(name, value)| (name.as_str(), value));
    let of_trace: Vec<Value> = of_trace.filter_map(attribute).collect();
    let tags: Vec<Value> = tags.filter_map(attribute).collect();
    // Sessions join by attributes of spans.
    for span in spans.as_array_mut().into_iter().flatten() {
        let Some(span) = span.as_object_mut() else {
            continue;
        };
        let own = span.entry("attributes").or_insert_with(|| json!([]));
        if let Some(own) = own.as_array_mut() {
            own.extend(of_trace.iter().cloned());
        }
    }
    Some(json!({
        "resource_spans": [{
            "resource": {"attributes": tags},
            "scope_spans": [{"spans": spans}],
        }],
    }))
}

fn attribute((name, value): (&str, &Value)) -> Option<Value> {
    let value = value.as_str()?;
    Some(json!({"key": name, "value": {"string_value": value}}))
}

impl Product for Mlflow {
    fn reader(&self) -> Reader {
        Reader::traces(&otlp::Otlp)
    }

    fn auth(&self) -> &Auth {
        &self.auth
    }

    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        let name = encoded(&self.experiment);
        let url = format!(
            "{}/api/2.0/mlflow/experiments/get-by-name?experiment_name={name}",
            self.base
        );
        let found = connection.json(&get(&url, &self.auth)?);
        let id = match found {
            Ok(answer) => answer
                .pointer("/experiment/experiment_id")
                .and_then(Value::as_str)
                .map(str::to_owned),
            // A number is an id.
            Err(error)
                if error.is_missing() && self.experiment.bytes().all(|it| it.is_ascii_digit()) =>
            {
                Some(self.experiment.clone())
            }
            Err(error) => return Err(error),
        };
        self.id = id.ok_or_else(|| connection.wrong("its answer names no experiment"))?;
        Ok(())
    }

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let Want { part, after } = want;
        let (ids, next) = match part {
            Part::Window { from, until } => self.search(connection, &during(from, until), after)?,
            Part::Selected { condition, within } => {
                let times = within.map(|(from, until)| during(from, until));
                let tests = [Some(condition.to_owned()), times];
                let tests: Vec<String> = tests.into_iter().flatten().collect();
                self.search(connection, &tests.join(" AND "), after)?
            }
            Part::Traces(ids) => (ids.iter().map(|id| server_id(id)).collect(), None),
            Part::Rows { .. } => (Vec::new(), None),
        };
        Ok(Page {
            records: self.whole(connection, &ids)?,
            next,
            may_be_cut: false,
        })
    }

    fn traces_at_once(&self) -> usize {
        TRACES
    }

    fn joined(&self, (_, id): (u8, &str)) -> Vec<String> {
        joined(id)
    }

    fn selects_whole_traces(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_becomes_a_line_of_otlp_with_its_session() {
        let trace = json!({
            "trace_info": {
                "trace_metadata": {"mlflow.trace.session": "s1", "mlflow.other": "x"},
                "tags": {"service.name": "desk", "mlflow.artifactLocation": "y"},
            },
            "spans": [{"trace_id": "fB0uP0BRYnOElaa3yNnq+w==", "span_id": "sgAAAAAAAP8=", "name": "agent",
                "start_time_unix_nano": 1_795_360_095_000_000_000_u64, "end_time_unix_nano": 1_795_360_096_920_000_000_u64}],
        });
        let line = line(trace).expect("a line");
        let text = line.to_string();
        assert!(
            text.contains("session.id")
                && text.contains("service.name")
                && !text.contains("mlflow.")
        );
        let reader = Reader::traces(&otlp::Otlp);
        let meta = reader.meta(text.as_bytes()).expect("a trace");
        assert_eq!(meta.trace, "7c1d2e3f405162738495a6b7c8d9eafb");
        assert_eq!(meta.ended, Some(1_795_360_096_920_000_000));
        assert!(meta.is_outermost && meta.span.is_empty());
        assert_eq!(meta.join.map(|(_, id)| id).as_deref(), Some("s1"));
    }

    #[test]
    fn a_trace_without_spans_is_left_for_later() {
        assert_eq!(line(json!({"trace_info": {}, "spans": []})), None);
        assert_eq!(line(json!({"trace_info": {}})), None);
    }
}
