//! The threads that listen to the terminal: its keys, its signals, and whether it is still there.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::process;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{
    SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU,
};
use signal_hook::iterator::Signals;

use crate::act::viewer::Shown;
use crate::tui::runtime::answer::{AnswerFilter, TerminalInput};
use crate::tui::runtime::terminal::restore;
use crate::tui::runtime::{ANSWER_DUE, Msg, tell};
use crate::tui::theme::ground::Background;

/// The signals that would end the process and leave the terminal as it is. The rest cannot be caught safely.
const CAUGHT: [i32; 13] = [
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM,
    SIGPROF, SIGXCPU, SIGIO,
];
/// How long the program may take to leave by itself when its terminal is gone.
const PATIENCE: Duration = Duration::from_millis(800);
/// The exit code of a process that a hang-up ended.
const HUNG_UP: i32 = 128 + SIGHUP;

/// How long the keys may go unread before it is asked whether to stop reading them.
const GLANCE: Duration = Duration::from_millis(200);
/// How long a key that may begin an answer of the terminal waits for the next.
const BREATH: Duration = Duration::from_millis(60);

/// The thread that reads keys; pauses while another program has the terminal.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    state: Arc<(Mutex<Reading>, Condvar)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Reading {
    #[default]
    On,
    /// To be stopped as soon as the thread looks.
    Stopping,
    Off,
    /// The terminal is gone.
    Over,
}

impl Keys {
    /// Returns when no key is read any more.
    pub(super) fn pause(&self) {
        let (state, changed) = &*self.state;
        let mut reading = state.lock().unwrap_or_else(PoisonError::into_inner);
        if *reading == Reading::On {
            *reading = Reading::Stopping;
        }
        while *reading == Reading::Stopping {
            reading = changed
                .wait(reading)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn resume(&self) {
        let (state, changed) = &*self.state;
        let mut reading = state.lock().unwrap_or_else(PoisonError::into_inner);
        if *reading != Reading::Over {
            *reading = Reading::On;
        }
        changed.notify_all();
    }

    /// Waits here while another program has the keys.
    fn wait(&self) {
        let (state, changed) = &*self.state;
        let mut reading = state.lock().unwrap_or_else(PoisonError::into_inner);
        if *reading == Reading::Stopping {
            *reading = Reading::Off;
            changed.notify_all();
        }
        while *reading == Reading::Off {
            reading = changed
                .wait(reading)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn end(&self) {
        let (state, changed) = &*self.state;
        *state.lock().unwrap_or_else(PoisonError::into_inner) = Reading::Over;
        changed.notify_all();
    }
}

pub(super) fn start(inbox: &Sender<Msg>, shown: &Shown) -> anyhow::Result<Keys> {
    let signals = Signals::new(CAUGHT)?;
    let (keys, hangs, caught) = (inbox.clone(), inbox.clone(), inbox.clone());
    let (after_signal, after_hang) = (shown.clone(), shown.clone());
    let reading = Keys::default();
    let ours = reading.clone();
    thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || read_keys(&keys, &ours))?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || forward(signals, &caught, &after_signal))?;
    thread::Builder::new()
        .name("hang-up".to_owned())
        .spawn(move || watch_terminal(&hangs, &after_hang))?;
    Ok(reading)
}

fn read_keys(inbox: &Sender<Msg>, keys: &Keys) {
    let (mut ear, started) = (AnswerFilter::default(), Instant::now());
    loop {
        keys.wait();
        let is_due = started.elapsed() < ANSWER_DUE;
        let pause = if ear.is_holding() { BREATH } else { GLANCE };
        let heard = match crossterm::event::poll(pause) {
            Ok(true) => crossterm::event::read().map(|event| ear.hear(event, is_due)),
            Ok(false) => Ok(ear.silence()),
            Err(error) => Err(error),
        };
        let Ok(heard) = heard else { break };
        for heard in heard {
            let msg = match heard {
                TerminalInput::Event(event) => Msg::Term(event),
                TerminalInput::Answer(answer) => Msg::Background(Background::of_answer(&answer)),
            };
            if !tell(inbox, msg) {
                return keys.end();
            }
        }
    }
    keys.end();
    tell(inbox, Msg::TerminalLost);
}

fn forward(mut signals: Signals, inbox: &Sender<Msg>, shown: &Shown) {
    for signal in signals.forever() {
        if !tell(inbox, Msg::Signal(signal)) {
            return;
        }
        if signal == SIGHUP {
            leave(shown);
        }
    }
}

/// Reading keys never returns once the terminal is gone, so it is asked for that alone.
fn watch_terminal(inbox: &Sender<Msg>, shown: &Shown) {
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
    leave(shown);
}

/// Ends the process when it has not ended by itself: it may be stuck writing to the dead terminal.
fn leave(shown: &Shown) {
    thread::sleep(PATIENCE);
    shown.discard();
    // This writes to the terminal too, so nothing may depend on its end.
    let _ = thread::Builder::new()
        .name("restore".to_owned())
        .spawn(restore);
    thread::sleep(PATIENCE / 4);
    process::exit(HUNG_UP);
}
