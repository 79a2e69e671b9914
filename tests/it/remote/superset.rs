//! Selecting runs elsewhere must not lose any: of random runs and random filters, each run that the filter keeps has
//! spans that meet the conditions sent to the engine. The conditions are tested as the engine tests them.

use std::cell::Cell;
use std::fmt::Write as _;

use proptest::prelude::{Strategy, any, prop};
use proptest::test_runner::TestRunner;
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::model::quantity::Time;
use saferun_tui::query::evidence::{self, Evidence, Fact};
use saferun_tui::query::{Context, parse, runs};
use serde_json::{Value, json};

use crate::properties::config;
use crate::support::load;

/// Texts with what encodings and comparisons change: letters that fold to others, quotes, escapes, long words.
const WORDS: &[&str] = &[
    "issue_refund",
    "web-search",
    "Lookup",
    "A-1047",
    "L'Étranger « 2 »",
    "\u{212a}elvin task",
    "a \"quoted\" word\nand a line",
    "C:\\temp\\x",
    "<b>bold & brave</b>",
    "über-straße",
    "failed to waive the fine",
    "1500",
    "3,20 €",
    "true",
    "permission denied by maria",
];
const MODELS: &[&str] = &["gpt-5-mini", "Claude-Opus-4.1", "qwen3:32b"];
const NAMES: &[&str] = &["desk", "Reader-88", "prod", "1.4.0"];

#[derive(Debug, Clone)]
enum Step {
    Model {
        model: &'static str,
        prompt: &'static str,
        answer: &'static str,
    },
    Tool {
        tool: &'static str,
        value: &'static str,
        amount: u32,
        result: &'static str,
        failure: Failure,
    },
}

#[derive(Debug, Clone, Copy)]
enum Failure {
    None,
    Status,
    Kind,
    Exception,
}

/// What joins the traces of a run.
#[derive(Debug, Clone, Copy)]
enum Join {
    Thread,
    Conversation,
    Session,
    /// A trace of its own.
    None,
}

#[derive(Debug, Clone)]
struct Run {
    join: Join,
    traces: Vec<Vec<Step>>,
    name: &'static str,
    /// JSON inside strings is written with escapes.
    is_escaped: bool,
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(WORDS)
}

fn step() -> impl Strategy<Value = Step> {
    let model = (prop::sample::select(MODELS), word(), word());
    let model = model.prop_map(|(model, prompt, answer)| Step::Model {
        model,
        prompt,
        answer,
    });
    let failure = prop::sample::select(&[
        Failure::None,
        Failure::Status,
        Failure::Kind,
        Failure::Exception,
    ]);
    let tool = (word(), word(), 100..2000_u32, word(), failure);
    let tool = tool.prop_map(|(tool, value, amount, result, failure)| Step::Tool {
        tool,
        value,
        amount,
        result,
        failure,
    });
    proptest::prop_oneof![1 => model, 2 => tool]
}

fn run() -> impl Strategy<Value = Run> {
    let join = prop::sample::select(&[Join::Thread, Join::Conversation, Join::Session, Join::None]);
    let traces = prop::collection::vec(prop::collection::vec(step(), 1..4), 1..3);
    let name = prop::sample::select(NAMES);
    (join, traces, name, any::<bool>()).prop_map(|(join, mut traces, name, is_escaped)| {
        if matches!(join, Join::None) {
            traces.truncate(1);
        }
        Run {
            join,
            traces,
            name,
            is_escaped,
        }
    })
}

