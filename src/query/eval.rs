//! A filter compiled for a store. Tests whole chunks, columns before bodies.

use std::ops::{AddAssign, Range};

use crate::ingest::body::Body;
use crate::model::action::Kind;
use crate::model::chunk::CHUNK_ROWS;
use crate::query::Context;
use crate::query::args;
use crate::query::bits::Bits;
use crate::query::body::{Answer, BodyTest, Judgement};
use crate::query::columns::Columns;
use crate::query::compile::{self, Node};
use crate::query::expr::Expr;
use crate::store::Store;
use crate::store::bodies::{self, Bodies, Depth, GLANCE};
use crate::store::row::Row;
use crate::store::search::{Needle, Reader};
use crate::store::sweep::Sweep;

/// An expression with its names looked up in the store's symbols.
#[derive(Debug, Clone)]
pub struct Query {
    node: Node,
    needs_bodies: bool,
}

/// How often a number was required: "no numeric value in 1,204 of 1,318 rows".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Numeric tests that found a value.
    pub judged: u64,
    /// How many of those found only text.
    pub unjudged: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.judged += other.judged;
        self.unjudged += other.unjudged;
    }
}

/// What one thread keeps between tests: opened actions, and the buffers that records are read into.
#[derive(Debug, Default)]
pub struct Buffers {
    bodies: Bodies,
    reader: Reader,
    sweep: Sweep,
}

/// From this many rows on, the raw bytes are searched for a word before bodies are opened.
const WORTH_A_SEARCH: u32 = 8;

impl Query {
    pub fn compile(expr: &Expr, store: &Store, context: &Context) -> Query {
        let node = compile::compile(expr, compile::Around { store, context });
        let needs_bodies = node.needs_bodies();
        let mut query = Query { node, needs_bodies };
        query.extend(store);
        query
    }

    /// Adds symbols that are new in the store. Cheap if there are none.
    pub fn extend(&mut self, store: &Store) {
        self.node.for_each_column(&mut |test| test.extend(store));
    }

    /// Whether it has to read records from disk.
    pub fn needs_bodies(&self) -> bool {
        self.needs_bodies
    }

    /// Tests some rows of a chunk. Bits outside of `rows` stay unset.
    pub fn test_chunk(
        &self,
        store: &Store,
        number: usize,
        rows: Range<usize>,
        buffers: &mut Buffers,
    ) -> (Bits, Tally) {
        let Some((chunk, outcomes)) = store.chunk(number) else {
            return (Bits::NONE, Tally::default());
        };
        let candidates = Bits::range(rows.start..rows.end.min(chunk.len()));
        let columns = Columns {
            store,
            chunk,
            outcomes,
            first: (number * CHUNK_ROWS) as u32,
        };
        let mut pass = Pass {
            columns,
            number,
            buffers,
            tally: Tally::default(),
        };
        let found = pass.rows(&self.node, &candidates);
        (found, pass.tally)
    }

    /// Tests one row.
    pub fn test(&self, row: &Row<'_>, buffers: &mut Buffers) -> bool {
        let ix = row.ix().0 as usize;
        let at = ix % CHUNK_ROWS;
        let (found, _) = self.test_chunk(row.store, ix / CHUNK_ROWS, at..at + 1, buffers);
        !found.is_empty()
    }
}

/// One chunk on its way through the tree.
struct Pass<'a> {
    columns: Columns<'a>,
    number: usize,
    buffers: &'a mut Buffers,
    tally: Tally,
}

impl Pass<'_> {
    /// The rows of `candidates` that match. Each test sees only the rows that earlier ones left
    /// undecided.
    fn rows(&mut self, node: &Node, candidates: &Bits) -> Bits {
        if candidates.is_empty() {
            return Bits::NONE;
        }
        match node {
            Node::Always(true) => *candidates,
            Node::Always(false) => Bits::NONE,
            Node::And(parts) => parts
                .iter()
                .fold(*candidates, |left, part| self.rows(part, &left)),
            Node::Or(parts) => parts.iter().fold(Bits::NONE, |found, part| {
                let more = self.rows(part, &candidates.without(&found));
                found | &more
            }),
            Node::Not(inner) => candidates.without(&self.rows(inner, candidates)),
            Node::Column(test) => test.rows(&self.columns, candidates),
            Node::Body { test, needle } => self.open(test, needle.as_ref(), candidates),
        }
    }

    fn open(&mut self, test: &BodyTest, needle: Option<&Needle>, candidates: &Bits) -> Bits {
        let mut rows: Vec<u16> = candidates.rows().map(|row| row as u16).collect();
        if let Some(needle) = needle.filter(|_| candidates.count() >= WORTH_A_SEARCH) {
            let (store, number) = (self.columns.store, self.number);
            self.buffers.reader.narrow(store, number, needle, &mut rows);
        }
        let mut found = Bits::NONE;
        if test.is_of_args_alone() && rows.len() >= WORTH_A_SEARCH as usize {
            rows = self.unopened(test, rows, &mut found);
        }
        for at in rows {
            let row = self.columns.row(at);
            let judgement = self.judge(test, &row);
            self.count(judgement, at, &mut found);
        }
        found
    }

    /// Tests arguments without opening the actions, where it can. Returns the rows that have to be opened.
    fn unopened(&mut self, test: &BodyTest, rows: Vec<u16>, found: &mut Bits) -> Vec<u16> {
        let (mut quick, mut rest) = (Vec::new(), Vec::new());
        for at in rows {
            let row = self.columns.row(at);
            if args::are_none(&row) {
                self.count(test.judge(&Body::default()), at, found);
            } else if args::are_alone(&row) {
                quick.push(at);
            } else {
                rest.push(at);
            }
        }
        let mut judged: Vec<(u16, Judgement)> = Vec::new();
        let of = (self.number, &quick[..]);
        let columns = &self.columns;
        let sweep = &mut self.buffers.sweep;
        sweep.records(columns.store, of, &mut |at, record| {
            let args = record.and_then(|record| args::of(&columns.row(at), record));
            match args {
                Some(args) => judged.push((
                    at,
                    test.judge(&Body {
                        args: Some(args),
                        ..Body::default()
                    }),
                )),
                None => rest.push(at),
            }
        });
        for (at, judgement) in judged {
            self.count(judgement, at, found);
        }
        rest
    }

    fn count(&mut self, judgement: Judgement, at: u16, found: &mut Bits) {
        self.tally.judged += u64::from(judgement.judged);
        match judgement.answer {
            Answer::True => found.set(usize::from(at)),
            Answer::Unknown => self.tally.unjudged += 1,
            Answer::False => {}
        }
    }

    fn judge(&mut self, test: &BodyTest, row: &Row<'_>) -> Judgement {
        // A malformed line has no body, so its bytes are its text.
        if row.kind() == Kind::Malformed {
            let raw = bodies::raw(row, row.place(), GLANCE);
            let text = Some(String::from_utf8_lossy(&raw).into_owned());
            return test.judge(&Body {
                text,
                ..Body::default()
            });
        }
        test.judge(&self.buffers.bodies.open(row, Depth::Full))
    }
}
