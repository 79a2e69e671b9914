//! The alerts: what the rules found in the open traces, why, the evidence, the cost, and what stopping the run would
//! have saved.

mod details;
mod export;
mod history;
mod layout;
mod moves;
mod rows;
mod sifted;
mod sorting;
mod stop;
mod tasks;
mod view;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::act::kill::{Refused, Target};
use crate::base::{human, text};
use crate::state::Layout;
use crate::tui::alerting::{Evaluation, Looking};
use crate::tui::effects::Effect;
use crate::tui::filtering;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::alerts::details::Details;
use crate::tui::screens::alerts::history::Section;
use crate::tui::screens::alerts::layout::{Regions, Wanted};
use crate::tui::screens::alerts::rows::{Item, RowText};
use crate::tui::screens::alerts::sifted::Sifted;
use crate::tui::screens::alerts::sorting::Order;
use crate::tui::screens::alerts::stop::Dialog;
use crate::tui::screens::alerts::tasks::{Look, TestOf, Tested};
use crate::tui::session::{News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::letters::Letters;
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::{Extent, Viewport, WHEEL};

#[derive(Debug, Default)]
pub struct Alerts {
    /// The rows that the filter keeps.
    items: Vec<Item>,
    order: Order,
    sifted: Sifted,
    /// The name of the selected row, kept when the list changes.
    anchor: Option<String>,
    list: Viewport,
    input: Input,
    below: Below,
    tested: Option<Tested>,
    /// What is being tested.
    testing: Option<TestOf>,
    /// Something has changed since the list was built.
    is_stale: bool,
    has_failed: bool,
    frame: Frame,
}

/// Where the next key goes.
#[derive(Debug, Default)]
enum Input {
    #[default]
    Nothing,
    /// The name of whoever acknowledges the alert with this key.
    Name(String, Prompt),
    /// `s` was pressed: the next key picks how long.
    Snoozing,
    /// `x` was pressed: the next key picks what to export.
    Exporting,
    Sorting(Letters),
    Stopping(Box<Dialog>),
}

/// What the lower part shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Below {
    /// What the rule would have stopped.
    #[default]
    WouldHave,
    /// When the alert went off, and what was sent.
    Happened,
}

/// The result of the last `prepare`: all that drawing needs.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    crumbs: Vec<String>,
    /// What the filter keeps, and the order; and only the number.
    kept: (String, String),
    counts: String,
    rules: String,
    rows: Vec<RowText>,
    /// Cells of the longest name of a rule.
    widest_rule: usize,
    details: Details,
    history: Section,
    empty: Vec<String>,
    dialog: Vec<String>,
}

