//! The lines of the list: lanes, and below each its bars in the visible time.

use crate::analysis::timeline::{Bar, By};
use crate::tui::screens::timeline::Timeline;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// By its place among the lanes.
    Lane(usize),
    /// By its place among the bars.
    Bar(u32),
}

impl Timeline {
    /// Rebuilds the lines if they are out of date, and keeps the selection.
    pub(super) fn relist(&mut self) {
        if !self.is_stale {
            return;
        }
        self.is_stale = false;
        self.lines.clear();
        let Some(window) = self.window() else {
            return;
        };
        for (number, lane) in self.lanes.iter().enumerate() {
            self.lines.push(Line::Lane(number));
            if self.folded.contains(&lane.key) {
                continue;
            }
            let bars = lane.bars.iter().copied();
            let seen = bars.filter(|bar| self.made.bars[*bar as usize].is_in(window));
            self.lines.extend(seen.map(Line::Bar));
        }
        self.find_anchor();
    }

    /// The selected bar again, or one of the same action, or else the next one in time.
    fn find_anchor(&mut self) {
        let Some((ix, what)) = self.anchor else {
            // The first action rather than the lane.
            self.view.cursor = usize::from(self.lines.len() > 1);
            return;
        };
        let bars = || {
            let lines = self.lines.iter().enumerate();
            lines.filter_map(|(at, line)| match line {
                Line::Bar(bar) => Some((at, &self.made.bars[*bar as usize])),
                Line::Lane(_) => None,
            })
        };
        let same = bars().find(|(_, bar)| (bar.ix, bar.what) == (ix, what));
        let near = || bars().find(|(_, bar)| bar.ix == ix);
        let after = || {
            bars()
                .filter(|(_, bar)| bar.ix > ix)
                .min_by_key(|(_, it)| it.ix)
        };
        let found = same.or_else(near).or_else(after);
        if let Some((at, _)) = found {
            self.view.cursor = at;
        }
    }

    pub(super) fn selected_bar(&self) -> Option<&Bar> {
        match self.lines.get(self.view.cursor)? {
            Line::Bar(bar) => self.made.bars.get(*bar as usize),
            Line::Lane(_) => None,
        }
    }

    pub(super) fn choose(&mut self, at: usize) {
        self.view.cursor = at;
        if let Some(bar) = self.selected_bar() {
            self.anchor = Some((bar.ix, bar.what));
        }
    }

    pub(super) fn regroup(&mut self, by: By) {
        self.by = by;
        self.lanes = self.made.lanes(by);
        self.is_stale = true;
    }

    /// Folds the lane of what is selected, or unfolds it.
    pub(super) fn fold(&mut self) {
        let before = self.lines.get(..=self.view.cursor).unwrap_or_default();
        let lane = before.iter().rev().find_map(|line| match line {
            Line::Lane(number) => Some(*number),
            Line::Bar(_) => None,
        });
        let Some(number) = lane else { return };
        let key = self.lanes[number].key;
        if !self.folded.remove(&key) {
            self.folded.insert(key);
        }
        self.is_stale = true;
        self.relist();
        let lane = self.lines.iter().position(|it| *it == Line::Lane(number));
        self.view.cursor = lane.unwrap_or(0);
    }
}
