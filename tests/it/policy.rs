//! Policies judge as the programs whose files they are, and say the same about a history as the reference.

mod program;
mod proofs;

use std::collections::BTreeMap;

use saferun_tui::analysis::policy::call::Call;
use saferun_tui::analysis::policy::claude::Claude;
use saferun_tui::analysis::policy::history::{self, Place};
use saferun_tui::analysis::policy::modes::Modes;
use saferun_tui::analysis::policy::set::Set;
use saferun_tui::analysis::policy::whatif::{self, Against};
use saferun_tui::analysis::policy::{Context, Dead, Effect, Engine, File, Scope, shell};
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::model::action::{ActionIx, Kind};
use saferun_tui::model::chunk::CHUNK_ROWS;
use saferun_tui::store::bodies;
use saferun_tui::store::sweep::Sweep;
use serde_json::{Value, json};

use crate::support::{load, sample, shared};

/// The expected verdicts; none where they are not at hand.
fn golden() -> Option<Value> {
    let text = std::fs::read(shared("golden/policy.json")?).expect("the expected values");
    Some(serde_json::from_slice(&text).expect("JSON"))
}

fn settings(permissions: &Value) -> Claude {
    let file = File {
        path: "settings.json".to_owned(),
        text: json!({ "permissions": permissions }).to_string(),
        root: Some("/w".to_owned()),
        in_force: true,
        scope: Scope::User,
    };
    Claude::read(&[file]).expect("the rules are valid")
}

