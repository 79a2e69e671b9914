//! The event loop between the terminal and the screens: one inbox, and a frame when something changed.

mod answer;
mod memory;
mod terminal;
mod watch;

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, Sender, unbounded};
use crossterm::event::{Event, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use signal_hook::consts::{SIGCONT, SIGINT, SIGQUIT, SIGTSTP};

use crate::act;
use crate::act::viewer::{self, Shown, Viewer};
use crate::ingest::discover::Input;
use crate::ingest::intake::{Closed, Control, Messages};
use crate::ingest::{Loaded, intake};
use crate::state::Notice;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::runtime::memory::Memory;
use crate::tui::runtime::terminal::Screen;
use crate::tui::runtime::watch::Keys;
use crate::tui::screen::Pointer;
use crate::tui::shell::{ScreenEffect, Shell};
use crate::tui::tasks::runner::{Report, Runner};
use crate::tui::theme::Theme;
use crate::tui::theme::ground::Background;
use crate::tui::{Exit, Options};

/// Events from the terminal and the system.
#[derive(Debug)]
pub(super) enum Msg {
    Term(Event),
    /// The terminal answered; `None` if the answer has no background.
    Background(Option<Background>),
    Signal(i32),
    TerminalLost,
    /// One of our threads panicked, with this message.
    Panicked(String),
}

/// How long messages are processed before a frame is drawn.
const BUDGET: Duration = Duration::from_millis(8);
/// A signal that was meant for another program may arrive this long after it ended.
const ECHO: Duration = Duration::from_millis(300);
/// The time between frames while a trace loads or grows.
const LOADING_FRAME: Duration = Duration::from_millis(33);
const LIVE_FRAME: Duration = Duration::from_millis(10);
/// An answer of the terminal that comes later changes no colours any more.
const ANSWER_DUE: Duration = Duration::from_secs(1);
/// How long a program that a signal ends waits for work whose result would be lost.
const LAST_WORK: Duration = Duration::from_millis(600);
/// How long a program that ends at once waits for the answer, which would otherwise go to the shell.
const LAST_ANSWER: Duration = Duration::from_millis(60);

pub(super) fn run(options: &Options, messages: Messages) -> anyhow::Result<Exit> {
    terminal::check()?;
    let (inbox_sender, inbox) = unbounded();
    let screen = Screen::enter(options, inbox_sender.clone())?;
    let shown = Shown::default();
    let keys = watch::start(&inbox_sender, &shown)?;
    let asked = options.is_colored().then(Instant::now);
    if asked.is_some() {
        Screen::ask_background();
    }
    let (runner, reports) = Runner::threaded();
    let theme = Theme {
        ascii_only: !terminal::speaks_utf8(),
        ..options.theme()
    };
    let mut options = options.clone();
    let (mut memory, mut problems) = Memory::open(options.state.as_deref());
    problems.extend(memory.enter(&mut options));
    let outside = options.outside.events.clone();
    let mut runtime = Runtime {
        shell: Shell::new(&options, theme),
        options,
        memory,
        runner,
        screen,
        inbox,
        keys,
        reports,
        outside,
        messages: Some(messages),
        pending: Pending::Now,
        drawn: Instant::now(),
        deaf_until: Instant::now(),
        shown,
        asked,
        is_leaving: false,
    };
    runtime.report(&problems);
    runtime.memory.entered(&runtime.shell);
    if let Some(filter) = runtime.options.filter.clone() {
        let effects = runtime.shell.filter(&filter);
        runtime.obey(effects);
    }
    if runtime.options.recent {
        let asked = runtime.shell.offer_recent();
        runtime.obey(asked);
    }
    Ok(runtime.run())
}

/// Whether a frame is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    /// Only loading went on: a frame is due soon.
    Soon,
    Now,
}

struct Runtime {
    shell: Shell,
    options: Options,
    memory: Memory,
    runner: Runner,
    screen: Screen,
    inbox: Receiver<Msg>,
    keys: Keys,
    reports: Receiver<Report>,
    outside: Receiver<act::events::Event>,
    messages: Option<Messages>,
    pending: Pending,
    drawn: Instant,
    /// Terminal signals up to then were meant for the program that had the terminal.
    deaf_until: Instant,
    /// What another program shows now.
    shown: Shown,
    /// When the terminal was asked for its background, until it answers.
    asked: Option<Instant>,
    /// The user has quit; work whose result would be lost is finishing.
    is_leaving: bool,
}

