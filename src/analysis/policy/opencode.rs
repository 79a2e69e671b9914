//! OpenCode `permission`: patterns by tool; the last rule that matches decides, and what none matches is allowed.

use serde_json::{Map, Value};

use crate::analysis::policy::call::Call;
use crate::analysis::policy::mistake::{Mistake, spot};
use crate::analysis::policy::stars::Stars;
use crate::analysis::policy::{
    Broken, Context, Dead, Effect, Engine, File, Kind, NO_ARGS, Needs, Reason, Rule, RuleIx,
    Verdict, has_extension, shell,
};
use crate::query::fields::nearest;

pub static KIND: Kind = Kind {
    name: "opencode",
    host: "opencode",
    is: |path, text| {
        let name = std::path::Path::new(path)
            .file_stem()
            .and_then(|it| it.to_str());
        let is_json = has_extension(path, "json");
        is_json && (name == Some("opencode") || text.contains("\"permission\""))
    },
    read: |files| Ok(Box::new(OpenCode::read(files)?)),
};

/// What it asks permission for. Any other name in a file is that of a tool of an MCP server or a plugin.
pub const PERMISSIONS: &[&str] = &[
    "read",
    "edit",
    "glob",
    "grep",
    "list",
    "bash",
    "task",
    "skill",
    "lsp",
    "question",
    "todoread",
    "todowrite",
    "webfetch",
    "websearch",
    "codesearch",
    "repo_clone",
    "repo_overview",
    "plan_enter",
    "plan_exit",
    "external_directory",
    "doom_loop",
];

#[derive(Debug)]
pub struct OpenCode {
    rules: Vec<Rule>,
    tests: Vec<(Stars, Stars)>,
}

impl OpenCode {
    pub fn read(files: &[File]) -> Result<OpenCode, Broken> {
        let mut opencode = OpenCode {
            rules: Vec::new(),
            tests: Vec::new(),
        };
        for (file, source) in files.iter().enumerate() {
            opencode
                .add(&source.text, file)
                .map_err(|mistake| Broken { file, mistake })?;
        }
        Ok(opencode)
    }

    fn add(&mut self, text: &str, file: usize) -> Result<(), Mistake> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or(&what);
            Mistake::at_line(text, error.line(), error.column(), what)
        })?;
        let mut from = text.find("\"permission\"").unwrap_or(0);
        match value.get("permission") {
            None => Ok(()),
            Some(Value::Object(tools)) => tools.iter().try_for_each(|(tool, given)| {
                from = place(text, from, tool);
                self.tool((text, from), file, (tool, given))
            }),
            Some(given) => self.rule((text, from), file, ("*", "*", given)),
        }
    }

    fn tool(
        &mut self,
        at: (&str, usize),
        file: usize,
        (tool, given): (&str, &Value),
    ) -> Result<(), Mistake> {
        let none = Map::new();
        let (patterns, is_map) = match given {
            Value::Object(patterns) => (patterns, true),
            _ => (&none, false),
        };
        if !is_map {
            return self.rule(at, file, (tool, "*", given));
        }
        let mut from = at.1;
        patterns.iter().try_for_each(|(pattern, given)| {
            from = place(at.0, from, pattern);
            self.rule((at.0, from), file, (tool, pattern, given))
        })
    }

    fn rule(
        &mut self,
        (text, at): (&str, usize),
        file: usize,
        (tool, pattern, given): (&str, &str, &Value),
    ) -> Result<(), Mistake> {
        const WORDS: [&str; 3] = ["allow", "ask", "deny"];
        let effect = match given.as_str() {
            Some("allow") => Effect::Allow,
            Some("ask") => Effect::Ask,
            Some("deny") => Effect::Deny,
            other => {
                let near = other.and_then(|it| nearest(it, WORDS));
                let what = format!("{tool}: a permission is \"allow\", \"ask\" or \"deny\"");
                return Err(Mistake::at(text, written(text, at, given), what).meaning(near));
            }
        };
        let (line, column) = spot(text, at);
        self.rules.push(Rule {
            name: if pattern == "*" {
                tool.to_owned()
            } else {
                format!("{tool}: {pattern}")
            },
            effect,
            file,
            line,
            column,
            dead: (permission(tool) != tool)
                .then(|| Dead::NeverConsulted(format!("write '{}'", permission(tool)))),
        });
        self.tests
            .push((Stars::plain(tool), Stars::command(pattern)));
        Ok(())
    }

    /// The last rule that matches one input of a tool.
    fn last(&self, name: &str, input: Option<&str>) -> Verdict {
        let mut tests = self.tests.iter().enumerate().rev();
        let found = tests.find(|(_, (tool, pattern))| {
            tool.matches(name) && input.is_none_or(|it| pattern.matches(it))
        });
        match found {
            Some((at, _)) if input.is_none() && !self.is_for_all(at) => {
                Verdict::unjudged(Effect::Error, Some(RuleIx(at as u32)), NO_ARGS)
            }
            Some((at, _)) => Verdict::by(self.rules[at].effect, RuleIx(at as u32)),
            None => Verdict::default(Effect::Allow),
        }
    }

    fn is_for_all(&self, at: usize) -> bool {
        self.tests[at].1.matches("")
    }
}

