//! Labels the columns of an alignment, and finds where two runs diverge.

use crate::analysis::diff::Column;
use crate::analysis::diff::step::{self, Sort, Step};

/// How the two actions of a column differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    Same,
    /// The same step, worded differently.
    Text,
    /// Different user input.
    Input,
    /// The same call with a different result.
    Result,
    /// The same call, failed on one side only.
    Outcome,
    /// The same tool with different arguments.
    Args,
    /// A different tool.
    Tool,
    /// Blocked by a policy or a person on one side only.
    Blocked,
    /// Only in A.
    Missing,
    /// Only in B.
    Extra,
    /// The same call in a different position.
    Moved,
    /// Repeats the call before it.
    Retry,
}

impl Label {
    pub const ALL: &[Label] = &[
        Label::Same,
        Label::Text,
        Label::Input,
        Label::Result,
        Label::Outcome,
        Label::Args,
        Label::Tool,
        Label::Blocked,
        Label::Missing,
        Label::Extra,
        Label::Moved,
        Label::Retry,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Label::Same => "same",
            Label::Text => "text",
            Label::Input => "input",
            Label::Result => "result",
            Label::Outcome => "outcome",
            Label::Args => "args",
            Label::Tool => "tool",
            Label::Blocked => "blocked",
            Label::Missing => "missing",
            Label::Extra => "extra",
            Label::Moved => "moved",
            Label::Retry => "retry",
        }
    }
}

/// Why two runs diverge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Tool,
    Args,
    Outcome,
    Result,
    Blocked,
    Retry,
    /// One side makes no more tool calls.
    StoppedEarly,
    Missing,
    Extra,
    /// They do not diverge.
    None,
}

impl Cause {
    pub fn word(self) -> &'static str {
        match self {
            Cause::Tool => "tool",
            Cause::Args => "args",
            Cause::Outcome => "outcome",
            Cause::Result => "result",
            Cause::Blocked => "blocked",
            Cause::Retry => "retry",
            Cause::StoppedEarly => "stopped_early",
            Cause::Missing => "missing",
            Cause::Extra => "extra",
            Cause::None => "none",
        }
    }
}

/// Where two runs diverge. Columns count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divergence {
    /// The first column with any difference.
    pub first_any: Option<usize>,
    /// The first column where the runs do something different. Wording alone does not count.
    pub first_material: Option<usize>,
    pub cause: Cause,
    /// The next call of each side from there, as an index into its steps.
    pub next: [Option<u32>; 2],
    /// The user input had already differed, so the choice was made in a different context.
    pub inputs_differed_before: bool,
}

/// How far apart the two halves of a moved call may be, in columns.
const WINDOW: usize = 12;

/// From this similarity on, a call counts as a retry of the failed one before it, in thousandths.
const MUCH_ALIKE: u32 = 500;

/// Labels the columns of an alignment.
pub fn columns(sides: (&[Step], &[Step]), pairs: &[(Option<u32>, Option<u32>)]) -> Vec<Column> {
    let (a, b) = sides;
    let column = |pair: &(Option<u32>, Option<u32>)| Column {
        a: pair.0,
        b: pair.1,
        label: match *pair {
            (Some(at), Some(other)) => of_pair(&a[at as usize], &b[other as usize]),
            (Some(_), None) => Label::Missing,
            (None, Some(_) | None) => Label::Extra,
        },
    };
    let mut columns: Vec<Column> = pairs.iter().map(column).collect();
    find_moved(sides, &mut columns);
    find_retries(sides, &mut columns);
    columns
}

fn of_pair(a: &Step, b: &Step) -> Label {
    match a.sort {
        Sort::Tool if a.is_blocked != b.is_blocked => Label::Blocked,
        Sort::Tool if a.tool != b.tool => Label::Tool,
        Sort::Tool if a.key != b.key => Label::Args,
        Sort::Tool if a.is_error != b.is_error => Label::Outcome,
        Sort::Tool if a.result != b.result => Label::Result,
        Sort::Say if a.key != b.key => Label::Text,
        Sort::User if a.key != b.key => Label::Input,
        Sort::Tool | Sort::Say | Sort::User => Label::Same,
    }
}

