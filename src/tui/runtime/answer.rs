//! Takes the terminal's answer to the question for its background (OSC 11) out of what is typed.
//!
//! crossterm does not know such answers: it reads `ESC ] 11 ; rgb:… ESC \` as alt-] and letters, which must
//! never reach a screen as keys. What the answer says is not trusted: everything between its two ends
//! is dropped, and only a colour is understood.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// What the terminal sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TerminalInput {
    Event(Event),
    /// The words of an answer.
    Answer(String),
}

/// Bytes of an answer that are kept; no colour is longer.
const LONGEST: usize = 64;
/// How an answer begins, after `ESC ]`.
const CODE: [char; 3] = ['1', '1', ';'];

#[derive(Debug, Default)]
pub(super) struct AnswerFilter {
    state: State,
    /// Keys that may begin an answer.
    held: Vec<Event>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Outside,
    /// A lone escape: the rest of `ESC ]` may have come in another packet.
    Escape,
    /// This many characters of the code have arrived.
    Code(usize),
    /// Within an answer; whether the last key was an escape.
    Inside { text: String, escaped: bool },
}

impl AnswerFilter {
    /// Whether keys are held until the next one decides what they are.
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes one event. `expects` says whether an answer is due, so that a lone escape may begin one.
    pub(super) fn hear(&mut self, event: Event, expects: bool) -> Vec<TerminalInput> {
        let Event::Key(key) = event else {
            return self.hear_other(event);
        };
        match &mut self.state {
            State::Outside => self.begin(event, key, expects),
            State::Escape if is(key, ']', KeyModifiers::NONE) => self.hold(event, State::Code(0)),
            State::Code(count)
                if CODE
                    .get(*count)
                    .is_some_and(|it| is(key, *it, KeyModifiers::NONE)) =>
            {
                let count = *count + 1;
                if count < CODE.len() {
                    return self.hold(event, State::Code(count));
                }
                self.held.clear();
                self.state = State::Inside {
                    text: String::new(),
                    escaped: false,
                };
                Vec::new()
            }
            State::Escape | State::Code(_) => {
                let mut heard = self.release();
                heard.extend(self.begin(event, key, expects));
                heard
            }
            State::Inside { text, escaped } => {
                let ends = is(key, 'g', KeyModifiers::CONTROL)
                    || is(key, '\\', KeyModifiers::ALT)
                    || (*escaped && is(key, '\\', KeyModifiers::NONE));
                if ends {
                    let text = std::mem::take(text);
                    self.state = State::Outside;
                    return vec![TerminalInput::Answer(text)];
                }
                *escaped = key.code == KeyCode::Esc;
                if let KeyCode::Char(letter) = key.code
                    && text.len() < LONGEST
                {
                    text.push(letter);
                }
                Vec::new()
            }
        }
    }

    /// Nothing more came for a while: keys that were held are keys, and an answer without an end is none.
    pub(super) fn silence(&mut self) -> Vec<TerminalInput> {
        self.release()
    }

    fn begin(&mut self, event: Event, key: KeyEvent, expects: bool) -> Vec<TerminalInput> {
        if is(key, ']', KeyModifiers::ALT) {
            return self.hold(event, State::Code(0));
        }
        if expects && key.code == KeyCode::Esc && key.modifiers.is_empty() {
            return self.hold(event, State::Escape);
        }
        vec![TerminalInput::Event(event)]
    }

    /// A paste inside an answer is part of it; a mouse or a new size never is.
    fn hear_other(&mut self, event: Event) -> Vec<TerminalInput> {
        match (&self.state, &event) {
            (State::Inside { .. }, Event::Paste(_)) => Vec::new(),
            (State::Inside { .. }, _) => vec![TerminalInput::Event(event)],
            _ => {
                let mut heard = self.release();
                heard.push(TerminalInput::Event(event));
                heard
            }
        }
    }

    fn hold(&mut self, event: Event, state: State) -> Vec<TerminalInput> {
        self.held.push(event);
        self.state = state;
        Vec::new()
    }

    fn release(&mut self) -> Vec<TerminalInput> {
        self.state = State::Outside;
        self.held.drain(..).map(TerminalInput::Event).collect()
    }
}

fn is(key: KeyEvent, letter: char, modifiers: KeyModifiers) -> bool {
    key.code == KeyCode::Char(letter) && key.modifiers == modifiers
}

#[cfg(test)]
mod tests {
    use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

    use super::{AnswerFilter, TerminalInput};

    /// What crossterm makes of these bytes; `~` stands for an escape that came alone.
    fn events(bytes: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let mut modifiers = KeyModifiers::NONE;
        for letter in bytes.chars() {
            let code = match letter {
                '\u{1b}' => {
                    modifiers = KeyModifiers::ALT;
                    continue;
                }
                '~' => KeyCode::Esc,
                '\u{7}' => {
                    modifiers = KeyModifiers::CONTROL;
                    KeyCode::Char('g')
                }
                letter => KeyCode::Char(letter),
            };
            events.push(Event::Key(KeyEvent::new(code, modifiers)));
            modifiers = KeyModifiers::NONE;
        }
        events
    }

    /// Keys as they were typed, and answers in brackets.
    #[track_caller]
    fn check(bytes: &str, expected: &str) {
        let mut ear = AnswerFilter::default();
        let mut heard = Vec::new();
        for event in events(bytes) {
            heard.extend(ear.hear(event, true));
        }
        heard.extend(ear.silence());
        let words = heard.iter().map(|heard| match heard {
            TerminalInput::Answer(text) => format!("[{text}]"),
            TerminalInput::Event(Event::Key(key)) => match key.code {
                KeyCode::Char(letter) => letter.to_string(),
                _ => "~".to_owned(),
            },
            TerminalInput::Event(_) => "?".to_owned(),
        });
        assert_eq!(words.collect::<String>(), expected, "{bytes:?}");
    }

    #[test]
    fn an_answer_is_taken_out_of_what_is_typed() {
        check("j\u{1b}]11;rgb:0/0/0\u{1b}\\k", "j[rgb:0/0/0]k");
        check("\u{1b}]11;rgb:0/0/0\u{7}q", "[rgb:0/0/0]q");
        check("~]11;rgb:0/0/0~\\q", "[rgb:0/0/0]q");
    }

    #[test]
    fn an_answer_is_swallowed_whatever_it_says() {
        check("\u{1b}]11;qQ:q~q\u{7}j", "[qQ:qq]j");
        let long = format!("\u{1b}]11;{}\u{7}j", "q".repeat(5000));
        check(&long, &format!("[{}]j", "q".repeat(64)));
        check("\u{1b}]11;qqq", "");
    }

    #[test]
    fn what_only_begins_like_an_answer_is_typed() {
        check("~j", "~j");
        check("~~]1q", "~~]1q");
        check("\u{1b}]1j", "]1j");
        check("\u{1b}]", "]");
        check("~", "~");
    }
}
