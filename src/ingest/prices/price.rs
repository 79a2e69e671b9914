//! The prices of one model, and the cost of a call at these prices.

use crate::model::quantity::{Cost, Usage};

/// The prices of one model in picodollars per token, which represent every list price exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    pub(super) cache_write_hour: u64,
    pub(super) long: Option<LongPrompt>,
}

/// The price of a call whose prompt exceeds a length, in percent of the ordinary price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LongPrompt {
    /// The length, in tokens of the prompt, cached ones included.
    pub(super) above: u64,
    pub(super) input_percent: u64,
    pub(super) output_percent: u64,
}

/// The price of one web search in picodollars: $10 per 1000, on top of the tokens.
const WEB_SEARCH: u64 = 10_000_000_000;

impl Price {
    /// Converts dollars per million tokens, the unit of price lists.
    pub(super) fn per_token(usd_per_million: f64) -> u64 {
        (usd_per_million * 1e6).round() as u64
    }

    pub(super) fn of(&self, usage: &Usage) -> Cost {
        let (input, read) = (usage.input.or_zero(), usage.cache_read.or_zero());
        let hour = usage.cache_write_hour.or_zero();
        let write = usage.cache_write.or_zero().max(hour);
        let prompt = u128::from(input) + u128::from(read) + u128::from(write);
        let (input_percent, output_percent) = match self.long {
            Some(long) if prompt > u128::from(long.above) => {
                (long.input_percent, long.output_percent)
            }
            Some(_) | None => (100, 100),
        };
        let part = |tokens: u64, price: u64, percent: u64| {
            u128::from(tokens)
                .saturating_mul(u128::from(price))
                .saturating_mul(u128::from(percent))
                / 100
        };
        let total = [
            part(input, self.input, input_percent),
            part(read, self.cache_read, input_percent),
            part(write - hour, self.cache_write, input_percent),
            part(hour, self.cache_write_hour, input_percent),
            part(usage.output.or_zero(), self.output, output_percent),
            part(usage.web_searches.or_zero(), WEB_SEARCH, 100),
        ]
        .into_iter()
        .fold(0, u128::saturating_add);
        Cost(i64::try_from(total).unwrap_or(i64::MAX))
    }
}
