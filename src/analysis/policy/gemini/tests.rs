use serde_json::json;

use super::*;

fn file(text: &str, scope: Scope) -> File {
    File {
        path: "rules.toml".to_owned(),
        text: text.to_owned(),
        root: None,
        in_force: true,
        scope,
    }
}

const RULES: &str = r#"
[[rule]]
toolName = "run_shell_command"
commandPrefix = "git"
decision = "allow"
priority = 100

[[rule]]
toolName = "run_shell_command"
commandPrefix = ["git push", "rm"]
decision = "deny"
priority = 200

[[rule]]
toolName = ["write_file", "replace"]
argsPattern = '"file_path":"/w/'
decision = "ask_user"

[[rule]]
mcpName = "shop"
decision = "deny"
"#;

#[track_caller]
fn check(tool: &str, args: &Value, expected: Effect) {
    let gemini = Gemini::read(&[file(RULES, Scope::User)]).expect("the rules are valid");
    let call = Call {
        tool,
        args: Some(args),
        ..Call::default()
    };
    assert_eq!(
        gemini.decide(&call, &Context::default()).effect,
        expected,
        "{tool} {args}"
    );
}

#[test]
fn the_highest_priority_decides() {
    let line = |text: &str| json!({ "command": text });
    check("run_shell_command", &line("git status"), Effect::Allow);
    check("run_shell_command", &line("git push"), Effect::Deny);
    check("run_shell_command", &line("github"), Effect::Unknown);
    check(
        "write_file",
        &json!({"content": "x", "file_path": "/w/a"}),
        Effect::Ask,
    );
    check("write_file", &json!({"file_path": "/v/a"}), Effect::Unknown);
    check("mcp_shop_refund", &json!({}), Effect::Deny);
}

#[test]
fn every_command_of_a_line_is_judged_and_redirection_is_asked_for() {
    let line = |text: &str| json!({ "command": text });
    check(
        "run_shell_command",
        &line("git status && git log"),
        Effect::Allow,
    );
    check(
        "run_shell_command",
        &line("git status && rm x"),
        Effect::Deny,
    );
    check("run_shell_command", &line("git status > f"), Effect::Ask);
    check("run_shell_command", &line("git 'open"), Effect::Ask);
}

#[test]
fn a_tier_outweighs_every_priority_below_it() {
    let high = "[[rule]]\ntoolName = \"x\"\ndecision = \"allow\"\npriority = 999\n";
    let low = "[[rule]]\ntoolName = \"x\"\ndecision = \"deny\"\npriority = 0\n";
    let files = [file(high, Scope::User), file(low, Scope::Admin)];
    let gemini = Gemini::read(&files).expect("the rules are valid");
    let call = Call {
        tool: "x",
        ..Call::default()
    };
    assert_eq!(
        gemini.decide(&call, &Context::default()).effect,
        Effect::Deny
    );
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let wrong = |text: &str| {
        Gemini::read(&[file(text, Scope::User)])
            .expect_err("a mistake")
            .mistake
            .words("r.toml")
    };
    insta::assert_snapshot!(wrong("[[rule]]\ntoolName = \"x\"\ndecision = \"denny\"\n"), @r#"
    r.toml:3:12: 'denny' is not one of allow, deny, ask_user · did you mean 'deny'?
      decision = "denny"
                 ^^^^^^^
    "#);
    insta::assert_snapshot!(wrong("[[rule]]\ndecision = \"deny\"\nargsPattern = \"(\"\n"), @r#"
    r.toml:3:15: the expression is not valid: unclosed group
      argsPattern = "("
                    ^^^
    "#);
}
