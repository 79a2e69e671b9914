//! Reads an answer as its bytes arrive, cut anywhere: a stream of events, lines of JSON, or one whole body.

use serde_json::Value;

use super::answer::{Failed, Fold, ModelAnswer, failed};
use super::sse::Events;
use super::{Api, chat, gemini, messages, ollama, responses, usage};

/// An answer of which only a part may have arrived.
#[derive(Debug)]
pub struct Reading {
    api: Api,
    fold: Box<dyn Fold>,
    form: Form,
    error: Option<Failed>,
}

#[derive(Debug)]
enum Form {
    /// Only white space so far.
    Unknown,
    Events(Events),
    /// Ollama: one object per line.
    Lines(Vec<u8>),
    Whole(Vec<u8>),
}

impl Reading {
    pub fn new(api: Api) -> Reading {
        let fold: Box<dyn Fold> = match api {
            Api::Chat => Box::<chat::Chat>::default(),
            Api::Messages => Box::<messages::Messages>::default(),
            Api::Responses => Box::<responses::Responses>::default(),
            Api::Gemini => Box::<gemini::Gemini>::default(),
            Api::Ollama => Box::<ollama::Ollama>::default(),
        };
        Reading {
            api,
            fold,
            form: Form::Unknown,
            error: None,
        }
    }

    /// Takes the next decoded bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if matches!(self.form, Form::Unknown) {
            bytes = bytes.trim_ascii_start();
            let Some(first) = bytes.first() else { return };
            // Hosts do not always declare what they send: the first byte shows it.
            self.form = match first {
                b'{' | b'[' if self.api == Api::Ollama => Form::Lines(Vec::new()),
                b'{' | b'[' | b'<' | b'"' => Form::Whole(Vec::new()),
                _ => Form::Events(Events::default()),
            };
        }
        let (fold, error) = (&mut self.fold, &mut self.error);
        match &mut self.form {
            Form::Unknown => {}
            Form::Events(events) => {
                events.push(bytes, &mut |name, data| {
                    piece(&mut **fold, error, name, data);
                });
            }
            Form::Whole(all) => all.extend_from_slice(bytes),
            Form::Lines(line) => {
                for byte in bytes {
                    if *byte == b'\n' {
                        piece(&mut **fold, error, "", line);
                        line.clear();
                    } else {
                        line.push(*byte);
                    }
                }
            }
        }
    }

    /// Whether any text or tool call was seen.
    pub fn has_spoken(&self) -> bool {
        self.fold.has_spoken()
    }

    /// Whether the last event of a stream was seen.
    pub fn is_over(&self) -> bool {
        self.fold.is_over()
    }

    /// The finished answer. `is_whole`: the body came to its end according to HTTP.
    pub fn end(mut self, is_whole: bool) -> ModelAnswer {
        let (fold, error) = (&mut self.fold, &mut self.error);
        match &mut self.form {
            Form::Unknown => {}
            Form::Events(events) => {
                events.end(&mut |name, data| piece(&mut **fold, error, name, data));
            }
            Form::Lines(line) => piece(&mut **fold, error, "", line),
            Form::Whole(all) => whole(&mut **fold, error, all),
        }
        let (mut answer, counts) = self.fold.end(is_whole);
        answer.usage = usage::read(self.api, &counts);
        answer.cost_usd = counts.get("cost").filter(|it| it.is_number()).cloned();
        answer.error = self.error.or(answer.error);
        answer
    }
}

fn piece(fold: &mut dyn Fold, error: &mut Option<Failed>, name: &str, data: &[u8]) {
    if data.trim_ascii() == b"[DONE]" {
        fold.done();
        return;
    }
    let Ok(piece) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    if error.is_none() {
        *error = failed(&piece);
    }
    fold.piece(name, &piece);
}

fn whole(fold: &mut dyn Fold, error: &mut Option<Failed>, all: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(all) else {
        return;
    };
    *error = match &body {
        Value::Array(bodies) => bodies.iter().find_map(failed),
        other => failed(other),
    };
    fold.whole(&body);
}
