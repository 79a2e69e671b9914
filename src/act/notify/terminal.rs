//! The bell and terminal notifications: only on our own terminal, and only text without control characters.

use std::fs::OpenOptions;
use std::io::Write;

use crate::act::notify::{Deliver, Message, Verdict};
use crate::analysis::alerts::rules::SinkKind;
use crate::base::text;

/// Our own terminal, wherever standard output goes.
const TERMINAL: &str = "/dev/tty";
/// Longer texts are cut.
const LONGEST: usize = 200;

#[derive(Debug)]
pub(super) struct Terminal {
    kind: SinkKind,
    path: String,
}

impl Terminal {
    pub(super) fn new(kind: SinkKind) -> Terminal {
        Terminal::at(kind, TERMINAL)
    }

    /// Writes somewhere else, for tests.
    pub(super) fn at(kind: SinkKind, path: &str) -> Terminal {
        Terminal {
            kind,
            path: path.to_owned(),
        }
    }
}

impl Deliver for Terminal {
    fn deliver(&mut self, message: &Message) -> Verdict {
        let bytes = sequence(self.kind, message);
        let opened = OpenOptions::new().write(true).open(&self.path);
        match opened.and_then(|mut file| file.write_all(bytes.as_bytes())) {
            Ok(()) => Verdict::Done,
            Err(error) => Verdict::Never(format!("no terminal: {error}")),
        }
    }
}

fn sequence(kind: SinkKind, message: &Message) -> String {
    let clean = |raw: &str| {
        let clean = text::sanitize(raw);
        clean.chars().take(LONGEST).collect::<String>()
    };
    match kind {
        SinkKind::Osc9 => {
            format!(
                "\x1b]9;{}\x07",
                clean(&format!("{}: {}", message.title, message.text))
            )
        }
        SinkKind::Osc777 => {
            // The title ends at the first semicolon.
            let title = clean(&message.title).replace(';', ",");
            format!("\x1b]777;notify;{title};{}\x07", clean(&message.text))
        }
        SinkKind::Bell
        | SinkKind::Command
        | SinkKind::Slack
        | SinkKind::Pagerduty
        | SinkKind::Webhook => "\x07".to_owned(),
    }
}
