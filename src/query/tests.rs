use std::sync::Arc;

use proptest::prelude::*;

use crate::base::cancel::CancelFlag;
use crate::ingest::Batch;
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx, Status};
use crate::model::chunk::{CHUNK_ROWS, NewAction};
use crate::model::outcome::Settled;
use crate::model::quantity::{Cost, Elapsed, Time};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::query::eval::{Buffers, Query, Tally};
use crate::query::expr::Expr;
use crate::query::matches::{Matches, matches};
use crate::query::runs::{runs, with_hits};
use crate::query::{Context, parse};
use crate::store::Store;
use crate::store::row::Row;

const TRACE: &str = r#"{"type":"run_start","run_id":"r1","ts":"2026-11-22T10:00:00Z","agent":"support","model":"gpt-4o","user":"u-481","env":"prod"}
{"type":"prompt","run_id":"r1","id":"e1","ts":"2026-11-22T10:00:01Z","role":"user","content":"Refund order 8841, \"caf\u00e9\" arrived <damaged>."}
{"type":"response","run_id":"r1","id":"e2","ts":"2026-11-22T10:00:02Z","model":"gpt-4o","content":"ok","usage":{"input_tokens":812,"output_tokens":41},"cost_usd":0.00244,"duration_ms":912}
{"type":"tool_call","run_id":"r1","id":"c1","ts":"2026-11-22T10:00:03Z","tool":"refund","args":{"order_id":"8841","amount":4200,"note":"n/a","items":[{"sku":"a1"},{"sku":"b2"}]}}
{"type":"policy_decision","run_id":"r1","call_id":"c1","policy":"refund-cap","rule":"r3","decision":"require_approval","reason":"amount over 500"}
{"type":"approval","run_id":"r1","call_id":"c1","state":"denied","by":"lead@example.com","reason":"order total is 420","wait_ms":40164}
{"type":"tool_result","run_id":"r1","call_id":"c1","ts":"2026-11-22T10:00:41Z","status":"denied","duration_ms":40167}
{"type":"tool_call","run_id":"r1","id":"c2","ts":"2026-11-22T10:05:00Z","tool":"search","args":{"amount":"many","query":"status"}}
{"type":"tool_result","run_id":"r1","call_id":"c2","ts":"2026-11-22T10:05:01Z","status":"error","error":{"type":"Timeout","message":"no answer"},"result":"{\"code\":504}","duration_ms":1000}
{"type":"run_end","run_id":"r1","ts":"2026-11-22T10:05:02Z","status":"ok"}
{"type":"run_start","run_id":"r2","ts":"2026-11-22T11:00:00Z","agent":"planner","user":"bot"}
{"type":"tool_call","run_id":"r2","id":"c1","ts":"2026-11-22T11:00:01Z","tool":"search","args":{"query":"refund"}}
"#;

fn load(text: &'static str) -> Store {
    let input = Input::Bundled {
        name: "test.jsonl",
        bytes: text.as_bytes(),
        companions: &[],
    };
    let (store, errors) = Store::load(intake::load(
        vec![input],
        Options::new(PriceTable::default()),
    ));
    assert!(errors.is_empty(), "{errors:?}");
    store
}

fn context() -> Context {
    let now = "2026-11-22T11:00:02Z"
        .parse::<jiff::Timestamp>()
        .expect("a filter");
    Context {
        now: Time(now.as_microsecond()),
        marked: Arc::new([2].into()),
        ..Context::default()
    }
}

fn find(store: &Store, expr: &Expr) -> Matches {
    let query = Query::compile(expr, store, &context());
    matches(store, &query, &CancelFlag::new(), &mut |_| {})
}

/// Checks `run:line` of the actions of [`TRACE`] that match.
#[track_caller]
fn check(filter: &str, lines: &[u32]) {
    let store = load(TRACE);
    let expr = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let found: Vec<u32> = find(&store, &expr)
        .rows
        .iter()
        .map(|ix| store.row(*ix).line())
        .collect();
    assert_eq!(found, lines, "{filter}");
}

