//! Tool calls waiting for approval: what would run, which rule asks and why, and the user's answer.
//!
//! A question can be answered only when it covers the screen and has been there for a moment, so that neither keys
//! typed earlier nor pasted text answer it.

mod contents;
mod layout;
mod moves;
mod view;

#[cfg(test)]
mod tests;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::act::ask::{Standing, State};
use crate::act::events::ApprovalRequest;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::asks::contents::{Line, Listed};
use crate::tui::screens::asks::layout::Regions;
use crate::tui::session::Session;
use crate::tui::theme::Theme;
use crate::tui::widgets::popup;
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::{Extent, Viewport, WHEEL};

#[derive(Debug, Default)]
pub struct AsksView {
    list: Viewport,
    /// The selected question, which stays selected as others come and go.
    chosen: Option<String>,
    looking: Option<Looking>,
    frame: Frame,
}

/// A question that covers the screen.
#[derive(Debug)]
struct Looking {
    id: String,
    scroll: usize,
    /// When it was first drawn; earlier keys were not meant for it.
    drawn: Option<i64>,
    /// The answer being given, and its reason so far.
    answering: Option<(State, Prompt)>,
}

/// The result of the last `prepare`.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    crumbs: Vec<String>,
    amount: String,
    rows: Vec<Listed>,
    /// The text of the selected question.
    about: Vec<Line>,
    /// The visible rows of the question that covers the screen, and how many it has in all.
    question: Vec<Line>,
    question_len: usize,
    title: String,
    foot: String,
    is_ready: bool,
}

/// How long a question must have been on the screen before a key can answer it, in microseconds.
const GUARD: i64 = 500_000;

impl AsksView {
    fn selected<'a>(&self, session: &'a Session) -> Option<&'a ApprovalRequest> {
        session.asks.all().get(self.list.cursor)
    }

    /// Whether a key may answer the question on the screen.
    fn is_ready(&self, now: i64) -> bool {
        let drawn = self.looking.as_ref().and_then(|it| it.drawn);
        drawn.is_some_and(|drawn| now.saturating_sub(drawn) >= GUARD)
    }

    fn settle(&mut self, session: &Session) {
        let all = session.asks.all();
        let place = self.chosen.as_ref();
        let place = place.and_then(|id| all.iter().position(|it| it.ask.id == *id));
        if let Some(place) = place {
            self.list.cursor = place;
        }
        self.list.settle(&Extent {
            len: all.len(),
            rows: usize::from(self.frame.regions.list.height),
            height: &|_| 1,
        });
        self.chosen = self.selected(session).map(|it| it.ask.id.clone());
        let is_known = |it: &Looking| session.asks.get(&it.id).is_some();
        self.looking = self.looking.take().filter(is_known);
    }

    fn fill(&mut self, session: &mut Session) {
        let now = session.clock.now();
        let frame = &mut self.frame;
        let waiting = session.asks.open();
        frame.crumbs = vec!["asks".to_owned()];
        frame.amount = match waiting {
            0 => String::new(),
            waiting => format!("{waiting} waiting"),
        };
        let shown = session.asks.all().iter().enumerate();
        let shown = shown
            .skip(self.list.top())
            .take(usize::from(frame.regions.list.height));
        let cursor = self.list.cursor;
        frame.rows = shown
            .map(|(at, asked)| contents::listed(asked, at == cursor, (now, &session.zone)))
            .collect();
        let selected = session.asks.all().get(cursor).cloned();
        let width = usize::from(frame.regions.about.width).saturating_sub(2);
        frame.about = match &selected {
            Some(asked) => {
                let ran = contents::run(&asked.ask, &mut session.loaded);
                contents::about(asked, &ran, width)
            }
            None => Vec::new(),
        };
    }

    /// Fills in the question that covers the screen.
    fn fill_question(&mut self, area: Rect, session: &mut Session) {
        let now = session.clock.now();
        let is_ready = self.is_ready(now);
        let Some(looking) = &mut self.looking else {
            return;
        };
        let Some(asked) = session.asks.get(&looking.id).cloned() else {
            return;
        };
        looking.drawn.get_or_insert(now);
        let inside = popup::inside(area);
        let width = usize::from(inside.width).saturating_sub(2);
        let rows = usize::from(inside.height.saturating_sub(1));
        let ran = contents::run(&asked.ask, &mut session.loaded);
        let lines = contents::about(&asked, &ran, width);
        looking.scroll = looking.scroll.min(lines.len().saturating_sub(rows));
        let frame = &mut self.frame;
        // It covers the whole screen, so that the user answers the question they have read.
        frame.regions.question = area;
        frame.question_len = lines.len();
        frame.title = contents::title(&asked);
        let end = (looking.scroll + rows).min(lines.len());
        frame.foot = if lines.len() > rows {
            format!("{}–{end} of {}", looking.scroll + 1, lines.len())
        } else {
            contents::left(&asked, now)
        };
        frame.question = lines.into_iter().skip(looking.scroll).take(rows).collect();
        frame.is_ready = is_ready && asked.standing == Standing::Open;
    }
}

impl Screen for AsksView {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        self.type_reason(key, session)
    }

    /// Pasted text can be a reason, never an answer.
    fn pasted(&mut self, text: &str, _: &mut Session) -> Vec<Effect> {
        let answering = self.looking.as_mut().and_then(|it| it.answering.as_mut());
        if let Some((_, prompt)) = answering {
            prompt.paste(text);
        }
        Vec::new()
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        self.obey(command, session)
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up, session)),
            Pointer::WheelDown { .. } => {
                (0..WHEEL).for_each(|_| self.step(Command::Down, session));
            }
            Pointer::Click { x, y } if self.looking.is_none() => {
                let list = self.frame.regions.list;
                if list.contains(Position { x, y }) {
                    let at = self.list.top() + usize::from(y - list.y);
                    self.choose(at, session);
                }
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        self.frame.regions = Regions::new(area, session.asks.all().len());
        self.settle(session);
        self.fill(session);
        self.fill_question(area, session);
        Vec::new()
    }

    /// The clocks tick, and a question becomes ready for an answer.
    fn stays(&self) -> Option<Duration> {
        if self.looking.is_some() && !self.frame.is_ready {
            return Some(Duration::from_millis(100));
        }
        (!self.frame.rows.is_empty()).then_some(Duration::from_secs(1))
    }

    fn headline(&self) -> Headline<'_> {
        Headline {
            crumbs: &self.frame.crumbs,
            amount: &self.frame.amount,
        }
    }

    fn draw(&self, theme: &Theme, _area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, buf);
    }
}