/// A call that is missing on one side and extra on the other has moved: parallel calls in a
/// different order.
fn find_moved((a, b): (&[Step], &[Step]), columns: &mut [Column]) {
    for at in 0..columns.len() {
        let Some(step) = columns[at]
            .a
            .filter(|_| columns[at].label == Label::Missing)
        else {
            continue;
        };
        let step = &a[step as usize];
        if step.sort != Sort::Tool {
            continue;
        }
        let near = at.saturating_sub(WINDOW)..columns.len().min(at + WINDOW + 1);
        let is_it = |column: &Column| {
            let other = column.b.filter(|_| column.label == Label::Extra);
            other.is_some_and(|other| b[other as usize].key == step.key)
        };
        let found = near.clone().find(|other| is_it(&columns[*other]));
        if let Some(other) = found {
            columns[at].label = Label::Moved;
            columns[other].label = Label::Moved;
        }
    }
}

fn find_retries((a, b): (&[Step], &[Step]), columns: &mut [Column]) {
    for column in columns {
        let (steps, at) = match (column.label, column.a, column.b) {
            (Label::Missing, Some(at), _) => (a, at as usize),
            (Label::Extra, _, Some(at)) => (b, at as usize),
            _ => continue,
        };
        let step = &steps[at];
        if step.sort != Sort::Tool {
            continue;
        }
        let before = steps[..at].iter().rev().find(|it| it.sort == Sort::Tool);
        let repeats = |before: &Step| {
            let again = || step::dice(&before.features, &step.features) >= MUCH_ALIKE;
            before.tool == step.tool && (before.key == step.key || (before.is_error && again()))
        };
        if before.is_some_and(repeats) {
            column.label = Label::Retry;
        }
    }
}

/// Finds where the runs diverge, and why.
pub fn divergence(sides: (&[Step], &[Step]), columns: &[Column]) -> Divergence {
    let (a, b) = sides;
    let first_any = columns.iter().position(|it| it.label != Label::Same);
    let first_material = columns.iter().position(|it| is_material(sides, it));
    let before = &columns[..first_material.unwrap_or(columns.len())];
    let inputs_differed_before = before.iter().any(|it| is_input(sides, it));
    let Some(at) = first_material else {
        return Divergence {
            first_any,
            first_material,
            cause: Cause::None,
            next: [None; 2],
            inputs_differed_before,
        };
    };
    let rest = &columns[at..];
    let call = |steps: &[Step], place: fn(&Column) -> Option<u32>| {
        let calls = rest.iter().filter_map(place);
        let mut calls = calls.filter(|at| steps[*at as usize].sort == Sort::Tool);
        calls.next()
    };
    let next = [call(a, |it| it.a), call(b, |it| it.b)];
    let steps = next[0].zip(next[1]);
    let steps = steps.map(|(at, other)| (&a[at as usize], &b[other as usize]));
    Divergence {
        first_any,
        first_material,
        cause: cause(columns[at].label, steps),
        next,
        inputs_differed_before,
    }
}

fn cause(label: Label, next: Option<(&Step, &Step)>) -> Cause {
    let gap = match label {
        Label::Blocked => return Cause::Blocked,
        Label::Args => return Cause::Args,
        Label::Outcome => return Cause::Outcome,
        Label::Result => return Cause::Result,
        Label::Tool => return Cause::Tool,
        Label::Retry => return Cause::Retry,
        Label::Missing => Cause::Missing,
        Label::Extra => Cause::Extra,
        // Not material, so the runs cannot diverge here.
        Label::Same | Label::Text | Label::Input | Label::Moved => return Cause::None,
    };
    match next {
        None => Cause::StoppedEarly,
        Some((a, b)) if a.tool != b.tool => Cause::Tool,
        Some((a, b)) if a.key != b.key => Cause::Args,
        Some(_) => gap,
    }
}

/// Whether the two sides do something different here.
pub fn is_material(sides: (&[Step], &[Step]), column: &Column) -> bool {
    match column.label {
        Label::Tool
        | Label::Args
        | Label::Outcome
        | Label::Result
        | Label::Blocked
        | Label::Retry => true,
        Label::Missing | Label::Extra => sort(sides, column) == Some(Sort::Tool),
        Label::Same | Label::Text | Label::Input | Label::Moved => false,
    }
}

/// Whether the model's input differs here.
fn is_input(sides: (&[Step], &[Step]), column: &Column) -> bool {
    match column.label {
        Label::Input | Label::Result => true,
        Label::Missing | Label::Extra => sort(sides, column) == Some(Sort::User),
        _ => false,
    }
}

fn sort((a, b): (&[Step], &[Step]), column: &Column) -> Option<Sort> {
    let of_a = column.a.map(|at| a[at as usize].sort);
    of_a.or_else(|| column.b.map(|at| b[at as usize].sort))
}
