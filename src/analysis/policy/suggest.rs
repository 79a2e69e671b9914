//! Suggests rules that would have saved approvals for calls that ran: greedily, from narrow to broad.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::claude::{self, Claude};
use crate::analysis::policy::history::{Opened, Place, recorded};
use crate::analysis::policy::shell::{self, Strictness};
use crate::analysis::policy::{Context, Effect, Engine};
use crate::model::action::{ActionIx, Kind};
use crate::store::Store;

/// A call that ran.
#[derive(Debug, Clone)]
pub struct Ran {
    pub tool: String,
    pub args: Value,
    /// Which run it belongs to, from 0.
    pub run: usize,
}

/// The calls that ran, and on how many days.
pub fn ran(store: &Store, place: &Place, is_kept: &dyn Fn(ActionIx) -> bool) -> (Vec<Ran>, usize) {
    let mut days = BTreeSet::new();
    let rows = store
        .rows()
        .filter(|row| row.kind() == Kind::ToolCall && is_kept(row.ix()));
    let ran = rows.filter(|row| recorded(row) == Effect::Allow);
    let calls = ran.filter_map(|row| {
        let opened = Opened::without_run(&row, place);
        let args = opened.args().filter(|it| it.is_object())?.clone();
        days.extend(row.time().day());
        Some(Ran {
            tool: row.tool().to_owned(),
            args,
            run: row.run_ix().0 as usize,
        })
    });
    let calls = calls.collect();
    (calls, days.len())
}

/// A rule worth having.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub rule: String,
    /// How many further approvals it saves.
    pub calls: usize,
    pub runs: usize,
    pub risk: Risk,
    pub examples: Vec<String>,
}

/// What a rule may let through beyond what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// A program that reads, a host, or one line exactly.
    Low,
    /// A verb of a known program, or a folder.
    Medium,
    /// A whole program or tool.
    High,
    /// Runs code or reaches further than this machine: one line exactly, for a person to decide.
    Decide,
}

impl Risk {
    pub fn word(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
            Risk::Decide => "decide yourself",
        }
    }
}

/// The suggested rules, and how many calls would need approval without and with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suggestions {
    /// In the order in which they were found: most calls first.
    pub rules: Vec<Suggestion>,
    pub calls: usize,
    pub asked_before: usize,
    pub asked_after: usize,
}

const VERBS: &[&str] = &[
    "git",
    "npm",
    "pnpm",
    "yarn",
    "cargo",
    "docker",
    "kubectl",
    "gh",
    "go",
    "pip",
    "pip3",
    "uv",
    "poetry",
    "mix",
    "make",
    "terraform",
    "aws",
    "gcloud",
    "bd",
    "tmux",
    "systemctl",
    "brew",
    "apt",
    "apt-get",
];
/// Programs that run anything.
pub(super) const CODE: &[&str] = &[
    "python", "python3", "node", "bash", "sh", "zsh", "perl", "ruby", "deno", "bun", "npx", "eval",
    "ssh", "sudo", "env", "xargs",
];
/// Verbs with effects elsewhere.
const OUT: &[&str] = &[
    "push", "publish", "apply", "delete", "destroy", "merge", "deploy", "release", "login", "exec",
    "run",
];
const HARM: &[&str] = &[
    "rm", "rmdir", "dd", "mkfs", "shutdown", "reboot", "kill", "pkill", "killall", "chmod",
    "chown", "truncate", "curl", "wget", "scp", "rsync",
];
const EDITORS: &[(&str, &str)] = &[
    ("Edit", "file_path"),
    ("Write", "file_path"),
    ("MultiEdit", "file_path"),
    ("NotebookEdit", "notebook_path"),
];