#[track_caller]
fn check_runs(filter: &str, expected: &[u32]) {
    let store = load(TRACE);
    let found: Vec<u32> = runs(
        &store,
        &parse(filter).expect("a filter"),
        &context(),
        &CancelFlag::new(),
    )
    .iter()
    .map(|run| run.0)
    .collect();
    assert_eq!(found, expected, "{filter}");
}

#[test]
fn names_match_as_globs_with_smart_case() {
    check("tool:refund", &[4]);
    check("tool:RE*", &[]);
    check("tool:?e*d", &[4]);
    check("tool=Refund", &[]);
    check("tool!=refund", &[8, 12]);
    check("tool~und$", &[4]);
    check("tool:(refund|search) run:r1", &[4, 8]);
    check("policy:refund-* rule:r3 decision:require_approval", &[4]);
    check("user:u-* kind:tool", &[4, 8]);
    check("file:test.jsonl run:r2", &[11, 12]);
}

#[test]
fn numbers_are_compared_in_their_units() {
    check("latency>=1s", &[4, 8]);
    check("latency<1s", &[3]);
    check("wait:40s..41s", &[4]);
    check("cost:$0.00244", &[3]);
    check("cost!=0.00244", &[]);
    check("tokens>0.8k", &[3]);
    check("tokens.out=41", &[3]);
}

#[test]
fn a_missing_value_is_false_either_way_and_true_under_not() {
    check("kind:tool cost>0", &[]);
    check("kind:tool cost!=1", &[]);
    check("kind:tool -cost>0", &[4, 8, 12]);
    check("kind:tool args.amount!=1", &[4, 8]);
    check("kind:tool -has:args.amount", &[12]);
}

#[test]
fn searches_arguments_and_results() {
    check("args.amount>500", &[4]);
    check("args.amount:4000..5000", &[4]);
    check("args.amount:many", &[8]);
    check("args.items[*].sku:b2", &[4]);
    check("args.items.0.sku=a1", &[4]);
    check("args.items:b*", &[4]);
    check("result.code:504", &[8]);
    check("error:timeout", &[8]);
    check("has:error", &[8]);
}

#[test]
fn counts_rows_where_a_number_is_compared_with_text() {
    let store = load(TRACE);
    let found = find(&store, &parse("args.amount>500").expect("a filter"));
    assert_eq!(
        found.tally,
        Tally {
            judged: 2,
            unjudged: 1
        }
    );
}

#[test]
fn finds_words_in_names_arguments_results_and_text() {
    check("refund", &[2, 4, 12]);
    check("Refund", &[2]);
    check("in:text refund", &[2]);
    check("in:args refund", &[12]);
    check("\"order total\"", &[4]);
    check("504", &[8]);
    check("café", &[2]);
    check("\"<dam\"", &[2]);
    check("sku", &[4]);
    check("n/a", &[4]);
    check("/Ref.nd/", &[2]);
    check("tool_call", &[]);
}

#[test]
fn states_match_the_trace() {
    check("is:denied", &[4]);
    check("is:error", &[8]);
    check("is:pending", &[12]);
    check("is:marked", &[3]);
    check("has:approval", &[4]);
    check("is:approved", &[]);
}

#[test]
fn times_are_relative_to_now_or_times_of_day() {
    check("since:1m", &[11, 12]);
    check("since:2026-11-22T11:00:00Z", &[11, 12]);
    check("since:2026-11-22T12:00:01+01:00", &[12]);
    check("since:2026-11-23", &[]);
    check("at:10:05 kind:tool", &[8]);
    check("at:10:00..10:04 kind:tool", &[4]);
    check("at:10:59..10:00 kind:tool", &[4, 12]);
}

#[test]
fn runs_come_with_their_first_matching_action() {
    let hits = |filter: &str| {
        let expr = parse(filter).expect("a filter");
        let (kept, hits) = with_hits(&load(TRACE), &expr, &context(), &CancelFlag::new());
        let of = |run: &RunIx| (run.0, hits.get(run).map(|ix| ix.0));
        kept.iter().map(of).collect::<Vec<_>>()
    };
    assert!(hits("tool:search").iter().all(|(_, hit)| hit.is_some()));
    assert_eq!(hits("tokens>800"), [(0, None)]);
    assert_eq!(hits("-tool:refund"), [(1, None)]);
    assert_eq!(hits("tool:search is:error").len(), 1);
}

