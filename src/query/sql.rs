//! A filter as a condition in SQL on the rows that `load` writes: one for each run, one for each action. The condition
//! means exactly what the filter means here; a test that SQL cannot express exactly is refused.

use thiserror::Error;

use crate::model::action::{Flags, Kind, Status};
use crate::query::Context;
use crate::query::body::Bounds;
use crate::query::columns::{
    AttachedTest, ColumnTest, NumberColumn, Numbers, RunNumber, RunSymbol, RunTest, SymbolColumn,
    TokenKind,
};
use crate::query::compile::{Around, Node, compile};
use crate::query::expr::{Expr, Subject, Test};
use crate::query::pattern::{Pattern, TextTest};
use crate::query::runs::{RunTerm, is_about_actions};
use crate::query::value::Interval;
use crate::store::Store;

pub const RUNS: &str = "saferun_runs FINAL";
pub const ACTIONS: &str = "saferun_actions FINAL";
/// Selects only the rows of the last load of each run.
pub const LIVE: &str =
    "(run_key, loaded_at) IN (SELECT run_key, max(loaded_at) FROM saferun_runs GROUP BY run_key)";

/// The columns whose sum is all tokens.
pub const ALL_TOKENS: &[&str] = &["tok_in", "tok_out", "tok_read", "tok_write"];

/// A part of a filter that only the traces themselves can answer.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the rows in the engine cannot answer '{0}'; pull or open the traces, and filter those")]
pub struct NotInRows(String);

/// Writes conditions. Parameters are numbered across all of them, so that one query can contain several.
#[derive(Debug)]
pub struct Writer<'a> {
    context: &'a Context,
    none: Store,
    pub params: Vec<(String, String)>,
}

