//! The question before anything is sent or run: exactly what it would be, over the whole screen. The user types a word
//! to agree, or changes what is asked for.

use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::act::rerun::Settings;
use crate::act::rerun::offer::{TIMES, Wanted};
use crate::base::text;
use crate::tui::keys::{Code, Key};
use crate::tui::theme::Theme;
use crate::tui::widgets::consent::{self, Consent};
use crate::tui::widgets::paint::Row;
use crate::tui::widgets::popup::{self, Edges};
use crate::tui::widgets::prompt::Prompt;

#[derive(Debug)]
pub(super) struct Question {
    /// Sanitised, like all texts here.
    title: String,
    lines: Vec<String>,
    /// What to type to agree; `None` while that is impossible.
    word: Option<String>,
    /// What else can be typed.
    help: &'static str,
    /// Why the last line was not accepted.
    notice: String,
    consent: Consent,
    scroll: usize,
}

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Nothing,
    Close,
    Agreed,
    /// Another line was typed.
    Line(String),
}

/// The width of the labels that the lines begin with.
const LABEL: usize = 11;

/// What can be changed about model calls.
pub(super) const CHANGES: &str = "n K · max USD · model NAME · set PATH=VALUE";
/// The same where the models are given.
pub(super) const AMOUNTS: &str = "n K · max USD";

impl Question {
    /// A question whose contents are being read.
    pub(super) fn reading(title: &str) -> Question {
        Question {
            title: clean(title),
            lines: vec!["…".to_owned()],
            word: None,
            help: "",
            notice: String::new(),
            consent: Consent::default(),
            scroll: 0,
        }
    }

    /// Asks, with what would happen and the word to type. It counts as a new question: keys typed until now were meant for
    /// another.
    pub(super) fn ask(&mut self, lines: &[String], word: &str, help: &'static str) {
        *self = Question {
            lines: lines.iter().map(|line| clean(line)).collect(),
            word: Some(word.to_owned()),
            help,
            ..Question::reading(&self.title)
        };
    }

    /// Says why it cannot be done, and what could be changed for it.
    pub(super) fn refuse(&mut self, why: &str, help: &'static str) {
        *self = Question {
            lines: vec![clean(why)],
            help,
            ..Question::reading(&self.title)
        };
    }

    /// Whether a line can be typed: the word, or a change.
    fn takes_line(&self) -> bool {
        self.word.is_some() || !self.help.is_empty()
    }

    pub(super) fn note(&mut self, words: &str) {
        self.notice = clean(words);
    }

    /// Notes that it is on the screen, in `area`.
    pub(super) fn drawn(&mut self, area: Rect, now: i64) {
        let inside = popup::inside(area);
        let end = self.wrapped(inside).len().saturating_sub(rows(inside));
        self.scroll = self.scroll.min(end);
        if self.takes_line() {
            self.consent.drawn(now);
        }
    }

    /// Whether it becomes ready for an answer later.
    pub(super) fn is_waiting(&self, now: i64) -> bool {
        self.takes_line() && !self.consent.is_ready(now)
    }

    pub(super) fn typed(&mut self, key: Key, now: i64) -> Typed {
        match key.code {
            Code::Up => self.scroll = self.scroll.saturating_sub(1),
            // `drawn` ends it at the last row.
            Code::Down => self.scroll += 1,
            _ => {}
        }
        let text = match self.consent.typed(key, now) {
            consent::Typed::Nothing => return Typed::Nothing,
            consent::Typed::Close => return Typed::Close,
            consent::Typed::Entered(text) => text,
        };
        self.consent.prompt = Prompt::default();
        match &self.word {
            None if !self.takes_line() || text.trim().is_empty() => Typed::Close,
            Some(word) if text.trim() == word => Typed::Agreed,
            Some(_) | None => Typed::Line(text),
        }
    }

    pub(super) fn paste(&mut self, text: &str, now: i64) {
        if self.consent.is_ready(now) {
            self.consent.prompt.paste(text);
        }
    }

