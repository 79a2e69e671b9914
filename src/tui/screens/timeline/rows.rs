//! The lines on the screen in words and cells. Here names of the trace become text: every one is sanitised.

use crate::analysis::timeline::{Bar, Key, Lane, Length, What};
use crate::base::{human, text};
use crate::model::action::{Flags, Status};
use crate::model::outcome::AttachedKind;
use crate::model::quantity::Cost;
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};
use crate::tui::screens::stream::rows;
use crate::tui::screens::timeline::Timeline;
use crate::tui::screens::timeline::axis::Axis;
use crate::tui::screens::timeline::lines::Line;
use crate::tui::session::{Opened, Session};

/// A line on the screen.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) is_selected: bool,
    pub(super) label: String,
    pub(super) shape: Shape,
    pub(super) took: String,
    pub(super) cost: String,
    /// After the bar, if there is room.
    pub(super) note: String,
}

#[derive(Debug)]
pub(super) enum Shape {
    Lane {
        is_folded: bool,
        /// How much of each cell is covered by activity; `None` for an empty one.
        busy: Vec<Option<f64>>,
    },
    Bar(Drawn),
}

/// A bar in eighths of cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) what: What,
    pub(super) length: Length,
    pub(super) status: Status,
    /// It is on the critical path, if that is shown.
    pub(super) on_path: Option<bool>,
    /// Its cost relative to the most expensive action of the run, from 0 to 1, while costs are shown.
    pub(super) dear: Option<f64>,
}

impl Timeline {
    /// The lines that are on the screen.
    pub(super) fn shown(&self, session: &mut Session, rows: usize) -> Vec<Row> {
        let Opened { store, bodies, .. } = &mut session.loaded;
        let Some(window) = self.window() else {
            return Vec::new();
        };
        let axis = Axis::new(window, self.frame.regions.cells);
        let lines = self.lines.iter().enumerate();
        let seen = lines.skip(self.view.top()).take(rows);
        let costliest = self.by_cost.then(|| self.costliest(store)).flatten();
        seen.map(|(at, line)| {
            let row = match *line {
                Line::Lane(number) => self.lane(&self.lanes[number], store, &axis),
                Line::Bar(number) => {
                    let label = label(&self.made.bars[number as usize], store, bodies);
                    self.bar((number, label), store, (&axis, costliest))
                }
            };
            Row {
                is_selected: at == self.view.cursor,
                ..row
            }
        })
        .collect()
    }

    fn lane(&self, lane: &Lane, store: &Store, axis: &Axis) -> Row {
        let name = match lane.key {
            Key::Agent(agent) | Key::Tool(agent) => {
                let name = text::sanitize(store.symbols().name(agent)).into_owned();
                let is_lane = self.made.run.is_some_and(|run| {
                    let mut lanes = store.run(run).lanes.iter();
                    lanes.any(|it| it.agent == agent)
                });
                match (lane.key, name.is_empty(), is_lane) {
                    (Key::Agent(_), true, _) => "agent (no name)".to_owned(),
                    (Key::Agent(_), false, true) => format!("{name} (subagent)"),
                    (_, true, _) => "no name".to_owned(),
                    (_, false, _) => name,
                }
            }
            Key::What(what) => what.word().to_owned(),
        };
        let cells = 0..self.frame.regions.cells;
        let cost = lane
            .bars
            .iter()
            .map(|bar| &self.made.bars[*bar as usize])
            .filter(|bar| bar.what != What::Approval)
            .map(|bar| store.row(bar.ix))
            .fold((Cost::NONE, false), |(sum, estimated), row| {
                let estimated = estimated || row.flags().has(Flags::ESTIMATED);
                (sum + row.cost(), estimated)
            });
        Row {
            is_selected: false,
            label: name,
            shape: Shape::Lane {
                is_folded: self.folded.contains(&lane.key),
                busy: cells.map(|cell| lane.is_busy(axis.cell(cell))).collect(),
            },
            took: Some(lane.took())
                .filter(|took| *took > 0)
                .map(human::span)
                .unwrap_or_default(),
            cost: cost_words(cost),
            note: String::new(),
        }
    }

    fn bar(
        &self,
        (number, label): (u32, String),
        store: &Store,
        (axis, costliest): (&Axis, Option<i64>),
    ) -> Row {
        let bar = &self.made.bars[number as usize];
        let row = store.row(bar.ix);
        let estimated = row.flags().has(Flags::ESTIMATED);
        let cost = if bar.what == What::Approval {
            Cost::NONE
        } else {
            row.cost()
        };
        let dear =
            costliest.map(|costliest| cost.get().unwrap_or(0) as f64 / costliest.max(1) as f64);
        let about = if bar.length == Length::Inferred {
            "≈"
        } else {
            ""
        };
        let took = bar
            .took()
            .map(|took| format!("{about}{}", human::span(took)));
        Row {
            is_selected: false,
            label,
            shape: Shape::Bar(Drawn {
                from: axis.eighths(bar.from),
                to: axis.eighths(bar.to),
                what: bar.what,
                length: bar.length,
                status: bar.status,
                on_path: self.path.as_ref().map(|path| path.contains(&number)),
                dear,
            }),
            took: took.unwrap_or_default(),
            cost: cost_words((cost, estimated)),
            note: note(bar, store),
        }
    }

    /// The cost of the run's most expensive action, in picodollars.
    fn costliest(&self, store: &Store) -> Option<i64> {
        let bars = self.made.bars.iter();
        bars.filter_map(|bar| store.row(bar.ix).cost().get()).max()
    }
}

fn cost_words((cost, estimated): (Cost, bool)) -> String {
    let about = if estimated { "≈" } else { "" };
    let usd = cost.usd().map(|usd| format!("{about}{}", human::usd(usd)));
    usd.unwrap_or_default()
}

/// `T17 → refund`, `T17 refund order=8841`, `T18 wait approval`.
fn label(bar: &Bar, store: &Store, bodies: &mut Bodies) -> String {
    let row = store.row(bar.ix);
    let name = text::sanitize(store.symbols().name(bar.name));
    let summary_text;
    let what = match bar.what {
        What::Prompt => "prompt",
        What::Approval => "wait approval",
        What::Error => "error",
        What::Model if name.is_empty() => "model",
        What::Tool if name.is_empty() => "call",
        What::Tool | What::Model => {
            summary_text = rows::summary(&row, &bodies.open(&row, Depth::Glance));
            &summary_text
        }
    };
    if row.turn() > 0 {
        format!("T{} {what}", row.turn())
    } else {
        what.to_owned()
    }
}

/// How it came out, where that is worth a word; who was asked.
fn note(bar: &Bar, store: &Store) -> String {
    if bar.what == What::Approval {
        let row = store.row(bar.ix);
        let approvals = row
            .attached()
            .filter(|attached| attached.kind == AttachedKind::Approval);
        let by = approvals
            .map(|attached| attached.by)
            .filter(|by| by.is_some());
        let by = by.last().map(|by| store.symbols().name(by));
        return text::sanitize(by.unwrap_or_default()).into_owned();
    }
    match bar.status {
        Status::Blocked | Status::Denied | Status::Error | Status::Timeout | Status::Cancelled => {
            bar.status.word().to_owned()
        }
        Status::Unrecorded | Status::Ok | Status::Pending => String::new(),
    }
}
