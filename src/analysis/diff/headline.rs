//! What a comparison says first: where the runs diverge other than by noise, their grades, their final answers.

use crate::analysis::diff::Column;
use crate::analysis::diff::label::{self, Divergence, Label};
use crate::analysis::diff::mask::Blind;
use crate::analysis::diff::pair;
use crate::analysis::diff::read::{Side, Steps};
use crate::analysis::diff::step::Sort;
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
    blind: &Blind,
    cancel: &CancelFlag,
) -> Option<(Divergence, Vec<usize>)> {
    let quiet = Blind {
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

/// The last words of the two runs, where they differ.
#[derive(Debug, Clone)]
pub struct Answers<'a> {
    /// The number and the text of the last response; none if the run has none with text.
    pub a: Option<(Row<'a>, String)>,
    pub b: Option<(Row<'a>, String)>,
}

impl<'a> Story<'a> {
    /// The grades of A and B, if they differ; a run that was not graded has none.
    pub fn grades(&self) -> Option<[Option<Grade>; 2]> {
        let [a, b] = [self.a, self.b].map(|side| side.store.run(side.run).grade());
        (a != b).then_some([a, b])
    }

    /// The final answers, if they differ in more than noise.
    pub fn answers(&self) -> Option<Answers<'a>> {
        let last = |side: Side<'a>, steps: &Steps| {
            let at = steps.steps.iter().rposition(|it| it.sort == Sort::Say)?;
            let row = side.store.row(steps.rows[at]);
            let text = bodies::open(&row, Depth::Full).text?;
            Some((row, text))
        };
        let (a, b) = (
            last(self.a, &self.comparison.a),
            last(self.b, &self.comparison.b),
        );
        let quiet = Blind {
            noise: true,
            ..Blind::default()
        };
        let bare = |answer: &Option<(Row<'a>, String)>| {
            let (_, text) = answer.as_ref()?;
            Some(super::step::words(&quiet.text(text)))
        };
        (bare(&a) != bare(&b)).then_some(Answers { a, b })
    }
}