#[test]
fn runs_are_tested_as_a_whole() {
    check_runs("", &[0, 1]);
    check_runs("tool:search", &[0, 1]);
    check_runs("tool:search is:error", &[0]);
    check_runs("-tool:refund", &[1]);
    check_runs("tokens>800", &[0]);
    check_runs("latency>5m status:ok", &[0]);
    check_runs("status:unfinished", &[]);
    check_runs("user:bot tool:search", &[1]);
    check_runs("agent:nobody OR calls:2", &[0]);
}

#[test]
fn a_text_is_found_in_the_id_of_a_run() {
    check_runs("r2", &[1]);
    check_runs("R2", &[]);
    check_runs("/^r/", &[0, 1]);
    check_runs("-r2", &[0]);
    check_runs("in:args r2", &[]);
    // The other terms are those of one action.
    check_runs("r1 tool:search is:error", &[0]);
    check_runs("r2 tool:search is:error", &[]);
    check_runs("r2 user:bot", &[1]);
    check_runs("r1 r2", &[]);
    let expr = parse("r2").expect("a filter");
    let (kept, hits) = with_hits(&load(TRACE), &expr, &context(), &CancelFlag::new());
    assert_eq!((kept, hits.len()), (vec![RunIx(1)], 0));
}

#[test]
fn a_malformed_line_is_found_by_its_bytes() {
    let store =
        load("{\"type\":\"prompt\",\"run_id\":\"r\",\"content\":\"fine\"}\n{broken needle\n");
    let found = find(&store, &parse("needle is:malformed").expect("a filter"));
    assert_eq!(found.rows.len(), 1);
}

#[test]
fn a_compiled_query_adds_names_that_arrive_later() {
    let mut store = synthetic(&[Sample::default()], 1);
    let mut query = Query::compile(&parse("tool:late").expect("a filter"), &store, &context());
    let late = Sym(store.symbols().len() + 1);
    let mut batch = Batch {
        symbols: vec!["late".into()],
        ..Batch::default()
    };
    push(
        &mut batch,
        &Sample {
            tool: late.0,
            ..Sample::default()
        },
    );
    store.append(batch);
    query.extend(&store);
    assert!(query.test(&store.row(ActionIx(1)), &mut Buffers::default()));
    assert!(!query.test(&store.row(ActionIx(0)), &mut Buffers::default()));
}

#[test]
fn stops_when_cancelled() {
    let store = synthetic(&[Sample::default()], CHUNK_ROWS * 2);
    let query = Query::compile(&Expr::All, &store, &context());
    let cancel = CancelFlag::new();
    let found = matches(&store, &query, &cancel, &mut |_| cancel.raise());
    assert_eq!(found.rows.len(), CHUNK_ROWS);
}

/// One action of a store without files.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    kind: usize,
    status: usize,
    tool: u32,
    turn: u32,
    cost: Option<i64>,
    latency: Option<i64>,
    time: Option<i64>,
    retry: bool,
}

const TOOLS: [&str; 5] = ["bash", "edit", "refund", "Search", "read_file"];

fn push(batch: &mut Batch, sample: &Sample) {
    let row = batch.chunk.len();
    batch.chunk.push(&NewAction {
        kind: Kind::ALL[sample.kind],
        run: RunIx(0),
        turn: sample.turn,
        seq: row as u32 + 1,
        agent: Sym::NONE,
        tool: Sym(sample.tool),
        model: Sym::NONE,
        time: sample.time.map_or(Time::NONE, Time),
        parent: ActionIx::NONE,
        source: SourceIx(0),
        line: row as u32 + 1,
        place: Place::NONE,
        flags: if sample.retry {
            Flags::RETRY
        } else {
            Flags::NONE
        },
    });
    batch.outcomes.push(if sample.retry {
        Flags::RETRY
    } else {
        Flags::NONE
    });
    let news = Settled {
        status: Some(Status::ALL[sample.status]),
        cost: sample.cost.map_or(Cost::NONE, Cost),
        duration: sample.latency.map_or(Elapsed::NONE, Elapsed),
        ..Settled::new(ActionIx(0))
    };
    batch.outcomes.settle(row, &news);
}

