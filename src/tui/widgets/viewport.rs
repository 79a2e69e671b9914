//! Which rows of a long list are on the screen, and which one is selected. Pure arithmetic.

use crate::tui::keys::Command;

/// A window on a list whose items have heights of their own; some have none, but never two in a row and never
/// the selected or the last one.
///
/// The window is kept as its top item and the rows of it that are scrolled out, so that nothing
/// ever needs the height of the whole list: every operation costs at most the height of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Viewport {
    pub cursor: usize,
    top: usize,
    skip: usize,
}

/// The list as the viewport sees it.
pub struct Extent<'a> {
    pub len: usize,
    /// Rows of the screen.
    pub rows: usize,
    /// The height of an item below `len`.
    pub height: &'a dyn Fn(usize) -> usize,
}

impl std::fmt::Debug for Extent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extent")
            .field("len", &self.len)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// Rows that one notch of the wheel moves.
pub const WHEEL: usize = 3;

/// Where a command takes the selection of a list with `len` lines, of which `rows` are on the screen; none for a
/// command that does not move it.
pub fn stepped(command: Command, cursor: usize, (len, rows): (usize, usize)) -> Option<usize> {
    let rows = rows.max(1);
    let last = len.saturating_sub(1);
    let to = match command {
        Command::Down => cursor.saturating_add(1),
        Command::Up => cursor.saturating_sub(1),
        Command::HalfDown => cursor.saturating_add((rows / 2).max(1)),
        Command::HalfUp => cursor.saturating_sub((rows / 2).max(1)),
        Command::PageDown => cursor.saturating_add(rows),
        Command::PageUp => cursor.saturating_sub(rows),
        Command::Top => 0,
        Command::Bottom => last,
        _ => return None,
    };
    Some(to.min(last))
}

impl Viewport {
    pub fn top(&self) -> usize {
        self.top
    }

    /// The first items are gone, this many: the screen keeps showing the same ones.
    pub fn rise(&mut self, gone: usize) {
        if self.top < gone {
            self.skip = 0;
        }
        self.top = self.top.saturating_sub(gone);
        self.cursor = self.cursor.saturating_sub(gone);
    }

    /// Moves the window as little as possible so that the selected item is on it, and no row stays
    /// empty below the last item while others are scrolled out above.
    pub fn settle(&mut self, extent: &Extent<'_>) {
        self.cursor = self.cursor.min(extent.len.saturating_sub(1));
        if extent.len == 0 {
            *self = Viewport::default();
            return;
        }
        if self.cursor <= self.top {
            (self.top, self.skip) = (self.cursor, 0);
        }
        let lowest = above(
            extent,
            self.cursor,
            extent.rows.saturating_sub((extent.height)(self.cursor)),
        );
        if (self.top, self.skip) < lowest {
            (self.top, self.skip) = lowest;
        }
        if self.skip >= (extent.height)(self.top) {
            self.skip = 0;
        }
        let last = extent.len - 1;
        let end = above(
            extent,
            last,
            extent.rows.saturating_sub((extent.height)(last)),
        );
        (self.top, self.skip) = (self.top, self.skip).min(end);
    }

    /// Settles with the selected item in the middle of the screen: for jumps out of sight.
    pub fn centre(&mut self, extent: &Extent<'_>) {
        self.place(extent, extent.rows / 2);
    }

    /// Settles with this many screen rows above the selected item.
    pub fn place(&mut self, extent: &Extent<'_>, rows: usize) {
        if extent.len > 0 {
            self.cursor = self.cursor.min(extent.len - 1);
            (self.top, self.skip) = above(extent, self.cursor, rows);
        }
        self.settle(extent);
    }

    /// Moves the selection and the window by about `rows` screen rows, downwards or upwards.
    pub fn page(&mut self, extent: &Extent<'_>, rows: isize) {
        let mut left = rows.unsigned_abs();
        let (cursor, top) = (self.cursor, self.top);
        while left > 0 && extent.len > 0 {
            let next = if rows > 0 {
                self.cursor + 1
            } else {
                self.cursor.wrapping_sub(1)
            };
            if next >= extent.len {
                break;
            }
            left = left.saturating_sub((extent.height)(self.cursor.min(next)));
            self.cursor = next;
        }
        self.top = if rows > 0 {
            top + (self.cursor - cursor)
        } else {
            top.saturating_sub(cursor - self.cursor)
        };
        self.skip = 0;
        self.settle(extent);
    }

    /// Items with rows on the screen: their place in the list, the row of the screen where they begin, and how
    /// many of their own rows are above it.
    pub fn visible<'a>(&self, extent: &'a Extent<'a>) -> impl Iterator<Item = Visible> + use<'a> {
        let (mut item, mut row, mut skip) = (self.top, 0, self.skip);
        std::iter::from_fn(move || {
            while item < extent.len && row < extent.rows {
                let seen = Visible { item, row, skip };
                let height = (extent.height)(item).saturating_sub(skip);
                row += height;
                (item, skip) = (item + 1, 0);
                if height > 0 {
                    return Some(seen);
                }
            }
            None
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visible {
    pub item: usize,
    pub row: usize,
    pub skip: usize,
}

/// The top that leaves exactly `rows` rows above item `item` (fewer at the start of the list).
fn above(extent: &Extent<'_>, item: usize, rows: usize) -> (usize, usize) {
    let (mut top, mut left) = (item, rows);
    while left > 0 && top > 0 {
        let height = (extent.height)(top - 1);
        top -= 1;
        if height > left {
            return (top, height - left);
        }
        left -= height;
    }
    (top, 0)
}

#[cfg(test)]
mod tests;
