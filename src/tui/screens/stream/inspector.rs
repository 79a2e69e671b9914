//! The selected action, opened: its tabs, what is scrolled, and the lines that are on the screen.

mod contents;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::base::human;
use crate::ingest::body::Body;
use crate::model::action::{ActionIx, Flags, Status};
use crate::store::bodies::Depth;
use crate::store::row::Row;
use crate::tui::screens::stream::rows::Numbers;
use crate::tui::session::{Opened, Session};
use crate::tui::widgets::json_lines::{Line, Lines, Tone};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Args,
    Result,
    Text,
    Policy,
    Raw,
}

impl Tab {
    pub const ALL: &[Tab] = &[Tab::Args, Tab::Result, Tab::Text, Tab::Policy, Tab::Raw];

    pub fn title(self) -> &'static str {
        match self {
            Tab::Args => "Args",
            Tab::Result => "Result",
            Tab::Text => "Text",
            Tab::Policy => "Policy",
            Tab::Raw => "Raw",
        }
    }

    /// The neighbour to the right or to the left; beyond the last one is the first.
    #[must_use]
    pub fn turn(self, forward: bool) -> Tab {
        let by = if forward { 1 } else { Tab::ALL.len() - 1 };
        Tab::ALL[(self as usize + by) % Tab::ALL.len()]
    }

    /// The neighbour to the right or to the left.
    pub fn step(self, forward: bool) -> Option<Tab> {
        let place = self as usize;
        let next = if forward {
            Some(place + 1)
        } else {
            place.checked_sub(1)
        };
        next.and_then(|next| Tab::ALL.get(next)).copied()
    }
}

/// An action of the store, or of the end of the file that was read ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    pub ix: ActionIx,
    pub is_end: bool,
}

#[derive(Debug, Default)]
pub struct Inspector {
    /// The tab that the user chose, and at which action: shown there whatever it holds, and at other
    /// actions when they have something there.
    chosen: Option<(Tab, Option<Subject>)>,
    scroll: usize,
    opened: Option<(Subject, Arc<Body>)>,
    asked: Option<Subject>,
    made: Option<Made>,
    rows: usize,
}

/// Lines that were made for this action, tab and width.
#[derive(Debug)]
struct Made {
    subject: Subject,
    tab: Tab,
    width: usize,
    limit: usize,
    is_whole: bool,
    title: Line,
    status: (Status, bool),
    facts: Vec<Line>,
    lines: Lines,
}

/// Records up to this size are opened between two frames, larger ones by a job.
const AT_ONCE: u64 = 128 * 1024;
const FIRST_LINES: usize = 512;
const MOST_LINES: usize = 65_536;
/// Title, tabs and rule.
const HEAD: usize = 3;

impl Inspector {
    /// Makes the lines for `subject`; the answer is true when a job has to open it first.
    pub fn prepare(&mut self, subject: Subject, session: &mut Session, area: Rect) -> bool {
        let opened = if subject.is_end {
            session.end.as_mut()
        } else {
            Some(&mut session.loaded)
        };
        let Some(opened) = opened.filter(|opened| subject.ix.0 < opened.store.len()) else {
            self.made = None;
            return false;
        };
        if self
            .made
            .as_ref()
            .is_some_and(|made| made.subject != subject)
        {
            self.scroll = 0;
        }
        let (body, must_ask) = self.body(subject, opened);
        let is_whole = body.is_some();
        let row = opened.store.row(subject.ix);
        let body = body.unwrap_or_else(|| opened.bodies.open(&row, Depth::Glance));
        let tab = match self.chosen {
            Some((tab, Some(at))) if at == subject => tab,
            chosen => contents::effective(chosen.map(|(tab, _)| tab), &row, &body),
        };
        let width = usize::from(area.width).saturating_sub(1);
        let mut limit = self
            .made
            .as_ref()
            .filter(|made| made.fits(subject, tab))
            .map_or(FIRST_LINES, |made| made.limit);
        loop {
            self.make((subject, tab, width, limit), is_whole, (&row, &body));
            let Some(made) = &self.made else { break };
            self.rows = usize::from(area.height).saturating_sub(HEAD + made.facts.len());
            if !made.lines.full
                || self.scroll + self.rows <= made.lines.lines.len()
                || limit >= MOST_LINES
            {
                break;
            }
            limit = (limit * 2).min(MOST_LINES);
        }
        self.scroll = self.scroll.min(self.last());
        must_ask
    }

    fn body(&mut self, subject: Subject, opened: &mut Opened) -> (Option<Arc<Body>>, bool) {
        if let Some((_, body)) = self.opened.as_ref().filter(|(of, _)| *of == subject) {
            return (Some(Arc::clone(body)), false);
        }
        let row = opened.store.row(subject.ix);
        if size(&row) <= AT_ONCE {
            return (Some(opened.bodies.open(&row, Depth::Full)), false);
        }
        let must_ask = self.asked != Some(subject);
        self.asked = Some(subject);
        (None, must_ask)
    }

