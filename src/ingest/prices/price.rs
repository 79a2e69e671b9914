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
        self.parts(usage).total()
    }

    /// What each kind of token of one call costs.
    pub(super) fn parts(&self, usage: &Usage) -> Parts {
        let (input, read) = (usage.input.or_zero(), usage.cache_read.or_zero());
        let hour = usage.cache_write_hour.or_zero();
        let write = usage.cache_write.or_zero().max(hour);
        let prompt = input.saturating_add(read).saturating_add(write);
        let (input_percent, output_percent) = self.percents(prompt);
        let part = |tokens: u64, price: u64, percent: u64| {
            let pico = u128::from(tokens)
                .saturating_mul(u128::from(price))
                .saturating_mul(u128::from(percent))
                / 100;
            Cost(i64::try_from(pico).unwrap_or(i64::MAX))
        };
        Parts {
            input: part(input, self.input, input_percent),
            cache_read: part(read, self.cache_read, input_percent),
            cache_write: part(write - hour, self.cache_write, input_percent),
            cache_write_hour: part(hour, self.cache_write_hour, input_percent),
            output: part(usage.output.or_zero(), self.output, output_percent),
            web_searches: part(usage.web_searches.or_zero(), WEB_SEARCH, 100),
        }
    }

    /// What one token of a prompt costs, for a prompt of this many tokens.
    pub(super) fn rates(&self, prompt: u64) -> Rates {
        let (percent, _) = self.percents(prompt);
        let rate = |price: u64| price.saturating_mul(percent) / 100;
        Rates {
            input: rate(self.input),
            cache_read: rate(self.cache_read),
            cache_write: rate(self.cache_write),
            cache_write_hour: rate(self.cache_write_hour),
        }
    }

    fn percents(&self, prompt: u64) -> (u64, u64) {
        match self.long {
            Some(long) if prompt > long.above => (long.input_percent, long.output_percent),
            Some(_) | None => (100, 100),
        }
    }
}

/// What one token of a prompt costs, in picodollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    pub input: u64,
    pub cache_read: u64,
    /// Written for five minutes.
    pub cache_write: u64,
    pub cache_write_hour: u64,
}

/// The cost of one model call by kind of token. Output includes reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    pub input: Cost,
    pub cache_read: Cost,
    /// Written for five minutes, or for a time that was not recorded.
    pub cache_write: Cost,
    pub cache_write_hour: Cost,
    pub output: Cost,
    pub web_searches: Cost,
}

impl Parts {
    pub fn all(&self) -> [Cost; 6] {
        [
            self.input,
            self.cache_read,
            self.cache_write,
            self.cache_write_hour,
            self.output,
            self.web_searches,
        ]
    }

    pub fn total(&self) -> Cost {
        self.all().into_iter().fold(Cost(0), |sum, part| sum + part)
    }
}
