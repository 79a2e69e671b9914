//! What a history holds that lints ask for: different calls and how often each was made.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::history::{Opened, Place};
use crate::analysis::policy::lint::near_name;
use crate::analysis::policy::set::Set;
use crate::analysis::policy::{Context, Effect, Needs, Rule, RuleIx, claude, shell};
use crate::model::action::Kind;
use crate::store::Store;
use crate::store::bodies;

/// A call that was made at least once.
#[derive(Debug, Clone)]
pub struct Known {
    pub tool: String,
    pub args: Value,
    pub cwd: Option<String>,
    host: String,
    pub count: u64,
}

#[derive(Debug, Default)]
pub struct Facts {
    calls: Vec<Known>,
    tools: BTreeSet<String>,
    home: Option<String>,
    total: u64,
    newest_claude: Option<String>,
}

/// How a rule fares.
#[derive(Debug, Clone, Default)]
pub(super) struct Count {
    pub(super) matches: u64,
    pub(super) decides: u64,
    pub(super) errors: u64,
    pub(super) why: Option<String>,
    /// A rule that decided where this one matched.
    pub(super) by: Option<RuleIx>,
    /// The working directories of the calls that it matched.
    pub(super) folders: BTreeSet<String>,
}

impl Count {
    /// Whether what could not be judged is only what the traces leave out.
    pub(super) fn only_unrecorded(&self) -> bool {
        let why = self.why.as_deref();
        why.is_some_and(|why| why.contains("not recorded"))
    }
}

/// Different calls that are kept; more are rare, and add little.
const KEPT: usize = 200_000;

impl Facts {
    /// Whether the policies use what a run did before a call, which these counts ignore.
    pub(super) fn lack_the_run(&self, set: &Set) -> bool {
        self.tools.iter().any(|tool| set.needs(tool) >= Needs::Run)
    }

    pub fn of(store: &Store, place: &Place) -> Facts {
        let mut facts = Facts {
            home: place.home.clone(),
            newest_claude: newest(store),
            ..Facts::default()
        };
        let mut seen: HashMap<(String, String), usize> = HashMap::new();
        for row in store.rows().filter(|row| row.kind() == Kind::ToolCall) {
            facts.total += 1;
            facts.tools.insert(row.tool().to_owned());
            let opened = Opened::without_run(&row, place);
            let args = opened.args().cloned().unwrap_or_default();
            let key = (row.tool().to_owned(), args.to_string());
            match seen.get(&key) {
                Some(at) => facts.calls[*at].count += 1,
                None if facts.calls.len() < KEPT => {
                    seen.insert(key, facts.calls.len());
                    facts.calls.push(Known {
                        tool: row.tool().to_owned(),
                        cwd: opened.cwd().map(str::to_owned),
                        host: row.source().format.name().to_owned(),
                        args,
                        count: 1,
                    });
                }
                None => {}
            }
        }
        facts
    }

    pub fn calls(&self) -> &[Known] {
        &self.calls
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn newest_claude(&self) -> Option<&str> {
        self.newest_claude.as_deref()
    }

    pub(super) fn count(&self, set: &Set) -> Vec<Count> {
        let mut counts = vec![Count::default(); set.rules().count()];
        for known in &self.calls {
            let call = Call {
                tool: &known.tool,
                args: Some(&known.args).filter(|it| !it.is_null()),
                host: &known.host,
                ..Call::default()
            };
            let context = Context {
                cwd: known.cwd.as_deref(),
                home: self.home.as_deref(),
                ..Context::of_first()
            };
            let verdict = set.decide(&call, &context);
            for reason in set.explain(&call, &context) {
                let count = &mut counts[reason.rule.0 as usize];
                match reason.is_match {
                    Some(false) => {}
                    None => {
                        count.errors += known.count;
                        count.why.get_or_insert(reason.words);
                    }
                    Some(true) => {
                        count.matches += known.count;
                        count.folders.extend(known.cwd.clone());
                        let is_own =
                            verdict.rule == Some(reason.rule) && verdict.effect != Effect::Error;
                        if is_own {
                            count.decides += known.count;
                        } else {
                            count.by = count.by.or(verdict.rule);
                        }
                    }
                }
            }
            // A line whose commands are allowed by several rules is decided by the first of them.
            if let Some(ix) = verdict.rule
                && counts[ix.0 as usize].matches == 0
            {
                counts[ix.0 as usize].matches += known.count;
                counts[ix.0 as usize].decides += known.count;
            }
        }
        counts
    }

    /// What was perhaps meant by a rule that matches nothing.
    pub(super) fn near(&self, rule: &Rule, kind: &str) -> Option<String> {
        if kind != claude::KIND.name {
            return None;
        }
        let (tool, spec) = match rule.name.split_once('(') {
            Some((tool, spec)) => (tool, spec.strip_suffix(')')),
            None => (rule.name.as_str(), None),
        };
        if !self.tools.contains(tool) {
            return near_name(tool, self.tools.iter().map(String::as_str)).map(str::to_owned);
        }
        let spec = spec.filter(|_| tool == "Bash")?;
        let stem = spec.trim_end_matches(['*', ':', ' ']);
        let is_longer =
            |it: &String| it.starts_with(stem) && it.len() > stem.len() && it.len() < 120;
        let mut longer: BTreeMap<String, u64> = BTreeMap::new();
        for it in &self.calls {
            let line = it.args.get("command").and_then(Value::as_str);
            let Some(line) = line.filter(|line| line.contains(stem)) else {
                continue;
            };
            let parts = shell::line(line).map_or_else(|| vec![line.to_owned()], |it| it.commands);
            if let Some(part) = parts.into_iter().find(is_longer) {
                *longer.entry(part).or_default() += it.count;
            }
        }
        let nearest = longer.into_iter().max_by_key(|(_, count)| *count);
        nearest.map(|(command, count)| format!("{command} ({count})"))
    }
}

/// The newest version of Claude Code that wrote a run.
fn newest(store: &Store) -> Option<String> {
    let numbers =
        |text: &str| -> Vec<u32> { text.split('.').map_while(|it| it.parse().ok()).collect() };
    let firsts = store.runs().iter().filter_map(|run| run.first_action.get());
    let rows = firsts
        .filter(|ix| ix.0 < store.len())
        .map(|ix| store.row(ix));
    let versions = rows
        .filter(|row| row.source().format.name() == claude::KIND.host)
        .filter_map(|row| {
            let labels = bodies::own(&row).labels;
            labels
                .into_iter()
                .find(|(name, _)| name == "version")
                .map(|(_, version)| version)
        });
    versions.max_by_key(|it| numbers(it))
}
