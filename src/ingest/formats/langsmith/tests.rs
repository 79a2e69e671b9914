use super::{error_of, question};

#[test]
fn an_interrupt_is_a_question_and_no_error() {
    let text = "GraphInterrupt((Interrupt(value={'action_requests': [{'name': 'restart', 'args': {'host': 'a'}}, {'name': 'wipe', 'args': {}}]}),))";
    let mut error = Some(error_of(text));
    let asked = question(&mut error);
    let tools: Vec<&str> = asked.iter().map(|it| it.tool.as_str()).collect();
    assert_eq!(tools, ["restart", "wipe"]);
    assert!(error.is_none());
}

#[test]
fn an_error_is_told_without_its_stack() {
    let error = error_of("ValueError('no order')Traceback (most recent call last):\n  File x");
    assert_eq!(error.kind.as_deref(), Some("ValueError"));
    assert_eq!(error.message, "ValueError('no order')");
    assert!(error.stack.is_some());
}
