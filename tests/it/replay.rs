//! The state of a run after its last step matches its totals.

use std::path::PathBuf;

use saferun_tui::analysis::replay::{State, Tape};
use saferun_tui::model::run::RunIx;
use saferun_tui::store::Store;

use crate::support::{load, sample, shared};

fn check(store: &Store, name: &str) {
    for (number, run) in store.runs().iter().enumerate() {
        let tape = Tape::new(store, RunIx(number as u32));
        let end = tape.state(store, tape.len());
        let totals = &run.totals;
        let counted = (
            end.steps as u32,
            end.tool_calls,
            end.errors,
            end.blocked,
            end.denied,
            end.retries,
            end.unpriced,
        );
        let expected = (
            totals.actions,
            totals.tool_calls,
            totals.errors,
            totals.blocked,
            totals.denied,
            totals.retries,
            totals.unpriced,
        );
        assert_eq!(counted, expected, "{name} {}", run.id);
        assert_eq!(end.usage, totals.usage, "{name} {}", run.id);
        assert_eq!(end.recorded_cost, totals.recorded_cost, "{name} {}", run.id);
        assert_eq!(
            end.estimated_cost, totals.estimated_cost,
            "{name} {}",
            run.id
        );
        assert_eq!(
            end.tools.iter().map(|(_, calls)| calls).sum::<u32>(),
            totals.tool_calls
        );
        walk(store, &tape);
    }
}

/// Stepping gives the same state as folding anew, checked at some of the steps.
fn walk(store: &Store, tape: &Tape) {
    let mut state = State::default();
    for step in 0..tape.len() {
        if step.is_multiple_of(97) {
            assert_eq!(state, tape.state(store, step));
        }
        state.step(&store.row(tape.get(step).expect("a step")));
    }
}

#[test]
fn the_state_after_the_last_step_matches_the_totals() {
    for path in ["saferun", "claude-code", "codex", "refund-cohort"] {
        check(&load(&[sample(path)]), path);
    }
    let real: Vec<PathBuf> = ["data/agents/claude-code", "data/agents/codex"]
        .iter()
        .filter_map(|path| shared(path))
        .collect();
    for path in real {
        let inputs = saferun_tui::ingest::discover::resolve(
            &[path],
            saferun_tui::ingest::discover::Shown::AllJson,
        )
        .inputs;
        for input in inputs {
            let name = format!("{input:?}");
            let prices = saferun_tui::ingest::prices::PriceTable::built_in();
            let options = saferun_tui::ingest::intake::Options::new(prices);
            let (store, _) = Store::load(saferun_tui::ingest::intake::load(vec![input], options));
            check(&store, &name);
        }
    }
}
