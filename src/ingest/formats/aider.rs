//! The `aider` format: the chat histories that Aider keeps in a repository (`.aider.chat.history.md`), many runs a file.
//!
//! The history is Markdown: Aider quotes both what it prints and the output of programs, so the two cannot be
//! distinguished. It is converted to lines of JSON. Only the start of a run has a time, and tokens are rounded as
//! printed. Source: `io.py` and `coders/base_coder.py` of Aider-AI/aider.

use std::path::Path;

use serde_json::{Value, json};

use super::conversation::Conversation;
use super::members::text;
use super::plain::{Agent, Rows, dollars, instant, tokens, without, word};
use crate::ingest::body::ApprovalText;
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::ingest::packed::converted::Convert;
use crate::model::action::{Status, Verdict};
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Aider;

const START: &str = "# aider chat started at ";

impl Agent for Aider {
    fn name(&self) -> &'static str {
        "aider"
    }

    fn about(&self) -> &'static str {
        "Aider chat histories (.aider.chat.history.md; what Markdown keeps of them)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Yes,
            times: Held::Partly,
            results: Held::No,
            approvals: Held::Partly,
        }
    }

    fn agent(&self) -> &'static str {
        "aider"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("aider").without_results().many()
    }

    fn convert(&self, _path: &Path, head: &[u8]) -> Option<Convert> {
        let head = String::from_utf8_lossy(head);
        head.trim_start()
            .starts_with(START)
            .then_some(as_lines as Convert)
    }

    fn sniff(&self, record: &Value) -> u8 {
        90 * u8::from(record.get("aider").is_some() && record.get("run").is_some())
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        out.base.run = word(record, &["run"]);
        let words = word(record, &["text"]);
        match text(record, "aider") {
            "session" => {
                let start = out.row(FactKind::ImpliedStart);
                start.fact.time = instant(record, &["started"]);
            }
            "model" => {
                out.base.model = words;
                out.row(FactKind::Setting);
            }
            "user" => {
                out.text_row(FactKind::Prompt, words);
            }
            "answer" => {
                out.text_row(FactKind::Response, words)
                    .name(Name::Group, word(record, &["group"]));
            }
            "tokens" => {
                out.base.name(Name::Group, word(record, &["group"]));
                out.usage(usage(record), dollars(record, &["cost"]));
            }
            "edit" => {
                let args = json!({ "path": words });
                out.call(word(record, &["id"]), "edit".to_owned(), Some(&args));
            }
            "command" => {
                let args = json!({ "command": words });
                out.call(word(record, &["id"]), "run".to_owned(), Some(&args));
            }
            "ask" => ask(record, out),
            "error" => {
                out.error(words);
            }
            _ => {
                out.text_row(FactKind::Note, words);
            }
        }
    }
}

/// The number sent includes tokens read from or written to the cache.
fn usage(record: &Value) -> Usage {
    let cache_read = tokens(record, &["cache_hit"]);
    let cache_write = tokens(record, &["cache_write"]);
    Usage {
        input: without(tokens(record, &["sent"]), &[cache_read, cache_write]),
        output: tokens(record, &["received"]),
        cache_read,
        cache_write,
        ..Usage::NONE
    }
}

fn ask(record: &Value, out: &mut Rows) {
    let answer = word(record, &["answer"]);
    let verdict = match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" | "a" | "all" | "always" => Verdict::Approved,
        "n" | "no" | "s" | "skip" | "d" => Verdict::Denied,
        _ => Verdict::Unrecorded,
    };
    let entry = out.row(FactKind::Approval);
    entry.fact.verdict = verdict;
    entry.name(Name::By, "user");
    entry.fact.status = Status::Unrecorded;
    entry.body.approvals.push(ApprovalText {
        state: Some(answer),
        reason: Some(word(record, &["text"])),
        ..ApprovalText::default()
    });
}

/// Converts a history to lines of JSON.
fn as_lines(_path: &Path, text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut history = History::default();
    for line in text.lines() {
        history.line(line);
    }
    history.end_of_block();
    history.lines
}

#[derive(Debug, Default)]
struct History {
    lines: Vec<u8>,
    run: String,
    /// The number of answers and calls so far, from which they get their numbers.
    count: usize,
    group: usize,
    /// What the current lines are part of, and those lines.
    kind: &'static str,
    block: Vec<String>,
}

impl History {
    fn line(&mut self, line: &str) {
        if let Some(started) = line.strip_prefix(START) {
            self.end_of_block();
            started.trim().clone_into(&mut self.run);
            self.push("session", json!({ "started": self.run }));
        } else if let Some(words) = line.strip_prefix("#### ") {
            self.add("user", words);
        } else if let Some(words) = line.strip_prefix("> ") {
            self.end_of_block();
            self.printed(words.trim_end());
        } else if line.trim_end() == ">" {
            self.end_of_block();
        } else if self.kind == "answer" || !line.trim().is_empty() {
            self.add("answer", line);
        }
    }

