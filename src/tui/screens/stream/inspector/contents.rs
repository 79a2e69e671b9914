//! The contents of each tab of the inspector.

use std::borrow::Cow;

use serde_json::Value;

use crate::analysis::changes;
use crate::analysis::edits::{self, Edit};
use crate::base::{human, text};
use crate::ingest::body::{ApprovalText, Body, DecisionText};
use crate::ingest::json::value_head;
use crate::ingest::records;
use crate::model::action::{Flags, Kind, Place, Status, Verdict};
use crate::model::outcome::AttachedKind;
use crate::model::quantity::Tokens;
use crate::store::bodies::{self, GLANCE};
use crate::store::row::Row;
use crate::tui::screens::stream::inspector::Tab;
use crate::tui::screens::stream::inspector::document::{Document, Unread};
use crate::tui::screens::stream::rows::{self, Numbers, condition};
use crate::tui::widgets::outline::build::{Builder, Named, New};
use crate::tui::widgets::outline::json::Remarks;
use crate::tui::widgets::outline::{Form, Outline, diff, json, markdown};
use crate::tui::widgets::tone::{Line, Tone};

/// The chosen tab where the action has it, else the one that tells how the action came out, else the
/// first that has something to show.
pub(super) fn effective(chosen: Option<Tab>, row: &Row<'_>, body: &Body) -> Tab {
    let has = |tab: &Tab| match tab {
        Tab::Args => body.args.is_some(),
        Tab::Result => body.result.is_some(),
        Tab::Text => body.text.is_some() || body.error.is_some(),
        Tab::Policy => row.attached().len() > 0,
        Tab::Raw => true,
    };
    let failed = |tab: &Tab| *tab == Tab::Result && body.error.is_some();
    let outcome_tab = Some(outcome_tab(row)).filter(|tab| has(tab) || failed(tab));
    let first = || Tab::ALL.iter().copied().find(&has);
    chosen
        .filter(&has)
        .or(outcome_tab)
        .or_else(first)
        .unwrap_or(Tab::Raw)
}

/// The tab that shows the outcome.
fn outcome_tab(row: &Row<'_>) -> Tab {
    match (row.kind(), row.status()) {
        (Kind::Malformed, _) => Tab::Raw,
        (Kind::PolicyDecision | Kind::Approval, _)
        | (Kind::ToolCall | Kind::Unknown, Status::Blocked | Status::Denied) => Tab::Policy,
        (
            Kind::Prompt
            | Kind::Response
            | Kind::Reasoning
            | Kind::Note
            | Kind::Error
            | Kind::RunStart
            | Kind::RunEnd,
            _,
        ) => Tab::Text,
        (Kind::ToolCall | Kind::Unknown, Status::Pending) if row.flags().has(Flags::WAITING) => {
            Tab::Policy
        }
        (Kind::ToolCall | Kind::Unknown, Status::Error | Status::Timeout) => Tab::Result,
        (
            Kind::ToolCall | Kind::Unknown,
            Status::Unrecorded | Status::Ok | Status::Pending | Status::Cancelled,
        ) => Tab::Args,
    }
}

/// The rows of a tab.
pub(super) fn outline(tab: Tab, row: &Row<'_>, document: &Document) -> Outline {
    let root = match tab {
        Tab::Args => Some("$.args"),
        Tab::Result => Some("$.result"),
        Tab::Raw => Some("$"),
        Tab::Text | Tab::Policy => None,
    };
    let mut builder = Builder::new(root, document.bounds.limits);
    let body = &*document.body;
    match tab {
        Tab::Args => args(body, &mut builder),
        Tab::Result => result(row, body, &mut builder),
        Tab::Text => text_of(body, &mut builder),
        Tab::Policy => policy(row, body, &mut builder),
        Tab::Raw => raw(row, document, &mut builder),
    }
    match document.unread {
        Some(Unread::Yet(bytes)) => {
            builder.more(&format!("{} are not read yet", human::bytes(bytes)));
        }
        Some(Unread::Ever(bytes)) => {
            let words = format!(
                "{} more are not opened: too large for the memory of most machines",
                human::bytes(bytes)
            );
            say(&mut builder, Tone::Waiting, &words);
        }
        None => {}
    }
    builder.finish()
}

