//! Where two runs part, in words. Raw trace content: the caller sanitises it.

use crate::analysis::diff::Comparison;
use crate::analysis::diff::label::{Cause, Label};
use crate::analysis::diff::read::Side;
use crate::analysis::diff::step::Sort;
use crate::store::row::Row;

/// Two runs and what their comparison says.
#[derive(Debug, Clone, Copy)]
pub struct Story<'a> {
    pub comparison: &'a Comparison,
    pub a: Side<'a>,
    pub b: Side<'a>,
}

impl<'a> Story<'a> {
    /// The action of A in a column.
    pub fn row_a(&self, column: usize) -> Option<Row<'a>> {
        let at = self.comparison.columns.get(column)?.a?;
        Some(self.a.store.row(self.comparison.a.rows[at as usize]))
    }

    /// The action of B in a column.
    pub fn row_b(&self, column: usize) -> Option<Row<'a>> {
        let at = self.comparison.columns.get(column)?.b?;
        Some(self.b.store.row(self.comparison.b.rows[at as usize]))
    }

    /// The tools that the two sides call next where they part; empty where a side calls none any more.
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

    /// The side on which a call failed and was then made again, where the two part at that.
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

    /// What the two runs do where they first do something else.
    pub fn cause(&self) -> String {
        let [a, b] = self.next_tools();
        let column = self.comparison.divergence.first_material;
        // The call itself, for causes that are about one.
        let rows = column.map(|at| (self.row_a(at), self.row_b(at)));
        let (row_a, row_b) = rows.unwrap_or_default();
        let own = row_a.or(row_b).map_or("", |row| row.tool());
        let only = |of_a: bool| if of_a { "A" } else { "B" };
        let at = column.and_then(|at| self.comparison.columns[at].a);
        let step_a = at.map(|at| &self.comparison.a.steps[at as usize]);
        match self.comparison.divergence.cause {
            Cause::None => "no call differs".to_owned(),
            Cause::Tool => format!("another tool: {a} → {b}"),
            Cause::Args => format!("{a} with other arguments"),
            Cause::Outcome => {
                let side = only(step_a.is_some_and(|it| it.is_error));
                format!("{own} failed in {side} only")
            }
            Cause::Result => format!("{own} came back with another result"),
            Cause::Blocked => {
                let side = only(step_a.is_some_and(|it| it.is_blocked));
                format!("{own} was stopped in {side} only")
            }
            Cause::Retry => format!("{own} was called once more in {}", only(row_a.is_some())),
            Cause::StoppedEarly if a.is_empty() => {
                format!("A calls no tool any more, B calls {b}")
            }
            Cause::StoppedEarly => format!("B calls no tool any more, A calls {a}"),
            Cause::Missing | Cause::Extra => match (self.repeated(), row_a.is_some()) {
                (Some(side), _) => format!("{own} failed in {side} only, and is called again"),
                (None, true) => format!("only A calls {own}"),
                (None, false) => format!("only B calls {own}"),
            },
        }
    }

    /// Whether the difference is the model's own doing, as far as the trace tells.
    pub fn context(&self) -> &'static str {
        let divergence = &self.comparison.divergence;
        match divergence.cause {
            Cause::None if self.comparison.ignores_words => "",
            _ if self.comparison.ignores_words => {
                "what had been said before is not compared, as was asked for"
            }
            Cause::None if divergence.inputs_differed_before => "the user said something else",
            Cause::None => "",
            _ if divergence.inputs_differed_before => {
                "inputs already differed: the user had said something else"
            }
            _ if self.repeated().is_some() => "same context, and the tool answered otherwise",
            Cause::Outcome | Cause::Result => "same context, and the tool answered otherwise",
            Cause::Blocked => "same context, and a policy or a person decided otherwise",
            _ => "same context, different choice",
        }
    }

    /// What the first difference of any kind is.
    pub fn first_any(&self) -> Option<String> {
        let at = self.comparison.divergence.first_any?;
        let column = self.comparison.columns[at];
        let (row_a, row_b) = (self.row_a(at), self.row_b(at));
        let row = row_a.or(row_b)?;
        let what = match row.tool() {
            "" => row.kind().word(),
            tool => tool,
        };
        let said = match column.label {
            Label::Same => return None,
            Label::Text => "the model said it in other words".to_owned(),
            Label::Input => "the user said something else".to_owned(),
            Label::Result => format!("{what} came back with another result"),
            Label::Outcome => format!("{what} failed on one side only"),
            Label::Args => format!("{what} with other arguments"),
            Label::Tool => {
                let tool = |row: Option<Row<'a>>| row.map_or("", |row| row.tool());
                format!("another tool: {} → {}", tool(row_a), tool(row_b))
            }
            Label::Blocked => format!("{what} was stopped on one side only"),
            Label::Missing => format!("only A: {what}"),
            Label::Extra => format!("only B: {what}"),
            Label::Moved => format!("{what} at another place"),
            Label::Retry => format!("{what} once more"),
        };
        Some(said)
    }
}
