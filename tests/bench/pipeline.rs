//! The speed of each stage of the pipeline: `cargo bench`, or `cargo bench -- filter` for one.
//!
//! `ratios.sh` next to this file measures ratios to other programs, which hold on any machine.

#[path = "pipeline/actions.rs"]
mod actions;
#[path = "pipeline/trace.rs"]
mod trace;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use saferun_tui::analysis::policy::set::{Policies, Set};
use saferun_tui::analysis::policy::{File, Scope};
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::ingest::Loaded;
use saferun_tui::ingest::bytes::Bytes;
use saferun_tui::ingest::discover::Input;
use saferun_tui::ingest::fact::Decoded;
use saferun_tui::ingest::formats;
use saferun_tui::ingest::intake::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::ingest::records::lines::{self, ReadBuffers};
use saferun_tui::ingest::records::{document, pieces};
use saferun_tui::query::eval::Query;
use saferun_tui::query::{Context, matches, parse};
use saferun_tui::store::Store;
use saferun_tui::store::search::{Needle, candidates};
use saferun_tui::tui;
use saferun_tui::tui::render::Headless;
use serde_json::Value;

fn main() {
    divan::main();
}

/// The amount of data to decode, made by repeating a sample.
const DECODE_BYTES: usize = 4 << 20;

const GIGABYTE: u64 = 1_000_000_000;
const ROWS: u32 = 10_000_000;

static TRACE: LazyLock<PathBuf> = LazyLock::new(|| trace::file(GIGABYTE));
static TEN_MILLION: LazyLock<Store> = LazyLock::new(|| actions::store(ROWS));
static TRACE_STORE: LazyLock<Store> = LazyLock::new(|| load(&TRACE));

fn load(path: &Path) -> Store {
    let messages = intake::load(
        vec![Input::File(path.to_owned())],
        Options::new(PriceTable::built_in()),
    );
    let (store, errors) = Store::load(messages);
    assert!(errors.is_empty(), "{errors:?}");
    store
}

/// The first sample of a format, since the cost of decoding depends on the shape of the records.
fn sample(format: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-traces")
        .join(format);
    let entries = std::fs::read_dir(&folder).expect("the samples come with the sources");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.is_file());
    files.min().expect("a sample that is a file")
}

/// A sample with repeated lines, or a document that is read several times to make up the length.
struct Sample {
    bytes: Bytes,
    /// How often a document is read; `None` for lines.
    documents: Option<usize>,
}

impl Sample {
    fn new(format: &str) -> Sample {
        let path = sample(format);
        let text = std::fs::read(&path).expect("a sample");
        let times = DECODE_BYTES / text.len() + 1;
        let is_document = path.extension().is_some_and(|ending| ending != "jsonl");
        let text = if is_document {
            text
        } else {
            text.repeat(times)
        };
        Sample {
            bytes: Bytes::Memory(std::sync::Arc::new(std::sync::Mutex::new(text))),
            documents: is_document.then_some(times),
        }
    }

    fn len(&self) -> u64 {
        let size = self.bytes.len().expect("memory has a size");
        size * self.documents.unwrap_or(1) as u64
    }

    /// Parses all values without reading them.
    fn parse(&self) -> usize {
        let size = self.bytes.len().expect("memory has a size");
        let bytes = self
            .bytes
            .slice(0, size as usize)
            .expect("memory can be read");
        let parse = || {
            let values = serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>();
            values.map_while(Result::ok).count()
        };
        (0..self.documents.unwrap_or(1)).map(|_| parse()).sum()
    }

    fn decode(&self, format: &dyn formats::Format) -> usize {
        let Some(times) = self.documents else {
            return decode_all(&self.bytes, format);
        };
        let mut facts = 0;
        for _ in 0..times {
            if format.lists().is_none() {
                let size = self.len() / times as u64;
                let read = document::read(&self.bytes, format, size);
                facts += read.expect("memory can be read").facts.len();
                continue;
            }
            let read = pieces::read(&self.bytes, format, |decoded| {
                facts += decoded.expect("memory can be read").facts.len();
                Ok::<(), ()>(())
            });
            read.expect("it is not cancelled");
        }
        facts
    }
}

fn decode_all(bytes: &Bytes, format: &dyn formats::Format) -> usize {
    let size = bytes.len().expect("memory has a size");
    let mut decoded = Decoded::default();
    let mut buffers = ReadBuffers::default();
    let mut facts = 0;
    for block in lines::blocks(size) {
        decoded = buffers
            .read(bytes, format, block, decoded)
            .expect("memory can be read");
        facts += decoded.facts.len();
    }
    facts
}

/// Only finds and checks lines: a lower bound for every format.
#[divan::bench]
fn splitting(bencher: Bencher) {
    let sample = Sample::new("saferun");
    bencher
        .counter(BytesCount::new(sample.len()))
        .bench(|| sample.decode(&formats::any_json::AnyJson));
}

/// The same samples, parsed by a general parser: no format should take more than twice as long.
#[divan::bench(args = formats::all().map(formats::Format::name), sample_count = 20)]
fn parsing(bencher: Bencher, name: &str) {
    let sample = Sample::new(name);
    bencher
        .counter(BytesCount::new(sample.len()))
        .bench(|| sample.parse());
}

/// Every format with a single-file sample.
#[divan::bench(args = formats::all().map(formats::Format::name), sample_count = 20)]
fn decoding(bencher: Bencher, name: &str) {
    let sample = Sample::new(name);
    let format = formats::by_name(name).expect("a known format");
    bencher
        .counter(BytesCount::new(sample.len()))
        .bench(|| sample.decode(format));
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

/// The timeline of a run of 30,000 actions, panned between two frames. At 60 frames per second,
/// there are 16 ms.
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

/// Denies one tool and asks for another, whatever their arguments.
fn rules(_: &[PathBuf], _: &[&str]) -> Result<Policies, String> {
    let text = "[[rule]]\nid = \"a\"\neffect = \"deny\"\ntool = \"refund\"\n\
                [[rule]]\nid = \"b\"\neffect = \"ask\"\ntool = \"bash\"\n";
    let files = vec![File {
        path: "policy.toml".to_owned(),
        text: text.to_owned(),
        root: None,
        in_force: true,
        scope: Scope::User,
    }];
    let set = Set::read(&files).map_err(|refusal| format!("{refusal:?}"))?;
    Ok(Policies { files, set })
}

/// A policy over a million actions that changes many of them, scrolled between two frames.
#[divan::bench]
fn frame_with_a_policy_over_it(bencher: Bencher) {
    let mut options = tui::Options::default();
    options.setup.policies.read = rules;
    let mut screen = Headless::new(&options, (200, 60));
    for message in actions::messages(1_000_000) {
        screen.load(message);
    }
    screen.load(Loaded::Done);
    screen.play("w g");
    let mut keys = ["pagedown", "pageup"].into_iter().cycle();
    bencher.bench_local(|| {
        screen.play(keys.next().unwrap_or("pagedown"));
        screen.draw()
    });
}
