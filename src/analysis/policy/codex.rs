//! Codex `.rules`: prefixes of commands; the strictest of all rules that match decides. A command that no rule matches
//! is unknown, because the sandbox and the approval policy decide about it.

mod starlark;

use serde_json::Value;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::codex::starlark::{Literal, Statement};
use crate::analysis::policy::mistake::{Mistake, spot};
use crate::analysis::policy::{
    Broken, Context, Effect, Engine, File, Kind, NO_ARGS, Needs, Reason, Rule, RuleIx, Verdict,
    has_extension, shell,
};
use crate::ingest::command::is_shell;
use crate::model::class::Class;
use crate::query::fields::nearest;

pub static KIND: Kind = Kind {
    name: "codex",
    host: "codex",
    is: |path, _| has_extension(path, "rules"),
    read: |files| Ok(Box::new(Codex::read(files)?)),
};

#[derive(Debug)]
pub struct Codex {
    rules: Vec<Rule>,
    /// Of every rule, what each word of the command may be.
    prefixes: Vec<Vec<Vec<String>>>,
    /// Programs by name, and the paths that stand for them.
    programs: Vec<(String, Vec<String>)>,
}

const UNKNOWN: &str = "no rule matches: the sandbox and the approval policy decide";

impl Codex {
    pub fn read(files: &[File]) -> Result<Codex, Broken> {
        let mut codex = Codex {
            rules: Vec::new(),
            prefixes: Vec::new(),
            programs: Vec::new(),
        };
        for (file, source) in files.iter().enumerate() {
            let broken = |mistake| Broken { file, mistake };
            let statements = starlark::read(&source.text).map_err(broken)?;
            // Programs first, so that the examples of rules see all of them.
            for statement in statements.iter().filter(|it| it.name == "host_executable") {
                codex.program(&source.text, statement).map_err(broken)?;
            }
            for statement in &statements {
                match statement.name.as_str() {
                    "prefix_rule" => codex
                        .prefix(&source.text, statement, file)
                        .map_err(broken)?,
                    "host_executable" => {}
                    other => return Err(broken(unknown(&source.text, statement, other))),
                }
            }
        }
        Ok(codex)
    }

    fn program(&mut self, text: &str, statement: &Statement) -> Result<(), Mistake> {
        statement.only(text, &["name", "paths"])?;
        let name = statement.string(text, "name")?;
        let paths = statement.strings(text, "paths")?;
        self.programs.push((name, paths));
        Ok(())
    }

    fn prefix(&mut self, text: &str, statement: &Statement, file: usize) -> Result<(), Mistake> {
        statement.only(
            text,
            &["pattern", "decision", "match", "not_match", "justification"],
        )?;
        let pattern = pattern(text, statement)?;
        let effect = decision(text, statement)?;
        let (line, column) = spot(text, statement.span.start);
        let words: Vec<String> = pattern.iter().map(|it| it.join("|")).collect();
        self.rules.push(Rule {
            name: words.join(" "),
            effect,
            file,
            line,
            column,
            dead: None,
        });
        self.prefixes.push(pattern);
        let at = self.prefixes.len() - 1;
        for (key, expected) in [("match", true), ("not_match", false)] {
            for (command, span) in examples(text, statement, key)? {
                if self.is_prefix(at, &command) != expected {
                    let what = if expected {
                        "the rule does not match this example"
                    } else {
                        "the rule matches this example of not_match"
                    };
                    return Err(Mistake::at(text, span, what));
                }
            }
        }
        Ok(())
    }

    fn is_prefix(&self, at: usize, command: &[String]) -> bool {
        let pattern = &self.prefixes[at];
        let Some((program, arguments)) = command.split_first() else {
            return false;
        };
        let is_first = |given: &String| {
            let mut known = self.programs.iter();
            given == program || known.any(|(name, paths)| name == given && paths.contains(program))
        };
        let Some((first, rest)) = pattern.split_first() else {
            return false;
        };
        first.iter().any(is_first)
            && rest.len() <= arguments.len()
            && rest
                .iter()
                .zip(arguments)
                .all(|(any, word)| any.contains(word))
    }

    /// The strictest rule for one command.
    fn command(&self, command: &[String]) -> Verdict {
        let rules = self
            .rules
            .iter()
            .enumerate()
            .filter(|(at, _)| self.is_prefix(*at, command));
        let strictest = rules.reduce(|best, it| {
            if it.1.effect > best.1.effect {
                it
            } else {
                best
            }
        });
        match strictest {
            Some((at, rule)) => Verdict::by(rule.effect, RuleIx(at as u32)),
            None => Verdict::unjudged(Effect::Unknown, None, UNKNOWN),
        }
    }
}

fn unknown(text: &str, statement: &Statement, name: &str) -> Mistake {
    let near = nearest(name, ["prefix_rule", "host_executable"]);
    let what = format!("'{name}' is not known: only prefix_rule and host_executable are read");
    Mistake::at(text, statement.span.clone(), what).meaning(near)
}

