//! A comparison of two runs to read: as text, unified or side by side, and as Markdown.
//! Every line is sanitised.

use crate::analysis::diff::describe::{self, Description};
use crate::analysis::diff::fold::{self, Item};
use crate::analysis::diff::inputs::InputDiff;
use crate::analysis::diff::json::Op;
use crate::analysis::diff::label::Label;
use crate::analysis::diff::mask::IgnoreRules;
use crate::analysis::diff::pair;
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::diff::text_changes::{Piece, Side as On};
use crate::analysis::summary;
use crate::base::human;
use crate::base::text;
use crate::export::readable::Line;
use crate::export::words::{self, Role};
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

pub mod markdown;

/// How many differences of a pair are listed; the rest are counted.
const LISTED: usize = 20;

/// How many lines of a difference are shown; the rest are counted.
const TALLEST: usize = 30;

/// Width of the side-by-side layout without a terminal, in cells.
pub const SIDE: usize = 160;

/// Width of an action number, in cells.
const NUMBER: usize = 5;

/// How a comparison is written.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    pub story: Story<'a>,
    pub blind: &'a IgnoreRules,
    /// How the contexts of the two models differ at the divergence.
    pub why: Option<&'a InputDiff>,
    /// Leaves out equal columns, and their number too.
    pub only_changed: bool,
}

/// How the two sides are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A below B; nothing is cut.
    Unified,
    /// Side by side, in this many cells.
    Side(usize),
}

/// The whole comparison: the runs, the divergence, every column that differs.
pub fn lines(page: &Page<'_>, layout: Layout) -> Vec<Line> {
    let mut lines = head(page);
    lines.push(Vec::new());
    if let Layout::Side(width) = layout {
        lines.push(titles(page, width));
    }
    let mut hidden = 0;
    let folds = |_: usize| true;
    for item in fold::items(&page.story.comparison.columns, &folds) {
        match item {
            Item::Folded(range) if page.only_changed => {
                hidden += range
                    .map(|at| inside(page, at, &mut Vec::new()))
                    .sum::<usize>();
            }
            Item::Folded(range) => {
                let folded = range.clone();
                hidden += folded
                    .map(|at| inside(page, at, &mut Vec::new()))
                    .sum::<usize>();
                let count = human::counted(range.len() as u64, "equal action");
                lines.push(vec![(Role::Dim, format!("  ⋯ {count}"))]);
            }
            Item::Column(at) => {
                let label = page.story.comparison.columns[at].label;
                if label == Label::Same && page.only_changed {
                    hidden += inside(page, at, &mut Vec::new());
                    continue;
                }
                match layout {
                    Layout::Unified => lines.push(unified(page, at)),
                    Layout::Side(width) => lines.push(beside(page, at, width)),
                }
                hidden += inside(page, at, &mut lines);
            }
        }
    }
    if hidden > 0 {
        let count = human::counted(hidden as u64, "difference");
        lines.push(vec![(
            Role::Dim,
            format!("  {count} hidden as noise or ignored"),
        )]);
    }
    lines
}

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

/// The two runs, how similar they are, and where they diverge.
pub fn head(page: &Page<'_>) -> Vec<Line> {
    let story = &page.story;
    let comparison = story.comparison;
    let mut lines = vec![who("A", story.a), who("B", story.b)];
    let counts = comparison.counts().into_iter();
    let counts: Vec<String> = counts
        .map(|(label, count)| format!("{count} {}", label.word()))
        .collect();
    let approximate = if comparison.is_approximate {
        " · approximate"
    } else {
        ""
    };
    lines.push(vec![
        (Role::Plain, counts.join(" · ")),
        (
            Role::Dim,
            format!(" · distance {}{approximate}", comparison.cost),
        ),
    ]);
    lines.extend(verdict(page));
    let divergence = &comparison.divergence;
    match divergence.first_any.zip(story.first_any()) {
        None if comparison.is_equal() => {
            lines.push(vec![(Role::Good, "no difference".to_owned())]);
        }
        None => lines.push(vec![(
            Role::Good,
            "no difference other than noise".to_owned(),
        )]),
        Some((at, sentence)) => lines.push(vec![
            (Role::Dim, "first difference   ".to_owned()),
            (
                Role::Plain,
                clean(&format!("{}  {sentence}", story.place(at))),
            ),
        ]),
    }
    if let Some(at) = divergence.first_material {
        lines.push(vec![
            (Role::Dim, "diverge at         ".to_owned()),
            (
                Role::Head,
                clean(&format!("{}  {}", story.place(at), story.cause())),
            ),
            (Role::Dim, format!("  ({})", story.context())),
        ]);
    } else if divergence.first_any.is_some() {
        lines.push(vec![
            (Role::Dim, "tool calls         ".to_owned()),
            (Role::Plain, "same tool calls throughout".to_owned()),
        ]);
    }
    lines.extend(page.why.map(|why| {
        vec![
            (Role::Dim, "model input        ".to_owned()),
            (Role::Plain, clean(&why.words().join(" · "))),
        ]
    }));
    lines.extend(not_compared(page));
    lines
}