    /// The lines, wrapped to the width of the frame.
    fn wrapped(&self, inside: Rect) -> Vec<String> {
        let width = usize::from(inside.width).saturating_sub(2).max(1);
        let lines = self.lines.iter();
        lines.flat_map(|line| hanging(line, width)).collect()
    }

    /// ```text
    /// ┌ re-run model call #104 ─────────── esc cancels ┐
    /// │ sends    POST https://…   key OPENAI_API_KEY   │
    /// │                                                │
    /// │ or n K · max USD                               │
    /// │ type gpt-5 to send: _                          │
    /// └────────────────────────────────────────────────┘
    /// ```
    pub(super) fn draw(&self, (theme, area): (&Theme, Rect), buf: &mut Buffer) {
        let wrapped = self.wrapped(popup::inside(area));
        let rows = rows(popup::inside(area));
        let top = self.scroll.min(wrapped.len().saturating_sub(rows));
        let end = (top + rows).min(wrapped.len());
        let foot = if wrapped.len() > rows {
            format!("up down scroll · {}–{end} of {}", top + 1, wrapped.len())
        } else {
            String::new()
        };
        let edges = Edges {
            title: &self.title,
            hint: "esc cancels",
            foot: &foot,
        };
        let inside = popup::draw(area, edges, theme, buf);
        let styles = &theme.styles;
        let ground = styles.shadow;
        let over = |style: ratatui::style::Style| style.patch(ground);
        for (y, line) in (0..).zip(wrapped.iter().skip(top).take(rows)) {
            Row::new(buf, inside, y, ground)
                .put(" ", ground)
                .put(line, over(styles.text));
        }
        if !self.takes_line() || inside.height < 3 {
            return;
        }
        let mut help = Row::new(buf, inside, inside.height - 2, ground);
        if self.notice.is_empty() {
            help.put(&format!(" {}", self.help), over(styles.faint));
        } else {
            help.put(&format!(" {}", self.notice), over(styles.waiting));
        }
        let mut row = Row::new(buf, inside, inside.height - 1, ground);
        let ask = match &self.word {
            Some(word) => format!(" type {} and press enter: ", clean(word)),
            None => " type a change and press enter: ".to_owned(),
        };
        row.put(&ask, over(styles.strong));
        let room = row.room();
        self.consent
            .prompt
            .draw(&mut row, room, (over(styles.text), styles.selected));
    }
}

/// A line wrapped; below a labelled one (`  sends    POST …`) its value goes on in the column where it began.
fn hanging(line: &str, width: usize) -> Vec<String> {
    let labelled = line.split_at_checked(LABEL);
    let labelled = labelled.filter(|(label, _)| label.starts_with("  ") && width > 2 * LABEL);
    let Some((label, value)) = labelled else {
        return text::wrap(line, width);
    };
    let indent = text::width(label);
    let rows = text::wrap(value, width - indent);
    let below = rows
        .iter()
        .skip(1)
        .map(|row| format!("{:indent$}{row}", ""));
    [format!("{label}{}", rows[0])]
        .into_iter()
        .chain(below)
        .collect()
}

/// Rows for the lines: below them are an empty one, the help and the prompt.
fn rows(inside: Rect) -> usize {
    usize::from(inside.height.saturating_sub(3))
}

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

/// The folder that new runs are kept in.
pub(super) fn folder(settings: &Settings) -> Result<&Path, String> {
    let folder = settings.folder.as_deref();
    folder.ok_or_else(|| "there is no home folder to keep the new runs in".to_owned())
}

