//! What a comparison says first: where the runs diverge other than by noise, their grades, their final answers.

use crate::analysis::diff::Column;
use crate::analysis::diff::label::{self, Divergence, Label};
use crate::analysis::diff::mask::{self, IgnoreRules};
use crate::analysis::diff::pair;
use crate::analysis::diff::read::{Side, Steps};
use crate::analysis::diff::step::{self, Sort};
use crate::analysis::diff::story::Story;
use crate::base::cancel::CancelFlag;
use crate::model::run::Grade;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// Finds where the runs diverge. Pairs that differ only in ids, times, temporary paths, trailing white space or
/// the order of JSON members do not count; the second value has their columns, up to the divergence.
/// `None` if cancelled.
pub(super) fn divergence(
    (a, b): (Side<'_>, Side<'_>),
    (steps_a, steps_b): (&Steps, &Steps),
    columns: &[Column],
    blind: &IgnoreRules,
    cancel: &CancelFlag,
) -> Option<(Divergence, Vec<usize>)> {
    let quiet = IgnoreRules {
        noise: true,
        ..blind.clone()
    };
    let sides = (steps_a.steps.as_slice(), steps_b.steps.as_slice());
    let mut judged = columns.to_vec();
    let mut noise = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        if cancel.is_raised() {
            return None;
        }
        let is_noise = may_be_noise(column.label)
            && column.a.zip(column.b).is_some_and(|(of_a, of_b)| {
                let row_a = a.store.row(steps_a.rows[of_a as usize]);
                let row_b = b.store.row(steps_b.rows[of_b as usize]);
                pair::pair(&row_a, &row_b, &quiet).changes.is_empty()
            });
        if is_noise {
            judged[at].label = Label::Same;
            noise.push(at);
        } else if label::is_material(sides, column) {
            break;
        }
    }
    Some((label::divergence(sides, &judged), noise))
}

/// Whether the label is about values, which may differ in noise alone.
fn may_be_noise(label: Label) -> bool {
    match label {
        Label::Text | Label::Input | Label::Result | Label::Args => true,
        Label::Same
        | Label::Outcome
        | Label::Tool
        | Label::Blocked
        | Label::Missing
        | Label::Extra
        | Label::Moved
        | Label::Retry => false,
    }
}

/// The last response with text of each run, as an index into its steps; none if a run has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    pub a: Option<u32>,
    pub b: Option<u32>,
}

/// The final answers of two runs, if they differ in more than noise.
pub(super) fn answers(
    (a, b): (Side<'_>, Side<'_>),
    (steps_a, steps_b): (&Steps, &Steps),
) -> Option<Answers> {
    let last = |steps: &Steps| {
        let at = steps.steps.iter().rposition(|it| it.sort == Sort::Say)?;
        u32::try_from(at).ok()
    };
    let (of_a, of_b) = (last(steps_a), last(steps_b));
    let key = |steps: &Steps, at: u32| steps.steps[at as usize].key;
    let is_same = match of_a.zip(of_b) {
        Some((of_a, of_b)) if key(steps_a, of_a) != key(steps_b, of_b) => {
            bare(a, steps_a, of_a) == bare(b, steps_b, of_b)
        }
        _ => of_a.is_some() == of_b.is_some(),
    };
    (!is_same).then_some(Answers { a: of_a, b: of_b })
}

/// The words of a response without noise.
fn bare(side: Side<'_>, steps: &Steps, at: u32) -> Vec<String> {
    let row = side.store.row(steps.rows[at as usize]);
    let text = bodies::open(&row, Depth::Full).text.unwrap_or_default();
    step::words(&mask::quiet(&text))
}

impl<'a> Story<'a> {
    /// The grades of A and B, if they differ; a run that was not graded has none.
    pub fn grades(&self) -> Option<[Option<Grade>; 2]> {
        let [a, b] = [self.a, self.b].map(|side| side.store.run(side.run).grade());
        (a != b).then_some([a, b])
    }

    /// The rows of the final answers of A and B, if they differ.
    pub fn answers(&self) -> Option<[Option<Row<'a>>; 2]> {
        let answers = self.comparison.answers?;
        let row = |side: Side<'a>, steps: &Steps, at: Option<u32>| {
            at.map(|at| side.store.row(steps.rows[at as usize]))
        };
        Some([
            row(self.a, &self.comparison.a, answers.a),
            row(self.b, &self.comparison.b, answers.b),
        ])
    }
}
