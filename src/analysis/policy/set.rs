//! Several policies together: each judges the calls of its own host, and the strictest verdict holds.

use crate::analysis::policy::call::Call;
use crate::analysis::policy::history::Place;
use crate::analysis::policy::modes::Modes;
use crate::analysis::policy::{
    Broken, Context, Effect, Engine, File, Kind, Needs, Reason, Rule, RuleIx, Verdict, kind_of,
};
use crate::ingest::body::Matched;
use crate::store::Store;

/// Policies that were read, and the files they came from.
#[derive(Debug)]
pub struct Policies {
    pub files: Vec<File>,
    pub set: Set,
}

impl Policies {
    /// `~/.claude/settings.json:14`; empty for a rule that is not there.
    pub fn place(&self, ix: RuleIx) -> String {
        let found = self.set.rule(ix).zip(self.set.home_of(ix));
        found.map_or_else(String::new, |(rule, (_, file))| {
            format!("{}:{}", self.files[file].path, rule.line)
        })
    }
}

/// Engines, and where the rules of each begin among all rules.
#[derive(Debug, Default)]
pub struct Set {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    engine: Box<dyn Engine>,
    first: u32,
    /// The files it was read from, by their place among all files.
    files: Vec<usize>,
}

/// Why a set of files is not a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Broken(Broken),
    /// The file is of no known kind.
    Unknown(usize),
}

impl Set {
    /// Files of one kind become one engine, in their order.
    pub fn read(files: &[File]) -> Result<Set, Refusal> {
        let mut kinds: Vec<(&'static Kind, Vec<usize>)> = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let kind = kind_of(&file.path, &file.text).ok_or(Refusal::Unknown(at))?;
            match kinds.iter_mut().find(|(known, _)| known.name == kind.name) {
                Some((_, of)) => of.push(at),
                None => kinds.push((kind, vec![at])),
            }
        }
        let mut set = Set::default();
        for (kind, of) in kinds {
            let own: Vec<File> = of.iter().map(|at| files[*at].clone()).collect();
            let engine = (kind.read)(&own).map_err(|broken| {
                Refusal::Broken(Broken {
                    file: of[broken.file],
                    ..broken
                })
            })?;
            set.add(engine, of);
        }
        Ok(set)
    }

    /// A set of one engine that was read from one file.
    pub fn of(engine: Box<dyn Engine>) -> Set {
        let mut set = Set::default();
        set.add(engine, vec![0]);
        set
    }

    fn add(&mut self, engine: Box<dyn Engine>, files: Vec<usize>) {
        let first = self.rules().count() as u32;
        self.members.push(Member {
            engine,
            first,
            files,
        });
    }

    pub fn engines(&self) -> impl Iterator<Item = &dyn Engine> {
        self.members.iter().map(|it| &*it.engine)
    }

