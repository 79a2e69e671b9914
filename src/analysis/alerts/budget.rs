//! Budgets of a run: they warn at 80 % of a limit and trip at the limit. Cost trips one step early, when the cost so
//! far plus another step like the last would exceed the limit: the run is stopped before it is over budget.
//!
//! Subagents count towards their run. Budgets never reset.

use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::fact::{Fact, What};
use crate::model::action::ActionIx;
use crate::model::quantity::Time;

macro_rules! resources {
    ($($resource:ident $key:literal;)*) => {
        /// What can have a limit. Money is in picodollars, time in microseconds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Resource { $($resource),* }

        impl Resource {
            pub const ALL: &[Resource] = &[$(Resource::$resource),*];

            /// Its name in a rules file.
            pub fn key(self) -> &'static str {
                match self { $(Resource::$resource => $key),* }
            }

            pub fn detector(self) -> Detector {
                match self { $(Resource::$resource => Detector::$resource),* }
            }
        }

        const RESOURCES: usize = [$(Resource::$resource),*].len();
    };
}

resources! {
    Cost   "cost_usd";
    Tokens "tokens";
    Calls  "calls";
    Steps  "steps";
    Wall   "wall";
    Idle   "idle";
}

/// The limit of each resource; none for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    amounts: [Option<i64>; RESOURCES],
    /// How many model calls in a row find a run over the warning before it warns. A trip does not wait.
    confirm: u32,
}

impl Limits {
    pub fn of(&self, resource: Resource) -> Option<i64> {
        self.amounts[resource as usize]
    }

    pub fn set(&mut self, resource: Resource, limit: i64) {
        self.amounts[resource as usize] = Some(limit);
    }

    #[must_use]
    pub fn confirmed(self, confirm: u32) -> Limits {
        Limits { confirm, ..self }
    }

    pub fn is_empty(&self) -> bool {
        self.amounts.iter().all(Option::is_none)
    }
}

/// A budget that is exhausted, or nearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    pub resource: Resource,
    pub level: Level,
    pub at: ActionIx,
    pub value: i64,
    pub limit: i64,
    /// The cost of the last step, if it trips early because one more would exceed the limit.
    pub early: Option<i64>,
    /// Model calls so far without a price: the value is a lower bound.
    pub unpriced: u32,
    /// Part of the cost is an estimate.
    pub is_estimate: bool,
}

/// What a run has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    cost: i64,
    tokens: i64,
    calls: i64,
    steps: i64,
    /// The cost of the last model call.
    step: i64,
    unpriced: u32,
    is_estimate: bool,
    first: Time,
    last: Time,
    at: ActionIx,
    has_ended: bool,
    fired: u32,
    /// By resource, the number of model calls when it went over the warning.
    over: [Option<i64>; RESOURCES],
}

impl Spent {
    /// Adds what one more action uses.
    pub fn add(&mut self, fact: &Fact, limits: &Limits, out: &mut Vec<Used>) {
        if fact.is_copy {
            return;
        }
        let cost = fact.cost.get().unwrap_or(0);
        match fact.what {
            What::Response(response) => {
                let tokens = i64::try_from(response.tokens).unwrap_or(i64::MAX);
                self.steps += 1;
                self.step = cost;
                self.tokens = self.tokens.saturating_add(tokens);
                self.unpriced += u32::from(response.is_unpriced);
            }
            What::Call(_) => self.calls += 1,
            What::End => self.has_ended = true,
            What::Prompt(_) | What::Other => {}
        }
        self.cost = self.cost.saturating_add(cost);
        self.is_estimate |= fact.is_estimate && fact.cost.is_some();
        self.at = fact.ix;
        self.first = self.first.or(fact.time);
        self.last = self.last.max(fact.time);
        for resource in Resource::ALL {
            self.judge(*resource, limits, out);
        }
    }

