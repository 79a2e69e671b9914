//! A whole run as one readable document: its contents. [`html`] and [`markdown`] lay them out.
//!
//! Every text is masked, and each mask is listed, so that a document can be reviewed before it is written. Long texts
//! are cut, and the total size is bounded.

pub mod html;
pub mod markdown;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::analysis::summary;
use crate::base::{human, text};
use crate::export::redact;
use crate::export::words;
use crate::ingest::body::Body;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// The longest text, in bytes; longer ones are cut.
const LONGEST: usize = 64 << 10;
/// The size of all texts together, in bytes; later ones are left out.
const LARGEST: usize = 48 << 20;
/// The largest record opened, in bytes.
const OPENED: u32 = 4 << 20;
/// Texts with more lines than this start folded.
const FOLDED: usize = 12;

/// A run, or a part of one.
#[derive(Debug)]
pub struct Page {
    pub title: String,
    /// Facts about the run: name and value.
    pub facts: Vec<(&'static str, String)>,
    pub entries: Vec<Entry>,
    pub masks: Vec<Mask>,
    /// How many texts were cut or left out.
    pub cut: usize,
}

/// One action.
#[derive(Debug)]
pub struct Entry {
    pub seq: u32,
    pub turn: u32,
    pub kind: Kind,
    /// The tool of a call, the model of a response, else the kind.
    pub name: String,
    /// The subagent that acted, if it was not the main agent.
    pub lane: String,
    pub status: Status,
    /// Time, duration and cost.
    pub facts: Vec<String>,
    pub line: String,
    pub texts: Vec<Text>,
}

/// A text of an action, clean and masked.
#[derive(Debug)]
pub struct Text {
    pub name: &'static str,
    pub text: String,
    /// Long enough to start folded.
    pub is_long: bool,
}

/// A secret that was masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    pub seq: u32,
    /// The text it was in.
    pub place: &'static str,
    /// The mask that replaces it.
    pub shown: String,
}

/// The given actions of a run, as a page. `masked` is false to keep secrets as recorded.
pub fn page(store: &Store, run: RunIx, steps: &[ActionIx], masked: bool, zone: &TimeZone) -> Page {
    let mut writer = Writer {
        masked,
        masks: Vec::new(),
        left: LARGEST,
        cut: 0,
    };
    let entries = steps
        .iter()
        .map(|ix| writer.entry(&store.row(*ix), zone))
        .collect();
    let about = store.run(run);
    let title = about.title.as_deref().unwrap_or_default();
    let title = writer.text(0, "title", title).unwrap_or_default();
    let (status, _) = words::run_status(about);
    let all = [
        ("run", clean(&about.id)),
        ("agent", clean(store.symbols().name(about.who.agent))),
        ("models", clean(&words::models(store, about))),
        ("started", words::date_time(about.started, zone)),
        ("outcome", status.to_owned()),
        ("turns", human::count(u64::from(about.totals.turns))),
        (
            "tool calls",
            human::count(u64::from(about.totals.tool_calls)),
        ),
        (
            "tokens",
            words::usage(&about.totals.usage).unwrap_or_default(),
        ),
        ("cost", words::cost(about.cost())),
    ];
    let known = all
        .into_iter()
        .filter(|(_, value)| !value.is_empty() && value != words::NOTHING);
    Page {
        title,
        facts: known.collect(),
        entries,
        masks: writer.masks,
        cut: writer.cut,
    }
}

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

struct Writer {
    masked: bool,
    masks: Vec<Mask>,
    /// How many more bytes of text the document may take.
    left: usize,
    cut: usize,
}

/// A kind in words.
pub(super) fn kind(kind: Kind) -> String {
    kind.word().replace('_', " ")
}

