//! A number before `G`: `12G` goes to action 12 of the run.
//!
//! Digits open views, so the first one waits a moment: another digit or `G` makes it part of a number, any
//! other key or silence opens the view. Two digits name no view and wait for what follows.

use std::time::Duration;

use crate::tui::keys::{Command, Key, Meaning};
use crate::tui::screen::id::ScreenId;
use crate::tui::shell::{ScreenEffect, Shell};

/// The digits so far.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) digits: String,
    /// What the first digit does alone.
    alone: Option<ScreenId>,
    at: i64,
}

/// How long a digit waits, in microseconds: too short to be felt, long enough to type the next key.
const PATIENCE: i64 = 300_000;

/// The views whose actions have numbers.
const NUMBERED: &[ScreenId] = &[ScreenId::Stream, ScreenId::Replay];

impl Count {
    /// A number for certain, not the key of a view.
    pub(super) fn is_number(&self) -> bool {
        self.digits.len() > 1
    }
}

impl Shell {
    pub(super) fn begins_count(&self, key: Key) -> bool {
        let is_digit = matches!(key.char(), Some('1'..='9'));
        is_digit && NUMBERED.contains(&self.top())
    }

    pub(super) fn begin_count(&mut self, key: Key, meaning: Option<Meaning>) {
        let alone = match meaning {
            Some(Meaning::View(view)) => Some(view),
            Some(Meaning::Command(_)) | None => None,
        };
        self.count = Some(Count {
            digits: key.char().into_iter().collect(),
            alone,
            at: self.session.clock.now(),
        });
    }

    /// A key after digits. `Err` has what the digits did when the key is none of theirs.
    pub(super) fn after_digits(
        &mut self,
        key: Key,
    ) -> Result<Vec<ScreenEffect>, Vec<ScreenEffect>> {
        if let (Some(digit @ '0'..='9'), Some(count)) = (key.char(), &mut self.count) {
            count.digits.push(digit);
            return Ok(Vec::new());
        }
        let place = self.place();
        match self.session.keymap.meaning(key, place) {
            Some(Meaning::Command(Command::Bottom)) => {
                let digits = self.count.take().map(|count| count.digits);
                let top = self.top();
                Ok(self.run_with(top, Command::GoTo, &digits.unwrap_or_default()))
            }
            Some(Meaning::Command(Command::Cancel)) => {
                self.count = None;
                Ok(Vec::new())
            }
            Some(_) | None => {
                let effects = self.end_count();
                self.count = None;
                Err(effects)
            }
        }
    }

    /// No more digits come at once: a single one opens its view, a number goes on waiting for `G`.
    pub fn end_count(&mut self) -> Vec<ScreenEffect> {
        let Some(count) = self.count.take_if(|count| !count.is_number()) else {
            return Vec::new();
        };
        if let Some(view) = count.alone {
            return self.go(view);
        }
        self.session.hint(&format!("{} has no view", count.digits));
        Vec::new()
    }

    /// Opens the view of a digit that has waited long enough.
    pub(super) fn end_count_if_due(&mut self) -> Vec<ScreenEffect> {
        match self.digit_stays() {
            Some(left) if left.is_zero() => self.end_count(),
            Some(_) | None => Vec::new(),
        }
    }

    /// How long a single digit has still to wait.
    pub(super) fn digit_stays(&self) -> Option<Duration> {
        let count = self.count.as_ref().filter(|count| !count.is_number())?;
        let left = count.at + PATIENCE - self.session.clock.now();
        Some(Duration::from_micros(u64::try_from(left).unwrap_or(0)))
    }
}