    fn add(&mut self, kind: &'static str, line: &str) {
        if self.kind != kind {
            self.end_of_block();
            self.kind = kind;
        }
        self.block.push(line.trim_end().to_owned());
    }

    fn end_of_block(&mut self) {
        let kind = std::mem::take(&mut self.kind);
        let words = std::mem::take(&mut self.block).join("\n");
        let words = words.trim();
        if words.is_empty() {
            return;
        }
        if kind == "answer" {
            self.group = self.count + 1;
        }
        self.push(
            kind,
            json!({ "text": words, "group": self.group.to_string() }),
        );
    }

    /// A line that Aider printed.
    fn printed(&mut self, words: &str) {
        let after = |prefix: &str| words.strip_prefix(prefix).map(str::trim);
        if let Some(used) = after("Tokens: ") {
            let mut line = figures(used);
            line["group"] = json!(self.group.to_string());
            self.push("tokens", line);
        } else if let Some(path) = after("Applied edit to ") {
            self.push("edit", json!({ "text": path }));
        } else if let Some(line) = after("Running ") {
            self.push("command", json!({ "text": line }));
        } else if let Some(model) = after("Model: ").or_else(|| after("Main model: ")) {
            let name = model.split(" with ").next().unwrap_or(model);
            self.push("model", json!({ "text": name }));
        } else if let Some((question, answer)) = words
            .rsplit_once("]: ")
            .filter(|(question, _)| question.contains("(Y)es"))
        {
            self.push("ask", json!({ "text": question, "answer": answer.trim() }));
        } else if words.starts_with("litellm.") && words.contains("Error") {
            self.push("error", json!({ "text": words }));
        } else if !words.is_empty() {
            self.push("note", json!({ "text": words }));
        }
    }

    fn push(&mut self, kind: &str, mut line: Value) {
        self.count += 1;
        line["aider"] = json!(kind);
        line["run"] = json!(self.run);
        line["id"] = json!(self.count.to_string());
        self.lines.extend_from_slice(line.to_string().as_bytes());
        self.lines.push(b'\n');
    }
}

/// `5.2k sent, 1.1k cache write, 210 received. Cost: $0.02 message, $0.05 session.`
fn figures(used: &str) -> Value {
    let mut line = json!({});
    let (counts, costs) = used.split_once("Cost: ").unwrap_or((used, ""));
    for part in counts.trim_end_matches(['.', ' ']).split(", ") {
        let Some((number, what)) = part.trim().split_once(' ') else {
            continue;
        };
        let scale = if number.ends_with('k') {
            1000.0
        } else if number.ends_with('M') {
            1e6
        } else {
            1.0
        };
        let digits = number.trim_end_matches(['k', 'M']).replace(',', "");
        if let Ok(count) = digits.parse::<f64>() {
            line[what.trim_end_matches('.').replace(' ', "_")] = json!((count * scale).round());
        }
    }
    let message = costs
        .split(" message")
        .next()
        .and_then(|cost| cost.trim().strip_prefix('$'));
    if let Some(cost) = message.and_then(|cost| cost.parse::<f64>().ok()) {
        line["cost"] = json!(cost);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_split_into_runs() {
        let text = "
# aider chat started at 2026-01-01 10:00:00

> Model: claude-sonnet-4-5 with diff edit format
> Git repo: .git with 3 files

#### fix the bug
#### please

Sure:

```py
x = 1
```

> Tokens: 5.2k sent, 1.1k cache hit, 210 received. Cost: $0.02 message, $0.05 session.
> Applied edit to a b.py
> Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]: n
";
        let line = String::from_utf8(as_lines(Path::new("x"), text.as_bytes())).expect("text");
        let lines: Vec<Value> = line
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let kinds: Vec<&str> = lines
            .iter()
            .map(|line| line["aider"].as_str().expect("a kind"))
            .collect();
        assert_eq!(
            kinds,
            [
                "session", "model", "note", "user", "answer", "tokens", "edit", "ask"
            ]
        );
        assert_eq!(lines[1]["text"], "claude-sonnet-4-5");
        assert_eq!(lines[3]["text"], "fix the bug\nplease");
        assert_eq!(lines[4]["text"], "Sure:\n\n```py\nx = 1\n```");
        assert_eq!(lines[5]["sent"], 5200.0);
        assert_eq!(lines[5]["cache_hit"], 1100.0);
        assert_eq!(lines[5]["received"], 210.0);
        assert_eq!(lines[5]["cost"], 0.02);
        assert_eq!(lines[5]["group"], lines[4]["group"]);
        assert_eq!(lines[7]["answer"], "n");
    }
}