impl Writer {
    fn entry(&mut self, row: &Row<'_>, zone: &TimeZone) -> Entry {
        let body = bodies::open(row, Depth::UpTo(OPENED));
        let seq = row.seq();
        // The model of any other action is the one that is in use, not its author.
        let model = Some(row.model()).filter(|_| row.kind() == Kind::Response);
        let kind = kind(row.kind());
        let names = [Some(row.tool()), model, Some(kind.as_str())];
        let name = names.into_iter().flatten().find(|name| !name.is_empty());
        let is_main = row.agent_sym() == row.run().who.agent;
        let facts = [
            words::time_of_day(row.time(), zone),
            words::span(row.duration()),
            words::row_cost(row),
        ];
        let line = summary::line(row, &body);
        Entry {
            seq,
            turn: row.turn(),
            kind: row.kind(),
            name: clean(name.unwrap_or_default()),
            lane: if is_main {
                String::new()
            } else {
                clean(row.agent())
            },
            status: row.status(),
            facts: facts
                .into_iter()
                .filter(|it| !it.is_empty() && it != words::NOTHING)
                .collect(),
            line: self
                .text(seq, "summary", &line)
                .unwrap_or_default()
                .replace('\n', " "),
            texts: self.texts(seq, &body),
        }
    }

    fn texts(&mut self, seq: u32, body: &Body) -> Vec<Text> {
        let error = body.error.as_ref().map(|error| {
            let kind = error
                .kind
                .as_ref()
                .map_or_else(String::new, |kind| format!("{kind}: "));
            format!("{kind}{}", error.message)
        });
        let reasons = body
            .approvals
            .iter()
            .filter_map(|approval| approval.reason.clone());
        let rules = body
            .decisions
            .iter()
            .filter_map(|decision| decision.reason.clone());
        let decided: Vec<String> = reasons.chain(rules).collect();
        let all = [
            ("text", body.text.clone()),
            ("arguments", body.args.as_ref().map(|args| self.value(args))),
            (
                "result",
                body.result.as_ref().map(|result| self.value(result)),
            ),
            ("error", error),
            ("decision", Some(decided.join("\n"))),
        ];
        let mut texts = Vec::new();
        for (name, raw) in all {
            let Some(text) = raw.and_then(|raw| self.text(seq, name, &raw)) else {
                continue;
            };
            let is_long = text.lines().count() > FOLDED;
            texts.push(Text {
                name,
                text,
                is_long,
            });
        }
        texts
    }

    /// A value as text. Masked as a whole first, because member names reveal secrets.
    fn value(&self, value: &Value) -> String {
        let mut value = value.clone();
        if self.masked {
            redact::mask(&mut value);
        }
        match value {
            Value::String(text) => text,
            other => serde_json::to_string_pretty(&other).unwrap_or_else(|_| other.to_string()),
        }
    }

    /// A text, masked, sanitised and cut; none if nothing is left.
    fn text(&mut self, seq: u32, place: &'static str, raw: &str) -> Option<String> {
        let masked = if self.masked {
            redact::masked(raw).0
        } else {
            raw.to_owned()
        };
        let lines: Vec<String> = text::sanitize_lines(masked.trim_end())
            .map(String::from)
            .collect();
        let mut whole = lines.join("\n");
        if whole.trim().is_empty() {
            return None;
        }
        let room = LONGEST.min(self.left);
        if whole.len() > room {
            let end = (0..=room)
                .rev()
                .find(|at| whole.is_char_boundary(*at))
                .unwrap_or(0);
            let rest = human::bytes((whole.len() - end) as u64);
            whole.truncate(end);
            whole.extend(["\n… ", &rest, " more are left out"]);
            self.cut += 1;
        }
        self.left = self.left.saturating_sub(whole.len());
        if place != "summary" {
            let shown = whole.split(|c: char| {
                c.is_whitespace()
                    || matches!(c, '"' | '\'' | ',' | ';' | '=' | '&' | '/' | ')' | '(')
            });
            let shown = shown.filter(|word| word.contains("_masked"));
            self.masks.extend(shown.map(|shown| Mask {
                seq,
                place,
                shown: shown.to_owned(),
            }));
        }
        Some(whole)
    }
}
