//! Recent activity, by our own clock.

use std::collections::VecDeque;

use crate::model::quantity::Cost;

const SECOND: i64 = 1_000_000;
/// The length of the sliding window, in seconds.
const WINDOW: i64 = 60;

/// Actions and cost of the last minute, with one slot per second in which data arrived.
#[derive(Debug, Clone, Default)]
pub struct Rate {
    slots: VecDeque<Slot>,
    /// The first second ever.
    since: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    second: i64,
    actions: u64,
    /// In picodollars.
    cost: i64,
}

impl Rate {
    /// Starts counting, so that ten seconds are not averaged over a minute.
    pub fn begin(&mut self, now: i64) {
        self.since.get_or_insert(now.div_euclid(SECOND));
    }

    pub fn add(&mut self, now: i64, actions: u64, cost: i64) {
        self.begin(now);
        let second = now.div_euclid(SECOND);
        let oldest = second - WINDOW;
        while self.slots.front().is_some_and(|it| it.second <= oldest) {
            self.slots.pop_front();
        }
        match self.slots.back_mut().filter(|slot| slot.second >= second) {
            Some(slot) => {
                slot.actions += actions;
                slot.cost = slot.cost.saturating_add(cost);
            }
            None => self.slots.push_back(Slot {
                second,
                actions,
                cost,
            }),
        }
    }

    fn recent(&self, now: i64) -> impl Iterator<Item = &Slot> {
        let oldest = now.div_euclid(SECOND) - WINDOW;
        self.slots.iter().filter(move |slot| slot.second > oldest)
    }

    /// Whether nothing arrived in the last minute.
    pub fn is_quiet(&self, now: i64) -> bool {
        self.recent(now).next().is_none()
    }

    /// How many of the last sixty seconds have been observed, at least one.
    fn seconds(&self, now: i64) -> f64 {
        let now = now.div_euclid(SECOND);
        let since = self.since.unwrap_or(now);
        (now - since + 1).clamp(1, WINDOW) as f64
    }

    /// Actions per second over the last minute.
    pub fn actions_per_second(&self, now: i64) -> f64 {
        let actions: u64 = self.recent(now).map(|slot| slot.actions).sum();
        actions as f64 / self.seconds(now)
    }

    /// US$ per minute over the last minute. `None` before half a minute has passed, since
    /// extrapolation would exaggerate.
    pub fn usd_per_minute(&self, now: i64) -> Option<f64> {
        let seconds = self.seconds(now);
        let costs = self.recent(now).map(|slot| slot.cost);
        let cost = costs.fold(0, i64::saturating_add) as f64 / Cost::PER_USD;
        (seconds * 2.0 >= WINDOW as f64).then(|| cost * WINDOW as f64 / seconds)
    }
}
