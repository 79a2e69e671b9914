//! Costs in words, for tables and screens.

use jiff::tz::TimeZone;

use crate::analysis::context::Exactness;
use crate::analysis::costs::limits::Window;
use crate::analysis::costs::misses::{Cause, Miss};
use crate::analysis::costs::spent::Spent;
use crate::analysis::costs::toll::{End, Toll};
use crate::analysis::costs::{Costs, Key};
use crate::analysis::runs::brief_id;
use crate::base::human;
use crate::export::words;
use crate::model::quantity::{Cost, Elapsed};
use crate::model::run::{CostSource, RunIx};
use crate::store::Store;

/// `≈$1.23`; with `≥` if some calls have no known price; `—` if none has.
pub fn spent(spent: &Spent) -> String {
    let cost = words::cost(spent.cost());
    if spent.unpriced > 0 && spent.cost().is_some() {
        format!("≥{cost}")
    } else {
        cost
    }
}

/// An amount calculated from list prices.
pub fn estimate(cost: Cost) -> String {
    words::cost(cost.is_some().then_some((cost, CostSource::Estimated)))
}

/// `42 %`; `—` where there is nothing to compare.
pub fn share(cost: Cost, total: &Spent) -> String {
    let total = total.cost().and_then(|(total, _)| total.get());
    match (cost.get(), total.filter(|total| *total > 0)) {
        (Some(0), Some(_)) => "0 %".to_owned(),
        (Some(cost), Some(total)) => {
            let percent = cost as f64 * 100.0 / total as f64;
            if percent < 1.0 {
                "<1 %".to_owned()
            } else {
                format!("{percent:.0} %")
            }
        }
        _ => words::NOTHING.to_owned(),
    }
}

/// `213 model calls`.
pub fn calls(count: u64) -> String {
    human::counted(count, "model call")
}

/// `≈$12.23 (estimated from tokens) · 213 model calls and 1 other paid action in 2 runs · 3 without a known price`.
pub fn total(costs: &Costs) -> String {
    let sum = &costs.total;
    let how = |source| match source {
        CostSource::Recorded => "recorded",
        CostSource::Estimated => "estimated from tokens",
        CostSource::Mixed => "partly estimated",
    };
    let amount = match (costs.stated, sum.cost()) {
        (Some((cost, source)), calls) if calls != Some((cost, source)) => {
            let stated = words::cost(Some((cost, source)));
            format!(
                "{stated} (recorded for the run; its model calls add up to {})",
                spent(sum)
            )
        }
        (_, Some((_, source))) => format!("{} ({})", spent(sum), how(source)),
        (_, None) => "not recorded".to_owned(),
    };
    let runs = costs.runs.len() as u64;
    let others = (costs.calls.len() as u64).saturating_sub(sum.calls);
    let others = match others {
        0 => String::new(),
        others => format!(" and {}", human::counted(others, "other paid action")),
    };
    let counted = format!(
        "{}{others} in {}",
        calls(sum.calls),
        human::counted(runs, "run")
    );
    let mut parts = vec![amount, counted];
    if sum.unpriced > 0 {
        parts.push(format!(
            "{} without a known price",
            human::count(sum.unpriced)
        ));
    }
    if sum.unrecorded > 0 {
        parts.push(format!(
            "{} without recorded tokens",
            human::count(sum.unrecorded)
        ));
    }
    parts.join(" · ")
}

/// What a line is about, raw.
pub fn name(store: &Store, key: Key) -> String {
    let named = |sym| words::name(store.symbols().name(sym)).to_owned();
    match key {
        Key::Run(run) => store.run(run).id.to_string(),
        Key::Turn(_, 0) => "before the first turn".to_owned(),
        Key::Turn(_, turn) => format!("turn {turn}"),
        Key::Model(model) => named(model),
        Key::Tool(Some(tool)) => named(tool),
        Key::Tool(None) => "(no tool call)".to_owned(),
        Key::Agent { name, is_main } if is_main => format!("{} (main)", named(name)),
        Key::Agent { name, .. } => named(name),
    }
}

/// A run's id, for a narrow column.
pub fn short_run(store: &Store, run: RunIx) -> String {
    brief_id(&store.run(run).id).into_owned()
}

/// `≈$0.42`; with `≥` if some readers have no known price.
pub fn toll(toll: &Toll) -> String {
    let cost = estimate(toll.cost);
    if toll.unpriced > 0 && toll.cost.is_some() {
        format!("≥{cost}")
    } else {
        cost
    }
}

/// `end of run`, or where the history was compacted.
pub fn until(store: &Store, toll: &Toll) -> String {
    match toll.end {
        End::Run => "end of run".to_owned(),
        End::Compacted(at) => format!("compaction, #{}", store.row(at).seq()),
    }
}

/// Why a prefix was not read from the cache, in words.
pub fn cause(store: &Store, miss: &Miss) -> String {
    let gap = miss
        .gap
        .get()
        .map_or_else(|| words::NOTHING.to_owned(), human::span);
    let before = store.row(miss.before).seq();
    let words = match &miss.cause {
        Cause::Model { from, .. } => {
            let model = words::name(store.symbols().name(*from));
            format!("different model: #{before} called {model}")
        }
        Cause::Request(difference) => match difference.path() {
            Some(path) => format!("history edited: {path} differs from #{before}"),
            None => format!("{} differ from #{before}", difference.about()),
        },
        Cause::Compacted => format!("history compacted since #{before}"),
        Cause::Gap {
            lifetime: Some(lifetime),
        } => {
            let kept = kept(*lifetime);
            format!("{gap} after #{before}: longer than the cache is kept ({kept})")
        }
        Cause::Gap { lifetime: None } => {
            format!("{gap} after #{before}: the provider may drop its cache after 5 minutes")
        }
        Cause::SamePrefix => format!("unknown: begins like #{before}, {gap} later"),
        Cause::NotRecorded => {
            format!("not recorded ({gap} after #{before}, requests not in the trace)")
        }
    };
    match miss.exactness {
        Some(Exactness::Reconstructed) => format!("{words} (reconstructed)"),
        Some(Exactness::Recorded) | None => words,
    }
}

/// `5-hour window: 12 % → 31 % used, until 2026-11-20 14:02`.
pub fn window(window: &Window, zone: &TimeZone) -> String {
    let minutes = window.length.get().unwrap_or(0) / 60_000_000;
    let name = match minutes {
        295..=305 => "5-hour window".to_owned(),
        10_075..=10_085 => "weekly window".to_owned(),
        minutes => format!("{minutes}-minute window"),
    };
    let (first, last) = (window.first_percent, window.last_percent);
    let used = format!("{name}: {first:.0} % → {last:.0} % used");
    if window.resets.is_some() {
        format!("{used}, until {}", words::date_time(window.resets, zone))
    } else {
        used
    }
}

fn kept(lifetime: Elapsed) -> String {
    lifetime.get().map_or_else(String::new, |us| {
        let minutes = us / 60_000_000;
        if minutes == 60 {
            "1 hour".to_owned()
        } else {
            format!("{minutes} minutes")
        }
    })
}
