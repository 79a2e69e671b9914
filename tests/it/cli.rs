//! The commands as a shell sees them: output, exit code, streams.

mod live;
mod naming;
mod plain;
mod records;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const REFUND: &str = "sample-traces/saferun/refund-agent.jsonl";
const NIGHT: &str = "sample-traces/saferun/ops-night.jsonl";

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"));
    command
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .envs([
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
            ("XDG_CONFIG_HOME", "/nowhere"),
        ])
        .env_remove("SAFERUN_TUI_CONFIG")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("SAFERUN_TUI_PRICES")
        .stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("output is UTF-8")
}

/// Standard output of a command that must end with this code.
#[track_caller]
fn out(args: &[&str], code: i32) -> String {
    let output = run(args);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{args:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout).to_owned()
}

#[track_caller]
fn json(args: &[&str]) -> Value {
    serde_json::from_str(&out(args, 0)).expect("one JSON document")
}

/// Standard error of a command that must end with this code.
#[track_caller]
fn refused(args: &[&str], code: i32) -> String {
    let output = run(args);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{args:?}: {}",
        text(&output.stdout)
    );
    text(&output.stderr).to_owned()
}

#[test]
fn without_a_terminal_a_path_lists_its_runs_without_escape_sequences() {
    let listed = out(&[NIGHT], 0);
    assert_eq!(listed, out(&["ls", NIGHT], 0));
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(!listed.contains('\u{1b}'));
}

#[test]
fn the_fields_of_runs_have_their_documented_names() {
    let document = json(&["ls", REFUND, "--json"]);
    assert_eq!(document["schema"], "saferun.tui/runs@1");
    let run = &document["runs"][0];
    assert_eq!(run["run_id"], "refund-8841");
    assert_eq!(
        (run["denied"].as_u64(), run["blocked"].as_u64()),
        (Some(1), Some(1))
    );
    assert_eq!(run["cost_source"], "recorded");
    assert_eq!(run.get("trial"), None, "what is not recorded is absent");
}

#[test]
fn runs_sort_by_a_column_and_unknown_values_come_last() {
    let listed = out(
        &["ls", "sample-traces/saferun", "--jsonl", "--sort", "-cost"],
        0,
    );
    let costs = listed.lines().map(|line| {
        let run: Value = serde_json::from_str(line).expect("a line is JSON");
        run["cost_usd"].as_f64()
    });
    let costs: Vec<Option<f64>> = costs.collect();
    let mut sorted = costs.clone();
    sorted.sort_by(|a, b| b.partial_cmp(a).expect("no cost is NaN"));
    assert_eq!(costs, sorted);
    assert!(refused(&["ls", REFUND, "--sort", "colour"], 2).contains("known: started"));
}

#[test]
fn csv_uses_the_json_names_and_has_one_row_per_run() {
    let csv = out(&["ls", NIGHT, "--csv"], 0);
    assert!(csv.starts_with("run_id,path,format,"), "{csv}");
    assert_eq!(csv.lines().count(), 4);
}

#[test]
fn a_filter_finds_a_call_by_its_arguments() {
    let found = out(
        &["query", "tool:refund args.amount>500", REFUND, "--jsonl"],
        0,
    );
    let action: Value = serde_json::from_str(&found).expect("exactly one line");
    assert_eq!(action["status"], "blocked");
    assert_eq!(action["args"]["amount"], 4200);
    assert_eq!(action["policy"][1]["policy"], "refund-cap");
}

#[test]
fn no_match_exits_with_1_and_counts_zero() {
    assert_eq!(out(&["query", "tool:nope", REFUND], 1), "");
    assert_eq!(out(&["query", "-c", "tool:nope", REFUND], 1), "0\n");
    assert_eq!(
        out(&["query", "-l", "tool:refund", REFUND, NIGHT], 0),
        format!("{REFUND}\n")
    );
}

#[test]
fn an_invalid_filter_is_shown_with_carets() {
    let message = refused(&["query", "costt>5", REFUND], 2);
    let expected = "error: 'costt' is not a field · did you mean 'cost'?\n  costt>5\n  ^^^^^\n";
    assert_eq!(message, expected);
    assert_eq!(refused(&["ls", REFUND, "-w", "costt>5"], 2), expected);
}

#[test]
fn check_filter_reports_mistakes_as_json() {
    assert_eq!(
        out(&["check-filter", "tool:a   -user:bot"], 0),
        "tool:a -user:bot\n"
    );
    let error: Value =
        serde_json::from_str(&out(&["check-filter", "costt>5", "--json"], 2)).expect("JSON");
    assert_eq!(error["error"]["column"], 1);
    assert_eq!(error["error"]["length"], 5);
    assert_eq!(error["error"]["suggestion"], "cost");
}

