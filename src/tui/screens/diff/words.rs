//! The lines around the two runs: which they are, how similar, where they diverge and why.

use crate::analysis::diff::label::Cause;
use crate::analysis::runs::short_ids;
use crate::base::human;
use crate::base::text;
use crate::export::{self, words};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::keys::Command;
use crate::tui::screens::diff::fields::Differences;
use crate::tui::screens::diff::{Diff, State};
use crate::tui::session::Session;
use crate::tui::widgets::tone::{Line, Tone};

/// Sanitised texts for the lines that are not rows.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) crumbs: Vec<String>,
    /// Which runs, how similar, where they diverge: as many lines as fit.
    pub(super) story: Vec<Line>,
    pub(super) heads: [String; 2],
    /// The title of the pane below.
    pub(super) fields: String,
    /// The message shown instead of rows.
    pub(super) empty: Vec<String>,
    pub(super) position: String,
}

impl Words {
    pub(super) fn new(diff: &Diff, session: &Session) -> Words {
        let store = &session.loaded.store;
        let Some(pair) = diff.pair else {
            return Words {
                crumbs: vec!["Diff".to_owned()],
                empty: nothing(session),
                ..Words::default()
            };
        };
        let ids = pair.map(|run| &*store.run(run).id);
        let short = short_ids(&ids);
        let name = |at: usize| clean(short.get(at).map_or("", String::as_str));
        let mut crumbs = vec!["Diff".to_owned(), format!("A {} ↔ B {}", name(0), name(1))];
        crumbs.extend(diff.under_way());
        let heads = [0, 1].map(|at| head(at, &name(at), store, pair[at]));
        Words {
            crumbs,
            story: story(diff, who(pair, &[name(0), name(1)], store), session),
            heads,
            fields: fields(diff, store),
            empty: waiting(diff),
            position: position(diff),
        }
    }
}

/// On narrow screens only the header names the runs, and the reason for the divergence has its own line.
fn story(diff: &Diff, who: Line, session: &Session) -> Vec<Line> {
    let store = &session.loaded.store;
    let (mut place, mut why) = divergence(diff, store);
    why.extend(quieter(diff, session));
    let area = diff.frame.regions.story;
    if area.height < 3 {
        return vec![place];
    }
    if area.width < WIDE {
        why.extend(first(diff, store).filter(|it| has_room(&why, it, area.width)));
        return vec![alike(diff, store), place, why];
    }
    if why.iter().any(|(_, words)| !words.is_empty()) {
        place.push((Tone::Plain, " · ".to_owned()));
        place.extend(why);
    }
    place.extend(first(diff, store).filter(|it| has_room(&place, it, area.width)));
    vec![who, alike(diff, store), place]
}

/// Whether a piece fits beside others, which begin in the second cell.
fn has_room(line: &Line, piece: &(Tone, String), width: u16) -> bool {
    let pieces = line.iter().chain([piece]);
    pieces.map(|(_, words)| text::width(words)).sum::<usize>() < usize::from(width)
}

/// The minimum width of the names of the two runs.
const WIDE: u16 = 100;

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

fn nothing(session: &Session) -> Vec<String> {
    let keys = |command| session.keymap.keys(command).join(" ");
    vec![
        "Choose two runs to compare.".to_owned(),
        String::new(),
        format!(
            "Press {} on one run, then on another. In the table of runs, {} marks A and B.",
            keys(Command::Compare),
            keys(Command::Pair),
        ),
    ]
}

fn waiting(diff: &Diff) -> Vec<String> {
    if diff.done.is_some() {
        let is_empty = diff.list.items.is_empty();
        let words = "Neither run contains a prompt, a response or a tool call.";
        return is_empty.then(|| words.to_owned()).into_iter().collect();
    }
    vec![match diff.state {
        State::Reading { done, all } if all > 0 => {
            format!("comparing: {} % of the actions read", done * 100 / all)
        }
        State::Reading { .. } => "comparing".to_owned(),
        State::Idle => "nothing is compared".to_owned(),
    }]
}

fn who(pair: [RunIx; 2], names: &[String; 2], store: &Store) -> Line {
    let mut line = Line::new();
    for (at, name) in names.iter().enumerate() {
        let run = store.run(pair[at]);
        let letter = ["A", "B"][at];
        let grade = words::grade(run).map(|(grade, _)| grade);
        let facts = [
            words::models(store, run),
            human::counted(run.totals.turns.into(), "turn"),
            words::cost(run.cost()),
            words::span(run.duration()),
            words::run_status(run).0.to_owned(),
        ];
        // A lone dash would be ambiguous.
        let facts = facts.into_iter().chain(grade);
        let facts: Vec<String> = facts.filter(|it| it != words::NOTHING).collect();
        if at > 0 {
            line.push((Tone::Faint, "  ↔  ".to_owned()));
        }
        line.push((Tone::Strong, format!("{letter} {name}")));
        line.push((Tone::Plain, format!("  {}", clean(&facts.join(" · ")))));
    }
    line
}