    /// The kind of a file, by its place among all files.
    pub fn kind(&self, file: usize) -> &'static str {
        let member = self.members.iter().find(|it| it.files.contains(&file));
        member.map_or("", |it| it.engine.kind().name)
    }

    /// All rules, in the order of their [`RuleIx`].
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.members.iter().flat_map(|it| it.engine.rules())
    }

    pub fn rule(&self, ix: RuleIx) -> Option<&Rule> {
        self.rules().nth(ix.0 as usize)
    }

    /// The rule that decides, or that none does; and why where the verdict needs it.
    pub fn decider(&self, verdict: &Verdict) -> String {
        let rule = verdict.rule.and_then(|ix| self.rule(ix));
        let name = rule.map_or("by no rule", |rule| rule.name.as_str());
        if verdict.why.is_empty() {
            name.to_owned()
        } else {
            format!("{name} ({})", verdict.why)
        }
    }

    /// The engine of a rule, and the file that it is in.
    pub fn home_of(&self, ix: RuleIx) -> Option<(&dyn Engine, usize)> {
        let member = self.members.iter().rev().find(|it| it.first <= ix.0)?;
        let rule = member.engine.rules().get((ix.0 - member.first) as usize)?;
        Some((&*member.engine, *member.files.get(rule.file)?))
    }

    /// The engines that judge the runs of a host: its own if it has one, otherwise all.
    fn judges<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a Member> {
        let is_known = self.members.iter().any(|it| it.engine.kind().host == host);
        self.members.iter().filter(move |it| {
            let own = it.engine.kind().host;
            !is_known || own.is_empty() || own == host
        })
    }

    pub fn needs(&self, tool: &str) -> Needs {
        let needs = self.members.iter().map(|it| it.engine.needs(tool));
        needs.max().unwrap_or(Needs::Tool)
    }

    pub fn looks_at_mode(&self) -> bool {
        self.engines().any(Engine::looks_at_mode)
    }

    pub fn looks_at_past(&self) -> bool {
        self.engines().any(Engine::looks_at_past)
    }

    pub fn looks_at_spent(&self) -> bool {
        self.engines().any(Engine::looks_at_spent)
    }

    /// Whether a rule depends on what was recorded about the call that it judges.
    pub fn looks_at_record(&self, ix: RuleIx) -> bool {
        let found = self.of_rule(ix);
        found.is_some_and(|(engine, own)| engine.looks_at_record(own))
    }

    pub fn looks_at_any_record(&self) -> bool {
        let rules = self.rules().count() as u32;
        (0..rules).any(|ix| self.looks_at_record(RuleIx(ix)))
    }

    /// The permission modes that the runs record; empty if no verdict depends on them.
    pub fn modes(&self, store: &Store, place: &Place) -> Modes {
        if self.looks_at_mode() && place.mode.is_none() {
            Modes::of(store)
        } else {
            Modes::default()
        }
    }

    pub fn decide(&self, call: &Call<'_>, context: &Context<'_>) -> Verdict {
        let verdicts = self.judges(call.host).map(|it| {
            let verdict = it.engine.decide(call, context);
            Verdict {
                rule: verdict.rule.map(|ix| RuleIx(ix.0 + it.first)),
                ..verdict
            }
        });
        // Between equal effects a rule decides, not the default of another engine.
        let rank = |it: &Verdict| (it.effect, it.rule.is_some());
        let strictest = verdicts.reduce(|best, it| if rank(&it) > rank(&best) { it } else { best });
        strictest.unwrap_or_else(|| Verdict::default(Effect::Unknown))
    }

    /// The engine of a rule, and its number there.
    fn of_rule(&self, ix: RuleIx) -> Option<(&dyn Engine, RuleIx)> {
        let member = self.members.iter().rev().find(|it| it.first <= ix.0)?;
        Some((&*member.engine, RuleIx(ix.0 - member.first)))
    }

    /// Why a rule exists; empty if its file does not say.
    pub fn reason(&self, ix: RuleIx) -> &str {
        let found = self.of_rule(ix);
        found
            .and_then(|(engine, own)| engine.reason(own))
            .unwrap_or_default()
    }

    /// Which parts of a call a rule matched.
    pub fn matched(&self, ix: RuleIx, call: &Call<'_>, context: &Context<'_>) -> Vec<Matched> {
        let found = self.of_rule(ix);
        found.map_or_else(Vec::new, |(engine, own)| engine.matched(own, call, context))
    }

    pub fn explain(&self, call: &Call<'_>, context: &Context<'_>) -> Vec<Reason> {
        let all = self.judges(call.host).flat_map(|it| {
            let reasons = it.engine.explain(call, context).into_iter();
            reasons.map(|reason| Reason {
                rule: RuleIx(reason.rule.0 + it.first),
                ..reason
            })
        });
        all.collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Set;
    use crate::analysis::policy::call::Call;
    use crate::analysis::policy::{Context, Effect, File, Scope};

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
            root: None,
            in_force: true,
            scope: Scope::User,
        }
    }

    #[test]
    fn a_rule_decides_and_not_the_equal_default_of_another_policy() {
        let own = file("policy.toml", "version = 1\ndefault = \"allow\"\n");
        let settings = r#"{"permissions":{"allow":["Bash(make *)"]}}"#;
        let set = Set::read(&[own, file("settings.json", settings)]).expect("policies");
        let args = json!({"command": "make a"});
        let call = Call {
            tool: "Bash",
            args: Some(&args),
            host: "claude-code",
            ..Call::default()
        };
        let verdict = set.decide(&call, &Context::default());
        let rule = verdict.rule.and_then(|ix| set.rule(ix));
        assert_eq!(verdict.effect, Effect::Allow);
        assert_eq!(rule.map(|it| it.name.as_str()), Some("Bash(make *)"));
    }
}
