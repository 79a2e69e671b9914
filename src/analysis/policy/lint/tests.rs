use super::*;
use crate::analysis::policy::history::Place;
use crate::analysis::policy::{File, Scope};
use crate::store::testing::load;

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
        &json!({"allow": ["Edit(./src/**)"]}),
        "any-depth",
        "Edit(./src/**)",
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
fn a_history_shows_what_a_rule_missed_and_how_wide_another_is() {
    let call = |id: u32, tool: &str, args: &serde_json::Value, cwd: &str| {
        serde_json::json!({"type": "tool_call", "run_id": format!("r{id}"), "id": id.to_string(), "tool": tool, "args": args, "cwd": cwd})
            .to_string()
    };
    let check = serde_json::json!({"command": "cd /w && npx tsc --noEmit"});
    let edit = serde_json::json!({"file_path": "/home/a/x"});
    let lines = [
        call(1, "Bash", &check, "/w"),
        call(2, "Bash", &check, "/w"),
        call(3, "Edit", &edit, "/w"),
    ];
    let facts = Facts::of(&load(&lines.join("\n")), &Place::default());
    let set = Set::of(Box::new(
        Claude::of(&[
            (Effect::Allow, "Bash(npx tsc)"),
            (Effect::Allow, "Edit(//home/**)"),
        ])
        .expect("rules"),
    ));
    let findings = lint(&set, Some(&facts));
    let words: Vec<&str> = findings.iter().map(|it| it.words.as_str()).collect();
    assert!(
        words.contains(&"never matched in 3 calls · nearest: npx tsc --noEmit (2)"),
        "{words:?}"
    );
    let wide = wide(set.rule(RuleIx(1)).expect("a rule"), 2);
    assert_eq!(
        wide.as_deref(),
        Some("wide: it allows files in 2 working directories")
    );
}

#[track_caller]
fn opencode(text: &str) -> Vec<(&'static str, u32, u32)> {
    let file = File {
        path: "opencode.json".to_owned(),
        text: text.to_owned(),
        root: None,
        in_force: true,
        scope: Scope::User,
    };
    let set = Set::read(&[file]).expect("the rules are valid");
    let findings = lint(&set, None).into_iter();
    findings
        .filter_map(|it| {
            let rule = set.rule(it.rule?)?;
            Some((it.id, rule.line, rule.column))
        })
        .collect()
}

#[test]
fn a_permission_that_opencode_never_asks_for_is_found_at_its_place() {
    assert_eq!(
        opencode("{\"permission\": {\n  \"bash\": \"ask\",\n  \"web_fetch\": \"deny\"\n}}"),
        [("unknown-tool", 3, 3)]
    );
    assert_eq!(
        opencode("{\"permission\": {\"shell\": {\"rm *\": \"deny\", \"ls *\": \"allow\"}}}"),
        [("unknown-tool", 1, 27)]
    );
    assert_eq!(
        opencode("{\"permission\": {\"write\": \"deny\"}}"),
        [("never-consulted", 1, 17)]
    );
    // Tools of MCP servers, and patterns of known tools.
    let others = "{\"permission\": {\"*\": \"ask\", \"github_create_issue\": \"deny\", \"my-mcp*\": \"ask\", \"todo*\": \"allow\"}}";
    assert_eq!(opencode(others), []);
}

#[test]
fn a_sound_rule_is_not_reported() {
    assert_eq!(
        found(&serde_json::json!({"allow": ["Bash(make *)", "Edit(/src/**)"]})),
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
