//! What the keys of the alerts view do.

use std::path::Path;

use crate::act::viewer::Viewer;
use crate::analysis::alerts::rules::BUILT_IN;
use crate::analysis::alerts::state::{AlertRecord, Mark};
use crate::analysis::process;
use crate::tui::alerting;
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screens::alerts::rows::Item;
use crate::tui::screens::alerts::stop::{Dialog, Typed};
use crate::tui::screens::alerts::tasks::{End, Find, Release, SaveMark};
use crate::tui::screens::alerts::{Alerts, Below, Input};
use crate::tui::session::{Here, Session};
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::stepped;

/// The second keys of a snooze, with durations in seconds.
pub(super) const SNOOZES: &[(char, i64, &str)] = &[
    ('1', 3_600, "1 hour"),
    ('4', 4 * 3_600, "4 hours"),
    ('d', 24 * 3_600, "1 day"),
    ('n', 0, "not at all"),
];

impl Alerts {
    pub(super) fn obey(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Open => return self.open(session),
            Command::Filter => self.sifted.bar.open(),
            Command::SortAlerts => self.begin_sort(),
            Command::Ack => return self.ack(session),
            Command::Snooze => {
                if self.alert(session).is_some() {
                    self.input = Input::Snoozing;
                }
            }
            Command::WouldHave => self.show_test(session),
            Command::AlertHistory if self.alert(session).is_some() => {
                self.below = match self.below {
                    Below::WouldHave => Below::Happened,
                    Below::Happened => Below::WouldHave,
                }
            }
            Command::AlertHistory => {}
            Command::EditRule => return self.edit(session),
            Command::StopRun => return self.begin_stop(session),
            Command::Release => return self.release(session),
            Command::ReloadRules => return self.reload(session),
            Command::Export => {
                if session.alerting.seen.is_some() {
                    self.input = Input::Exporting;
                }
            }
            Command::NextAlert => self.step(Command::Down),
            Command::PrevAlert => self.step(Command::Up),
            Command::Cancel if !self.sifted.bar.text.is_empty() => {
                self.sifted.bar.set("");
                self.apply_filter();
            }
            Command::Cancel | Command::Back => return vec![Effect::Pop],
            _ => self.step(command),
        }
        Vec::new()
    }

    pub(super) fn step(&mut self, command: Command) {
        let size = (
            self.items.len(),
            usize::from(self.frame.regions.list.height),
        );
        if let Some(to) = stepped(command, self.list.cursor, size) {
            self.choose(to);
        }
    }

    pub(super) fn choose(&mut self, at: usize) {
        self.list.cursor = at.min(self.items.len().saturating_sub(1));
        // The list is rebuilt with the selection at this place.
        self.anchor = None;
        self.is_stale = true;
    }

    /// The selected alert: its place among the alerts, its key, and its stored state.
    fn alert(&self, session: &mut Session) -> Option<(usize, String, AlertRecord)> {
        let found = session.alerting.seen.as_ref().and_then(|seen| {
            let Some(Item::Alert(at)) = self.selected() else {
                return None;
            };
            let alert = seen.alerts().get(*at)?;
            let kept = seen.kept(alert).cloned().unwrap_or_default();
            Some((*at, seen.key(alert), kept))
        });
        if found.is_none() {
            session.hint(match self.selected() {
                Some(Item::Learning(_)) => {
                    "this rule still learns and has not fired here: there is no evidence yet"
                }
                Some(Item::Pending(_)) => "this rule has not fired here: there is no evidence yet",
                Some(Item::Alert(_)) | None => "no alert is selected",
            });
        }
        found
    }

    /// Shows what the rule would have stopped, or says that it is shown.
    fn show_test(&mut self, session: &mut Session) {
        if self.alert(session).is_none() {
            return;
        }
        if self.below == Below::WouldHave {
            session.hint(if self.frame.regions.history.height == 0 {
                "no room for what it would have stopped: enlarge the terminal"
            } else {
                "what it would have stopped is shown already"
            });
        }
        self.below = Below::WouldHave;
    }

    /// Shows the evidence in the stream, which steps through it.
    pub(super) fn open(&self, session: &mut Session) -> Vec<Effect> {
        let Some((at, ..)) = self.alert(session) else {
            return Vec::new();
        };
        let Some(seen) = session.alerting.seen.clone() else {
            return Vec::new();
        };
        let store = &session.loaded.store;
        let mut walk = seen.alerts()[at].evidence();
        walk.retain(|ix| (store.first()..store.len()).contains(&ix.0));
        let Some(first) = walk.first().copied() else {
            session.say("the evidence is no longer in memory");
            return Vec::new();
        };
        let here = Here {
            action: Some(first),
            run: Some(store.row(first).run_ix()),
            ..session.here
        };
        session.alerting.walk = walk;
        let keys = |command| session.keymap.keys(command).join(" ");
        let words = format!(
            "the evidence is marked ! · {} {} step through it, esc ends that",
            keys(Command::NextSame),
            keys(Command::PrevSame)
        );
        session.hint(&words);
        vec![Effect::Visit(ScreenId::Stream, here)]
    }

    /// Acknowledges the alert; asks for a name once.
    fn ack(&mut self, session: &mut Session) -> Vec<Effect> {
        let Some((_, key, kept)) = self.alert(session) else {
            return Vec::new();
        };
        if kept.machine.acked.is_some() {
            return put(session, (key, kept), Mark::Ack(None));
        }
        let Some(name) = session.alerting.name.clone() else {
            self.input = Input::Name(key, Prompt::default());
            return Vec::new();
        };
        put(session, (key, kept), Mark::Ack(Some(name)))
    }

    pub(super) fn type_name(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        let Input::Name(of, prompt) = &mut self.input else {
            return Vec::new();
        };
        match key.code {
            Code::Enter => {
                let (of, name) = (of.clone(), prompt.text().trim().to_owned());
                self.input = Input::Nothing;
                session.alerting.name = Some(name.clone());
                let selected = self.alert(session).filter(|(_, key, _)| *key == of);
                let Some((_, key, kept)) = selected else {
                    return Vec::new();
                };
                put(session, (key, kept), Mark::Ack(Some(name)))
            }
            Code::Esc => {
                self.input = Input::Nothing;
                Vec::new()
            }
            _ => {
                prompt.edit(key);
                Vec::new()
            }
        }
    }

    pub(super) fn snooze(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        self.input = Input::Nothing;
        let letter = key.char();
        let chosen = SNOOZES.iter().find(|(known, ..)| Some(*known) == letter);
        let Some(((_, lasts, words), (_, key, kept))) = chosen.zip(self.alert(session)) else {
            return Vec::new();
        };
        session.say(&format!("snoozed: {words}"));
        let until = session.clock.now().div_euclid(1_000_000) + lasts;
        put(session, (key, kept), Mark::Snooze(until))
    }

    /// Opens the rule file at the rule of the alert; the built-in rules are read-only.
    fn edit(&self, session: &mut Session) -> Vec<Effect> {
        let Some(seen) = session.alerting.seen.clone() else {
            return Vec::new();
        };
        let Some(path) = seen.in_force.path.as_deref() else {
            session
                .say("these rules are built in: save a copy as alerts.toml next to the settings");
            let text = BUILT_IN.to_owned().into();
            return vec![Effect::View {
                text,
                with: Viewer::Editor,
            }];
        };
        let rule = match self.selected() {
            Some(Item::Alert(at)) => seen.alerts().get(*at).map(|alert| alert.rule),
            Some(Item::Pending(it)) => Some(it.rule),
            Some(Item::Learning(at)) => seen.overlay.report.learning.get(*at).map(|it| it.rule),
            None => None,
        };
        let line = rule.map_or(1, |rule| seen.rules().rules[rule].line.max(1));
        vec![Effect::Edit {
            path: Path::new(path).to_owned(),
            line,
        }]
    }

    /// Rereads the rules.
    fn reload(&mut self, session: &mut Session) -> Vec<Effect> {
        session.alerting.seen = None;
        session.alerting.problem = None;
        session.loaded.alerts = None;
        self.has_failed = false;
        self.is_stale = true;
        self.look(session)
    }

    fn begin_stop(&mut self, session: &mut Session) -> Vec<Effect> {
        let Some((at, ..)) = self.alert(session) else {
            return Vec::new();
        };
        let Some(seen) = session.alerting.seen.clone() else {
            return Vec::new();
        };
        let run = seen.alerts()[at].run();
        let opened = &mut session.loaded;
        let Some(pid) = process::recorded(&opened.store, run, &mut opened.bodies) else {
            session.say("the trace of this run records no pid, so no process can be ended");
            return Vec::new();
        };
        let began = process::began(&session.loaded.store, run);
        let id = session.loaded.store.run(run).id.to_string();
        self.input = Input::Stopping(Box::new(Dialog::new(id, pid)));
        vec![Effect::start(Find { pid, began })]
    }

    pub(super) fn type_stop(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        let Input::Stopping(dialog) = &mut self.input else {
            return Vec::new();
        };
        match dialog.typed(key, session.clock.now()) {
            Typed::Nothing => Vec::new(),
            Typed::Close => {
                self.input = Input::Nothing;
                Vec::new()
            }
            Typed::Wrong => {
                session.hint("that is not the id of the run");
                Vec::new()
            }
            Typed::Confirm(target) => {
                self.input = Input::Nothing;
                vec![Effect::start(End { target })]
            }
        }
    }

    fn release(&self, session: &mut Session) -> Vec<Effect> {
        let Some((at, ..)) = self.alert(session) else {
            return Vec::new();
        };
        let run = session
            .alerting
            .seen
            .as_ref()
            .map(|seen| seen.alerts()[at].run());
        let run = run.map(|run| session.loaded.store.run(run).id.to_string());
        run.map(|run| Effect::start(Release { run }))
            .into_iter()
            .collect()
    }
}

/// Marks an alert: in the state file, or only for this session if there is none.
fn put(session: &mut Session, (key, kept): (String, AlertRecord), mark: Mark) -> Vec<Effect> {
    let seen = session.alerting.seen.as_ref();
    let states = seen.and_then(|it| alerting::states(&session.setup.alerts, &it.in_force));
    let Some(states) = states else {
        session.mark_alert(&key, mark);
        let looking = alerting::Looking::again(session);
        session.alerting.is_looking = true;
        return vec![Effect::start(super::tasks::Look(looking))];
    };
    vec![Effect::start(SaveMark {
        states,
        key,
        kept,
        mark,
    })]
}