/// What a final answer takes on its line, in cells.
const ANSWER: usize = 100;

/// The grades and the final answers, where they differ: that is what matters most.
fn verdict(page: &Page<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(grades) = grades(&page.story) {
        lines.push(vec![
            (Role::Dim, "grades differ      ".to_owned()),
            (Role::Head, grades),
        ]);
    }
    let answers = page.story.answers().unwrap_or_default();
    if answers.iter().any(Option::is_some) {
        for (answer, (name, title)) in answers.iter().zip([("A", "final answer"), ("B", "")]) {
            let words = match answer {
                Some(row) => format!("{name} #{}  {}", row.seq(), one_line(row)),
                None => format!("{name} none"),
            };
            lines.push(vec![
                (Role::Dim, format!("{title:<19}")),
                (Role::Plain, words),
            ]);
        }
    }
    lines
}

/// `A right · B wrong`, if the grades differ.
pub fn grades(story: &Story<'_>) -> Option<String> {
    let [a, b] = story.grades()?.map(|grade| match grade {
        Some(grade) => grade.to_string(),
        None => "not graded".to_owned(),
    });
    Some(format!("A {a} · B {b}"))
}

/// The text of a response on one line, cut.
fn one_line(row: &Row<'_>) -> String {
    let text = bodies::open(row, Depth::Full).text.unwrap_or_default();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text::cut(&clean(&line), ANSWER).into_owned()
}

/// Ignored differences, and rows that are not compared.
fn not_compared(page: &Page<'_>) -> Option<Line> {
    let comparison = page.story.comparison;
    let mut parts = Vec::new();
    let rows = |count: usize| human::counted(count as u64, "row");
    let skipped = match (comparison.a.left_out, comparison.b.left_out) {
        (0, 0) => None,
        (a, b) if a == b => Some(format!("{} in each run", rows(a))),
        (a, b) => Some(format!("{} of A and {} of B", rows(a), rows(b))),
    };
    parts.extend(skipped.map(|rows| format!("{rows} (not a prompt, response or tool call)")));
    let noisy = comparison.noise.len() as u64;
    if page.blind.noise {
        parts.push("ids, times and temporary paths".to_owned());
    } else if noisy > 0 {
        parts.push(format!(
            "{} that differ{} only in ids, times, white space or JSON order",
            human::counted(noisy, "pair"),
            if noisy == 1 { "s" } else { "" },
        ));
    }
    parts.extend(page.blind.ignored.iter().map(|it| clean(&it.words())));
    let words = format!("skipped            {}", parts.join(" · "));
    (!parts.is_empty()).then(|| vec![(Role::Dim, words)])
}

