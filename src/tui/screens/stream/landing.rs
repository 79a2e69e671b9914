//! From the end of the file that was read ahead to the same record in the store, once everything is read.

use crate::model::action::{ActionIx, Place, SourceIx};
use crate::store::Store;
use crate::tui::screens::stream::Stream;
use crate::tui::session::{Opened, Session};

impl Stream {
    /// Everything is read: what was looked at in the end read ahead is selected in the store itself.
    pub(super) fn land(&mut self, session: &mut Session) {
        // Messages about an unfinished file are out of date.
        self.notice.take_if(|notice| notice.is_while_reading);
        let (list, end) = (self.end.take(), session.trace.end.take());
        let (Some(list), Some(end)) = (list, end) else {
            return;
        };
        let looked_at = list
            .listing
            .at(list.view.cursor)
            .filter(|ix| ix.0 < end.store.len());
        let store = &session.loaded.store;
        let found = looked_at.and_then(|ix| same(store, &end, ix));
        let last = ActionIx(store.len().saturating_sub(1));
        self.list.holds_end = false;
        self.list
            .jump(self.list.listing.seek(found.unwrap_or(last)));
    }
}

/// The action that holds the record of `ix`. What seemed an action of its own in the end can turn out to be the
/// result of an earlier call, or a verdict about it; else it is the last action that begins before it.
fn same(store: &Store, end: &Opened, ix: ActionIx) -> Option<ActionIx> {
    let looked_at = end.store.row(ix);
    let path = &looked_at.source().path;
    let source = store
        .sources()
        .iter()
        .rposition(|source| source.path == *path)?;
    let source = SourceIx(source as u32);
    let place = looked_at.place();
    let rows = || (0..store.len()).rev().map(ActionIx);
    let ours = |ix: &ActionIx| store.row(*ix).source_ix() == source;
    let begins = |ix: &ActionIx| ours(ix) && store.row(*ix).place() == place;
    let is_recorded_at = |ix: &ActionIx| ours(ix) && is_recorded_at(store, *ix, place);
    let before = |ix: &ActionIx| ours(ix) && store.row(*ix).place().offset <= place.offset;
    let near = rows().take(end.store.len() as usize * 2 + 1).find(begins);
    near.or_else(|| rows().find(begins))
        .or_else(|| rows().find(is_recorded_at))
        .or_else(|| rows().find(before))
}

fn is_recorded_at(store: &Store, ix: ActionIx, place: Place) -> bool {
    let row = store.row(ix);
    row.result_place() == place || row.attached().any(|attached| attached.place == place)
}

#[cfg(test)]
mod tests;