impl<'a> Writer<'a> {
    pub fn new(context: &'a Context) -> Writer<'a> {
        Writer {
            context,
            none: Store::new(),
            params: Vec::new(),
        }
    }

    /// A condition on rows of actions.
    pub fn actions(&mut self, expr: &Expr) -> Result<String, NotInRows> {
        match expr {
            Expr::All => Ok("1".to_owned()),
            Expr::And(parts) => self.several(parts, " AND ", Self::actions),
            Expr::Or(parts) => self.several(parts, " OR ", Self::actions),
            Expr::Not(inner) => Ok(format!("NOT ({})", self.actions(inner)?)),
            Expr::Term(_)
            | Expr::Text(_)
            | Expr::Is(_)
            | Expr::Has(_)
            | Expr::Since(_)
            | Expr::At(..) => self.leaf(expr),
        }
    }

    /// A condition on rows of runs, by the rules of [`crate::query::runs`].
    pub fn runs(&mut self, expr: &Expr) -> Result<String, NotInRows> {
        match expr {
            Expr::All => Ok("1".to_owned()),
            Expr::Not(inner) => Ok(format!("NOT ({})", self.runs(inner)?)),
            Expr::Or(parts) => self.several(parts, " OR ", Self::runs),
            Expr::And(parts) => {
                let (together, apart): (Vec<&Expr>, Vec<&Expr>) =
                    parts.iter().partition(|part| is_about_actions(part));
                let mut tests = Vec::new();
                if !together.is_empty() {
                    let together = together.into_iter().cloned().collect();
                    tests.push(self.with_action(&Expr::And(together))?);
                }
                for part in apart {
                    tests.push(self.runs(part)?);
                }
                Ok(format!("({})", tests.join(" AND ")))
            }
            Expr::Term(term) => {
                let Subject::Field(field) = term.subject else {
                    return Err(NotInRows(expr.to_string()));
                };
                let of_run = Some(field).filter(|field| field.info().of_run);
                match of_run.and_then(|field| RunTerm::new(field, term)) {
                    Some(of_run) if !is_regex(&term.test) => Ok(self.run_term(&of_run)),
                    Some(_) | None => self.with_action(expr),
                }
            }
            Expr::Text(_) | Expr::Is(_) | Expr::Has(_) | Expr::Since(_) | Expr::At(..) => {
                self.with_action(expr)
            }
        }
    }

    fn several(
        &mut self,
        parts: &[Expr],
        word: &str,
        each: fn(&mut Self, &Expr) -> Result<String, NotInRows>,
    ) -> Result<String, NotInRows> {
        let parts: Result<Vec<String>, NotInRows> =
            parts.iter().map(|part| each(self, part)).collect();
        Ok(format!("({})", parts?.join(word)))
    }

    /// The runs with a matching action.
    fn with_action(&mut self, expr: &Expr) -> Result<String, NotInRows> {
        let test = self.actions(expr)?;
        Ok(format!(
            "run_key IN (SELECT run_key FROM {ACTIONS} WHERE {LIVE} AND {test})"
        ))
    }

    fn leaf(&mut self, expr: &Expr) -> Result<String, NotInRows> {
        let not_in_rows = || NotInRows(expr.to_string());
        if matches!(expr, Expr::Term(term) if is_regex(&term.test)) {
            return Err(not_in_rows());
        }
        let around = Around {
            store: &self.none,
            context: self.context,
        };
        let node = compile(expr, around);
        self.node(&node).ok_or_else(not_in_rows)
    }

    /// None for a test that needs more than the rows have.
    fn node(&mut self, node: &Node) -> Option<String> {
        let all = |it: &mut Self, parts: &[Node], word: &str| {
            let parts: Option<Vec<String>> = parts.iter().map(|part| it.node(part)).collect();
            Some(format!("({})", parts?.join(word)))
        };
        match node {
            Node::Always(truth) => Some(u8::from(*truth).to_string()),
            Node::And(parts) => all(self, parts, " AND "),
            Node::Or(parts) => all(self, parts, " OR "),
            Node::Not(inner) => Some(format!("NOT ({})", self.node(inner)?)),
            Node::Column(test) => self.column(test),
            Node::Body { .. } => None,
        }
    }

    fn column(&mut self, test: &ColumnTest) -> Option<String> {
        Some(match test {
            ColumnTest::Kinds(mask) => {
                let words = Kind::ALL.iter().filter(|it| mask >> **it as u16 & 1 == 1);
                listed("kind", words.map(|it| it.word()))
            }
            ColumnTest::Statuses(mask) => {
                let words = Status::ALL.iter().filter(|it| mask >> **it as u16 & 1 == 1);
                listed("status", words.map(|it| it.word()))
            }
            ColumnTest::Symbol(column, set) => self.name(symbol(*column), set.test()),
            ColumnTest::HasSymbol(column) => format!("{} != ''", symbol(*column)),
            ColumnTest::Number(column, test) => numbers(&number(*column), test),
            ColumnTest::Flags(flags) => flagged(*flags),
            ColumnTest::Attached(test) => self.attached(test),
            // The rows of actions have these columns too.
            ColumnTest::Run(
                test @ (RunTest::Id(_) | RunTest::Symbol(..) | RunTest::HasSymbol(_)),
            ) => self.run_test(test),
            ColumnTest::Run(
                test @ (RunTest::Number(..) | RunTest::Score { .. } | RunTest::Correct(_)),
            ) => {
                let test = self.run_test(test);
                format!("run_key IN (SELECT run_key FROM {RUNS} WHERE {LIVE} AND {test})")
            }
            ColumnTest::File(test) => self.file(test),
            ColumnTest::Since(time) => {
                format!(
                    "ifNull(toUnixTimestamp64Micro(ts) >= {}, 0)",
                    time.0.max(i64::MIN + 1)
                )
            }
            ColumnTest::At(_) | ColumnTest::Marked(_) => return None,
        })
    }

    fn attached(&mut self, test: &AttachedTest) -> String {
        let mut of = |column: &str, test: &TextTest, extra: &str| {
            let test = self.name("x", test);
            format!("arrayExists((x, p) -> {test}{extra}, `ruling.{column}`, `ruling.of_person`)")
        };
        match test {
            AttachedTest::Policy(set) => of("policy", set.test(), ""),
            AttachedTest::Rule(set) => of("rule", set.test(), ""),
            AttachedTest::Approver(set) => of("by", set.test(), " AND p"),
            AttachedTest::Verdict { any, negated } => {
                let test = listed("x", any.iter().map(|it| it.word()));
                let not = not(*negated);
                format!("arrayExists(x -> x != '' AND {not}({test}), `ruling.verdict`)")
            }
            AttachedTest::Wait(test) => {
                format!("arrayExists(x -> {}, `ruling.wait_us`)", numbers("x", test))
            }
            AttachedTest::HasRule => "arrayExists(x -> x != '', `ruling.rule`)".to_owned(),
            AttachedTest::HasVerdict => "arrayExists(x -> x != '', `ruling.verdict`)".to_owned(),
            AttachedTest::HasApprover => {
                "arrayExists((x, p) -> x != '' AND p, `ruling.by`, `ruling.of_person`)".to_owned()
            }
        }
    }

    fn run_term(&mut self, term: &RunTerm) -> String {
        match term {
            RunTerm::Agent(test) => {
                let test = self.name("x", test);
                format!("arrayExists(x -> {test}, arrayPushFront(agents, agent))")
            }
            RunTerm::Model(test) => {
                let test = self.text("x", test);
                format!("arrayExists(x -> {test}, models)")
            }
            RunTerm::File(test) => self.file(test),
            RunTerm::Status(any) => {
                let test = listed("status", any.iter().map(|it| it.word()));
                format!("(status != 'unknown' AND {test})")
            }
            RunTerm::Cost(test) => numbers("cost_pico", test),
            RunTerm::Duration(test) => numbers("duration_us", test),
            RunTerm::Tokens(kind, test) => numbers(&tokens(*kind), test),
            RunTerm::Same(test) => self.run_test(test),
        }
    }

    fn run_test(&mut self, test: &RunTest) -> String {
        match test {
            RunTest::Id(test) => self.name("run_id", test),
            RunTest::Symbol(which, set) => self.name(run_symbol(*which), set.test()),
            RunTest::HasSymbol(which) => format!("{} != ''", run_symbol(*which)),
            RunTest::Number(which, test) => numbers(run_number(*which), test),
            RunTest::Correct(right) => format!("ifNull(correct = {}, 0)", u8::from(*right)),
            RunTest::Score { any, negated } => {
                let any: Vec<String> = any.iter().map(|bounds| within("score", *bounds)).collect();
                let not = not(*negated);
                format!("ifNull({not}({}), 0)", or_none(&any))
            }
        }
    }

    /// A test of the path or the name of the file.
    fn file(&mut self, test: &TextTest) -> String {
        let plain = TextTest {
            any: test.any.clone(),
            negated: false,
        };
        let (whole, name) = ("path", "arrayElement(splitByChar('/', path), -1)");
        let (whole, name) = (self.text(whole, &plain), self.text(name, &plain));
        let not = not(test.negated);
        format!("{not}({whole} OR {name})")
    }

    /// A test of a name; a name that is not recorded never matches.
    fn name(&mut self, column: &str, test: &TextTest) -> String {
        format!("({column} != '' AND {})", self.text(column, test))
    }

    fn text(&mut self, column: &str, test: &TextTest) -> String {
        let each = test.any.iter().map(|pattern| match pattern {
            Pattern::Exact(text) => {
                let name = self.param(text.clone());
                format!("{column} = {name}")
            }
            Pattern::LazyRegex(like) => {
                let name = self.param(like.expression());
                format!("match({column}, {name})")
            }
        });
        let any: Vec<String> = each.collect();
        let not = not(test.negated);
        format!("{not}({})", or_none(&any))
    }

    fn param(&mut self, value: String) -> String {
        let name = format!("p{}", self.params.len());
        self.params.push((name.clone(), value));
        format!("{{{name}:String}}")
    }
}

fn is_regex(test: &Test) -> bool {
    matches!(test, Test::Regex(_))
}

fn not(is_negated: bool) -> &'static str {
    if is_negated { "NOT " } else { "" }
}