fn who(name: &str, side: Side<'_>) -> Line {
    let run = side.store.run(side.run);
    let (status, role) = words::run_status(run);
    let source = side.store.source(run.source);
    let task = side.store.symbols().name(run.who.task);
    let mut parts = vec![words::models(side.store, run)];
    if !task.is_empty() {
        parts.push(format!("task {task}"));
    }
    parts.push(human::counted(run.totals.turns.into(), "turn"));
    parts.push(human::counted(run.totals.tool_calls.into(), "call"));
    parts.push(words::cost(run.cost()));
    parts.push(words::span(run.duration()));
    // A dash among other values would be ambiguous.
    parts.retain(|it| it != words::NOTHING);
    let mut line = vec![
        (Role::Head, format!("{name}  {}", clean(&run.id))),
        (
            Role::Dim,
            format!("  {}  ", clean(&source.path.to_string_lossy())),
        ),
        (Role::Plain, clean(&parts.join(" · "))),
    ];
    let status = (status != words::NOTHING).then(|| (status.to_owned(), role));
    for (word, role) in status.into_iter().chain(words::grade(run)) {
        line.push((Role::Plain, " · ".to_owned()));
        line.push((role, word));
    }
    line
}

/// A sign for each label, one cell wide; the word is next to it.
pub fn sign(label: Label) -> &'static str {
    match label {
        Label::Same => "=",
        Label::Text | Label::Input => "~",
        Label::Result | Label::Outcome | Label::Args | Label::Tool | Label::Blocked => "!",
        Label::Missing => "-",
        Label::Extra => "+",
        Label::Moved => "^",
        Label::Retry => "r",
    }
}

pub fn role(label: Label) -> Role {
    match label {
        Label::Same => Role::Dim,
        Label::Text | Label::Input | Label::Moved => Role::Plain,
        Label::Result
        | Label::Outcome
        | Label::Args
        | Label::Tool
        | Label::Blocked
        | Label::Retry => Role::Warn,
        Label::Missing => Role::Bad,
        Label::Extra => Role::Good,
    }
}

/// An action on one line, sanitised.
pub fn action(row: &Row<'_>) -> String {
    let body = bodies::open(row, Depth::Glance);
    let summary = summary::line(row, &body);
    let what = match row.tool() {
        "" => row.kind().word(),
        tool => tool,
    };
    clean(&format!("{what}  {summary}"))
}

fn number(row: Option<&Row<'_>>) -> String {
    let number = row.map(|row| row.seq().to_string()).unwrap_or_default();
    format!("{number:>NUMBER$}")
}

fn unified(page: &Page<'_>, at: usize) -> Line {
    let column = page.story.comparison.columns[at];
    let (a, b) = (page.story.row_a(at), page.story.row_b(at));
    let role = role(column.label);
    let label = column.label.word();
    let described = b.as_ref().or(a.as_ref()).map(action).unwrap_or_default();
    let numbers = format!("{} {}", number(a.as_ref()), number(b.as_ref()));
    vec![
        (role, format!("{} ", sign(column.label))),
        (Role::Dim, numbers),
        (role, format!("  {label:<8}")),
        (
            if column.label == Label::Same {
                Role::Dim
            } else {
                Role::Plain
            },
            described,
        ),
    ]
}

/// Width of each side (number and action); the label is between them.
fn halves(width: usize) -> usize {
    width.saturating_sub(2 * (NUMBER + 1) + 13) / 2
}

fn titles(page: &Page<'_>, width: usize) -> Line {
    let model = |side: Side<'_>| words::models(side.store, side.store.run(side.run));
    let half = halves(width);
    let (a, b) = (clean(&model(page.story.a)), clean(&model(page.story.b)));
    let a = text::fit(&format!("A  {a}"), half + NUMBER + 1);
    let b = text::fit(&format!("B  {b}"), half + NUMBER + 1);
    vec![(
        Role::Head,
        format!("{a} │          │ {b}").trim_end().to_owned(),
    )]
}

fn beside(page: &Page<'_>, at: usize, width: usize) -> Line {
    let column = page.story.comparison.columns[at];
    let half = halves(width);
    let (a, b) = (page.story.row_a(at), page.story.row_b(at));
    let described = |row: Option<&Row<'_>>| text::fit(&row.map(action).unwrap_or_default(), half);
    let role = role(column.label);
    let plain = if column.label == Label::Same {
        Role::Dim
    } else {
        Role::Plain
    };
    let label = format!("{} {:<7}", sign(column.label), column.label.word());
    vec![
        (Role::Dim, number(a.as_ref())),
        (plain, format!(" {}", described(a.as_ref()))),
        (role, format!(" │ {label}│ ")),
        (Role::Dim, number(b.as_ref())),
        (
            plain,
            format!(" {}", described(b.as_ref())).trim_end().to_owned(),
        ),
    ]
}

