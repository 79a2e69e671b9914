//! The message when a jump finds nothing: no further one, or none at all.

use crate::base::human;
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::jumps::{self, Direction, Known, Target};
use crate::tui::session::Session;

type Jump = (Target, Direction);

impl Stream {
    pub(super) fn say_nothing(&mut self, jump: Jump, session: &Session) {
        if self.end.is_some() {
            self.say_while_reading(in_end(jump, &session.loading_words()));
        } else if session.is_loading() {
            self.say_while_reading(further(jump, true));
        } else if self.has_none(jump.0, session) {
            self.say(format!("no {} {}", plural(jump.0), self.place(session)));
        } else {
            self.say(further(jump, false));
        }
    }

    /// Whether nothing of the kind is listed, not even here.
    fn has_none(&self, target: Target, session: &Session) -> bool {
        // The others depend on the row they start from.
        if !matches!(
            target,
            Target::Error | Target::Block | Target::Slow | Target::Hit | Target::Evidence
        ) {
            return false;
        }
        let known = Known {
            slow: &self.overview.survey.slow,
            hits: &self.finder.hits,
            evidence: &session.alerting.walk,
            overlay: session.loaded.overlay.as_deref(),
        };
        let (store, listing) = (&session.loaded.store, &self.list.listing);
        let last = listing.len().saturating_sub(1);
        let find = |from, direction| jumps::find(store, listing, from, (target, direction, known));
        find(0, Direction::Forward).is_none() && find(last, Direction::Backward).is_none()
    }

    /// Which actions were looked at.
    fn place(&self, session: &Session) -> String {
        let runs = session.loaded.store.runs().len();
        if self.is_narrowed() {
            "among the actions listed".to_owned()
        } else if runs > 1 && self.query.narrow.run().is_none() {
            format!("in these {} runs", human::count(runs as u64))
        } else {
            "in this run".to_owned()
        }
    }
}

fn singular(target: Target) -> &'static str {
    match target {
        Target::Error => "error",
        Target::Block => "block or approval",
        Target::Turn => "turn",
        Target::SameTool => "call of this tool",
        Target::SameAgent => "action of this agent",
        Target::Slow => "slow action",
        Target::Hit => "match",
        Target::Evidence => "action of this alert",
    }
}

fn plural(target: Target) -> &'static str {
    match target {
        Target::Error => "errors",
        Target::Block => "blocks or approvals",
        Target::Turn => "turns",
        Target::SameTool => "calls of this tool",
        Target::SameAgent => "actions of this agent",
        Target::Slow => "slow actions",
        Target::Hit => "matches",
        Target::Evidence => "actions of this alert",
    }
}

/// Rows before the previewed end are not known yet; there are none after it.
fn in_end((target, direction): Jump, loading: &str) -> String {
    match direction {
        Direction::Forward => format!("no further {}", singular(target)),
        Direction::Backward => {
            format!("none in the part of the file read so far · {loading}")
        }
    }
}

fn further((target, direction): Jump, is_loading: bool) -> String {
    let what = singular(target);
    match direction {
        Direction::Forward if is_loading => format!("no further {what} so far · still indexing"),
        Direction::Forward => format!("no further {what}"),
        Direction::Backward => format!("no earlier {what}"),
    }
}
