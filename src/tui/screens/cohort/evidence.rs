//! The runs behind a line: pairs that differ, or single runs, to open.

use crate::analysis::cohort::ask::Answer;
use crate::analysis::cohort::compare::Comparison;
use crate::analysis::cohort::figure::{Figure, Subject};
use crate::analysis::cohort::mix::Transition;
use crate::analysis::cohort::observe::Observation;
use crate::base::text;
use crate::export::cohort as words;
use crate::model::action::{ActionIx, Kind};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screen::id::ScreenId;
use crate::tui::screens::cohort::rows::Line;
use crate::tui::screens::cohort::{Cohort, State};
use crate::tui::session::{Here, Session};
use crate::tui::widgets::viewport::Viewport;

/// The selected figure and its runs.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Sanitised.
    pub(super) title: String,
    pub(super) items: Vec<Item>,
    pub(super) view: Viewport,
    pub(super) side: usize,
}

/// A task: a run of each side, in sanitised words.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) task: String,
    pub(super) sides: [Option<Run>; 2],
    /// B minus A, if both are amounts.
    pub(super) difference: String,
}

#[derive(Debug)]
pub(super) struct Run {
    ix: RunIx,
    pub(super) id: String,
    pub(super) value: String,
    /// The number of calls before the one of interest; none if there is no such call.
    before: Option<usize>,
}

impl Run {
    /// The task has its own column, so an id that begins with it is shown without it.
    fn beside(mut self, task: &str) -> Run {
        let rest = self.id.strip_prefix(task);
        let rest = rest.map(|rest| rest.trim_start_matches(['-', '_', '/', '.', ':']));
        if let Some(rest) = rest {
            self.id = rest.to_owned();
        }
        self
    }
}

impl Cohort {
    /// Opens what is selected: the runs behind a line, or the run behind those.
    pub(super) fn open(&mut self, session: &mut Session) -> Vec<Effect> {
        if let Some(behind) = &self.behind {
            return behind.open(session);
        }
        let State::Shown(answer) = &self.state else {
            self.compare_newest();
            return Vec::new();
        };
        let store = &session.loaded.store;
        let behind = match self.lines.get(self.view.cursor) {
            Some(Line::Figure(figure)) => of_figure(answer, figure, store),
            Some(Line::Step(at)) => of_step(answer, &answer.comparison.transitions[*at], store),
            Some(Line::Fork(at)) => of_fork(answer, *at, store),
            Some(Line::Head(_)) | None => return Vec::new(),
        };
        if behind.items.is_empty() {
            session.say("no runs differ in this metric");
        } else {
            self.behind = Some(behind);
        }
        Vec::new()
    }
}

impl Cohort {
    pub(super) fn open_run(&self, session: &Session) -> Vec<Effect> {
        let behind = self.behind.as_ref();
        let here = behind.and_then(|behind| behind.here(session));
        here.map(|here| Effect::Visit(ScreenId::Stream, here))
            .into_iter()
            .collect()
    }
}

impl Evidence {
    /// Opens a pair side by side, or a run without a counterpart alone.
    fn open(&self, session: &mut Session) -> Vec<Effect> {
        let (Some(item), Some(here)) = (self.items.get(self.view.cursor), self.here(session))
        else {
            return Vec::new();
        };
        let [Some(a), Some(b)] = &item.sides else {
            return vec![Effect::Visit(ScreenId::Stream, here)];
        };
        session.marks.pair = [Some(a.ix), Some(b.ix)];
        let here = Here {
            scope: None,
            ..here
        };
        vec![Effect::Visit(ScreenId::Diff, here)]
    }

    /// The run of the chosen side, at the call that made the difference.
    fn here(&self, session: &Session) -> Option<Here> {
        let item = self.items.get(self.view.cursor)?;
        let sides = [0, 1].map(|side| item.sides[side].as_ref());
        let run = sides[self.side].or(sides[1 - self.side])?;
        let store = &session.loaded.store;
        let first = store.run(run.ix).first_action.get();
        let call = run
            .before
            .and_then(|before| nth_call(store, run.ix, before));
        Some(Here {
            action: call.or(first),
            run: Some(run.ix),
            scope: Some(run.ix),
        })
    }
}

/// The call of a run at an index, or the last one.
fn nth_call(store: &Store, run: RunIx, before: usize) -> Option<ActionIx> {
    let calls = store
        .rows()
        .filter(|row| row.run_ix() == run && row.kind() == Kind::ToolCall);
    calls.take(before + 1).last().map(|row| row.ix())
}