/// What each word may be.
fn pattern(text: &str, statement: &Statement) -> Result<Vec<Vec<String>>, Mistake> {
    let (literal, span) = statement.argument(text, "pattern")?;
    let wrong = || {
        Mistake::at(
            text,
            span.clone(),
            "a pattern is a list of words, each a string or a list of strings",
        )
    };
    let Literal::List(items) = literal else {
        return Err(wrong());
    };
    let word = |(item, _): &(Literal, std::ops::Range<usize>)| match item {
        Literal::Text(text) => Some(vec![text.clone()]),
        Literal::List(words) => words
            .iter()
            .map(|(word, _)| word.text().map(str::to_owned))
            .collect(),
        Literal::Other => None,
    };
    let words: Option<Vec<Vec<String>>> = items.iter().map(word).collect();
    words
        .filter(|it| !it.is_empty() && it.iter().all(|word| !word.is_empty()))
        .ok_or_else(wrong)
}

fn decision(text: &str, statement: &Statement) -> Result<Effect, Mistake> {
    const WORDS: [&str; 3] = ["allow", "prompt", "forbidden"];
    let Some((literal, span)) = statement.given("decision") else {
        return Ok(Effect::Allow);
    };
    match literal.text() {
        Some("allow") => Ok(Effect::Allow),
        Some("prompt") => Ok(Effect::Ask),
        Some("forbidden") => Ok(Effect::Deny),
        other => {
            let near = other.and_then(|it| nearest(it, WORDS));
            let what = "a decision is \"allow\", \"prompt\" or \"forbidden\"";
            Err(Mistake::at(text, span.clone(), what).meaning(near))
        }
    }
}

type Example = (Vec<String>, std::ops::Range<usize>);

/// Commands as strings or as lists of words.
fn examples(text: &str, statement: &Statement, key: &str) -> Result<Vec<Example>, Mistake> {
    let Some((Literal::List(items), _)) = statement.given(key) else {
        return Ok(Vec::new());
    };
    let one = |(item, span): &(Literal, std::ops::Range<usize>)| {
        let words = match item {
            Literal::Text(line) => shell::words(line),
            Literal::List(words) => words
                .iter()
                .map(|(word, _)| word.text().map(str::to_owned))
                .collect(),
            Literal::Other => None,
        };
        let wrong = || {
            Mistake::at(
                text,
                span.clone(),
                "an example is a command: a string or a list of words",
            )
        };
        words.map(|words| (words, span.clone())).ok_or_else(wrong)
    };
    items.iter().map(one).collect()
}

/// The commands of a call. A script that is more than plain words is one command of the shell that runs it.
fn commands(call: &Call<'_>) -> Option<Vec<Vec<String>>> {
    let of_script = |shell_words: Vec<String>, script: &str| {
        plain(script).unwrap_or_else(|| vec![[shell_words, vec![script.to_owned()]].concat()])
    };
    let args = call.args?;
    let given = ["command", "cmd"].iter().find_map(|key| args.get(key))?;
    let words: Vec<String> = match given {
        Value::String(script) => {
            return Some(of_script(vec!["bash".to_owned(), "-lc".to_owned()], script));
        }
        Value::Array(words) => words
            .iter()
            .map(|it| it.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    match words.as_slice() {
        [program, flag, script] if is_shell(program) && matches!(flag.as_str(), "-c" | "-lc") => {
            Some(of_script(vec![program.clone(), flag.clone()], script))
        }
        _ => Some(vec![words]),
    }
}

/// The commands of a script of plain words and `&& || ; |`; none if it has more in it.
fn plain(script: &str) -> Option<Vec<Vec<String>>> {
    if script.contains(['$', '`', '<', '>', '*', '?', '[', '(', ')', '{', '}', '~']) {
        return None;
    }
    let line = shell::line(script).filter(|it| !it.traits.any() && !it.commands.is_empty())?;
    let commands: Option<Vec<Vec<String>>> =
        line.commands.iter().map(|it| shell::words(it)).collect();
    let is_assignment = |words: &Vec<String>| words.first().is_none_or(|it| it.contains('='));
    commands.filter(|all| !all.iter().any(is_assignment))
}

impl Engine for Codex {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn needs(&self, tool: &str) -> Needs {
        if Class::of(tool) == Class::Shell {
            Needs::Args
        } else {
            Needs::Tool
        }
    }

    fn decide(&self, call: &Call<'_>, _context: &Context<'_>) -> Verdict {
        if call.class() != Class::Shell {
            return Verdict::unjudged(Effect::Unknown, None, UNKNOWN);
        }
        let Some(commands) = commands(call) else {
            return Verdict::unjudged(Effect::Error, None, NO_ARGS);
        };
        let verdicts = commands.iter().map(|it| self.command(it));
        let strictest = verdicts.reduce(|best, it| if it.effect > best.effect { it } else { best });
        strictest.unwrap_or_else(|| Verdict::unjudged(Effect::Unknown, None, UNKNOWN))
    }

    fn explain(&self, call: &Call<'_>, _context: &Context<'_>) -> Vec<Reason> {
        let commands = if call.class() == Class::Shell {
            commands(call)
        } else {
            Some(Vec::new())
        };
        let rules = 0..self.rules.len();
        rules
            .map(|at| {
                let part = commands
                    .as_ref()
                    .map(|all| all.iter().position(|it| self.is_prefix(at, it)));
                let words = match part {
                    None => NO_ARGS.to_owned(),
                    Some(None) => "no command starts like this".to_owned(),
                    Some(Some(part)) => format!(
                        "matches part {} of {}",
                        part + 1,
                        commands.as_ref().map_or(0, Vec::len)
                    ),
                };
                Reason {
                    rule: RuleIx(at as u32),
                    is_match: part.map(|it| it.is_some()),
                    words,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
