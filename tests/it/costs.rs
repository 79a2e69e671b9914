//! Costs of real and of bundled traces: every list adds up to the totals of the runs, and to what independent programs count.

use std::path::{Path, PathBuf};

use saferun_tui::analysis::context::Exactness;
use saferun_tui::analysis::costs::misses::{self, Cause};
use saferun_tui::analysis::costs::spent::Spent;
use saferun_tui::analysis::costs::toll::{self, End};
use saferun_tui::analysis::costs::{Costs, lanes};
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::model::action::ActionIx;
use saferun_tui::model::quantity::{Cost, Tokens, Usage};
use saferun_tui::store::Store;

use crate::support::{load, samples, shared};

fn rows(store: &Store) -> Vec<ActionIx> {
    store.rows().map(|row| row.ix()).collect()
}

fn costs(store: &Store) -> Costs {
    Costs::of(
        store,
        &rows(store),
        &PriceTable::built_in(),
        &CancelFlag::new(),
    )
}

#[track_caller]
fn check_sums(path: &Path, store: &Store) {
    let costs = costs(store);
    let total = costs.total.cost().map_or(Cost::NONE, |(cost, _)| cost);
    let lists = [
        &costs.runs,
        &costs.turns,
        &costs.models,
        &costs.tools,
        &costs.agents,
    ];
    for lines in lists {
        let spent = lines.iter().map(|line| &line.spent);
        let usage = spent
            .clone()
            .fold(Usage::NONE, |sum, it| sum.plus(&it.usage));
        let cost = spent
            .filter_map(Spent::cost)
            .fold(Cost::NONE, |sum, it| sum + it.0);
        assert_eq!(
            (usage, cost),
            (costs.total.usage, total),
            "{}",
            path.display()
        );
    }
    let kinds = costs
        .kinds
        .iter()
        .filter(|line| line.kind.part_of().is_none());
    let kinds = kinds.fold(Cost::NONE, |sum, line| sum + line.cost);
    assert_eq!(kinds, total, "{}", path.display());
    let runs = store.runs().iter().map(|run| run.totals);
    let usage = runs
        .clone()
        .fold(Usage::NONE, |sum, it| sum.plus(&it.usage));
    let cost = runs.fold(Cost::NONE, |sum, it| {
        sum + it.recorded_cost + it.estimated_cost
    });
    assert_eq!(
        (costs.total.usage, total),
        (usage, cost),
        "{}",
        path.display()
    );
}

#[test]
fn every_list_adds_up_to_the_totals_of_the_runs() {
    for path in samples() {
        check_sums(&path, &load(std::slice::from_ref(&path)));
    }
}

/// One of these sessions of Claude Code.
fn session(id: &str) -> Option<(PathBuf, Store)> {
    let path = shared(&format!("data/agents/claude-code/spotter/{id}.jsonl"))?;
    let store = load(std::slice::from_ref(&path));
    Some((path, store))
}

const COMPACTED: &str = "258c7280-ae70-4798-800f-63464d01a85d";
const SWITCHED: &str = "ae4a77f8-aedd-4bc1-888f-c94edc91af04";

#[test]
fn costs_of_real_sessions_are_those_of_the_reference() {
    // By ccusage, with the subagents: input, output, cache read, cache write, US$.
    let reference = [
        (COMPACTED, [198, 38_908, 14_972_534, 394_137], 12.225_731),
        (
            "4d5611e5-241a-462a-8d15-5122611a9569",
            [233, 28_899, 12_387_553, 559_475],
            10.113_696,
        ),
    ];
    for (id, tokens, usd) in reference {
        let Some((path, store)) = session(id) else {
            return;
        };
        check_sums(&path, &store);
        let total = costs(&store).total;
        let usage = total.usage;
        let found = [
            usage.input,
            usage.output,
            usage.cache_read,
            usage.cache_write,
        ];
        assert_eq!(found.map(Tokens::or_zero), tokens);
        let cost = total
            .cost()
            .and_then(|(cost, _)| cost.usd())
            .expect("a cost");
        assert!((cost - usd).abs() < 0.000_001, "{cost} {usd}");
    }
}

#[test]
fn tolls_of_a_real_session_are_those_counted_by_hand() {
    let Some((_, store)) = session(COMPACTED) else {
        return;
    };
    let lanes = lanes::lanes(&store, |_| true, &PriceTable::built_in());
    let tolls = toll::tolls(&store, &rows(&store), &lanes, &CancelFlag::new());
    let tolls = tolls.expect("not cancelled");
    let seq = |ix: ActionIx| store.row(ix).seq();
    let told: Vec<_> = tolls
        .iter()
        .take(4)
        .map(|toll| (seq(toll.action), toll.tokens, toll.readers, toll.cost))
        .collect();
    // By a program of its own that knows only the lines of the file.
    let expected = [
        (75, 6725, 79, Cost(393_426_000_000)),
        (17, 5604, 99, Cost(383_878_500_000)),
        (65, 5619, 83, Cost(339_954_000_000)),
        (73, 5676, 80, Cost(334_888_500_000)),
    ];
    assert_eq!(told, expected);
    let ends: Vec<_> = tolls.iter().take(4).map(|toll| toll.end).collect();
    assert!(
        ends.iter()
            .all(|end| matches!(end, End::Compacted(at) if seq(*at) == 260))
    );
}

/// The call, the call before, kept and lost tokens, what the rebuild cost.
type MissFigures = (u32, u32, u64, u64, Cost);

fn missed(store: &Store) -> Vec<(MissFigures, Cause, Option<Exactness>)> {
    let lanes = lanes::lanes(store, |_| true, &PriceTable::built_in());
    let misses = misses::misses(store, &lanes, &CancelFlag::new()).expect("not cancelled");
    let seq = |ix: ActionIx| store.row(ix).seq();
    let told = misses.found.into_iter().map(|it| {
        let told = (seq(it.call), seq(it.before), it.kept, it.tokens, it.cost);
        (told, it.cause, it.exactness)
    });
    told.collect()
}

#[test]
fn cache_misses_of_real_sessions_have_the_causes_found_by_hand() {
    let Some((_, store)) = session(COMPACTED) else {
        return;
    };
    let told = missed(&store);
    // A person interrupted the first, a task that ended woke the second: both kept the system prompt only.
    let figures: Vec<MissFigures> = told.iter().map(|(told, ..)| *told).collect();
    let expected = [
        (95, 90, 21_460, 89_607, Cost(89_607 * 10_000_000)),
        (383, 380, 21_460, 55_080, Cost(55_080 * 10_000_000)),
    ];
    assert_eq!(figures[..2], expected);
    let causes: Vec<&str> = told.iter().map(|(_, cause, _)| cause.word()).collect();
    assert_eq!(causes, ["not_recorded", "not_recorded", "compacted"]);
    let Some((_, store)) = session(SWITCHED) else {
        return;
    };
    let causes: Vec<_> = missed(&store)
        .into_iter()
        .map(|((call, before, ..), cause, _)| (call, before, cause.word()))
        .collect();
    assert_eq!(causes, [(317, 19, "gap"), (39, 19, "model")]);
}
