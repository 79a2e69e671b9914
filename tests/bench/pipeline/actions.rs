//! Millions of actions without a file.

use std::path::PathBuf;
use std::sync::Arc;

use saferun_tui::ingest::bytes::Bytes;
use saferun_tui::ingest::formats;
use saferun_tui::ingest::records::Framing;
use saferun_tui::ingest::{Batch, Loaded, Source};
use saferun_tui::model::action::{ActionIx, Flags, Kind, Place, SourceIx, Status};
use saferun_tui::model::chunk::{CHUNK_ROWS, NewAction};
use saferun_tui::model::outcome::Settled;
use saferun_tui::model::quantity::{Cost, Elapsed, Time};
use saferun_tui::model::run::{Run, RunIx, RunStatus, Totals, Who};
use saferun_tui::model::symbol::Sym;
use saferun_tui::store::Store;

const TOOLS: [&str; 5] = ["bash", "edit", "refund", "search", "read_file"];

/// A store of `rows` actions.
pub(crate) fn store(rows: u32) -> Store {
    let (store, errors) = Store::load(messages(rows));
    assert!(errors.is_empty(), "{errors:?}");
    store
}

/// The messages of a loader that found `rows` actions in one run.
pub(crate) fn messages(rows: u32) -> impl Iterator<Item = Loaded> {
    let format = formats::by_name("saferun").expect("a known format");
    let source = Source::new(
        PathBuf::from("bench.jsonl"),
        Bytes::Static(b""),
        (format, Framing::Lines),
    );
    let batches = (0..rows).step_by(CHUNK_ROWS).map(move |first| {
        let mut batch = Batch::default();
        if first == 0 {
            batch.symbols = TOOLS.map(Into::into).to_vec();
            batch.runs = vec![(RunIx(0), Arc::new(run(rows)))];
        }
        for ix in first..rows.min(first + CHUNK_ROWS as u32) {
            push(&mut batch, ix);
        }
        Loaded::Batch(Box::new(batch))
    });
    std::iter::once(Loaded::Sources(vec![Arc::new(source)])).chain(batches)
}

fn run(actions: u32) -> Run {
    Run {
        id: "bench".into(),
        source: SourceIx(0),
        who: Who::default(),
        started: Time(0),
        ended: Time(i64::from(actions)),
        status: RunStatus::Ok,
        totals: Totals {
            actions,
            ..Totals::default()
        },
        lanes: Vec::new(),
        took: saferun_tui::model::quantity::Elapsed::NONE,
        parent_run: None,
        score: None,
        correct: None,
        first_action: ActionIx(0),
        first_prompt: ActionIx::NONE,
        inherited: None,
        title: None,
        span_name: None,
    }
}

/// Columns that repeat only after 4099 rows, a prime, so that no two chunks are alike.
fn push(batch: &mut Batch, ix: u32) {
    let seed = (ix % 4099).wrapping_mul(2_654_435_761);
    let row = batch.chunk.len();
    batch.chunk.push(&NewAction {
        kind: Kind::ALL[seed as usize % 8],
        run: RunIx(0),
        turn: (seed >> 3) % 9,
        seq: ix + 1,
        agent: Sym::NONE,
        tool: Sym((seed >> 9) % (TOOLS.len() as u32 + 1)),
        model: Sym::NONE,
        time: Time(i64::from(ix) * 20_000),
        parent: ActionIx::NONE,
        source: SourceIx(0),
        line: ix + 1,
        place: Place::NONE,
        flags: Flags::NONE,
    });
    batch.outcomes.push(Flags::NONE);
    let cost = seed
        .is_multiple_of(3)
        .then(|| Cost(i64::from((seed >> 7) % 60) * 1_000_000_000));
    let duration = (seed % 5 > 1).then(|| Elapsed(i64::from((seed >> 4) % 4_000_000)));
    let news = Settled {
        status: Some(Status::ALL[(seed >> 5) as usize % 5]),
        cost: cost.unwrap_or(Cost::NONE),
        duration: duration.unwrap_or(Elapsed::NONE),
        ..Settled::new(ActionIx(ix))
    };
    batch.outcomes.settle(row, &news);
}
