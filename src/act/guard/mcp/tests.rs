use serde_json::json;

use super::message::Message;

#[test]
fn messages_that_could_hide_a_call_do_not_pass() {
    let read = |line: &str| Message::read(line.as_bytes());
    assert!(read("[{\"method\":\"tools/call\"}]").is_err(), "a batch");
    assert!(read("{\"method\":\"tools/call\",").is_err(), "not JSON");
    assert!(
        read("{\"method\":\"tools\\/call\",\"params\":{\"name\":\"x\",\"arguments\":{\"n\":NaN}}}")
            .is_err()
    );
    assert!(read("{\"method\":\"tools\\u002fcall\",\"params\":{\"name\":\"\\ud800\"}}").is_err());
    assert_eq!(read("\n"), Ok(Message::default()));
    assert_eq!(read("hello"), Ok(Message::default()), "not a call");
    let call = read(
        "{\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"x\",\"_meta\":{\"claudecode/toolUseId\":\"t1\",\"progressToken\":3}}}",
    );
    let call = call.expect("a call");
    assert_eq!((call.param("name"), call.host_call()), ("x", Some("t1")));
    assert_eq!(call.progress_token(), Some(&json!(3)));
}
