//! What the keys of the policy do.

use crate::export::json::{self, Escapes};
use crate::export::policy::{self as export, Document};
use crate::model::action::ActionIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screens::export::{Form, How};
use crate::tui::screens::policy::lists::Chosen;
use crate::tui::screens::policy::tasks::Suggest;
use crate::tui::screens::policy::{Focus, Input, Policy, Wanted};
use crate::tui::session::{Here, Session};
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::{Viewport, stepped};

impl Policy {
    pub(super) fn obey(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Open if self.focus == Focus::Calls => return self.open(session),
            Command::Open => self.focus = Focus::Calls,
            Command::WhatIf => return self.to_stream(session),
            Command::NextPart => self.turn(1),
            Command::PrevPart => self.turn(2),
            Command::UsePolicy => self.input = Input::Path(Wanted::Judge, Prompt::default()),
            Command::ComparePolicies => self.input = Input::Path(Wanted::Other, Prompt::default()),
            Command::Suggest => return self.suggest(session),
            Command::Reload => {
                self.asking.again = true;
                self.asking.problem = None;
            }
            Command::CopyRule => return self.copy_rule(session),
            Command::Export => {
                if self.overlay(session).is_some() {
                    self.input = Input::Exporting;
                }
            }
            Command::Cancel | Command::Back if self.suggested.is_open() => self.suggested.close(),
            Command::Cancel | Command::Back if self.focus == Focus::Calls => {
                self.focus = Focus::Rules;
                self.find_calls();
            }
            Command::Cancel if self.compared.is_some() => self.compare(""),
            Command::Cancel | Command::Back => return vec![Effect::Pop],
            _ => self.step(command),
        }
        Vec::new()
    }

    pub(super) fn step(&mut self, command: Command) {
        if self.suggested.is_open() {
            return self.suggested.step(command);
        }
        let rows = |area: ratatui::layout::Rect| usize::from(area.height);
        let regions = &self.frame.regions;
        match self.focus {
            Focus::Table => {
                let len = self.lists.cells.len();
                if let Some(to) = stepped(command, self.lists.cell, (len, 1)) {
                    self.lists.cell = to;
                    self.find_calls();
                }
            }
            Focus::Rules => {
                let size = (self.lists.rules.len(), rows(regions.rules));
                if let Some(to) = stepped(command, self.rules.cursor, size) {
                    self.choose_rule(to);
                }
            }
            Focus::Calls => {
                let size = (self.lists.calls.len(), rows(regions.calls));
                if let Some(to) = stepped(command, self.calls.cursor, size) {
                    self.calls.cursor = to;
                }
            }
        }
    }

    pub(super) fn choose_rule(&mut self, at: usize) {
        self.rules.cursor = at.min(self.lists.rules.len().saturating_sub(1));
        self.find_calls();
    }

    /// Lists the calls of the cell or the rule that is selected.
    pub(super) fn find_calls(&mut self) {
        let chosen = match self.focus {
            Focus::Table => {
                let cell = self.lists.cells.get(self.lists.cell).copied();
                cell.map(|(was, now)| Chosen::Cell(was, now))
            }
            Focus::Rules | Focus::Calls => {
                let rule = self.lists.rules.get(self.rules.cursor).copied();
                rule.map(Chosen::Rule)
            }
        };
        if let Some(chosen) = chosen {
            self.lists.choose(chosen);
        }
        self.calls = Viewport::default();
    }

    fn turn(&mut self, steps: usize) {
        const PARTS: &[Focus] = &[Focus::Table, Focus::Rules, Focus::Calls];
        let at = PARTS.iter().position(|it| *it == self.focus).unwrap_or(0);
        self.focus = PARTS[(at + steps) % PARTS.len()];
        // Where the table is one line, there is nothing to select in it.
        if self.focus == Focus::Table && self.frame.regions.table.height == 0 {
            self.focus = PARTS[(at + 2 * steps) % PARTS.len()];
        }
        if self.focus != Focus::Calls {
            self.find_calls();
        }
    }

    pub(super) fn selected_call(&self) -> Option<ActionIx> {
        self.lists.calls.get(self.calls.cursor).copied()
    }

    /// Shows the selected call in the stream.
    pub(super) fn open(&self, session: &Session) -> Vec<Effect> {
        let store = &session.loaded.store;
        let is_there = |ix: &ActionIx| (store.first()..store.len()).contains(&ix.0);
        let Some(action) = self.selected_call().filter(is_there) else {
            return Vec::new();
        };
        let here = Here {
            action: Some(action),
            run: Some(store.row(action).run_ix()),
            ..session.here
        };
        vec![Effect::Visit(ScreenId::Stream, here)]
    }

    /// Overlays the policy on the stream, and shows the stream.
    fn to_stream(&self, session: &mut Session) -> Vec<Effect> {
        session.policing.is_laid = true;
        session.lay_overlay();
        let own = self.open(session);
        if own.is_empty() {
            return vec![Effect::Visit(ScreenId::Stream, session.here)];
        }
        own
    }

    fn suggest(&mut self, session: &Session) -> Vec<Effect> {
        if self.suggested.is_open() {
            self.suggested.close();
            return Vec::new();
        }
        self.suggested.open();
        vec![Effect::start(Suggest {
            store: session.loaded.store.clone(),
            place: session.setup.policies.place.clone(),
        })]
    }

    fn copy_rule(&self, session: &mut Session) -> Vec<Effect> {
        let overlay = self.overlay(session);
        let chosen = self.lists.rules.get(self.rules.cursor).copied().flatten();
        let rule = overlay
            .as_ref()
            .zip(chosen)
            .and_then(|(overlay, ix)| overlay.policies.set.rule(ix));
        let Some(rule) = rule else {
            session.say("no rule is selected");
            return Vec::new();
        };
        session.say("copied the rule");
        vec![Effect::Copy(rule.name.clone().into())]
    }

    /// The key after `x`.
    pub(super) fn export(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        self.input = Input::Nothing;
        let Some((overlay, how)) = self.overlay(session).zip(How::of(key)) else {
            return Vec::new();
        };
        let document = Document {
            store: &session.loaded.store,
            files: &overlay.policies.files,
            set: &overlay.policies.set,
            other: overlay.other.as_ref().map(|it| &it.set),
            report: &overlay.report,
        };
        let text = match how.form() {
            Form::Markdown => export::markdown(&document),
            Form::Json => json::text(&json::policy::report(&document), Escapes::Unsafe),
        };
        vec![how.hand(text.into(), session)]
    }

    /// A key for the path of a policy.
    pub(super) fn type_path(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        let Input::Path(wanted, prompt) = &mut self.input else {
            return Vec::new();
        };
        match key.code {
            Code::Enter => {
                let (wanted, path) = (*wanted, prompt.text().to_owned());
                self.input = Input::Nothing;
                match wanted {
                    Wanted::Judge if path.trim().is_empty() => {}
                    Wanted::Judge => self.judge_by(&path, session),
                    Wanted::Other => self.compare(&path),
                }
            }
            Code::Esc => self.input = Input::Nothing,
            _ => {
                prompt.edit(key);
            }
        }
        Vec::new()
    }
}
