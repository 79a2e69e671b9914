//! Two cohorts of runs: what changed, by how much, what is inconclusive, and the runs behind each figure.

mod evidence;
mod export;
mod models;
mod moves;
mod rows;
mod tasks;
mod view;
mod words;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::cohort::ask::{Answer, Ask, Choice, Refusal};
use crate::analysis::cohort::compare::Options;
use crate::analysis::cohort::expect::Rule;
use crate::analysis::cohort::observe::PairBy;
use crate::analysis::cohort::sides::Order;
use crate::analysis::runs::Grouping;
use crate::query;
use crate::query::expr::Expr;
use crate::tui::effects::Effect;
use crate::tui::filtering;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::cohort::evidence::Evidence;
use crate::tui::screens::cohort::models::Models;
use crate::tui::screens::cohort::rows::{Line, Show, Sort};
use crate::tui::screens::cohort::tasks::Compare;
use crate::tui::screens::cohort::words::Words;
use crate::tui::session::{News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::viewport::{Extent, Viewport};

#[derive(Debug)]
pub struct Cohort {
    choice: Choice,
    terms: Terms,
    sort: Sort,
    show: Show,
    state: State,
    /// The comparison shown is out of date.
    is_stale: bool,
    is_running: bool,
    lines: Vec<Line>,
    view: Viewport,
    /// The runs behind a figure, while they are shown.
    behind: Option<Evidence>,
    /// `x` was pressed: the next key says what to export.
    exporting: bool,
    /// What was compared before other models are chosen: the way back.
    before: Option<(Choice, State)>,
    frame: Frame,
}

/// Settings of the comparison other than its sides.
#[derive(Debug)]
struct Terms {
    /// Only these runs on either side.
    only: Option<Expr>,
    /// The rules that define the right tool.
    rules: Vec<Rule>,
    /// `None` pairs if there are enough pairs.
    paired: Option<bool>,
    seed: u64,
}

#[derive(Debug)]
enum State {
    Nothing,
    /// Why there is no comparison, in sanitised lines.
    Refused(Vec<String>),
    /// There are more than two models: which are compared is chosen here.
    Choosing(Models),
    Shown(Box<Answer>),
}

/// What the last `prepare` settled.
#[derive(Debug, Default)]
struct Frame {
    regions: view::Regions,
    words: Words,
}

impl Default for Cohort {
    fn default() -> Cohort {
        Cohort {
            choice: Choice::By(Grouping::Model),
            terms: Terms {
                only: None,
                rules: Vec::new(),
                paired: None,
                seed: 1,
            },
            sort: Sort::Evidence,
            show: Show::All,
            state: State::Nothing,
            is_stale: true,
            is_running: false,
            lines: Vec::new(),
            view: Viewport::default(),
            behind: None,
            exporting: false,
            before: None,
            frame: Frame::default(),
        }
    }
}

/// Between the sides, where both are typed: `:cohort model:a vs model:b`.
const AGAINST: &str = " vs ";

/// Before a rule for tools: `:cohort when text~refund expect tool:refund`; an empty filter takes it away.
const WHEN: &str = "when ";

impl Screen for Cohort {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        self.exporting.then(|| self.export(key, session))
    }

    fn filter(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        let parse = |text: &str| query::parse(text).map_err(|error| error.message);
        let asked = match text.split_once(AGAINST) {
            _ if text.starts_with(WHEN) => {
                Rule::parse(text).map(|rule| self.terms.rules = vec![rule])
            }
            Some((a, b)) => parse(a).and_then(|a| {
                self.choice = Choice::Filters(a, Some(parse(b)?));
                Ok(())
            }),
            None => parse(text).map(|only| {
                self.terms.only = (only != Expr::All).then_some(only);
                if self.terms.only.is_none() {
                    self.terms.rules.clear();
                }
            }),
        };
        if let Err(words) = asked {
            session.fail(&words);
        }
        self.ask_again();
        Vec::new()
    }

    fn compare(&mut self, cohorts: Choice) {
        self.choice = cohorts;
        self.view = Viewport::default();
        self.ask_again();
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        self.obey(command, session)
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        self.point(pointer, session)
    }

    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect> {
        // A growing trace is compared again when the user returns or asks for it.
        let is_first = matches!(self.state, State::Nothing);
        self.is_stale |= !news.runs.is_empty() && (is_first || !session.trace.live);
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        let caution = Words::new(self, session).caution_width();
        self.frame.regions = view::Regions::new(area, caution);
        let rows = usize::from(self.frame.regions.list.height);
        let len = self.len();
        let extent = Extent {
            len,
            rows,
            height: &|_| 1,
        };
        self.viewport().settle(&extent);
        self.frame.words = Words::new(self, session);
        self.ask(session)
    }

    fn headline(&self) -> Headline<'_> {
        Headline {
            crumbs: &self.frame.words.crumbs,
            amount: "",
        }
    }

    fn draw(&self, theme: &Theme, _area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, buf);
    }
}

