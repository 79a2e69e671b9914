//! What the keys of the asks view do.

use crate::act::ask::{Standing, State};
use crate::act::events::Answer;
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Command, Key};
use crate::tui::screens::asks::{AsksView, Looking, contents};
use crate::tui::session::Session;
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::stepped;

impl AsksView {
    pub(super) fn obey(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Open if self.looking.is_none() => self.look(session),
            Command::Approve => self.begin(State::Approved, session),
            Command::Deny => self.begin(State::Denied, session),
            Command::CopyAskRule => return self.copy_rule(session),
            Command::Cancel | Command::Back if self.looking.take().is_some() => {}
            Command::Cancel | Command::Back => return vec![Effect::Pop],
            _ => self.step(command, session),
        }
        Vec::new()
    }

    pub(super) fn step(&mut self, command: Command, session: &Session) {
        if let Some(looking) = &mut self.looking {
            let size = (self.frame.question_len, self.frame.question.len());
            if let Some(to) = stepped(command, looking.scroll, size) {
                looking.scroll = to;
            }
            return;
        }
        let rows = usize::from(self.frame.regions.list.height);
        let size = (session.asks.all().len(), rows);
        if let Some(to) = stepped(command, self.list.cursor, size) {
            self.choose(to, session);
        }
    }

    pub(super) fn choose(&mut self, at: usize, session: &Session) {
        let last = session.asks.all().len().saturating_sub(1);
        self.list.cursor = at.min(last);
        self.chosen = self.selected(session).map(|it| it.ask.id.clone());
    }

    /// Opens the selected question over the whole screen.
    fn look(&mut self, session: &mut Session) {
        match self.selected(session) {
            Some(asked) => {
                self.looking = Some(Looking {
                    id: asked.ask.id.clone(),
                    scroll: 0,
                    drawn: None,
                    answering: None,
                });
            }
            None => session.say("no tool call is waiting for approval"),
        }
    }

    /// Begins to answer; if no question is open, only opens it.
    fn begin(&mut self, state: State, session: &mut Session) {
        if self.looking.is_none() {
            return self.look(session);
        }
        let is_ready = self.is_ready(session.clock.now());
        let Some(looking) = &mut self.looking else {
            return;
        };
        let standing = session.asks.get(&looking.id).map(|it| it.standing);
        if standing != Some(Standing::Open) {
            session.fail("the agent is no longer waiting");
        } else if is_ready {
            looking.answering = Some((state, Prompt::default()));
        } else {
            session.hint("too soon: keys are accepted after half a second");
        }
    }

    /// Handles keys while a reason is being typed.
    pub(super) fn type_reason(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        let looking = self.looking.as_mut()?;
        let (state, prompt) = looking.answering.as_mut()?;
        match key.code {
            Code::Esc => {
                looking.answering = None;
                Some(Vec::new())
            }
            Code::Enter => {
                let reason = prompt.text().trim().to_owned();
                if *state == State::Denied && reason.is_empty() {
                    session.fail("a denial needs a reason: the agent sees it");
                    return Some(Vec::new());
                }
                let answer = Answer {
                    id: looking.id.clone(),
                    state: *state,
                    reason,
                };
                self.looking = None;
                Some(vec![Effect::Answer(answer)])
            }
            _ => {
                prompt.edit(key);
                Some(Vec::new())
            }
        }
    }

    fn copy_rule(&self, session: &mut Session) -> Vec<Effect> {
        let looked_at = self
            .looking
            .as_ref()
            .and_then(|it| session.asks.get(&it.id));
        let asked = looked_at.or_else(|| self.selected(session));
        let Some(rule) = asked.map(|it| contents::rule_for(&it.ask)) else {
            session.say("no tool call is waiting for approval");
            return Vec::new();
        };
        session.say("copied a rule for the policy file: check it before you use it");
        vec![Effect::Copy(rule.into())]
    }
}
