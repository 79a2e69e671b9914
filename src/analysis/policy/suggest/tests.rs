use serde_json::json;

use super::*;

fn bash(line: &str, run: usize) -> Ran {
    Ran {
        tool: "Bash".to_owned(),
        args: json!({ "command": line }),
        run,
    }
}

#[test]
fn rules_are_as_narrow_as_their_program_needs() {
    let rule = |command: &str| candidate(command).map(|(rule, _)| rule);
    assert_eq!(rule("git add a b").as_deref(), Some("Bash(git add *)"));
    assert_eq!(
        rule("git push origin").as_deref(),
        Some("Bash(git push origin)")
    );
    assert_eq!(rule("python x.py").as_deref(), Some("Bash(python x.py)"));
    assert_eq!(rule("rm -rf x").as_deref(), Some("Bash(rm -rf x)"));
    assert_eq!(rule("sort f").as_deref(), Some("Bash(sort *)"));
    assert_eq!(rule("X=1 make"), None);
    assert_eq!(
        candidate("git push x").map(|(_, risk)| risk),
        Some(Risk::Decide)
    );
}

#[test]
fn the_rule_that_spares_most_calls_comes_first() {
    let calls = [
        bash("mix test a", 0),
        bash("mix test b", 1),
        bash("mix test", 1),
        bash("git add x && ls", 0),
        bash("git add y", 1),
        bash("ls", 0),
    ];
    let found = suggest(&calls, 2);
    let rules: Vec<(&str, usize, usize)> = found
        .rules
        .iter()
        .map(|it| (it.rule.as_str(), it.calls, it.runs))
        .collect();
    assert_eq!(
        rules,
        [("Bash(mix test *)", 3, 2), ("Bash(git add *)", 2, 2)]
    );
    assert_eq!(
        (found.calls, found.asked_before, found.asked_after),
        (6, 5, 0)
    );
}

#[test]
fn a_run_is_held_out_of_what_it_is_counted_with() {
    let calls = [
        bash("mix test a", 0),
        bash("mix test b", 0),
        bash("mix test c", 1),
        bash("zip a", 1),
    ];
    let held = hold_out(&calls, 2, 8);
    let of_second = held.iter().find(|it| it.run == 1).expect("the second run");
    assert_eq!((of_second.asked_before, of_second.asked_after), (2, 1));
    let of_first = held.iter().find(|it| it.run == 0).expect("the first run");
    assert_eq!((of_first.asked_before, of_first.asked_after), (2, 2));
}
