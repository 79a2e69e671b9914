//! Insights: the most important one below the list, all of them in a menu,
//! and the way to the evidence of each.

use std::sync::Arc;

use crate::analysis::insights::equal_calls::EqualCalls;
use crate::analysis::insights::{Insight, Weight};
use crate::base::{human, text};
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Keymap};
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::menu::{Choice, Item, Menu};
use crate::tui::screens::stream::tasks::Notice;
use crate::tui::session::Session;
use crate::tui::widgets::tone::Tone;

/// The answer of a look at a store.
#[derive(Debug, Default)]
pub struct Findings {
    pub insights: Vec<Insight>,
    pub calls: Arc<EqualCalls>,
}

#[derive(Debug, Default)]
pub struct Insights {
    findings: Findings,
    /// Counts changes, and the count at the last look.
    version: u64,
    seen: Option<Revision>,
    /// The number of actions at the last look.
    known: u32,
    /// Actions processed by the current look.
    running: Option<u32>,
}

/// What a look was at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Revision {
    version: u64,
    /// The run that the list is restricted to.
    run: Option<RunIx>,
}

/// Up to this many actions are looked at after every change.
const ALWAYS: u64 = 5_000;

impl Insights {
    pub fn outdate(&mut self) {
        self.version += 1;
    }

    /// Looks again after changes, but not while loading.
    fn wanted(&mut self, run: Option<RunIx>, session: &Session) -> Option<Notice> {
        let version = self.version;
        let is_old = self.seen != Some(Revision { version, run });
        // Calls need not be opened again to look at other runs.
        let is_same = |seen: &Revision| seen.version == version;
        let calls = self.seen.filter(is_same);
        let calls = calls.map(|_| Arc::clone(&self.findings.calls));
        let store = &session.loaded.store;
        // A look opens every call, so a growing trace is looked at again after growing by a quarter.
        let (len, known) = (u64::from(store.len()), u64::from(self.known));
        let is_worth_it = len <= ALWAYS || len * 4 >= known * 5 || calls.is_some();
        let is_idle = self.running.is_none() && !session.is_loading();
        if !is_old || !is_idle || !is_worth_it || store.is_empty() {
            return None;
        }
        self.known = store.len();
        (self.running, self.seen) = (Some(0), Some(Revision { version, run }));
        Some(Notice {
            store: store.clone(),
            run,
            calls,
            is_growing: session.is_growing(),
        })
    }

    pub fn noticing(&mut self, tested: u32) {
        self.running = self.running.map(|_| tested);
    }

    pub fn noticed(&mut self, findings: Findings) {
        (self.running, self.findings) = (None, findings);
    }

    /// The task ended without an answer.
    pub fn give_up(&mut self) {
        self.running = None;
    }

    /// Occurrence number among calls with the same arguments; `None` for the first.
    pub fn nth(&self, ix: ActionIx) -> Option<u32> {
        self.findings.calls.occurrence(ix)
    }

    /// The most important insight about the listed actions, and how many more there are; sanitised.
    pub fn first(
        &self,
        keymap: &Keymap,
        is_shown: impl Fn(ActionIx) -> bool,
    ) -> Option<(Tone, String)> {
        let is_about = |insight: &&Insight| insight.evidence.iter().any(|ix| is_shown(*ix));
        let mut about = self.findings.insights.iter().filter(is_about);
        let first = about.next()?;
        let words = text::sanitize(&first.words).into_owned();
        let others = about.count();
        let more = match others {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let key = keymap.key(Command::Noticed);
        let key = key.unwrap_or_else(|| ":noticed".to_owned());
        Some((
            tone(first.weight),
            format!("{words} · {key} shows it{more}"),
        ))
    }
}

fn tone(weight: Weight) -> Tone {
    match weight {
        Weight::Bad => Tone::Bad,
        Weight::Warning => Tone::Waiting,
        Weight::Note => Tone::Plain,
    }
}

impl Stream {
    /// Starts a look for insights where one is due.
    pub(super) fn look_around(&mut self, session: &Session) -> Vec<Effect> {
        let run = self.query.narrow.run();
        let wanted = self.noticed.wanted(run, session);
        wanted.map(Effect::start).into_iter().collect()
    }

    pub(super) fn open_noticed(&mut self, session: &Session) {
        let insights = &self.noticed.findings.insights;
        let mark = |weight| match weight {
            Weight::Bad => "!!",
            Weight::Warning => "! ",
            Weight::Note => "- ",
        };
        let mut items: Vec<Item> = insights
            .iter()
            .map(|insight| Item {
                tone: tone(insight.weight),
                words: format!(
                    "{} {}",
                    mark(insight.weight),
                    text::sanitize(&insight.words)
                ),
                choice: Choice::Evidence(insight.words.clone(), insight.evidence.clone()),
            })
            .collect();
        if items.is_empty() || self.noticed.running.is_some() {
            items.push(Item {
                tone: Tone::Faint,
                words: self.state_in_words(session),
                choice: Choice::Nothing,
            });
        }
        self.input.menu = Some(Menu {
            title: match self.query.narrow.run() {
                Some(_) => "insights about this run",
                None => "insights",
            },
            foot: "enter shows the evidence, then n and N · esc closes",
            items,
            cursor: 0,
        });
    }

    fn state_in_words(&self, session: &Session) -> String {
        let len = u64::from(session.loaded.store.len()).max(1);
        match self.noticed.running {
            Some(tested) => {
                let percent = u64::from(tested) * 100 / len;
                format!("looking at {} actions · {percent} %", human::count(len))
            }
            None if session.is_loading() => {
                "still indexing: insights appear when loading is done".to_owned()
            }
            None => "no insights".to_owned(),
        }
    }
}