/// A line that is not a value.
fn say(builder: &mut Builder, tone: Tone, words: &str) {
    builder.push(New {
        tone,
        ..New::section(words)
    });
}

/// A line with rows below it.
fn open(builder: &mut Builder, tone: Tone, words: &str) {
    builder.open(New {
        tone,
        ..New::section(words)
    });
}

/// The arguments, after the changes of an edit; the texts that the edit consists of are folded.
fn args(body: &Body, builder: &mut Builder) {
    let Some(args) = &body.args else {
        return say(builder, Tone::Faint, "no arguments recorded");
    };
    let found = edits::find(args);
    for edit in &found.all {
        change(edit, found.file, builder);
    }
    // A call whose only argument is a patch has no other arguments.
    if args.is_string() && !found.all.is_empty() {
        return;
    }
    let remarks = Remarks {
        notes: hits(body),
        folded: found.paths,
    };
    json::value(builder, args, &remarks);
}

fn change(edit: &Edit<'_>, file: Option<&str>, builder: &mut Builder) {
    match edit {
        Edit::Replaced { old, new } => {
            let (came, went) = changes::count(old, new);
            let file = file.unwrap_or("the text");
            open(builder, Tone::Strong, &format!("{file}  +{came} -{went}"));
            diff::texts(builder, old, new);
            builder.close();
        }
        Edit::Patch(patch) => diff::patch(builder, patch),
    }
}

/// The arguments that a policy matched, by path, and the condition they met.
fn hits(body: &Body) -> Vec<(String, String)> {
    let mut hits = Vec::new();
    for decision in &body.decisions {
        let name = [&decision.policy, &decision.rule];
        let name: Vec<&str> = name.into_iter().flatten().map(String::as_str).collect();
        for matched in &decision.matched {
            let path = matched.path.trim_start_matches("$.");
            let Some(path) = path.strip_prefix("args.") else {
                continue;
            };
            let wanted = matched.value.as_ref().map(ToString::to_string);
            let condition = format!("{} {}", matched.op, wanted.unwrap_or_default());
            hits.push((
                path.to_owned(),
                format!("<- {}: {}", name.join(" "), condition.trim()),
            ));
        }
    }
    hits
}

fn result(row: &Row<'_>, body: &Body, builder: &mut Builder) {
    match (&body.result, row.status()) {
        (Some(result), _) => json::value(builder, result, &Remarks::default()),
        (None, Status::Blocked | Status::Denied) => {
            say(builder, Tone::Faint, "no result: cancelled before it ran");
        }
        (None, Status::Pending) => say(builder, Tone::Faint, "no result yet"),
        (None, _) => say(builder, Tone::Faint, "no result recorded"),
    }
    if let Some(seen) = &body.seen {
        open(builder, Tone::Waiting, "what the model saw instead");
        builder.lines(Tone::Plain, seen);
        builder.close();
    }
    // Some formats report an error only in the text of the result: it is read once.
    let shown = body.result.as_ref().and_then(Value::as_str);
    if body
        .error
        .as_ref()
        .is_none_or(|error| shown.map(str::trim) != Some(error.message.trim()))
    {
        error(body, builder);
    }
}

fn text_of(body: &Body, builder: &mut Builder) {
    match (&body.text, &body.error) {
        (Some(content), _) => markdown::text(builder, content),
        (None, None) => say(builder, Tone::Faint, "no text recorded"),
        (None, Some(_)) => {}
    }
    error(body, builder);
    if body.labels.is_empty() {
        return;
    }
    open(builder, Tone::Faint, "labels");
    for (name, value) in &body.labels {
        builder.push(New {
            form: Form::Scalar,
            key: Named::Key(name),
            hang: 12,
            ..New::line(Tone::Plain, value)
        });
    }
    builder.close();
}

