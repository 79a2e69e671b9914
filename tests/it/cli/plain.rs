//! `--plain`: commands that are typed, and the ways out.

use std::io::Write;
use std::process::Stdio;

use crate::cli::{REFUND, command, text};

/// What is printed while this is typed, and the exit code.
fn typed(lines: &str) -> (String, Option<i32>) {
    typed_with(&[], lines)
}

fn typed_with(options: &[&str], lines: &str) -> (String, Option<i32>) {
    let mut program = command(&[&["--plain", REFUND][..], options].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = program.stdin.take().expect("its input");
    input.write_all(lines.as_bytes()).expect("it reads");
    drop(input);
    let output = program.wait_with_output().expect("it ends");
    (text(&output.stdout).to_owned(), output.status.code())
}

#[test]
fn the_ways_out_are_named_and_work() {
    let (shown, code) = typed("n\nhurry\nh\nq\nn\n");
    assert_eq!(code, Some(0));
    for words in [
        "h for help, q or Ctrl-D to leave.",
        "'hurry' is not a command. h lists them, q leaves.",
        "q, Ctrl-D     leave; the end of the input does so too",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    // Commands after q are ignored.
    assert!(shown.ends_with("> "), "{shown}");
    let (shown, code) = typed("G\nn\n");
    assert_eq!(code, Some(0));
    assert!(
        shown.contains("This is the last action. q leaves."),
        "{shown}"
    );
    // The shell's prompt begins on a line of its own.
    assert!(shown.ends_with("> \n"), "{shown}");
}

const POLICY: &[&str] = &["--policy", "sample-traces/policy/policy.toml"];

#[test]
fn calls_carry_the_verdict_of_a_policy() {
    let (shown, _) = typed_with(POLICY, "9\n5\n2\n/would:ask\nf\nq\n");
    let lines: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("what-if: "))
        .collect();
    assert_eq!(lines.len(), 4, "{shown}");
    for (line, verdict) in lines.iter().zip(["deny", "allow", "ask", "ask"]) {
        let expected = format!("  what-if: {verdict} ");
        assert!(line.starts_with(&expected), "{line}\n{shown}");
    }
    assert!(!typed("9\nq\n").0.contains("what-if"));
}

#[test]
fn a_policy_or_rules_that_cannot_be_read_are_an_error_at_the_start() {
    for option in ["--policy", "--rules"] {
        let picture = ["--screenshot", "/nowhere/picture.svg"];
        for others in [&["--plain"][..], &picture, &[]] {
            let arguments = [&[REFUND, option, "nope.toml"][..], others].concat();
            let output = command(&arguments).output().expect("the program starts");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            let message = text(&output.stderr);
            assert!(message.contains("nope.toml"), "{arguments:?}: {message}");
        }
    }
}
