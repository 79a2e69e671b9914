//! A comparison of cohorts as a document in Markdown, to keep or to paste into a review.

use crate::analysis::cohort::ask::Answer;
use crate::analysis::cohort::figure::Figure;
use crate::base::text;
use crate::export::cohort as words;

/// How many kinds of divergence are listed.
const FORKS: usize = 10;

/// The document; safe to show on a terminal.
pub fn markdown(answer: &Answer) -> String {
    let found = &answer.comparison;
    let (a, b) = (&found.a, &found.b);
    let mut lines = vec![
        format!("# {} ↔ {}", plain(&a.name), plain(&b.name)),
        String::new(),
    ];
    let sides = [("A", a), ("B", b)].into_iter();
    for ((side, cohort), size) in sides.zip(words::sizes(found)) {
        lines.push(format!("- {side}: `{}`, {size}", code(&cohort.name)));
    }
    lines.push(format!("- {}", words::pairing(answer)));
    lines.extend(words::excluded(answer).map(|it| format!("- left out: {it}")));
    for confound in words::confounds(answer) {
        lines.push(format!("- {}", plain(&confound)));
    }
    let told: Vec<String> = words::tally(found)
        .into_iter()
        .map(|(words, _)| plain(&words))
        .collect();
    lines.extend([
        String::new(),
        format!("**{}**", told.join(" · ")),
        String::new(),
    ]);
    lines.push("| metric | A | B | difference | interval | p | q | meaning |".to_owned());
    lines.push("|---|--:|--:|--:|---|--:|--:|---|".to_owned());
    lines.extend(
        found
            .by_evidence()
            .into_iter()
            .map(|figure| row(answer, figure)),
    );
    if let Some(mix) = found.mix {
        let p = mix.p.map_or_else(String::new, |p| {
            format!(", p {}", words::probability(Some(p)))
        });
        lines.extend([
            String::new(),
            format!(
                "Tool mix differs by {:.1} % of calls{p}.",
                mix.total_variation * 100.0
            ),
        ]);
    }
    if !found.forks.is_empty() {
        lines.extend([
            String::new(),
            "Where runs of the same task diverge:".to_owned(),
            String::new(),
        ]);
    }
    for fork in found.forks.iter().take(FORKS) {
        let side = |tool| code(words::tool(found, tool, "the end"));
        let (a, b) = (side(fork.a), side(fork.b));
        lines.push(format!("- {} × A `{a}` → B `{b}`", fork.pairs.len()));
    }
    lines.extend([String::new(), format!("Method: {}.", words::methods(found))]);
    lines.extend(words::smallest(found).map(|it| format!("{it}.")));
    lines.join("\n")
}

fn row(answer: &Answer, figure: &Figure) -> String {
    let cells = [
        plain(&figure.words),
        words::value(figure, figure.a),
        words::value(figure, figure.b),
        words::difference(figure),
        words::interval(figure),
        words::probability(figure.p),
        words::probability(figure.q),
        words::sentence(&answer.comparison, figure),
    ];
    format!("| {} |", cells.join(" | "))
}

/// Raw content, escaped for Markdown.
fn plain(raw: &str) -> String {
    let mut out = String::new();
    for char in text::sanitize(raw).chars() {
        if matches!(
            char,
            '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' | '#'
        ) {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// Raw content for a code span.
fn code(raw: &str) -> String {
    text::sanitize(raw).replace('`', "'").replace('|', "¦")
}
