//! Which recorded result a tool call gets.

use serde_json::{Value, json};

use crate::analysis::diff::step;
use crate::analysis::tape::ToolCall;

/// The results of a run's tools, each given once.
#[derive(Debug)]
pub struct Tools {
    calls: Vec<ToolCall>,
    used: Vec<bool>,
    /// Calls must come in the recorded order.
    in_order: bool,
    /// Only tools of this MCP server, under their own names.
    server: Option<String>,
    schemas: Vec<Value>,
    /// Calls that got no result.
    pub misses: Vec<String>,
}

impl Tools {
    pub fn new(
        calls: &[ToolCall],
        schemas: Vec<Value>,
        server: Option<&str>,
        in_order: bool,
    ) -> Tools {
        let is_meant = |call: &&ToolCall| {
            server.is_none_or(|server| call.of_server().is_some_and(|(of, _)| of == server))
        };
        let calls: Vec<ToolCall> = calls.iter().filter(is_meant).cloned().collect();
        Tools {
            used: vec![false; calls.len()],
            calls,
            in_order,
            server: server.map(str::to_owned),
            schemas,
            misses: Vec::new(),
        }
    }

    pub fn total(&self) -> usize {
        self.used.len()
    }

    pub fn served(&self) -> usize {
        self.used.iter().filter(|used| **used).count()
    }

    /// The name by which a client calls a tool: without the prefix of its host.
    fn name(call: &ToolCall) -> &str {
        call.of_server()
            .map_or(call.name.as_str(), |(_, tool)| tool)
    }

    /// The recorded tools, with their schemas if recorded: otherwise any arguments are accepted.
    pub fn list(&self) -> Vec<Value> {
        let mut names: Vec<(&str, &str)> = Vec::new();
        for call in &self.calls {
            let pair = (Tools::name(call), call.name.as_str());
            if !names.iter().any(|(name, _)| *name == pair.0) {
                names.push(pair);
            }
        }
        let tool = |(name, whole): &(&str, &str)| {
            let known = self
                .schemas
                .iter()
                .find(|schema| schema["name"] == *whole || schema["name"] == *name);
            let schema = known
                .and_then(|it| it.get("input_schema"))
                .filter(|it| it.is_object());
            let description = known.and_then(|it| it.get("description")?.as_str());
            json!({
                "name": name,
                "description": description.unwrap_or("recorded"),
                "inputSchema": schema.cloned().unwrap_or_else(|| json!({"type": "object"})),
            })
        };
        names.iter().map(tool).collect()
    }

    /// The result of a call: the first unused one with the same name and arguments. Otherwise an error message.
    pub fn take(&mut self, name: &str, arguments: &Value) -> Result<&ToolCall, String> {
        let wanted = step::canon(arguments);
        let is_same = |call: &ToolCall| {
            (call.name == name || Tools::name(call) == name)
                && step::canon(&call.arguments) == wanted
        };
        let left = |at: &usize| !self.used[*at];
        let found = (0..self.calls.len())
            .filter(left)
            .find(|at| is_same(&self.calls[*at]));
        let earlier = |at: usize| (0..at).any(|other| !self.used[other]);
        if let Some(at) = found.filter(|at| !self.in_order || !earlier(*at)) {
            self.used[at] = true;
            Ok(&self.calls[at])
        } else {
            let unused = (0..self.calls.len())
                .filter(left)
                .map(|at| Tools::name(&self.calls[at]));
            let unused: Vec<&str> = unused.take(5).collect();
            let words = format!(
                "saferun replay miss: {name} {wanted} (recorded and unused: {})",
                unused.join(", ")
            );
            self.misses.push(words.clone());
            Err(words)
        }
    }

    /// The server that these tools belong to.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }
}