#[test]
fn comparing_a_number_with_text_is_reported() {
    let message = refused(&["query", "args.reason>5", REFUND], 1);
    assert!(
        message.contains("`args.reason>5`: no numeric value in"),
        "{message}"
    );
}

#[test]
fn verify_accounts_for_every_byte_and_lists_malformed_lines() {
    let document = json(&["verify", NIGHT, "--json"]);
    let file = &document["files"][0];
    let bytes = |key: &str| file["bytes"][key].as_u64().expect("a count");
    let sum = bytes("bom") + bytes("ok") + bytes("bad") + bytes("blank") + bytes("partial");
    assert_eq!(sum, bytes("total"));
    assert_eq!(file["malformed"][0]["line"], 16);
    assert_eq!(file["runs"], 3);
    out(&["verify", NIGHT], 0);
    out(&["verify", NIGHT, "--strict"], 5);
    out(&["verify", REFUND, "--strict"], 0);
}

#[test]
fn a_missing_path_is_reported_and_sets_the_exit_code_while_others_are_read() {
    let output = run(&["ls", "no-such.jsonl", REFUND]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).starts_with("error: no-such.jsonl: "));
    assert!(text(&output.stdout).contains("refund-8841"));
    refused(&["ls", "no-such.jsonl"], 4);
    refused(&["verify", "no-such.jsonl", REFUND], 4);
}

#[test]
fn a_run_is_found_by_a_unique_prefix_of_its_id() {
    let message = refused(&["show", NIGHT], 2);
    assert!(
        message.contains("holds 3 runs") && message.contains(&format!("{NIGHT}#deploy-fix")),
        "{message}"
    );
    assert!(refused(&["show", &format!("{NIGHT}#d")], 2).contains("2 run ids begin with that"));
    assert!(out(&["show", &format!("{NIGHT}#dep")], 0).starts_with("run       deploy-fix\n"));
}

#[test]
fn show_prints_an_action_with_its_policy_decisions() {
    let shown = out(&["show", REFUND, "--seq", "9"], 0);
    assert!(shown.contains("\"amount\": 4200"), "{shown}");
    assert!(
        shown.contains("args.amount > 420.0 (it was 4200)"),
        "{shown}"
    );
    assert!(refused(&["show", REFUND, "--seq", "99"], 2).contains("no action 99"));
}

#[test]
fn stats_count_tools_with_percentiles() {
    let document = json(&["stats", REFUND, "--by", "tool", "--json"]);
    assert_eq!(document["schema"], "saferun.tui/stats@1");
    let groups = document["groups"].as_array().expect("groups");
    let refund = groups
        .iter()
        .find(|it| it["by"]["tool"] == "refund")
        .expect("refund was called");
    assert_eq!(
        (refund["actions"].as_u64(), refund["blocked"].as_u64()),
        (Some(3), Some(1))
    );
    assert!(refund["duration_ms"]["p99"].is_number());
    assert!(refund["duration_ms"]["total"].is_number() && refund["time_share"].is_number());
    // By tool, the cost is that of the model calls that asked for it.
    assert_eq!(refund["cost_source"], "recorded");
    assert!(out(&["stats", REFUND, "--by", "tool"], 0).contains("CALL COST"));
}

