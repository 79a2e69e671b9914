//! The SQL that selects the traces of runs by what a filter needs from their spans and log records.
//!
//! `and` is an intersection of runs, never of tests on one span: what an action shows may come from several spans.

use super::super::record::{HOUR, Nanos};
use super::logs::{self, Logs};
use crate::ingest::formats::otel::evidence::{
    CONVERSATION, CONVERSATION_IN_METADATA, SESSION, SESSION_IN_METADATA, THREAD,
    THREAD_IN_METADATA,
};
use crate::query::evidence::{Evidence, Fact};

/// How long before the requested time a run may begin, and how long after it may end.
const AROUND: Nanos = 24 * HOUR;

/// A selection of traces: tests on spans, and how runs combine them.
#[derive(Debug)]
pub(in crate::act::remote) struct Selection {
    /// Of spans, and of log records.
    tests: Vec<[String; 2]>,
    having: String,
    logs: Option<Logs>,
    pub(in crate::act::remote) params: Vec<(String, String)>,
}

impl Selection {
    pub(in crate::act::remote) fn new(
        evidence: &Evidence,
        [since, until]: [Nanos; 2],
        logs: Option<Logs>,
    ) -> Selection {
        let mut selection = Selection {
            tests: Vec::new(),
            having: String::new(),
            logs,
            params: vec![
                ("t0".to_owned(), since.saturating_sub(AROUND).to_string()),
                ("t1".to_owned(), until.saturating_add(AROUND).to_string()),
            ],
        };
        selection.having = selection.of(evidence);
        selection
    }

    /// A condition on the marks of a run; each test becomes a mark `fN`.
    fn of(&mut self, evidence: &Evidence) -> String {
        match evidence {
            Evidence::Anything => "1".to_owned(),
            Evidence::Fact(fact) => {
                let test = self.test(fact);
                self.tests.push(test);
                format!("max(f{})", self.tests.len() - 1)
            }
            Evidence::All(parts) | Evidence::Any(parts) => {
                let word = match evidence {
                    Evidence::All(_) => " AND ",
                    _ => " OR ",
                };
                let parts: Vec<String> = parts.iter().map(|part| self.of(part)).collect();
                format!("({})", parts.join(word))
            }
        }
    }

    fn test(&mut self, fact: &Fact) -> [String; 2] {
        match fact {
            Fact::Text { text, any_case, .. } => {
                let name = self.param(text.clone());
                let value = format!("{{{name}:String}}");
                let named = self.logs.is_some_and(|logs| logs.has_names);
                let of_logs = if named { NAMED_LOGS } else { LOGS };
                [SPANS, of_logs].map(|columns| needle(columns, &value, *any_case))
            }
            Fact::Failure => [FAILURE.to_owned(), LOGGED_FAILURE.to_owned()],
            Fact::Run { id, .. } => {
                let name = self.param(id.clone());
                let id = format!("{{{name}:String}}");
                ["SpanAttributes", "LogAttributes"].map(|map| {
                    let Joins {
                        thread,
                        conversation,
                        session,
                    } = Joins::of_map(map);
                    // `:` ignores case.
                    let is = |value: &str| format!("lowerUTF8({value}) = lowerUTF8({id})");
                    ["TraceId", &thread, &conversation, &session]
                        .map(is)
                        .join(" OR ")
                })
            }
            Fact::Since(time) => {
                let nanos = time.get().unwrap_or(0).saturating_mul(1_000);
                let name = self.param(nanos.to_string());
                let span = format!(
                    "Timestamp >= fromUnixTimestamp64Nano({{{name}:Int64}} - {AROUND}) AND toUnixTimestamp64Nano(Timestamp) + toInt64(Duration) >= {{{name}:Int64}}"
                );
                let log = format!("Timestamp >= fromUnixTimestamp64Nano({{{name}:Int64}})");
                [span, log]
            }
        }
    }

    fn param(&mut self, value: String) -> String {
        let name = format!("n{}", self.params.len());
        self.params.push((name.clone(), value));
        name
    }

    /// A query for the ids of the traces of the chosen runs.
    pub(in crate::act::remote) fn sql(&self, table: &str, joins: &Joins) -> String {
        let mut keys = joined(table, joins);
        let mut hits = self.hits(table, 0);
        if self.logs.is_some() {
            let of_logs = Joins::of_map("LogAttributes");
            keys = format!("{keys}\n    UNION ALL\n{}", joined(logs::TABLE, &of_logs));
            hits = format!("{hits}\n    UNION ALL\n{}", self.hits(logs::TABLE, 1));
        }
        let having = &self.having;
        format!(
            "WITH keyed AS (\n  SELECT TraceId, arrayJoin(multiIf(notEmpty(th), th, notEmpty(co), co, notEmpty(se), se, [TraceId])) AS run_key\n  \
             FROM (\n    SELECT TraceId, groupUniqArrayIf(t, t != '') AS th, groupUniqArrayIf(c, c != '') AS co, \
             groupUniqArrayIf(s, s != '') AS se\n    FROM (\n{keys})\n    GROUP BY TraceId)),\n\
             hit AS (\n{hits})\n\
             SELECT TraceId FROM keyed WHERE run_key IN (\n  SELECT run_key FROM hit INNER JOIN keyed USING TraceId GROUP BY run_key HAVING {having})"
        )
    }

