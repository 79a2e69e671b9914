//! The explorer without a terminal: plays keys and returns the frame. For tests and screenshots.

pub mod svg;

use std::time::Duration;

use crossbeam_channel::Receiver;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::act::events::{Answer, Event};
use crate::ingest::discover::Input;
use crate::ingest::intake::{Control, Messages};
use crate::ingest::{Loaded, intake};
use crate::tui::Options;
use crate::tui::effects::Effect;
use crate::tui::keys;
use crate::tui::screen::Pointer;
use crate::tui::shell::{ScreenEffect, Shell};
use crate::tui::tasks::runner::{Report, Runner};

/// The program with its work done at once, so that every run gives the same picture.
#[derive(Debug)]
pub struct Headless {
    shell: Shell,
    runner: Runner,
    reports: Receiver<Report>,
    area: Rect,
    copied: Option<String>,
    viewed: Option<String>,
    options: Options,
    /// The intake of what the keys opened.
    messages: Option<Messages>,
    answers: Vec<Answer>,
    alerts: Vec<String>,
}

/// Loads all of `messages`, plays `keys` (`"j j / tool:refund enter"`) and draws the last picture.
/// A word that is not the name of a key is typed letter by letter, and time passes between words: `12G` goes to an
/// action, `2 G` to the end of the second view.
pub fn script(
    options: &Options,
    messages: impl IntoIterator<Item = Loaded>,
    size: (u16, u16),
    keys: &str,
) -> Buffer {
    let mut screen = Headless::new(options, size);
    for message in messages {
        screen.load(message);
    }
    screen.play(keys);
    screen.draw()
}

/// The text of a picture, one line per row, without spaces at the ends of rows.
pub fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut covered = 0;
        for x in buffer.area.left()..buffer.area.right() {
            let symbol = buffer.cell((x, y)).map_or(" ", |cell| cell.symbol());
            if covered == 0 {
                line.push_str(symbol);
                covered = crate::base::text::width(symbol).max(1);
            }
            covered -= 1;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

impl Headless {
    pub fn new(options: &Options, (width, height): (u16, u16)) -> Headless {
        let shell = Shell::new(options, options.theme());
        let (runner, reports) = Runner::inline();
        let mut screen = Headless {
            shell,
            runner,
            reports,
            area: Rect::new(0, 0, width, height),
            copied: None,
            viewed: None,
            options: options.clone(),
            messages: None,
            answers: Vec::new(),
            alerts: Vec::new(),
        };
        screen.draw();
        screen.play_filter(options);
        if options.recent {
            let asked = screen.shell.offer_recent();
            screen.obey(asked);
        }
        screen
    }

    fn play_filter(&mut self, options: &Options) {
        if let Some(filter) = &options.filter {
            let effects = self.shell.filter(filter);
            self.obey(effects);
        }
    }

    /// Applies one message of the intake.
    pub fn load(&mut self, message: Loaded) {
        let effects = self.shell.loaded(message);
        self.obey(effects);
    }

    /// Plays keys, with a frame after each as a terminal would show.
    pub fn play(&mut self, keys: &str) {
        for word in keys::words(keys) {
            for key in word {
                self.draw();
                let effects = self.shell.key(key);
                self.obey(effects);
            }
            let effects = self.shell.end_count();
            self.obey(effects);
        }
    }

    pub fn point(&mut self, pointer: Pointer) {
        let asked = self.shell.pointer(pointer);
        self.obey(asked);
    }

    /// Presses the mouse at a cell and lets it go.
    pub fn click(&mut self, at: (u16, u16)) {
        self.drag(at, at);
    }

    /// Presses the mouse at one cell and lets it go at another.
    pub fn drag(&mut self, (x, y): (u16, u16), (to_x, to_y): (u16, u16)) {
        self.draw();
        let moved = (x, y) != (to_x, to_y);
        let drag = moved.then_some(Pointer::Drag { x: to_x, y: to_y });
        let all = [Some(Pointer::Click { x, y }), drag, Some(Pointer::Release)];
        for pointer in all.into_iter().flatten() {
            let effects = self.shell.pointer(pointer);
            self.obey(effects);
        }
    }

    /// Pastes a text, as a terminal does.
    pub fn paste(&mut self, text: &str) {
        self.draw();
        let effects = self.shell.paste(text);
        self.obey(effects);
    }

    /// Handles an event from outside.
    pub fn happen(&mut self, event: Event) {
        let effects = self.shell.happened(event);
        self.obey(effects);
    }

    /// The answers that went outside.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The alerts that the user got.
    pub fn alerts(&self) -> &[String] {
        &self.alerts
    }

    /// What was copied last.
    pub fn copied(&self) -> Option<&str> {
        self.copied.as_deref()
    }

    /// What was shown in another program last.
    pub fn viewed(&self) -> Option<&str> {
        self.viewed.as_deref()
    }

    /// Time until the frame is stale, if nothing happens.
    pub fn stays(&self) -> Option<Duration> {
        self.shell.stays()
    }

    pub fn resize(&mut self, (width, height): (u16, u16)) {
        self.area = Rect::new(0, 0, width, height);
    }

    pub fn draw(&mut self) -> Buffer {
        let mut buffer = Buffer::empty(self.area);
        let effects = self.shell.draw(self.area, &mut buffer);
        if self.obey(effects) {
            buffer.reset();
            self.shell.draw(self.area, &mut buffer);
        }
        buffer
    }

    /// Starts the requested tasks; returns whether there were answers.
    fn obey(&mut self, asked: Vec<ScreenEffect>) -> bool {
        self.start(asked);
        let mut answered = false;
        while let Ok(report) = self.reports.try_recv() {
            if let Some((from, answer)) = self.runner.finish(report) {
                let asked = self.shell.answered(from, answer);
                answered = true;
                self.start(asked);
            }
        }
        answered
    }

    fn start(&mut self, asked: Vec<ScreenEffect>) {
        for (from, effect) in asked {
            match effect {
                Effect::Start(task) => self.runner.start(from, task),
                Effect::Open { title, inputs } => self.open(title, inputs),
                Effect::Add(inputs) => self.add(inputs),
                Effect::Answer(answer) => self.answers.push(answer),
                Effect::Copy(text) => self.copied = Some(text.into_inner()),
                Effect::Alert(_, words) => self.alerts.push(words),
                Effect::View { text, .. } => self.viewed = Some(text.into_inner()),
                _ => {}
            }
        }
    }

    /// Opens something else, to which more can be added.
    pub fn open(&mut self, title: String, inputs: Vec<Input>) {
        self.runner.abandon();
        self.options = self.options.opening(title, &inputs);
        self.shell.reopen(&self.options);
        let messages = intake::open(inputs, self.options.loading.clone());
        self.read(&messages);
        self.messages = Some(messages);
    }

    fn add(&mut self, inputs: Vec<Input>) {
        let Some(messages) = self.messages.take() else {
            return;
        };
        for input in inputs {
            if messages.send(Control::Add(input)).is_ok() {
                self.read(&messages);
            }
        }
        self.messages = Some(messages);
    }

    /// Takes in what the intake sends until it has read everything.
    fn read(&mut self, messages: &Messages) {
        for message in messages.iter() {
            let is_last = matches!(message, Loaded::Done);
            self.load(message);
            if is_last {
                return;
            }
        }
    }
}
