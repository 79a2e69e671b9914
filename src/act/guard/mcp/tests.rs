use proptest::prelude::*;
use serde_json::{Value, json};

use super::message::{Message, blocked, refusal};
use crate::base::testing;

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

#[test]
fn a_message_that_can_be_read_in_two_ways_does_not_pass() {
    let refused = |line: &str| Message::of_client(line.as_bytes()).is_err();
    assert!(refused(r#"{"method":"tools/call","method":"ping"}"#));
    assert!(refused(r#"{"method":"tools/call","m\u0065thod":"ping"}"#));
    assert!(refused(
        r#"{"method":"tools/call","params":{"name":"rm","arguments":[{"n":1,"n":2}]}}"#
    ));
    for plain in [
        CALL,
        "hello",
        "",
        r#"{"a":[1.5,-2,null,true,"{"],"b":{"a":{}}}"#,
    ] {
        assert!(!refused(plain), "{plain}");
    }
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":{"n":1},"_meta":{"progressToken":3}}}"#;
const SOUGHT: &[&str] = &[
    "jsonrpc",
    "id",
    "method",
    "params",
    "result",
    "error",
    "tools/call",
    "tools/list",
    "name",
    "arguments",
    "_meta",
    "progressToken",
    "claudecode/toolUseId",
];

proptest! {
    #![proptest_config(testing::cases(512))]

    /// A line is taken for no call only if no server could read one in it.
    #[test]
    fn any_line_is_a_message_or_refused(
        line in prop_oneof![
            testing::json(SOUGHT).prop_map(|it| it.to_string().into_bytes()),
            testing::bent(CALL.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..60),
        ],
    ) {
        if let Ok(message) = Message::of_client(&line) {
            let whole = serde_json::from_slice::<Value>(&line).ok();
            let is_call = whole.as_ref().is_some_and(|it| it["method"] == "tools/call");
            prop_assert_eq!(message.method == "tools/call", is_call);
            let has_members = line.contains(&b'{') || line.contains(&b'[');
            prop_assert!(whole.is_some() || !has_members);
            let _ = (message.param("name"), message.host_call(), message.progress_token());
            prop_assert_eq!(&blocked(&message.id, "why")["id"], &message.id);
            prop_assert_eq!(&refusal(&message.id, "why")["id"], &message.id);
        }
    }
}
