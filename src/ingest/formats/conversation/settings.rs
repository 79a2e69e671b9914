//! Facts about a whole run.

use crate::ingest::assemble::Builder;
use crate::ingest::fact::Name;
use crate::model::action::Status;
use crate::model::run::{RunIx, RunStatus};

/// Sets a property of a run.
pub(in super::super) fn set(run: RunIx, name: Name, value: &[u8], build: &mut Builder) {
    let symbol = build.symbol(value);
    let text = || String::from_utf8_lossy(value);
    let run = build.edit(run);
    match name {
        Name::User => run.who.user = symbol,
        Name::Service => run.who.service = symbol,
        Name::Env => run.who.env = symbol,
        Name::Task => run.who.task = symbol,
        Name::Trial => run.who.trial = symbol,
        Name::Release => run.who.release = symbol,
        Name::Provider => run.who.provider = symbol,
        Name::Title => run.title = Some(text().into()),
        Name::ParentRun => run.parent_run = Some(text().into()),
        Name::Score => {
            let score = text().parse().ok();
            run.score = score.filter(|it: &f64| it.is_finite()).or(run.score);
        }
        Name::Correct => run.correct = Some(value == b"true"),
        Name::Policy
        | Name::Rule
        | Name::By
        | Name::Via
        | Name::Record
        | Name::Group
        | Name::InSpan
        | Name::Lane
        | Name::Starter
        | Name::SideChain
        | Name::Shadow
        | Name::Attempt
        | Name::Text
        | Name::ResponseId
        | Name::Speed
        | Name::Stream
        | Name::TaskPrompt
        | Name::Subagent
        | Name::SubagentType
        | Name::Trace
        | Name::Thread
        | Name::Conversation
        | Name::Session
        | Name::SpanName
        | Name::Scope => {}
    }
}

/// The end status of a run, from the status of its last record.
pub(in super::super) fn status(status: Status) -> Option<RunStatus> {
    match status {
        Status::Ok => Some(RunStatus::Ok),
        Status::Error | Status::Timeout => Some(RunStatus::Error),
        Status::Blocked | Status::Denied => Some(RunStatus::Blocked),
        Status::Cancelled => Some(RunStatus::Cancelled),
        Status::Unrecorded | Status::Pending => None,
    }
}
