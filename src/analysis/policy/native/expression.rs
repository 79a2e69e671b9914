//! Conditions in the Common Expression Language, for what filters cannot express. Pure: an expression sees only the
//! call and what its run did before. Names that do not exist are refused when a policy is read; a later failure is an
//! error, which never allows.

mod names;
mod values;

use std::ops::Range;

use cel::{Context as Scope, ExecutionError, ParseErrors, Program, Value};

use crate::analysis::policy::call::Call;
use crate::analysis::policy::native::expression::names::Names;
use crate::analysis::policy::native::expression::values::Variable;
use crate::analysis::policy::{Context, Needs};

/// Longer or deeper expressions are refused: reading and evaluating one recurses.
const LONGEST: usize = 4096;
const MOST_OPERATORS: usize = 300;
const DEEPEST: usize = 32;

thread_local! {
    /// Functions, shared by all evaluations of a thread: creating them takes longer than an evaluation.
    static FUNCTIONS: Scope<'static, 'static> = values::functions();
}

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Cel {
    program: Program,
    reads: Vec<Variable>,
}

/// A mistake in an expression: its place in bytes, a description, and the name that was perhaps meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: Range<usize>,
    pub(super) what: String,
    pub(super) meant: Option<&'static str>,
}

impl Wrong {
    fn new(at: Range<usize>, what: impl Into<String>) -> Wrong {
        Wrong {
            at,
            what: what.into(),
            meant: None,
        }
    }
}

impl Cel {
    pub(super) fn compile(text: &str) -> Result<Cel, Wrong> {
        if !is_simple(text) {
            let what = format!(
                "cel is longer than {LONGEST} bytes, has more than {MOST_OPERATORS} operators, or is nested deeper \
                 than {DEEPEST}"
            );
            return Err(Wrong::new(0..text.len(), what));
        }
        let program = Program::compile(text).map_err(|errors| mistake(text, &errors))?;
        let reads = Names::new(text, &program).check(program.expression())?;
        Ok(Cel { program, reads })
    }

    /// An error says why it cannot be evaluated, without any value of the call.
    pub(super) fn test(&self, call: &Call<'_>, context: &Context<'_>) -> Result<bool, String> {
        FUNCTIONS.with(|functions| {
            let mut scope = functions.new_inner_scope();
            for variable in &self.reads {
                scope.add_variable_from_value(variable.name(), variable.value(call, context)?);
            }
            match self.program.execute(&scope) {
                Ok(Value::Bool(holds)) => Ok(holds),
                Ok(other) => Err(format!("cel gives {}, not true or false", other.type_of())),
                Err(error) => Err(format!("cel: {}", words(&error))),
            }
        })
    }

    pub(super) fn looks_at_past(&self) -> bool {
        self.reads.contains(&Variable::History)
    }

    pub(super) fn looks_at_run(&self) -> bool {
        self.reads.contains(&Variable::Run)
    }

    pub(super) fn looks_at_record(&self) -> bool {
        self.reads.contains(&Variable::Recorded)
    }

    pub(super) fn needs(&self) -> Needs {
        let needs = self.reads.iter().map(|it| it.needs());
        needs.max().unwrap_or(Needs::Tool)
    }
}

/// Whether a text can be parsed and evaluated on a small stack. The contents of strings count too.
fn is_simple(text: &str) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut operators, mut choices) = (0, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'?' => choices += 1,
            b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'=' | b'<' | b'>' | b'.' => operators += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    text.len() <= LONGEST && operators <= MOST_OPERATORS && deepest + choices <= DEEPEST
}

/// The first mistake, at its place in the text.
fn mistake(text: &str, errors: &ParseErrors) -> Wrong {
    let Some(first) = errors.errors.first() else {
        return Wrong::new(0..text.len(), "cel cannot be read");
    };
    let number = |it: isize| usize::try_from(it).unwrap_or(0);
    let (line, column) = (number(first.pos.0), number(first.pos.1));
    let before = text.split_inclusive('\n').take(line.saturating_sub(1));
    let line_at: usize = before.map(str::len).sum();
    let line = text.get(line_at..).unwrap_or_default();
    let inside = line.char_indices().nth(column.saturating_sub(1));
    let at = line_at + inside.map_or(line.len(), |(at, _)| at);
    let what = first.msg.lines().next().unwrap_or_default();
    let what = what.strip_prefix("Syntax error: ").unwrap_or(what);
    Wrong::new(at..at + 1, format!("cel cannot be read: {what}"))
}

/// What went wrong. Messages of the evaluator may quote values of the call, which do not belong in reports.
fn words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(error) => error.to_string(),
        ExecutionError::UndeclaredReference(name) => format!("'{name}' is not known"),
        ExecutionError::NoSuchKey(_) => "a key is missing (guard it with has())".to_owned(),
        ExecutionError::FunctionError { function, message } => format!("{function}: {message}"),
        ExecutionError::IndexOutOfBounds(_) => "an index is out of bounds".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "a division by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number is too large".to_owned(),
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("a function takes {expected} arguments, not {actual}")
        }
        _ => "a value is of the wrong type".to_owned(),
    }
}

#[cfg(test)]
mod tests;
