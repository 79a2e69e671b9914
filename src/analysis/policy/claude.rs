//! Claude Code `permissions`: deny, then ask, then allow over all settings files together; the first rule that matches
//! decides, however specific the others are. Held against version 2.1.197 of the program.

mod defaults;
mod modes;
mod rule;
mod settings;
mod shells;

use serde_json::Value;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::claude::rule::{Matcher, RuleMatch, Test};
use crate::analysis::policy::claude::shells::Parsed;
use crate::analysis::policy::paths::{self, Root};
use crate::analysis::policy::{
    Broken, Context, Dead, Effect, Engine, File, Kind, Needs, Reason, Rule, RuleIx, Verdict,
};

pub use crate::analysis::policy::claude::modes::MODES;
pub use crate::analysis::policy::claude::shells::{READERS, is_reader};

/// The version of the program that these rules were checked against.
pub const HELD_AGAINST: &str = "2.1.197";

pub static KIND: Kind = Kind {
    name: "claude-code",
    host: "claude-code",
    is: settings::is_settings,
    read: |files| Ok(Box::new(Claude::read(files)?)),
};

/// The rules of all settings files, in the order in which they are tried.
#[derive(Debug)]
pub struct Claude {
    rules: Vec<Rule>,
    matchers: Vec<Matcher>,
    /// Deny, ask, allow: the rules of each that may decide.
    order: [Vec<RuleIx>; 3],
    /// Folders beside the working directory in which reading is allowed.
    folders: Vec<String>,
}

const EFFECTS: [Effect; 3] = [Effect::Deny, Effect::Ask, Effect::Allow];

impl Claude {
    pub fn read(files: &[File]) -> Result<Claude, Broken> {
        let mut claude = Claude {
            rules: Vec::new(),
            matchers: Vec::new(),
            order: [Vec::new(), Vec::new(), Vec::new()],
            folders: Vec::new(),
        };
        for (at, file) in files.iter().enumerate() {
            let broken = |mistake| Broken { file: at, mistake };
            let settings = settings::read(&file.text).map_err(broken)?;
            claude.folders.extend(settings.folders);
            for stated in settings.rules {
                let root = file.root.as_deref().unwrap_or("/");
                let matcher = Matcher::new(&stated.text, stated.effect, root)
                    .map_err(|what| broken(stated.mistake(&file.text, &what)))?;
                let is_idle = !file.in_force && stated.effect == Effect::Allow;
                let dead = if is_idle {
                    Some(Dead::NotInForce)
                } else {
                    matcher.dead()
                };
                claude.add(stated.rule(at, dead), matcher);
            }
        }
        Ok(claude)
    }

    fn add(&mut self, rule: Rule, matcher: Matcher) {
        let ix = RuleIx(self.rules.len() as u32);
        if let (Some(at), None) = (EFFECTS.iter().position(|it| *it == rule.effect), &rule.dead) {
            self.order[at].push(ix);
        }
        self.rules.push(rule);
        self.matchers.push(matcher);
    }

    fn matcher(&self, ix: RuleIx) -> &Matcher {
        &self.matchers[ix.0 as usize]
    }

    /// The rules as a settings file would have to state them to be judged without a file.
    pub fn of(rules: &[(Effect, &str)]) -> Result<Claude, String> {
        let mut claude = Claude {
            rules: Vec::new(),
            matchers: Vec::new(),
            order: [Vec::new(), Vec::new(), Vec::new()],
            folders: Vec::new(),
        };
        for (effect, text) in rules {
            let matcher = Matcher::new(text, *effect, "/")?;
            let rule = Rule {
                name: (*text).to_owned(),
                effect: *effect,
                file: 0,
                line: 0,
                column: 0,
                dead: matcher.dead(),
            };
            claude.add(rule, matcher);
        }
        Ok(claude)
    }

    fn by_rules(&self, judged: &JudgedCall<'_>) -> Verdict {
        // The first deny or ask that cannot be judged, which no allow overrides, and the first such allow, which matters
        // only where the call would need approval without it.
        let (mut held, mut unsure) = (None, None);
        for (effect, order) in EFFECTS.iter().zip(&self.order) {
            for ix in order {
                match self.matcher(*ix).matches(judged) {
                    RuleMatch::No => {}
                    RuleMatch::Unknown(why) => {
                        let first = if *effect == Effect::Allow {
                            &mut unsure
                        } else {
                            &mut held
                        };
                        first.get_or_insert(Verdict::unjudged(Effect::Error, Some(*ix), why));
                    }
                    RuleMatch::Yes if *effect == Effect::Deny => return Verdict::by(*effect, *ix),
                    RuleMatch::Yes => {
                        let is_free = *effect == Effect::Ask || self.may_write(*ix, judged);
                        if is_free {
                            return held.unwrap_or_else(|| Verdict::by(*effect, *ix));
                        }
                    }
                }
            }
        }
        if let Some(verdict) = self.each_part(judged) {
            return held.unwrap_or(verdict);
        }
        let default = self.without_rule(judged);
        let unsure = unsure.filter(|_| default.effect == Effect::Ask);
        held.or(unsure).unwrap_or(default)
    }

    /// A rule for a command allows the command, not the files that it writes to by redirection.
    fn may_write(&self, ix: RuleIx, judged: &JudgedCall<'_>) -> bool {
        let Some(shell) = judged.shell.as_ref().filter(|_| judged.call.tool == "Bash") else {
            return true;
        };
        if matches!(self.matcher(ix).test, Test::Tool(_)) {
            return true;
        }
        shell
            .writes
            .iter()
            .all(|file| self.may_edit(file, judged.context))
    }

