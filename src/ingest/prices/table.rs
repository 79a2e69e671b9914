//! The built-in prices: US$ per million tokens, list prices of November 2026, one row per family.
//!
//! Every row is taken from the vendor's own price list. If a vendor has no price for reading or writing its
//! prompt cache, these cost as much as input.

use super::price::{LongPrompt, Price};

/// One price and the models that share it.
pub(super) struct Row {
    pub(super) names: &'static [&'static str],
    input: f64,
    output: f64,
    cache_read: f64,
    cache_write: f64,
    cache_write_hour: f64,
    long: Option<LongPrompt>,
}

impl Row {
    pub(super) fn price(&self) -> Price {
        Price {
            input: Price::per_token(self.input),
            output: Price::per_token(self.output),
            cache_read: Price::per_token(self.cache_read),
            cache_write: Price::per_token(self.cache_write),
            cache_write_hour: Price::per_token(self.cache_write_hour),
            long: self.long,
        }
    }

    const fn cache(mut self, read: f64) -> Row {
        self.cache_read = read;
        self
    }

    const fn writes(mut self, five_minutes: f64, hour: f64) -> Row {
        self.cache_write = five_minutes;
        self.cache_write_hour = hour;
        self
    }

    const fn long(mut self, above: u64, input_percent: u64, output_percent: u64) -> Row {
        self.long = Some(LongPrompt {
            above,
            input_percent,
            output_percent,
        });
        self
    }
}

const fn row(names: &'static [&'static str], input: f64, output: f64) -> Row {
    Row {
        names,
        input,
        output,
        cache_read: input,
        cache_write: input,
        cache_write_hour: input,
        long: None,
    }
}

