//! The threads that listen to the terminal: its keys, its signals, and whether it is still there.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::process;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

use crate::tui::runtime::terminal::restore;
use crate::tui::runtime::{Msg, tell};

/// How long the program may take to leave by itself when its terminal is gone.
const PATIENCE: Duration = Duration::from_millis(800);
/// The exit code of a process that a hang-up ended.
const HUNG_UP: i32 = 128 + SIGHUP;

pub(super) fn start(inbox: &Sender<Msg>) -> anyhow::Result<()> {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT])?;
    let (keys, hangs, caught) = (inbox.clone(), inbox.clone(), inbox.clone());
    thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || read_keys(&keys))?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || forward(signals, &caught))?;
    thread::Builder::new()
        .name("hang-up".to_owned())
        .spawn(move || watch_terminal(&hangs))?;
    Ok(())
}

fn read_keys(inbox: &Sender<Msg>) {
    while let Ok(event) = crossterm::event::read() {
        if !tell(inbox, Msg::Term(event)) {
            return;
        }
    }
    tell(inbox, Msg::TerminalLost);
}

fn forward(mut signals: Signals, inbox: &Sender<Msg>) {
    for signal in signals.forever() {
        if !tell(inbox, Msg::Signal(signal)) {
            return;
        }
        if signal == SIGHUP {
            leave();
        }
    }
}

/// Reading keys never returns once the terminal is gone, so it is asked for that alone.
fn watch_terminal(inbox: &Sender<Msg>) {
    let opened = if io::stdin().is_terminal() {
        None
    } else {
        File::open("/dev/tty").ok()
    };
    let stdin = io::stdin();
    let terminal = opened.as_ref().map_or_else(|| stdin.as_fd(), AsFd::as_fd);
    loop {
        let mut asked = [PollFd::from_borrowed_fd(terminal, PollFlags::empty())];
        match poll(&mut asked, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
            Ok(_)
                if asked[0]
                    .revents()
                    .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) =>
            {
                break;
            }
            Ok(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
    tell(inbox, Msg::TerminalLost);
    leave();
}

/// Ends the process when it has not ended by itself: it may be stuck writing to the dead terminal.
fn leave() {
    thread::sleep(PATIENCE);
    // This writes to the terminal too, so nothing may depend on its end.
    let _ = thread::Builder::new()
        .name("restore".to_owned())
        .spawn(restore);
    thread::sleep(PATIENCE / 4);
    process::exit(HUNG_UP);
}