const CONTEXT: Context<'_> = Context {
    cwd: Some("/w"),
    home: Some("/home/u"),
    mode: None,
    before: saferun_tui::analysis::policy::Before {
        calls: 0,
        errors: 0,
        blocked: 0,
    },
    past: None,
    spent: None,
    record: None,
};

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Vec<Value>> {
    let all = value[key].as_array().expect("a list").iter();
    all.map(|it| it.as_array().expect("a list"))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

#[test]
fn every_rule_matches_what_the_reference_says() {
    let Some(golden) = golden() else { return };
    let mut wrong = Vec::new();
    for case in list(&golden, "matches") {
        let [rule, effect, tool, args, expected] = case.as_slice() else {
            panic!("{case:?}");
        };
        let claude = settings(&json!({ text(effect): [rule] }));
        let call = Call {
            tool: text(tool),
            args: Some(args),
            ..Call::default()
        };
        let reason = &claude.explain(&call, &CONTEXT)[0];
        let found = match &claude.rules()[0].dead {
            Some(Dead::NeverConsulted(_)) => json!("dead"),
            _ => json!(reason.is_match),
        };
        if found != *expected {
            wrong.push(format!("{rule} {effect} {args}: {found}, not {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_line_is_decided_as_the_program_itself_did() {
    let Some(golden) = golden() else { return };
    let mut wrong = Vec::new();
    for case in list(&golden, "decided") {
        let [rule, effect, line, expected] = case.as_slice() else {
            panic!("{case:?}");
        };
        let claude = settings(&json!({ text(effect): [rule] }));
        let args = json!({ "command": line });
        let call = Call {
            tool: "Bash",
            args: Some(&args),
            ..Call::default()
        };
        let verdict = claude.decide(&call, &CONTEXT);
        let found = match (text(effect), verdict.effect) {
            ("deny", Effect::Deny) => "deny",
            ("deny", _) => "runs",
            (_, effect) => effect.word(),
        };
        if found != text(expected) {
            wrong.push(format!("{rule} {effect} {line}: {found}, not {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn lines_are_split_as_the_reference_does() {
    let Some(golden) = golden() else { return };
    for case in list(&golden, "parts") {
        let found = shell::line(text(&case[0])).map(|it| json!([it.commands, it.traits.words()]));
        assert_eq!(found.unwrap_or_default(), case[1], "{}", case[0]);
    }
    for case in list(&golden, "writes") {
        assert_eq!(json!(shell::writes(text(&case[0]))), case[1], "{}", case[0]);
    }
}

/// The rules that the reference tries on the history.
fn tried() -> Claude {
    settings(&json!({
        "deny": ["Bash(git push *)", "Bash(rm *)", "Read(//**/.env)"],
        "ask": ["WebFetch", "Bash(git commit *)"],
        "allow": ["Bash(mix *)", "Bash(bd *)", "Bash(git add *)", "Edit(//home/**)", "Bash(npx tsc)"],
    }))
}

#[test]
fn a_what_if_over_real_runs_counts_what_the_reference_counts() {
    let Some(golden) = golden() else { return };
    let Some(data) = shared("data/agents/claude-code") else {
        return;
    };
    let store = load(&[data]);
    let set = Set::of(Box::new(tried()));
    // The reference judges every run as if it were in the default mode.
    let place = Place {
        mode: Some("default".to_owned()),
        ..Place::default()
    };
    let judged = history::judge(&store, &set, &place, &CancelFlag::new());
    let (modes, against) = (Modes::default(), Against::Recorded);
    let report = whatif::report(&store, (&set, &modes), (&judged, against), &|_| true);
    let mut table: BTreeMap<String, u64> = report
        .table
        .iter()
        .map(|((was, now), calls)| (format!("{}>{}", was.word(), now.word()), *calls))
        .collect();
    // The reference does not get the working directory, so it never asks for a read outside of it.
    let reads = ["Read", "Grep", "Glob", "LS"];
    let outside = report.changes.iter().filter(|it| {
        it.now.rule.is_none()
            && it.was.effect == Effect::Allow
            && reads.contains(&store.row(it.ix).tool())
    });
    let outside = outside.count() as u64;
    *table.entry("allow>ask".to_owned()).or_default() -= outside;
    *table.entry("allow>allow".to_owned()).or_default() += outside;
    let expected = &golden["what_if"];
    assert_eq!(json!(table), expected["table"]);
    assert_eq!(json!(report.by_no_rule), expected["uncovered"]);
    // It knows runs by their ids: of two with one id, all calls of the second are behind the change of the first.
    let others = judged.iter().filter(|it| {
        let row = store.row(it.ix);
        let ends = |first: &&whatif::Change| store.run(first.run).id == row.run().id;
        let change = report.first.iter().find(ends);
        change.is_some_and(|it| it.run < row.run_ix())
    });
    assert_eq!(
        json!(report.behind + others.count() as u64),
        expected["behind_first"]
    );
    let mut hits: BTreeMap<&str, u64> = set
        .rules()
        .map(|it| it.name.as_str())
        .zip(report.hits.iter().copied())
        .collect();
    hits.insert("default", report.by_no_rule);
    hits.retain(|_, calls| *calls > 0);
    assert_eq!(json!(hits), expected["hits"]);
}

#[test]
fn arguments_found_in_a_record_are_those_of_the_opened_call() {
    let store = load(&[sample("saferun"), sample("claude-code")]);
    let mut sweep = Sweep::default();
    let mut compared = 0;
    for (number, (chunk, _)) in store.chunks().enumerate() {
        let row = |at: u16| store.row(ActionIx((number * CHUNK_ROWS) as u32 + u32::from(at)));
        let rows: Vec<u16> = (0..chunk.len() as u16)
            .filter(|at| row(*at).kind() == Kind::ToolCall)
            .collect();
        sweep.records(&store, (number, &rows), &mut |at, record| {
            let (row, mut record) = (row(at), record.expect("a short record"));
            let find = row.source().format.finds_args().expect("it can be found");
            if let Some(found) = find(&mut record, row.place().part) {
                let written = &record.bytes()[found.start..found.end];
                let written: Value = serde_json::from_slice(written).expect("JSON");
                assert_eq!(Some(written), bodies::own(&row).args);
                compared += 1;
            }
        });
    }
    assert!(compared > 50, "{compared}");
}
