//! How fast the pipeline is, floor by floor: `cargo bench`, or `cargo bench -- filter` for a part.
//!
//! Ratios to other programs, which hold on any machine, are in `ratios.sh` beside this file.

#[path = "pipeline/actions.rs"]
mod actions;
#[path = "pipeline/trace.rs"]
mod trace;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::ingest::Loaded;
use saferun_tui::ingest::bytes::Bytes;
use saferun_tui::ingest::discover::Input;
use saferun_tui::ingest::fact::Decoded;
use saferun_tui::ingest::formats;
use saferun_tui::ingest::loader::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::ingest::records::lines::{self, Desk};
use saferun_tui::query::eval::Query;
use saferun_tui::query::{Context, matches, parse};
use saferun_tui::store::Store;
use saferun_tui::store::search::{Needle, candidates};
use saferun_tui::tui;
use saferun_tui::tui::render::Headless;

fn main() {
    divan::main();
}

/// Sample traces by format: what decoding costs depends on the shape of records.
const SAMPLES: &[(&str, &str)] = &[
    ("saferun", "saferun/refund-agent.jsonl"),
    (
        "claude-code",
        "claude-code/5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34.jsonl",
    ),
    (
        "codex",
        "codex/rollout-2026-11-17T18-40-03-019a9d3e-5c41-7b02-9f6e-3d2c8a417e55.jsonl",
    ),
];

const GIGABYTE: u64 = 1_000_000_000;
const ROWS: u32 = 10_000_000;

static TRACE: LazyLock<PathBuf> = LazyLock::new(|| trace::file(GIGABYTE));
static TEN_MILLION: LazyLock<Store> = LazyLock::new(|| actions::store(ROWS));
static TRACE_STORE: LazyLock<Store> = LazyLock::new(|| load(&TRACE));

fn load(path: &Path) -> Store {
    let messages = loader::start(
        vec![Input::File(path.to_owned())],
        Options::new(PriceTable::built_in()),
    );
    let (store, errors) = Store::load(messages);
    assert!(errors.is_empty(), "{errors:?}");
    store
}

/// A sample, repeated to some megabytes.
fn sample(path: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-traces")
        .join(path);
    let text = std::fs::read(&path).expect("the samples come with the sources");
    let times = (4 << 20) / text.len() + 1;
    Bytes::Memory(std::sync::Arc::new(std::sync::Mutex::new(
        text.repeat(times),
    )))
}

fn decode_all(bytes: &Bytes, format: &dyn formats::Format) -> usize {
    let size = bytes.len().expect("memory has a size");
    let mut decoded = Decoded::default();
    let mut desk = Desk::default();
    let mut facts = 0;
    for block in lines::blocks(size) {
        decoded = desk
            .read(bytes, format, block, decoded)
            .expect("memory can be read");
        facts += decoded.facts.len();
    }
    facts
}

/// Lines found and checked, and nothing asked of them: what any format costs at least.
#[divan::bench]
fn splitting(bencher: Bencher) {
    let bytes = sample(SAMPLES[0].1);
    let size = bytes.len().expect("memory has a size");
    bencher
        .counter(BytesCount::new(size))
        .bench(|| decode_all(&bytes, &formats::any_json::AnyJson));
}

#[divan::bench(args = SAMPLES.iter().map(|(name, _)| *name))]
fn decoding(bencher: Bencher, name: &str) {
    let path = SAMPLES.iter().find(|(known, _)| *known == name);
    let bytes = sample(path.expect("one of the samples").1);
    let format = formats::by_name(name).expect("a known format");
    let size = bytes.len().expect("memory has a size");
    bencher
        .counter(BytesCount::new(size))
        .bench(|| decode_all(&bytes, format));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn indexing_a_gigabyte(bencher: Bencher) {
    let path = &*TRACE;
    bencher
        .counter(BytesCount::new(GIGABYTE))
        .bench(|| load(path).len());
}

#[divan::bench(
    args = ["kind:tool status:error", "tool:refund cost>0.02 latency>=2s"],
    sample_count = 20,
    sample_size = 1
)]
fn filter(bencher: Bencher, text: &str) {
    let store = &*TEN_MILLION;
    let expr = parse(text).expect("a filter");
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        let query = Query::compile(&expr, store, &Context::default());
        let found = matches::matches(store, &query, &CancelFlag::new(), &mut |_| {});
        found.rows.len()
    });
}

#[divan::bench(args = ["zzqqxx", "rollback"], sample_count = 5, sample_size = 1)]
fn search(bencher: Bencher, text: &str) {
    let store = &*TRACE_STORE;
    bencher.counter(BytesCount::new(GIGABYTE)).bench(|| {
        let mut found = 0;
        candidates(
            store,
            &Needle::new(text, false),
            &CancelFlag::new(),
            &mut |rows| found += rows.len(),
        );
        found
    });
}

#[divan::bench]
fn frame_of_ten_million_rows(bencher: Bencher) {
    let mut screen = Headless::new(&tui::Options::default(), (200, 60));
    for message in actions::messages(ROWS) {
        screen.load(message);
    }
    screen.load(Loaded::Done);
    screen.play("G");
    bencher.bench_local(|| screen.draw());
}

/// A run of 30,000 actions along its time, panned between two frames: at 60 frames a second there are 16 ms.
#[divan::bench]
fn frame_of_a_timeline_that_is_panned(bencher: Bencher) {
    let mut screen = Headless::new(&tui::Options::default(), (200, 60));
    for message in actions::messages(30_000) {
        screen.load(message);
    }
    screen.play("7 + + +");
    let mut keys = ["l", "h"].into_iter().cycle();
    bencher.bench_local(|| {
        screen.play(keys.next().unwrap_or("l"));
        screen.draw()
    });
}
