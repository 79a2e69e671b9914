//! The selected action, opened: its tabs, where the cursor is in each, and the lines that are on the screen.

mod contents;
pub mod document;
mod hit;
mod lookup;

use ratatui::layout::Rect;

use crate::analysis::snippet;
use crate::base::{human, text};
use crate::model::action::{ActionIx, Flags, Status};
use crate::query::needles::Needle;
use crate::store::bodies::{Depth, GLANCE};
use crate::tui::screens::stream::conversation::Conversation;
use crate::tui::screens::stream::inspector::document::{Bounds, Document};
use crate::tui::screens::stream::inspector::hit::Hit;
use crate::tui::screens::stream::jumps::Direction;
use crate::tui::screens::stream::rows::Numbers;
use crate::tui::session::{Opened, Session};
use crate::tui::widgets::outline::folds::{Folds, Motion};
use crate::tui::widgets::outline::{Form, Outline, layout};
use crate::tui::widgets::tone::{Line, Tone};
use crate::tui::widgets::viewport::{Extent, Viewport};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    #[default]
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
    subject: Option<Subject>,
    tab: Tab,
    bounds: Option<Bounds>,
    document: Option<Document>,
    asked: Option<(Subject, Bounds)>,
    /// The user's position in each tab of this action.
    readings: [Option<Reading>; Tab::ALL.len()],
    /// The value that the user went to: the cursor is on it in the next action too, where that has it.
    wish: Option<String>,
    hit: Hit,
    shown: Shown,
    /// The conversation around the action, below the inspector.
    pub conversation: Conversation,
}

/// Which rows of a tab are folded, and where its cursor is.
#[derive(Debug)]
struct Reading {
    folds: Folds,
    view: Viewport,
    /// The number of rows of the outline then: there may be more now.
    known: usize,
}

/// What is on the screen.
#[derive(Debug, Default)]
pub struct Shown {
    pub title: Line,
    /// How the action came out, and whether it waits for a person.
    pub status: Option<(Status, bool)>,
    pub facts: Vec<Line>,
    pub lines: Vec<ShownLine>,
    /// Where the cursor is, in words.
    pub path: String,
    /// Rows of the outline above and below the screen.
    pub hidden: (usize, usize),
    /// Lines of the pane that show the outline.
    pub rows: usize,
    width: usize,
}

/// A line of the pane.
#[derive(Debug)]
pub struct ShownLine {
    pub indent: usize,
    /// Whether the row is folded, at the first line of a row that folds.
    pub fold: Option<bool>,
    pub line: Line,
    /// The place of its row among those that are not hidden.
    pub place: usize,
    pub is_selected: bool,
}

/// Records up to this size are opened between two frames, larger ones by a job.
const AT_ONCE: u64 = 128 * 1024;
/// Title, tabs, rule, and the path below.
const FRAME: usize = 4;
/// The line of the tabs.
const TABS: usize = 1;

impl Inspector {
    /// Prepares `subject` to be shown; returns what a task has to open first, if anything.
    /// With further lines about it.
    pub fn prepare(
        &mut self,
        subject: Subject,
        session: &mut Session,
        (area, more): (Rect, Vec<Line>),
    ) -> Option<How> {
        let opened = if subject.is_end {
            session.trace.end.as_mut()
        } else {
            Some(&mut session.loaded)
        };
        let Some(opened) = opened.filter(|opened| subject.ix.0 < opened.store.len()) else {
            self.leave();
            return None;
        };
        if self.subject != Some(subject) {
            self.leave();
            self.subject = Some(subject);
        }
        let numbers = if subject.is_end {
            Numbers::NotYet
        } else {
            Numbers::Known
        };
        let marked = session.marks.of(subject.ix).filter(|_| !subject.is_end);
        let note = marked.and_then(|letter| note(letter, session.marks.note(letter)));
        let must_ask = self.open(subject, numbers, opened);
        let row = opened.store.row(subject.ix);
        let document = self.document.as_ref()?;
        self.tab = match (self.hit.tab(subject), self.chosen) {
            (Some(tab), _) => tab,
            (None, Some((tab, Some(at)))) if at == subject => tab,
            (None, chosen) => contents::effective(chosen.map(|(tab, _)| tab), &row, &document.body),
        };
        document.make(self.tab, &row);
        self.read();
        let is_partial = self.asked.is_some();
        if !is_partial {
            self.go_to_hit(subject, &row);
        }
        self.shown.title = contents::title(&row, numbers);
        self.shown.status = Some((row.status(), row.flags().has(Flags::WAITING)));
        self.shown.facts = contents::facts(&row);
        self.shown.facts.extend(note);
        self.shown.facts.extend(more);
        if is_partial {
            let size = document::size(&row);
            let bounds = self.bounds.unwrap_or(Bounds::FIRST);
            let part = human::bytes(size.min(bounds.bytes.into()));
            let words = format!("opening {part} of {} …", human::bytes(size));
            self.shown.facts.push(vec![(Tone::Waiting, words)]);
        }
        self.lay_out(area);
        must_ask
    }

