//! Which columns a list of actions has, by its width and by what its rows have to show.

use crate::tui::screens::stream::presence::Present;

/// What the columns are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// What occurs in the rows; a column for anything else would be empty.
    pub found: Present,
    /// Digits of the longest number.
    pub digits: usize,
    /// Columns that the user added, each [`EXTRA`] wide.
    pub extras: usize,
}

/// The widths of the columns; 0 is a column that is not shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns {
    pub number: usize,
    pub time: usize,
    pub turn: usize,
    pub agent: usize,
    pub kind: usize,
    pub text: usize,
    pub status: usize,
    pub latency: usize,
    pub cost: usize,
    pub extras: usize,
    /// Latency and cost share the column of the latency.
    pub merged: bool,
}

/// Cells of a column that the user added.
pub const EXTRA: usize = 12;
/// The mark of a lane and the first letter of its agent.
pub const LETTER: usize = 2;
/// The name of an agent, and how far it grows once the text has [`EASY_TEXT`] cells.
const AGENT: usize = 9;
const LONG_AGENT: usize = 18;
const EASY_TEXT: usize = 64;
/// A latency or a cost.
const MERGED: usize = 7;
/// The longest word for a status, without its mark.
const STATUS_WORD: usize = 9;
/// The width of the list at the reference size, 120 cells, and what its text has there at least.
const REFERENCE: usize = 83;
const REFERENCE_TEXT: usize = 48;
/// The minimum width of the text when no other column can be dropped.
const LEAST_TEXT: usize = 24;

impl Columns {
    /// Columns that fit `width`. They give way to the text in this order: the word of the kind (its mark
    /// stays), cost (into the column of the latency), the name of the agent (its letter stays), turn (the
    /// list has headings), latency, agent, time. What the user added goes last. Text and status never go.
    pub fn new(width: usize, needs: &Needs) -> Columns {
        let steps = steps(needs);
        let fits = |columns: &&Columns| {
            let is_full = columns.agent > LETTER || columns.kind > 1 || columns.cost > 0;
            columns.taken() + least_text(width, needs, is_full) <= width
        };
        let found = steps.iter().find(fits).or(steps.last());
        let mut columns = found.copied().unwrap_or_default();
        let spare = width.saturating_sub(columns.taken() + EASY_TEXT) / 2;
        if columns.agent > LETTER {
            columns.agent += spare.min(LONG_AGENT - AGENT);
        }
        columns.text = width.saturating_sub(columns.taken());
        columns
    }

    /// Cells of all columns but the text, with a space after each; the text has its own.
    fn taken(&self) -> usize {
        let columns = [
            self.number,
            self.time,
            self.turn,
            self.agent,
            self.kind,
            self.status,
            self.latency,
            self.cost,
        ];
        let columns = columns.iter().filter(|width| **width > 0);
        columns.map(|width| width + 1).sum::<usize>() + self.extras * (EXTRA + 1) + 1
    }
}

/// The width of the text below which a column is dropped: about half of the list. Optional columns need
/// for more room.
fn least_text(width: usize, needs: &Needs, is_full: bool) -> usize {
    let least = match width {
        0..REFERENCE => (width * 11 / 20).clamp(LEAST_TEXT, REFERENCE_TEXT),
        _ if is_full => REFERENCE_TEXT.max(width * 9 / 20),
        _ => REFERENCE_TEXT,
    };
    // A user who adds columns wants them more than the text.
    least.saturating_sub(needs.extras * EXTRA).max(LEAST_TEXT)
}

/// From all columns to the fewest.
fn steps(needs: &Needs) -> [Columns; 9] {
    let found = needs.found;
    let shown = |is_shown: bool, width: usize| if is_shown { width } else { 0 };
    let full = Columns {
        number: needs.digits.max(3),
        time: shown(found.times, 8),
        turn: shown(found.turns, 4),
        agent: shown(found.agents, AGENT),
        kind: 5,
        text: 0,
        status: found.status,
        latency: shown(found.latencies, 6),
        cost: shown(found.costs, 8),
        extras: needs.extras,
        merged: false,
    };
    let marked = Columns { kind: 1, ..full };
    let merged = Columns {
        cost: 0,
        latency: if found.costs { MERGED } else { full.latency },
        merged: true,
        ..marked
    };
    let lettered = Columns {
        agent: full.agent.min(LETTER),
        status: full.status.min(STATUS_WORD),
        ..merged
    };
    let turnless = Columns {
        turn: 0,
        ..lettered
    };
    let silent = Columns {
        latency: 0,
        merged: false,
        ..turnless
    };
    let alone = Columns { agent: 0, ..silent };
    let timeless = Columns { time: 0, ..alone };
    let bare = Columns {
        extras: 0,
        ..timeless
    };
    [
        full, marked, merged, lettered, turnless, silent, alone, timeless, bare,
    ]
}