impl Cohort {
    fn ask_again(&mut self) {
        (self.is_stale, self.behind) = (true, None);
    }

    /// Starts a comparison if the one shown is out of date and loading is done.
    fn ask(&mut self, session: &Session) -> Vec<Effect> {
        if !self.is_stale || self.is_running || session.is_loading() {
            return Vec::new();
        }
        (self.is_stale, self.is_running) = (false, true);
        let usual = Options::default();
        // Repeated tests of a growing trace would find something by chance sooner or later.
        let alpha = if session.trace.live {
            usual.alpha / 5.0
        } else {
            usual.alpha
        };
        let ask = Ask {
            choice: self.choice.clone(),
            order: Order::of(session.trace.named),
            only: self.terms.only.clone(),
            pair_by: PairBy::Auto,
            options: Options {
                alpha,
                seed: self.terms.seed,
                paired: self.terms.paired,
                ..usual
            },
            predicates: Vec::new(),
            rules: self.terms.rules.clone(),
            context: filtering::context(session),
            held: None,
        };
        vec![Effect::start(Compare {
            store: session.loaded.store.clone(),
            ask,
        })]
    }

    fn take(&mut self, found: Result<Answer, Refusal>, session: &Session) {
        self.is_running = false;
        self.state = match found {
            Ok(answer) => State::Shown(Box::new(answer)),
            // A newer question is on its way.
            Err(Refusal::Cancelled) => return,
            Err(Refusal::Groups(Grouping::Model, models)) if models.len() > 1 => {
                State::Choosing(Models::new(models, &session.loaded.store))
            }
            Err(refusal) => State::Refused(words::refused(&refusal, session)),
        };
        self.list();
    }

    /// Rebuilds the lines and keeps the selection.
    fn list(&mut self) {
        self.lines = match &self.state {
            State::Shown(answer) => rows::lines(&answer.comparison, self.sort, self.show),
            State::Nothing | State::Refused(_) | State::Choosing(_) => Vec::new(),
        };
        self.view.cursor = rows::nearest(&self.lines, self.view.cursor);
    }

    fn is_choosing(&self) -> bool {
        matches!(self.state, State::Choosing(_))
    }

    fn answer(&self) -> Option<&Answer> {
        match &self.state {
            State::Shown(answer) => Some(answer),
            State::Nothing | State::Refused(_) | State::Choosing(_) => None,
        }
    }

    fn obey(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Open => return self.open(session),
            Command::OpenRun => return self.open_run(session),
            Command::SortFigures => {
                self.sort = self.sort.other();
                self.list();
            }
            Command::WhichFigures => {
                self.show = self.show.next();
                self.list();
            }
            Command::Paired => self.repair(),
            Command::Reseed => {
                self.terms.seed += 1;
                self.ask_again();
            }
            Command::Export => self.exporting = self.answer().is_some(),
            Command::Models => {
                let by_hand = Choice::ByHand(Grouping::Model);
                let choice = std::mem::replace(&mut self.choice, by_hand);
                let state = std::mem::replace(&mut self.state, State::Nothing);
                self.before = Some((choice, state));
                self.ask_again();
            }
            Command::Cancel | Command::Back if self.is_choosing() && self.before.is_some() => {
                if let Some((choice, state)) = self.before.take() {
                    (self.choice, self.state) = (choice, state);
                    self.list();
                }
            }
            Command::ChooseSide => self.choose_side(),
            Command::Cancel | Command::Back if self.behind.is_some() => self.behind = None,
            Command::Cancel | Command::Back => return vec![Effect::Pop],
            _ => self.step(command),
        }
        Vec::new()
    }

    /// Switches pairing on or off, and compares again.
    fn repair(&mut self) {
        if let Some(answer) = self.answer() {
            self.terms.paired = Some(!answer.comparison.design.is_paired());
            self.ask_again();
        }
    }
}

#[cfg(test)]
mod tests;