fn place(text: &str, from: usize, key: &str) -> usize {
    let key = Value::String(key.to_owned()).to_string();
    text.get(from..)
        .and_then(|rest| rest.find(&key))
        .map_or(from, |at| from + at)
}

/// Where a value is, after its key; the start of the key if it is written in another way.
fn written(text: &str, key: usize, value: &Value) -> std::ops::Range<usize> {
    let value = value.to_string();
    let found = text.get(key..).and_then(|rest| rest.find(&value));
    found.map_or(key..key + 1, |at| key + at..key + at + value.len())
}

/// The permission that a tool needs.
fn permission(tool: &str) -> &str {
    match tool {
        "write" | "patch" | "multiedit" | "apply_patch" => "edit",
        tool => tool,
    }
}

/// What patterns are compared with: the commands of a line, the path, the URL.
fn inputs(call: &Call<'_>) -> Option<Vec<String>> {
    call.args?;
    if let Some(command) = call.command() {
        let line = shell::line(&command).filter(|it| !it.commands.is_empty());
        return Some(line.map_or_else(|| vec![command.clone()], |it| it.commands));
    }
    let input = call
        .path()
        .or_else(|| call.url())
        .or_else(|| call.text("pattern"))
        .or_else(|| call.text("query"));
    Some(vec![input.unwrap_or("*").to_owned()])
}

impl Engine for OpenCode {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn needs(&self, tool: &str) -> Needs {
        let name = permission(tool);
        let mut all = self.tests.iter().enumerate();
        let reads = all.any(|(at, (tool, _))| tool.matches(name) && !self.is_for_all(at));
        if reads { Needs::Args } else { Needs::Tool }
    }

    fn decide(&self, call: &Call<'_>, _context: &Context<'_>) -> Verdict {
        let name = permission(call.tool);
        let Some(inputs) = inputs(call) else {
            return self.last(name, None);
        };
        let verdicts = inputs.iter().map(|it| self.last(name, Some(it)));
        let strictest = verdicts.reduce(|best, it| if it.effect > best.effect { it } else { best });
        strictest.unwrap_or_else(|| Verdict::default(Effect::Allow))
    }

    fn explain(&self, call: &Call<'_>, _context: &Context<'_>) -> Vec<Reason> {
        let name = permission(call.tool);
        let inputs = inputs(call);
        let all = self.tests.iter().enumerate();
        all.map(|(at, (tool, pattern))| {
            let is_tool = tool.matches(name);
            let is_input = inputs
                .as_ref()
                .map(|all| all.iter().any(|it| pattern.matches(it)));
            let (is_match, words) = match (is_tool, is_input) {
                (false, _) => (Some(false), "another tool"),
                (true, Some(true)) => (Some(true), "matches; the last matching rule decides"),
                (true, Some(false)) => (Some(false), "the pattern does not match"),
                (true, None) if self.is_for_all(at) => {
                    (Some(true), "matches; the last matching rule decides")
                }
                (true, None) => (None, NO_ARGS),
            };
            Reason {
                rule: RuleIx(at as u32),
                is_match,
                words: words.to_owned(),
            }
        })
        .collect()
    }

    fn assumptions(&self) -> &'static [&'static str] {
        &["OpenCode allows what no rule matches; its permissions are read as documented, not tried"]
    }
}

#[cfg(test)]
mod tests;
