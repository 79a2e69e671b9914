//! What a model call cost, and what a run came to.

use super::builder::Builder;
use crate::model::action::{ActionIx, Flags};
use crate::model::outcome::{Extra, Settled};
use crate::model::quantity::{Cost, Usage};
use crate::model::run::{RunIx, Totals};
use crate::model::symbol::Sym;

/// What a model call was booked with.
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
    /// Books the tokens and cost of a model call, in place of what it was booked with before.
    /// A recorded cost wins; else the price table gives an estimate, or nothing.
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
        let unpriced = |usage: &Usage, cost: Cost| u32::from(!usage.is_none() && !cost.is_some());
        let totals = &mut self.edit(ix).totals;
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
        // Nothing but zeros is how many writers say that they do not know.
        if usage.total().or_zero() == 0 {
            return Cost::NONE;
        }
        self.prices.estimate(self.interner.name(model), usage)
    }

    /// A cost that was recorded for an action that is no model call.
    pub fn cost(&mut self, ix: RunIx, action: ActionIx, cost: Cost) {
        if cost.is_some() {
            let totals = &mut self.edit(ix).totals;
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
