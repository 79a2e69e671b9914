use super::files::is_ours;
use super::settings::{Entry, Shape, add, remove};
use super::tables;

fn entries() -> Vec<Entry> {
    let entry = |event, is_gate| Entry {
        event,
        is_gate,
        command: "'/usr/bin/saferun-tui' guard codex || true".to_owned(),
        timeout: 3600,
    };
    vec![entry("PreToolUse", true), entry("Stop", false)]
}

#[track_caller]
fn stays(text: &str, shape: Shape) {
    let with = add(Some(text), shape, &entries()).expect("added");
    assert!(is_ours(&with, "codex"));
    assert!(!is_ours(&with, "claude-code"));
    assert_eq!(
        remove(&with, shape, "claude-code")
            .expect("read")
            .as_deref(),
        Some(&*with)
    );
    let without = remove(&with, shape, "codex").expect("removed");
    assert_eq!(without.as_deref(), Some(text));
}

#[test]
fn other_settings_stay_unchanged() {
    stays(
        "{\n    \"model\": \"x\",\n    \"hooks\": {\n        \"Stop\": [\n            {\n                \"hooks\": [\n                    {\n                        \"type\": \"command\",\n                        \"command\": \"say done\"\n                    }\n                ]\n            }\n        ]\n    },\n    \"n\": 1.50\n}\n",
        Shape::Nested,
    );
    stays(
        "{\n  \"version\": 1,\n  \"hooks\": {\n    \"stop\": [\n      {\n        \"command\": \"x\"\n      }\n    ]\n  }\n}\n",
        Shape::Cursor,
    );
}

#[test]
fn a_file_with_only_our_hooks_is_removed() {
    for shape in [Shape::Nested, Shape::Named, Shape::Copilot, Shape::Cursor] {
        let with = add(None, shape, &entries()).expect("added");
        assert_eq!(
            remove(&with, shape, "codex").expect("removed"),
            None,
            "{with}"
        );
    }
}

#[test]
fn each_host_gets_its_own_shape() {
    let one = |shape| add(None, shape, &entries()[..1]).expect("added");
    let command = "'/usr/bin/saferun-tui' guard codex || true";
    let flat = |text: String| text.split_whitespace().collect::<String>();
    let command = flat(command.to_owned());
    assert_eq!(
        flat(one(Shape::Nested)),
        format!(
            r#"{{"hooks":{{"PreToolUse":[{{"hooks":[{{"type":"command","command":"{command}","timeout":3600}}]}}]}}}}"#
        )
    );
    assert_eq!(
        flat(one(Shape::Named)),
        format!(
            r#"{{"hooks":{{"PreToolUse":[{{"hooks":[{{"name":"saferun","type":"command","command":"{command}","timeout":3600}}]}}]}}}}"#
        )
    );
    assert_eq!(
        flat(one(Shape::Copilot)),
        format!(
            r#"{{"version":1,"hooks":{{"PreToolUse":[{{"type":"command","bash":"{command}","timeoutSec":3600}}]}}}}"#
        )
    );
    assert_eq!(
        flat(one(Shape::Cursor)),
        format!(
            r#"{{"version":1,"hooks":{{"PreToolUse":[{{"command":"{command}","timeout":3600,"failClosed":true}}]}}}}"#
        )
    );
}

#[test]
fn settings_with_comments_or_an_unexpected_shape_are_refused() {
    for text in [
        "{\n // mine\n}",
        "[]",
        "{\"hooks\": []}",
        "{\"hooks\": {\"Stop\": 1}}",
    ] {
        assert!(
            add(Some(text), Shape::Nested, &entries()).is_err(),
            "{text}"
        );
    }
}

#[test]
fn tables_are_added_at_the_end_and_only_ours_are_removed() {
    let own = "# mine\nmodel = \"x\" # and this\n\n[[hooks]]\nevent = \"Stop\"\ncommand = \"say done\"\n\n[other]\na = 1\n";
    let with = tables::add(Some(own), &entries()).expect("added");
    assert!(
        with.starts_with(own) && with.matches("[[hooks]]").count() == 3,
        "{with}"
    );
    assert_eq!(
        tables::remove(&with, "codex").expect("removed").as_deref(),
        Some(own)
    );
    assert!(tables::add(Some("a = ["), &entries()).is_err());
    let alone = tables::add(None, &entries()).expect("added");
    assert_eq!(tables::remove(&alone, "codex").expect("removed"), None);
}
