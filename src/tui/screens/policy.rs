//! The policy: what rules would have done to the recorded calls, which rules decide how many, and what is wrong with
//! them. Every figure leads to its calls.

mod layout;
mod lists;
mod moves;
mod suggested;
mod tasks;
mod view;

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::analysis::policy::overlay::Overlay;
use crate::base::text::sanitize;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::policing::{Judged, Judging};
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::policy::layout::Regions;
use crate::tui::screens::policy::lists::{CallText, Lists, RuleText};
use crate::tui::screens::policy::suggested::Suggested;
use crate::tui::screens::policy::tasks::Judge;
use crate::tui::session::{News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::{Extent, Viewport, WHEEL};

#[derive(Debug, Default)]
pub struct Policy {
    asking: Asking,
    /// Compared with another policy, instead of with what was recorded.
    compared: Option<Arc<Overlay>>,
    lists: Lists,
    focus: Focus,
    rules: Viewport,
    calls: Viewport,
    input: Input,
    suggested: Suggested,
    frame: Frame,
}

/// What was asked for, and why there is nothing.
#[derive(Debug, Default)]
struct Asking {
    is_running: bool,
    /// Read the policies again.
    again: bool,
    other: Option<PathBuf>,
    /// While a newly named policy is not known to be readable: what was named before it.
    named: Option<Before>,
    problem: Option<String>,
}

/// The policy named before another; none if those in force were used.
#[derive(Debug)]
struct Before(Option<PathBuf>);

/// The part of the screen that the keys move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Focus {
    Table,
    #[default]
    Rules,
    Calls,
}

/// What takes the next key.
#[derive(Debug, Default)]
enum Input {
    #[default]
    Nothing,
    /// `x` was pressed: the next key picks what to export.
    Exporting,
    /// The path of a policy.
    Path(Wanted, Prompt),
}

/// What the policy at a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The calls are judged by it.
    Judge,
    /// It is compared with.
    Other,
}

/// What the last `prepare` settled: all that drawing needs to know.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    crumbs: Vec<String>,
    amount: String,
    /// The policies, and what their figures come to.
    files: String,
    sums: String,
    table: lists::Grid,
    notes: Vec<String>,
    rules: Vec<RuleText>,
    calls_title: String,
    calls: Vec<CallText>,
    empty: Vec<String>,
}

/// The most lines next to the rows of the table.
const NOTES: usize = 4;

impl Screen for Policy {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        match &self.input {
            Input::Nothing => None,
            Input::Exporting => Some(self.export(key, session)),
            Input::Path(..) => Some(self.type_path(key, session)),
        }
    }

    fn pasted(&mut self, text: &str, _: &mut Session) -> Vec<Effect> {
        if let Input::Path(_, prompt) = &mut self.input {
            prompt.paste(text);
        }
        Vec::new()
    }

    fn entered(&mut self, _: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn share_selection(&self, session: &mut Session) {
        let chosen = self.selected_call().filter(|_| self.focus == Focus::Calls);
        let is_there = |ix: &crate::model::action::ActionIx| ix.0 < session.loaded.store.len();
        if let Some(action) = chosen.filter(is_there) {
            session.here.action = Some(action);
            session.here.run = Some(session.loaded.store.row(action).run_ix());
        }
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        self.obey(command, session)
    }

    fn run_with(
        &mut self,
        command: Command,
        argument: &str,
        session: &mut Session,
    ) -> Result<Vec<Effect>, String> {
        match command {
            Command::ComparePolicies => self.compare(argument),
            Command::UsePolicy if !argument.trim().is_empty() => self.judge_by(argument, session),
            _ => return Ok(self.update(command, session)),
        }
        Ok(Vec::new())
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        let regions = self.frame.regions;
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up)),
            Pointer::WheelDown { .. } => (0..WHEEL).for_each(|_| self.step(Command::Down)),
            Pointer::Click { x, y } if regions.rules.contains(Position { x, y }) => {
                self.focus = Focus::Rules;
                let at = self.rules.top() + usize::from(y - regions.rules.y);
                self.choose_rule(at);
            }
            Pointer::Click { x, y } if regions.calls.contains(Position { x, y }) => {
                let at = self.calls.top() + usize::from(y - regions.calls.y);
                if self.focus == Focus::Calls && at == self.calls.cursor {
                    return self.open(session);
                }
                self.focus = Focus::Calls;
                self.calls.cursor = at.min(self.lists.calls.len().saturating_sub(1));
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn loaded(&mut self, _: &News, _: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        let asked = self.ask(session);
        let overlay = self.overlay(session);
        if self.lists.update(overlay.as_ref()) {
            self.rules.cursor = self
                .rules
                .cursor
                .min(self.lists.rules.len().saturating_sub(1));
            self.find_calls();
        }
        let grid = overlay.as_deref().map(lists::grid).unwrap_or_default();
        let notes = overlay.as_deref().map(lists::notes).unwrap_or_default();
        let beside = notes.len().saturating_sub(1).min(NOTES);
        self.frame.regions = Regions::new(area, grid.rows.len().max(beside));
        self.frame.notes = notes;
        self.frame.table = grid;
        for (view, len, rows) in [
            (
                &mut self.rules,
                self.lists.rules.len(),
                self.frame.regions.rules,
            ),
            (
                &mut self.calls,
                self.lists.calls.len(),
                self.frame.regions.calls,
            ),
        ] {
            view.settle(&Extent {
                len,
                rows: usize::from(rows.height),
                height: &|_| 1,
            });
        }
        self.suggested.prepare(self.frame.regions.whole());
        self.fill_frame(overlay.as_deref(), session);
        asked
    }

    fn headline(&self) -> Headline<'_> {
        Headline {
            crumbs: &self.frame.crumbs,
            amount: "",
        }
    }

    fn draw(&self, theme: &Theme, _area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, buf);
    }
}