    /// The lines that the contents take; `None` while they do not fit or are not all read.
    pub fn used(&self) -> Option<usize> {
        let is_open = self.shown.status.is_some() && self.asked.is_none();
        let is_all = is_open && self.shown.hidden == (0, 0);
        is_all.then(|| FRAME + self.shown.facts.len() + self.shown.lines.len())
    }

    /// Another action, or none: close the document.
    fn leave(&mut self) {
        self.subject = None;
        self.document = None;
        self.bounds = None;
        self.asked = None;
        self.readings = <[Option<Reading>; Tab::ALL.len()]>::default();
        self.shown = Shown::default();
    }

    /// Has a document of `subject`: whole where it is small, else its head until a job has read it.
    fn open(&mut self, subject: Subject, numbers: Numbers, opened: &mut Opened) -> Option<How> {
        let bounds = self.bounds.unwrap_or(Bounds::FIRST);
        if self
            .document
            .as_ref()
            .is_some_and(|document| document.bounds == bounds)
        {
            return None;
        }
        let row = opened.store.row(subject.ix);
        if document::size(&row) <= AT_ONCE {
            let body = opened.bodies.open(&row, Depth::Full);
            self.document = Some(Document::new(&row, body, (bounds, numbers)));
            return None;
        }
        if self.document.is_none() {
            let head = Bounds {
                bytes: GLANCE as u32,
                ..bounds
            };
            let body = opened.bodies.open(&row, Depth::Glance);
            self.document = Some(Document::new(&row, body, (head, numbers)));
        }
        let is_asked = self.asked == Some((subject, bounds));
        self.asked = Some((subject, bounds));
        (!is_asked).then_some((bounds, numbers))
    }

    /// Has a place in the tab.
    fn read(&mut self) {
        let Some(outline) = self
            .document
            .as_ref()
            .and_then(|document| document.tab(self.tab))
        else {
            return;
        };
        let reading = &mut self.readings[self.tab as usize];
        match reading {
            Some(reading) if reading.known == outline.len() => {}
            Some(reading) => {
                reading.folds.show(outline);
                reading.known = outline.len();
            }
            None => *reading = Some(Reading::new(outline, self.wish.as_deref())),
        }
    }

    fn lay_out(&mut self, area: Rect) {
        let width = usize::from(area.width).saturating_sub(1);
        let rows = usize::from(area.height).saturating_sub(FRAME + self.shown.facts.len());
        (self.shown.width, self.shown.rows) = (width, rows);
        let outline = self
            .document
            .as_ref()
            .and_then(|document| document.tab(self.tab));
        let (Some(outline), Some(reading)) = (outline, &mut self.readings[self.tab as usize])
        else {
            return;
        };
        let Reading { folds, view, .. } = reading;
        let height = |place| height(outline, folds, place, width);
        let extent = Extent {
            len: folds.len(),
            rows,
            height: &height,
        };
        view.settle(&extent);
        let mut lines = Vec::with_capacity(rows);
        let mut last = view.top();
        for seen in view.visible(&extent) {
            let Some(row) = folds.at(seen.item) else {
                break;
            };
            let is_folded = folds.is_folded(row);
            let made = layout::lines(outline, row, is_folded, width);
            for (number, line) in made.into_iter().enumerate().skip(seen.skip) {
                lines.push(ShownLine {
                    indent: layout::indent(outline, row, width),
                    fold: (number == 0 && outline.folds(row)).then_some(is_folded),
                    line,
                    place: seen.item,
                    is_selected: seen.item == view.cursor,
                });
            }
            last = seen.item;
        }
        lines.truncate(rows);
        self.shown.lines = lines;
        self.shown.hidden = (view.top(), folds.len().saturating_sub(last + 1));
        self.shown.path = match folds.at(view.cursor) {
            Some(row) => words_of_path(outline, row, (view.cursor, folds.len())),
            None => String::new(),
        };
    }