/// Any of some conditions; false without one.
fn or_none(parts: &[String]) -> String {
    if parts.is_empty() {
        "0".to_owned()
    } else {
        parts.join(" OR ")
    }
}

/// Our own words, which need no escaping.
fn listed<'w>(column: &str, words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    if words.is_empty() {
        return "0".to_owned();
    }
    format!("{column} IN ({})", words.join(", "))
}

fn flagged(flags: Flags) -> String {
    format!("bitAnd(flags, {}) != 0", flags.0)
}

/// False where the number is not recorded.
fn numbers(column: &str, test: &Numbers) -> String {
    let within = |it: &Interval| format!("{column} BETWEEN {} AND {}", it.lo, it.hi);
    let any: Vec<String> = test.any.iter().map(within).collect();
    let not = not(test.negated);
    let known = if test.any.is_empty() {
        format!("{column} IS NOT NULL AND ")
    } else {
        String::new()
    };
    format!("ifNull({known}{not}({}), 0)", or_none(&any))
}

fn within(column: &str, bounds: Bounds) -> String {
    let sign = if bounds.open { "" } else { "=" };
    let side = |bound: f64, sign: String| {
        bound
            .is_finite()
            .then(|| format!("{column} {sign} {bound:?}"))
    };
    let sides = [
        side(bounds.lo, format!(">{sign}")),
        side(bounds.hi, format!("<{sign}")),
    ];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    if sides.is_empty() {
        return format!("{column} IS NOT NULL");
    }
    format!("({})", sides.join(" AND "))
}