impl Screen for Alerts {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        if self.sifted.bar.prompt.is_some() {
            self.type_filter(key, session);
            return Some(Vec::new());
        }
        match &self.input {
            Input::Nothing => None,
            Input::Sorting(_) => {
                self.choose_order(key);
                Some(Vec::new())
            }
            Input::Name(..) => Some(self.type_name(key, session)),
            Input::Snoozing => Some(self.snooze(key, session)),
            Input::Exporting => Some(self.export(key, session)),
            Input::Stopping(_) => Some(self.type_stop(key, session)),
        }
    }

    fn pasted(&mut self, text: &str, _: &mut Session) -> Vec<Effect> {
        if self.sifted.bar.paste(text) {
            self.apply_filter();
            return Vec::new();
        }
        // Pasted text must never end a run.
        if let Input::Name(_, prompt) = &mut self.input {
            prompt.paste(text);
        }
        Vec::new()
    }

    fn filter(&mut self, text: &str, _: &mut Session) -> Vec<Effect> {
        self.sifted.bar.set(text);
        self.apply_filter();
        Vec::new()
    }

    fn filtered(&self) -> String {
        self.sifted.bar.in_force().to_owned()
    }

    fn layout(&self) -> Option<Layout> {
        Some(Layout {
            columns: Vec::new(),
            sort: Some(self.order.words()),
            group: None,
        })
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        session.alerting.is_wanted = true;
        self.is_stale = true;
        self.look(session)
    }

    fn share_selection(&self, session: &mut Session) {
        let Some(seen) = &session.alerting.seen else {
            return;
        };
        let Some(Item::Alert(at)) = self.selected() else {
            return;
        };
        let alert = seen.alerts().get(*at);
        let last = alert.and_then(|it| it.evidence().last().copied());
        let store = &session.loaded.store;
        if let Some(ix) = last.filter(|ix| (store.first()..store.len()).contains(&ix.0)) {
            session.here.action = Some(ix);
            session.here.run = Some(store.row(ix).run_ix());
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
        if command == Command::Filter {
            return Ok(self.filter(argument, session));
        }
        Ok(self.update(command, session))
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        let area = self.frame.regions.list;
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up)),
            Pointer::WheelDown { .. } => (0..WHEEL).for_each(|_| self.step(Command::Down)),
            Pointer::Click { x, y } if area.contains(Position { x, y }) => {
                let at = self.list.top() + usize::from(y - area.y);
                if at == self.list.cursor {
                    return self.open(session);
                }
                self.choose(at);
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn loaded(&mut self, _: &News, session: &mut Session) -> Vec<Effect> {
        self.is_stale = true;
        self.look(session)
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        let mut asked = self.look(session);
        let seen = session.alerting.seen.clone();
        asked.extend(self.sift(seen.as_ref(), session));
        self.refresh(seen.as_deref(), session);
        self.prepare_details(seen.as_deref(), session);
        let details = self.frame.details.lines.len();
        self.frame.regions = Regions::new(
            area,
            &Wanted {
                filter: self.sifted.bar.prompt.is_some() || !self.sifted.bar.text.is_empty(),
                items: self.items.len(),
                details,
                history: self.frame.history.height(),
            },
        );
        self.list.settle(&Extent {
            len: self.items.len(),
            rows: usize::from(self.frame.regions.list.height),
            height: &|_| 1,
        });
        self.prepare_rows(seen.as_deref(), session);
        self.prepare_words(seen.as_deref(), session);
        asked.extend(self.test(seen, session));
        if let Input::Stopping(dialog) = &mut self.input {
            dialog.drawn(session.clock.now());
            let zone = session.zone.clone();
            self.frame.dialog = dialog.lines(&|us| human::time_of_day(us, &zone));
        }
        asked
    }

    fn headline(&self) -> Headline<'_> {
        Headline {
            crumbs: &self.frame.crumbs,
            amount: "",
        }
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, area, buf);
    }
}

impl Alerts {
    pub fn new(session: &Session) -> Alerts {
        let layout = session.setup.remembered.layout(ScreenId::Alerts);
        let order = layout.and_then(|it| Order::parse(it.sort.as_deref()?));
        Alerts {
            order: order.unwrap_or_default(),
            ..Alerts::default()
        }
    }

    /// Starts an evaluation if one is due.
    fn look(&mut self, session: &mut Session) -> Vec<Effect> {
        if self.has_failed {
            return Vec::new();
        }
        let Some(looking) = Looking::wanted(session) else {
            return Vec::new();
        };
        session.alerting.is_looking = true;
        session.alerting.is_outdated = false;
        vec![Effect::start(Look(looking))]
    }

    fn selected(&self) -> Option<&Item> {
        self.items.get(self.list.cursor)
    }

