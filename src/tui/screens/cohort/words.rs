//! The texts around the figures, sanitised.

use crate::analysis::cohort::ask::{Answer, Refusal};
use crate::base::{human, text};
use crate::export::cohort as cohort_text;
use crate::export::words::Role;
use crate::tui::screens::cohort::rows::Line;
use crate::tui::screens::cohort::{Cohort, State};
use crate::tui::session::Session;

#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) crumbs: Vec<String>,
    /// What is compared; `None` before there is a comparison.
    pub(super) sides: Option<Sides>,
    /// What is shown in place of the sides.
    pub(super) title: String,
    pub(super) verdict: Vec<(String, Role)>,
    /// Right of the verdict.
    pub(super) aside: String,
    /// How the sides are paired, and what was left out.
    pub(super) pairing: String,
    /// What else differs.
    pub(super) caution: String,
    /// About the selected line, from the most to the least important.
    pub(super) detail: Vec<String>,
    /// How the list is made.
    pub(super) listed: String,
}

impl Words {
    /// Cells of what the caution line says.
    pub(super) fn caution_width(&self) -> usize {
        text::width(&self.pairing) + text::width(&self.caution) + 4
    }

    pub(super) fn new(cohort: &Cohort, session: &Session) -> Words {
        let name = session
            .trace
            .title
            .rsplit('/')
            .find(|part| !part.is_empty());
        let crumbs = vec![text::cut(name.unwrap_or_default(), 40).into_owned()];
        let mut words = match &cohort.state {
            State::Shown(answer) => shown(cohort, answer, session),
            State::Nothing => Words::default(),
            State::Refused(_) => Words {
                title: "nothing to compare".to_owned(),
                ..Words::default()
            },
            State::Choosing(models) => Words {
                title: format!(
                    "{} models: choose two to compare (space marks A and B)",
                    models.all.len()
                ),
                pairing: models.proposed().map_or_else(String::new, |[before, new]| {
                    let words = format!("enter compares the two newest: {before} ↔ {new}");
                    text::sanitize(&words).into_owned()
                }),
                ..Words::default()
            },
        };
        words.crumbs = crumbs;
        if cohort.is_running || (cohort.is_stale && session.is_loading()) {
            let runs = human::count(session.loaded.store.runs().len() as u64);
            words.listed = if session.is_loading() {
                format!("{runs} runs so far; compared when all are loaded")
            } else {
                format!("comparing {runs} runs")
            };
        }
        words
    }
}

/// Names of sides may be paths: their ends tell them apart.
const LONGEST_NAME: usize = 36;

/// The two sides.
#[derive(Debug, Default)]
pub(super) struct Sides {
    names: [String; 2],
    /// How many runs each has.
    sizes: [String; 2],
}

impl Sides {
    /// `A old  40 runs   ↔   B new  40 runs`; if that does not fit, without the sizes and with shortened names.
    pub(super) fn fitting(&self, room: usize) -> String {
        let ([a, b], [of_a, of_b]) = (&self.names, &self.sizes);
        let whole = format!("A {a}  {of_a}   ↔   B {b}  {of_b}");
        if text::width(&whole) <= room {
            return whole;
        }
        let room = room.saturating_sub(text::width("A    ↔   B "));
        let of_a = text::width(a).min(room - text::width(b).min(room / 2));
        let (a, b) = (text::cut_middle(a, of_a), text::cut_middle(b, room - of_a));
        format!("A {a}   ↔   B {b}")
    }
}

