//! The columns of the table, and which of them fit.

use crate::analysis::runs::Key;
use crate::tui::screens::outcome;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Pair,
    Run,
    Started,
    Agent,
    Model,
    Project,
    Title,
    /// What a followed run does.
    Now,
    /// Its cost a minute.
    Pace,
    Turns,
    Actions,
    Duration,
    Cost,
    Errors,
    Blocked,
    Retries,
    Waited,
    Grade,
    /// The alerts of the run.
    Alerts,
    Outcome,
}

/// What the table knows of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Info {
    pub(super) column: Column,
    /// The name for the configuration.
    name: &'static str,
    pub(super) head: &'static str,
    pub(super) key: Option<Key>,
    width: usize,
    pub(super) is_right: bool,
    /// Columns with a higher number are dropped first on narrow screens; 0 is never dropped.
    goes: u8,
}

const fn info(
    column: Column,
    (name, head): (&'static str, &'static str),
    width: usize,
    goes: u8,
) -> Info {
    Info {
        column,
        name,
        head,
        key: None,
        width,
        is_right: false,
        goes,
    }
}

const fn sorted(info: Info, key: Key) -> Info {
    Info {
        key: Some(key),
        ..info
    }
}

const fn number(info: Info, key: Key) -> Info {
    Info {
        is_right: true,
        ..sorted(info, key)
    }
}

/// Cells of a cost: `≈$0.0363`.
pub(super) const COST: usize = 8;

/// In the order of the screen. What goes first: retries, turns, blocked calls (their rows say so too) and how long
/// people were waited for, the agent, the duration, the model, the actions and alerts (view 6 lists them), the errors
/// and the cost.
static COLUMNS: &[Info] = &[
    info(Column::Pair, ("pair", ""), 1, 0),
    sorted(info(Column::Run, ("run", "RUN"), 8, 0), Key::Run),
    sorted(
        info(Column::Started, ("started", "STARTED"), 12, 1),
        Key::Started,
    ),
    sorted(info(Column::Agent, ("agent", "AGENT"), 12, 6), Key::Agent),
    sorted(info(Column::Model, ("model", "MODEL"), 12, 4), Key::Model),
    info(Column::Project, ("project", "PROJECT"), 12, 5),
    info(Column::Title, ("title", "TITLE / FIRST PROMPT"), 0, 0),
    info(Column::Now, ("now", "DOING NOW"), 0, 0),
    Info {
        is_right: true,
        ..info(Column::Pace, ("pace", "$/MIN"), COST, 7)
    },
    number(info(Column::Turns, ("turns", "TURNS"), 6, 8), Key::Turns),
    number(
        info(Column::Actions, ("actions", "ACTS"), 5, 3),
        Key::Actions,
    ),
    number(
        info(Column::Duration, ("duration", "DUR"), 6, 5),
        Key::Duration,
    ),
    number(info(Column::Cost, ("cost", "COST"), COST, 2), Key::Cost),
    number(info(Column::Errors, ("errors", "ERR"), 4, 2), Key::Errors),
    number(
        info(Column::Blocked, ("blocked", "BLK"), 4, 7),
        Key::Blocked,
    ),
    number(
        info(Column::Retries, ("retries", "RTY"), 4, 9),
        Key::Retries,
    ),
    info(Column::Waited, ("waited", "ASK"), 6, 7),
    sorted(info(Column::Grade, ("grade", "GRADE"), 6, 1), Key::Score),
    info(Column::Alerts, ("alerts", "ALERTS"), 6, 3),
    sorted(
        info(Column::Outcome, ("outcome", "OUTCOME"), 9, 0),
        Key::Outcome,
    ),
];

/// What a run was about must have at least this room, and more than that on a wide screen.
const LEAST_TITLE: usize = 18;
const WIDE_TITLE: usize = 24;
const WIDE: usize = 100;
/// With this much room for it, the model and the agent have more too.
const EASY_TITLE: usize = 40;
/// The most cells for an id, and on a wide screen.
const ID: usize = 13;
const WIDE_ID: usize = 22;

/// Cells of `· idle 289d`.
const STATE: usize = 11;

/// A column on the screen, with its width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) info: &'static Info,
    pub(super) width: usize,
}

