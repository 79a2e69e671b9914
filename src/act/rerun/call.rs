//! A tool call that can be run again: the words of its command, and what became of it.

use std::io;

use serde_json::{Value, json};

use crate::act::child;
use crate::act::rerun::Settings;
use crate::act::rerun::tool::{self, Ran};
use crate::analysis::diff::pair;
use crate::analysis::diff::step::result_key;
use crate::base::human;
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// A command made of a template of the settings and the arguments of a call.
#[derive(Debug, Clone)]
pub struct Call {
    pub action: ActionIx,
    pub seq: u32,
    /// Raw.
    pub tool: String,
    /// The program and its arguments. Raw.
    pub words: Vec<String>,
    pub arguments: Value,
    run: String,
    recorded: Option<Value>,
}

/// The lines that are the same for every command.
const AROUND: [&str; 2] = [
    "  where    an empty folder, with PATH, HOME and LANG; at most 30 s",
    "  effects  those of the command; its output is kept as a new run",
];

/// What became of it.
#[derive(Debug)]
pub struct Done {
    pub ran: Ran,
    /// Whether it printed the recorded result; none if no result is recorded.
    pub is_same: Option<bool>,
}

impl Call {
    pub fn new(store: &Store, call: ActionIx, settings: &Settings) -> Result<Call, String> {
        let row = store.row(call);
        let body = bodies::open(&row, Depth::Full);
        let tool = row.tool();
        let template = settings.tools.iter().find(|(known, _)| known == tool);
        let (_, template) = template.ok_or_else(|| {
            format!("the settings have no template for '{tool}': add it to [rerun.tools] (see saferun-tui rerun --help)")
        })?;
        let arguments = body.args.clone().unwrap_or_else(|| json!({}));
        Ok(Call {
            action: call,
            seq: row.seq(),
            tool: tool.to_owned(),
            words: tool::filled(template, &arguments)?,
            arguments,
            run: row.run().id.to_string(),
            recorded: pair::result(&body),
        })
    }

    /// Exactly what would run, word by word. Raw.
    pub fn lines(&self) -> Vec<String> {
        let words = self.words.iter().enumerate();
        let label = |at| if at == 0 { "runs" } else { "" };
        let mut lines: Vec<String> = words
            .map(|(at, word)| format!("  {:4}{at:>3}  {word}", label(at)))
            .collect();
        lines.push(format!("  stdin    {}", self.arguments));
        lines.extend(AROUND.map(str::to_owned));
        lines
    }

    /// Runs it. Call it only after the user has agreed.
    pub fn run(&self) -> io::Result<Done> {
        let named = [
            ("SAFERUN_TOOL", self.tool.clone()),
            ("SAFERUN_RUN", self.run.clone()),
            ("SAFERUN_STEP", self.seq.to_string()),
        ];
        let ran = tool::run(&self.words, &self.arguments, &named)?;
        let printed = Value::from(ran.stdout.as_str());
        let recorded = self.recorded.as_ref();
        Ok(Done {
            is_same: recorded.map(|it| result_key(it) == result_key(&printed)),
            ran,
        })
    }
}

impl Done {
    pub fn code(&self) -> u8 {
        child::code(self.ran.status)
    }

    /// `ended with 0 after 12 ms · the same result as recorded`.
    pub fn words(&self) -> String {
        let took = i64::try_from(self.ran.took.as_micros()).unwrap_or(i64::MAX);
        let ended = if self.ran.was_ended {
            ", stopped by saferun-tui"
        } else {
            ""
        };
        let same = match self.is_same {
            Some(true) => "the same result as recorded",
            Some(false) => "not the recorded result",
            None => "no result is recorded to compare with",
        };
        format!(
            "ended with {}{ended} after {} · {same}",
            self.code(),
            human::span(took)
        )
    }
}
