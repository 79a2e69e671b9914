use serde_json::json;

use super::*;
use crate::analysis::policy::Scope;

fn file(text: &str) -> File {
    File {
        path: "default.rules".to_owned(),
        text: text.to_owned(),
        root: None,
        in_force: true,
        scope: Scope::User,
    }
}

const RULES: &str = r#"
# Reading is free.
prefix_rule(pattern = ["git", ["status", "log"]], decision = "allow", match = ["git status -s"], not_match = [["git", "push"]])
prefix_rule(pattern = ["git", "push"], decision = "prompt")
prefix_rule(pattern = ["rm"], decision = "forbidden", justification = "never")
host_executable(name = "git", paths = ["/usr/bin/git"])
"#;

#[track_caller]
fn check(args: &Value, expected: Effect) {
    let codex = Codex::read(&[file(RULES)]).expect("the rules are valid");
    let call = Call {
        tool: "shell",
        args: Some(args),
        ..Call::default()
    };
    assert_eq!(
        codex.decide(&call, &Context::default()).effect,
        expected,
        "{args}"
    );
}

#[test]
fn the_strictest_rule_that_matches_a_command_decides() {
    check(&json!({"command": ["git", "status"]}), Effect::Allow);
    check(&json!({"command": ["git", "push", "origin"]}), Effect::Ask);
    check(&json!({"command": ["rm", "-rf", "x"]}), Effect::Deny);
    check(&json!({"command": ["/usr/bin/git", "log"]}), Effect::Allow);
    check(&json!({"command": ["/opt/git", "log"]}), Effect::Unknown);
    check(&json!({"command": ["gitk"]}), Effect::Unknown);
}

#[test]
fn a_plain_script_is_its_commands_and_another_one_is_the_shell() {
    check(
        &json!({"command": ["bash", "-lc", "git status && git log"]}),
        Effect::Allow,
    );
    check(&json!({"cmd": "git status && rm x"}), Effect::Deny);
    check(&json!({"cmd": "git status && make"}), Effect::Unknown);
    check(&json!({"cmd": "rm $X"}), Effect::Unknown);
    check(&json!({"cmd": "git status > f"}), Effect::Unknown);
}

#[test]
fn other_calls_are_unknown_and_unrecorded_arguments_are_an_error() {
    let codex = Codex::read(&[file(RULES)]).expect("the rules are valid");
    let effect = |tool| {
        let call = Call {
            tool,
            ..Call::default()
        };
        codex.decide(&call, &Context::default()).effect
    };
    assert_eq!(effect("apply_patch"), Effect::Unknown);
    assert_eq!(effect("shell"), Effect::Error);
}

#[track_caller]
fn wrong(text: &str) -> String {
    Codex::read(&[file(text)])
        .expect_err("a mistake")
        .mistake
        .words("default.rules")
}

#[test]
fn everything_but_literals_is_refused_with_its_line() {
    insta::assert_snapshot!(wrong("x = 1\n"), @r#"
    default.rules:1:3: expected '(': only calls with literals are read, no other Starlark
      x = 1
        ^
    "#);
    insta::assert_snapshot!(wrong("prefix_rule(pattern = [\"a\"],\n  decison = \"allow\")"), @r#"
    default.rules:2:3: prefix_rule has no 'decison' (known: pattern, decision, match, not_match, justification) · did you mean 'decision'?
        decison = "allow")
        ^^^^^^^
    "#);
    insta::assert_snapshot!(wrong("prefix_rule(pattern = [\"a\"], match = [\"b\"])"), @r#"
    default.rules:1:39: the rule does not match this example
      prefix_rule(pattern = ["a"], match = ["b"])
                                            ^^^
    "#);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(prefix_rule|\\(|\\)|\\[|\\]|pattern|=|\"a\"|'|,|#|\n| |\\PC){0,30}") {
        if let Ok(codex) = Codex::read(&[file(&text)]) {
            codex.decide(&Call::default(), &Context::default());
        }
    }
}
