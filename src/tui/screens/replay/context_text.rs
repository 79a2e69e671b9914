//! What the model saw, ready to be shown: made in the background, because it opens every action before.

use std::collections::HashSet;

use crate::analysis::context::{self, Context, Exactness, Origin, Part};
use crate::base::cancel::CancelFlag;
use crate::base::{human, text};
use crate::export::words;
use crate::ingest::request::Role;
use crate::model::action::ActionIx;
use crate::store::Store;

/// A context in sanitised words.
#[derive(Debug)]
pub(super) struct ContextText {
    pub(super) call: ActionIx,
    /// `call #389 · turn 2 · claude-opus-4-6`.
    pub(super) title: String,
    pub(super) exactness: Exactness,
    pub(super) api: &'static str,
    /// How full the window was.
    pub(super) fill: String,
    pub(super) lines: Vec<Line>,
    pub(super) missing: Vec<String>,
    /// What the last compaction before the call threw away.
    pub(super) dropped: Option<Dropped>,
}

/// The parts of the last request before a compaction that the model did not see again.
#[derive(Debug)]
pub(super) struct Dropped {
    /// The number of the action that records the compaction.
    pub(super) seq: u32,
    pub(super) lines: Vec<Line>,
    pub(super) estimate: u64,
}

/// A part of the request.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) who: String,
    pub(super) what: String,
    /// All of it, raw.
    pub(super) text: String,
    pub(super) action: Option<ActionIx>,
    pub(super) tokens: String,
    pub(super) estimate: u64,
    pub(super) is_new: bool,
    /// A setting of the request, not a message.
    pub(super) is_member: bool,
    pub(super) is_rebuilt: bool,
}

/// Longer lines are cut; no screen is wider.
const LONGEST: usize = 400;
/// What is kept of the text of a part, in bytes.
const LARGEST: usize = 64 << 10;

impl ContextText {
    /// `None` if cancelled.
    pub(super) fn read(store: &Store, call: ActionIx, cancel: &CancelFlag) -> Option<ContextText> {
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
        Some(ContextText {
            call,
            title: format!("call #{}{turn} · {model}", row.seq()),
            exactness: found.exactness,
            api: found.api.word(),
            fill: words::fill(&found),
            dropped: dropped(store, &found, cancel),
            lines: known.into_iter().map(|part| line(&found, part)).collect(),
            missing: missing
                .into_iter()
                .map(|part| text::sanitize(&part.note).into_owned())
                .collect(),
        })
    }
}

/// What the model saw before the last compaction but no longer.
fn dropped(store: &Store, now: &Context, cancel: &CancelFlag) -> Option<Dropped> {
    let call = store.row(now.call);
    let first = call.run().first_action;
    let mut before = (first.0..now.call.0)
        .rev()
        .map(|ix| store.row(ActionIx(ix)));
    let compaction = before.find(|row| {
        row.run_ix() == call.run_ix() && row.agent() == call.agent() && context::compacts(row)
    })?;
    let last = context::call_before(store, compaction.ix())?;
    let then = context::of(store, last, cancel)?;
    let kept: HashSet<ActionIx> = now.parts.iter().filter_map(|part| part.action).collect();
    let is_gone = |part: &&Part| {
        let is_message = part.role.is_some_and(|role| role != Role::System);
        let is_kept = part.action.is_some_and(|action| kept.contains(&action));
        is_message && part.origin != Origin::Missing && !is_kept
    };
    let lines: Vec<Line> = then
        .parts
        .iter()
        .filter(is_gone)
        .map(|part| line(&then, part))
        .collect();
    (!lines.is_empty()).then(|| Dropped {
        seq: compaction.seq(),
        estimate: lines.iter().map(|line| line.estimate).sum(),
        lines,
    })
}

fn line(context: &Context, part: &Part) -> Line {
    let content = match context.value(part) {
        Some(value) if part.note.is_empty() => context::line(value),
        _ => part.note.clone(),
    };
    let head = content.get(..content.floor_char_boundary(LONGEST));
    let is_member = part.role.is_none();
    let who = match part.role {
        Some(role) => role.word().to_owned(),
        None => part.path.trim_start_matches("$.").to_owned(),
    };
    let whole = context.value(part).map(context::text);
    let whole = whole.unwrap_or_else(|| part.note.clone());
    let end = whole.floor_char_boundary(LARGEST);
    Line {
        text: whole.get(..end).unwrap_or_default().to_owned(),
        action: part.action,
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
