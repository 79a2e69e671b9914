//! Declared shapes: the bundled one on real records, and a user-defined one.

use std::collections::BTreeMap;

use assert_cmd::Command;
use saferun_tui::model::action::Kind;
use saferun_tui::model::run::RunStatus;

use crate::support::{load, shared};

fn command() -> Command {
    let mut command = Command::cargo_bin("saferun-tui").expect("the program");
    command.env("LC_ALL", "C.UTF-8").args(["--tz", "UTC"]);
    command
}

/// Correct answers, broken runs, calls and failed calls per model match the summaries in the
/// records.
#[test]
fn a_declared_shape_matches_the_summaries_in_the_records() {
    let Some(folder) = shared("data/agents/cohort-medagentbench") else {
        return;
    };
    let mut found = BTreeMap::new();
    let mut own = BTreeMap::new();
    for model in ["fable5", "g35f", "haiku", "opus5", "sonnet5"] {
        let store = load(&[folder.join(model).join("tasks")]);
        assert_eq!(store.runs().len(), 25, "{model}");
        let count = |holds: fn(&saferun_tui::model::run::Run) -> bool| {
            store.runs().iter().filter(|run| holds(run)).count()
        };
        let of = |kind| store.rows().filter(move |row| row.kind() == kind);
        let failed = of(Kind::ToolCall).filter(|row| row.status().word() == "error");
        found.insert(
            model,
            [
                count(|run| run.correct == Some(true)),
                count(|run| run.correct.is_none()),
                count(|run| run.status == RunStatus::Error),
                of(Kind::ToolCall).count(),
                failed.count(),
                of(Kind::Response).count(),
            ],
        );
        let mut sums = [0; 6];
        for entry in std::fs::read_dir(folder.join(model).join("tasks")).expect("a folder") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
            let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let broken = record["infra_fail"] == true;
            let calls = record["diagnostics"]["tools"]["calls"].as_array();
            let calls = calls.map(Vec::as_slice).unwrap_or_default();
            let refused = |call: &&serde_json::Value| call["ok"] == false;
            sums[0] += usize::from(record["correct"] == true);
            sums[1] += usize::from(broken);
            sums[2] += usize::from(record["status"] != "completed");
            sums[3] += calls.len();
            sums[4] += calls.iter().filter(refused).count();
            sums[5] += record["turns"].as_array().map_or(0, Vec::len);
        }
        own.insert(model, sums);
    }
    assert_eq!(found, own);
}

#[test]
fn a_user_defined_shape_is_read_from_the_configuration_folder() {
    let home = tempfile::tempdir().expect("a folder");
    let formats = home.path().join("saferun-tui/formats");
    std::fs::create_dir_all(&formats).expect("a folder");
    let declared = "name = 'house'\nabout = 'our log'\n[match]\nevent = true\n[[row]]\nkind = 'prompt'\nif = { event = 'ask' }\ntext = 'said'\n";
    std::fs::write(formats.join("house.toml"), declared).expect("a file");
    let trace = home.path().join("log.jsonl");
    std::fs::write(&trace, "{\"event\":\"ask\",\"said\":\"grüezi\"}\n").expect("a file");
    let run = |args: &[&str]| {
        let output = command()
            .env("XDG_CONFIG_HOME", home.path())
            .args(args)
            .arg(&trace)
            .output();
        let output = output.expect("it runs");
        let [out, err] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        (output.status.code(), out, err)
    };
    let (code, out, _) = run(&["query", ""]);
    assert_eq!(code, Some(0));
    assert!(out.contains("grüezi"), "{out}");
    let listed = command()
        .env("XDG_CONFIG_HOME", home.path())
        .arg("formats")
        .output()
        .expect("it runs");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.contains("house") && listed.contains("our log"),
        "{listed}"
    );
    std::fs::write(
        formats.join("house.toml"),
        declared.replace("said'", "said.'"),
    )
    .expect("a file");
    let (code, _, err) = run(&["query", ""]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("house.toml: line 8: 'said.' is not a path"),
        "{err}"
    );
}
