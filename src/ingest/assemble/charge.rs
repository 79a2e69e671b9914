//! The cost of model calls and runs.

use super::builder::Builder;
use crate::model::action::{ActionIx, Flags};
use crate::model::outcome::{Extra, Settled};
use crate::model::quantity::{Cost, Usage};
use crate::model::run::{RunIx, Totals};
use crate::model::symbol::Sym;

/// What was booked for a model call.
#[derive(Debug, Clone, Copy)]
pub struct Charge {
    usage: Usage,
    cost: Cost,
    estimated: bool,
}

impl Charge {
    pub fn usage(&self) -> Usage {
        self.usage
    }
}

impl Builder {
    /// Books the tokens and cost of a model call, replacing what was booked before. A recorded cost wins;
    /// otherwise the price table gives an estimate, or nothing.
    pub fn charge(
        &mut self,
        ix: RunIx,
        charge: (ActionIx, Sym),
        usage: Usage,
        recorded: Cost,
        before: Option<&Charge>,
    ) -> Charge {
        let (action, model) = charge;
        let estimated = !recorded.is_some();
        let cost = if estimated {
            self.estimate(model, &usage)
        } else {
            recorded
        };
        let unpriced = |usage: &Usage, cost: Cost| u32::from(usage.is_unpriced(cost));
        let totals = self.totals_of(ix, action);
        if let Some(before) = before {
            totals.usage = totals.usage.minus(&before.usage);
            totals.unpriced -= unpriced(&before.usage, before.cost);
            let slot = cost_slot(totals, before.estimated);
            *slot = slot.minus(before.cost);
        }
        totals.usage = totals.usage.plus(&usage);
        totals.unpriced += unpriced(&usage, cost);
        let slot = cost_slot(totals, estimated);
        *slot = *slot + cost;
        let flags = if estimated && cost.is_some() {
            Flags::ESTIMATED
        } else {
            Flags::NONE
        };
        self.settle(&Settled {
            extra: Extra::Usage(usage),
            cost,
            flags,
            ..Settled::new(action)
        });
        Charge {
            usage,
            cost,
            estimated,
        }
    }

    fn estimate(&self, model: Sym, usage: &Usage) -> Cost {
        // Many writers report zeros for "unknown".
        if usage.total().or_zero() == 0 {
            return Cost::NONE;
        }
        self.prices.estimate(self.interner.name(model), usage)
    }

    /// Books the recorded cost of an action other than a model call.
    pub fn cost(&mut self, ix: RunIx, action: ActionIx, cost: Cost) {
        if cost.is_some() {
            let totals = self.totals_of(ix, action);
            totals.recorded_cost = totals.recorded_cost + cost;
            self.settle(&Settled {
                cost,
                ..Settled::new(action)
            });
        }
    }
}

fn cost_slot(totals: &mut Totals, estimated: bool) -> &mut Cost {
    if estimated {
        &mut totals.estimated_cost
    } else {
        &mut totals.recorded_cost
    }
}
