//! Automatic playback: at a multiple of the recorded speed, with long waits shortened.

use std::time::Duration;

use crate::model::quantity::Time;
use crate::tui::screens::replay::Replay;
use crate::tui::session::Session;

#[derive(Debug)]
pub(super) struct Play {
    /// When the next step is due, in microseconds since the epoch.
    due: Option<i64>,
    stays: Option<Duration>,
    /// Into [`SPEEDS`].
    speed: usize,
}

/// In quarters of the recorded speed.
const SPEEDS: &[i64] = &[1, 2, 4, 8, 16, 32, 64, 128];
const RECORDED: usize = 2;

/// Recorded waits are cut to this length at normal speed.
const LONGEST: i64 = 3_000_000;
/// Where no times were recorded, and where they are equal.
const PLAIN: i64 = 600_000;
const SHORTEST: i64 = 60_000;

impl Default for Play {
    fn default() -> Play {
        Play {
            due: None,
            stays: None,
            speed: RECORDED,
        }
    }
}

impl Play {
    pub(super) fn is_on(&self) -> bool {
        self.due.is_some()
    }

    pub(super) fn stop(&mut self) {
        (self.due, self.stays) = (None, None);
    }

    pub(super) fn turn(&mut self, faster: bool) {
        let speed = if faster {
            self.speed + 1
        } else {
            self.speed.saturating_sub(1)
        };
        self.speed = speed.min(SPEEDS.len() - 1);
    }

    pub(super) fn stays(&self) -> Option<Duration> {
        self.stays
    }

    /// `×½`, `×4`.
    pub(super) fn words(&self, times: &str) -> String {
        match SPEEDS[self.speed] {
            1 => format!("{times}1/4"),
            2 => format!("{times}1/2"),
            quarters => format!("{times}{}", quarters / 4),
        }
    }

    /// How long a step is shown before the next one, in microseconds.
    fn pause(&self, now: Time, next: Time) -> i64 {
        let recorded = match next.since(now).get() {
            Some(0) | None => PLAIN,
            Some(wait) => wait.min(LONGEST),
        };
        (recorded * 4 / SPEEDS[self.speed]).max(SHORTEST)
    }
}

impl Replay {
    pub(super) fn toggle_play(&mut self, session: &Session) {
        if self.play.is_on() {
            self.play.stop();
            return;
        }
        if self.at + 1 >= self.tape.len() {
            self.jump(0);
        }
        self.play.due = Some(session.clock.now() + self.pause(session));
    }

    fn pause(&self, session: &Session) -> i64 {
        let time = |step| {
            let ix = self.tape.get(step);
            ix.map_or(Time::NONE, |ix| session.loaded.store.row(ix).time())
        };
        self.play.pause(time(self.at), time(self.at + 1))
    }

    /// Takes the steps that are due.
    pub(super) fn play_on(&mut self, session: &Session) {
        let now = session.clock.now();
        while let Some(due) = self.play.due.filter(|due| *due <= now) {
            if self.at + 1 >= self.tape.len() {
                self.play.stop();
                return;
            }
            self.jump(self.at + 1);
            self.play.due = Some(due + self.pause(session));
        }
        let left = self.play.due.map(|due| (due - now).max(0) as u64);
        self.play.stays = left.map(Duration::from_micros);
    }
}

#[cfg(test)]
mod tests {
    use super::Play;
    use crate::model::quantity::Time;

    #[test]
    fn long_waits_are_shortened_and_unknown_ones_are_usual() {
        let mut play = Play::default();
        assert_eq!(play.pause(Time(0), Time(1_000_000)), 1_000_000);
        assert_eq!(play.pause(Time(0), Time(900_000_000)), 3_000_000);
        assert_eq!(play.pause(Time::NONE, Time(5)), 600_000);
        assert_eq!(play.pause(Time(5), Time(5)), 600_000);
        play.turn(true);
        assert_eq!(play.pause(Time(0), Time(1_000_000)), 500_000);
        assert_eq!(play.words("×"), "×2");
        (0..20).for_each(|_| play.turn(true));
        assert_eq!(play.pause(Time(0), Time(1_000_000)), 60_000);
        (0..20).for_each(|_| play.turn(false));
        assert_eq!(play.words("×"), "×1/4");
        assert_eq!(play.pause(Time(0), Time(1_000_000)), 4_000_000);
    }
}
