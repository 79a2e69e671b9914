//! The model calls of each agent of a run in order, as their prompts were read and paid for.

use std::collections::HashMap;

use crate::analysis::context;
use crate::ingest::prices::{PriceTable, Rates};
use crate::model::action::{ActionIx, Flags};
use crate::model::quantity::{Cost, Time, Tokens, Usage};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::row::Row;

/// One model call as its prompt was paid for. A prompt begins with what is read from the cache, then comes
/// what is written to it, then the rest.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub ix: ActionIx,
    pub model: Sym,
    pub time: Time,
    pub usage: Usage,
    /// None if the model has no known price.
    pub rates: Option<Rates>,
}

/// The calls of one agent of one run.
pub type Lanes = HashMap<(RunIx, Sym), Vec<Call>>;

/// Below this percentage of the prompt before, history was thrown away.
const KEPT_PERCENT: u64 = 70;

/// The lanes of some runs.
pub fn lanes(store: &Store, is_in: impl Fn(RunIx) -> bool, prices: &PriceTable) -> Lanes {
    let mut lanes = Lanes::new();
    for row in store.rows().filter(|row| is_in(row.run_ix())) {
        if context::is_call(&row) && !row.flags().has(Flags::COPIED) {
            let lane = lanes.entry((row.run_ix(), row.agent_sym())).or_default();
            lane.push(Call::of(&row, prices));
        }
    }
    lanes
}

impl Call {
    fn of(row: &Row<'_>, prices: &PriceTable) -> Call {
        let usage = row.usage();
        let prompt = usage.input + usage.cache_read + usage.cache_write;
        Call {
            ix: row.ix(),
            model: row.model_sym(),
            time: row.time(),
            usage,
            rates: prices.rates(row.model(), prompt.or_zero()),
        }
    }

    /// The tokens of the prompt; none if not recorded.
    pub fn prompt(&self) -> Option<u64> {
        let usage = &self.usage;
        let prompt: Tokens = usage.input + usage.cache_read + usage.cache_write;
        prompt.get().filter(|tokens| *tokens > 0)
    }

    /// What the tokens between two positions of the prompt cost.
    pub fn price(&self, from: u64, to: u64) -> Cost {
        let Some(rates) = self.rates else {
            return Cost::NONE;
        };
        let read = self.usage.cache_read.or_zero();
        let written = read.saturating_add(self.usage.cache_write.or_zero());
        let within = |low: u64, high: u64| to.min(high).saturating_sub(from.max(low));
        let pico = u128::from(within(0, read)) * u128::from(rates.cache_read)
            + self.write_price(within(read, written), &rates)
            + u128::from(within(written, u64::MAX)) * u128::from(rates.input);
        Cost(i64::try_from(pico).unwrap_or(i64::MAX))
    }

    /// Within one call, cache writes for five minutes and for an hour are known only as two sums.
    fn write_price(&self, tokens: u64, rates: &Rates) -> u128 {
        let hour = self.usage.cache_write_hour.or_zero();
        let all = self.usage.cache_write.or_zero().max(hour);
        let paid = u128::from(hour) * u128::from(rates.cache_write_hour)
            + u128::from(all - hour) * u128::from(rates.cache_write);
        u128::from(tokens) * paid / u128::from(all.max(1))
    }

    /// What as many tokens cost if they are read from the cache.
    pub fn read_price(&self, tokens: u64) -> Cost {
        self.rates.map_or(Cost::NONE, |rates| {
            let pico = u128::from(tokens) * u128::from(rates.cache_read);
            Cost(i64::try_from(pico).unwrap_or(i64::MAX))
        })
    }

    /// Whether most of the history of an earlier prompt of this size is gone.
    pub fn is_shrunk_from(&self, before: u64) -> bool {
        let prompt = self.prompt();
        prompt.is_some_and(|prompt| {
            u128::from(prompt) * 100 < u128::from(before) * u128::from(KEPT_PERCENT)
        })
    }
}
