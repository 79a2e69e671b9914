//! The OpenCode plugin: it forwards the input of its hooks to the guard, and throws when a call is denied.

/// The source of the plugin. Without an answer, nothing runs.
pub(super) fn text(program: &str, is_observing: bool) -> String {
    let program = serde_json::Value::from(program);
    let mode = if is_observing {
        "[\"guard\", \"opencode\", \"--observe\"]"
    } else {
        "[\"guard\", \"opencode\"]"
    };
    TEMPLATE
        .replace("@PROGRAM@", &program.to_string())
        .replace("@ARGUMENTS@", mode)
}

const TEMPLATE: &str = r#"// The hook of '…/saferun-tui' guard opencode. Remove it with: saferun-tui guard uninstall opencode
import { spawn } from "node:child_process"

const PROGRAM = @PROGRAM@
const ARGUMENTS = @ARGUMENTS@

function ask(event) {
  return new Promise((resolve, reject) => {
    const guard = spawn(PROGRAM, ARGUMENTS, { stdio: ["pipe", "pipe", "inherit"] })
    let printed = ""
    guard.on("error", reject)
    guard.stdout.on("data", (part) => { printed += part })
    guard.on("close", (code) => {
      if (code !== 0) return reject(new Error("saferun-tui guard failed; remove with: saferun-tui guard uninstall opencode"))
      try { resolve(JSON.parse(printed)) } catch (error) { reject(error) }
    })
    guard.stdin.on("error", () => {})
    guard.stdin.end(JSON.stringify(event))
  })
}

export const Saferun = async ({ directory }) => ({
  "tool.execute.before": async (input, output) => {
    const { tool, sessionID, callID } = input
    const answer = await ask({ hook: "tool.execute.before", tool, sessionID, callID, args: output.args, directory })
    if (answer.decision === "deny") throw new Error(answer.reason)
  },
  "tool.execute.after": async (input, output) => {
    const { tool, sessionID, callID, args } = input
    const { title, output: text, metadata } = output
    await ask({ hook: "tool.execute.after", tool, sessionID, callID, args, output: { title, output: text, metadata } }).catch(() => {})
  },
  "chat.message": async (input, output) => {
    const parts = (output.parts ?? []).filter((part) => part.type === "text" && !part.synthetic)
    const text = parts.map((part) => part.text).join("\n")
    await ask({ hook: "chat.message", sessionID: input.sessionID, text }).catch(() => {})
  },
})
"#;
