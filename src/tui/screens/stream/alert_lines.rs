//! Alerts in the stream: which actions are evidence, and the arithmetic at the action where a rule fired.

use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::shown;
use crate::base::text;
use crate::model::action::ActionIx;
use crate::tui::screens::stream::rows::SubRow;
use crate::tui::session::Opened;
use crate::tui::widgets::tone::Tone;

/// The line below an action at which a rule went off.
pub(super) fn below(opened: &Opened, ix: ActionIx) -> Option<SubRow> {
    let seen = opened.alerts.as_deref()?;
    let (_, hit) = seen.fired_at(ix)?;
    let title = shown::title(seen.rules(), (hit.rule, hit.detector));
    let words = format!("↻ {} {title}: {}", hit.level.word(), hit.arithmetic());
    Some(SubRow {
        tone: match hit.level {
            Level::Trip => Tone::Bad,
            Level::Warn => Tone::Waiting,
            Level::Info => Tone::Faint,
        },
        text: text::sanitize(&words).into_owned(),
    })
}

/// Whether an action is evidence of some alert.
pub(super) fn is_evidence(opened: &Opened, ix: ActionIx) -> bool {
    opened
        .alerts
        .as_deref()
        .is_some_and(|it| it.is_evidence(ix))
}
