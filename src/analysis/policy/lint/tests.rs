use super::*;
use crate::analysis::policy::{File, Scope};

#[track_caller]
fn found(permissions: &serde_json::Value) -> Vec<(&'static str, Option<String>)> {
    let file = File {
        path: "settings.json".to_owned(),
        text: serde_json::json!({ "permissions": permissions }).to_string(),
        root: None,
        in_force: true,
        scope: Scope::User,
    };
    let set = Set::read(&[file]).expect("the rules are valid");
    let findings = lint(&set, None).into_iter();
    findings
        .map(|it| {
            (
                it.id,
                it.rule
                    .and_then(|ix| set.rule(ix))
                    .map(|rule| rule.name.clone()),
            )
        })
        .collect()
}

#[track_caller]
fn check(permissions: &serde_json::Value, id: &str, rule: &str) {
    let all = found(permissions);
    assert!(
        all.iter()
            .any(|(found, name)| *found == id && name.as_deref() == Some(rule)),
        "{all:?}"
    );
}

#[test]
fn rules_that_do_not_do_what_they_seem_to_are_reported() {
    use serde_json::json;
    check(
        &json!({"deny": ["Write(docs/**)"]}),
        "never-consulted",
        "Write(docs/**)",
    );
    check(&json!({"allow": ["mcp__*"]}), "never-consulted", "mcp__*");
    check(
        &json!({"allow": ["Bash(git:* push)"]}),
        "colon-star",
        "Bash(git:* push)",
    );
    check(
        &json!({"deny": ["Read(/etc/passwd)"]}),
        "beside-settings",
        "Read(/etc/passwd)",
    );
    check(
        &json!({"allow": ["Bash(npx *)"]}),
        "runs-anything",
        "Bash(npx *)",
    );
    check(
        &json!({"deny": ["Bash(rm *)"]}),
        "ways-around",
        "Bash(rm *)",
    );
    check(
        &json!({"allow": ["Bash(git add *)"], "deny": ["Bash(git *)"]}),
        "shadowed",
        "Bash(git add *)",
    );
    check(
        &json!({"ask": ["WebFetch", "WebFetch"]}),
        "duplicate",
        "WebFetch",
    );
}

#[test]
fn a_sound_rule_is_not_talked_about() {
    assert_eq!(
        found(&serde_json::json!({"allow": ["Bash(make *)", "Edit(src/**)"]})),
        []
    );
}

#[test]
fn names_that_were_meant_are_found() {
    let known = ["TaskStop", "WebSearch", "Read"];
    assert_eq!(near_name("Stop Task", known.into_iter()), Some("TaskStop"));
    assert_eq!(near_name("WebSerch", known.into_iter()), Some("WebSearch"));
    assert_eq!(near_name("Deploy", known.into_iter()), None);
}
