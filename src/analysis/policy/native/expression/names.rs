//! The names in an expression: the variables it reads, and names that do not exist, which the evaluator would report
//! only for calls that reach them.

use std::ops::Range;

use cel::Program;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue};
use regex::Regex;

use crate::analysis::policy::native::expression::Wrong;
use crate::analysis::policy::native::expression::values::{FUNCTIONS, Variable};
use crate::query::fields::nearest;

/// Functions of the language that can be called by name. The names of operators contain signs.
const BUILT_IN: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "uint",
    "double",
    "bool",
    "bytes",
    "dyn",
    "type",
    "has",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
    "orValue",
    "or",
    "hasValue",
    "value",
    "of",
    "none",
    "ofNonZeroValue",
];

/// Types, which can be used as values: `type(args.amount) == int`.
const TYPES: &[&str] = &[
    "int",
    "uint",
    "double",
    "bool",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "optional",
];

pub(super) struct Names<'a> {
    text: &'a str,
    program: &'a Program,
    /// Names that macros such as `exists` bind, while their scope is checked.
    bound: Vec<String>,
    found: Vec<Variable>,
}

impl<'a> Names<'a> {
    pub(super) fn new(text: &'a str, program: &'a Program) -> Names<'a> {
        Names {
            text,
            program,
            bound: Vec::new(),
            found: Vec::new(),
        }
    }

    /// The variables that are read, or the first name that does not exist.
    pub(super) fn check(mut self, expression: &IdedExpr) -> Result<Vec<Variable>, Wrong> {
        self.look(expression)?;
        Ok(self.found)
    }

    fn look(&mut self, it: &IdedExpr) -> Result<(), Wrong> {
        match &it.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.variable(it.id, name),
            Expr::Select(select) => self.look(&select.operand),
            Expr::List(list) => list.elements.iter().try_for_each(|it| self.look(it)),
            Expr::Call(call) => {
                self.function(it.id, &call.func_name)?;
                self.pattern(&call.func_name, call.args.last())?;
                let target = call.target.as_deref();
                target
                    .into_iter()
                    .chain(&call.args)
                    .try_for_each(|it| self.look(it))
            }
            Expr::Map(map) => map.entries.iter().try_for_each(|it| self.entry(&it.expr)),
            Expr::Struct(it) => it.entries.iter().try_for_each(|it| self.entry(&it.expr)),
            Expr::Comprehension(it) => self.comprehension(it),
        }
    }

    fn entry(&mut self, entry: &EntryExpr) -> Result<(), Wrong> {
        match entry {
            EntryExpr::StructField(field) => self.look(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.look(&entry.key)?;
                self.look(&entry.value)
            }
        }
    }

    fn comprehension(&mut self, it: &ComprehensionExpr) -> Result<(), Wrong> {
        self.look(&it.iter_range)?;
        self.look(&it.accu_init)?;
        let before = self.bound.len();
        let names = [
            Some(&it.iter_var),
            it.iter_var2.as_ref(),
            Some(&it.accu_var),
        ];
        self.bound.extend(names.into_iter().flatten().cloned());
        let inner = [&it.loop_cond, &it.loop_step, &it.result];
        inner.into_iter().try_for_each(|it| self.look(it))?;
        self.bound.truncate(before);
        Ok(())
    }

    fn variable(&mut self, id: u64, name: &str) -> Result<(), Wrong> {
        if name.starts_with('@') || self.bound.iter().any(|it| it == name) || TYPES.contains(&name)
        {
            return Ok(());
        }
        if let Some((variable, _)) = Variable::NAMES.iter().find(|(_, known)| *known == name) {
            if !self.found.contains(variable) {
                self.found.push(*variable);
            }
            return Ok(());
        }
        let known: Vec<&str> = Variable::NAMES.iter().map(|(_, name)| *name).collect();
        let meant = nearest(name, known.iter().copied());
        let what = match meant {
            Some(_) => format!("'{name}' is not known to cel"),
            None => format!("'{name}' is not known to cel (known: {})", known.join(", ")),
        };
        Err(Wrong {
            meant,
            ..Wrong::new(self.place(id, name), what)
        })
    }

    fn function(&self, id: u64, name: &str) -> Result<(), Wrong> {
        let is_operator = !name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '_')
            || name.starts_with('_');
        if is_operator || BUILT_IN.contains(&name) || FUNCTIONS.contains(&name) {
            return Ok(());
        }
        let what = format!("cel has no function '{name}'");
        let known = BUILT_IN.iter().chain(FUNCTIONS).copied();
        Err(Wrong {
            meant: nearest(name, known),
            ..Wrong::new(self.place(id, name), what)
        })
    }

    /// A pattern that is a literal must be valid.
    fn pattern(&self, function: &str, last: Option<&IdedExpr>) -> Result<(), Wrong> {
        let Some(last) = last.filter(|_| matches!(function, "re" | "matches")) else {
            return Ok(());
        };
        let Expr::Literal(LiteralValue::String(pattern)) = &last.expr else {
            return Ok(());
        };
        if Regex::new(pattern.inner()).is_ok() {
            return Ok(());
        }
        let what = "the regular expression is invalid";
        Err(Wrong::new(self.place(last.id, pattern.inner()), what))
    }

    /// The place of a name. The crate counts in characters.
    fn place(&self, id: u64, name: &str) -> Range<usize> {
        let from = self.program.source_info().offset_for(id);
        let from = from.map_or(0, |(start, _)| start as usize);
        let from = self.text.char_indices().nth(from).map_or(0, |(at, _)| at);
        let found = self.text.get(from..).and_then(|it| it.find(name));
        match found.map(|at| from + at).or_else(|| self.text.find(name)) {
            Some(at) => at..at + name.len(),
            None => from..self.text.len(),
        }
    }
}