    fn may_edit(&self, file: &str, context: &Context<'_>) -> bool {
        let args = serde_json::json!({ "file_path": file });
        let call = Call {
            tool: "Edit",
            args: Some(&args),
            ..Call::default()
        };
        let judged = JudgedCall {
            call: &call,
            context,
            shell: None,
        };
        let of = |at: usize| {
            let rules = self.order[at].iter();
            let mut edits = rules.filter(|ix| self.rules[ix.0 as usize].name.starts_with("Edit"));
            edits.any(|ix| self.matcher(*ix).matches(&judged) == RuleMatch::Yes)
        };
        !of(0) && !of(1) && of(2)
    }

    /// Each command of a line by a rule of its own.
    fn each_part(&self, judged: &JudgedCall<'_>) -> Option<Verdict> {
        let shell = judged.shell.as_ref()?;
        let line = shell.line.as_ref().filter(|it| !it.traits.any())?;
        if judged.call.tool != "Bash" || !shell.writes.is_empty() {
            return None;
        }
        let mut decided = None;
        for at in 0..line.commands.len() {
            let mut allowing = self.order[2].iter();
            match allowing.find(|ix| self.matcher(**ix).allows_part(shell, at)) {
                Some(ix) => {
                    decided.get_or_insert(*ix);
                }
                None if shell.is_reader(at) => {}
                None => return None,
            }
        }
        decided.map(|ix| Verdict::by(Effect::Allow, ix))
    }

    fn without_rule(&self, judged: &JudgedCall<'_>) -> Verdict {
        defaults::without_rule(judged, &self.folders)
    }
}

/// A call that is judged, with what several rules want to know about it.
#[derive(Debug)]
pub(crate) struct JudgedCall<'a> {
    call: &'a Call<'a>,
    context: &'a Context<'a>,
    /// Of a call of `Bash` whose command is recorded.
    shell: Option<Parsed<'a>>,
}

impl<'a> JudgedCall<'a> {
    fn new(call: &'a Call<'a>, context: &'a Context<'a>) -> JudgedCall<'a> {
        let command = call.text("command").filter(|_| call.tool == "Bash");
        JudgedCall {
            call,
            context,
            shell: command.map(Parsed::new),
        }
    }

    /// The argument that names the file, or the folder that the call begins in.
    fn file(&self, key: &str) -> &'a str {
        self.call
            .text(key)
            .filter(|it| !it.is_empty())
            .unwrap_or(".")
    }

    /// A path below the root of a pattern; none if it is elsewhere.
    fn below(&self, root: Root, beside: &str, file: &str) -> Result<Option<String>, &'static str> {
        const NO_CWD: &str = "the working directory is not recorded";
        let is_absolute = file.starts_with('/');
        let cwd = match self.context.cwd {
            None if !is_absolute || root == Root::Cwd => return Err(NO_CWD),
            cwd => cwd.unwrap_or_default(),
        };
        let folder = match root {
            Root::Top => "/",
            Root::Home => self.context.home.ok_or("the home folder is not known")?,
            Root::Beside => beside,
            Root::Cwd => cwd,
        };
        let file = paths::resolved(cwd, file);
        Ok(paths::below(folder, &file).map(str::to_owned))
    }
}

impl Engine for Claude {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn needs(&self, tool: &str) -> Needs {
        let is_open = defaults::needs_args(tool);
        let reads = |ix: &RuleIx| self.matcher(*ix).reads_args_of(tool);
        if is_open || self.order.iter().flatten().any(reads) {
            Needs::Args
        } else {
            Needs::Tool
        }
    }

    fn decide(&self, call: &Call<'_>, context: &Context<'_>) -> Verdict {
        let judged = JudgedCall::new(call, context);
        self.in_mode(&judged, self.by_rules(&judged))
    }

    fn explain(&self, call: &Call<'_>, context: &Context<'_>) -> Vec<Reason> {
        let judged = JudgedCall::new(call, context);
        let all = self.matchers.iter().zip(&self.rules).enumerate();
        all.map(|(at, (matcher, rule))| {
            let found = matcher.matches(&judged);
            let words = match (&rule.dead, found) {
                (Some(Dead::NeverConsulted(instead)), _) => format!("never consulted: {instead}"),
                (Some(Dead::NotInForce), _) => "not in force: the folder is not trusted".to_owned(),
                (None, RuleMatch::Unknown(why)) => why.to_owned(),
                (None, RuleMatch::Yes) => matcher.why(&judged, rule.effect),
                (None, RuleMatch::No) => matcher.why_not(&judged, rule.effect),
            };
            Reason {
                rule: RuleIx(at as u32),
                is_match: match found {
                    RuleMatch::Unknown(_) => None,
                    found => Some(found == RuleMatch::Yes && rule.dead.is_none()),
                },
                words,
            }
        })
        .collect()
    }

    fn looks_at_mode(&self) -> bool {
        true
    }

    fn assumptions(&self) -> &'static [&'static str] {
        &[
            "the default mode of the program where a run does not record its mode (--mode)",
            "its list of read-only commands is longer than documented; the known ones are built in",
        ]
    }
}

/// Whether an argument is a scalar whose text matches a pattern.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests;
