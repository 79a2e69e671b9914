//! The time and memory it takes to align two runs: `cargo bench --bench alignment`.

use divan::{AllocProfiler, Bencher};
use saferun_tui::analysis::diff::align;
use saferun_tui::analysis::diff::step::{CallOutcome, Sort, Step};
use saferun_tui::base::cancel::CancelFlag;

#[global_allocator]
static ALLOCATED: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const SIZES: &[usize] = &[1_000, 5_000, 30_000];

/// A pseudo-random number that is the same on every machine (`SplitMix64`).
fn random(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Mostly calls with a few arguments, sometimes text. `salt` makes all of a run unique.
fn step(at: u64, salt: u64) -> Step {
    let number = random(at ^ salt);
    if number.is_multiple_of(5) {
        let words = (0..40).map(|word| format!("word{}", random(number ^ word) % 900));
        return Step::words(Sort::Say, &words.collect::<Vec<_>>().join(" "));
    }
    let args = serde_json::json!({
        "file_path": format!("/work/src/module{}/file{}.rs", number % 40, number % 700),
        "offset": number % 2_000,
        "pattern": format!("fn name{}", number % 300),
        "description": (0..12).map(|word| format!("word{}", random(number ^ word) % 600)).collect::<Vec<_>>().join(" "),
    });
    let result = (number % 5_000).to_string();
    let outcome = CallOutcome {
        result: &result,
        is_error: number.is_multiple_of(37),
        is_blocked: false,
    };
    Step::call(&format!("tool{}", number % 12), &args, outcome)
}

fn run(len: usize, salt: u64) -> Vec<Step> {
    (0..len as u64).map(|at| step(at, salt)).collect()
}

/// A copy with one action in ten changed, removed or added.
fn edited(run: &[Step]) -> Vec<Step> {
    let steps = run.iter().enumerate().flat_map(|(at, own)| {
        let other = || step(at as u64, 0xed17);
        match random(at as u64 ^ 0x5eed) % 30 {
            0 => vec![],
            1 => vec![other()],
            2 => vec![own.clone(), other()],
            _ => vec![own.clone()],
        }
    });
    steps.collect()
}

fn aligned(bencher: Bencher, a: &[Step], b: &[Step]) {
    bencher.bench(|| {
        let aligned = align::align((a, b), &[], &CancelFlag::new());
        aligned.map(|it| (it.cost, it.is_approximate))
    });
}

/// The usual case: most actions have a counterpart.
#[divan::bench(args = SIZES, sample_count = 5)]
fn one_in_ten_edited(bencher: Bencher, len: usize) {
    let a = run(len, 0);
    let b = edited(&a);
    aligned(bencher, &a, &b);
}

/// The worst case: no action is an anchor.
#[divan::bench(args = SIZES, sample_count = 3)]
fn unrelated(bencher: Bencher, len: usize) {
    aligned(bencher, &run(len, 0), &run(len, 1 << 40));
}

/// Everything except reading bodies: turns arguments into keys and features.
#[divan::bench(args = SIZES, sample_count = 3)]
fn prepared(bencher: Bencher, len: usize) {
    bencher.bench(|| run(len, 0).len());
}
