//! What models cost: a dated table, overridable by a file. An unknown model has no cost.

mod file;
mod names;
mod price;
mod table;

use std::collections::HashMap;
use std::path::Path;

use self::price::Price;
use crate::ingest::error::Error;
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

#[cfg(test)]
mod tests;