/// The rule that allows one command, and its risk; none if no rule should.
fn candidate(command: &str) -> Option<(String, Risk)> {
    let bare = shell::stripped(command, Strictness::Careful);
    let words: Vec<&str> = bare.split_whitespace().collect();
    let program = *words.first()?;
    let is_plain = program
        .chars()
        .all(|it| it.is_alphanumeric() || "_./+-".contains(it));
    if !is_plain {
        return None;
    }
    let exact = |risk| Some((format!("Bash({bare})"), risk));
    if CODE.contains(&program) || HARM.contains(&program) {
        return exact(Risk::Decide);
    }
    if VERBS.contains(&program) {
        let Some(verb) = words.get(1) else {
            return exact(Risk::Low);
        };
        return match is_verb(verb) {
            true if OUT.contains(verb) => exact(Risk::Decide),
            true => Some((format!("Bash({program} {verb} *)"), Risk::Medium)),
            false => exact(Risk::Low),
        };
    }
    let risk = if claude::READERS.contains(&program) {
        Risk::Low
    } else {
        Risk::High
    };
    Some((format!("Bash({program} *)"), risk))
}

fn is_verb(word: &str) -> bool {
    let is_rest = |it: char| it.is_alphanumeric() || matches!(it, '_' | ':' | '-');
    word.starts_with(|it: char| it.is_ascii_lowercase()) && word.chars().all(is_rest)
}

/// The four outermost folders of a path.
fn folder(path: &str) -> Option<String> {
    let steps: Vec<&str> = path.trim_start_matches('/').split('/').take(4).collect();
    (path.matches('/').count() > 4).then(|| format!("Edit(//{}/**)", steps.join("/")))
}

/// Greedy over calls that would need approval, while a rule covers at least `least` of them.
pub fn suggest(calls: &[Ran], least: usize) -> Suggestions {
    let defaults = Rules::new(Vec::new());
    let open: Vec<&Ran> = calls
        .iter()
        .filter(|it| defaults.effect(it) == Effect::Ask)
        .collect();
    let mut found = Suggestions {
        calls: calls.len(),
        asked_before: open.len(),
        ..Suggestions::default()
    };
    let mut search = Search {
        rules: defaults,
        open,
        useless: BTreeSet::new(),
    };
    while let Some(suggestion) = search.next(least) {
        found.rules.push(suggestion);
    }
    found.asked_after = search.open.len();
    found
}

struct Search<'a> {
    rules: Rules,
    open: Vec<&'a Ran>,
    useless: BTreeSet<String>,
}

impl Search<'_> {
    fn next(&mut self, least: usize) -> Option<Suggestion> {
        loop {
            let mut votes: BTreeMap<String, (usize, Risk)> = BTreeMap::new();
            for call in &self.open {
                let voted = self
                    .vote(call)
                    .filter(|(rule, _)| !self.useless.contains(rule));
                if let Some((rule, risk)) = voted {
                    votes.entry(rule).or_insert((0, risk)).0 += 1;
                }
            }
            let best = votes
                .into_iter()
                .max_by(|a, b| a.1.0.cmp(&b.1.0).then_with(|| a.0.cmp(&b.0)));
            let (rule, (_, risk)) = best.filter(|(_, (count, _))| *count >= least)?;
            self.rules.add(&rule);
            let rules = &self.rules;
            let (left, covered): (Vec<&Ran>, Vec<&Ran>) = self
                .open
                .iter()
                .partition(|it| rules.effect(it) != Effect::Allow);
            if covered.is_empty() {
                self.rules.remove_last();
                self.useless.insert(rule);
                continue;
            }
            self.open = left;
            let runs: BTreeSet<usize> = covered.iter().map(|it| it.run).collect();
            return Some(Suggestion {
                rule,
                calls: covered.len(),
                runs: runs.len(),
                risk,
                examples: examples(&covered),
            });
        }
    }

    /// The rule that one call asks for.
    fn vote(&self, call: &Ran) -> Option<(String, Risk)> {
        if let Some((_, key)) = EDITORS.iter().find(|(tool, _)| *tool == call.tool) {
            let path = call
                .args
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default();
            return folder(path).map(|rule| (rule, Risk::Medium));
        }
        match call.tool.as_str() {
            "Bash" => {
                let line = shell::line(
                    call.args
                        .get("command")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                )?;
                let mut needed = line
                    .commands
                    .iter()
                    .filter(|it| self.rules.command(it) != Effect::Allow);
                match (needed.next(), needed.next()) {
                    (Some(one), None) => candidate(one),
                    (_, _) => None,
                }
            }
            "WebFetch" => {
                let url = call
                    .args
                    .get("url")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
                let host = rest.split('/').next().unwrap_or_default();
                Some((format!("WebFetch(domain:{host})"), Risk::Low))
            }
            tool => Some((tool.to_owned(), Risk::High)),
        }
    }
}

