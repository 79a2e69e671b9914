//! A vendor for tests, on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::{Value, json};

/// Answers every request, on connections of its own, and passes the requests on.
pub(crate) fn vendor(
    answer: impl Fn(&Value) -> Value + Send + Sync + 'static,
) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let (sender, requests) = channel();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let (answer, sender) = (Arc::clone(&answer), sender.clone());
            thread::spawn(move || one(stream, &*answer, &sender));
        }
    });
    (base, requests)
}

fn one(mut stream: TcpStream, answer: &dyn Fn(&Value) -> Value, sender: &Sender<Value>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|it| it > 0) {}
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|it| it.parse().ok()).unwrap_or(0)];
    let _ = reader.read_exact(&mut body);
    let asked = serde_json::from_slice(&body).unwrap_or_default();
    let answer = answer(&asked).to_string();
    let _ = sender.send(asked);
    let whole = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
    let _ = stream.write_all(whole.as_bytes());
}

/// An answer of the chat API that calls a tool.
pub(crate) fn calls(tool: &str, arguments: &Value) -> Value {
    let function = json!({"name": tool, "arguments": arguments.to_string()});
    let message = json!({
        "role": "assistant", "content": null,
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    });
    json!({
        "model": "gpt-4o", "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 0},
    })
}