impl Runtime {
    fn run(mut self) -> Exit {
        let exit = self.serve();
        self.await_work();
        // The screen is about to go, so problems could not be shown.
        let _ = self.memory.leave(&self.shell);
        self.await_answer();
        exit
    }

    /// Leaves no answer of the terminal to the shell.
    fn await_answer(&self) {
        let is_due = |asked: Instant| asked.elapsed() < ANSWER_DUE;
        if !self.asked.is_some_and(is_due) {
            return;
        }
        let until = Instant::now() + LAST_ANSWER;
        while let Ok(msg) = self.inbox.recv_deadline(until) {
            if matches!(msg, Msg::Background(_) | Msg::TerminalLost) {
                return;
            }
        }
    }

    /// Lets work finish whose result would be lost, for a moment.
    fn await_work(&mut self) {
        let until = Instant::now() + LAST_WORK;
        while self.runner.wind_up() > 0 {
            let Ok(report) = self.reports.recv_deadline(until) else {
                return;
            };
            self.runner.finish(report);
        }
    }

    /// Quits as soon as nothing is lost by it; at once when asked again.
    fn quit(&mut self) -> Option<Exit> {
        if self.runner.wind_up() == 0 || self.is_leaving {
            return Some(Exit::Quit);
        }
        self.is_leaving = true;
        let keys = self.shell.session.keymap.keys(Command::Quit).join(" ");
        let words =
            format!("keeping what was served or sent, then leaving · {keys} leaves at once");
        self.shell.session.say(&words);
        None
    }

    /// Fits the colours to the background, unless the answer comes so late that it would surprise.
    fn answered(&mut self, background: Option<Background>) {
        let asked = self.asked.take();
        let is_due = asked.is_some_and(|asked| asked.elapsed() < ANSWER_DUE);
        if let Some(background) = background.filter(|_| is_due) {
            self.shell.fit(background);
        }
    }

    fn serve(&mut self) -> Exit {
        let first = Instant::now() + Duration::from_millis(10);
        self.wait_for_rows(first);
        loop {
            if let Some(exit) = self.drain() {
                return exit;
            }
            // The terminal is gone if it cannot be written to, so no error can be shown.
            if self.draw_if_due().is_err() {
                return Exit::TerminalLost;
            }
            self.wait();
        }
    }

    /// Waits a moment, so that the first frame has rows.
    fn wait_for_rows(&mut self, until: Instant) {
        while self.shell.session.loaded.store.is_empty() && self.inbox.is_empty() {
            let Some(messages) = &self.messages else {
                return;
            };
            match messages.recv_deadline(until) {
                Ok(message) => self.take(message),
                Err(error) => return self.lost(error.is_timeout()),
            }
        }
    }

    fn pause(&self) -> Duration {
        let session = &self.shell.session;
        if session.trace.live && !session.is_loading() {
            LIVE_FRAME
        } else {
            LOADING_FRAME
        }
    }

    fn lost(&mut self, is_only_slow: bool) {
        if !is_only_slow {
            self.messages = None;
            if self.shell.session.is_loading() {
                let effects = self.shell.loaded(Loaded::Done);
                self.obey(effects);
            }
            self.shell.session.end_following();
            self.pending = Pending::Now;
        }
    }

    fn take(&mut self, message: Loaded) {
        let is_last = matches!(message, Loaded::Done | Loaded::Preview(_));
        let effects = self.shell.loaded(message);
        self.obey(effects);
        self.pending = if is_last {
            Pending::Now
        } else {
            self.pending.or_soon()
        };
    }

    /// Sleeps until a message arrives or a frame is due.
    fn wait(&mut self) {
        let never = crossbeam_channel::never();
        let mut select = Select::new();
        select.recv(&self.inbox);
        select.recv(&self.reports);
        select.recv(&self.outside);
        select.recv(self.messages.as_deref().unwrap_or(&never));
        match self.pending {
            Pending::Nothing => match self.shell.stays() {
                Some(stays) if select.ready_timeout(stays).is_err() => self.pending = Pending::Now,
                Some(_) => {}
                None => {
                    select.ready();
                }
            },
            Pending::Soon | Pending::Now => {
                let _ = select.ready_deadline(self.drawn + self.pause());
            }
        }
    }

