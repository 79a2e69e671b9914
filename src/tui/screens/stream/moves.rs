//! What the keys of the stream do to the selection, the panes and the tabs.

use ratatui::layout::Position;

use crate::tui::keys::Command;
use crate::tui::screen::Pointer;
use crate::tui::screens::stream::folding::Folding;
use crate::tui::screens::stream::headings;
use crate::tui::screens::stream::inspector::ListStep;
use crate::tui::screens::stream::jumps::{self, Direction, Known, Target};
use crate::tui::screens::stream::layout::Focus;
use crate::tui::screens::stream::layout::{Panes, SIDE_BY_SIDE};
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::{List, Missed, Stream};
use crate::tui::session::{Opened, Session};
use crate::tui::widgets::outline::folds::Motion;
use crate::tui::widgets::viewport::{Extent, Viewport, Visible, WHEEL};

/// Columns that a key moves the divider.
const RESIZE: i16 = 4;
impl Stream {
    pub(super) fn go(&mut self, command: Command, session: &mut Session) {
        match command {
            Command::Open if self.split.focus == Focus::Inspector => self.inspector.enter(),
            Command::Open => {
                self.inspector.choose_by_action();
                self.open();
            }
            Command::NextPane => self.step_pane(true),
            Command::PrevPane => self.step_pane(false),
            Command::TabRight | Command::TabLeft => self.step_tab(command == Command::TabRight),
            Command::Maximise => self.maximise(),
            Command::Layout => self.turn_layout(),
            Command::NextAction => self.select(Command::Down, session),
            Command::PrevAction => self.select(Command::Up, session),
            Command::Wider => self.widen(RESIZE),
            Command::Narrower => self.widen(-RESIZE),
            _ if self.split.focus == Focus::Inspector && self.read(command) => {}
            _ => self.select(command, session),
        }
    }

    /// A click selects a row or a pane; the wheel moves what is under it; the divider can be dragged.
    pub(super) fn point(&mut self, pointer: Pointer, session: &mut Session) {
        let regions = self.frame.regions;
        match pointer {
            Pointer::Click { x, y } => {
                self.split.is_dragged = regions.is_divider(Position { x, y });
                if !self.split.is_dragged {
                    self.click(Position { x, y }, session);
                }
            }
            Pointer::Drag { x, .. } if self.split.is_dragged => {
                self.split.width = Some(regions.filter.right().saturating_sub(x + 1));
            }
            Pointer::Drag { .. } => {}
            Pointer::Release => self.split.is_dragged = false,
            Pointer::WheelUp { x, y } => self.wheel(Position { x, y }, Command::Up, session),
            Pointer::WheelDown { x, y } => self.wheel(Position { x, y }, Command::Down, session),
        }
    }

    fn wheel(&mut self, at: Position, command: Command, session: &mut Session) {
        if self.frame.regions.inspector.contains(at) {
            (0..WHEEL).for_each(|_| {
                self.read(command);
            });
        } else if self.frame.regions.list.contains(at) {
            (0..WHEEL).for_each(|_| self.select(command, session));
        }
    }

    fn click(&mut self, at: Position, session: &Session) {
        let regions = self.frame.regions;
        if regions.filter.contains(at) {
            return self.query.bar.open();
        }
        if regions.lower_rule.contains(at) {
            return self.open_noticed(session);
        }
        if regions.inspector.contains(at) {
            self.split.focus = Focus::Inspector;
            self.inspector
                .click(at.x - regions.inspector.x, at.y - regions.inspector.y);
        } else if regions.list.contains(at) {
            let row = usize::from(at.y - regions.list.y);
            let mut seen = self.frame.rows.iter().rev();
            let under = seen.find(|placed| placed.at.row <= row);
            if let Some(placed) = under {
                self.split.focus = Focus::List;
                self.end.as_mut().unwrap_or(&mut self.list).view.cursor = placed.at.item;
            }
        }
    }

