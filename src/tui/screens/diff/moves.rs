//! What keys and the mouse do to the selection.

use ratatui::layout::Position;

use crate::analysis::diff::fold::{self, Item};
use crate::analysis::diff::label::Label;
use crate::model::action::ActionIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::Pointer;
use crate::tui::screens::diff::{Diff, Focus, aligned};
use crate::tui::session::Session;
use crate::tui::widgets::viewport::{WHEEL, stepped};

impl Diff {
    pub(super) fn step(&mut self, command: Command) {
        let regions = &self.frame.regions;
        let (view, len, rows) = match self.focus {
            Focus::List => (
                &mut self.list.view,
                self.list.items.len(),
                regions.list.height,
            ),
            // The first row of the pane is its title.
            Focus::Fields => (
                &mut self.fields.view,
                self.fields.lines.len(),
                regions.fields.height.saturating_sub(1),
            ),
        };
        if let Some(to) = stepped(command, view.cursor, (len, usize::from(rows))) {
            view.cursor = to;
        }
    }

    /// To the next or previous pair that differs.
    pub(super) fn change(&mut self, forward: bool, session: &mut Session) {
        let Some(comparison) = self.comparison() else {
            return;
        };
        let differs = |at: &usize| comparison.columns[*at].label != Label::Same;
        let here = self.column_below();
        let found = if forward {
            let next = if self.column().is_some() {
                here + 1
            } else {
                here
            };
            (next..comparison.columns.len()).find(differs)
        } else {
            (0..here.min(comparison.columns.len())).rev().find(differs)
        };
        match found {
            Some(column) => self.go_to(column),
            None if forward => session.say("no difference after this one"),
            None => session.say("no difference before this one"),
        }
    }

    /// To the divergence; from there to the first difference of any kind.
    pub(super) fn go_to_divergence(&mut self, session: &mut Session) {
        let Some(comparison) = self.comparison() else {
            return;
        };
        let (any, material) = (
            comparison.divergence.first_any,
            comparison.divergence.first_material,
        );
        let is_there = material.is_some() && self.column() == material;
        match if is_there { any } else { material.or(any) } {
            Some(column) => {
                self.go_to(column);
                self.list.is_jump = true;
            }
            None => session.say("the runs do not differ"),
        }
    }

    /// The letter of a mark.
    pub(super) fn mark_or_go(&mut self, chord: Command, key: Key, session: &mut Session) {
        let Some(letter) = key.char().filter(char::is_ascii_alphabetic) else {
            return;
        };
        if chord == Command::Mark {
            match self.selected() {
                Some((_, ix)) => session.mark(letter, ix),
                None => session.say("nothing here can be marked"),
            }
            return;
        }
        let marked = session.marks.get(letter);
        let column = self.comparison().zip(marked).and_then(|(comparison, ix)| {
            let both = [Some(ix), None];
            aligned::find(comparison, both).or(aligned::find(comparison, [None, Some(ix)]))
        });
        match column {
            Some(column) => {
                self.go_to(column);
                self.list.is_jump = true;
            }
            None => session.say(&format!("no action of these runs has the mark {letter}")),
        }
    }

    /// Selects a column; unfolds it where it is folded.
    pub(super) fn go_to(&mut self, column: usize) {
        let holds = |item: &Item| match item {
            Item::Column(at) => *at == column,
            Item::Folded(range) => range.contains(&column),
        };
        let Some(at) = self.list.items.iter().position(holds) else {
            return;
        };
        if matches!(self.list.items[at], Item::Folded(_)) {
            self.unfold(at);
            self.go_to(column);
            return;
        }
        self.list.view.cursor = at;
    }

    /// The selected column; none on a fold.
    pub(super) fn column(&self) -> Option<usize> {
        match self.list.items.get(self.list.view.cursor)? {
            Item::Column(at) => Some(*at),
            Item::Folded(_) => None,
        }
    }

    /// The selected column, or the first of a fold.
    fn column_below(&self) -> usize {
        match self.list.items.get(self.list.view.cursor) {
            Some(Item::Column(at)) => *at,
            Some(Item::Folded(range)) => range.start,
            None => 0,
        }
    }

    /// The action that is selected on the other views too: of the side that was chosen, or else the other.
    pub(super) fn selected(&self) -> Option<(usize, ActionIx)> {
        let rows = aligned::rows(self.comparison()?, self.column()?);
        let other = 1 - self.side;
        let own = rows[self.side].map(|ix| (self.side, ix));
        own.or_else(|| rows[other].map(|ix| (other, ix)))
    }

    pub(super) fn unfold(&mut self, item: usize) {
        if let Some(Item::Folded(range)) = self.list.items.get(item).cloned() {
            self.list.unfolded.insert(range.start);
            self.fold_items();
            self.go_to(range.start);
        }
    }

    /// Folds all that is equal; or unfolds it, where it is folded.
    pub(super) fn fold_all(&mut self) {
        let column = self.column_below();
        let is_folded = self
            .list
            .items
            .iter()
            .any(|it| matches!(it, Item::Folded(_)));
        self.list.unfolded.clear();
        self.list.all_unfolded = is_folded;
        self.fold_items();
        let holds = |item: &Item| match item {
            Item::Column(at) => *at == column,
            Item::Folded(range) => range.contains(&column),
        };
        let found = self.list.items.iter().position(holds);
        self.list.view.cursor = found.unwrap_or_default();
    }

    /// Rebuilds the list.
    pub(super) fn fold_items(&mut self) {
        let Some(comparison) = self.comparison() else {
            self.list.items.clear();
            return;
        };
        let list = &self.list;
        // A fold starts after the equal column that is kept next to a difference.
        let folds = |first: usize| {
            let is_unfolded = (first..=first + 1).any(|at| list.unfolded.contains(&at));
            !list.all_unfolded && !is_unfolded
        };
        let items = fold::items(&comparison.columns, &folds);
        self.list.items = items;
    }

    /// A click selects; on what is selected it opens.
    pub(super) fn point(&mut self, pointer: Pointer) -> Vec<Effect> {
        let regions = self.frame.regions;
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up)),
            Pointer::WheelDown { .. } => (0..WHEEL).for_each(|_| self.step(Command::Down)),
            Pointer::Click { x, y } if regions.list.contains(Position { x, y }) => {
                self.focus = Focus::List;
                let row = usize::from(y - regions.list.y);
                let found = self.frame.lines.iter().rev().find(|it| it.at.row <= row);
                let Some(item) = found.map(|it| it.at.item) else {
                    return Vec::new();
                };
                if regions.is_side {
                    self.side = usize::from(x >= regions.list.x + regions.list.width / 2);
                }
                if item == self.list.view.cursor {
                    self.open();
                }
                self.list.view.cursor = item;
            }
            Pointer::Click { x, y } if regions.fields.contains(Position { x, y }) => {
                self.focus = Focus::Fields;
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    /// Opens a fold, or goes to what differs inside the pair.
    pub(super) fn open(&mut self) {
        match self.list.items.get(self.list.view.cursor) {
            Some(Item::Folded(_)) => self.unfold(self.list.view.cursor),
            Some(Item::Column(_)) => self.focus = Focus::Fields,
            None => {}
        }
    }
}
