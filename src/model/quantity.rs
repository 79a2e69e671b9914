//! Numbers with units: instants, durations, money and tokens. Each can be "not recorded".

use std::fmt;

/// An instant, in microseconds since the Unix epoch; [`Time::NONE`] if not recorded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    pub const NONE: Time = Time(i64::MIN);

    pub fn get(self) -> Option<i64> {
        (self != Time::NONE).then_some(self.0)
    }

    pub fn is_some(self) -> bool {
        self != Time::NONE
    }

    /// `self`, or `other` if `self` is not recorded.
    #[must_use]
    pub fn or(self, other: Time) -> Time {
        if self.is_some() { self } else { other }
    }

    /// Its day in UTC, counted from 1970.
    pub fn day(self) -> Option<i64> {
        self.get().map(|us| us.div_euclid(24 * 3_600 * 1_000_000))
    }

    /// The time from `earlier` to `self`; none if either is not recorded or it would be negative.
    pub fn since(self, earlier: Time) -> Elapsed {
        match (self.get(), earlier.get()) {
            (Some(end), Some(start)) if end >= start => {
                end.checked_sub(start).map_or(Elapsed::NONE, Elapsed)
            }
            _ => Elapsed::NONE,
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(us) => write!(f, "{us}us"),
            None => f.write_str("-"),
        }
    }
}

impl Default for Time {
    fn default() -> Time {
        Time::NONE
    }
}

/// A duration in microseconds; [`Elapsed::NONE`] if not recorded. Never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Elapsed(pub i64);

impl Elapsed {
    pub const NONE: Elapsed = Elapsed(i64::MIN);

    pub fn get(self) -> Option<i64> {
        (self != Elapsed::NONE).then_some(self.0)
    }

    pub fn is_some(self) -> bool {
        self != Elapsed::NONE
    }

    /// From milliseconds as written in traces; negative and non-finite values are not recorded.
    pub fn from_millis(ms: f64) -> Elapsed {
        let us = ms * 1000.0;
        if us.is_finite() && (0.0..9.0e18).contains(&us) {
            Elapsed(us.round() as i64)
        } else {
            Elapsed::NONE
        }
    }

    pub fn millis(self) -> Option<f64> {
        self.get().map(|us| us as f64 / 1000.0)
    }

    /// `self`, or `other` if `self` is not recorded.
    #[must_use]
    pub fn or(self, other: Elapsed) -> Elapsed {
        if self.is_some() { self } else { other }
    }
}

impl fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(us) => write!(f, "{us}us"),
            None => f.write_str("-"),
        }
    }
}

impl Default for Elapsed {
    fn default() -> Elapsed {
        Elapsed::NONE
    }
}

/// Money in picodollars (1e-12 US$), so that sums are exact in any order; [`Cost::NONE`] if unknown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(pub i64);

impl Cost {
    pub const NONE: Cost = Cost(i64::MIN);
    pub const PER_USD: f64 = 1e12;

    pub fn get(self) -> Option<i64> {
        (self != Cost::NONE).then_some(self.0)
    }

    pub fn is_some(self) -> bool {
        self != Cost::NONE
    }

    /// From dollars; negative, infinite and absurd amounts are not recorded.
    pub fn from_usd(usd: f64) -> Cost {
        let pico = usd * Cost::PER_USD;
        if pico.is_finite() && (0.0..9.0e18).contains(&pico) {
            Cost(pico.round() as i64)
        } else {
            Cost::NONE
        }
    }

    /// `self` minus `other`, which was added to it before. An unknown cost stays unknown.
    #[must_use]
    pub fn minus(self, other: Cost) -> Cost {
        match (self.get(), other.get()) {
            (Some(a), Some(b)) => Cost(a.saturating_sub(b)),
            _ => self,
        }
    }

    pub fn usd(self) -> Option<f64> {
        self.get().map(|pico| pico as f64 / Cost::PER_USD)
    }
}

/// The sum of the known costs; unknown only if both are.
impl std::ops::Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        match (self.get(), other.get()) {
            (Some(a), Some(b)) => Cost(a.saturating_add(b)),
            (Some(_), None) => self,
            (None, _) => other,
        }
    }
}