/// Grades and final answers, if they differ.
fn verdict(diff: &Diff, store: &Store) -> Line {
    let mut line = Line::new();
    let Some((done, comparison)) = diff.done.as_ref().zip(diff.comparison()) else {
        return line;
    };
    let story = done.story(comparison, store);
    if let Some(grades) = export::diff::grades(&story) {
        line.push((Tone::Strong, format!("grades differ: {grades}")));
        line.push((Tone::Plain, " · ".to_owned()));
    }
    if let Some(answers) = story.answers() {
        let [a, b] = answers
            .map(|row| row.map_or_else(|| "none".to_owned(), |row| format!("#{}", row.seq())));
        line.push((
            Tone::Plain,
            format!("final answers differ: A {a}, B {b} · "),
        ));
    }
    line
}

fn alike(diff: &Diff, store: &Store) -> Line {
    let mut line = verdict(diff, store);
    if let Some(comparison) = diff.comparison() {
        let counts = comparison.counts().into_iter();
        let counts: Vec<String> = counts
            .map(|(label, count)| format!("{count} {}", label.word()))
            .collect();
        line.push((Tone::Plain, counts.join(" · ")));
        if comparison.is_approximate {
            line.push((Tone::Waiting, "  ≈ approximate".to_owned()));
        }
    }
    let blind = &diff.options.blind;
    if blind.noise {
        line.push((Tone::Waiting, "   noise hidden".to_owned()));
    }
    if !blind.ignored.is_empty() {
        let paths: Vec<String> = blind.ignored.iter().map(|it| clean(&it.words())).collect();
        line.push((Tone::Waiting, format!("   ignored {}", paths.join(" "))));
    }
    if !diff.options.pins.is_empty() {
        let count = human::counted(diff.options.pins.len() as u64, "pair");
        line.push((Tone::Waiting, format!("   {count} made by hand")));
    }
    if let (State::Reading { done, all }, true) = (diff.state, diff.done.is_some()) {
        let percent = done * 100 / all.max(1);
        line.push((Tone::Waiting, format!("   comparing again {percent} %")));
    }
    line
}

/// The divergence, and whether the model caused it.
fn divergence(diff: &Diff, store: &Store) -> (Line, Line) {
    let Some((done, comparison)) = diff.done.as_ref().zip(diff.comparison()) else {
        return (Line::new(), Line::new());
    };
    let story = done.story(comparison, store);
    let divergence = &comparison.divergence;
    let place = match divergence.first_material {
        Some(at) => {
            let words = format!("{}  {}", story.place(at), story.cause());
            vec![
                (Tone::Faint, "diverge at ".to_owned()),
                (Tone::Strong, clean(&words)),
            ]
        }
        None => vec![(Tone::Good, "same tool calls throughout".to_owned())],
    };
    let tone = if divergence.inputs_differed_before {
        Tone::Waiting
    } else {
        Tone::Plain
    };
    (place, vec![(tone, story.context().to_owned())])
}

/// The first difference of any kind, where it is not the divergence.
fn first(diff: &Diff, store: &Store) -> Option<(Tone, String)> {
    let (done, comparison) = diff.done.as_ref().zip(diff.comparison())?;
    let story = done.story(comparison, store);
    let divergence = &comparison.divergence;
    let (at, words) = divergence.first_any.zip(story.first_any())?;
    let words = format!("   first difference {}  {words}", story.place(at));
    (divergence.first_material != Some(at)).then(|| (Tone::Faint, clean(&words)))
}

/// Results of one call often differ in nothing but ids and times.
fn quieter(diff: &Diff, session: &Session) -> Option<(Tone, String)> {
    let is_result = diff.comparison()?.divergence.cause == Cause::Result;
    let key = session.keymap.key(Command::Noise)?;
    let is_loud = is_result && !diff.options.blind.noise;
    is_loud.then(|| (Tone::Faint, format!("   {key} hides ids and times")))
}

fn head(at: usize, name: &str, store: &Store, run: RunIx) -> String {
    let letter = ["A", "B"][at];
    let model = words::models(store, store.run(run));
    format!("{letter}  {name}  {}", clean(&model))
}

fn fields(diff: &Diff, store: &Store) -> String {
    let Some((done, comparison)) = diff.done.as_ref().zip(diff.comparison()) else {
        return String::new();
    };
    let Some(at) = diff.column() else {
        return String::new();
    };
    let story = done.story(comparison, store);
    let row = story.row_b(at).or(story.row_a(at));
    let what = row.map_or("", |row| match row.tool() {
        "" => row.kind().word(),
        tool => tool,
    });
    let label = comparison.columns[at].label.word();
    let aside = diff.found().map(Differences::aside).unwrap_or_default();
    clean(&format!("{label}  {}  {what}  {aside}", story.place(at)))
        .trim_end()
        .to_owned()
}

fn position(diff: &Diff) -> String {
    let Some(comparison) = diff.comparison() else {
        return String::new();
    };
    let all = comparison.columns.len();
    match diff.column() {
        Some(at) => format!("{} of {all}", at + 1),
        None => format!("{all} pairs"),
    }
}
