//! What models cost: a dated table, overridable by a file. An unknown model has no cost.

mod file;
mod names;
mod table;

use std::collections::HashMap;
use std::path::Path;

use crate::ingest::Error;
use crate::model::quantity::{Cost, Tokens, Usage};

/// Prices by model. The built-in table is dated; see [`PriceTable::built_in`].
#[derive(Debug, Clone, Default)]
pub struct PriceTable {
    by_name: HashMap<String, Price>,
}

impl PriceTable {
    /// The list prices of the models that people run today, as published in November 2026.
    ///
    /// Left out, because an unknown cost beats a wrong one: models whose price changed while the
    /// name stayed (`deepseek-chat`, `gpt-5.6-sol`), models with a price by region or hour, and
    /// everything served from one's own machine. Discounts (batch, priority, contracts) are not
    /// known to a trace and not applied.
    pub fn built_in() -> PriceTable {
        let mut by_name = HashMap::new();
        for row in table::ROWS {
            for name in row.names {
                by_name.insert((*name).to_owned(), row.price());
            }
        }
        PriceTable { by_name }
    }

    /// Adds the prices of a TOML file, which win over those that were there:
    ///
    /// ```toml
    /// ["model-name"]
    /// input = 3.0             # US$ per million tokens
    /// output = 15.0
    /// cache_read = 0.3        # without it, reads cost what input costs
    /// cache_write = 3.75      # without it, writes cost what input costs
    /// cache_write_hour = 6.0  # without it, the same as cache_write
    /// ```
    pub fn with_file(mut self, path: &Path) -> Result<PriceTable, Error> {
        self.by_name.extend(file::read(path)?);
        Ok(self)
    }

    /// What one model call cost; [`Cost::NONE`] when the model is unknown or no tokens were
    /// recorded. Exact for one call only: some models charge more for a long prompt, which the sum
    /// over many calls does not tell.
    pub fn estimate(&self, model: &str, usage: &Usage) -> Cost {
        if usage.total() == Tokens::NONE {
            return Cost::NONE;
        }
        names::forms(model)
            .iter()
            .find_map(|name| self.by_name.get(name))
            .map_or(Cost::NONE, |price| price.of(usage))
    }
}

/// Prices of one model in picodollars per token, which holds every list price exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Price {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
    cache_write_hour: u64,
    long: Option<LongPrompt>,
}

/// What a prompt beyond a length costs, in percent of the ordinary price; the whole call pays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LongPrompt {
    /// Tokens of the prompt, cached ones included.
    above: u64,
    input_percent: u64,
    output_percent: u64,
}

impl Price {
    /// Dollars per million tokens, as price lists give them.
    fn per_token(usd_per_million: f64) -> u64 {
        (usd_per_million * 1e6).round() as u64
    }

    fn of(&self, usage: &Usage) -> Cost {
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
        ]
        .into_iter()
        .fold(0, u128::saturating_add);
        Cost(i64::try_from(total).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests;