/// A store of `len` actions that repeat `samples`.
fn synthetic(samples: &[Sample], len: usize) -> Store {
    let mut store = Store::new();
    let mut samples = samples.iter().cycle();
    let mut symbols: Vec<Box<str>> = TOOLS.iter().map(|tool| (*tool).into()).collect();
    for start in (0..len).step_by(CHUNK_ROWS) {
        let mut batch = Batch {
            symbols: std::mem::take(&mut symbols),
            ..Batch::default()
        };
        samples
            .by_ref()
            .take(CHUNK_ROWS.min(len - start))
            .for_each(|sample| push(&mut batch, sample));
        store.append(batch);
    }
    store
}

fn sample() -> impl Strategy<Value = Sample> {
    let dollars = prop::option::of((0..5_i64).prop_map(|cents| cents * 10_000_000_000));
    let times = prop::option::of((0..48_i64).prop_map(|half_hours| half_hours * 1_800_000_000));
    let counts = (
        0..Kind::ALL.len(),
        0..Status::ALL.len(),
        0..=TOOLS.len() as u32,
        0..6_u32,
    );
    (
        counts,
        dollars,
        prop::option::of(0..5_000_000_i64),
        times,
        any::<bool>(),
    )
        .prop_map(
            |((kind, status, tool, turn), cost, latency, time, retry)| Sample {
                kind,
                status,
                tool,
                turn,
                cost,
                latency,
                time,
                retry,
            },
        )
}

