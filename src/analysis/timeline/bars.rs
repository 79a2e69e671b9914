//! Builds the bars of a run from the times of its actions.

use std::collections::HashMap;

use super::growth::Growth;
use super::{Bar, Length, What, takes_time};
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Flags, Kind, Status, Verdict};
use crate::model::chunk::CHUNK_ROWS;
use crate::model::outcome::AttachedKind;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::row::Row;

#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub(super) bars: Vec<Bar>,
    pub(super) growth: Growth,
    pub(super) untimed: u32,
    pub(super) aside: u32,
    /// Per agent, when the input of its next model call was complete.
    input_ready: HashMap<Sym, i64>,
}

pub(super) fn of_run(store: &Store, run: RunIx, now: Option<i64>, cancel: &CancelFlag) -> Drawn {
    let mut drawn = Drawn::default();
    let Some(first) = store.run(run).first_action.get() else {
        return drawn;
    };
    let mut left = store.run(run).totals.actions;
    for number in first.0 as usize / CHUNK_ROWS..store.chunks().len() {
        let Some((chunk, _)) = store.chunk(number).filter(|_| left > 0) else {
            break;
        };
        if cancel.is_raised() {
            break;
        }
        let ours = (0..chunk.len()).filter(|row| chunk.run[*row] == run && chunk.seq[*row] > 0);
        for row in ours {
            left = left.saturating_sub(1);
            let ix = ActionIx((number * CHUNK_ROWS + row) as u32);
            drawn.add(&store.row(ix), now);
        }
    }
    drawn.bars.sort_by_key(|bar| (bar.from, bar.ix, bar.what));
    drawn.growth.finish();
    drawn
}

impl Drawn {
    fn add(&mut self, row: &Row<'_>, now: Option<i64>) {
        let agent = row.agent_sym();
        let time = row.time().get();
        self.growth.add(row);
        let Some(what) = takes_time(row.kind()) else {
            self.aside += 1;
            return;
        };
        let Some(time) = time else {
            self.untimed += 1;
            return;
        };
        let name = match what {
            What::Model => row.model_sym(),
            What::Prompt | What::Tool | What::Approval | What::Error => row.tool_sym(),
        };
        let mut bar = Bar {
            ix: row.ix(),
            what,
            from: time,
            to: time,
            length: Length::Point,
            status: row.status(),
            agent,
            name,
        };
        if let Some(took) = row.duration().get() {
            (bar.to, bar.length) = (time.saturating_add(took), Length::Recorded);
        } else if is_open(row) {
            bar.length = Length::Open;
            bar.to = now.unwrap_or(time).max(time);
        } else if let (What::Model, Some(input_ready)) = (what, self.input_ready.get(&agent))
            && *input_ready < time
        {
            (bar.from, bar.length) = (*input_ready, Length::Inferred);
        }
        self.bars.push(bar);
        self.track_input(row, &bar);
        if let Some(pending) = approval(row, bar.window(), now) {
            self.bars.push(Bar {
                what: What::Approval,
                from: pending.0,
                to: pending.1,
                length: pending.2,
                ..bar
            });
        }
    }

    /// A model call starts when its input is complete: after the last prompt, result or answer
    /// before it.
    fn track_input(&mut self, row: &Row<'_>, bar: &Bar) {
        if row.kind() == Kind::Error {
            return;
        }
        let input_ready = self.input_ready.entry(bar.agent).or_insert(bar.to);
        *input_ready = if bar.what == What::Prompt {
            bar.to
        } else {
            bar.to.max(*input_ready)
        };
    }
}

fn is_open(row: &Row<'_>) -> bool {
    row.status() == Status::Pending || row.flags().has(Flags::WAITING)
}

/// The time span in which the approval of a call was pending.
fn approval(row: &Row<'_>, call: super::Window, now: Option<i64>) -> Option<(i64, i64, Length)> {
    let mut requested = None;
    let mut found = None;
    for attached in row.attached() {
        if attached.kind != AttachedKind::Approval {
            continue;
        }
        let time = attached.time.get();
        match attached.verdict {
            Verdict::Requested => requested = time,
            Verdict::Approved | Verdict::Denied | Verdict::Expired => {
                let wait = attached.wait.get();
                let began = requested.or(time.zip(wait).map(|(time, wait)| time - wait));
                let ended = time.or(requested
                    .zip(wait)
                    .map(|(requested, wait)| requested + wait));
                found = began.zip(ended).filter(|(began, ended)| began <= ended);
            }
            Verdict::Unrecorded
            | Verdict::Allow
            | Verdict::Block
            | Verdict::RequireApproval
            | Verdict::Redact
            | Verdict::Warn => {}
        }
    }
    if let Some((began, ended)) = found {
        return Some((began, ended, Length::Recorded));
    }
    let requested = requested.filter(|_| row.flags().has(Flags::WAITING))?;
    let end = now.unwrap_or(call.to).max(requested);
    Some((requested, end, Length::Open))
}