    /// Processes what has arrived: keys and answers first, loading for a bounded time.
    fn drain(&mut self) -> Option<Exit> {
        let until = Instant::now() + BUDGET;
        loop {
            while let Ok(msg) = self.inbox.try_recv() {
                if let Some(exit) = self.receive(msg) {
                    return Some(exit);
                }
            }
            while let Ok(event) = self.outside.try_recv() {
                self.pending = Pending::Now;
                let effects = self.shell.happened(event);
                self.obey(effects);
            }
            while let Ok(report) = self.reports.try_recv() {
                self.pending = Pending::Now;
                if let Some((from, answer)) = self.runner.finish(report) {
                    let effects = self.shell.answered(from, answer);
                    self.obey(effects);
                }
                if self.is_leaving && self.runner.wind_up() == 0 {
                    return Some(Exit::Quit);
                }
            }
            if self.pending == Pending::Now || Instant::now() >= until {
                return None;
            }
            let received = self.messages.as_ref().map(|it| it.try_recv());
            match received {
                Some(Ok(message)) => self.take(message),
                Some(Err(error)) => {
                    self.lost(error.is_empty());
                    return None;
                }
                None => return None,
            }
        }
    }

    fn receive(&mut self, msg: Msg) -> Option<Exit> {
        self.pending = Pending::Now;
        match msg {
            Msg::Term(event) => self.event(event),
            Msg::Background(background) => {
                self.answered(background);
                None
            }
            Msg::Signal(SIGINT | SIGQUIT | SIGTSTP) if Instant::now() < self.deaf_until => None,
            Msg::Signal(SIGTSTP) => self.suspend(),
            Msg::Signal(SIGCONT) => {
                self.screen.resume();
                None
            }
            Msg::Signal(signal) => Some(Exit::Interrupted(signal)),
            Msg::TerminalLost => Some(Exit::TerminalLost),
            Msg::Panicked(words) => {
                self.shell.session.fail(&words);
                None
            }
        }
    }