    /// What a job opened.
    pub fn opened(&mut self, ix: ActionIx, document: Document) {
        let is_ours =
            |asked: &mut (Subject, Bounds)| asked.0.ix == ix && asked.1 == document.bounds;
        if self.asked.take_if(is_ours).is_some() {
            self.document = Some(document);
        }
    }

    /// Something was learned about these actions.
    pub fn changed(&mut self, settled: &[ActionIx]) {
        let is_ours = |subject: Subject| !subject.is_end && settled.contains(&subject.ix);
        if self.subject.is_some_and(is_ours) {
            (self.document, self.asked) = (None, None);
        }
    }

    pub fn tab(&self) -> Tab {
        match self.chosen {
            // Two keys may arrive between frames: the second continues from the first.
            Some((tab, Some(at))) if Some(at) == self.subject => tab,
            _ => self.tab,
        }
    }

    pub fn choose(&mut self, tab: Tab) {
        self.hit.give_way();
        self.chosen = Some((tab, self.subject));
    }

    /// Lets the action decide which tab is shown.
    pub fn choose_by_action(&mut self) {
        self.hit.give_way();
        self.chosen = None;
    }

    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    fn parts(&mut self) -> Option<(&Outline, &mut Reading)> {
        let outline = self.document.as_ref()?.tab(self.tab)?;
        let reading = self.readings[self.tab as usize].as_mut()?;
        Some((outline, reading))
    }

    /// Moves among the values, folds and unfolds.
    pub fn go(&mut self, motion: Motion) {
        let Some((outline, reading)) = self.parts() else {
            return;
        };
        if let Some(row) = reading.folds.at(reading.view.cursor) {
            let row = reading.folds.go(outline, row, motion);
            reading.view.cursor = reading.folds.place(row);
        }
        self.remember();
    }

    /// Moves the cursor by rows; a page moves the window too.
    pub fn step(&mut self, step: ListStep) {
        let (rows, width) = (self.shown.rows, self.shown.width);
        let Some((outline, Reading { folds, view, .. })) = self.parts() else {
            return;
        };
        let height = |place| height(outline, folds, place, width);
        let extent = Extent {
            len: folds.len(),
            rows,
            height: &height,
        };
        match step {
            ListStep::By(rows) => {
                let last = folds.len().saturating_sub(1);
                view.cursor = view.cursor.saturating_add_signed(rows).min(last);
            }
            ListStep::Page(rows) => view.page(&extent, rows),
            ListStep::To(place) => view.cursor = place.min(folds.len().saturating_sub(1)),
        }
        self.remember();
    }

    /// Unfolds what is under the cursor; returns whether more of the action has to be read.
    pub fn enter(&mut self) {
        let Some((outline, reading)) = self.parts() else {
            return;
        };
        let row = reading.folds.at(reading.view.cursor);
        if row.is_some_and(|row| outline.row(row).form == Form::More) {
            self.bounds = Some(self.bounds.unwrap_or(Bounds::FIRST).more());
        } else {
            self.go(Motion::Toggle);
        }
    }

