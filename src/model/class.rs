//! What a tool does, by the name that its host gives it.

use std::collections::HashMap;
use std::sync::LazyLock;

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

/// The names that hosts give their tools, in small letters.
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

/// Looked up for every rule of every call.
static BY_NAME: LazyLock<HashMap<&str, Class>> = LazyLock::new(|| {
    let of = |(class, names): &'static (Class, &[&str])| names.iter().map(|name| (*name, *class));
    NAMES.iter().flat_map(of).collect()
});

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
        if tool.starts_with("mcp__") || tool.starts_with("mcp_") {
            return Class::Mcp;
        }
        let lower = tool.to_ascii_lowercase();
        let class = BY_NAME.get(lower.as_str()).copied();
        class.unwrap_or(Class::Other)
    }
}
