//! Suggested rules, which are Claude Code rules, translated for other kinds of policy. What a kind cannot express becomes a comment.

use std::fmt::Write;

use serde_json::Value;

/// What a rule is about.
enum About<'a> {
    /// `Bash(git add *)`: a prefix of words.
    Prefix(&'a str),
    /// `Bash(npm run build)`: one line.
    Line(&'a str),
    Folder(&'a str),
    Host(&'a str),
    Tool(&'a str),
}

impl About<'_> {
    fn of(rule: &str) -> About<'_> {
        let inside = |tool: &str| {
            rule.strip_prefix(tool)?
                .strip_prefix('(')?
                .strip_suffix(')')
        };
        if let Some(command) = inside("Bash") {
            return command
                .strip_suffix(" *")
                .map_or(About::Line(command), About::Prefix);
        }
        if let Some(path) = inside("Edit") {
            return About::Folder(path.trim_start_matches("//").trim_end_matches("/**"));
        }
        match inside("WebFetch").and_then(|it| it.strip_prefix("domain:")) {
            Some(host) => About::Host(host),
            None => About::Tool(rule),
        }
    }
}

/// A string in TOML and Starlark.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn unsaid(rule: &str, out: &mut String) {
    let _ = writeln!(
        out,
        "# cannot be expressed here: {}",
        crate::base::text::sanitize(rule)
    );
}

/// `policy.toml`.
pub fn native(rules: &[&str]) -> String {
    let mut out = String::from("version = 1\ndefault = \"ask\"\n");
    for (at, rule) in rules.iter().enumerate() {
        let (tool, when) = match About::of(rule) {
            // Nothing that ends or continues a command may follow: the rule is for one command.
            About::Prefix(prefix) => (
                "Bash",
                Some(format!(
                    "args.command~/^{}( [^;&|<>$`()\\n]*)?$/",
                    pattern(prefix)
                )),
            ),
            About::Line(line) => ("Bash", Some(format!("args.command~/^{}$/", pattern(line)))),
            About::Folder(folder) => (
                "Edit",
                Some(format!(
                    "args.file_path~/^\\/{}\\/(\\.?[^.\\/][^\\/]*\\/)*[^\\/]+$/",
                    pattern(folder)
                )),
            ),
            About::Host(host) => (
                "WebFetch",
                Some(format!("args.url~/^https?:\\/\\/{}(\\/|$)/", pattern(host))),
            ),
            About::Tool(tool) => (tool, None),
        };
        let _ = writeln!(
            out,
            "\n[[rule]]\nid = \"suggested-{}\"\neffect = \"allow\"\ntool = {}",
            at + 1,
            quoted(tool)
        );
        if let Some(when) = when {
            let _ = writeln!(out, "when = {}", quoted(&when));
        }
    }
    out
}

/// Literal text in a regular expression between slashes.
fn pattern(text: &str) -> String {
    regex::escape(text).replace('/', "\\/")
}

/// `.rules`.
pub fn codex(rules: &[&str]) -> String {
    let mut out = String::new();
    for rule in rules {
        let words = match About::of(rule) {
            About::Prefix(words) => crate::analysis::policy::shell::words(words),
            About::Line(_) | About::Folder(_) | About::Host(_) | About::Tool(_) => None,
        };
        match words {
            Some(words) => {
                let words: Vec<String> = words.iter().map(|it| quoted(it)).collect();
                let _ = writeln!(
                    out,
                    "prefix_rule(pattern = [{}], decision = \"allow\")",
                    words.join(", ")
                );
            }
            None => unsaid(rule, &mut out),
        }
    }
    out
}

/// Policies of Gemini CLI.
pub fn gemini(rules: &[&str]) -> String {
    let mut out = String::new();
    for rule in rules {
        match About::of(rule) {
            About::Prefix(prefix) => {
                let _ = writeln!(
                    out,
                    "[[rule]]\ntoolName = \"run_shell_command\"\ncommandPrefix = {}\ndecision = \"allow\"\npriority = 100\n",
                    quoted(prefix)
                );
            }
            About::Line(_) | About::Folder(_) | About::Host(_) | About::Tool(_) => {
                unsaid(rule, &mut out);
            }
        }
    }
    out
}
