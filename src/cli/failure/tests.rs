use std::io;

use anyhow::Context;

use super::{Exit, Failure, exit_of};

#[test]
fn a_closed_pipe_is_not_an_error() {
    let error = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
    assert_eq!(exit_of(&error), None);
}

#[test]
fn the_root_cause_decides_the_exit_code() {
    let error = anyhow::Error::from(Failure::Input("a.jsonl: empty".to_owned()));
    assert_eq!(exit_of(&error), Some(Exit::NoInput));
    let error = Err::<(), _>(Failure::Usage("what".to_owned())).context("why");
    assert_eq!(
        exit_of(&error.expect_err("it is an error")),
        Some(Exit::Usage)
    );
}