/// Adds the differences of a pair below it; returns how many are hidden.
fn inside(page: &Page<'_>, at: usize, lines: &mut Vec<Line>) -> usize {
    let label = page.story.comparison.columns[at].label;
    let rows = page.story.row_a(at).zip(page.story.row_b(at));
    let (Some((a, b)), true) = (rows, label != Label::Same || !page.blind.is_none()) else {
        return 0;
    };
    let found = pair::pair(&a, &b, page.blind);
    if label == Label::Same {
        return found.hidden;
    }
    let described = found.changes.iter().map(describe::describe).take(LISTED);
    lines.extend(described.flat_map(|described| change(&described)));
    let more = found.changes.len().saturating_sub(LISTED);
    if more > 0 {
        let more = human::counted(more as u64, "more difference");
        lines.push(vec![(Role::Dim, format!("{INDENT}… {more}"))]);
    }
    let spent = spent(&a, &b);
    if let Some(spent) = spent {
        lines.push(vec![(Role::Dim, format!("{INDENT}{spent}"))]);
    }
    found.hidden
}

const INDENT: &str = "                       ";

/// A difference, on as many lines as it needs.
fn change(described: &Description) -> Vec<Line> {
    let mark = match described.op {
        Op::Added => "+",
        Op::Removed => "-",
        Op::Changed => "~",
        Op::TypeChanged => "!",
    };
    let head = format!("{INDENT}{mark} {}", clean(&described.path));
    match described.lines.as_slice() {
        [one] => {
            let mut line = vec![(Role::Dim, format!("{head}  "))];
            line.extend(one.iter().map(piece));
            vec![line]
        }
        several => {
            let below = several.iter().take(TALLEST).map(|pieces| {
                let sign = match pieces.first().map(|piece| piece.side) {
                    Some(On::Old) => "-",
                    Some(On::New) => "+",
                    Some(On::Both) | None => " ",
                };
                let mut line = vec![(Role::Dim, format!("{INDENT}    {sign} "))];
                line.extend(
                    pieces
                        .iter()
                        .map(|piece| (side_role(piece), clean(&piece.text))),
                );
                line
            });
            let more = several.len().saturating_sub(TALLEST);
            let more = (more > 0).then(|| {
                let more = human::counted(more as u64, "more line");
                vec![(Role::Dim, format!("{INDENT}    … {more}"))]
            });
            let head = vec![(Role::Dim, head)];
            std::iter::once(head).chain(below).chain(more).collect()
        }
    }
}

/// Brackets show without colour which side a piece is on, like `git diff --word-diff`.
fn piece(piece: &Piece) -> (Role, String) {
    let text = clean(&piece.text);
    let text = match piece.side {
        On::Both => text,
        On::Old => format!("[-{text}-]"),
        On::New => format!("{{+{text}+}}"),
    };
    (side_role(piece), text)
}

fn side_role(piece: &Piece) -> Role {
    match piece.side {
        On::Both => Role::Dim,
        On::Old => Role::Bad,
        On::New => Role::Good,
    }
}

/// `1.2s → 3.0s · $0.004 → $0.010 · 812 → 1,204 tokens`: figures that are recorded on both sides and differ.
pub fn spent(a: &Row<'_>, b: &Row<'_>) -> Option<String> {
    let tokens = |row: &Row<'_>| words::tokens(row.usage().total());
    let all = [
        (words::span(a.duration()), words::span(b.duration()), ""),
        (words::row_cost(a), words::row_cost(b), ""),
        (tokens(a), tokens(b), " tokens"),
    ];
    let differ = all.into_iter().filter(|(a, b, _)| a != b);
    let parts: Vec<String> = differ
        .map(|(a, b, unit)| format!("{a} → {b}{unit}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}
