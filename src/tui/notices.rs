//! The message log: the newest message is shown for a while, all are kept.

/// How serious a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Note,
    Error,
}

#[derive(Debug, Clone)]
pub struct Notice {
    pub level: Level,
    /// Sanitised.
    pub words: String,
    /// In microseconds since the Unix epoch.
    pub at: i64,
}

#[derive(Debug, Default)]
pub struct Notices {
    all: Vec<Notice>,
    /// A message that is shown like the newest, but not kept.
    passing: Option<Notice>,
    /// The newest message was on the screen when a key was pressed.
    is_dismissed: bool,
    was_drawn: bool,
    /// Errors since the log was opened last.
    unread: usize,
}

/// How long a message is shown if no key is pressed, in microseconds.
const STAYS: i64 = 8_000_000;
/// The log keeps this many messages.
const KEPT: usize = 1000;

impl Notices {
    pub fn add(&mut self, level: Level, words: String, at: i64) {
        self.unread += usize::from(level == Level::Error);
        if self.all.len() == KEPT {
            self.all.remove(0);
        }
        self.all.push(Notice { level, words, at });
        self.passing = None;
        (self.is_dismissed, self.was_drawn) = (false, false);
    }

    /// Shows a message that is about the key just pressed and not worth keeping.
    pub fn pass(&mut self, words: String, at: i64) {
        let level = Level::Note;
        self.passing = Some(Notice { level, words, at });
        self.was_drawn = false;
    }

    /// Oldest first.
    pub fn all(&self) -> &[Notice] {
        &self.all
    }

    /// The log was opened: nothing is unread.
    pub fn read(&mut self) {
        (self.unread, self.is_dismissed) = (0, true);
    }

    pub fn unread(&self) -> usize {
        self.unread
    }

    /// The newest message, while it is shown.
    pub fn current(&self, now: i64) -> Option<&Notice> {
        let newest = || self.all.last().filter(|_| !self.is_dismissed);
        let shown = self.passing.as_ref().or_else(newest);
        shown.filter(|notice| now - notice.at < STAYS)
    }

    /// How many more microseconds the newest is shown.
    pub fn stays(&self, now: i64) -> Option<u64> {
        let notice = self.current(now)?;
        u64::try_from(notice.at + STAYS - now).ok()
    }

    pub fn drawn(&mut self) {
        self.was_drawn = true;
    }

    /// A key was pressed: the message that was on the screen is hidden.
    pub fn pressed(&mut self) {
        if self.was_drawn {
            (self.is_dismissed, self.passing) = (true, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Notices, STAYS};

    fn told() -> Notices {
        let mut notices = Notices::default();
        notices.add(Level::Error, "no such file".to_owned(), 1000);
        notices
    }

    #[test]
    fn a_notice_goes_by_itself_after_a_while() {
        let notices = told();
        assert!(notices.current(1000 + STAYS - 1).is_some());
        assert!(notices.current(1000 + STAYS).is_none());
        assert_eq!(notices.stays(1000), Some(STAYS as u64));
    }

    #[test]
    fn a_passing_message_is_shown_until_the_next_key_and_not_kept() {
        let mut notices = Notices::default();
        notices.pass("x does nothing here".to_owned(), 1000);
        assert!(notices.current(1000).is_some());
        notices.drawn();
        notices.pressed();
        assert!(notices.current(1000).is_none());
        assert!(notices.all().is_empty());
    }

    #[test]
    fn a_key_takes_a_notice_away_only_when_it_was_on_the_screen() {
        let mut notices = told();
        notices.pressed();
        assert!(notices.current(1000).is_some());
        notices.drawn();
        notices.pressed();
        assert!(notices.current(1000).is_none());
        assert_eq!((notices.unread(), notices.all().len()), (1, 1));
    }
}