impl Policy {
    fn overlay(&self, session: &Session) -> Option<Arc<Overlay>> {
        let own = self.compared.as_ref();
        own.or(session.policing.overlay.as_ref()).map(Arc::clone)
    }

    /// Asks for what is not judged yet; policies are read when the view is opened first.
    fn ask(&mut self, session: &Session) -> Vec<Effect> {
        if self.asking.is_running || session.is_loading() {
            return Vec::new();
        }
        let store = &session.loaded.store;
        let is_compared = self
            .compared
            .as_ref()
            .is_some_and(|it| it.len == store.len());
        let judging = match &self.asking {
            Asking {
                again: true, other, ..
            } => Some(Judging::again(session, other.clone())),
            Asking {
                problem: Some(_), ..
            } => None,
            Asking {
                other: Some(other), ..
            } => (!is_compared).then(|| Judging::again(session, Some(other.clone()))),
            Asking { .. } => Judging::wanted(session),
        };
        let Some(judging) = judging else {
            return Vec::new();
        };
        (self.asking.is_running, self.asking.again) = (true, false);
        vec![Effect::start(Judge(judging))]
    }

    fn take(&mut self, judged: Judged, session: &mut Session) {
        self.asking.is_running = false;
        match judged {
            Ok(overlay) if overlay.other.is_some() => self.compared = Some(overlay),
            Ok(overlay) => {
                self.asking.named = None;
                session.take_overlay(overlay);
            }
            // If only the other policy cannot be read, the first one stays on the screen.
            Err(words) if self.asking.other.take().is_some() => session.fail(&words),
            Err(words) => match self.asking.named.take() {
                Some(Before(before)) => {
                    session.policing.named = before;
                    session.fail(&words);
                }
                None => self.asking.problem = Some(words),
            },
        }
    }

    /// Judges by the policy at a path instead of the one before.
    fn judge_by(&mut self, path: &str, session: &mut Session) {
        let named = PathBuf::from(path.trim());
        let before = session.policing.named.replace(named);
        self.compared = None;
        self.asking = Asking {
            again: true,
            named: Some(Before(before)),
            ..Asking::default()
        };
    }

    /// Compares with the policy at a path; with what was recorded if there is none.
    fn compare(&mut self, path: &str) {
        let path = path.trim();
        self.asking.other = (!path.is_empty()).then(|| PathBuf::from(path));
        self.asking.again = self.asking.other.is_some();
        if path.is_empty() {
            self.compared = None;
        }
    }

    fn fill_frame(&mut self, overlay: Option<&Overlay>, session: &mut Session) {
        self.frame.crumbs = lists::crumbs(overlay);
        self.frame.amount = overlay.map(lists::amount).unwrap_or_default();
        self.frame.files = overlay.map(lists::files).unwrap_or_default();
        self.frame.sums = overlay.map(lists::sums).unwrap_or_default();
        self.frame.empty = self.empty(overlay, session);
        let (rules, calls) = (self.frame.regions.rules, self.frame.regions.calls);
        self.frame.rules.clear();
        self.frame.calls.clear();
        let Some(overlay) = overlay else {
            self.frame.calls_title.clear();
            return;
        };
        let shown = self.lists.rules.iter().enumerate();
        let shown = shown.skip(self.rules.top()).take(rules.height.into());
        self.frame.rules = shown
            .map(|(at, rule)| {
                let is_selected = at == self.rules.cursor && self.focus != Focus::Table;
                self.lists.rule(overlay, *rule, is_selected)
            })
            .collect();
        self.frame.calls_title = self.lists.title(overlay);
        let shown = self.lists.calls.iter().enumerate();
        let shown = shown.skip(self.calls.top()).take(calls.height.into());
        for (at, ix) in shown {
            let mut text = lists::call(overlay, *ix, &mut session.loaded);
            text.is_selected = at == self.calls.cursor && self.focus == Focus::Calls;
            self.frame.calls.push(text);
        }
    }

    fn empty(&self, overlay: Option<&Overlay>, session: &Session) -> Vec<String> {
        if overlay.is_some() {
            return Vec::new();
        }
        let words = match &self.asking.problem {
            Some(problem) => {
                let problem = problem.lines().map(|line| sanitize(line).into_owned());
                let key = session.keymap.key(Command::UsePolicy);
                let way = key.map(|key| {
                    format!("{key} reads one from a file or a folder, as --policy FILE does")
                });
                return problem.chain(way).collect();
            }
            None if session.is_loading() => session.loading_words(),
            None => "judging…".to_owned(),
        };
        vec![words]
    }
}

#[cfg(test)]
mod tests;
