//! The only place that prints: data to standard output, messages about it to standard error.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::base::text;
use crate::cli::text_style::TextStyle;
use crate::export::json;
use crate::export::words::Role;

/// Standard output. A reader that has gone away shows as an error of kind `BrokenPipe`.
pub struct Out {
    sink: Box<dyn Write>,
    pub style: TextStyle,
}

impl std::fmt::Debug for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Out")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

impl Out {
    pub fn stdout(style: TextStyle) -> Out {
        Out {
            sink: Box::new(BufWriter::new(io::stdout().lock())),
            style,
        }
    }

    /// A line of our own words and of content that has passed [`TextStyle::clean`].
    pub fn line(&mut self, clean: &str) -> io::Result<()> {
        self.sink.write_all(self.style.spell(clean).as_bytes())?;
        self.sink.write_all(b"\n")
    }

    pub fn painted(&mut self, role: Role, clean: &str) -> io::Result<()> {
        let line = self.style.paint(role, clean);
        self.line(&line)
    }

    /// A line in pieces, each painted for its role.
    pub fn pieces(&mut self, line: &[(Role, String)]) -> io::Result<()> {
        let pieces = line.iter();
        let line: String = pieces
            .map(|(role, piece)| self.style.paint(*role, piece))
            .collect();
        self.line(&line)
    }

    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        json::line(&mut *self.sink, value, self.style.escapes())
    }

    /// Asks for a line: shown at once, without a line end.
    pub fn prompt(&mut self, clean: &str) -> io::Result<()> {
        self.verbatim(clean)?;
        self.flush()
    }

    /// Text with its own line ends (CSV, a script).
    pub fn verbatim(&mut self, clean: &str) -> io::Result<()> {
        self.sink.write_all(self.style.spell(clean).as_bytes())
    }

    /// Bytes for another program, as they are: never for a terminal.
    pub fn exact(&mut self, text: &str) -> io::Result<()> {
        self.sink.write_all(text.as_bytes())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Standard error. Failing to write to it stops no command.
#[derive(Debug, Clone)]
pub struct Notes {
    pub style: TextStyle,
    pub quiet: bool,
    pub verbose: bool,
    /// Progress is shown on a terminal, never in a file.
    pub progress: bool,
}

impl Notes {
    pub fn new(style: TextStyle, quiet: bool, verbose: bool) -> Notes {
        let progress = io::stderr().is_terminal() && !quiet;
        Notes {
            style,
            quiet,
            verbose,
            progress,
        }
    }

    /// `error: …`. Raw content, perhaps of several lines.
    pub fn error(&self, raw: &str) {
        self.print("error", raw);
    }

    /// `note: …`: what the reader of the output should know.
    pub fn note(&self, raw: &str) {
        if !self.quiet {
            self.print("note", raw);
        }
    }

    /// A line of a report, without a prefix: cleaned text.
    pub fn line(&self, clean: &str) {
        if !self.quiet {
            let line = format!("{clean}\n");
            let _ = io::stderr()
                .lock()
                .write_all(self.style.spell(&line).as_bytes());
        }
    }

    /// For `--verbose`.
    pub fn detail(&self, raw: &str) {
        if self.verbose {
            self.print("info", raw);
        }
    }

    fn print(&self, word: &str, raw: &str) {
        let lines: Vec<_> = text::sanitize_lines(raw).collect();
        let message = format!("{word}: {}\n", lines.join("\n"));
        let _ = io::stderr()
            .lock()
            .write_all(self.style.spell(&message).as_bytes());
    }
}

/// A line on the terminal that shows the progress of slow work; nothing while it is quick.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    notes: &'a Notes,
    next: Instant,
    is_shown: bool,
}

impl Progress<'_> {
    pub(crate) fn new(notes: &Notes) -> Progress<'_> {
        Progress {
            notes,
            next: Instant::now() + Duration::from_millis(300),
            is_shown: false,
        }
    }

    pub(crate) fn show(&mut self, clean: &str) {
        if !self.notes.progress || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + Duration::from_millis(100);
        self.is_shown = true;
        self.write(clean);
    }

    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            self.write("");
        }
    }

    fn write(&self, clean: &str) {
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "\r\u{1b}[K{}", self.notes.style.spell(clean));
        let _ = stderr.flush();
    }
}