/// Applies a typed line: `n 10`, `max 0.5`, `model gpt-5`, `set temperature=0`.
pub(super) fn change(wanted: &mut Wanted, line: &str) -> Result<(), String> {
    let (name, value) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let value = value.trim();
    match name {
        "n" => match value.parse() {
            Ok(times) if (1..=TIMES).contains(&times) => wanted.times = times,
            _ => return Err(format!("n takes a number from 1 to {TIMES}")),
        },
        "max" => match value.trim_start_matches('$').parse::<f64>() {
            Ok(most) if most >= 0.0 && most.is_finite() => wanted.most = most,
            _ => return Err("max takes an amount in US$, such as 0.50".to_owned()),
        },
        "model" if !value.is_empty() => {
            wanted.models = value.split_whitespace().map(str::to_owned).collect();
        }
        "set" if !value.is_empty() => wanted.edits.push(value.to_owned()),
        _ => return Err(format!("not the word, and nothing to change: {line}")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Palette;
    use crate::tui::{keys, render};

    const AREA: Rect = Rect {
        x: 0,
        y: 0,
        width: 20,
        height: 8,
    };

    fn typed(question: &mut Question, text: &str, at: i64) -> Typed {
        let keys = keys::script(text);
        let all = keys.into_iter().map(|key| question.typed(key, at));
        all.last().expect("a key")
    }

    fn question() -> Question {
        let mut question = Question::reading("re-run");
        question.ask(&["sends POST".to_owned()], "gpt-5", CHANGES);
        question
    }

    #[test]
    fn only_the_word_agrees_and_only_once_it_was_on_the_screen() {
        let mut it = question();
        assert_eq!(typed(&mut it, "gpt-5 enter", 900_000), Typed::Nothing);
        it.drawn(AREA, 0);
        assert_eq!(typed(&mut it, "gpt-5 enter", 400_000), Typed::Nothing);
        assert_eq!(
            typed(&mut it, "y enter", 900_000),
            Typed::Line("y".to_owned())
        );
        assert_eq!(typed(&mut it, "gpt-5 enter", 900_000), Typed::Agreed);
    }

    #[test]
    fn keys_typed_for_another_question_do_not_answer_a_changed_one() {
        let mut it = question();
        it.drawn(AREA, 0);
        typed(&mut it, "gp", 600_000);
        it.ask(&["sends twice".to_owned()], "gpt-5", CHANGES);
        it.drawn(AREA, 700_000);
        assert_eq!(typed(&mut it, "gpt-5 enter", 700_000), Typed::Nothing);
    }

    #[test]
    fn what_cannot_be_done_cannot_be_agreed_to() {
        let mut it = question();
        it.refuse("no template", "");
        it.drawn(AREA, 0);
        assert_eq!(typed(&mut it, "gpt-5 enter", 900_000), Typed::Nothing);
        it.refuse("the model is not recorded", CHANGES);
        it.drawn(AREA, 0);
        let line = Typed::Line("model gpt-5".to_owned());
        assert_eq!(typed(&mut it, "model space gpt-5 enter", 900_000), line);
        assert_eq!(typed(&mut it, "esc", 900_000), Typed::Close);
    }

    #[test]
    fn a_long_line_can_be_read_to_its_end() {
        let mut it = question();
        let line = format!("{}THE-END", "word ".repeat(30));
        it.ask(&[line], "gpt-5", CHANGES);
        for _ in 0..99 {
            typed(&mut it, "down", 0);
            it.drawn(AREA, 0);
        }
        let shown = |it: &Question| {
            let mut buf = Buffer::empty(AREA);
            it.draw((&Theme::new(Palette::None, false), AREA), &mut buf);
            render::text(&buf)
        };
        assert!(shown(&it).contains("THE-END"), "{}", shown(&it));
        typed(&mut it, "up", 0);
        assert!(!shown(&it).contains("THE-END"), "{}", shown(&it));
    }

    #[test]
    fn the_value_of_a_label_goes_on_below_itself() {
        let rows = hanging("  request  rebuilt from the trace", 24);
        assert_eq!(
            rows.join("\n"),
            "  request  rebuilt from \n           the trace"
        );
        assert_eq!(hanging("no label here at all", 10).len(), 3);
    }

    #[test]
    fn a_line_changes_what_is_asked_for() {
        let mut wanted = Wanted::default();
        for line in ["n 10", "max $0.5", "model a b", "set temperature=0"] {
            change(&mut wanted, line).expect("a change");
        }
        assert_eq!((wanted.times, wanted.models.len()), (10, 2));
        assert!((wanted.most - 0.5).abs() < 1e-9 && wanted.edits == ["temperature=0"]);
        for line in ["n 0", "n x", "max -1", "max nan", "model", "yes"] {
            assert!(change(&mut wanted, line).is_err(), "{line}");
        }
    }
}