    /// From the usual panes to a wide inspector, to the inspector alone, and back.
    fn turn_layout(&mut self) {
        let is_wide = self.split.width.is_some();
        match (self.split.panes, is_wide && self.frame.regions.is_split()) {
            (Panes::Auto | Panes::List, false)
                if self.frame.regions.filter.width >= SIDE_BY_SIDE =>
            {
                let width = self.frame.regions.filter.width;
                self.split.panes = Panes::Auto;
                self.split.width = Some(width / 5 * 3);
            }
            (Panes::Auto | Panes::List, _) => {
                (self.split.panes, self.split.focus) = (Panes::Inspector, Focus::Inspector);
            }
            (Panes::Inspector, _) => {
                (self.split.panes, self.split.width) = (Panes::Auto, None);
                self.split.focus = Focus::List;
            }
        }
    }

    /// Gives the inspector more columns, or fewer.
    fn widen(&mut self, by: i16) {
        if self.frame.regions.is_split() {
            let width = self.frame.regions.inspector.width;
            self.split.width = Some(width.saturating_add_signed(by));
        } else {
            self.say(format!(
                "one pane has the whole screen · two need {SIDE_BY_SIDE} columns"
            ));
        }
    }

    fn open(&mut self) {
        self.split.focus = Focus::Inspector;
        if !self.frame.regions.is_split() {
            self.split.panes = Panes::Inspector;
        }
    }

    fn step_pane(&mut self, forward: bool) {
        if self.split.focus == Focus::List {
            self.open();
        } else if let Some(tab) = self.inspector.tab().step(forward) {
            self.inspector.choose(tab);
        } else {
            (self.split.focus, self.split.panes) = (Focus::List, Panes::Auto);
        }
    }

    fn step_tab(&mut self, forward: bool) {
        if self.frame.regions.inspector.width > 0 {
            let tab = self.inspector.tab().turn(forward);
            self.inspector.choose(tab);
        }
    }

    fn maximise(&mut self) {
        let is_wide = self.frame.regions.filter.width >= SIDE_BY_SIDE;
        self.split.panes = match (self.split.panes, self.split.focus) {
            (Panes::Auto, Focus::List) if !is_wide => {
                self.say(format!(
                    "the list already has the whole screen · the inspector needs {SIDE_BY_SIDE} columns"
                ));
                Panes::Auto
            }
            (Panes::Auto, Focus::List) => Panes::List,
            (Panes::Auto, Focus::Inspector) => Panes::Inspector,
            (Panes::List | Panes::Inspector, _) => Panes::Auto,
        };
        if self.split.panes == Panes::Auto && !is_wide {
            self.split.focus = Focus::List;
        }
    }

    /// Brings the selected row to the middle, the top or the bottom of the list.
    pub(super) fn scroll_to(&mut self, where_to: char, session: &Session) {
        let rows = usize::from(self.frame.regions.list.height);
        let (list, opened) = match (&mut self.end, &session.trace.end) {
            (Some(list), Some(end)) => (list, end),
            _ => (&mut self.list, &session.loaded),
        };
        let above = match where_to {
            't' => 0,
            'b' => rows.saturating_sub(1),
            _ => rows / 2,
        };
        list.place(opened, rows, above);
    }

    /// Moves in the inspector; returns whether the command applies there.
    fn read(&mut self, command: Command) -> bool {
        let page = (self.inspector.shown().rows as isize).max(1);
        match command {
            Command::Down => self.inspector.step(ListStep::By(1)),
            Command::Up => self.inspector.step(ListStep::By(-1)),
            Command::HalfDown => self.inspector.step(ListStep::Page((page / 2).max(1))),
            Command::HalfUp => self.inspector.step(ListStep::Page(-(page / 2).max(1))),
            Command::PageDown => self.inspector.step(ListStep::Page(page)),
            Command::PageUp => self.inspector.step(ListStep::Page(-page)),
            Command::Top => self.inspector.step(ListStep::To(0)),
            Command::Bottom => self.inspector.step(ListStep::To(usize::MAX)),
            Command::In => self.inspector.go(Motion::In),
            Command::Out => self.inspector.go(Motion::Out),
            Command::Toggle => self.inspector.go(Motion::Toggle),
            Command::ParentValue => self.inspector.go(Motion::Parent),
            Command::NextSibling => self.inspector.go(Motion::NextSibling),
            Command::PrevSibling => self.inspector.go(Motion::PreviousSibling),
            Command::FoldSiblings => self.inspector.go(Motion::FoldSiblings),
            Command::UnfoldSiblings => self.inspector.go(Motion::UnfoldSiblings),
            Command::NextSameKey => self.inspector.go(Motion::NextSameKey),
            _ => return false,
        }
        true
    }