fn error(body: &Body, builder: &mut Builder) {
    let Some(error) = &body.error else { return };
    let kind = error.kind.as_deref().unwrap_or_default();
    open(builder, Tone::Bad, format!("error {kind}").trim());
    builder.lines(Tone::Plain, &error.message);
    if let Some(stack) = &error.stack {
        builder.lines(Tone::Faint, stack);
    }
    builder.close();
}

fn policy(row: &Row<'_>, body: &Body, builder: &mut Builder) {
    let (mut decisions, mut approvals) = (body.decisions.iter(), body.approvals.iter());
    for (attached, sub) in row.attached().zip(rows::attached(row, body)) {
        open(builder, sub.tone, &sub.text);
        match attached.kind {
            AttachedKind::Decision => decisions
                .next()
                .into_iter()
                .for_each(|recorded| conditions(recorded, builder)),
            AttachedKind::Approval => approvals.next().into_iter().for_each(|recorded| {
                answer(recorded, attached.verdict, body.args.as_ref(), builder);
            }),
        }
        builder.close();
    }
    if row.attached().len() == 0 {
        say(
            builder,
            Tone::Faint,
            "no policy decision and no approval recorded",
        );
    }
}

fn conditions(recorded: &DecisionText, builder: &mut Builder) {
    for matched in &recorded.matched {
        let words = format!("when {} ({})", condition(matched), matched.path);
        builder.push(New::line(Tone::Plain, &words));
    }
    for (name, value) in [("mode", &recorded.mode), ("reason", &recorded.reason)] {
        if let Some(value) = value {
            builder.push(New::line(Tone::Plain, &format!("{name} {value}")));
        }
    }
}

/// The arguments shown to the approver, each followed by the call's value if it differs.
fn answer(recorded: &ApprovalText, verdict: Verdict, asked: Option<&Value>, builder: &mut Builder) {
    let Some(args) = &recorded.args else { return };
    let asks = matches!(verdict, Verdict::Requested | Verdict::RequireApproval);
    let lead = if asks {
        "shown to the person:"
    } else {
        "decided on:"
    };
    open(builder, Tone::Faint, lead);
    let mut remarks = Remarks::default();
    if let (Value::Object(recorded), Some(Value::Object(asked))) = (args, asked) {
        let differs = recorded.iter().filter_map(|(key, value)| {
            Some((key, asked.get(key).filter(|asked| *asked != value)?))
        });
        remarks.notes = differs
            .map(|(key, asked)| {
                (
                    key.clone(),
                    format!("! the call has {}", json::scalar(asked).1),
                )
            })
            .collect();
    }
    json::value(builder, args, &remarks);
    builder.close();
}

fn raw(row: &Row<'_>, document: &Document, builder: &mut Builder) {
    let (body, numbers, limit) = (&*document.body, document.numbers, document.bounds.bytes);
    let spot = row.spot();
    let mut path = spot.path.display().to_string();
    if numbers == Numbers::Known {
        path = format!("{path}:{}", spot.line);
    }
    let place = row.place();
    let size = human::bytes(u64::from(place.len));
    say(
        builder,
        Tone::Faint,
        &format!("{path} · byte {} · {size}", human::count(spot.offset)),
    );
    if row.kind() == Kind::Malformed {
        let head = bodies::raw(row, place, GLANCE);
        say(builder, Tone::Bad, &records::reason(&head, place));
    }
    if let Some(record) = &body.record {
        json::value(builder, record, &Remarks::default());
    } else {
        let head = bodies::raw(row, place, GLANCE);
        builder.lines(Tone::Plain, &String::from_utf8_lossy(&head));
        if u64::from(place.len) > GLANCE as u64 {
            let rest = u64::from(place.len) - GLANCE as u64;
            say(
                builder,
                Tone::Faint,
                &format!("{} more not shown", human::bytes(rest)),
            );
        }
    }
    let attached = row.attached().map(|attached| ("about it", attached.place));
    let others = [("result", row.result_place())].into_iter().chain(attached);
    for (name, other) in others.filter(|(_, other)| other.is_some() && *other != place) {
        another(row, (name, other), limit, builder);
    }
}