    fn event(&mut self, event: Event) -> Option<Exit> {
        let effects = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => Key::from_event(&key)
                .map(|key| self.shell.key(key))
                .unwrap_or_default(),
            Event::Paste(text) => self.shell.paste(&text),
            Event::Mouse(mouse) => pointer(mouse)
                .map(|pointer| self.shell.pointer(pointer))
                .unwrap_or_default(),
            Event::Key(_) | Event::Resize(..) | Event::FocusGained | Event::FocusLost => Vec::new(),
        };
        self.obey(effects)
    }

    fn obey(&mut self, asked: Vec<ScreenEffect>) -> Option<Exit> {
        let mut exit = None;
        for (from, effect) in asked {
            match effect {
                Effect::Quit => exit = exit.or(self.quit()),
                Effect::Suspend => exit = exit.or(self.suspend()),
                Effect::Redraw => self.screen.wipe(),
                Effect::StopLoading => self.messages = None,
                Effect::Open { title, inputs } => self.open(title, inputs),
                Effect::Add(inputs) => self.add(inputs),
                Effect::Follow => self.follow(),
                Effect::Start(task) => self.runner.start(from, task),
                Effect::View { text, with } => exit = exit.or(self.view(text.get(), with)),
                Effect::Edit { path, line } => {
                    let program = Viewer::Editor.program();
                    exit = exit.or(self.lend(|_| viewer::edit(&program, &path, line)));
                }
                Effect::Copy(text) => Screen::copy(text.get()),
                Effect::Alert(alert, words) => Screen::alert(alert, &words),
                // If the receiver is gone, the answer is no longer needed.
                Effect::Answer(answer) => drop(self.options.outside.answers.send(answer)),
                // The shell has handled these.
                Effect::Pop
                | Effect::Visit(..)
                | Effect::Compare(_)
                | Effect::Show(..)
                | Effect::Obey(..) => {}
            }
        }
        exit
    }

    fn view(&mut self, text: &str, with: Viewer) -> Option<Exit> {
        let program = with.program();
        self.lend(|shown| viewer::show(&program, text, shown))
    }

    /// Hands the terminal to another program until it ends.
    fn lend(&mut self, run: impl FnOnce(&Shown) -> Result<(), viewer::Error>) -> Option<Exit> {
        self.keys.pause();
        terminal::restore();
        let ended = run(&self.shown);
        // Input for that program is not meant for this one.
        let is_signal = |msg: &Msg| matches!(msg, Msg::Signal(SIGINT | SIGQUIT | SIGTSTP));
        let kept: Vec<Msg> = self
            .inbox
            .try_iter()
            .filter(|msg| !is_signal(msg))
            .collect();
        self.deaf_until = Instant::now() + ECHO;
        self.screen.resume();
        self.keys.resume();
        if let Err(error) = ended {
            self.shell.session.fail(&error.to_string());
        }
        self.pending = Pending::Now;
        let exits = kept.into_iter().map(|msg| self.receive(msg));
        exits.fold(None, Option::or)
    }

    fn follow(&mut self) {
        let paths = self.options.paths.clone();
        self.leave();
        match intake::follow(paths, self.options.loading.clone(), false) {
            Ok(messages) => {
                self.options.live = true;
                self.options.view = Some(self.shell.session.place.screen);
                self.reopen();
                self.messages = Some(messages);
            }
            Err(error) => self.shell.session.fail(&error.to_string()),
        }
    }

    fn open(&mut self, title: String, inputs: Vec<Input>) {
        self.leave();
        self.options.live = false;
        self.options.paths = inputs.iter().filter_map(Input::path).collect();
        self.runner.abandon();
        self.options = self.options.opening(title, &inputs);
        self.reopen();
        self.messages = Some(intake::open(inputs, self.options.loading.clone()));
        self.pending = Pending::Now;
    }

    fn leave(&mut self) {
        let problems = self.memory.leave(&self.shell);
        self.report(&problems);
    }

    /// Begins a session as the options say.
    fn reopen(&mut self) {
        let problems = self.memory.enter(&mut self.options);
        self.shell.reopen(&self.options);
        self.memory.entered(&self.shell);
        self.report(&problems);
    }

    fn report(&mut self, problems: &[Notice]) {
        for problem in problems {
            self.shell.session.fail(&problem.to_string());
        }
    }

    /// Opens more beside what is open; a trace that is followed follows it too.
    fn add(&mut self, inputs: Vec<Input>) {
        for input in inputs {
            let path = input.path();
            let control = match &path {
                Some(path) if self.options.live => Control::Follow(path.clone()),
                Some(_) | None => Control::Add(input),
            };
            let sent = self.messages.as_ref().ok_or(Closed);
            match sent.and_then(|messages| messages.send(control)) {
                Ok(()) => self.options.paths.extend(path),
                Err(error) => self.shell.session.fail(&error.to_string()),
            }
        }
        self.pending = Pending::Now;
    }

    /// Restores the terminal and stops; continues after SIGCONT.
    fn suspend(&mut self) -> Option<Exit> {
        Screen::suspend();
        self.screen.resume();
        self.pending = Pending::Now;
        None
    }

    fn draw_if_due(&mut self) -> std::io::Result<()> {
        let is_due = match self.pending {
            Pending::Nothing => false,
            Pending::Soon => self.drawn.elapsed() >= self.pause(),
            Pending::Now => true,
        };
        if is_due {
            let shell = &mut self.shell;
            let mut effects = Vec::new();
            self.screen
                .draw(|area, buf| effects = shell.draw(area, buf))?;
            (self.pending, self.drawn) = (Pending::Nothing, Instant::now());
            self.obey(effects);
        }
        Ok(())
    }
}

impl Pending {
    fn or_soon(self) -> Pending {
        if self == Pending::Now {
            self
        } else {
            Pending::Soon
        }
    }
}

fn pointer(mouse: MouseEvent) -> Option<Pointer> {
    let (x, y) = (mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Pointer::Click { x, y }),
        MouseEventKind::Drag(MouseButton::Left) => Some(Pointer::Drag { x, y }),
        MouseEventKind::Up(MouseButton::Left) => Some(Pointer::Release),
        MouseEventKind::ScrollUp => Some(Pointer::WheelUp { x, y }),
        MouseEventKind::ScrollDown => Some(Pointer::WheelDown { x, y }),
        _ => None,
    }
}

/// Sends a message; false when the program is ending.
fn tell(inbox: &Sender<Msg>, msg: Msg) -> bool {
    inbox.send(msg).is_ok()
}