impl Placed {
    pub(super) fn key(&self) -> Option<Key> {
        self.info.key
    }
}

/// What decides which columns are shown, apart from the width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Those that the user wants, in this order; empty for all.
    pub(super) names: &'a [&'static str],
    /// Cells of the longest id.
    pub(super) id_width: usize,
    /// There is more than one agent name; otherwise there is no column for it.
    pub(super) agents: bool,
    /// Some runs were judged; else there is no column for it.
    pub(super) grades: bool,
    /// Some runs waited for people.
    pub(super) waits: bool,
    /// Some runs have alerts.
    pub(super) alerts: bool,
    /// The states of running runs are longer than outcomes.
    pub(super) live: bool,
    /// The table is about what agents are doing.
    pub(super) overview: bool,
}

/// The columns of the overview, in its order.
const OVERVIEW: &[&str] = &[
    "agent", "project", "outcome", "now", "title", "pace", "cost", "errors",
];

/// The names of the columns that a user can choose.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let chosen = COLUMNS.iter().filter(|info| info.column != Column::Pair);
    chosen.map(|info| info.name)
}

fn chosen(wanted: &Wanted<'_>) -> Vec<&'static Info> {
    let names = if wanted.names.is_empty() && wanted.overview {
        OVERVIEW
    } else {
        wanted.names
    };
    if names.is_empty() {
        let all = COLUMNS.iter();
        return all
            .filter(|info| wanted.live || info.column != Column::Now)
            .filter(|info| !matches!(info.column, Column::Project | Column::Pace))
            .filter(|info| wanted.agents || info.column != Column::Agent)
            .filter(|info| wanted.grades || info.column != Column::Grade)
            .filter(|info| wanted.waits || info.column != Column::Waited)
            .filter(|info| wanted.alerts || info.column != Column::Alerts)
            .collect();
    }
    let pair = COLUMNS.iter().take(1);
    let named = names
        .iter()
        .filter_map(|name| COLUMNS.iter().find(|info| info.name == *name));
    let is_overview = names == OVERVIEW;
    let named = named.filter(|info| !is_overview || wanted.agents || info.column != Column::Agent);
    pair.chain(named).collect()
}

/// The columns that fit `width`.
pub(super) fn fit(width: usize, wanted: &Wanted<'_>) -> Vec<Placed> {
    let mut placed: Vec<Placed> = chosen(wanted)
        .into_iter()
        .map(|info| Placed {
            info,
            width: match info.column {
                Column::Run => {
                    let most = if width >= WIDE { WIDE_ID } else { ID };
                    wanted.id_width.clamp(info.width, most)
                }
                Column::Outcome if wanted.live && width >= WIDE => outcome::WIDE,
                Column::Outcome if wanted.overview => STATE,
                _ => info.width,
            },
        })
        .collect();
    let least = if width >= WIDE {
        WIDE_TITLE
    } else {
        LEAST_TITLE
    };
    // A narrow screen has room for one long text only.
    let has_now = |placed: &[Placed]| placed.iter().any(|it| it.info.column == Column::Now);
    if width < WIDE && has_now(&placed) {
        let goes = if wanted.overview {
            Column::Title
        } else {
            Column::Now
        };
        placed.retain(|column| column.info.column != goes);
    }
    let least = if has_now(&placed) && width >= WIDE {
        least + LEAST_TITLE
    } else {
        least
    };
    while taken(&placed) + least > width {
        let last = placed.iter().max_by_key(|column| column.info.goes);
        let Some(goes) = last.map(|column| column.info.goes).filter(|goes| *goes > 0) else {
            break;
        };
        placed.retain(|column| column.info.goes != goes);
    }
    for wide in [Column::Agent, Column::Model] {
        let room = width.saturating_sub(taken(&placed));
        let column = placed.iter_mut().find(|column| column.info.column == wide);
        if let Some(column) = column.filter(|_| room > EASY_TITLE) {
            column.width += ((room - EASY_TITLE) / 2).min(8);
        }
    }
    share_rest(&mut placed, width);
    placed
}

/// The title and what a run is doing share the room that is left.
fn share_rest(placed: &mut [Placed], width: usize) {
    let room = width.saturating_sub(taken(placed));
    let is_long = |column: &Placed| matches!(column.info.column, Column::Title | Column::Now);
    let long = placed.iter().filter(|column| is_long(column)).count();
    let mut rest = room;
    for column in placed.iter_mut().filter(|column| is_long(column)) {
        column.width = if rest < room {
            rest
        } else {
            room.div_ceil(long.max(1))
        };
        rest = rest.saturating_sub(column.width);
    }
}

/// Cells of all columns but the title, each with a space after it and one before the first.
fn taken(columns: &[Placed]) -> usize {
    columns.iter().map(|column| column.width + 1).sum::<usize>() + 1
}

#[cfg(test)]
mod tests {
    use super::{Column, Wanted, fit};

    #[track_caller]
    fn check(width: usize, agents: bool, heads: &str) {
        let wanted = Wanted {
            names: &[],
            id_width: 8,
            agents,
            grades: false,
            waits: false,
            alerts: false,
            live: false,
            overview: false,
        };
        let columns = fit(width, &wanted);
        let shown: Vec<&str> = columns.iter().map(|column| column.info.head).collect();
        assert_eq!(shown.join(" ").trim(), heads);
        let all: usize = columns.iter().map(|column| column.width + 1).sum();
        assert!(all < width + 1, "{all} of {width}");
        let title = columns
            .iter()
            .find(|column| column.info.column == Column::Title);
        assert!(title.is_some_and(|title| title.width >= 8), "{title:?}");
    }

    #[test]
    fn columns_go_in_their_order_when_the_screen_narrows() {
        check(
            160,
            true,
            "RUN STARTED AGENT MODEL TITLE / FIRST PROMPT TURNS ACTS DUR COST ERR BLK RTY OUTCOME",
        );
        check(
            120,
            true,
            "RUN STARTED AGENT MODEL TITLE / FIRST PROMPT ACTS DUR COST ERR BLK OUTCOME",
        );
        check(
            100,
            true,
            "RUN STARTED MODEL TITLE / FIRST PROMPT ACTS DUR COST ERR OUTCOME",
        );
        check(
            80,
            true,
            "RUN STARTED TITLE / FIRST PROMPT ACTS COST ERR OUTCOME",
        );
        check(60, true, "RUN STARTED TITLE / FIRST PROMPT OUTCOME");
        check(40, true, "RUN TITLE / FIRST PROMPT OUTCOME");
    }

    #[test]
    fn alerts_do_not_push_out_what_runs_cost() {
        let wanted = Wanted {
            names: &[],
            id_width: 13,
            agents: true,
            grades: true,
            waits: false,
            alerts: true,
            live: false,
            overview: false,
        };
        let columns = fit(80, &wanted);
        let shown: Vec<&str> = columns.iter().map(|column| column.info.head).collect();
        assert_eq!(
            shown.join(" ").trim(),
            "RUN STARTED TITLE / FIRST PROMPT COST ERR GRADE OUTCOME"
        );
    }

    #[track_caller]
    fn check_overview(width: usize, heads: &str) {
        let wanted = Wanted {
            names: &[],
            id_width: 8,
            agents: true,
            grades: false,
            waits: false,
            alerts: false,
            live: true,
            overview: true,
        };
        let columns = fit(width, &wanted);
        let shown: Vec<&str> = columns.iter().map(|column| column.info.head).collect();
        assert_eq!(shown.join(" ").trim(), heads);
        let all: usize = columns.iter().map(|column| column.width + 1).sum();
        assert!(all <= width, "{all} of {width}");
    }

    #[test]
    fn the_overview_says_who_does_what_and_for_how_much() {
        check_overview(
            120,
            "AGENT PROJECT OUTCOME DOING NOW TITLE / FIRST PROMPT $/MIN COST ERR",
        );
        check_overview(80, "AGENT PROJECT OUTCOME DOING NOW COST ERR");
    }

    #[test]
    fn a_user_chooses_columns_and_their_order() {
        let wanted = Wanted {
            names: &["cost", "run", "title"],
            id_width: 8,
            agents: true,
            grades: false,
            waits: false,
            alerts: false,
            live: false,
            overview: false,
        };
        let shown: Vec<&str> = fit(80, &wanted)
            .iter()
            .map(|column| column.info.name)
            .collect();
        assert_eq!(shown, ["pair", "cost", "run", "title"]);
    }
}