/// Another record about the action.
fn another(row: &Row<'_>, (name, place): (&str, Place), limit: u32, builder: &mut Builder) {
    let head = bodies::raw(row, place, limit as usize);
    let Some(record) = value_head(&head) else {
        return;
    };
    let (at, size) = (human::count(place.offset), human::bytes(place.len.into()));
    open(
        builder,
        Tone::Faint,
        &format!("{name} · byte {at} · {size}"),
    );
    json::value(builder, &record, &Remarks::default());
    builder.close();
}

/// `4103 refund`: the number and the name of the action; its status is drawn beside it.
pub(super) fn title(row: &Row<'_>, numbers: Numbers) -> Line {
    let number = if numbers == Numbers::Known && row.seq() > 0 {
        row.seq().to_string()
    } else {
        "—".to_owned()
    };
    let name = if row.tool().is_empty() {
        row.kind().word()
    } else {
        row.tool()
    };
    vec![
        (Tone::Faint, format!("{number}  ")),
        (Tone::Strong, text::sanitize(name).into_owned()),
    ]
}

/// What is known of time, money, tokens and oddities, in at most four lines.
pub(super) fn facts(row: &Row<'_>) -> Vec<Line> {
    let mut who = Vec::new();
    who.extend(
        [row.agent(), row.model()]
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| text::sanitize(name).into_owned()),
    );
    who.extend(row.duration().get().map(human::span));
    who.extend(rows::cost(row, human::usd));
    let usage = row.usage();
    let part = |name: &str, tokens: Tokens| {
        tokens
            .get()
            .map(|count| format!("{name} {}", human::count(count)))
    };
    let parts_of = |label: &str, parts: [Option<String>; 2]| {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!("{label} {}", parts.join(" · "))
        }
    };
    let spent = parts_of(
        "tokens",
        [part("in", usage.input), part("out", usage.output)],
    );
    let cached = parts_of(
        "cache",
        [
            part("read", usage.cache_read),
            part("written", usage.cache_write),
        ],
    );
    let copied = row
        .copied_from()
        .map(|run| Cow::Owned(format!("copied from {}", text::sanitize(run))));
    let odd = ODD
        .iter()
        .filter(|(flag, _)| row.flags().has(*flag))
        .map(|(_, words)| Cow::Borrowed(*words));
    let odd: Vec<Cow<'_, str>> = copied.into_iter().chain(odd).collect();
    let lines = [
        (Tone::Plain, who.join(" · ")),
        (Tone::Faint, spent),
        (Tone::Faint, cached),
        (Tone::Waiting, odd.join(" · ")),
    ];
    lines
        .into_iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|piece| vec![piece])
        .collect()
}

/// What a reader should know about how the record was read.
const ODD: &[(Flags, &str)] = &[
    (Flags::RETRY, "retry"),
    (Flags::ESTIMATED, "cost estimated"),
    (Flags::BAD_UTF8, "bytes that are not UTF-8"),
    (Flags::LONE_SURROGATE, "half of a surrogate pair"),
    (Flags::TOO_DEEP, "nested too deep: kept raw"),
    (Flags::DUPLICATE_KEY, "a key occurs twice, the last counts"),
    (Flags::BAD_NUMBER, "an invalid number, ignored"),
    (Flags::INCOMPLETE, "incomplete last line"),
    (Flags::META, "injected by the harness"),
    (Flags::SECOND_RESULT, "a second result arrived"),
    (Flags::IMPLIED, "the model call itself was not recorded"),
    (Flags::STRAY_BOM, "a stray byte order mark"),
    (Flags::INFERRED, "status inferred from the text"),
    (Flags::UNGUARDED, "ran unguarded: no hook was asked"),
    (Flags::SHORTENED, "shortened by the recorder"),
];
