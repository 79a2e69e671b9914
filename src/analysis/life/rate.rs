//! How much came lately, by the clock of whoever looks.

use std::collections::VecDeque;

use crate::model::quantity::Cost;

const SECOND: i64 = 1_000_000;
/// So many seconds are looked back on.
const WINDOW: i64 = 60;

/// Actions and money of the last minute, a slot for each second in which something came.
#[derive(Debug, Clone, Default)]
pub struct Rate {
    slots: VecDeque<Slot>,
    /// The first second of all.
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
    /// Counting begins: a rate of ten seconds is not one of a minute.
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

    /// Nothing came in the last minute.
    pub fn is_quiet(&self, now: i64) -> bool {
        self.recent(now).next().is_none()
    }

    /// So many of the last sixty seconds are known, at least one.
    fn seconds(&self, now: i64) -> f64 {
        let now = now.div_euclid(SECOND);
        let since = self.since.unwrap_or(now);
        (now - since + 1).clamp(1, WINDOW) as f64
    }

    /// Actions a second over the last minute.
    pub fn actions_per_second(&self, now: i64) -> f64 {
        let actions: u64 = self.recent(now).map(|slot| slot.actions).sum();
        actions as f64 / self.seconds(now)
    }

    /// US$ a minute over the last minute; none before half a minute is known: less would be blown up.
    pub fn usd_per_minute(&self, now: i64) -> Option<f64> {
        let seconds = self.seconds(now);
        let costs = self.recent(now).map(|slot| slot.cost);
        let cost = costs.fold(0, i64::saturating_add) as f64 / Cost::PER_USD;
        (seconds * 2.0 >= WINDOW as f64).then(|| cost * WINDOW as f64 / seconds)
    }
}