    /// Takes the cost recorded for the whole run, if it exceeds the sum of its actions.
    pub fn bill(&mut self, cost: i64, limits: &Limits, out: &mut Vec<Used>) {
        if cost > self.cost {
            self.cost = cost;
            self.step = 0;
            self.is_estimate = false;
            self.judge(Resource::Cost, limits, out);
        }
    }

    /// Checks the idle time of a run that has not ended; only known while it is watched. Each pause is reported once per
    /// level.
    pub fn idle(&self, now: Time, limits: &Limits, out: &mut Vec<Used>) {
        let idle = now.since(self.last).get().filter(|_| !self.has_ended);
        let (Some(value), Some(limit)) = (idle, limits.of(Resource::Idle)) else {
            return;
        };
        let Some(level) = level(value, limit) else {
            return;
        };
        let is_reported = |used: &Used| {
            used.resource == Resource::Idle && used.at == self.at && used.level >= level
        };
        if !out.iter().any(is_reported) {
            out.push(self.used(Resource::Idle, (level, value, limit), None));
        }
    }

    /// When the pause of the run will reach its next level if nothing happens; none if it has ended or has reached all.
    pub fn next_pause(&self, now: Time, limits: &Limits) -> Option<Time> {
        let (last, limit) = (self.last.get()?, limits.of(Resource::Idle)?);
        let mut levels = [near(limit), limit].into_iter();
        let next =
            levels.find_map(|span| Some(Time(last.saturating_add(span))).filter(|at| *at > now));
        next.filter(|_| !self.has_ended)
    }

    /// How much of a resource the run has used; none if that is not recorded.
    pub fn of(&self, resource: Resource) -> Option<i64> {
        match resource {
            Resource::Cost => Some(self.cost),
            Resource::Tokens => Some(self.tokens),
            Resource::Calls => Some(self.calls),
            Resource::Steps => Some(self.steps),
            Resource::Wall => self.last.since(self.first).get(),
            Resource::Idle => None,
        }
    }

    fn judge(&mut self, resource: Resource, limits: &Limits, out: &mut Vec<Used>) {
        let Some(limit) = limits.of(resource) else {
            return;
        };
        let Some(value) = self.of(resource) else {
            return;
        };
        let exceeds = resource == Resource::Cost && value.saturating_add(self.step) > limit;
        let early = (exceeds && value < limit).then_some(self.step);
        let level = early.map_or_else(|| level(value, limit), |_| Some(Level::Trip));
        if let Some(level) = level
            && self.is_news(resource, level, limits.confirm)
        {
            out.push(self.used(resource, (level, value, limit), early));
        }
    }

    /// Whether a level is reached for the first time, and confirmed.
    fn is_news(&mut self, resource: Resource, level: Level, confirm: u32) -> bool {
        let since = *self.over[resource as usize].get_or_insert(self.steps);
        let is_confirmed = level == Level::Trip || self.steps - since + 1 >= i64::from(confirm);
        let bit = 1 << (2 * resource as u32 + u32::from(level == Level::Trip));
        let is_news = is_confirmed && self.fired & bit == 0;
        if is_news {
            self.fired |= bit;
        }
        is_news
    }

    fn used(
        &self,
        resource: Resource,
        (level, value, limit): (Level, i64, i64),
        early: Option<i64>,
    ) -> Used {
        Used {
            resource,
            level,
            at: self.at,
            value,
            limit,
            early,
            unpriced: self.unpriced,
            is_estimate: self.is_estimate,
        }
    }
}

/// How close a value is to its limit; none if it is far from it.
fn level(value: i64, limit: i64) -> Option<Level> {
    if value >= limit {
        Some(Level::Trip)
    } else {
        (value >= near(limit)).then_some(Level::Warn)
    }
}

/// The value at which a limit is nearly reached: 80 % of it.
fn near(limit: i64) -> i64 {
    limit.saturating_mul(8).saturating_add(9) / 10
}