    pub(super) fn select(&mut self, command: Command, session: &mut Session) {
        if command == Command::Bottom {
            return self.go_to_end(session);
        }
        if command == Command::Top {
            self.end = None;
        }
        let rows = usize::from(self.frame.regions.list.height).max(1);
        let jump = target(command).map(|(target, direction)| {
            let walks = target == Target::SameTool && !session.alerting.walk.is_empty();
            (if walks { Target::Evidence } else { target }, direction)
        });
        let (list, opened) = match (&mut self.end, &session.trace.end) {
            (Some(list), Some(end)) => (list, end),
            _ => (&mut self.list, &session.loaded),
        };
        list.holds_end = false;
        match command {
            Command::Down => list.step(opened, 1),
            Command::Up => list.step(opened, -1),
            Command::HalfDown => list.page(opened, rows, (rows / 2).max(1) as isize),
            Command::HalfUp => list.page(opened, rows, -((rows / 2).max(1) as isize)),
            Command::PageDown => list.page(opened, rows, rows as isize),
            Command::PageUp => list.page(opened, rows, -(rows as isize)),
            Command::Top => list.view.cursor = 0,
            _ => {}
        }
        list.clamp();
        let Some(jump) = jump else { return };
        let known = Known {
            slow: &self.overview.survey.slow,
            hits: &self.finder.hits,
            evidence: &session.alerting.walk,
            overlay: opened.overlay.as_deref(),
        };
        let sought = (jump.0, jump.1, known);
        match jumps::find(&opened.store, &list.listing, list.view.cursor, sought) {
            Some(position) => list.jump(position),
            None => self.say_nothing((jump.0, jump.1), session),
        }
    }

    /// The last row there is; while the file is still read, the last rows of it that were read ahead.
    fn go_to_end(&mut self, session: &Session) {
        let is_plain = matches!(self.list.listing, Listing::All(_));
        if let Some(end) = session
            .trace
            .end
            .as_ref()
            .filter(|_| is_plain && session.is_loading())
        {
            let list = self.end.get_or_insert_with(List::default);
            list.listing = Listing::All(0..end.store.len());
            list.jump(list.listing.len().saturating_sub(1));
            return;
        }
        self.list.holds_end = session.is_growing();
        self.list.missed = Missed::default();
        self.list.jump(self.list.listing.len().saturating_sub(1));
    }

    pub(super) fn go_to_number(&mut self, number: u32, session: &Session) {
        self.end = None;
        let store = &session.loaded.store;
        let here = self
            .list
            .listing
            .at(self.list.view.cursor)
            .filter(|ix| ix.0 < store.len());
        let Some(run) = here.map(|ix| store.row(ix).run_ix()) else {
            return;
        };
        let Some(found) = jumps::numbered(store, run, number) else {
            return;
        };
        if store.row(found).seq() != number {
            self.say(format!("no action {number} in this run"));
        }
        self.list.jump(self.list.listing.seek(found));
        if self.list.listing.at(self.list.view.cursor) != Some(found) {
            self.say(format!("action {number} is hidden by the filter"));
        }
    }
}

