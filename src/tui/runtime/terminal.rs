//! The terminal: set up once, and restored on every exit.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::panic;
use std::thread;

use base64::Engine as _;
use crossbeam_channel::Sender;
use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::runtime::{Msg, tell};
use crate::tui::{Alert, Options};

/// The screen of the terminal while it is ours. Dropping it gives the terminal back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
}

/// Bytes that a frame seldom exceeds.
const FRAME: usize = 64 * 1024;

/// Refuses terminals that cannot show a screen.
pub(super) fn check() -> anyhow::Result<()> {
    let term = std::env::var("TERM").unwrap_or_default();
    if term.is_empty() || term == "dumb" {
        let shown = if term.is_empty() { "not set" } else { "'dumb'" };
        anyhow::bail!("TERM is {shown}: no screen to draw on (use `ls` or `query` for text)");
    }
    if !io::stdout().is_terminal() {
        anyhow::bail!("standard output is not a terminal (use `ls` or `query` for text)");
    }
    Ok(())
}

/// Whether the locale says that the terminal shows UTF-8.
pub(super) fn speaks_utf8() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL")
        .or_else(|| set("LC_CTYPE"))
        .or_else(|| set("LANG"));
    // Without a setting, assume UTF-8: most terminals show it.
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

impl Screen {
    pub(super) fn enter(options: &Options, inbox: Sender<Msg>) -> anyhow::Result<Screen> {
        crossterm::style::force_color_output(options.is_colored());
        hook(inbox);
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(
            FRAME,
            io::stdout(),
        )))?;
        let mut screen = Screen {
            terminal,
            mouse: options.mouse,
        };
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        self.terminal.hide_cursor()?;
        self.forget()
    }

    /// Asks the terminal for its background (OSC 11); a terminal that does not know the question is silent.
    /// GNU screen needs a wrapper to pass the question on. The Linux console would print it.
    pub(super) fn ask_background() {
        let variable = |name| std::env::var(name).unwrap_or_default();
        let term = variable("TERM");
        let question = if term == "linux" {
            return;
        } else if term.starts_with("screen") && variable("TMUX").is_empty() {
            "\x1bP\x1b]11;?\x07\x1b\\"
        } else {
            "\x1b]11;?\x1b\\"
        };
        // A terminal that fails here fails again when the frame is drawn, and that is reported.
        let mut out = io::stdout();
        let _ = write!(out, "{question}").and_then(|()| out.flush());
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        self.terminal
            .draw(|frame| draw(frame.area(), frame.buffer_mut()))?;
        Ok(())
    }

    /// Asks the terminal to put `text` on its clipboard (OSC 52). Only base64 is written.
    pub(super) fn copy(text: &str) {
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        let mut out = io::stdout();
        // A terminal that fails here fails again when the frame is drawn, and that is reported.
        let _ = write!(out, "\x1b]52;c;{encoded}\x07").and_then(|()| out.flush());
    }

    /// Calls the user. Terminals without notifications ignore OSC 9.
    pub(super) fn alert(alert: Alert, clean: &str) {
        let mut out = io::stdout();
        // A terminal that fails here fails again when the frame is drawn, and that is reported.
        let _ = match alert {
            Alert::Bell => write!(out, "\x07"),
            Alert::Osc9 => write!(out, "\x1b]9;{clean}\x07"),
        }
        .and_then(|()| out.flush());
    }

    /// Forgets what the terminal shows, so that the next frame writes every cell.
    pub(super) fn wipe(&mut self) {
        // A terminal that fails here fails again when the frame is drawn, and that is reported.
        let _ = self.forget();
    }

    /// Not `Terminal::clear`: that one asks the terminal where its cursor is, and the answer goes to
    /// the thread that reads keys.
    fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal
            .resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Gives the terminal back and stops the process, as ctrl-z does elsewhere; returns when it
    /// goes on.
    pub(super) fn suspend() {
        restore();
        // Where the signal cannot be sent we go on at once.
        // The whole group stops: `cat trace | saferun-tui -` is one job of the shell.
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
    }

    /// Takes the terminal again. The shell may still be busy with it, so this is tried for a while.
    pub(super) fn resume(&mut self) {
        for _ in 0..10 {
            if self.take().is_ok() {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was. May be called more than once, and on a terminal that is gone.
pub(super) fn restore() {
    let mut out = io::stdout();
    let _ = execute!(
        out,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// A panic of the drawing thread is printed on a restored terminal. One of another thread must not
/// tear the screen: it goes to the log.
fn hook(inbox: Sender<Msg>) {
    let drawing = thread::current().id();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == drawing {
            restore();
            before(info);
        } else {
            tell(
                &inbox,
                Msg::Panicked(format!("this is a bug in saferun-tui: {info}")),
            );
        }
    }));
}