type Naive = fn(&Row<'_>) -> bool;

/// Terms, each with a naive implementation for one row.
const TERMS: &[(&str, Naive)] = &[
    ("kind:tool", |row| row.kind() == Kind::ToolCall),
    ("kind!=note", |row| row.kind() != Kind::Note),
    ("kind:(error|run_*)", |row| {
        matches!(row.kind(), Kind::Error | Kind::RunStart | Kind::RunEnd)
    }),
    ("status:error", |row| row.status() == Status::Error),
    ("inferred:no", |row| !row.flags().has(Flags::INFERRED)),
    ("status!=ok", |row| {
        !matches!(row.status(), Status::Ok | Status::Unrecorded)
    }),
    ("tool:refund", |row| row.tool() == "refund"),
    ("tool:*e*", |row| row.tool().contains('e')),
    ("tool!=bash", |row| {
        !row.tool().is_empty() && row.tool() != "bash"
    }),
    ("tool:search", |row| row.tool() == "Search"),
    ("tool=search", |_| false),
    ("turn:2..4", |row| (2..=4).contains(&row.turn())),
    ("turn!=3", |row| row.turn() != 3),
    ("cost>0.02", |row| {
        row.cost().usd().is_some_and(|usd| usd > 0.02)
    }),
    ("cost:(0|0.01)", |row| {
        matches!(row.cost().get(), Some(0 | 10_000_000_000))
    }),
    ("cost!=0.01", |row| {
        row.cost().get().is_some_and(|cost| cost != 10_000_000_000)
    }),
    ("has:cost", |row| row.cost().is_some()),
    ("latency<=1s", |row| {
        row.duration().get().is_some_and(|us| us <= 1_000_000)
    }),
    ("is:retry", |row| row.flags().has(Flags::RETRY)),
    ("retry:no", |row| !row.flags().has(Flags::RETRY)),
    ("at:03:00..05:59", |row| {
        row.time()
            .get()
            .is_some_and(|us| (3..6).contains(&(us / 3_600_000_000 % 24)))
    }),
    ("is:error", |row| {
        matches!(row.status(), Status::Error | Status::Timeout) || row.kind() == Kind::Error
    }),
    ("seq<9", |row| row.seq() < 9),
];

/// A filter, with a naive implementation for one row.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(usize),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Tree::Leaf(number) => TERMS[*number].0.to_owned(),
            Tree::And(a, b) => format!("({} {})", a.text(), b.text()),
            Tree::Or(a, b) => format!("({} | {})", a.text(), b.text()),
            Tree::Not(inner) => format!("-({})", inner.text()),
        }
    }

    fn is_true_of(&self, row: &Row<'_>) -> bool {
        match self {
            Tree::Leaf(number) => TERMS[*number].1(row),
            Tree::And(a, b) => a.is_true_of(row) && b.is_true_of(row),
            Tree::Or(a, b) => a.is_true_of(row) || b.is_true_of(row),
            Tree::Not(inner) => !inner.is_true_of(row),
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    (0..TERMS.len())
        .prop_map(Tree::Leaf)
        .prop_recursive(3, 12, 2, |inner| {
            let pair = (inner.clone(), inner.clone());
            prop_oneof![
                pair.clone()
                    .prop_map(|(a, b)| Tree::And(a.into(), b.into())),
                pair.prop_map(|(a, b)| Tree::Or(a.into(), b.into())),
                inner.prop_map(|inner| Tree::Not(inner.into())),
            ]
        })
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec(sample(), 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn columns_agree_with_a_test_row_by_row(tree in tree(), samples in samples(), more in 0..CHUNK_ROWS) {
        let store = synthetic(&samples, samples.len() + more);
        let expected: Vec<ActionIx> = store.rows().filter(|row| tree.is_true_of(row)).map(|row| row.ix()).collect();
        prop_assert_eq!(find(&store, &parse(&tree.text()).expect("a filter")).rows, expected);
    }

    #[test]
    fn two_filters_together_are_one_after_the_other(p in tree(), q in tree(), samples in samples()) {
        let store = synthetic(&samples, samples.len());
        let rows = |text: String| find(&store, &parse(&text).expect("a filter")).rows;
        let query = Query::compile(&parse(&q.text()).expect("a filter"), &store, &context());
        let first = rows(p.text());
        let mut buffers = Buffers::default();
        let mut then = first.clone();
        then.retain(|ix| query.test(&store.row(*ix), &mut buffers));
        prop_assert_eq!(rows(format!("{} {}", p.text(), q.text())), then);
        prop_assert_eq!(rows(format!("{} {}", p.text(), p.text())), first.clone());
        prop_assert!(first.is_sorted());
    }

    #[test]
    fn any_part_of_a_chunk_gives_that_part_of_the_answer(tree in tree(), samples in samples(), from in 0..200_usize, to in 0..200_usize) {
        let store = synthetic(&samples, samples.len());
        let query = Query::compile(&parse(&tree.text()).expect("a filter"), &store, &context());
        let (part, _) = query.test_chunk(&store, 0, from..to, &mut Buffers::default());
        let whole = find(&store, &parse(&tree.text()).expect("a filter")).rows;
        let expected: Vec<usize> = whole.iter().map(|ix| ix.0 as usize).filter(|row| (from..to).contains(row)).collect();
        prop_assert_eq!(part.rows().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn calls_are_found_by_what_their_tool_does_and_by_their_command() {
    const CALLS: &str = r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"Bash","args":{"command":"git push origin main"}}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"exec_command","args":{"cmd":["bash","-lc","git status"]}}
{"type":"tool_call","run_id":"r1","id":"c3","tool":"Read","args":{"file_path":"git push"}}
{"type":"tool_call","run_id":"r1","id":"c4","tool":"mcp__shop__refund","args":{"command":"git push"}}
{"type":"note","run_id":"r1","id":"n1","content":"git push"}
"#;
    let store = load(CALLS);
    for (filter, lines) in [
        ("class:shell", vec![1, 2]),
        ("class:(read|mcp)", vec![3, 4]),
        ("class!=shell", vec![3, 4]),
        ("has:class", vec![1, 2, 3, 4]),
        ("command:\"git push\"", vec![1]),
        ("command=\"git status\"", vec![2]),
        ("command~^git", vec![1, 2]),
        ("has:command -command:push", vec![2]),
    ] {
        let found = find(&store, &parse(filter).expect("a filter")).rows;
        let found: Vec<u32> = found.iter().map(|ix| store.row(*ix).line()).collect();
        assert_eq!(found, lines, "{filter}");
    }
}