fn target(command: Command) -> Option<(Target, Direction)> {
    Some(match command {
        Command::NextError => (Target::Error, Direction::Forward),
        Command::PrevError => (Target::Error, Direction::Backward),
        Command::NextBlock => (Target::Block, Direction::Forward),
        Command::PrevBlock => (Target::Block, Direction::Backward),
        Command::NextTurn => (Target::Turn, Direction::Forward),
        Command::PrevTurn => (Target::Turn, Direction::Backward),
        Command::NextSame => (Target::SameTool, Direction::Forward),
        Command::PrevSame => (Target::SameTool, Direction::Backward),
        Command::NextAgent => (Target::SameAgent, Direction::Forward),
        Command::PrevAgent => (Target::SameAgent, Direction::Backward),
        Command::NextHit => (Target::Hit, Direction::Forward),
        Command::PrevHit => (Target::Hit, Direction::Backward),
        Command::NextSlow => (Target::Slow, Direction::Forward),
        Command::PrevSlow => (Target::Slow, Direction::Backward),
        _ => return None,
    })
}

impl List {
    pub(super) fn jump(&mut self, position: usize) {
        self.view.cursor = position;
        self.is_jump = true;
    }

    fn clamp(&mut self) {
        self.view.cursor = self.view.cursor.min(self.listing.len().saturating_sub(1));
    }

    /// Stays at the end while the trace grows, if the user is there.
    pub(super) fn follow(&mut self) {
        if self.holds_end {
            self.view.cursor = self.listing.len().saturating_sub(1);
        }
    }

    pub(super) fn folding<'a>(&'a self, opened: &'a Opened) -> Folding<'a> {
        Folding {
            listing: &self.listing,
            opened,
            cursor: self.view.cursor,
            is_merged: self.is_merged,
        }
    }

    /// To the next row; a model call that is folded into the row below is skipped.
    fn step(&mut self, opened: &Opened, by: isize) {
        let last = self.listing.len().saturating_sub(1);
        let next = |cursor: usize| cursor.saturating_add_signed(by).min(last);
        self.view.cursor = next(self.view.cursor);
        if self.folding(opened).asks_only(self.view.cursor) {
            self.view.cursor = next(self.view.cursor);
        }
    }

    /// Moves the window over the list, as it is laid out in `rows` rows of the screen.
    fn scroll(
        &mut self,
        opened: &Opened,
        rows: usize,
        scroll: impl FnOnce(&mut Viewport, &Extent<'_>),
    ) {
        let folding = Folding {
            listing: &self.listing,
            opened,
            cursor: self.view.cursor,
            is_merged: self.is_merged,
        };
        let height = |item| headings::height(folding, item);
        let extent = Extent {
            len: self.listing.len(),
            rows,
            height: &height,
        };
        scroll(&mut self.view, &extent);
    }

    /// Leaves this many screen rows above the selected one.
    fn place(&mut self, opened: &Opened, rows: usize, above: usize) {
        self.scroll(opened, rows, |view, extent| view.place(extent, above));
    }

    fn page(&mut self, opened: &Opened, rows: usize, by: isize) {
        self.scroll(opened, rows, |view, extent| view.page(extent, by));
        if self.folding(opened).asks_only(self.view.cursor) {
            self.view.cursor += 1;
        }
    }

    /// Brings the selection onto the screen; far jumps to the middle of it.
    pub(super) fn settle(&mut self, opened: &Opened, rows: usize) {
        if rows == 0 {
            return;
        }
        let is_near =
            (self.view.top()..self.view.top().saturating_add(rows)).contains(&self.view.cursor);
        let is_far_jump = std::mem::take(&mut self.is_jump) && !is_near;
        self.scroll(opened, rows, |view, extent| {
            if is_far_jump {
                view.centre(extent);
            } else {
                view.settle(extent);
            }
        });
        self.anchor = self.listing.at(self.view.cursor).or(self.anchor);
    }

    pub(super) fn visible(&self, opened: &Opened, rows: usize) -> Vec<Visible> {
        let folding = self.folding(opened);
        let height = |item| headings::height(folding, item);
        let extent = Extent {
            len: self.listing.len(),
            rows,
            height: &height,
        };
        self.view.visible(&extent).collect()
    }
}