/// Anthropic: relative to input, a cache read costs 0.1, a five-minute write 1.25 and an hour's write 2.
const fn claude(names: &'static [&'static str], input: f64, output: f64) -> Row {
    row(names, input, output)
        .cache(input * 0.1)
        .writes(input * 1.25, input * 2.0)
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // Anthropic
    claude(&["claude-3-haiku"], 0.25, 1.25).cache(0.03).writes(0.30, 0.50),
    claude(&["claude-3-sonnet", "claude-3-5-sonnet", "claude-3-7-sonnet"], 3.0, 15.0),
    claude(&["claude-3-opus", "claude-opus-4", "claude-opus-4-0", "claude-opus-4-1"], 15.0, 75.0),
    claude(&["claude-3-5-haiku"], 0.80, 4.0),
    claude(&["claude-haiku-4-5"], 1.0, 5.0),
    claude(&["claude-haiku-5-5"], 0.10, 0.50).long(100_000, 500, 500),
    claude(&["claude-sonnet-4", "claude-sonnet-4-0", "claude-sonnet-4-5"], 3.0, 15.0).long(200_000, 200, 150),
    claude(&["claude-sonnet-4-6"], 3.0, 15.0),
    claude(&["claude-sonnet-5"], 2.0, 10.0),
    claude(&["claude-sonnet-5-5"], 2.0, 10.0).cache(0.10),
    claude(&["claude-opus-4-5", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8", "claude-opus-5"], 5.0, 25.0),
    claude(&["claude-opus-5-5"], 4.0, 20.0).cache(0.20),
    // The fast mode of a model, as it is named in `usage.speed`.
    claude(&["claude-opus-4-6-fast"], 30.0, 150.0),
    claude(&["claude-opus-5-fast"], 10.0, 50.0),
    claude(&["claude-opus-5-5-fast"], 8.0, 40.0).cache(0.40),
    claude(&["claude-fable-5"], 10.0, 50.0),
    claude(&["claude-fable-5-1"], 10.0, 50.0).cache(0.25),
    // OpenAI
    row(&["gpt-4"], 30.0, 60.0),
    row(&["gpt-4-turbo"], 10.0, 30.0),
    row(&["gpt-4o-2024-05-13"], 5.0, 15.0),
    row(&["gpt-4o"], 2.5, 10.0).cache(1.25),
    row(&["gpt-4o-mini"], 0.15, 0.60).cache(0.075),
    row(&["gpt-4.1"], 2.0, 8.0).cache(0.50),
    row(&["gpt-4.1-mini"], 0.40, 1.60).cache(0.10),
    row(&["gpt-4.1-nano"], 0.10, 0.40).cache(0.025),
    row(&["o1"], 15.0, 60.0).cache(7.5),
    row(&["o1-mini", "o3-mini"], 1.10, 4.40).cache(0.55),
    row(&["o1-pro"], 150.0, 600.0),
    row(&["o3"], 2.0, 8.0).cache(0.50),
    row(&["o3-pro"], 20.0, 80.0),
    row(&["o4-mini"], 1.10, 4.40).cache(0.275),
    row(&["codex-mini"], 1.50, 6.0).cache(0.375),
    row(&["gpt-5", "gpt-5-chat", "gpt-5-codex"], 1.25, 10.0).cache(0.125),
    row(&["gpt-5.1", "gpt-5.1-chat", "gpt-5.1-codex", "gpt-5.1-codex-max"], 1.25, 10.0).cache(0.125),
    row(&["gpt-5-mini", "gpt-5.1-codex-mini"], 0.25, 2.0).cache(0.025),
    row(&["gpt-5-nano"], 0.05, 0.40).cache(0.005),
    row(&["gpt-5-pro"], 15.0, 120.0),
    row(&["gpt-5.2", "gpt-5.2-chat", "gpt-5.2-codex", "gpt-5.3-codex"], 1.75, 14.0).cache(0.175),
    row(&["gpt-5.2-pro"], 21.0, 168.0),
    row(&["gpt-5.4"], 2.50, 15.0).cache(0.25).long(272_000, 200, 150),
    row(&["gpt-5.4-mini"], 0.75, 4.50).cache(0.075),
    row(&["gpt-5.4-nano"], 0.20, 1.25).cache(0.02),
    row(&["gpt-5.5"], 5.0, 30.0).cache(0.50).long(272_000, 200, 150),
    row(&["gpt-6-sol"], 2.0, 10.0).cache(0.20).writes(2.50, 2.50).long(272_000, 200, 150),
    row(&["gpt-6-luna"], 0.10, 0.50).cache(0.01).writes(0.125, 0.125).long(272_000, 200, 150),
    // Google
    row(&["gemini-1.5-flash"], 0.075, 0.30).cache(0.018_75).long(128_000, 200, 200),
    row(&["gemini-1.5-pro"], 1.25, 5.0).cache(0.3125).long(128_000, 200, 200),
    row(&["gemini-2.0-flash"], 0.10, 0.40).cache(0.025),
    row(&["gemini-2.0-flash-lite"], 0.075, 0.30),
    row(&["gemini-2.5-flash"], 0.30, 2.50).cache(0.03),
    row(&["gemini-2.5-flash-lite"], 0.10, 0.40).cache(0.01),
    row(&["gemini-2.5-pro"], 1.25, 10.0).cache(0.125).long(200_000, 200, 150),
    row(&["gemini-3-flash-preview"], 0.50, 3.0).cache(0.05),
    row(&["gemini-3-pro-preview", "gemini-3.1-pro-preview"], 2.0, 12.0).cache(0.20).long(200_000, 200, 150),
    row(&["gemini-3.5-flash"], 1.50, 9.0).cache(0.15),
    // xAI, Moonshot, MiniMax, Mistral
    row(&["grok-3", "grok-4"], 3.0, 15.0).cache(0.75),
    row(&["grok-code-fast-1"], 0.20, 1.50).cache(0.02),
    row(&["kimi-k2-0711-preview", "kimi-k2-0905-preview", "kimi-k2-thinking"], 0.60, 2.50).cache(0.15),
    row(&["kimi-k2.7-code"], 0.95, 4.0).cache(0.19),
    row(&["kimi-k2.7-code-highspeed"], 1.90, 8.0).cache(0.38),
    row(&["minimax-m2.7"], 0.30, 1.20).cache(0.06),
    row(&["mistral-large-2411"], 2.0, 6.0),
    row(&["mistral-medium-2505"], 0.40, 2.0),
];
