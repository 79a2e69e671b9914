//! The terminal never interprets a byte of a trace, and no text of a trace is invisible.

use std::fs;
use std::path::Path;

use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use saferun_tui::ingest::discover::Input;
use saferun_tui::ingest::intake::{self, Options as Loading};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::tui::Options;
use saferun_tui::tui::render::{self, Headless};
use saferun_tui::tui::theme::ColorChoice;
use serde_json::json;

use super::config;
use crate::pty::terminal::{Terminal, program};
use crate::support::harmless;

/// Sequences that terminals interpret, and invisible characters.
const NASTY: &[&str] = &[
    "\u{1b}[31m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;aGk=\u{1b}\\",
    "\u{1b}P1$r\u{1b}\\",
    "\u{1b}[2J",
    "\u{1b}[?1049l",
    "\u{1b}c",
    "\u{9b}31m",
    "\u{9d}0;x\u{9c}",
    "\u{90}",
    "\u{7f}",
    "\u{8}\u{8}",
    "\r",
    "\n",
    "\t",
    "\0",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{feff}",
    "\u{e0041}",
    "\u{ad}",
    "\u{2028}",
    "\u{fff9}",
    "\u{200d}",
    "\u{61c}",
    "\u{300}\u{301}\u{302}",
    "漢字",
    "e\u{301}",
    "👩\u{200d}🚀",
    "🇸🇪",
    "مرحبا",
    "\u{fe0f}",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(NASTY).prop_map(str::to_owned),
        2 => "[a-z ]{0,12}",
        1 => any::<char>().prop_map(String::from),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// The same without characters whose width terminals disagree on.
fn hostile_and_plain() -> impl Strategy<Value = String> {
    let nasty = NASTY
        .get(..NASTY.len() - 7)
        .expect("the last ones are shaped");
    let piece = prop_oneof![
        prop::sample::select(nasty).prop_map(str::to_owned),
        "[a-z ]{0,12}",
        (0_u32..0xa0)
            .prop_filter_map("a character", char::from_u32)
            .prop_map(String::from),
        "[äöå漢字ок]{1,3}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// A trace with hostile text in every possible place.
fn trace(texts: &[String]) -> String {
    let mut lines = String::new();
    for (at, text) in texts.iter().enumerate() {
        let run = format!("r{}{text}", at % 3);
        let args = json!({ text.as_str(): text, "nested": { "key": [text] } });
        for event in [
            json!({"type": "run_start", "run_id": run, "agent": text, "model": text, "user": text, "system": text}),
            json!({"type": "prompt", "run_id": run, "role": "user", "content": text}),
            json!({"type": "tool_call", "run_id": run, "id": text, "tool": text, "args": args}),
            json!({"type": "policy_decision", "run_id": run, "call_id": text, "policy": text, "rule": text,
                   "decision": "block", "reason": text, "matched": [{"path": text, "op": text, "value": text}]}),
            json!({"type": "approval", "run_id": run, "call_id": text, "state": "denied", "by": text, "reason": text}),
            json!({"type": "tool_result", "run_id": run, "call_id": text, "status": "error", "result": text,
                   "error": {"type": text, "message": text, "stack": text}}),
            json!({"type": text, "run_id": run}),
        ] {
            lines.push_str(&event.to_string());
            lines.push('\n');
        }
        lines.extend(["{broken ", &text.replace('\n', " "), "\n"]);
    }
    lines
}

const KEYS: &[&str] = &[
    "",
    "2 j z z space enter",
    "1",
    "j enter",
    "l",
    "l",
    "l",
    "esc G",
    "/ block enter",
    "s",
    "?",
];

fn screens(path: &Path, size: (u16, u16)) -> Headless {
    let options = Options {
        title: path.to_string_lossy().into_owned(),
        color: ColorChoice::Never,
        ..Options::default()
    };
    let mut screen = Headless::new(&options, size);
    let input = Input::File(path.to_owned());
    for message in intake::load(vec![input], Loading::new(PriceTable::built_in())) {
        screen.load(message);
    }
    screen
}

/// A valid file name: anything but `/` and NUL.
fn file_name(text: &str) -> String {
    let name: String = text
        .chars()
        .filter(|c| !matches!(c, '/' | '\0'))
        .take(40)
        .collect();
    format!("t{name}.jsonl")
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn no_picture_contains_terminal_control(
        texts in prop::collection::vec(hostile(), 1..5),
        size in (40_u16..160, 8_u16..50),
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(file_name(&texts[0]));
        fs::write(&path, trace(&texts)).expect("it can be written");
        let mut screen = screens(&path, size);
        for keys in KEYS {
            screen.play(keys);
            harmless(&render::text(&screen.draw()));
        }
    }
}

proptest! {
    #![proptest_config(config(5))]

    #[test]
    fn no_byte_of_a_trace_is_interpreted_by_the_terminal(texts in prop::collection::vec(hostile(), 1..8)) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(file_name(&texts[0]));
        fs::write(&path, trace(&texts)).expect("it can be written");
        let mut terminal = Terminal::start(program(&[path.to_str().expect("UTF-8")]), (110, 30));
        terminal.wait_for("? help");
        // Through the runs to the actions, including malformed lines.
        terminal.type_in("2jkszzz1");
        terminal.wait("rows", |terminal| terminal.text().contains("broken line") || terminal.text().contains("malformed"));
        terminal.type_in("jj\r\tlll\u{1b}[BGe/x\r\u{1b}[A?");
        terminal.wait_for("search ·");
        terminal.type_in("\u{3}");
        assert_eq!(terminal.end().exit_code(), 0);
        terminal.is_as_before();
        silent(&terminal.bytes);
    }

    #[test]
    fn the_terminal_shows_the_picture_that_was_drawn(
        texts in prop::collection::vec(hostile_and_plain(), 1..6),
        size in (50_u16..150, 12_u16..40),
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("trace.jsonl");
        fs::write(&path, trace(&texts)).expect("it can be written");
        let mut picture = screens(&path, size);
        let mut terminal = Terminal::start(program(&[path.to_str().expect("UTF-8")]), size);
        for (keys, typed) in [("", ""), ("G", "G"), ("enter", "\r"), ("l l", "ll")] {
            picture.play(keys);
            let expected = render::text(&picture.draw());
            terminal.type_in(typed);
            terminal.wait(&format!("picture after {keys:?} of:\n{expected}"), |terminal| terminal.text() == expected);
        }
        assert_eq!(terminal.quit(), 0);
    }
}

/// One of our control sequences: the text between `ESC [` and the final letter, and that letter.
type Sequence = (String, char);

/// Splits bytes into sequences and text. Panics on any other control character.
#[track_caller]
fn apart(bytes: &[u8]) -> (Vec<Sequence>, String) {
    let written = std::str::from_utf8(bytes).expect("UTF-8");
    let (mut sequences, mut text) = (Vec::new(), String::new());
    let mut rest = written.chars();
    while let Some(c) = rest.next() {
        match c {
            // The one question to the terminal: what is your background?
            '\u{1b}' if rest.as_str().starts_with(BACKGROUND) => {
                let asked = rest.as_str().strip_prefix(BACKGROUND);
                rest = asked.unwrap_or_default().chars();
            }
            '\u{1b}' => {
                assert_eq!(
                    rest.next(),
                    Some('['),
                    "an escape that is no CSI, before {:?}",
                    rest.as_str()
                );
                let mut parameters = String::new();
                let last = loop {
                    match rest.next() {
                        Some(c @ ('0'..='9' | ';' | '?')) => parameters.push(c),
                        Some(c) => break c,
                        None => panic!("a sequence that does not end"),
                    }
                };
                sequences.push((parameters, last));
            }
            '\r' | '\n' => text.push('\n'),
            c => text.push(c),
        }
    }
    (sequences, text)
}

/// Asks for the background (OSC 11), behind its escape.
const BACKGROUND: &str = "]11;?\u{1b}\\";

/// Panics on bytes that do more than draw text and set our own modes.
#[track_caller]
fn silent(bytes: &[u8]) {
    const MODES: &[&str] = &[
        "?25", "?1000", "?1002", "?1003", "?1006", "?1015", "?1049", "?2004",
    ];
    let (sequences, text) = apart(bytes);
    for (parameters, last) in sequences {
        let known = match last {
            'H' | 'J' | 'K' | 'm' | 'A' | 'B' | 'C' | 'D' => !parameters.starts_with('?'),
            'h' | 'l' => parameters.split(';').all(|mode| MODES.contains(&mode)),
            _ => false,
        };
        assert!(known, "ESC[{parameters}{last}");
    }
    // Joiners and marks inside graphemes are covered by the sanitiser's own tests.
    harmless(&text);
}

/// Colours that are set, but not resets.
pub(crate) fn colors(bytes: &[u8]) -> Vec<String> {
    let is_color = |part: &str| {
        part.parse()
            .is_ok_and(|code: u32| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107))
    };
    let (sequences, _) = apart(bytes);
    sequences
        .into_iter()
        .filter(|(parameters, last)| *last == 'm' && parameters.split(';').any(is_color))
        .map(|(parameters, _)| parameters)
        .collect()
}
