//! The conversation around the selected action: messages of people and models in its run, up to it and the
//! next after it.

use crate::base::text;
use crate::model::action::{ActionIx, Kind};
use crate::store::Store;
use crate::store::bodies::Depth;
use crate::store::row::Row;
use crate::tui::session::Opened;

/// A message.
#[derive(Debug)]
pub struct Message {
    pub kind: Kind,
    pub seq: u32,
    /// Whether it is the selected action or what led to it, rather than what came after.
    pub is_before: bool,
    /// Sanitised rows.
    pub rows: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Conversation {
    of: Option<(ActionIx, usize, usize)>,
    pub messages: Vec<Message>,
}

/// Look-around in actions, in each direction.
const LOOK: u32 = 200;
/// Rows of one speaker.
const MOST: usize = 4;

impl Conversation {
    /// Makes what fits `rows` rows of `width` cells, the nearest first.
    pub fn prepare(&mut self, ix: ActionIx, opened: &mut Opened, (width, rows): (usize, usize)) {
        if self.of == Some((ix, width, rows)) || width < 8 {
            return;
        }
        self.of = Some((ix, width, rows));
        self.messages.clear();
        let mut left = rows;
        let after = next(&opened.store, ix);
        let mut before = before(&opened.store, ix);
        if let Some(message) = after.and_then(|ix| message(ix, opened, (width, false))) {
            left = left.saturating_sub(message.rows.len());
            self.messages.push(message);
        }
        while left > 0
            && let Some(ix) = before.pop()
        {
            let Some(mut message) = message(ix, opened, (width, true)) else {
                continue;
            };
            message.rows.truncate(left);
            left -= message.rows.len();
            self.messages.insert(0, message);
        }
    }

    /// Something was learned about the actions.
    pub fn outdate(&mut self) {
        self.of = None;
    }
}

fn is_speech(row: &Row<'_>) -> bool {
    matches!(row.kind(), Kind::Prompt | Kind::Response | Kind::Reasoning)
}

/// Whether two actions are of one conversation.
fn is_with(row: &Row<'_>, other: &Row<'_>) -> bool {
    row.run_ix() == other.run_ix() && row.agent() == other.agent()
}

/// Messages up to an action, the nearest last.
fn before(store: &Store, ix: ActionIx) -> Vec<ActionIx> {
    let here = store.row(ix);
    let near = (ix.0.saturating_sub(LOOK)..=ix.0).map(|ix| store.row(ActionIx(ix)));
    let spoken = near.filter(|row| is_speech(row) && is_with(row, &here));
    spoken.map(|row| row.ix()).collect()
}

fn next(store: &Store, ix: ActionIx) -> Option<ActionIx> {
    let here = store.row(ix);
    let end = ix.0.saturating_add(LOOK).min(store.len());
    let mut near = (ix.0 + 1..end).map(|ix| store.row(ActionIx(ix)));
    near.find(|row| is_speech(row) && is_with(row, &here))
        .map(|row| row.ix())
}

fn message(
    ix: ActionIx,
    opened: &mut Opened,
    (width, is_before): (usize, bool),
) -> Option<Message> {
    let row = opened.store.row(ix);
    let body = opened.bodies.open(&row, Depth::Glance);
    let words = body.text.as_deref()?;
    let lines = words.lines().filter(|line| !line.trim().is_empty());
    let mut rows: Vec<String> = Vec::new();
    for line in lines {
        let head = line
            .get(..line.floor_char_boundary(width * MOST * 4))
            .unwrap_or_default();
        rows.extend(text::wrap(&text::sanitize(head), width));
        if rows.len() > MOST {
            rows.truncate(MOST);
            if let Some(last) = rows.last_mut() {
                *last = text::cut(&format!("{last}…"), width).into_owned();
            }
            break;
        }
    }
    (!rows.is_empty()).then(|| Message {
        kind: row.kind(),
        seq: row.seq(),
        is_before,
        rows,
    })
}
