use serde_json::json;

use super::*;
use crate::analysis::policy::Scope;

fn engine(permission: &Value) -> OpenCode {
    let file = File {
        path: "opencode.json".to_owned(),
        text: json!({ "permission": permission }).to_string(),
        root: None,
        in_force: true,
        scope: Scope::User,
    };
    OpenCode::read(&[file]).expect("the permissions are valid")
}

#[track_caller]
fn check(permission: &Value, asked: &(&str, Value), expected: Effect) {
    let call = Call {
        tool: asked.0,
        args: Some(&asked.1),
        ..Call::default()
    };
    assert_eq!(
        engine(permission).decide(&call, &Context::default()).effect,
        expected,
        "{permission} {asked:?}"
    );
}

#[test]
fn the_last_rule_that_matches_decides() {
    let bash = |line: &str| ("bash", json!({ "command": line }));
    let rules =
        || json!({"bash": {"*": "ask", "git *": "allow", "git push *": "deny"}, "edit": "deny"});
    check(&rules(), &bash("git status"), Effect::Allow);
    check(&rules(), &bash("git push"), Effect::Deny);
    check(&rules(), &bash("make"), Effect::Ask);
    check(&rules(), &bash("git log && make"), Effect::Ask);
    check(&rules(), &("write", json!({"filePath": "a"})), Effect::Deny);
    check(&rules(), &("read", json!({"filePath": "a"})), Effect::Allow);
    check(
        &json!("ask"),
        &("read", json!({"filePath": "a"})),
        Effect::Ask,
    );
    check(
        &json!({"*": "deny", "read": "allow"}),
        &("read", json!({})),
        Effect::Allow,
    );
}

#[test]
fn a_call_without_arguments_is_judged_only_where_they_do_not_matter() {
    let effect = |permission: Value| {
        let call = Call {
            tool: "bash",
            ..Call::default()
        };
        engine(&permission)
            .decide(&call, &Context::default())
            .effect
    };
    assert_eq!(
        effect(json!({"bash": {"*": "allow", "rm *": "deny"}})),
        Effect::Error
    );
    assert_eq!(effect(json!({"bash": "ask"})), Effect::Ask);
}
