use crate::analysis::policy::set::{Policies, Set};
use crate::analysis::policy::{File, Scope};
use crate::tui::policing::Source;
use crate::tui::testing::{assert_shown, options, sized};
use crate::tui::{Options, Setup};

const POLICY: &str = r#"version = 1
default = "allow"
[[rule]]
id = "refund-cap"
effect = "deny"
tool = "refund"
when = "args.amount>500"
[[rule]]
id = "ask-lookup"
effect = "ask"
tool = "lookup"
[[rule]]
id = "never"
effect = "deny"
tool = "drop_table"
"#;

const LAX: &str = "version = 1\ndefault = \"allow\"\n";

/// Two runs: the first refunds 900 and goes on, the second refunds 20.
const TRACE: &str = r#"{"type":"run_start","run_id":"r1","agent":"desk","ts":"2026-11-22T10:00:00Z"}
{"type":"prompt","run_id":"r1","id":"p","content":"Refund order 8841","ts":"2026-11-22T10:00:00Z"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"lookup","ts":"2026-11-22T10:00:01Z","args":{"order":"8841"}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":1}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"refund","ts":"2026-11-22T10:00:02Z","args":{"amount":900}}
{"type":"tool_result","run_id":"r1","call_id":"c2","status":"ok","result":"refunded"}
{"type":"tool_call","run_id":"r1","id":"c3","tool":"mail","ts":"2026-11-22T10:00:03Z","args":{"to":"ann"}}
{"type":"tool_result","run_id":"r1","call_id":"c3","status":"ok","result":"sent"}
{"type":"run_end","run_id":"r1","status":"ok","ts":"2026-11-22T10:00:04Z"}
{"type":"run_start","run_id":"r2","agent":"desk","ts":"2026-11-22T11:00:00Z"}
{"type":"tool_call","run_id":"r2","id":"c1","tool":"refund","ts":"2026-11-22T11:00:01Z","args":{"amount":20}}
{"type":"tool_result","run_id":"r2","call_id":"c1","status":"ok","result":"refunded"}
{"type":"run_end","run_id":"r2","status":"ok","ts":"2026-11-22T11:00:02Z"}
"#;

fn policies(path: &str) -> Result<Policies, String> {
    let text = match path {
        "policy.toml" => POLICY,
        "lax.toml" => LAX,
        path => return Err(format!("{path}: no such file")),
    };
    let files = vec![File {
        path: path.to_owned(),
        text: text.to_owned(),
        root: None,
        in_force: true,
        scope: Scope::User,
    }];
    let set = Set::read(&files).map_err(|refusal| format!("{refusal:?}"))?;
    Ok(Policies { files, set })
}

fn with_policy() -> Options {
    let read: fn(&[std::path::PathBuf], &[&str]) -> _ = |named, _| {
        let path = named.first().and_then(|it| it.to_str());
        policies(path.unwrap_or("policy.toml"))
    };
    Options {
        setup: Setup {
            policies: Source {
                read,
                ..Source::default()
            },
            ..Setup::default()
        },
        ..options()
    }
}

fn screen(size: (u16, u16), keys: &str) -> String {
    sized(&with_policy(), TRACE, size, keys)
}

#[track_caller]
fn check(keys: &str, expected: &[&str]) {
    assert_shown(&screen((120, 36), keys), expected);
}

#[test]
fn shows_what_rules_would_have_done() {
    insta::assert_snapshot!(screen((120, 36), "9"));
    insta::assert_snapshot!(screen((80, 24), "9"));
}

#[test]
fn a_rule_leads_to_its_calls_and_a_call_to_the_stream() {
    check(
        "9",
        &["1 call of refund-cap", "the rest of the run comes after it"],
    );
    check("9 j j", &["1 call of ask-lookup"]);
    check("9 enter enter", &["1 Stream", "amount  900"]);
}

#[test]
fn a_cell_of_the_table_leads_to_its_calls() {
    check("9 backtab", &["calls: allow → allow"]);
    check("9 backtab j", &["1 call: allow → ask"]);
}

#[test]
fn a_policy_lies_over_the_stream_until_it_is_taken_off() {
    let (over, off) = (screen((120, 36), "1 w"), screen((120, 36), "1 w w"));
    assert!(
        over.contains("would be DENIED refund-cap · recorded: it ran"),
        "{over}"
    );
    assert!(over.contains("2 of 4 calls change · 1 run"), "{over}");
    assert!(over.contains("what-if: policy.toml"), "{over}");
    assert!(!off.contains("would be"), "{off}");
    assert!(over.contains('┊') && !off.contains('┊'), "{over}");
}

#[test]
fn the_filter_and_the_policy_over_it_are_both_named_in_80_columns() {
    let policy = screen((80, 24), "1 w");
    assert!(policy.contains("/ what-if: policy.toml"), "{policy}");
    assert!(policy.contains("2 of 4 calls change"), "{policy}");
    for width in [80, 120] {
        let both = screen((width, 24), "1 w / kind:tool enter");
        let line = both.lines().nth(1).unwrap_or_default();
        for words in ["/ kind:tool ", "✓ 4 of ", "what-if: policy.toml"] {
            assert!(line.contains(words), "{words}\n{both}");
        }
    }
}

#[test]
fn a_filter_keeps_the_calls_of_a_verdict_while_a_policy_lies_over_them() {
    for (filter, kept) in [
        ("would:deny", "✓ 1 of"),
        ("would:allow", "✓ 2 of"),
        ("would:(deny|ask)", "✓ 2 of"),
        ("has:would space -would:allow", "✓ 2 of"),
    ] {
        check(
            &format!("1 w / {filter} enter"),
            &[kept, "hidden by filter", "2 of 4 calls change"],
        );
    }
    check(
        "1 w / would:dney enter",
        &["'dney' is not a verdict · did you mean 'deny'?"],
    );
    check(
        "1 / would:deny enter",
        &[
            "no policy to test against: query, ls and the explorer take --policy FILE (or 9, then p in the explorer)",
        ],
    );
    // The filter goes with the policy.
    let off = screen((120, 36), "1 w / would:deny enter w");
    assert!(!off.contains("hidden by filter"), "{off}");
    assert!(off.contains("the filter is off"), "{off}");
}

#[test]
fn blocks_stop_at_changes_and_the_inspector_shows_the_rule() {
    check("1 w g b b", &["what-if deny refund-cap", "policy.toml:3"]);
}

#[test]
fn two_policies_are_compared() {
    check(
        "9 c lax.toml enter",
        &["THE OTHER ↓ NEW →", "policy.toml (3 rules) ↔ lax.toml"],
    );
    check("9 c lax.toml enter esc", &["RECORDED ↓ NEW →"]);
    check(
        "9 c none.toml enter",
        &["none.toml: no such file", "RECORDED ↓ NEW →"],
    );
}

#[test]
fn suggestions_are_lines_and_go_away_again() {
    check("9 u", &["would need approval by Claude Code's defaults"]);
    check("9 u u", &["RECORDED ↓ NEW →"]);
}

#[test]
fn without_a_policy_the_view_says_how_to_give_one() {
    let shown = |keys| sized(&options(), TRACE, (120, 24), keys);
    let view = shown("9");
    assert!(
        view.contains("no policy is known")
            && view.contains("p reads one")
            && view.contains("--policy FILE"),
        "{view}"
    );
    // The footer offers no key that needs a policy.
    assert!(!view.contains("c compare"), "{view}");
    let stream = shown("1 w");
    assert!(
        stream.contains("no policy is known · 9 then p reads one"),
        "{stream}"
    );
}

#[test]
fn the_calls_are_judged_by_another_policy() {
    check("9 p lax.toml enter", &["lax.toml (0 rules)"]);
    check(
        "9 p none.toml enter",
        &["none.toml: no such file", "policy.toml (3 rules)"],
    );
    check("9 p none.toml enter r", &["policy.toml (3 rules)"]);
}
