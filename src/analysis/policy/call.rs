//! A tool call as policies see it: its tool, its arguments, and what kind of thing it does.

use serde_json::Value;

use crate::ingest::command;
use crate::model::class::Class;

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

impl<'a> Call<'a> {
    pub fn class(&self) -> Class {
        Class::of(self.tool)
    }

    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.args?.get(key)?.as_str()
    }

    /// The shell line of a shell call.
    pub fn command(&self) -> Option<String> {
        command::of(self.tool, self.args?)
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
