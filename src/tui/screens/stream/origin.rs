//! Where a value of the inspector came from.

use crate::analysis::origin::{MIN_LENGTH, Origin};
use crate::base::text;
use crate::model::action::ActionIx;
use crate::tui::effects::Effect;
use crate::tui::screen::id::ScreenId;
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::tasks::FindOrigin;
use crate::tui::session::{Here, Session};

impl Stream {
    /// Looks for the first earlier action that contains the value under the cursor.
    pub(super) fn ask_origin(&mut self, session: &Session) -> Vec<Effect> {
        let value = match self.inspector.yank('v') {
            Ok(value) => value,
            Err(why) => {
                self.say(why);
                return Vec::new();
            }
        };
        if value.trim().len() < MIN_LENGTH {
            self.say("this value is too short to trace");
            return Vec::new();
        }
        let subject = self.subject().filter(|subject| !subject.is_end);
        let Some(subject) = subject else {
            self.say("wait until loading is done");
            return Vec::new();
        };
        vec![Effect::start(FindOrigin {
            store: session.loaded.store.clone(),
            ix: subject.ix,
            value,
        })]
    }

    /// Goes there; `q` comes back.
    pub(super) fn go_to_origin(
        &mut self,
        of: ActionIx,
        found: Option<Origin>,
        session: &mut Session,
    ) -> Vec<Effect> {
        if self.subject().is_none_or(|subject| subject.ix != of) {
            return Vec::new();
        }
        let Some(origin) = found else {
            self.say("no earlier action of this run has this value");
            return Vec::new();
        };
        let row = session.loaded.store.row(origin.action);
        let what = match row.tool() {
            "" => row.kind().word(),
            tool => tool,
        };
        let words = format!(
            "first seen in #{} {}, in its {} (inferred from equal text) · [ goes back",
            row.seq(),
            text::sanitize(what),
            origin.found_in.word()
        );
        session.say(&words);
        vec![Effect::Visit(
            ScreenId::Stream,
            Here {
                action: Some(origin.action),
                ..session.here
            },
        )]
    }
}