#[cfg(test)]
mod tests {
    use super::{Columns, Needs};
    use crate::tui::screens::stream::presence::Present;

    /// A run of one agent in which everything is recorded.
    const ALL: Present = Present {
        agents: false,
        times: true,
        turns: true,
        status: 7,
        latencies: true,
        costs: true,
    };

    fn columns(width: usize, found: Present) -> Columns {
        let needs = Needs {
            found,
            digits: 4,
            extras: 0,
        };
        Columns::new(width, &needs)
    }

    #[track_caller]
    fn check(width: usize, found: Present, shown: &str) {
        let columns = columns(width, found);
        let cost = if columns.merged { "lat/$" } else { "lat" };
        let names = [
            (columns.time, "time"),
            (columns.turn, "turn"),
            (
                columns.agent,
                if columns.agent == 2 { "a" } else { "agent" },
            ),
            (columns.kind, if columns.kind == 1 { "k" } else { "kind" }),
            (columns.status, "st"),
            (columns.latency, cost),
            (columns.cost, "cost"),
        ];
        let names = names.iter().filter(|(width, _)| *width > 0);
        let names: Vec<&str> = names.map(|(_, name)| *name).collect();
        assert_eq!(names.join(" "), shown, "{columns:?}");
    }

    #[test]
    fn columns_go_in_their_order_when_the_screen_narrows() {
        let several = Present {
            agents: true,
            ..ALL
        };
        check(139, several, "time turn agent kind st lat cost");
        check(104, several, "time turn agent k st lat cost");
        check(90, several, "time turn a k st lat/$");
        check(86, several, "time a k st lat/$");
        check(70, several, "time a k st");
        check(60, several, "time k st");
        check(44, several, "k st");
    }

    #[test]
    fn one_agent_has_no_column_and_its_cells_go_to_the_text() {
        check(83, ALL, "time k st lat/$");
        check(79, ALL, "time k st lat/$");
        check(60, ALL, "time k st");
        check(45, ALL, "k st");
    }

    #[test]
    fn what_no_row_has_gets_no_column() {
        check(83, Present::default(), "kind");
        check(60, Present::default(), "kind");
        let timed = Present {
            times: true,
            ..Present::default()
        };
        check(83, timed, "time kind");
        let priced = Present {
            costs: true,
            ..Present::default()
        };
        check(83, priced, "kind cost");
    }

    #[test]
    fn a_list_of_any_width_is_filled_and_its_text_has_about_half_of_it() {
        for width in 60..=250 {
            for status in [0, 4, 7, 9, 11] {
                for agents in [false, true] {
                    let found = Present {
                        agents,
                        status,
                        ..ALL
                    };
                    let columns = columns(width, found);
                    assert_eq!(columns.taken() + columns.text, width, "{columns:?}");
                    assert!(
                        columns.text >= (width * 11 / 20).min(48),
                        "{width} {columns:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_wider_list_has_no_less_text_than_the_reference_size() {
        for width in 83..=250 {
            assert!(columns(width, Present { status: 11, ..ALL }).text >= 48);
        }
    }

    #[test]
    fn names_of_agents_are_whole_on_a_wide_screen() {
        let several = Present {
            agents: true,
            ..ALL
        };
        assert_eq!(columns(104, several).agent, 9);
        let wide = columns(160, several);
        assert_eq!(wide.agent, 18);
        assert!(wide.text >= 64, "{wide:?}");
    }

    #[test]
    fn added_columns_stay_longest() {
        let needs = Needs {
            found: ALL,
            digits: 4,
            extras: 2,
        };
        for width in 66..=250 {
            let columns = Columns::new(width, &needs);
            assert_eq!(columns.extras, 2, "{width}");
            assert!(columns.text >= 24, "{width} {columns:?}");
        }
    }
}
