//! A tool call as policies see it: its tool, its arguments, and what kind of thing it does.

use serde_json::Value;

/// A call that an agent wants to make, or made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    pub tool: &'a str,
    /// Its id in the trace; empty where it has none.
    pub id: &'a str,
    /// None where the trace does not record them.
    pub args: Option<&'a Value>,
    /// The format of the trace, which names the program that ran the agent.
    pub host: &'a str,
    pub agent: &'a str,
    pub model: &'a str,
    pub user: &'a str,
    pub run: Of<'a>,
    /// Its place among the actions of its run.
    pub seq: u32,
    pub turn: u32,
}

/// The run that a call belongs to. Empty where it is not recorded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Of<'a> {
    pub id: &'a str,
    pub provider: &'a str,
    pub task: &'a str,
    pub env: &'a str,
    pub service: &'a str,
    pub release: &'a str,
}

/// What a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Shell,
    Read,
    Write,
    Net,
    Mcp,
    Agent,
    Other,
}

impl Class {
    pub const ALL: &[Class] = &[
        Class::Shell,
        Class::Read,
        Class::Write,
        Class::Net,
        Class::Mcp,
        Class::Agent,
        Class::Other,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Class::Shell => "shell",
            Class::Read => "read",
            Class::Write => "write",
            Class::Net => "net",
            Class::Mcp => "mcp",
            Class::Agent => "agent",
            Class::Other => "other",
        }
    }

    pub fn from_word(word: &str) -> Option<Class> {
        Class::ALL.iter().copied().find(|it| it.word() == word)
    }

    /// By the name that a host gives the tool, whatever its capitals.
    pub fn of(tool: &str) -> Class {
        const NAMES: &[(Class, &[&str])] = &[
            (
                Class::Shell,
                &[
                    "bash",
                    "powershell",
                    "shell",
                    "exec",
                    "exec_command",
                    "local_shell",
                    "shell_command",
                    "run_shell_command",
                    "execute_bash",
                    "execute_command",
                    "terminal",
                    "run_terminal_cmd",
                    "run_command",
                    "container.exec",
                    "run_in_terminal",
                ],
            ),
            (
                Class::Read,
                &[
                    "read",
                    "grep",
                    "glob",
                    "ls",
                    "list",
                    "notebookread",
                    "read_file",
                    "read_many_files",
                    "list_directory",
                    "list_dir",
                    "search_file_content",
                    "grep_search",
                    "file_search",
                    "codebase_search",
                    "list_files",
                    "search_files",
                    "view",
                ],
            ),
            (
                Class::Write,
                &[
                    "edit",
                    "write",
                    "multiedit",
                    "notebookedit",
                    "write_file",
                    "replace",
                    "apply_patch",
                    "edit_file",
                    "str_replace_editor",
                    "write_to_file",
                    "replace_in_file",
                    "create_file",
                    "insert_edit_into_file",
                    "patch",
                ],
            ),
            (
                Class::Net,
                &[
                    "webfetch",
                    "websearch",
                    "web_fetch",
                    "web_search",
                    "google_web_search",
                    "fetch",
                    "browser_action",
                ],
            ),
            (
                Class::Agent,
                &["task", "agent", "spawn_agent", "subagent", "delegate"],
            ),
        ];
        if tool.starts_with("mcp__") || tool.starts_with("mcp_") {
            return Class::Mcp;
        }
        let lower = tool.to_ascii_lowercase();
        let found = NAMES
            .iter()
            .find(|(_, names)| names.contains(&lower.as_str()));
        found.map_or(Class::Other, |(class, _)| *class)
    }
}

impl<'a> Call<'a> {
    pub fn class(&self) -> Class {
        Class::of(self.tool)
    }

    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.args?.get(key)?.as_str()
    }

    /// The shell line of a shell call.
    pub fn command(&self) -> Option<String> {
        if self.class() != Class::Shell {
            return None;
        }
        let found = ["command", "cmd", "script", "input"]
            .iter()
            .find_map(|key| self.args?.get(key));
        match found? {
            Value::String(text) => Some(text.clone()),
            Value::Array(words) => Some(of_words(words)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    }

    /// The file or folder of a call that reads or writes.
    pub fn path(&self) -> Option<&'a str> {
        const KEYS: &[&str] = &[
            "file_path",
            "path",
            "notebook_path",
            "filePath",
            "absolute_path",
            "dir_path",
            "filename",
            "target_file",
        ];
        if !matches!(self.class(), Class::Read | Class::Write) {
            return None;
        }
        KEYS.iter().find_map(|key| self.text(key))
    }

    pub fn url(&self) -> Option<&'a str> {
        (self.class() == Class::Net)
            .then(|| self.text("url"))
            .flatten()
    }
}

/// `["bash", "-lc", "make a"]` is the line `make a`; other words are quoted where they must be.
fn of_words(words: &[Value]) -> String {
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    match words.as_slice() {
        [shell, flag, line] if is_shell(shell) && matches!(*flag, "-c" | "-lc" | "-ic") => {
            (*line).to_owned()
        }
        words => words
            .iter()
            .map(|it| quoted(it))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Whether a program is a shell, by its name or path.
pub fn is_shell(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    matches!(name, "sh" | "bash" | "zsh" | "dash" | "ksh" | "fish")
}

fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || "-_./:=+,@%".contains(it);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