fn of_figure(answer: &Answer, figure: &Figure, store: &Store) -> Evidence {
    let found = &answer.comparison;
    let told = |value: f64| match figure.subject {
        Subject::Measure(_) if figure.kind != crate::analysis::cohort::figure::Kind::Rate => {
            words::value(figure, Some(value))
        }
        _ if value > 0.5 => "yes".to_owned(),
        _ => "no".to_owned(),
    };
    let behind = found.behind(figure.subject);
    let first = |at: usize, cohort: &crate::analysis::cohort::observe::Cohort| {
        let calls = &cohort.runs[at].calls;
        match figure.subject {
            Subject::Tool(tool) => calls.iter().position(|call| *call == tool),
            Subject::First(_) => Some(0),
            Subject::Measure(_) | Subject::Predicate(_) => None,
        }
    };
    let amounts = |a: f64, b: f64| match figure.subject {
        Subject::Measure(_) if figure.kind != crate::analysis::cohort::figure::Kind::Rate => {
            let sign = if b < a { '−' } else { '+' };
            format!("{sign}{}", words::value(figure, Some((b - a).abs())))
        }
        _ => String::new(),
    };
    let items = behind.iter().map(|it| {
        let side = |at: Option<usize>, value: Option<f64>, cohort| {
            let at = at?;
            let value = value.map_or_else(|| "—".to_owned(), told);
            run(store, cohort, at, (value, first(at, cohort)))
        };
        let sides = [
            side(it.a, it.value_a, &found.a),
            side(it.b, it.value_b, &found.b),
        ];
        let difference = it.value_a.zip(it.value_b).map(|(a, b)| amounts(a, b));
        Item {
            difference: difference.unwrap_or_default(),
            ..item(found, it.a, it.b, sides)
        }
    });
    let items: Vec<Item> = items.collect();
    let of = words::pairing(answer);
    Evidence {
        title: format!(
            "{} · {} compared items differ · {of}",
            text::sanitize(&figure.words),
            items.len()
        ),
        items,
        view: Viewport::default(),
        side: 1,
    }
}

fn of_step(answer: &Answer, step: &Transition, store: &Store) -> Evidence {
    let found = &answer.comparison;
    let times = |run: &Observation| {
        let calls = run.calls.iter().copied().map(Some);
        let marked: Vec<Option<u32>> = [None].into_iter().chain(calls).chain([None]).collect();
        let pairs = marked.windows(2);
        pairs
            .filter(|it| it[0] == step.from && it[1] == step.to)
            .count()
    };
    let mut items = Vec::new();
    for task in &found.design.tasks {
        for nth in 0..task.a.len().max(task.b.len()) {
            let (a, b) = (task.a.get(nth).copied(), task.b.get(nth).copied());
            let of_a = a.map(|at| times(&found.a.runs[at]));
            let of_b = b.map(|at| times(&found.b.runs[at]));
            if of_a == of_b || of_a.unwrap_or(0) + of_b.unwrap_or(0) == 0 {
                continue;
            }
            let side = |at: Option<usize>, many: Option<usize>, cohort| {
                run(store, cohort, at?, (format!("{} times", many?), None))
            };
            let sides = [side(a, of_a, &found.a), side(b, of_b, &found.b)];
            let difference = of_a.zip(of_b);
            let difference = difference.map(|(a, b)| format!("{:+}", b as i64 - a as i64));
            items.push(Item {
                difference: difference.unwrap_or_default(),
                ..item(found, a, b, sides)
            });
        }
    }
    let name = |tool, end| words::tool(found, tool, end);
    let (from, to) = (name(step.from, "the beginning"), name(step.to, "the end"));
    Evidence {
        title: format!("{} → {}", text::sanitize(from), text::sanitize(to)),
        items,
        view: Viewport::default(),
        side: 1,
    }
}

fn of_fork(answer: &Answer, at: usize, store: &Store) -> Evidence {
    let found = &answer.comparison;
    let fork = &found.forks[at];
    let name = |tool| text::sanitize(words::tool(found, tool, "the end")).into_owned();
    let (of_a, of_b) = (name(fork.a), name(fork.b));
    let items = fork.pairs.iter().map(|pair| {
        let sides = [
            run(store, &found.a, pair.a, (of_a.clone(), Some(pair.before_a))),
            run(store, &found.b, pair.b, (of_b.clone(), Some(pair.before_b))),
        ];
        item(found, Some(pair.a), Some(pair.b), sides)
    });
    Evidence {
        title: format!("A {of_a} → B {of_b} on the same task, after the same tools"),
        items: items.collect(),
        view: Viewport::default(),
        side: 1,
    }
}

fn run(
    store: &Store,
    cohort: &crate::analysis::cohort::observe::Cohort,
    at: usize,
    (value, before): (String, Option<usize>),
) -> Option<Run> {
    let ix = cohort.runs[at].run?;
    Some(Run {
        ix,
        id: text::sanitize(&store.run(ix).id).into_owned(),
        value,
        before,
    })
}

fn item(found: &Comparison, a: Option<usize>, b: Option<usize>, sides: [Option<Run>; 2]) -> Item {
    let of_a = a.and_then(|at| found.a.runs[at].task.as_deref());
    let task = of_a.or_else(|| found.b.runs[b?].task.as_deref());
    let task = text::sanitize(task.unwrap_or("—")).into_owned();
    Item {
        sides: sides.map(|run| run.map(|run| run.beside(&task))),
        task,
        difference: String::new(),
    }
}