#[test]
fn cost_lists_everything_in_one_document_and_each_list_on_its_own() {
    let document = json(&["cost", REFUND, "--json"]);
    assert_eq!(document["schema"], "saferun.tui/cost@1");
    let run = json(&["ls", REFUND, "--json"]);
    assert_eq!(document["cost_usd"], run["runs"][0]["cost_usd"]);
    let usage = &run["runs"][0]["usage"]["total_tokens"];
    assert_eq!(document["usage"]["total_tokens"], *usage);
    for list in [
        "calls",
        "turns",
        "models",
        "tools",
        "subagents",
        "kinds",
        "by_run",
        "results",
    ] {
        let lines = document[list].as_array().expect("a list");
        assert!(!lines.is_empty(), "{list}");
    }
    let tools = json(&["cost", REFUND, "--by", "tool", "--json"]);
    assert_eq!(
        (&tools["by"], &tools["lines"]),
        (&"tool".into(), &document["tools"])
    );
    let shown = out(&["cost", REFUND, "--limit", "2"], 0);
    for word in [
        "KIND",
        "MODEL",
        "TOOL",
        "AGENT",
        "TURN",
        "TOLL",
        "more (--by call)",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let condition = ["cost", REFUND, "-w", "turn:1", "--by", "turn", "--jsonl"];
    assert_eq!(out(&condition, 0).lines().count(), 1);
    assert!(refused(&["cost", REFUND, "--by", "day"], 2).contains("subagent"));
}

#[test]
fn piped_standard_input_is_read_as_a_trace() {
    let piped = || std::fs::File::open(REFUND).expect("the sample is there");
    for args in [&[][..], &["ls"], &["ls", "-"]] {
        let output = command(args)
            .stdin(piped())
            .output()
            .expect("the program starts");
        assert!(text(&output.stdout).contains("refund-8841"), "{args:?}");
    }
    assert!(refused(&[], 2).contains("saferun-tui demo"));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let mut child = command(&["query", "", "sample-traces/refund-cohort"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_locale_without_utf8_gets_only_ascii() {
    for args in [
        &["query", "", NIGHT][..],
        &["ls", NIGHT, "--json"],
        &["show", REFUND],
    ] {
        let output = command(args)
            .env("LC_ALL", "C")
            .output()
            .expect("the program starts");
        assert!(
            output.stdout.is_ascii() && output.stderr.is_ascii(),
            "{args:?}"
        );
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn an_option_that_a_command_does_not_accept_is_an_error() {
    assert!(refused(&["verify", "-w", "x", NIGHT], 2).contains("'verify' has no --where"));
    assert!(refused(&["ls", NIGHT, "--bogus"], 2).starts_with("error: unexpected argument"));
}

#[test]
fn help_completions_and_the_manual_go_to_standard_output() {
    let help = out(&["--help"], 0);
    assert!(help.contains("Examples:"));
    let groups = [
        "Look:",
        "Compare:",
        "Control:",
        "Reproduce:",
        "Capture:",
        "Keep:",
        "Options:",
    ];
    for title in groups {
        assert!(help.contains(title), "{title} in {help}");
    }
    assert!(out(&["--version"], 0).starts_with("saferun-tui "));
    assert!(out(&["completions", "bash"], 0).contains("check-filter"));
    assert!(out(&["man"], 0).starts_with(".ie"));
    assert!(out(&["formats"], 0).contains("claude-code"));
}

#[test]
fn the_demo_needs_no_file() {
    let document = json(&["demo", "--json", "-w", "tool:refund is:blocked"]);
    assert_eq!(document["files"], 8, "a transcript comes with its subagent");
    assert_eq!(document["runs"][0]["run_id"], "refund-8841");
}

#[test]
fn a_filter_without_matches_gets_a_suggestion() {
    let message = |args: &[&str]| text(&run(args).stderr).to_owned();
    let typo = message(&["query", "tool:refnd", REFUND]);
    assert_eq!(
        typo,
        "note: no tool is named 'refnd' · did you mean 'refund'?\n"
    );
    let part = message(&["query", "model:sonnet OR tool:fund", REFUND]);
    assert!(part.contains("no model is named 'sonnet'"), "{part}");
    assert!(part.contains("did you mean `model:*sonnet*`?"), "{part}");
    let term = message(&["query", "tool:refund cost>1000", REFUND]);
    assert_eq!(term, "note: without `cost>1000`: 3 matches\n");
    let runs = message(&["ls", REFUND, "-w", "tool:refund cost>1000"]);
    assert!(
        runs.contains("note: without `cost>1000`: 1 match\n"),
        "{runs}"
    );
    assert_eq!(message(&["query", "tool:refnd", REFUND, "--jsonl"]), "");
}

#[test]
fn a_filter_after_its_file_gets_a_hint_about_the_order() {
    let expected = "error: the filter comes first: saferun-tui query";
    let message = refused(&["query", REFUND, "is:error"], 2);
    assert_eq!(message, format!("{expected} 'is:error' {REFUND}\n"));
    assert!(refused(&["query", REFUND], 2).starts_with(expected));
}

#[test]
fn help_explains_topics_and_commands() {
    let filters = out(&["help", "filters"], 0);
    for word in ["args.amount>500", "is:inferred", "tokens.cache", "since:"] {
        assert!(filters.contains(word), "{word} is missing");
    }
    assert!(out(&["help", "keys"], 0).contains("next error"));
    assert!(out(&["help", "formats"], 0).contains("claude-code"));
    assert!(out(&["help", "exit-codes"], 0).contains("inconclusive"));
    assert!(out(&["help", "baseline", "write"], 0).contains("baseline write"));
    for topic in ["filters", "keys", "formats", "exit-codes"] {
        for line in out(&["help", topic], 0).lines() {
            let width = line.chars().count();
            assert!(width <= 100, "{topic}: {width} columns: {line}");
        }
    }
    let output = run(&["help", "cohrt"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean 'cohort'?"));
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a plain path");
    out(&["man", "--all", path], 0);
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a page");
    assert!(page("saferun-tui.1").contains("saferun\\-tui\\-ls(1)"));
    assert!(page("saferun-tui-baseline.1").contains(".SH CHECK"));
    assert_eq!(page("saferun-tui-cohort.1"), out(&["man", "cohort"], 0));
    // A second time, nothing is replaced without being told to.
    assert_eq!(run(&["man", "--all", path]).status.code(), Some(2));
}

#[test]
fn a_mistyped_command_gets_a_suggestion() {
    assert_eq!(
        refused(&["lss", REFUND], 4),
        "error: lss: no such file · did you mean the command 'ls'?\n"
    );
    assert_eq!(
        refused(&["replay", REFUND], 4),
        "error: replay: no such file · 'replay' is a view: saferun-tui --view replay PATH\n"
    );
    assert!(!refused(&["no-such-thing"], 4).contains("the command"));
}

#[test]
fn a_malformed_line_belongs_to_no_run() {
    let found = out(&["query", "is:malformed", NIGHT, "--jsonl"], 0);
    let line: Value = serde_json::from_str(&found).expect("one line");
    assert_eq!((line.get("run_id"), line.get("user")), (None, None));
    let table = out(&["query", "is:malformed", NIGHT], 0);
    let row = table.lines().last().expect("a row");
    assert!(row.starts_with("— "), "{table}");
}

#[test]
fn the_help_of_a_command_lists_only_options_it_accepts() {
    let query = out(&["query", "--help"], 0);
    for option in ["--max-mem", "--view", "--theme", "--no-mouse"] {
        assert!(!query.contains(option), "{option}: {query}");
    }
    for option in ["--where", "--jsonl", "--csv", "--columns", "--tz"] {
        assert!(query.contains(option), "{option}: {query}");
    }
    let check = out(&["check-filter", "--help"], 0);
    assert!(check.contains("--json\n") || check.contains("--json "));
    assert!(!check.contains("--price-file") && !check.contains("--format"));
    assert!(out(&["ls", "--help"], 0).contains("--where"));
}

#[test]
fn an_empty_file_is_reported_as_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("empty.jsonl");
    std::fs::write(&path, "").expect("written");
    let path = path.to_str().expect("UTF-8");
    for args in [&["ls", path][..], &[path]] {
        assert!(refused(args, 4).starts_with(&format!("error: {path}: empty\n")));
    }
    assert!(out(&["verify", path], 4).contains(&format!("{path}: the file is empty\n")));
    std::fs::write(path, "\n\n").expect("written");
    assert!(out(&["verify", path], 4).contains(&format!("{path}: no valid record\n")));
}

#[test]
fn show_prints_a_range_of_actions() {
    let shown = out(&["show", REFUND, "--seq", "9..11"], 0);
    let heads: Vec<&str> = shown.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(heads.len(), 3, "{shown}");
    assert!(heads[0].starts_with("#9 ") && heads[2].starts_with("#11 "));
    assert!(refused(&["show", REFUND, "--seq", "11..9"], 2).contains("9..11"));
    assert!(refused(&["show", REFUND, "--seq", "90..99"], 2).contains("no action 90"));
}

#[test]
fn show_prints_an_approval_request_and_its_answer() {
    let call = out(
        &["query", "approver:lead* is:approved", REFUND, "--jsonl"],
        0,
    );
    let call: Value = serde_json::from_str(&call).expect("one line");
    let seq = call["seq"].to_string();
    let shown = out(&["show", REFUND, "--seq", &seq], 0);
    assert!(shown.contains("approval  asked\n"), "{shown}");
    assert!(
        shown.contains("approval  approved by lead@example.com after 40"),
        "{shown}"
    );
    assert!(
        !shown.contains("called with"),
        "the arguments are the same: {shown}"
    );
}

#[test]
fn config_prints_the_settings_in_force_and_their_origin() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "ascii = true\n\n[keys]\nnext-error = \"x\"\n").expect("written");
    let path = path.to_str().expect("UTF-8");
    let told = out(
        &["config", "--config", path, "--theme", "light", "--no-state"],
        0,
    );
    let line = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("{name}\n{told}")).to_owned()
    };
    assert!(line("ascii =").ends_with("# file"), "{told}");
    assert!(line("theme =").ends_with("# --theme"), "{told}");
    assert!(line("state = false").ends_with("# --no-state"), "{told}");
    assert!(line("next-error =").contains("[\"x\"]"), "{told}");
    assert!(line("prev-error =").ends_with("# default"), "{told}");
    // The output is a valid settings file with the same values.
    let copy = folder.path().join("copy.toml");
    std::fs::write(&copy, &told).expect("written");
    let copied = out(&["config", "--config", copy.to_str().expect("UTF-8")], 0);
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| {
                line.split(" # ")
                    .next()
                    .unwrap_or_default()
                    .trim_end()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(values(&copied), values(&told));
}

#[test]
fn a_mistake_in_the_settings_is_an_error_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "\nthem = \"dark\"\n").expect("written");
    let named = path.to_str().expect("UTF-8");
    let message = refused(&["ls", "--config", named, REFUND], 2);
    assert!(
        message.contains("line 2: 'them' is not a setting · did you mean 'theme'?"),
        "{message}"
    );
    let mut of_environment = command(&["ls", REFUND]);
    let of_environment = of_environment.env("SAFERUN_TUI_CONFIG", &path);
    assert_eq!(
        of_environment.output().expect("it starts").status.code(),
        Some(2)
    );
    let ignoring = of_environment.arg("--no-config");
    assert_eq!(ignoring.output().expect("it starts").status.code(), Some(0));
    assert!(refused(&["ls", "--config", "/no/such/file", REFUND], 2).contains("/no/such/file"));
}

#[test]
fn a_screenshot_is_written_to_the_given_file_without_a_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("picture.svg");
    let name = file.to_str().expect("a plain path");
    let shown = out(
        &[
            REFUND,
            "--screenshot",
            name,
            "--size",
            "80x24",
            "--keys",
            "b",
        ],
        0,
    );
    assert_eq!(shown, "");
    let picture = std::fs::read_to_string(&file).expect("the picture");
    assert!(picture.starts_with("<svg "), "{picture}");
    assert!(picture.contains("refund-cap r3 BLOCK"), "{picture}");
    out(&[REFUND, "--size", "80x24"], 2);
    out(&["--screenshot", name, "ls", REFUND], 2);
    out(&[REFUND, "--screenshot", name, "--size", "0x24"], 2);
    refused(&["demo", "--screenshot", name], 2);
    out(&["demo", "--screenshot", name, "--force"], 0);
}

const OLD: &str = "sample-traces/refund-cohort/model-a.jsonl";
const NEW: &str = "sample-traces/refund-cohort/model-b.jsonl";

#[test]
fn diff_prints_where_two_runs_diverge() {
    let (a, b) = (format!("{OLD}#a-0004"), format!("{NEW}#b-0004"));
    let told = out(&["diff", &a, &b], 0);
    assert!(told.contains("6 same · 1 extra · distance 600"), "{told}");
    let parted = "diverge at         B #4  get_order failed in B only and was retried";
    assert!(told.contains(parted), "{told}");
    assert!(
        told.contains("  ⋯ 3 equal actions") && !told.contains('\u{1b}'),
        "{told}"
    );
    let changed = out(&["diff", &a, &b, "--only", "changed"], 0);
    assert!(
        !changed.contains("equal action") && !changed.contains("  same  "),
        "{changed}"
    );
    let beside = out(&["diff", &a, &b, "--format", "side"], 0);
    assert!(beside.contains("│ + extra  │     4 get_order"), "{beside}");
    let markdown = out(&["diff", &a, &b, "--format", "md"], 0);
    assert!(
        markdown.contains("|  | 4 | extra | get\\_order"),
        "{markdown}"
    );
}

#[test]
fn diff_prints_what_differs_in_the_contexts_of_the_models() {
    let file = |model: &str, tools: &str, system: &str, asked: &str| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let lines = [
            format!(r#"{{"type":"run_start","run_id":"r","system":"{system}","tools":{tools}}}"#),
            r#"{"type":"prompt","run_id":"r","id":"p","content":"refund it"}"#.to_owned(),
            format!(
                r#"{{"type":"response","run_id":"r","id":"a","model":"{model}","content":"I will."}}"#
            ),
            format!(
                r#"{{"type":"tool_call","run_id":"r","id":"c","parent_id":"a","tool":"{asked}","args":{{}}}}"#
            ),
        ];
        std::io::Write::write_all(&mut file, lines.join("\n").as_bytes()).expect("written");
        file
    };
    let tool = |name: &str| format!(r#"{{"name":"{name}","input_schema":{{}}}}"#);
    let old = file(
        "m-1",
        &format!("[{}]", tool("refund")),
        "Be kind.\\nAsk first.",
        "refund",
    );
    let both = format!("[{},{}]", tool("refund"), tool("escalate"));
    let new = file("m-2", &both, "Be kind.", "escalate");
    let (a, b) = (old.path().to_string_lossy(), new.path().to_string_lossy());
    let told = out(&["diff", &a, &b], 0);
    let given = "model input        model m-1 → m-2 · tools +1 (escalate) · system prompt −1 line";
    assert!(told.contains(given), "{told}");
    let document = json(&["diff", &a, &b, "--json"]);
    assert_eq!(document["given"]["tools_added"][0], "escalate");
    assert_eq!(document["given"]["system_lines_removed"], 1);
    assert_eq!(document["given"]["model"]["b"], "m-2");
    let picture = out(&["diff", &a, &b, "--format", "svg"], 0);
    assert!(
        picture.starts_with("<svg ") && picture.contains("diverge at"),
        "{picture}"
    );
}

#[test]
fn an_ignored_field_is_not_reported_as_equal() {
    let file = |asked: &str, tool: &str| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let lines = [
            format!(r#"{{"type":"prompt","run_id":"r","id":"p","content":"{asked}"}}"#),
            format!(r#"{{"type":"tool_call","run_id":"r","id":"c","tool":"{tool}","args":{{}}}}"#),
        ];
        std::io::Write::write_all(&mut file, lines.join("\n").as_bytes()).expect("written");
        file
    };
    let (one, other) = (file("refund it", "refund"), file("cancel it", "cancel"));
    let (a, b) = (one.path().to_string_lossy(), other.path().to_string_lossy());
    let told = out(&["diff", &a, &b], 0);
    assert!(
        told.contains("the user input had already differed"),
        "{told}"
    );
    let told = out(&["diff", &a, &b, "--ignore", "text"], 0);
    assert!(told.contains("text is ignored"), "{told}");
    assert!(!told.contains("same context"), "{told}");
}

#[test]
fn grades_of_runs_are_listed_and_can_be_filtered_by() {
    let trials = "sample-traces/tau-bench/airline-three-trials.json";
    let told = out(&["ls", trials], 0);
    assert!(
        told.contains("GRADE") && told.contains("right") && told.contains("wrong"),
        "{told}"
    );
    let wrong = out(&["ls", trials, "-w", "correct:no"], 0);
    assert!(
        wrong.contains("wrong") && !wrong.contains("right"),
        "{wrong}"
    );
    let one = out(&["ls", trials, "-w", "correct:yes trial:0"], 0);
    assert!(!one.contains("wrong"), "{one}");
    assert!(!out(&["ls", REFUND, "-w", "correct:no"], 0).contains("GRADE"));
    let stats = json(&[
        "stats",
        "sample-traces/medagentbench",
        "--by",
        "agent",
        "--json",
    ]);
    // The durations of three model calls, not that of the whole run.
    assert!(
        stats["groups"][0]["duration_ms"]["p99"]
            .as_f64()
            .expect("a figure")
            < 5_000.0
    );
}

#[test]
fn the_fields_of_diff_have_their_documented_names() {
    let (a, b) = (format!("{OLD}#a-0004"), format!("{NEW}#b-0004"));
    let document = json(&["diff", &a, &b, "--json"]);
    assert_eq!(document["schema"], "saferun.tui/diff@1");
    assert_eq!(document["a"]["run_id"], "a-0004");
    assert_eq!(document["columns"][2]["a"], Value::Null);
    assert_eq!(document["columns"][2]["b"], 4);
    assert_eq!(document["columns"][2]["label"], "extra");
    assert_eq!(document["counts"]["same"], 6);
    assert_eq!(document["counts"]["tool"], 0);
    assert_eq!(document["first_material"], 2);
    assert_eq!(document["cause"], "extra");
    assert_eq!(document["detail"], "get_order -> get_order");
    assert_eq!(document["inputs_differed_before"], false);
    assert_eq!(document["approximate"], false);
    assert_eq!(json(&["diff", &a, &b, "--format", "json"]), document);
    let only = json(&["diff", &a, &b, "--json", "--only", "changed"]);
    assert_eq!(only["columns"].as_array().expect("columns").len(), 1);
    assert_eq!(only["columns"][0]["column"], 2);
}

#[test]
fn a_difference_inside_a_pair_has_a_path_that_can_be_ignored() {
    let file = |amount: &str| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let lines = [
            r#"{"type":"prompt","run_id":"r","id":"p","content":"refund it"}"#.to_owned(),
            format!(r#"{{"type":"tool_call","run_id":"r","id":"c","tool":"refund","args":{{"amount":{amount},"id":"7f3a91c2-0000-4000-8000-12345678{}"}}}}"#, if amount == "420" { "90ab" } else { "90ac" }),
            r#"{"type":"tool_result","run_id":"r","call_id":"c","status":"ok","result":"{\"ok\":true}"}"#.to_owned(),
        ];
        std::io::Write::write_all(&mut file, lines.join("\n").as_bytes()).expect("written");
        file
    };
    let (old, new) = (file("420"), file("4200"));
    let (a, b) = (old.path().to_string_lossy(), new.path().to_string_lossy());
    let document = json(&["diff", &a, &b, "--json"]);
    assert_eq!(document["cause"], "args");
    let changes = &document["columns"][1]["changes"];
    assert_eq!(changes[0]["path"], "args.amount");
    assert_eq!(
        (&changes[0]["a"], &changes[0]["b"]),
        (&Value::from(420), &Value::from(4200))
    );
    assert_eq!(changes[0]["op"], "changed");
    assert_eq!(changes.as_array().expect("changes").len(), 2);
    out(&["diff", &a, &b, "--exit-code"], 1);
    out(&["diff", &a, &a, "--exit-code"], 0);
    let ignored = ["diff", &a, &b, "--ignore", "args.amount", "--exit-code"];
    out(&ignored, 1);
    out(&[&ignored[..], &["--hide-noise"]].concat(), 0);
    let told = json(&[&ignored[..], &["--hide-noise", "--json"]].concat());
    assert_eq!(
        (&told["hidden"], &told["cause"]),
        (&Value::from(2), &Value::from("none"))
    );
    assert_eq!(told["ignored"], serde_json::json!(["args.amount"]));
    assert!(out(&["diff", &a, &b], 0).contains("~ args.amount  [-420-] → {+4200+}  ×10"));
    assert!(
        refused(&["diff", &a, &b, "--ignore", "tool"], 2)
            .contains("not a path that can be ignored")
    );
}

#[test]
fn a_long_difference_is_cut_and_the_rest_counted() {
    let file = |word: &str| {
        let lines: Vec<String> = (0..40).map(|at| format!("{word} {at}")).collect();
        let prompt = serde_json::json!({"type": "prompt", "run_id": "r", "id": "p", "content": lines.join("\n")});
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        std::io::Write::write_all(&mut file, prompt.to_string().as_bytes()).expect("written");
        file
    };
    let (old, new) = (file("old"), file("new"));
    let (a, b) = (old.path().to_string_lossy(), new.path().to_string_lossy());
    for layout in ["unified", "md"] {
        let told = out(&["diff", &a, &b, "--format", layout], 0);
        assert!(told.contains("… 50 more lines"), "{told}");
    }
}

#[test]
fn a_filter_selects_the_run_of_each_file() {
    let document = json(&["diff", "-w", "task:refund-0004", OLD, NEW, "--json"]);
    assert_eq!(document["b"]["run_id"], "b-0004");
    assert!(refused(&["diff", NEW], 2).contains("but two are needed"));
    assert!(refused(&["diff", "-w", "task:none", OLD, NEW], 2).contains("no run matches"));
    let two = json(&["diff", "-w", "run:(b-0004|b-0005)", NEW, "--json"]);
    assert_eq!(two["a"]["run_id"], "b-0004");
    assert_eq!(two["b"]["run_id"], "b-0005");
}

#[test]
fn the_fields_of_a_context_have_their_documented_names() {
    let document = json(&["show", REFUND, "--turn", "1", "--context", "--json"]);
    assert_eq!(document["schema"], "saferun.tui/context@1");
    assert_eq!(document["exactness"], "reconstructed");
    let system = document["request"]["system"].as_str().unwrap_or_default();
    assert!(system.starts_with("You are the refund agent"), "{system}");
    let parts = document["parts"].as_array().expect("parts");
    let missing = parts.iter().filter(|part| part["source"] == "missing");
    assert_eq!(missing.count(), 1);
    assert_eq!(document["tokens"]["recorded"], 3022);
    let refused = refused(&["show", REFUND, "--context", "--jsonl"], 2);
    assert!(refused.contains("--json"), "{refused}");
}

#[test]
fn export_writes_a_request_a_command_or_a_fixture() {
    let request: Value =
        serde_json::from_str(&out(&["export", REFUND, "--seq", "6"], 0)).expect("a request");
    assert_eq!(request["messages"][0]["role"], "user");
    let command = out(&["export", REFUND, "--seq", "6", "--as", "curl"], 0);
    assert!(
        command.starts_with("# reconstructed from a trace"),
        "{command}"
    );
    assert!(
        command.contains("x-api-key: $ANTHROPIC_API_KEY"),
        "{command}"
    );
    let fixture: Value = serde_json::from_str(&out(
        &["export", REFUND, "--seq", "6", "--as", "fixture"],
        0,
    ))
    .expect("a fixture");
    assert_eq!(fixture["schema"], "saferun.tui/fixture@1");
    assert_eq!(fixture["request"], request);
    assert_eq!(fixture["response"][0]["role"], "assistant");
    assert!(
        fixture["tool_results"]
            .as_array()
            .is_some_and(|results| !results.is_empty())
    );
}

#[test]
fn a_fork_is_a_new_run_and_replaces_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fork.jsonl");
    let path = path.to_str().expect("a path");
    let before = std::fs::read(REFUND).expect("the sample");
    out(
        &[
            "fork",
            REFUND,
            "--at",
            "9",
            "--set",
            "args.amount=420",
            "-o",
            path,
        ],
        0,
    );
    assert_eq!(std::fs::read(REFUND).expect("the sample"), before);
    let run = &json(&["ls", path, "--json"])["runs"][0];
    assert_eq!(run["run_id"], "refund-8841-fork-9");
    assert_eq!(run["parent_run_id"], "refund-8841");
    assert_eq!(run["actions"], 9);
    let edited = out(&["query", "args.amount=420", path, "--jsonl"], 0);
    assert_eq!(edited.lines().count(), 1, "{edited}");
    let again = refused(&["fork", REFUND, "--at", "9", "-o", path], 2);
    assert!(again.contains("already exists"), "{again}");
    let none = refused(&["fork", REFUND, "--at", "99"], 2);
    assert!(none.contains("no action 99"), "{none}");
}

#[test]
fn exports_mask_secrets_and_count_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret.jsonl");
    let key = format!("ghp_{}", "Ab12".repeat(9));
    let lines = format!(
        "{{\"type\":\"prompt\",\"run_id\":\"r\",\"role\":\"user\",\"content\":\"use {key}\"}}\n\
         {{\"type\":\"response\",\"run_id\":\"r\",\"model\":\"gpt-4o\",\"content\":\"ok\"}}\n"
    );
    std::fs::write(&path, lines).expect("a trace");
    let path = path.to_str().expect("a path");
    for what in ["request", "curl", "fixture"] {
        let output = run(&["export", path, "--as", what]);
        assert!(!text(&output.stdout).contains(&key), "{what}");
        assert!(text(&output.stderr).contains("1 secret masked"), "{what}");
        let shown = out(&["export", path, "--as", what, "--show-secrets"], 0);
        assert!(shown.contains(&key), "{what}");
    }
    let forked = out(&["fork", path, "--at", "2"], 0);
    assert!(!forked.contains(&key), "{forked}");
}

/// A copy of the sample that a command may try to damage.
fn copied() -> (tempfile::TempDir, String, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trace.jsonl");
    std::fs::copy(REFUND, &path).expect("the sample");
    let bytes = std::fs::read(REFUND).expect("the sample");
    (folder, path.to_str().expect("a path").to_owned(), bytes)
}

#[test]
fn no_command_replaces_a_trace_that_it_reads() {
    let (folder, trace, bytes) = copied();
    let link = folder.path().join("link.jsonl");
    std::fs::hard_link(&trace, &link).expect("a hard link");
    let link = link.to_str().expect("a path");
    let commands: [&[&str]; 5] = [
        &["baseline", "write", link, &trace],
        &["--screenshot", link, &trace],
        &["convert", &trace, "-o", link],
        &["export", &trace, "--seq", "2", "-o", link],
        &["fork", &trace, "--at", "9", "-o", link],
    ];
    for command in commands {
        for force in [&[][..], &["--force"]] {
            let why = refused(&[command, force].concat(), 2);
            assert!(
                why.contains("one of the input traces"),
                "{command:?}: {why}"
            );
            assert_eq!(std::fs::read(&trace).expect("the trace"), bytes);
        }
    }
}

#[test]
fn baseline_write_without_a_file_name_does_not_replace_a_trace() {
    let (folder, trace, bytes) = copied();
    let other = folder.path().join("other.jsonl");
    std::fs::copy(&trace, &other).expect("a copy");
    let why = refused(
        &["baseline", "write", &trace, other.to_str().expect("a path")],
        2,
    );
    assert!(why.contains("already exists"), "{why}");
    assert_eq!(std::fs::read(&trace).expect("the trace"), bytes);
}

#[test]
fn an_exported_curl_command_does_not_trust_addresses_of_the_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.jsonl");
    let request = |url: &str| {
        let line = serde_json::json!({"type": "response", "run_id": "r", "model": "claude-x", "content": "ok",
            "request": {"url": url, "body": {"model": "claude-x", "max_tokens": 1, "system": "\u{9b}x", "messages": []}}});
        std::fs::write(&path, format!("{line}\n")).expect("a trace");
        out(
            &["export", path.to_str().expect("a path"), "--as", "curl"],
            0,
        )
    };
    let injected = request("-Kt.jsonl");
    assert!(injected.contains("--url 'https://api.anthropic.com/v1/messages'"));
    let foreign = request("https://evil.example/v1/messages");
    assert!(!foreign.contains("API_KEY"), "{foreign}");
    let escapes = request("https://evil.example/\u{1b}]0;x\u{7}\u{9b}");
    for script in [injected, foreign, escapes] {
        let is_plain = |it: char| it == '\n' || (' '..='~').contains(&it);
        assert!(script.chars().all(is_plain), "{script:?}");
    }
}

#[test]
fn a_file_that_is_cut_while_it_is_printed_is_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cut.jsonl");
    let line = |id: usize| {
        let text = "x".repeat(900);
        format!(r#"{{"type":"prompt","run_id":"r","id":"{id}","content":"{text}"}}"#)
    };
    let lines: Vec<String> = (0..4000).map(line).collect();
    std::fs::write(&path, lines.join("\n")).expect("a trace");
    let mut child = command(&["convert", path.to_str().expect("UTF-8"), "-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The pipe holds far less than the output: the program waits with most of the file still to be opened.
    let mut printed = BufReader::new(child.stdout.take().expect("a pipe"));
    printed.read_line(&mut String::new()).expect("a line");
    let file = OpenOptions::new().write(true).open(&path);
    file.and_then(|file| file.set_len(500_000)).expect("cut");
    std::io::copy(&mut printed, &mut std::io::sink()).expect("the rest");
    let ended = child.wait_with_output().expect("it ends");
    let why = text(&ended.stderr);
    assert!(why.contains("changed while it was being read"), "{why}");
    assert_eq!(ended.status.code(), Some(4));
}
