use super::calls::Calls;
use super::*;
use crate::model::action::{ActionIx, Status};
use crate::model::quantity::Time;
use crate::model::symbol::Sym;

fn call(action: u32) -> Call {
    Call {
        action: ActionIx(action),
        time: Time::NONE,
        status: Status::Pending,
        agent: Sym::NONE,
        tool: Sym::NONE,
        signature: 0,
        closed: false,
    }
}

#[test]
fn reused_ids_are_matched_first_in_first_out() {
    let mut calls = Calls::default();
    for action in 0..3 {
        calls.add(7, call(action));
    }
    assert_eq!(calls.open, 3);
    let closed: Vec<Option<u32>> = (0..4)
        .map(|_| calls.close(7, Status::Ok).map(|call| call.action.0))
        .collect();
    assert_eq!(closed, [Some(0), Some(1), Some(2), None]);
    assert_eq!(calls.open, 0);
}

#[test]
fn a_call_is_remembered_until_its_run_ends() {
    let mut calls = Calls::default();
    calls.add(1, call(0));
    calls.add(2, call(1));
    assert!(calls.close(1, Status::Ok).is_some());
    assert!(calls.known(1).is_some_and(|call| call.closed));
    calls.forget_settled();
    assert!(calls.known(1).is_none());
    assert!(calls.known(2).is_some());
}

#[test]
fn a_call_that_was_given_up_is_not_open_and_still_takes_its_result() {
    let mut calls = Calls::default();
    calls.add(1, call(0));
    calls.add(2, call(1));
    let given_up = calls.cancel(|call| call.action == ActionIx(0));
    assert_eq!(given_up.len(), 1);
    assert_eq!(calls.open, 1);
    let late = calls.close(1, Status::Ok).map(|call| call.status);
    assert_eq!(late, Some(Status::Cancelled));
    assert_eq!(calls.open, 1);
}