    fn make(
        &mut self,
        key: (Subject, Tab, usize, usize),
        is_whole: bool,
        action: (&Row<'_>, &Body),
    ) {
        let (subject, tab, width, limit) = key;
        let is_made = |made: &Made| {
            made.fits(subject, tab)
                && made.width == width
                && made.limit >= limit
                && made.is_whole == is_whole
        };
        if self.made.as_ref().is_some_and(is_made) {
            return;
        }
        let (row, body) = action;
        let mut lines = Lines::new(width, limit);
        if !is_whole {
            lines.say(
                Tone::Waiting,
                &format!("opening {} …", human::bytes(size(row))),
            );
        }
        let numbers = if subject.is_end {
            Numbers::NotYet
        } else {
            Numbers::Known
        };
        contents::fill((tab, numbers), row, body, &mut lines);
        if lines.full && limit >= MOST_LINES {
            let rest = format!(
                "… more is left out here; the record has {}",
                human::bytes(size(row))
            );
            lines.lines.push(vec![(Tone::Faint, rest)]);
        }
        let (title, facts) = (contents::title(row, numbers), contents::facts(row));
        self.made = Some(Made {
            subject,
            tab,
            width,
            limit,
            is_whole,
            title,
            status: (row.status(), row.flags().has(Flags::WAITING)),
            facts,
            lines,
        });
    }

    /// What a job opened.
    pub fn opened(&mut self, ix: ActionIx, body: Arc<Body>) {
        if let Some(asked) = self.asked.take().filter(|asked| asked.ix == ix) {
            self.opened = Some((asked, body));
        }
    }

    /// Something was learned about these actions.
    pub fn changed(&mut self, settled: &[ActionIx]) {
        let concerns = |subject: Subject| !subject.is_end && settled.contains(&subject.ix);
        self.opened.take_if(|(subject, _)| concerns(*subject));
        self.asked.take_if(|subject| concerns(*subject));
        self.made.take_if(|made| concerns(made.subject));
    }

    pub fn tab(&self) -> Tab {
        let Some(made) = &self.made else {
            return Tab::Args;
        };
        match self.chosen {
            // Two keys may come between two frames: the second goes on from what the first chose.
            Some((tab, Some(at))) if at == made.subject => tab,
            _ => made.tab,
        }
    }

    pub fn choose(&mut self, tab: Tab) {
        self.chosen = Some((tab, self.made.as_ref().map(|made| made.subject)));
        self.scroll = 0;
    }

    /// Leaves it to the action which tab is shown.
    pub fn choose_by_action(&mut self) {
        self.chosen = None;
    }

    pub fn scroll_by(&mut self, rows: isize) {
        self.scroll = self.scroll.saturating_add_signed(rows);
    }

    pub fn scroll_to(&mut self, row: usize) {
        self.scroll = row;
    }

    /// Rows of text that the pane shows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn last(&self) -> usize {
        self.made
            .as_ref()
            .map_or(0, |made| made.lines.lines.len().saturating_sub(self.rows))
    }

    pub fn title(&self) -> &[(Tone, String)] {
        self.made.as_ref().map_or(&[], |made| &made.title)
    }

    /// How the action came out, and whether it waits for a person.
    pub fn status(&self) -> Option<(Status, bool)> {
        self.made.as_ref().map(|made| made.status)
    }

    pub fn facts(&self) -> &[Line] {
        self.made.as_ref().map_or(&[], |made| &made.facts)
    }

    /// The lines on the screen.
    pub fn visible(&self) -> &[Line] {
        let lines = self
            .made
            .as_ref()
            .map_or(&[] as &[Line], |made| &made.lines.lines);
        let end = (self.scroll + self.rows).min(lines.len());
        lines.get(self.scroll..end).unwrap_or_default()
    }

    /// Lines above and below the screen; below it is a lower bound when more could be made.
    pub fn hidden(&self) -> (usize, usize, bool) {
        let Some(made) = &self.made else {
            return (0, 0, false);
        };
        let shown = self.scroll + self.visible().len();
        (self.scroll, made.lines.lines.len() - shown, made.lines.full)
    }
}

impl Made {
    fn fits(&self, subject: Subject, tab: Tab) -> bool {
        self.subject == subject && self.tab == tab
    }
}

/// Bytes of all the records that tell about an action.
fn size(row: &Row<'_>) -> u64 {
    let attached: u64 = row
        .attached()
        .map(|attached| u64::from(attached.place.len))
        .sum();
    u64::from(row.place().len) + u64::from(row.result_place().len) + attached
}
