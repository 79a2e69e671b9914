//! What the model saw, ready to be shown: made in the background, because it opens every action before.

use crate::analysis::context::{self, Context, Exactness, Origin, Part};
use crate::base::cancel::CancelFlag;
use crate::base::{human, text};
use crate::export::words;
use crate::model::action::ActionIx;
use crate::store::Store;

/// A context in sanitised words.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) call: ActionIx,
    /// `call #389 · turn 2 · claude-opus-4-6`.
    pub(super) title: String,
    pub(super) exactness: Exactness,
    pub(super) api: &'static str,
    /// How full the window was.
    pub(super) fill: String,
    pub(super) lines: Vec<Line>,
    pub(super) missing: Vec<String>,
}

/// A part of the request.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) who: String,
    pub(super) what: String,
    pub(super) tokens: String,
    pub(super) estimate: u64,
    pub(super) is_new: bool,
    /// A setting of the request, not a message.
    pub(super) is_member: bool,
    pub(super) is_rebuilt: bool,
}

/// Longer lines are cut; no screen is wider.
const LONGEST: usize = 400;

impl Seen {
    /// `None` when the work was given up.
    pub(super) fn read(store: &Store, call: ActionIx, cancel: &CancelFlag) -> Option<Seen> {
        let found = context::of(store, call, cancel)?;
        let row = store.row(call);
        let turn = match row.turn() {
            0 => String::new(),
            turn => format!(" · turn {turn}"),
        };
        let model = text::sanitize(words::name(row.model())).into_owned();
        let (missing, known): (Vec<&Part>, Vec<&Part>) = found
            .parts
            .iter()
            .partition(|part| part.origin == Origin::Missing);
        Some(Seen {
            call,
            title: format!("call #{}{turn} · {model}", row.seq()),
            exactness: found.exactness,
            api: found.api.word(),
            fill: words::fill(&found),
            lines: known.into_iter().map(|part| line(&found, part)).collect(),
            missing: missing
                .into_iter()
                .map(|part| text::sanitize(&part.note).into_owned())
                .collect(),
        })
    }
}

fn line(context: &Context, part: &Part) -> Line {
    let said = match context.value(part) {
        Some(value) if part.note.is_empty() => context::line(value),
        _ => part.note.clone(),
    };
    let head = said.get(..said.floor_char_boundary(LONGEST));
    let is_member = part.role.is_none();
    let who = match part.role {
        Some(role) => role.word().to_owned(),
        None => part.path.trim_start_matches("$.").to_owned(),
    };
    Line {
        who: text::sanitize(&who).into_owned(),
        what: text::sanitize(head.unwrap_or_default()).into_owned(),
        tokens: part
            .estimate
            .map_or_else(|| words::NOTHING.to_owned(), human::short_count),
        estimate: part.estimate.unwrap_or(0),
        is_new: part.is_new,
        is_member,
        is_rebuilt: part.origin == Origin::Reconstructed,
    }
}