    /// The traces with a record of a table that passes any test, and which tests those are.
    fn hits(&self, table: &str, which: usize) -> String {
        let tests: Vec<String> = self
            .tests
            .iter()
            .map(|of| format!("({})", of[which]))
            .collect();
        let marks = tests.iter().enumerate();
        let marks = marks.map(|(at, test)| format!("max({test}) AS f{at}"));
        let (marks, any) = (
            marks.collect::<Vec<String>>().join(",\n      "),
            tests.join("\n      OR "),
        );
        format!(
            "    SELECT TraceId,\n      {marks}\n    FROM {table}\n    WHERE {WITHIN}\n      AND ({any})\n    GROUP BY TraceId"
        )
    }
}

const WITHIN: &str = "Timestamp >= fromUnixTimestamp64Nano({t0:Int64}) AND Timestamp < fromUnixTimestamp64Nano({t1:Int64})";

/// What joins the traces of a table's records.
fn joined(table: &str, joins: &Joins) -> String {
    let Joins {
        thread,
        conversation,
        session,
    } = joins;
    format!(
        "    SELECT TraceId, {thread} AS t, {conversation} AS c, {session} AS s FROM {table} WHERE {WITHIN}"
    )
}

/// Where a table has texts, besides [`COMMON`] and the attributes of the resource.
#[derive(Debug, Clone, Copy)]
struct Columns {
    texts: &'static [&'static str],
    name: Option<&'static str>,
    attributes: &'static str,
    /// The names and attributes of events.
    has_events: bool,
}

const COMMON: [&str; 4] = ["ServiceName", "ScopeName", "SpanId", "TraceId"];

const SPANS: Columns = Columns {
    name: Some("SpanName"),
    texts: &["StatusMessage"],
    attributes: "SpanAttributes",
    has_events: true,
};

const LOGS: Columns = Columns {
    name: None,
    texts: &["Body", "SeverityText"],
    attributes: "LogAttributes",
    has_events: false,
};

const NAMED_LOGS: Columns = Columns {
    name: Some("EventName"),
    ..LOGS
};

/// A text in a name or a value of a record, its resource or its events.
fn needle(columns: Columns, value: &str, any_case: bool) -> String {
    let find = if any_case {
        "positionCaseInsensitive"
    } else {
        "position"
    };
    let in_map = |map: &str| {
        format!(
            "arrayExists(x -> {find}(x, {value}) > 0, arrayConcat(mapKeys({map}), mapValues({map})))"
        )
    };
    let texts = columns.texts.iter().chain(&COMMON).chain(&columns.name);
    let mut all: Vec<String> = texts
        .map(|column| format!("{find}({column}, {value}) > 0"))
        .collect();
    all.extend([columns.attributes, "ResourceAttributes"].map(in_map));
    if columns.has_events {
        all.push(format!(
            "arrayExists(x -> {find}(x, {value}) > 0, `Events.Name`)"
        ));
        let of_event = in_map("e");
        all.push(format!("arrayExists(e -> {of_event}, `Events.Attributes`)"));
    }
    all.join(" OR ")
}

const FAILURE: &str = "toString(StatusCode) IN ('Error', 'STATUS_CODE_ERROR') OR has(`Events.Name`, 'exception') \
     OR mapContains(SpanAttributes, 'error.type') OR SpanAttributes['langfuse.observation.level'] = 'ERROR' \
     OR SpanAttributes['success'] = 'false' OR arrayExists(x -> position(x, 'is_error') > 0, \
     arrayConcat(mapKeys(SpanAttributes), mapValues(SpanAttributes)))";

/// Programs name failures in many ways.
const LOGGED_FAILURE: &str = "LogAttributes['success'] = 'false' OR arrayExists(x -> positionCaseInsensitive(x, 'error') > 0 \
     OR positionCaseInsensitive(x, 'fail') > 0 OR positionCaseInsensitive(x, 'exception') > 0, \
     arrayConcat([Body], mapKeys(LogAttributes), mapValues(LogAttributes)))";

/// What joins traces into runs, as expressions of a span's row.
#[derive(Debug)]
pub(in crate::act::remote) struct Joins {
    pub(in crate::act::remote) thread: String,
    pub(in crate::act::remote) conversation: String,
    pub(in crate::act::remote) session: String,
}

impl Joins {
    /// From the attributes, as the reader takes them.
    pub(in crate::act::remote) fn of_attributes() -> Joins {
        Joins::of_map("SpanAttributes")
    }

    fn of_map(map: &str) -> Joins {
        Joins {
            thread: first(map, THREAD, THREAD_IN_METADATA),
            conversation: first(map, CONVERSATION, CONVERSATION_IN_METADATA),
            session: first(map, SESSION, SESSION_IN_METADATA),
        }
    }

    /// From the columns that `fleet ddl --accelerate` adds; none if the table lacks one.
    pub(in crate::act::remote) fn of_columns(columns: &[&str]) -> Option<Joins> {
        let found = |name: &str| columns.contains(&name).then(|| name.to_owned());
        let [thread, conversation, session] = ACCELERATING;
        Some(Joins {
            thread: found(thread)?,
            conversation: found(conversation)?,
            session: found(session)?,
        })
    }
}

/// Columns that hold the joins, computed once by the engine.
pub(in crate::act::remote) const ACCELERATING: [&str; 3] =
    ["saferun_thread", "saferun_conversation", "saferun_session"];

/// The first of some attributes that is set, as the reader takes it.
fn first(map: &str, attributes: &[&str], members: &[&str]) -> String {
    let own = attributes
        .iter()
        .map(|name| format!("nullIf({map}['{name}'], '')"));
    let inside = members
        .iter()
        .map(|name| format!("nullIf(JSONExtractString({map}['metadata'], '{name}'), '')"));
    let all: Vec<String> = own.chain(inside).collect();
    format!("coalesce({}, '')", all.join(", "))
}
