//! The differences inside the selected pair, as lines that fit the pane.

use crate::analysis::diff::describe::{self, Description};
use crate::analysis::diff::inputs::InputDiff;
use crate::analysis::diff::json::Op;
use crate::analysis::diff::mask::IgnoreRules;
use crate::analysis::diff::pair::{self, Pair};
use crate::analysis::diff::text_changes::{Piece, Side};
use crate::base::human;
use crate::base::text;
use crate::export::diff::spent;
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::tui::widgets::outline::layout::wrap;
use crate::tui::widgets::tone::{Line, Tone};

/// The differences of two actions, and what they took and cost.
#[derive(Debug)]
pub(super) struct Differences {
    pub(super) rows: [ActionIx; 2],
    pub(super) pair: Pair,
    described: Vec<Description>,
    spent: Option<String>,
}

/// A line of the pane and the difference it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FieldLine {
    pub(super) change: Option<usize>,
    pub(super) pieces: Line,
}

impl Differences {
    pub(super) fn new(store: &Store, rows: [ActionIx; 2], blind: &IgnoreRules) -> Differences {
        let [a, b] = rows.map(|ix| store.row(ix));
        let pair = pair::pair(&a, &b, blind);
        Differences {
            rows,
            described: pair.changes.iter().map(describe::describe).collect(),
            spent: spent(&a, &b),
            pair,
        }
    }

    /// Every difference, its path before it and its further lines below.
    pub(super) fn lines(&self, width: usize) -> Vec<FieldLine> {
        let widest = self
            .described
            .iter()
            .map(|described| text::width(&clean(&described.path)));
        let path = widest.max().unwrap_or_default().min(width / 3);
        let mut lines = Vec::new();
        for (at, described) in self.described.iter().enumerate() {
            let rows: Vec<Line> = match described.lines.as_slice() {
                [one] if described.op != Op::Changed => vec![plain(one)],
                several => several
                    .iter()
                    .flat_map(|pieces| both_ways(pieces))
                    .collect(),
            };
            let mut head = vec![
                (Tone::Faint, format!("{} ", sign(described.op))),
                (Tone::Key, text::fit(&clean(&described.path), path)),
                (Tone::Plain, "  ".to_owned()),
            ];
            let indent = path + 4;
            for row in rows {
                for part in wrap(&row, width.saturating_sub(indent).max(8)) {
                    let lead = std::mem::take(&mut head);
                    let mut pieces = if lead.is_empty() {
                        vec![(Tone::Plain, " ".repeat(indent))]
                    } else {
                        lead
                    };
                    pieces.extend(part);
                    lines.push(FieldLine {
                        change: Some(at),
                        pieces,
                    });
                }
            }
        }
        if self.described.is_empty() {
            lines.push(faint("no differences inside this pair".to_owned()));
        }
        lines
    }

    /// What the two took and cost, and how many differences do not count.
    pub(super) fn aside(&self) -> String {
        let hidden = match self.pair.hidden {
            0 => None,
            count => Some(format!(
                "{} hidden",
                human::counted(count as u64, "difference")
            )),
        };
        let parts: Vec<String> = [self.spent.clone(), hidden].into_iter().flatten().collect();
        parts.join(" · ")
    }
}

/// How the inputs of the two models differ.
pub(super) fn given(why: &InputDiff, width: usize) -> Vec<FieldLine> {
    let line = vec![
        (Tone::Key, "model input  ".to_owned()),
        (Tone::Plain, clean(&why.words().join(" · "))),
    ];
    let rows = wrap(&line, width).into_iter();
    rows.map(|pieces| FieldLine {
        change: None,
        pieces,
    })
    .collect()
}

fn faint(words: String) -> FieldLine {
    FieldLine {
        change: None,
        pieces: vec![(Tone::Faint, words)],
    }
}

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Added => "+",
        Op::Removed => "-",
        Op::Changed => "~",
        Op::TypeChanged => "!",
    }
}

/// A value on one side only, or of another type: the sign before the path already says so.
fn plain(pieces: &[Piece]) -> Line {
    let pieces = pieces.iter();
    pieces
        .map(|piece| (tone(piece), clean(&piece.text)))
        .collect()
}

/// A line of pieces as it was and as it is: signs tell which is which, so that no colour is needed. One
/// that holds only one side, or an arrow between the two, stays as it is.
fn both_ways(pieces: &[Piece]) -> Vec<Line> {
    let has = |side: Side| pieces.iter().any(|piece| piece.side == side);
    let arrow = pieces.iter().any(|piece| piece.text == " → ");
    let line = |left_out: Option<Side>, sign: &str| {
        let mut line: Line = vec![(Tone::Faint, sign.to_owned())];
        let kept = pieces.iter().filter(|piece| Some(piece.side) != left_out);
        line.extend(kept.map(|piece| (tone(piece), clean(&piece.text))));
        line
    };
    match (has(Side::Old), has(Side::New), arrow) {
        (true, true, true) => vec![line(None, "")],
        (true, true, false) => vec![line(Some(Side::New), "- "), line(Some(Side::Old), "+ ")],
        (true, false, _) => vec![line(None, "- ")],
        (false, true, _) => vec![line(None, "+ ")],
        (false, false, _) => vec![line(None, "  ")],
    }
}

fn tone(piece: &Piece) -> Tone {
    match (piece.side, piece.is_strong) {
        (Side::Both, _) => Tone::Faint,
        (Side::Old, true) => Tone::Removed,
        (Side::Old, false) => Tone::Bad,
        (Side::New, true) => Tone::Added,
        (Side::New, false) => Tone::Good,
    }
}
