//! `--plain`: commands that are typed, and the ways out.

use std::io::Write;
use std::process::Stdio;

use crate::cli::{REFUND, command, text};

/// What is printed while this is typed, and the exit code.
fn typed(lines: &str) -> (String, Option<i32>) {
    let mut program = command(&["--plain", REFUND])
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
