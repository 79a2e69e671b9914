//! One model call as a bill: its tokens and its cost by kind of token.

use crate::ingest::prices::PriceTable;
use crate::model::action::Flags;
use crate::model::quantity::{Cost, Tokens};
use crate::model::run::CostSource;
use crate::store::row::Row;

macro_rules! token_kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal $about:literal),* $(,)?) => {
        /// The kinds of token that have prices of their own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum TokenKind { $($(#[$doc])* $variant),* }

        impl TokenKind {
            pub const ALL: &[TokenKind] = &[$(TokenKind::$variant),*];

            /// For machine output.
            pub fn word(self) -> &'static str {
                match self { $(TokenKind::$variant => $word),* }
            }

            pub fn about(self) -> &'static str {
                match self { $(TokenKind::$variant => $about),* }
            }
        }
    };
}

token_kinds! {
    Input = "input" "fresh input",
    CacheRead = "cache_read" "cache read",
    CacheWrite = "cache_write_5m" "cache write, 5 minutes",
    CacheWriteHour = "cache_write_1h" "cache write, 1 hour",
    /// How long the cache is kept is not recorded; it is priced as five minutes.
    CacheWriteUnknown = "cache_write" "cache write",
    Output = "output" "output",
    /// Part of the output, so no sum adds it again.
    Reasoning = "reasoning" "of which reasoning",
    WebSearch = "web_search" "web searches",
    /// Recorded as one sum, and the model has no known price by which to split it.
    Unsplit = "unsplit" "not split by kind",
}

impl TokenKind {
    /// The kind that this one is a part of.
    pub fn part_of(self) -> Option<TokenKind> {
        (self == TokenKind::Reasoning).then_some(TokenKind::Output)
    }
}

/// One line of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    pub kind: TokenKind,
    pub tokens: Tokens,
    pub cost: Cost,
    pub source: CostSource,
}

/// What one call spent, by kind of token. The costs, without the part that is reasoning, add up to the
/// cost of the call exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill(Vec<Item>);

impl Bill {
    /// A cost that was recorded as one sum is split in the proportion of list prices.
    pub fn of(row: &Row<'_>, prices: &PriceTable) -> Bill {
        let usage = row.usage();
        let (write, hour) = (usage.cache_write, usage.cache_write_hour);
        let (five, unknown) = match hour.get() {
            Some(hour) => (minus(write, hour), Tokens::NONE),
            None => (Tokens::NONE, write),
        };
        let parts = prices
            .parts(row.model(), &usage)
            .filter(|_| row.cost().is_some());
        let costs = parts.and_then(|parts| scaled(parts.all(), row.cost()));
        let cost = |at: usize| costs.map_or(Cost::NONE, |costs| costs[at]);
        let reasoning = part(cost(4), usage.reasoning, usage.output);
        let all = [
            (TokenKind::Input, usage.input, cost(0)),
            (TokenKind::CacheRead, usage.cache_read, cost(1)),
            (TokenKind::CacheWrite, five, cost(2)),
            (TokenKind::CacheWriteHour, hour, cost(3)),
            (TokenKind::CacheWriteUnknown, unknown, cost(2)),
            (TokenKind::Output, usage.output, cost(4)),
            (TokenKind::Reasoning, usage.reasoning, reasoning),
            (TokenKind::WebSearch, usage.web_searches, cost(5)),
        ];
        let known = all
            .into_iter()
            .filter(|(_, tokens, _)| *tokens != Tokens::NONE);
        let mut items: Vec<Item> = known
            .map(|(kind, tokens, cost)| Item {
                kind,
                tokens,
                cost,
                source: CostSource::Estimated,
            })
            .collect();
        if costs.is_none() && row.cost().is_some() {
            let is_estimated = row.flags().has(Flags::ESTIMATED);
            items.push(Item {
                kind: TokenKind::Unsplit,
                tokens: Tokens::NONE,
                cost: row.cost(),
                source: if is_estimated {
                    CostSource::Estimated
                } else {
                    CostSource::Recorded
                },
            });
        }
        Bill(items)
    }

    pub fn items(&self) -> &[Item] {
        &self.0
    }
}

fn minus(tokens: Tokens, part: u64) -> Tokens {
    tokens
        .get()
        .map_or(Tokens::NONE, |all| Tokens(all.saturating_sub(part)))
}

/// The part of a cost that some of its tokens have.
fn part(cost: Cost, some: Tokens, all: Tokens) -> Cost {
    let known = (cost.get(), some.get(), all.get());
    let (Some(cost), Some(some), Some(all)) = known else {
        return Cost::NONE;
    };
    let pico = i128::from(cost) * i128::from(some.min(all)) / i128::from(all.max(1));
    Cost(i64::try_from(pico).unwrap_or(i64::MAX))
}

/// The parts in the same proportion with this sum; what does not divide goes to the largest part. None if
/// the parts say nothing about the proportion.
fn scaled<const N: usize>(parts: [Cost; N], total: Cost) -> Option<[Cost; N]> {
    let total = i128::from(total.get()?);
    let picos = parts.map(|part| i128::from(part.get().unwrap_or(0)));
    let sum: i128 = picos.iter().sum();
    if total == 0 {
        return Some([Cost(0); N]);
    }
    if sum == 0 {
        return None;
    }
    let mut scaled = picos.map(|pico| pico * total / sum);
    let rest = total - scaled.iter().sum::<i128>();
    let largest = (0..N).max_by_key(|at| picos[*at])?;
    scaled[largest] += rest;
    Some(scaled.map(|pico| Cost(i64::try_from(pico).unwrap_or(i64::MAX))))
}
