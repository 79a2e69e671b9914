//! The SQL that selects the traces of runs by what a filter needs from their spans.
//!
//! `and` is an intersection of runs, never of tests on one span: what an action shows may come from several spans.

use super::super::record::{HOUR, Nanos};
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
    tests: Vec<String>,
    having: String,
    pub(in crate::act::remote) params: Vec<(String, String)>,
}

impl Selection {
    pub(in crate::act::remote) fn new(
        evidence: &Evidence,
        since: Nanos,
        until: Nanos,
    ) -> Selection {
        let mut selection = Selection {
            tests: Vec::new(),
            having: String::new(),
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

    fn test(&mut self, fact: &Fact) -> String {
        match fact {
            Fact::Text { text, any_case } => {
                let name = self.param(text.clone());
                needle(&format!("{{{name}:String}}"), *any_case)
            }
            Fact::Failure => FAILURE.to_owned(),
            Fact::Run(id) => {
                let name = self.param(id.clone());
                let id = format!("{{{name}:String}}");
                let Joins {
                    thread,
                    conversation,
                    session,
                } = Joins::of_attributes();
                // `:` ignores case.
                let is = |value: &str| format!("lowerUTF8({value}) = lowerUTF8({id})");
                ["TraceId", &thread, &conversation, &session]
                    .map(is)
                    .join(" OR ")
            }
            Fact::Since(time) => {
                let nanos = time.get().unwrap_or(0).saturating_mul(1_000);
                let name = self.param(nanos.to_string());
                format!(
                    "Timestamp >= fromUnixTimestamp64Nano({{{name}:Int64}} - {AROUND}) AND toUnixTimestamp64Nano(Timestamp) + toInt64(Duration) >= {{{name}:Int64}}"
                )
            }
        }
    }

    fn param(&mut self, value: String) -> String {
        let name = format!("n{}", self.params.len());
        self.params.push((name.clone(), value));
        name
    }

    /// A query for the ids of the traces of the chosen runs.
    pub(in crate::act::remote) fn sql(&self, (table, joins): (&str, &Joins)) -> String {
        let within = "Timestamp >= fromUnixTimestamp64Nano({t0:Int64}) AND Timestamp < fromUnixTimestamp64Nano({t1:Int64})";
        let tests: Vec<String> = self.tests.iter().map(|test| format!("({test})")).collect();
        let marks: Vec<String> = tests
            .iter()
            .enumerate()
            .map(|(at, test)| format!("max({test}) AS f{at}"))
            .collect();
        let any = tests.join("\n      OR ");
        let Joins {
            thread,
            conversation,
            session,
        } = joins;
        let (marks, having) = (marks.join(",\n      "), &self.having);
        format!(
            "WITH keyed AS (\n  SELECT TraceId, arrayJoin(multiIf(notEmpty(th), th, notEmpty(co), co, notEmpty(se), se, [TraceId])) AS run_key\n  \
             FROM (\n    SELECT TraceId, groupUniqArrayIf({thread}, {thread} != '') AS th, groupUniqArrayIf({conversation}, {conversation} != '') AS co,\n      \
             groupUniqArrayIf({session}, {session} != '') AS se\n    FROM {table}\n    WHERE {within}\n    GROUP BY TraceId)),\n\
             hit AS (\n    SELECT TraceId,\n      {marks}\n    FROM {table}\n    WHERE {within}\n      AND ({any})\n    GROUP BY TraceId)\n\
             SELECT TraceId FROM keyed WHERE run_key IN (\n  SELECT run_key FROM hit INNER JOIN keyed USING TraceId GROUP BY run_key HAVING {having})"
        )
    }
}

/// A text in a name or a value of a span, its resource or its events.
fn needle(value: &str, any_case: bool) -> String {
    let find = if any_case {
        "positionCaseInsensitive"
    } else {
        "position"
    };
    let in_column = |column: &str| format!("{find}({column}, {value}) > 0");
    let in_map = |map: &str| {
        format!(
            "arrayExists(x -> {find}(x, {value}) > 0, arrayConcat(mapKeys({map}), mapValues({map})))"
        )
    };
    let columns = [
        "SpanName",
        "StatusMessage",
        "ServiceName",
        "ScopeName",
        "SpanId",
        "TraceId",
    ]
    .map(in_column);
    let maps = ["SpanAttributes", "ResourceAttributes"].map(in_map);
    let events = format!("arrayExists(e -> {}, `Events.Attributes`)", in_map("e"));
    let names = format!("arrayExists(x -> {find}(x, {value}) > 0, `Events.Name`)");
    let all: Vec<String> = columns
        .into_iter()
        .chain(maps)
        .chain([names, events])
        .collect();
    all.join(" OR ")
}

const FAILURE: &str = "toString(StatusCode) IN ('Error', 'STATUS_CODE_ERROR') OR has(`Events.Name`, 'exception') \
     OR mapContains(SpanAttributes, 'error.type') OR SpanAttributes['langfuse.observation.level'] = 'ERROR' \
     OR SpanAttributes['success'] = 'false' OR arrayExists(x -> position(x, 'is_error') > 0, \
     arrayConcat(mapKeys(SpanAttributes), mapValues(SpanAttributes)))";

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
        Joins {
            thread: first(THREAD, THREAD_IN_METADATA),
            conversation: first(CONVERSATION, CONVERSATION_IN_METADATA),
            session: first(SESSION, SESSION_IN_METADATA),
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
fn first(attributes: &[&str], members: &[&str]) -> String {
    let own = attributes
        .iter()
        .map(|name| format!("nullIf(SpanAttributes['{name}'], '')"));
    let inside = members
        .iter()
        .map(|name| format!("nullIf(JSONExtractString(SpanAttributes['metadata'], '{name}'), '')"));
    let all: Vec<String> = own.chain(inside).collect();
    format!("coalesce({}, '')", all.join(", "))
}
