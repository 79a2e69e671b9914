//! Describes in words where two runs diverge. Raw trace content: the caller sanitises it.

use crate::analysis::diff::Comparison;
use crate::analysis::diff::label::{Cause, Label};
use crate::analysis::diff::read::Side;
use crate::analysis::diff::step::Sort;
use crate::store::row::Row;

/// Two runs and their comparison.
#[derive(Debug, Clone, Copy)]
pub struct Story<'a> {
    pub comparison: &'a Comparison,
    pub a: Side<'a>,
    pub b: Side<'a>,
}

impl<'a> Story<'a> {
    pub fn row_a(&self, column: usize) -> Option<Row<'a>> {
        let at = self.comparison.columns.get(column)?.a?;
        Some(self.a.store.row(self.comparison.a.rows[at as usize]))
    }

    pub fn row_b(&self, column: usize) -> Option<Row<'a>> {
        let at = self.comparison.columns.get(column)?.b?;
        Some(self.b.store.row(self.comparison.b.rows[at as usize]))
    }

    /// The tools that the two sides call next where they diverge; empty if a side calls none.
    pub fn next_tools(&self) -> [&'a str; 2] {
        let [a, b] = self.comparison.divergence.next;
        let of_a = a.map(|at| self.a.store.row(self.comparison.a.rows[at as usize]).tool());
        let of_b = b.map(|at| self.b.store.row(self.comparison.b.rows[at as usize]).tool());
        [of_a.unwrap_or_default(), of_b.unwrap_or_default()]
    }

    /// `db.read -> refund`: the next call of each side.
    pub fn detail(&self) -> String {
        if self.comparison.divergence.cause == Cause::None {
            return String::new();
        }
        let name = |tool: &'a str| if tool.is_empty() { "(none)" } else { tool };
        let [a, b] = self.next_tools().map(name);
        format!("{a} -> {b}")
    }

    /// `A #44 ↔ B #55`.
    pub fn place(&self, column: usize) -> String {
        let side =
            |name: &str, row: Option<Row<'_>>| row.map(|row| format!("{name} #{}", row.seq()));
        let places = [side("A", self.row_a(column)), side("B", self.row_b(column))];
        let known: Vec<String> = places.into_iter().flatten().collect();
        known.join(" ↔ ")
    }

    /// The side on which a call failed and was retried, if that is where the runs diverge.
    fn repeated(&self) -> Option<&'static str> {
        let divergence = &self.comparison.divergence;
        let column = self.comparison.columns.get(divergence.first_material?)?;
        let (name, steps, at) = match (divergence.cause, column.a, column.b) {
            (Cause::Missing, Some(at), _) => ("A", &self.comparison.a.steps, at as usize),
            (Cause::Extra, _, Some(at)) => ("B", &self.comparison.b.steps, at as usize),
            _ => return None,
        };
        let next = steps[at + 1..].iter().find(|it| it.sort == Sort::Tool);
        let again = next.is_some_and(|next| next.key == steps[at].key);
        (steps[at].is_error && again).then_some(name)
    }

    /// What the two runs do differently where they diverge.
    pub fn cause(&self) -> String {
        let [a, b] = self.next_tools();
        let column = self.comparison.divergence.first_material;
        // For causes that concern a single call.
        let rows = column.map(|at| (self.row_a(at), self.row_b(at)));
        let (row_a, row_b) = rows.unwrap_or_default();
        let own = row_a.or(row_b).map_or("", |row| row.tool());
        let only = |of_a: bool| if of_a { "A" } else { "B" };
        let at = column.and_then(|at| self.comparison.columns[at].a);
        let step_a = at.map(|at| &self.comparison.a.steps[at as usize]);
        match self.comparison.divergence.cause {
            Cause::None => "same tool calls throughout".to_owned(),
            Cause::Tool => format!("different tool: {a} → {b}"),
            Cause::Args => format!("{a} with different arguments"),
            Cause::Outcome => {
                let side = only(step_a.is_some_and(|it| it.is_error));
                format!("{own} failed in {side} only")
            }
            Cause::Result => format!("{own} returned a different result"),
            Cause::Blocked => {
                let side = only(step_a.is_some_and(|it| it.is_blocked));
                format!("{own} was blocked in {side} only")
            }
            Cause::Retry => format!("{own} was retried in {} only", only(row_a.is_some())),
            Cause::StoppedEarly if a.is_empty() => {
                format!("A makes no more tool calls, B calls {b}")
            }
            Cause::StoppedEarly => format!("B makes no more tool calls, A calls {a}"),
            Cause::Missing | Cause::Extra => match (self.repeated(), row_a.is_some()) {
                (Some(side), _) => format!("{own} failed in {side} only and was retried"),
                (None, true) => format!("only A calls {own}"),
                (None, false) => format!("only B calls {own}"),
            },
        }
    }

    /// Whether the divergence is the model's own choice, as far as the trace shows.
    pub fn context(&self) -> &'static str {
        let divergence = &self.comparison.divergence;
        match divergence.cause {
            Cause::None if self.comparison.ignores_words => "",
            _ if self.comparison.ignores_words => {
                "text is ignored, so the contexts were not compared"
            }
            Cause::None if divergence.inputs_differed_before => "the user input differs",
            Cause::None => "",
            _ if divergence.inputs_differed_before => "the user input had already differed",
            _ if self.repeated().is_some() => "same context, different tool result",
            Cause::Outcome | Cause::Result => "same context, different tool result",
            Cause::Blocked => "same context, different decision by a policy or a person",
            _ => "same context, different choice",
        }
    }

    /// Describes the first difference of any kind.
    pub fn first_any(&self) -> Option<String> {
        let at = self.comparison.divergence.first_any?;
        let column = self.comparison.columns[at];
        let (row_a, row_b) = (self.row_a(at), self.row_b(at));
        let row = row_a.or(row_b)?;
        let what = match row.tool() {
            "" => row.kind().word(),
            tool => tool,
        };
        let words = match column.label {
            Label::Same => return None,
            Label::Text => "same step, different wording".to_owned(),
            Label::Input => "different user input".to_owned(),
            Label::Result => format!("{what} returned a different result"),
            Label::Outcome => format!("{what} failed on one side only"),
            Label::Args => format!("{what} with different arguments"),
            Label::Tool => {
                let tool = |row: Option<Row<'a>>| row.map_or("", |row| row.tool());
                format!("different tool: {} → {}", tool(row_a), tool(row_b))
            }
            Label::Blocked => format!("{what} was blocked on one side only"),
            Label::Missing => format!("only A: {what}"),
            Label::Extra => format!("only B: {what}"),
            Label::Moved => format!("{what} in a different position"),
            Label::Retry => format!("{what} retried"),
        };
        Some(words)
    }
}
