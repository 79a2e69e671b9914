//! Explains cache misses: calls that paid again for a prefix that the previous call had cached, where
//! the two requests first differ, and what the rebuild cost.

use serde_json::Value;

use crate::analysis::context::{self, Context, Exactness};
use crate::analysis::costs::lanes::{Call, Lanes};
use crate::analysis::costs::prefix::{self, Difference};
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::quantity::{Cost, Elapsed, Tokens};
use crate::model::symbol::Sym;
use crate::store::Store;

/// Why a prefix was not read from the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The call before was to another model, which has a cache of its own.
    Model { from: Sym, to: Sym },
    /// The requests differ there.
    Request(Difference),
    /// The history was replaced by a shorter one.
    Compacted,
    /// More time had passed than the cache is kept; none if the provider decides how long that is.
    Gap { lifetime: Option<Elapsed> },
    /// Both requests are recorded and begin alike: the provider did not find its cache.
    SamePrefix,
    /// The requests are not recorded, and what is recorded explains nothing.
    NotRecorded,
}

impl Cause {
    /// For machine output.
    pub fn word(&self) -> &'static str {
        match self {
            Cause::Model { .. } => "model",
            Cause::Request(difference) => difference.word(),
            Cause::Compacted => "compacted",
            Cause::Gap { .. } => "gap",
            Cause::SamePrefix => "same_prefix",
            Cause::NotRecorded => "not_recorded",
        }
    }
}

/// One call that rebuilt a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    pub call: ActionIx,
    /// The call whose prefix it was.
    pub before: ActionIx,
    pub cause: Cause,
    /// How the requests are known; none if they were not compared.
    pub exactness: Option<Exactness>,
    /// Since the call before.
    pub gap: Elapsed,
    /// Tokens that were read from the cache nevertheless: the requests are the same that far.
    pub kept: u64,
    /// Tokens that were cached and paid for again.
    pub tokens: u64,
    /// What they cost at list prices; an estimate.
    pub cost: Cost,
    /// How much more that is than reading them from the cache.
    pub extra: Cost,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misses {
    /// The most expensive first.
    pub found: Vec<Miss>,
    /// Calls of which it is not recorded how much was read from a cache.
    pub unrecorded: u64,
}

/// No provider caches less than this; smaller differences are rounding.
const LEAST: u64 = 1024;
const MINUTE: i64 = 60 * 1_000_000;
/// The two lifetimes that can be bought.
const FIVE_MINUTES: Elapsed = Elapsed(5 * MINUTE);
const HOUR: Elapsed = Elapsed(60 * MINUTE);

/// The cache misses of some agents. `None` if cancelled.
pub fn misses(store: &Store, lanes: &Lanes, cancel: &CancelFlag) -> Option<Misses> {
    let mut misses = Misses::default();
    for calls in lanes.values() {
        for (at, call) in calls.iter().enumerate() {
            if cancel.is_raised() {
                return None;
            }
            if call.prompt().is_some() && call.usage.cache_read == Tokens::NONE {
                misses.unrecorded += 1;
                continue;
            }
            let Some(before) = before(&calls[..at], call) else {
                continue;
            };
            let tokens = lost(before, call);
            if tokens >= LEAST {
                let earlier = &calls[..at];
                misses
                    .found
                    .push(explained(store, (earlier, before, call), tokens, cancel)?);
            }
        }
    }
    misses.found.sort_by_key(|miss| {
        let weight = (miss.cost.get(), miss.tokens);
        (std::cmp::Reverse(weight), miss.call)
    });
    Some(misses)
}

/// The call whose cache could have been read: the last one of this model, or else of any.
fn before<'a>(earlier: &'a [Call], call: &Call) -> Option<&'a Call> {
    let sized = || {
        earlier
            .iter()
            .rev()
            .filter(|before| before.prompt().is_some())
    };
    let same = sized().find(|before| before.model == call.model);
    same.or_else(|| sized().next())
}

/// What was in the cache after `before`, would have fitted `call`, and was not read by it.
fn lost(before: &Call, call: &Call) -> u64 {
    let cached = before.usage.cache_read + before.usage.cache_write;
    let prompt = call.prompt().unwrap_or(0);
    let expected = cached.or_zero().min(prompt);
    expected.saturating_sub(call.usage.cache_read.or_zero())
}

fn explained(
    store: &Store,
    (earlier, before, call): (&[Call], &Call, &Call),
    tokens: u64,
    cancel: &CancelFlag,
) -> Option<Miss> {
    let read = call.usage.cache_read.or_zero();
    let cost = call.price(read, read + tokens);
    let (cause, exactness) = cause(store, (earlier, before, call), cancel)?;
    Some(Miss {
        call: call.ix,
        before: before.ix,
        cause,
        exactness,
        gap: call.time.since(before.time),
        kept: read,
        tokens,
        cost,
        extra: cost.minus(call.read_price(tokens)),
    })
}

/// What is recorded decides: another model, then the recorded requests, then the time, then requests that
/// could only be reconstructed.
fn cause(
    store: &Store,
    (earlier, before, call): (&[Call], &Call, &Call),
    cancel: &CancelFlag,
) -> Option<(Cause, Option<Exactness>)> {
    if before.model != call.model {
        let (from, to) = (before.model, call.model);
        return Some((Cause::Model { from, to }, None));
    }
    let a = context::of(store, before.ix, cancel)?;
    let b = context::of(store, call.ix, cancel)?;
    let are_recorded = [&a, &b]
        .iter()
        .all(|context| context.exactness == Exactness::Recorded);
    let difference = difference(&a, &b);
    let shrunk = before
        .prompt()
        .is_some_and(|prompt| call.is_shrunk_from(prompt));
    let gap = gap(earlier, before, call, store);
    Some(match (are_recorded, difference, gap) {
        (true, Some(difference), _) => (Cause::Request(difference), Some(Exactness::Recorded)),
        (_, _, Some(gap)) if !shrunk => (gap, None),
        _ if shrunk => (Cause::Compacted, None),
        (true, None, _) => (Cause::SamePrefix, Some(Exactness::Recorded)),
        (false, Some(difference), _) => {
            (Cause::Request(difference), Some(Exactness::Reconstructed))
        }
        (false, None, _) => (Cause::NotRecorded, None),
    })
}

fn difference(a: &Context, b: &Context) -> Option<Difference> {
    let bodies: [&Value; 2] = [&a.request, &b.request];
    prefix::first_difference(bodies[0], bodies[1], b.api)
}

/// A pause that is longer than the cache is kept, or than a provider promises.
fn gap(earlier: &[Call], before: &Call, call: &Call, store: &Store) -> Option<Cause> {
    let gap = call.time.since(before.time);
    let gap = gap.get()?;
    let is_kept_for = |written: &&Call| written.usage.cache_write.or_zero() > 0;
    let written = earlier.iter().rev().find(is_kept_for);
    let is_hour = written.is_some_and(|call| call.usage.cache_write_hour.or_zero() > 0);
    let is_sold = written.is_some() && store.row(call.ix).model().contains("claude");
    let lifetime = match (is_hour, is_sold) {
        (true, _) => Some(HOUR),
        (false, true) => Some(FIVE_MINUTES),
        (false, false) => None,
    };
    let least = lifetime.unwrap_or(FIVE_MINUTES);
    (gap > least.0).then_some(Cause::Gap { lifetime })
}
