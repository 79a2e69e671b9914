//! Tokens and money of some model calls together.

use crate::analysis::context;
use crate::model::action::Flags;
use crate::model::quantity::{Cost, Tokens, Usage};
use crate::model::run::CostSource;
use crate::store::row::Row;

/// What some model calls spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Model calls. A tool with its own cost counts with its cost only.
    pub calls: u64,
    pub usage: Usage,
    /// Calls with tokens but without a cost: the model has no known price.
    pub unpriced: u64,
    /// Model calls of which neither tokens nor cost are recorded.
    pub unrecorded: u64,
    recorded: Cost,
    estimated: Cost,
}

impl Spent {
    /// What one action spent.
    pub fn of(row: &Row<'_>) -> Spent {
        let (usage, cost) = (row.usage(), row.cost());
        let is_estimated = row.flags().has(Flags::ESTIMATED);
        let is_none = usage.is_none() && !cost.is_some();
        Spent {
            calls: u64::from(context::is_call(row) || !usage.is_none()),
            usage,
            unpriced: u64::from(usage.is_unpriced(cost)),
            unrecorded: u64::from(is_none && context::is_call(row)),
            recorded: if is_estimated { Cost::NONE } else { cost },
            estimated: if is_estimated { cost } else { Cost::NONE },
        }
    }

    /// What is known of the tokens and the money of several actions together.
    pub fn known(usage: Usage, recorded: Cost, estimated: Cost) -> Spent {
        Spent {
            usage,
            recorded,
            estimated,
            ..Spent::default()
        }
    }

    /// The cost that traces record, and the cost that is estimated.
    pub fn costs(&self) -> [Cost; 2] {
        [self.recorded, self.estimated]
    }

    #[must_use]
    pub fn plus(&self, other: &Spent) -> Spent {
        Spent {
            calls: self.calls + other.calls,
            usage: self.usage.plus(&other.usage),
            unpriced: self.unpriced + other.unpriced,
            unrecorded: self.unrecorded + other.unrecorded,
            recorded: self.recorded + other.recorded,
            estimated: self.estimated + other.estimated,
        }
    }

    /// `None` if no cost is known.
    pub fn cost(&self) -> Option<(Cost, CostSource)> {
        let source = match (self.recorded.is_some(), self.estimated.is_some()) {
            (true, true) => CostSource::Mixed,
            (true, false) => CostSource::Recorded,
            (false, true) => CostSource::Estimated,
            (false, false) => return None,
        };
        Some((self.recorded + self.estimated, source))
    }

    /// To sort by: cost, then tokens; unknown values come below all known ones.
    pub fn weight(&self) -> (Option<i64>, Option<u64>) {
        let cost = self.recorded + self.estimated;
        (cost.get(), self.usage.total().get())
    }

    /// Share number `at` of `count` equal ones. What does not divide goes to the first shares, so that all
    /// shares add up to the whole. It still counts as one call.
    #[must_use]
    pub fn share(&self, at: u64, count: u64) -> Spent {
        let cost = |cost: Cost| {
            cost.get().map_or(Cost::NONE, |pico| {
                let (at, count) = (at as i64, (count as i64).max(1));
                Cost(pico / count + i64::from(at < pico % count))
            })
        };
        let tokens = |tokens: Tokens| {
            tokens.get().map_or(Tokens::NONE, |all| {
                let count = count.max(1);
                Tokens(all / count + u64::from(at < all % count))
            })
        };
        Spent {
            usage: self.usage.map(tokens),
            recorded: cost(self.recorded),
            estimated: cost(self.estimated),
            ..*self
        }
    }

    /// The same spending of a call that is counted already.
    #[must_use]
    pub fn again(&self) -> Spent {
        Spent {
            calls: 0,
            unpriced: 0,
            unrecorded: 0,
            ..*self
        }
    }
}