fn shown(cohort: &Cohort, answer: &Answer, session: &Session) -> Words {
    let found = &answer.comparison;
    let sizes = cohort_text::sizes(found);
    let name = |side: &crate::analysis::cohort::observe::Cohort| {
        text::cut_front(&text::sanitize(&side.name), LONGEST_NAME).into_owned()
    };
    let mut verdict = cohort_text::tally(found);
    for (words, _) in &mut verdict {
        *words = text::sanitize(words).into_owned();
    }
    if session.trace.live {
        verdict.insert(0, ("interim".to_owned(), Role::Warn));
    }
    let left_out = cohort_text::excluded(answer).map(|it| format!("left out: {it}"));
    let confounds = cohort_text::confounds(answer);
    let besides = confounds.split_first().map(|(first, things)| {
        let things: Vec<_> = things.iter().map(|it| text::sanitize(it)).collect();
        format!("{first} · {}", things.join(" · "))
    });
    let pairing = std::iter::once(cohort_text::pairing(answer));
    let pairing: Vec<String> = pairing.chain(left_out).collect();
    let smallest = found.smallest_rate();
    let smallest =
        smallest.map(|it| format!("can detect differences of {:.1} pp or more", it * 100.0));
    let aside: Vec<String> = std::iter::once(cohort_text::gate(found).to_owned())
        .chain(smallest)
        .collect();
    let listed = [Some(cohort.sort.word()), cohort.show.word()];
    Words {
        sides: Some(Sides {
            names: [name(&found.a), name(&found.b)],
            sizes,
        }),
        aside: aside.join(" · "),
        pairing: pairing.join(" · "),
        caution: besides.unwrap_or_default(),
        detail: detail(cohort, answer),
        listed: listed.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        verdict,
        ..Words::default()
    }
}

fn detail(cohort: &Cohort, answer: &Answer) -> Vec<String> {
    let found = &answer.comparison;
    if let Some(behind) = &cohort.behind {
        return vec![behind.title.clone()];
    }
    match cohort.lines.get(cohort.view.cursor) {
        Some(Line::Figure(figure)) => {
            let numbers = format!(
                "{} → {}   {}  {}   p {}  q {}   {} and {} runs",
                cohort_text::value(figure, figure.a),
                cohort_text::value(figure, figure.b),
                cohort_text::difference(figure),
                cohort_text::interval(figure),
                cohort_text::probability(figure.p),
                cohort_text::probability(figure.q),
                human::count(figure.runs_a as u64),
                human::count(figure.runs_b as u64),
            );
            vec![
                format!(
                    "{}: {}",
                    text::sanitize(&figure.words),
                    cohort_text::sentence(found, figure)
                ),
                numbers,
                format!(
                    "method: {}; seed {}",
                    figure.method.words(),
                    cohort.terms.seed
                ),
            ]
        }
        Some(Line::Step(at)) => {
            let step = &found.transitions[*at];
            vec![format!(
                "{} of the next calls of A, {} of B's",
                step.count_a, step.count_b
            )]
        }
        Some(Line::Fork(at)) => {
            let fork = &found.forks[*at];
            vec![format!(
                "{} of {} tasks; repeated calls of a tool count once",
                fork.pairs.len(),
                found.design.tasks.len()
            )]
        }
        Some(Line::Head(_)) | None => Vec::new(),
    }
}

/// Why no comparison is possible, and what to do about it.
pub(super) fn refused(refusal: &Refusal, session: &Session) -> Vec<String> {
    let why = cohort_text::refusal(refusal, cohort_text::Reader::Screen);
    let mut lines: Vec<String> = text::sanitize_lines(&why).map(Into::into).collect();
    if let Some(key) = session.keymap.key(crate::tui::keys::Command::Palette) {
        lines.push(format!(
            "{key}cohort FILTER vs FILTER compares any two sets of runs: {key}cohort file:*old* vs file:*new*"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::Sides;

    #[test]
    fn both_sides_are_named_where_there_is_little_room() {
        let sides = Sides {
            names: ["model:claude-sonnet-4-5", "model:gpt-5"].map(str::to_owned),
            sizes: ["600 runs, 600 tasks", "600 runs, 600 tasks"].map(str::to_owned),
        };
        let check = |room: usize, expected: &str| assert_eq!(sides.fitting(room), expected);
        check(
            100,
            "A model:claude-sonnet-4-5  600 runs, 600 tasks   ↔   B model:gpt-5  600 runs, 600 tasks",
        );
        check(60, "A model:claude-sonnet-4-5   ↔   B model:gpt-5");
        check(36, "A mode…onnet-4-5   ↔   B model:gpt-5");
    }
}
