use super::{bundled, read};
use crate::ingest::discover::Input;
use crate::ingest::format::Format;
use crate::ingest::json;
use crate::ingest::testing::{load_as, rows};
use crate::model::action::{Kind, Status};

const HOUSE: &str = r#"name = "house"
[match]
session = true
[run]
id = "session"
user = "meta.user"
[words]
fine = "ok"
[[row]]
kind = "prompt"
if = { event = "ask*" }
text = "said"
time = "at"
[[row]]
kind = "tool_call"
each = "calls"
tool = "name"
args = { url = "url", who = "/meta.user" }
result = ["output", "body"]
status = "how"
"#;

const LINES: &str = r#"{"session":"s1","event":"ask me","said":"hello","at":1700000000,"meta":{"user":"u1"}}
{"session":"s1","event":"work","calls":[{"name":"get","url":"/a","output":"A","how":"fine"},{"name":"put","url":"/b","body":"no","how":"failed"},{"name":"del","url":"/c"}]}
{"session":"s2","event":"nothing"}
"#;

#[test]
fn records_are_read_as_declared() {
    let shape: &'static dyn Format = Box::leak(Box::new(read(HOUSE, &[]).expect("a shape")));
    let input = Input::Bundled {
        name: "log.jsonl",
        bytes: LINES.as_bytes(),
        companions: &[],
    };
    let batch = load_as(Some(shape), input);
    assert_eq!(
        rows(&batch),
        [
            (Kind::Prompt, Status::Unrecorded),
            (Kind::ToolCall, Status::Ok),
            (Kind::ToolCall, Status::Error),
            (Kind::ToolCall, Status::Pending),
            (Kind::Unknown, Status::Unrecorded),
        ]
    );
    assert_eq!(batch.runs.len(), 2);
    let place = batch.chunk.place(2);
    let bytes = &LINES.as_bytes()[place.offset as usize..][..place.len as usize];
    let element = json::value(bytes).expect("an element");
    let mut body = shape.open(&element, place.part);
    assert_eq!(body.args, Some(serde_json::json!({"url": "/b"})));
    let result = batch.outcomes.result.get(2);
    shape.open_result(&element, result.part, &mut body);
    assert_eq!(body.result, Some(serde_json::json!("no")));
}

#[track_caller]
fn wrong(declaration: &str, line: usize, what: &str) {
    let (found, message) = read(declaration, &["saferun"]).expect_err("it is wrong");
    assert!(message.contains(what), "{message}");
    assert_eq!(found, line, "{message}");
}

#[test]
fn errors_name_their_line() {
    wrong(
        "name = 'x'\nnmae = 'y'",
        2,
        "'nmae' is not known here (known: name, about",
    );
    wrong("name = 'saferun'", 1, "built-in format");
    wrong("name = 'x'", 1, "'match' is missing");
    wrong("name = 'x'\n[match]\na = 3", 3, "true (it is there)");
    wrong(
        "name = 'x'\n[match]\na = true\n[[row]]\nkind = 'tool'",
        5,
        "'tool' is not known here (known: run_start",
    );
    wrong(
        "name = 'x'\n[match]\na = true\n[[row]]\nkind = 'note'\ntext = 'a..b'",
        6,
        "is not a path",
    );
    wrong(
        "name = 'x'\n[match]\na = true\n[[row]]\ntext = 'a'",
        4,
        "a row needs a kind",
    );
    wrong("name = ", 1, "");
}

#[test]
fn bundled_shapes_are_valid() {
    assert_eq!(bundled(&[]).len(), 1);
}
