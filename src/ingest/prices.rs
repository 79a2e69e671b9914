//! Model prices: a dated table that a file can override. An unknown model has no cost.

mod file;
mod names;
mod price;
mod table;

use std::collections::HashMap;
use std::path::Path;

pub use self::price::{Parts, Rates};

use self::price::Price;
use crate::ingest::error::Error;
use crate::model::quantity::{Cost, Tokens, Usage};

/// Prices by model. The built-in table is dated; see [`PriceTable::built_in`].
#[derive(Debug, Clone, Default)]
pub struct PriceTable {
    by_name: HashMap<String, Price>,
}

impl PriceTable {
    /// The list prices of the models in common use, as published in November 2026.
    ///
    /// Left out, because an unknown cost is better than a wrong one: models whose price changed under the
    /// same name (`deepseek-chat`, `gpt-5.6-sol`), models priced by region or hour, and everything self-hosted.
    /// Discounts (batch, priority, contracts) are not in a trace and are not applied.
    pub fn built_in() -> PriceTable {
        let mut by_name = HashMap::new();
        for row in table::ROWS {
            for name in row.names {
                by_name.insert((*name).to_owned(), row.price());
            }
        }
        PriceTable { by_name }
    }

    /// Adds the prices of a TOML file, which override existing ones:
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

    /// The cost of one model call; [`Cost::NONE`] if the model is unknown or no tokens were recorded. Exact
    /// only for a single call, because some models charge more for a long prompt.
    pub fn estimate(&self, model: &str, usage: &Usage) -> Cost {
        if usage.total() == Tokens::NONE {
            return Cost::NONE;
        }
        self.price(model)
            .map_or(Cost::NONE, |price| price.of(usage))
    }

    /// What each kind of token of one call costs at list prices; none if the model is unknown.
    pub fn parts(&self, model: &str, usage: &Usage) -> Option<Parts> {
        self.price(model).map(|price| price.parts(usage))
    }

    /// What one token costs in a prompt of this many tokens; none if the model is unknown.
    pub fn rates(&self, model: &str, prompt: u64) -> Option<Rates> {
        self.price(model).map(|price| price.rates(prompt))
    }

    fn price(&self, model: &str) -> Option<&Price> {
        names::forms(model)
            .iter()
            .find_map(|name| self.by_name.get(name))
    }
}

#[cfg(test)]
mod tests;
