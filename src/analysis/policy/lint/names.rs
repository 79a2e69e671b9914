//! Names in the permissions of OpenCode that it has no tool for. It accepts any name, so that rules can be about tools
//! of MCP servers and plugins; a rule with a mistyped name silently never applies.

use crate::analysis::policy::lint::Facts;
use crate::analysis::policy::opencode::PERMISSIONS;
use crate::analysis::policy::stars::Stars;
use crate::query::fields::nearest;

/// The tool that a rule is about: what its name has before the pattern for the input, if there is one.
pub(super) fn tool(name: &str) -> &str {
    name.split_once(": ").map_or(name, |(tool, _)| tool)
}

/// What other clients call its tools.
const OTHERS: &[(&str, &str)] = &[("shell", "bash"), ("fetch", "webfetch"), ("search", "grep")];

/// What is wrong with the name of a tool, if it names none that is known.
pub(super) fn unknown(tool: &str, facts: Option<&Facts>) -> Option<String> {
    let named = Stars::plain(tool);
    let is_called = |facts: &Facts| facts.calls().iter().any(|it| named.matches(&it.tool));
    if PERMISSIONS.iter().any(|it| named.matches(it)) || facts.is_some_and(is_called) {
        return None;
    }
    let other = OTHERS.iter().find(|(other, _)| *other == tool);
    let near = other.map(|(_, own)| *own);
    let near = near.or_else(|| nearest(tool, PERMISSIONS.iter().copied()));
    // Tools of servers are named after them: github_create_issue, my-server*.
    if near.is_none() && tool.contains(['_', '-', '*']) {
        return None;
    }
    let meant = near.map_or_else(String::new, |near| format!(" · did you mean '{near}'?"));
    Some(format!(
        "OpenCode has no permission '{tool}': it accepts the name, and applies the rule only to a tool with this name from an MCP server or plugin{meant}"
    ))
}