    /// A click on a tab chooses it, one on a row goes there, one on the mark of a row folds it.
    pub fn click(&mut self, x: u16, y: u16) {
        let (x, y) = (usize::from(x), usize::from(y));
        if y == TABS {
            let mut left = 0;
            let under = Tab::ALL.iter().find(|tab| {
                left += tab.title().len() + 2;
                x < left
            });
            if let Some(tab) = under {
                self.choose(*tab);
            }
            return;
        }
        let line = y.checked_sub(FRAME - 1 + self.shown.facts.len());
        let Some(line) = line.and_then(|line| self.shown.lines.get(line)) else {
            return;
        };
        let (place, indent, folds) = (line.place, line.indent, line.fold.is_some());
        self.step(ListStep::To(place));
        if folds && (indent + 1..=indent + layout::MARK).contains(&x) {
            self.go(Motion::Toggle);
        }
    }

    /// Goes to the next row that holds a text, and opens what hides it; around the end to the first.
    pub fn find(&mut self, sought: &[Needle], direction: Direction) -> bool {
        let Some((outline, reading)) = self.parts() else {
            return false;
        };
        let from = reading.folds.at(reading.view.cursor).unwrap_or(0);
        let len = outline.len();
        match direction {
            Direction::Forward => self.go_to_text(sought, (from + 1..len).chain(0..=from)),
            Direction::Backward => {
                let before = (0..from).rev();
                self.go_to_text(sought, before.chain((from..len).rev()))
            }
        }
    }

    /// Goes to the first row that holds a text.
    pub(super) fn find_first(&mut self, sought: &[Needle]) -> bool {
        let rows = self.parts().map_or(0, |(outline, _)| outline.len());
        self.go_to_text(sought, 0..rows)
    }

    /// Goes to the first of some rows that holds a text.
    fn go_to_text(&mut self, sought: &[Needle], mut rows: impl Iterator<Item = usize>) -> bool {
        let Some((outline, reading)) = self.parts() else {
            return false;
        };
        let found = rows.find(|row| {
            let texts = [outline.text(*row), outline.key(*row)];
            texts.iter().any(|text| snippet::holds(text, sought))
        });
        let Some(row) = found else { return false };
        reading.folds.reveal(outline, row);
        reading.view.cursor = reading.folds.place(row);
        true
    }

    fn remember(&mut self) {
        let wish = self.parts().and_then(|(outline, reading)| {
            outline.path_words(reading.folds.at(reading.view.cursor)?)
        });
        self.wish = wish;
    }
}

/// What the user noted about the action.
fn note(letter: char, note: &str) -> Option<Line> {
    let note = text::sanitize(note);
    let words = |note: &str| (Tone::Plain, note.to_owned());
    (!note.is_empty()).then(|| vec![(Tone::Waiting, format!("{letter} ")), words(&note)])
}

/// How to open an action.
pub type How = (Bounds, Numbers);

/// A movement over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListStep {
    By(isize),
    Page(isize),
    To(usize),
}

impl Reading {
    fn new(outline: &Outline, wish: Option<&str>) -> Reading {
        let mut folds = Folds::new(outline);
        let mut view = Viewport::default();
        let found = wish.and_then(|wish| {
            let mut rows = 0..outline.len().min(LOOK_FOR_WISH);
            rows.find(|row| outline.path_words(*row).as_deref() == Some(wish))
        });
        if let Some(row) = found {
            folds.reveal(outline, row);
            view.cursor = folds.place(row);
        }
        Reading {
            folds,
            view,
            known: outline.len(),
        }
    }
}

/// How many rows are searched for the previously selected value.
const LOOK_FOR_WISH: usize = 2_000;

fn height(outline: &Outline, folds: &Folds, place: usize, width: usize) -> usize {
    folds.at(place).map_or(1, |row| {
        layout::height(outline, row, folds.is_folded(row), width)
    })
}

fn words_of_path(outline: &Outline, row: usize, (place, len): (usize, usize)) -> String {
    match outline.path_words(row) {
        Some(path) => text::sanitize(&path).into_owned(),
        None => format!(
            "{} / {}",
            human::count(place as u64 + 1),
            human::count(len as u64)
        ),
    }
}

#[cfg(test)]
mod tests;
