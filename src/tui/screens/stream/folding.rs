//! Model calls that only asked for the tool below them: the row of the tool shows them too, with `→`, their
//! latency and their cost.

use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::store::row::Row;
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::rows;
use crate::tui::session::Opened;

/// Rows after a call that are searched for another call of the same answer.
const SIBLINGS: u32 = 4;

/// A list in which a model call may be folded into the row of a tool call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folding<'a> {
    pub(super) listing: &'a Listing,
    pub(super) opened: &'a Opened,
    /// The selected item always has its row.
    pub(super) cursor: usize,
    /// Latency and cost share a column.
    pub(super) is_merged: bool,
}

impl<'a> Folding<'a> {
    fn row(&self, item: usize) -> Option<Row<'a>> {
        self.listing.at(item).map(|ix| self.opened.store.row(ix))
    }

    /// Whether this model call folds into the row of the next item: it has no text, asked for nothing else,
    /// and its cost and latency fit there.
    pub(super) fn asks_only(&self, item: usize) -> bool {
        let (Some(asks), Some(next)) = (self.row(item), self.row(item + 1)) else {
            return false;
        };
        let store = &self.opened.store;
        let is_asked =
            |row: &Row<'_>| row.parent() == Some(asks.ix()) && row.kind() == Kind::ToolCall;
        let is_silent = asks.kind() == Kind::Response
            && asks.flags().has(Flags::IMPLIED)
            && matches!(asks.status(), Status::Unrecorded | Status::Ok)
            && rows::height(&asks) == 1;
        let loses_cost =
            self.is_merged && asks.cost().usd().is_some() && next.duration().get().is_some();
        let after = next.ix().0 + 1;
        let after = after..store.len().min(after + SIBLINGS);
        is_silent
            && !loses_cost
            && is_asked(&next)
            && !after.map(ActionIx).any(|ix| is_asked(&store.row(ix)))
    }

    /// Whether an item has no row.
    pub(super) fn is_folded(&self, item: usize) -> bool {
        item != self.cursor && self.asks_only(item)
    }

    /// The model call that is folded into the row of an item.
    pub(super) fn model_call(&self, item: usize) -> Option<Row<'a>> {
        let before = item
            .checked_sub(1)
            .filter(|before| self.is_folded(*before))?;
        self.row(before)
    }
}