impl fmt::Debug for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.usd() {
            Some(usd) => write!(f, "${usd}"),
            None => f.write_str("-"),
        }
    }
}

impl Default for Cost {
    fn default() -> Cost {
        Cost::NONE
    }
}

/// A count of tokens; [`Tokens::NONE`] if not recorded. Sums saturate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tokens(pub u64);

impl Tokens {
    pub const NONE: Tokens = Tokens(u64::MAX);

    pub fn get(self) -> Option<u64> {
        (self != Tokens::NONE).then_some(self.0)
    }

    /// The count, or 0 if not recorded: only for arithmetic, never for display.
    pub fn or_zero(self) -> u64 {
        self.get().unwrap_or(0)
    }
}

impl From<u64> for Tokens {
    fn from(count: u64) -> Tokens {
        Tokens(count.min(u64::MAX - 1))
    }
}

impl std::ops::Add for Tokens {
    type Output = Tokens;

    fn add(self, other: Tokens) -> Tokens {
        match (self.get(), other.get()) {
            (Some(a), Some(b)) => Tokens::from(a.saturating_add(b)),
            (Some(_), None) => self,
            (None, _) => other,
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(count) => write!(f, "{count}"),
            None => f.write_str("-"),
        }
    }
}

impl Default for Tokens {
    fn default() -> Tokens {
        Tokens::NONE
    }
}

/// Tokens of one model call or of a whole run, by kind.
///
/// `input` excludes what was read from or written to the prompt cache, if the source distinguishes them;
/// `reasoning` is a part of `output`; `cache_write_hour` is the part of `cache_write` that is kept for an
/// hour (it has its own price). `web_searches` are billed by the request, beside the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Usage {
    pub input: Tokens,
    pub output: Tokens,
    pub cache_read: Tokens,
    pub cache_write: Tokens,
    pub cache_write_hour: Tokens,
    pub reasoning: Tokens,
    pub web_searches: Tokens,
}

impl Usage {
    pub const NONE: Usage = Usage {
        input: Tokens::NONE,
        output: Tokens::NONE,
        cache_read: Tokens::NONE,
        cache_write: Tokens::NONE,
        cache_write_hour: Tokens::NONE,
        reasoning: Tokens::NONE,
        web_searches: Tokens::NONE,
    };

    pub fn is_none(&self) -> bool {
        *self == Usage::NONE
    }

    /// Input, output, cache reads and cache writes together.
    pub fn total(&self) -> Tokens {
        self.input + self.output + self.cache_read + self.cache_write
    }

    /// Whether tokens were used at an unknown cost. Zeros cost nothing, and many writers mean "unknown" by them.
    pub fn is_unpriced(&self, cost: Cost) -> bool {
        self.total().or_zero() > 0 && !cost.is_some()
    }

    #[must_use]
    pub fn plus(&self, other: &Usage) -> Usage {
        self.zip(other, |a, b| a + b)
    }

    /// `self` minus `other`, which was added to it before.
    #[must_use]
    pub fn minus(&self, other: &Usage) -> Usage {
        self.zip(other, |a, b| match (a.get(), b.get()) {
            (Some(a), Some(b)) => Tokens::from(a.saturating_sub(b)),
            _ => a,
        })
    }

    /// Each kind of token by itself.
    #[must_use]
    pub fn map(&self, f: impl Fn(Tokens) -> Tokens) -> Usage {
        self.zip(self, |tokens, _| f(tokens))
    }

    fn zip(&self, other: &Usage, f: impl Fn(Tokens, Tokens) -> Tokens) -> Usage {
        Usage {
            input: f(self.input, other.input),
            output: f(self.output, other.output),
            cache_read: f(self.cache_read, other.cache_read),
            cache_write: f(self.cache_write, other.cache_write),
            cache_write_hour: f(self.cache_write_hour, other.cache_write_hour),
            reasoning: f(self.reasoning, other.reasoning),
            web_searches: f(self.web_searches, other.web_searches),
        }
    }
}