    /// Rebuilds the list if something changed; the selection stays on its alert.
    fn refresh(&mut self, seen: Option<&Evaluation>, session: &Session) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        self.items = seen
            .map(|seen| rows::items(seen, session, self.order))
            .unwrap_or_default();
        self.sifted.all = self.items.len();
        if let Some((kept, seen)) = self.sifted.kept.as_ref().zip(seen) {
            self.items
                .retain(|item| kept.contains(&rows::name(item, seen)));
        }
        self.frame.counts = seen
            .map(|seen| rows::counts(seen, session))
            .unwrap_or_default();
        let widest = |seen| {
            let rules = self.items.iter().map(|item| rows::rule(item, seen));
            rules.map(|rule| text::width(&rule)).max()
        };
        self.frame.widest_rule = seen.and_then(widest).unwrap_or(0);
        let key = |item: &Item| seen.map(|seen| rows::name(item, seen));
        let place = self.anchor.as_ref().and_then(|anchor| {
            let mut items = self.items.iter();
            items.position(|item| key(item).as_ref() == Some(anchor))
        });
        if let Some(place) = place {
            self.list.cursor = place;
        }
        self.list.cursor = self.list.cursor.min(self.items.len().saturating_sub(1));
        self.anchor = self.selected().and_then(key);
    }

    fn prepare_rows(&mut self, seen: Option<&Evaluation>, session: &Session) {
        self.frame.rows.clear();
        let Some(seen) = seen else { return };
        let height = usize::from(self.frame.regions.list.height);
        let shown = self.items.iter().enumerate();
        for (at, item) in shown.skip(self.list.top()).take(height) {
            let mut text = rows::row(item, seen, session);
            text.is_selected = at == self.list.cursor;
            self.frame.rows.push(text);
        }
    }

    fn prepare_details(&mut self, seen: Option<&Evaluation>, session: &mut Session) {
        let item = self.selected().cloned();
        let Some((seen, item)) = seen.zip(item) else {
            self.frame.details = Details::default();
            self.frame.history = Section::default();
            return;
        };
        self.frame.details = Details::new(&item, seen, session);
        self.frame.history = match self.below {
            Below::WouldHave => {
                let room = usize::from(self.frame.regions.list.width);
                history::would_have(&item, seen, (self.tested.as_ref(), room))
            }
            Below::Happened => history::happened(&item, seen, session),
        };
    }

    fn prepare_words(&mut self, seen: Option<&Evaluation>, session: &Session) {
        let problem = session.alerting.problem.as_ref();
        self.frame.crumbs = vec!["Alerts".to_owned()];
        self.frame.rules = seen.map(rules).unwrap_or_default();
        self.frame.kept = (self.kept_words(), self.counted());
        self.frame.empty = match (seen, problem) {
            (_, Some(problem)) => {
                let lines = problem.lines();
                lines
                    .map(|line| text::sanitize(line).into_owned())
                    .collect()
            }
            (None, None) if session.is_loading() => vec![session.loading_words()],
            (None, None) if session.loaded.store.is_empty() => {
                vec!["no runs in the open traces".to_owned()]
            }
            (None, None) => vec!["looking for loops, budgets and drift…".to_owned()],
            (Some(_), None) if self.items.is_empty() && self.sifted.all > 0 => {
                vec!["no alert matches the filter".to_owned()]
            }
            (Some(seen), None) if self.items.is_empty() => {
                let idle = seen.overlay.report.idle();
                let names = idle.iter().map(|at| seen.rules().rules[*at].id.as_str());
                let names = names.collect::<Vec<_>>().join(", ");
                let runs = human::counted(seen.overlay.report.runs.len() as u64, "run");
                vec![
                    format!("no alert in {runs}"),
                    text::sanitize(&format!("never fired: {names}")).into_owned(),
                ]
            }
            (Some(_), None) => Vec::new(),
        };
    }

    /// Starts a test of what the selected rule would have stopped, if that is shown.
    fn test(&mut self, seen: Option<Arc<Evaluation>>, session: &Session) -> Vec<Effect> {
        let Some((seen, Item::Alert(at))) = seen.zip(self.selected().cloned()) else {
            return Vec::new();
        };
        if at >= seen.alerts().len() {
            return Vec::new();
        }
        let of = (at, seen.overlay.len);
        let is_known = self.tested.as_ref().is_some_and(|it| it.of == of);
        let is_shown = self.below == Below::WouldHave && self.frame.regions.history.height > 0;
        if is_known || !is_shown || self.testing == Some(of) {
            return Vec::new();
        }
        self.testing = Some(of);
        vec![Effect::start(tasks::Test {
            store: session.loaded.store.clone(),
            seen,
            of,
            context: filtering::context(session),
        })]
    }

    fn take_target(&mut self, answer: Result<Target, Refused>) {
        if let Input::Stopping(dialog) = &mut self.input {
            dialog.target = Some(answer);
        }
    }
}

/// `rules ~/.config/saferun-tui/alerts.toml · 5 rules · baseline learned from 24 runs over 3 days · watch ON`.
fn rules(seen: &Evaluation) -> String {
    let count = human::counted(seen.rules().rules.len() as u64, "rule");
    let path = seen.in_force.path.as_deref().unwrap_or("built in");
    let baseline = match &*seen.in_force.known {
        [] => format!(
            "baseline learned from {}",
            seen.overlay.report.basis().words()
        ),
        known => {
            let names = known
                .iter()
                .map(|it| format!("{} · {}", it.path, it.basis().words()));
            format!("baseline {}", names.collect::<Vec<_>>().join(", "))
        }
    };
    let watch = if seen.is_watched {
        "watch ON"
    } else {
        "no watcher"
    };
    let words = format!("rules {path} · {count} · {baseline} · {watch}");
    text::sanitize(&words).into_owned()
}

#[cfg(test)]
mod tests;