fn term() -> impl Strategy<Value = String> {
    let quoted = |word: &str| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
    let field = prop::sample::select(&[
        "tool:",
        "",
        "text:",
        "error:",
        "args.order:",
        "args.",
        "result.status:",
        "agent:",
        "user:",
        "env:",
        "service:",
        "release:",
        "tool=",
        "args.order=",
        "result:",
        "args:",
        "label.team:",
    ]);
    let long = WORDS.iter().chain(NAMES).copied().collect::<Vec<_>>();
    let parts = (any::<bool>(), 0..6_usize, 0..6);
    let of_word = (field, prop::sample::select(long), parts).prop_map(
        move |(field, word, (is_part, at, case))| {
            let parts: Vec<&str> = word.split_whitespace().collect();
            let part = if is_part {
                parts[at % parts.len()]
            } else {
                word
            };
            match field {
                "args." => format!("args.amount:{}", 100 + at * 300),
                field => {
                    let part = match case {
                        0 => part.to_lowercase(),
                        1 => part.to_uppercase(),
                        _ => part.to_owned(),
                    };
                    format!("{field}{}", quoted(&part))
                }
            }
        },
    );
    let model = prop::sample::select(MODELS).prop_map(|it| format!("model:\"{it}\""));
    let lower =
        prop::sample::select(MODELS).prop_map(|it| format!("model:\"{}\"", it.to_lowercase()));
    let run = (0..4_usize, any::<bool>()).prop_map(|(at, is_lower)| {
        let id = if at == 3 { trace_id(0, 0) } else { joined(at) };
        format!("run:{}", if is_lower { id.to_lowercase() } else { id })
    });
    let since = (0..60_i64).prop_map(|hours| {
        format!(
            "since:{}",
            jiff::Timestamp::from_second(BEGAN + hours * 3600).expect("a time")
        )
    });
    let others = prop::sample::select(&[
        "is:error",
        "status:error",
        "kind:tool",
        "latency>1s",
        "has:args.order",
        "tokens>10",
        "provider:openai",
        "tool:*refund",
        "tool:web*",
        "/refund|waive/",
        "is:(error|retry)",
        "model:(gpt-5-mini|qwen*)",
    ]);
    proptest::prop_oneof![
        6 => of_word,
        1 => model,
        1 => lower,
        1 => run,
        1 => since,
        3 => others.prop_map(str::to_owned),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    let term =
        (term(), 0..8).prop_map(|(term, not)| if not == 0 { format!("-{term}") } else { term });
    term.prop_recursive(2, 5, 2, |inner| {
        (inner.clone(), inner, any::<bool>()).prop_map(|(a, b, or)| {
            if or {
                format!("({a} OR {b})")
            } else {
                format!("({a} {b})")
            }
        })
    })
}

/// 2026-11-22T13:33:20Z, in seconds.
const BEGAN: i64 = 1_795_354_400;

fn joined(run: usize) -> String {
    format!("Chat-{run}")
}

fn trace_id(run: usize, trace: usize) -> String {
    format!("{:032X}", 0x0a0b_0000 + run * 16 + trace)
}

/// A span as the engine holds it: names and values as texts.
#[derive(Debug, Clone)]
struct Span {
    run: String,
    trace: String,
    start: i64,
    end: i64,
    name: String,
    attributes: Vec<(&'static str, String)>,
    resource: Vec<(&'static str, String)>,
    failure: Failure,
}

/// All but ASCII letters and digits as escapes.
fn escaped(json: &str) -> String {
    let mut out = String::new();
    for c in json.chars() {
        let is_changed = !c.is_ascii() || matches!(c, '<' | '>' | '&' | '\'' | '+');
        if is_changed && u32::from(c) <= 0xffff {
            write!(out, "\\u{:04x}", u32::from(c)).expect("a text");
        } else {
            out.push(c);
        }
    }
    out
}

fn spans(story: &[Run]) -> Vec<Span> {
    let mut all = Vec::new();
    for (number, run) in story.iter().enumerate() {
        let mut start = BEGAN + number as i64 * 40 * 3600;
        for (trace, steps) in run.traces.iter().enumerate() {
            let id = trace_id(number, trace);
            for step in steps {
                let mut span = span_of(step, run.is_escaped);
                (span.start, span.end) = (start, start + 2);
                start += 5;
                let join = match run.join {
                    Join::Thread => Some("thread_id"),
                    Join::Conversation => Some("gen_ai.conversation.id"),
                    Join::Session => Some("session.id"),
                    Join::None => None,
                };
                span.attributes
                    .extend(join.map(|name| (name, joined(number))));
                span.attributes.push(("user.id", run.name.to_owned()));
                span.run = join.map_or_else(|| id.clone(), |_| joined(number));
                span.trace.clone_from(&id);
                let names = [
                    "service.name",
                    "service.version",
                    "deployment.environment.name",
                ];
                span.resource = names.map(|name| (name, run.name.to_owned())).to_vec();
                all.push(span);
            }
        }
    }
    all
}

fn span_of(step: &Step, is_escaped: bool) -> Span {
    let text = |value: &Value| {
        let text = value.to_string();
        if is_escaped { escaped(&text) } else { text }
    };
    let (name, attributes, failure) = match step {
        Step::Model {
            model,
            prompt,
            answer,
        } => {
            let message = |role: &str, said: &str| {
                text(&json!([{"role": role, "parts": [{"type": "text", "content": said}]}]))
            };
            let attributes = vec![
                ("gen_ai.operation.name", "chat".to_owned()),
                ("gen_ai.provider.name", "openai".to_owned()),
                ("gen_ai.request.model", (*model).to_owned()),
                ("gen_ai.input.messages", message("user", prompt)),
                ("gen_ai.output.messages", message("assistant", answer)),
            ];
            (format!("chat {model}"), attributes, Failure::None)
        }
        Step::Tool {
            tool,
            value,
            amount,
            result,
            failure,
        } => {
            let mut attributes = vec![
                ("gen_ai.operation.name", "execute_tool".to_owned()),
                ("gen_ai.tool.name", (*tool).to_owned()),
                (
                    "gen_ai.tool.call.arguments",
                    text(&json!({"order": value, "amount": amount})),
                ),
                ("gen_ai.tool.call.result", text(&json!({"status": result}))),
            ];
            if matches!(failure, Failure::Kind) {
                attributes.push(("error.type", (*result).to_owned()));
            }
            (format!("execute_tool {tool}"), attributes, *failure)
        }
    };
    Span {
        run: String::new(),
        trace: String::new(),
        start: 0,
        end: 0,
        name,
        attributes,
        resource: Vec::new(),
        failure,
    }
}

impl Span {
    fn otlp(&self, at: usize) -> Value {
        let list = |all: &[(&str, String)]| -> Value {
            let each = all.iter();
            each.map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
                .collect()
        };
        let nanos = |seconds: i64| format!("{seconds}000000000");
        let status = match self.failure {
            Failure::Status => json!({"code": 2, "message": self.message()}),
            Failure::None | Failure::Kind | Failure::Exception => json!({ "code": 0 }),
        };
        let events = match self.failure {
            Failure::Exception => json!([{
                "name": "exception", "timeUnixNano": nanos(self.end),
                "attributes": list(&[("exception.message", self.message().to_owned())]),
            }]),
            Failure::None | Failure::Kind | Failure::Status => json!([]),
        };
        json!({"resourceSpans": [{
            "resource": {"attributes": list(&self.resource)},
            "scopeSpans": [{"scope": {"name": "desk"}, "spans": [{
                "traceId": self.trace, "spanId": format!("{at:016x}"), "name": self.name, "kind": 1,
                "startTimeUnixNano": nanos(self.start), "endTimeUnixNano": nanos(self.end),
                "attributes": list(&self.attributes), "events": events, "status": status,
            }]}],
        }]})
    }

    fn message(&self) -> &str {
        &self.resource[0].1
    }

    /// Whether one of the texts of the span passes.
    fn any_text(&self, passes: &dyn Fn(&str) -> bool) -> bool {
        let mut pairs = self.attributes.iter().chain(&self.resource);
        passes(&self.name)
            || passes(&self.trace)
            || matches!(self.failure, Failure::Status | Failure::Exception)
                && passes(self.message())
            || pairs.any(|(name, value)| passes(name) || passes(value))
    }

    fn meets(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Text {
                text,
                any_case: true,
                ..
            } => self.any_text(&|it| it.to_ascii_lowercase().contains(&text.to_ascii_lowercase())),
            Fact::Text {
                text,
                any_case: false,
                ..
            } => self.any_text(&|it| it.contains(text)),
            Fact::Failure => {
                !matches!(self.failure, Failure::None)
                    || self.any_text(&|it| it.contains("is_error"))
            }
            Fact::Run { id, .. } => {
                self.run.to_lowercase() == id.to_lowercase() || self.trace.eq_ignore_ascii_case(id)
            }
            Fact::Since(time) => {
                let since = time.get().expect("a time") / 1_000_000;
                self.start >= since - 24 * 3600 && self.end >= since
            }
        }
    }
}

/// The parts of a conjunction may be met by different spans of the run.
fn holds(evidence: &Evidence, spans: &[&Span]) -> bool {
    match evidence {
        Evidence::Anything => true,
        Evidence::Fact(fact) => spans.iter().any(|span| span.meets(fact)),
        Evidence::All(parts) => parts.iter().all(|part| holds(part, spans)),
        Evidence::Any(parts) => parts.iter().any(|part| holds(part, spans)),
    }
}

#[test]
fn no_run_that_a_filter_keeps_lacks_the_evidence_that_is_pushed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spans.jsonl");
    let (kept, selected) = (Cell::new(0), Cell::new(0));
    let context = Context {
        now: Time((BEGAN + 200 * 3600) * 1_000_000),
        ..Context::default()
    };
    let stories = prop::collection::vec(run(), 1..4);
    let filters = prop::collection::vec(filter(), 24);
    let cases = (stories, filters);
    let mut runner = TestRunner::new(config(64));
    let tested = runner.run(&cases, |(story, filters)| {
        let spans = spans(&story);
        let lines = spans.iter().enumerate();
        let lines: Vec<String> = lines.map(|(at, span)| span.otlp(at).to_string()).collect();
        std::fs::write(&path, lines.join("\n")).expect("written");
        let store = load(std::slice::from_ref(&path));
        for filter in &filters {
            let expr = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
            let evidence = evidence::of(&expr, &context);
            for ix in runs::runs(&store, &expr, &context, &CancelFlag::new()) {
                let id = &store.run(ix).id;
                let of_run: Vec<&Span> = spans
                    .iter()
                    .filter(|span| span.run.eq_ignore_ascii_case(id))
                    .collect();
                assert!(!of_run.is_empty(), "no spans of {id}");
                kept.set(kept.get() + 1);
                selected.set(selected.get() + usize::from(evidence != Evidence::Anything));
                assert!(
                    holds(&evidence, &of_run),
                    "{filter} keeps {id}, which lacks {evidence}"
                );
            }
        }
        Ok(())
    });
    if let Err(error) = tested {
        panic!("{error}");
    }
    let (kept, selected) = (kept.get(), selected.get());
    assert!(kept > 300 && selected > 100, "{selected} of {kept}");
}