/// At most three different calls.
fn examples(calls: &[&Ran]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for call in calls {
        let keys = ["command", "file_path", "notebook_path", "url", "query"];
        let main = keys
            .iter()
            .find_map(|key| call.args.get(key))
            .and_then(Value::as_str);
        let text = main.map_or_else(|| call.tool.clone(), str::to_owned);
        if !all.contains(&text) && all.len() < 3 {
            all.push(text);
        }
    }
    all
}

/// Allow rules that are being tried.
struct Rules {
    texts: Vec<String>,
    engine: Option<Claude>,
}

impl Rules {
    fn new(texts: Vec<String>) -> Rules {
        let mut rules = Rules {
            texts,
            engine: None,
        };
        rules.compile();
        rules
    }

    fn add(&mut self, rule: &str) {
        self.texts.push(rule.to_owned());
        self.compile();
    }

    fn remove_last(&mut self) {
        self.texts.pop();
        self.compile();
    }

    fn compile(&mut self) {
        let rules: Vec<(Effect, &str)> = self
            .texts
            .iter()
            .map(|it| (Effect::Allow, it.as_str()))
            .collect();
        self.engine = Claude::of(&rules).ok();
    }

    /// What is decided without knowing the working directory.
    fn effect(&self, call: &Ran) -> Effect {
        let asked = Call {
            tool: &call.tool,
            args: Some(&call.args),
            ..Call::default()
        };
        let engine = self.engine.as_ref();
        match engine.map(|it| it.decide(&asked, &Context::default()).effect) {
            Some(Effect::Allow) => Effect::Allow,
            Some(_) | None => Effect::Ask,
        }
    }

    fn command(&self, command: &str) -> Effect {
        self.effect(&Ran {
            tool: "Bash".to_owned(),
            args: serde_json::json!({ "command": command }),
            run: 0,
        })
    }
}

/// The approvals that rules learned from all other runs would have saved in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldOut {
    pub run: usize,
    pub calls: usize,
    pub asked_before: usize,
    pub asked_after: usize,
}

/// For the runs with the most calls that would need approval: learns from the other runs, counts in that one.
pub fn hold_out(calls: &[Ran], least: usize, most: usize) -> Vec<HeldOut> {
    let defaults = Rules::new(Vec::new());
    let mut asked: BTreeMap<usize, usize> = BTreeMap::new();
    for call in calls.iter().filter(|it| defaults.effect(it) == Effect::Ask) {
        *asked.entry(call.run).or_default() += 1;
    }
    let mut runs: Vec<(usize, usize)> = asked.into_iter().collect();
    runs.sort_by_key(|(run, count)| (std::cmp::Reverse(*count), *run));
    runs.truncate(most);
    let held = runs.into_iter().map(|(run, asked_before)| {
        let others: Vec<Ran> = calls.iter().filter(|it| it.run != run).cloned().collect();
        let learned = suggest(&others, least).rules.into_iter();
        let rules = Rules::new(learned.map(|it| it.rule).collect());
        let own = calls.iter().filter(|it| it.run == run);
        let after = own.clone().filter(|it| rules.effect(it) == Effect::Ask);
        HeldOut {
            run,
            calls: own.count(),
            asked_before,
            asked_after: after.count(),
        }
    });
    held.collect()
}

#[cfg(test)]
mod tests;