fn symbol(column: SymbolColumn) -> &'static str {
    match column {
        SymbolColumn::Agent => "agent",
        SymbolColumn::Tool => "tool",
        SymbolColumn::Model => "model",
    }
}

fn run_symbol(which: RunSymbol) -> &'static str {
    match which {
        RunSymbol::User => "user",
        RunSymbol::Task => "task",
        RunSymbol::Trial => "trial",
        RunSymbol::Env => "env",
        RunSymbol::Service => "service",
        RunSymbol::Release => "release",
        RunSymbol::Provider => "provider",
    }
}

fn run_number(which: RunNumber) -> &'static str {
    match which {
        RunNumber::Turns => "turns",
        RunNumber::Actions => "actions",
        RunNumber::Calls => "tool_calls",
        RunNumber::Errors => "errors",
        RunNumber::Retries => "retries",
    }
}

fn number(column: NumberColumn) -> String {
    match column {
        NumberColumn::Turn => "turn".to_owned(),
        NumberColumn::Seq => "seq".to_owned(),
        NumberColumn::Line => "line".to_owned(),
        NumberColumn::Cost => "cost_pico".to_owned(),
        NumberColumn::Latency => "duration_us".to_owned(),
        NumberColumn::Parent => "parent".to_owned(),
        NumberColumn::Lane => "lane".to_owned(),
        NumberColumn::Tokens(kind) => tokens(kind),
    }
}

fn tokens(kind: TokenKind) -> String {
    match kind {
        TokenKind::Input => "tok_in".to_owned(),
        TokenKind::Output => "tok_out".to_owned(),
        TokenKind::Cache => sum(&["tok_read", "tok_write"]),
        TokenKind::Total => sum(ALL_TOKENS),
    }
}

/// The sum of what is recorded, and NULL if nothing is.
pub fn sum(columns: &[&str]) -> String {
    let known = columns.iter().map(|column| format!("ifNull({column}, 0)"));
    let known: Vec<String> = known.collect();
    let (first, known) = (columns.join(", "), known.join(" + "));
    format!("if(isNull(coalesce({first})), NULL, {known})")
}

#[cfg(test)]
mod tests {
    use super::Writer;
    use crate::query::{Context, parse};

    #[track_caller]
    fn check(filter: &str, actions: &str, runs: &str) {
        let expr = parse(filter).expect("a filter");
        let context = Context::default();
        let mut writer = Writer::new(&context);
        assert_eq!(writer.actions(&expr).expect("a condition"), actions);
        writer.params.clear();
        let of_runs = writer.runs(&expr).expect("a condition");
        assert_eq!(
            of_runs.replace(super::LIVE, "LIVE").replace(" FINAL", ""),
            runs
        );
    }

    #[test]
    fn what_is_about_actions_is_tested_on_one_action() {
        check(
            "tool:refund is:retry",
            "((tool != '' AND (match(tool, {p0:String}))) AND bitAnd(flags, 1) != 0)",
            "(run_key IN (SELECT run_key FROM saferun_actions WHERE LIVE AND ((tool != '' AND (match(tool, {p0:String}))) AND bitAnd(flags, 1) != 0)))",
        );
    }

    #[test]
    fn what_is_about_runs_is_tested_on_the_run() {
        check(
            "cost>1",
            "ifNull((cost_pico BETWEEN 1000000000001 AND 9223372036854775807), 0)",
            "ifNull((cost_pico BETWEEN 1000000000001 AND 9223372036854775807), 0)",
        );
        check(
            "-status:error",
            "NOT (status IN ('error'))",
            "NOT ((status != 'unknown' AND status IN ('error')))",
        );
    }

    #[test]
    fn what_is_not_in_the_rows_is_refused() {
        for filter in [
            "refund",
            "args.amount>5",
            "tool~/refund/",
            "text:hello",
            "is:loop",
        ] {
            let expr = parse(filter).expect("a filter");
            let context = Context::default();
            let error = Writer::new(&context).runs(&expr).expect_err(filter);
            assert!(error.to_string().contains(filter), "{error}");
        }
    }

    #[test]
    fn what_the_user_typed_is_never_in_the_text() {
        let expr = parse("tool=\"x;-- \" or user:\"o'neil\"").expect("a filter");
        let context = Context::default();
        let mut writer = Writer::new(&context);
        let text = writer.runs(&expr).expect("a condition");
        assert!(!text.contains("--") && !text.contains("neil"), "{text}");
        assert_eq!(writer.params.len(), 2);
    }
}
