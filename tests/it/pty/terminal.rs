//! A terminal without a user: types, waits for text, never answers a question.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{MouseProtocolMode, Screen};

/// How long anything may take on a busy machine before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait for bytes before checking the condition again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(crate) struct Terminal {
    child: Program,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    reader: JoinHandle<()>,
    hung_up: Arc<AtomicBool>,
    parser: vt100::Parser,
    /// How the terminal was set before the program came; `Debug` of its settings.
    before: String,
    pub(crate) bytes: Vec<u8>,
}

/// The program with arguments, in an environment that is the same everywhere.
pub(crate) fn program(args: &[&str]) -> CommandBuilder {
    command(
        assert_cmd::cargo::cargo_bin!("saferun-tui")
            .to_str()
            .expect("a plain path"),
        args,
    )
}

/// A line of shell in which `$0` is the program.
pub(crate) fn shell(line: &str) -> CommandBuilder {
    let program = assert_cmd::cargo::cargo_bin!("saferun-tui");
    command("sh", &["-c", line, program.to_str().expect("a plain path")])
}

static STARTS: AtomicU32 = AtomicU32::new(0);

fn command(name: &str, args: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(name);
    command.args(args);
    command.cwd(env!("CARGO_MANIFEST_DIR"));
    // Each start remembers on its own.
    let state = format!(
        "{}/state-{}-{}",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id(),
        STARTS.fetch_add(1, Ordering::Relaxed)
    );
    for (name, value) in [
        ("TERM", "xterm-256color"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
        ("XDG_CONFIG_HOME", "/nowhere"),
        ("XDG_STATE_HOME", state.as_str()),
    ] {
        command.env(name, value);
    }
    for name in [
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "COLORTERM",
        "COLORFGBG",
        "SAFERUN_TUI_CONFIG",
        "SAFERUN_TUI_PRICES",
    ] {
        command.env_remove(name);
    }
    command
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols,
        ..PtySize::default()
    }
}

impl Terminal {
    pub(crate) fn start(command: CommandBuilder, size: (u16, u16)) -> Terminal {
        let pair = native_pty_system()
            .openpty(pty_size(size))
            .expect("a pseudo terminal");
        let before = format!("{:?}", pair.master.get_termios());
        let mut from = pair.master.try_clone_reader().expect("a reader");
        let child = pair.slave.spawn_command(command).expect("it starts");
        let (sender, output) = mpsc::channel();
        let hung_up = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&hung_up);
        let reader = thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                if stop.load(Ordering::SeqCst) || sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal {
            child: Program(child),
            writer: pair.master.take_writer().expect("a writer"),
            master: pair.master,
            output,
            reader,
            hung_up,
            parser: vt100::Parser::new(cells(size.1), cells(size.0), 0),
            before,
            bytes: Vec::new(),
        }
    }

    pub(crate) fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// The text of the screen, one line per row, without spaces at the ends of rows.
    pub(crate) fn text(&self) -> String {
        let (_, cols) = self.screen().size();
        let rows = self.screen().rows(0, cols.get());
        rows.flat_map(|row| [row.trim_end().to_owned(), "\n".to_owned()])
            .collect()
    }

    pub(crate) fn type_in(&mut self, keys: &str) {
        self.writer
            .write_all(keys.as_bytes())
            .expect("keys are taken");
        self.writer.flush().expect("keys are taken");
    }

    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        self.master.resize(pty_size(size)).expect("a new size");
        self.parser
            .screen_mut()
            .set_size(cells(size.1), cells(size.0));
    }

    /// Takes in output until the screen is as wanted.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, mut wanted: impl FnMut(&Terminal) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !wanted(self) {
            assert!(Instant::now() < until, "no {what}:\n{}", self.text());
            // What is waited for may come without a byte (a program that stops): look again.
            match self.output.recv_timeout(LOOK_AGAIN) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(wanted(self), "no {what} before the end:\n{}", self.text());
                    return;
                }
            }
        }
    }

    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait(text, |terminal| terminal.text().contains(text));
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.parser.process(bytes);
    }

    /// Whether the program is stopped, where the system shows it (`/proc`); else true.
    pub(crate) fn is_stopped(&self) -> bool {
        let pid = self.child.0.process_id().expect("it runs");
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            return !Path::new("/proc/self/stat").exists();
        };
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.0.process_id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {name}");
    }

    /// Waits until the program has ended and all it wrote is taken in.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.text()),
            }
        }
        self.child.0.wait().expect("a status")
    }

    /// Ends the program by a key and hands back its exit code.
    #[track_caller]
    pub(crate) fn quit(mut self) -> u32 {
        self.type_in("\u{3}");
        self.end().exit_code()
    }

    /// The terminal goes away; how long the program lived on.
    pub(crate) fn hang_up(self) -> Duration {
        let Terminal {
            mut child,
            master,
            mut writer,
            reader,
            hung_up,
            ..
        } = self;
        // The reader must close its end: the answer to one more key wakes it.
        hung_up.store(true, Ordering::SeqCst);
        writer.write_all(b"j").expect("a key is taken");
        reader.join().expect("the reader ends");
        drop((writer, master));
        let gone = Instant::now();
        // Not a fixed time: asked again and again until it is gone.
        while child.0.try_wait().is_ok_and(|status| status.is_none()) && gone.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        gone.elapsed()
    }

    /// Fails unless the terminal is as it was before the program came.
    #[track_caller]
    pub(crate) fn is_as_before(&self) {
        let screen = self.screen();
        assert!(
            !screen.alternate_screen(),
            "the alternate screen is left on"
        );
        assert!(!screen.hide_cursor(), "the cursor is left hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is left on");
        assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None);
        let now = format!("{:?}", self.master.get_termios());
        assert_eq!(now, self.before, "the modes of the terminal");
        for mode in ["1049", "1000", "1002", "1003", "1006", "1015", "2004"] {
            let (on, off) = (format!("\u{1b}[?{mode}h"), format!("\u{1b}[?{mode}l"));
            let (on, off) = (last(&self.bytes, &on), last(&self.bytes, &off));
            assert!(on <= off, "mode {mode} is left on");
        }
    }
}

/// Where a sequence is seen for the last time.
fn last(bytes: &[u8], sequence: &str) -> Option<usize> {
    bytes
        .windows(sequence.len())
        .rposition(|window| window == sequence.as_bytes())
}

/// A failed test leaves no program behind.
struct Program(Box<dyn Child + Send + Sync>);

impl Drop for Program {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.0.kill();
        }
    }
}
