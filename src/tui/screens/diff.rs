//! Two runs compared: side by side with equal actions folded, where they diverge and why, and what differs
//! inside the selected pair.

mod aligned;
#[cfg(feature = "capture")]
mod experiment;
mod export;
mod fields;
mod layout;
mod lines;
mod moves;
mod tasks;
mod view;
mod words;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
#[cfg(feature = "capture")]
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::diff::fold::Item;
use crate::analysis::diff::inputs::InputDiff;
use crate::analysis::diff::json::PathText;
use crate::analysis::diff::mask::Ignored;
use crate::analysis::diff::{Comparison, Options};
use crate::analysis::runs::has_content;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::diff::aligned::Aligned;
use crate::tui::screens::diff::fields::{Differences, FieldLine};
use crate::tui::screens::diff::layout::Regions;
use crate::tui::screens::diff::lines::{Cells, Made, Shown};
use crate::tui::screens::diff::tasks::{Align, Compare};
use crate::tui::screens::diff::words::Words;
use crate::tui::session::{News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::outline::layout::wrap;
use crate::tui::widgets::tone::Tone;
use crate::tui::widgets::viewport::{Extent, Viewport};

#[derive(Debug)]
pub struct Diff {
    /// The runs that are compared: A and B.
    pair: Option<[RunIx; 2]>,
    done: Option<Aligned>,
    state: State,
    /// `done` is out of date: the runs or the options have changed.
    is_stale: bool,
    options: Options,
    list: List,
    form: Form,
    focus: Focus,
    /// The side whose action is selected on the other views: A is 0, B is 1.
    side: usize,
    fields: Fields,
    pending: Pending,
    made: HashMap<usize, Rc<Made>>,
    #[cfg(feature = "capture")]
    experiment: experiment::Experiment,
    frame: Frame,
}

impl Default for Diff {
    fn default() -> Diff {
        Diff {
            pair: None,
            done: None,
            state: State::Idle,
            is_stale: false,
            options: Options::default(),
            list: List::default(),
            form: Form::Fitting,
            focus: Focus::List,
            side: 1,
            fields: Fields::default(),
            pending: Pending::default(),
            made: HashMap::new(),
            #[cfg(feature = "capture")]
            experiment: experiment::Experiment::default(),
            frame: Frame::default(),
        }
    }
}

/// What the next key or choice completes.
#[derive(Debug, Default)]
struct Pending {
    /// An action (its side and step) that was picked to be paired.
    taken: Option<(usize, u32)>,
    /// The first of two keys: for a mark or an export.
    chord: Option<Command>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Reading { done: usize, all: usize },
}

/// How the runs are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Side by side where the screen is wide enough.
    Fitting,
    Side,
    Unified,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    List,
    Fields,
}

#[derive(Debug, Default)]
struct List {
    items: Vec<Item>,
    /// The first columns of the folds that the user opened.
    unfolded: HashSet<usize>,
    all_unfolded: bool,
    view: Viewport,
    /// The cursor jumped: centre it.
    is_jump: bool,
}

/// What differs inside the selected pair.
#[derive(Debug, Default)]
struct Fields {
    found: Option<Differences>,
    /// The requested pair.
    asked: Option<[ActionIx; 2]>,
    lines: Vec<FieldLine>,
    view: Viewport,
}

/// What the last `prepare` settled: all that drawing needs to know.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    lines: Vec<Shown>,
    cells: Cells,
    words: Words,
}

impl Screen for Diff {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        #[cfg(feature = "capture")]
        if let Some(effects) = self.type_experiment(key, session) {
            return Some(effects);
        }
        let effects = match self.pending.chord.take()? {
            Command::Export => self.export(key, session),
            chord => {
                self.mark_or_go(chord, key, session);
                Vec::new()
            }
        };
        Some(effects)
    }

    #[cfg(feature = "capture")]
    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        self.experiment.paste(text, session.clock.now());
        Vec::new()
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        if self.choose(session) {
            return Vec::new();
        }
        let here = session.here.action;
        let found = self
            .comparison()
            .and_then(|it| aligned::find(it, [here, here]));
        if let Some(column) = found
            && self.selected().map(|(_, ix)| ix) != here
        {
            self.go_to(column);
            self.list.is_jump = true;
        }
        Vec::new()
    }

    fn share_selection(&self, session: &mut Session) {
        if let (Some((side, ix)), Some(pair)) = (self.selected(), self.pair) {
            let here = &mut session.here;
            here.action = Some(ix);
            here.run = Some(pair[side]);
            here.scope = here.scope.map(|_| pair[side]);
        }
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            #[cfg(feature = "capture")]
            Command::Experiment => return self.ask_experiment(session),
            Command::NextChange => self.change(true, session),
            Command::PrevChange => self.change(false, session),
            Command::FirstDivergence => self.go_to_divergence(session),
            Command::Open if self.focus == Focus::List => self.open(),
            Command::Fields => {
                self.focus = match self.focus {
                    Focus::List => Focus::Fields,
                    Focus::Fields => Focus::List,
                }
            }
            Command::SideA => self.side = 0,
            Command::SideB => self.side = 1,
            Command::Unified => {
                self.form = if self.frame.regions.is_side {
                    Form::Unified
                } else {
                    Form::Side
                }
            }
            Command::FoldEqual => self.fold_all(),
            Command::Noise => {
                self.options.blind.noise = !self.options.blind.noise;
                self.is_stale = true;
            }
            Command::Ignore => self.ignore(session),
            Command::IgnoreNothing => {
                self.is_stale |= !self.options.blind.ignored.is_empty();
                self.options.blind.ignored.clear();
            }
            Command::Repair => self.repair(session),
            Command::Mark | Command::GoToMark => self.pending.chord = Some(command),
            Command::Export => self.pending.chord = self.comparison().map(|_| command),
            Command::Back | Command::Cancel if self.focus == Focus::Fields => {
                self.focus = Focus::List;
            }
            Command::Cancel if self.pending.taken.is_some() => self.pending.taken = None,
            Command::Cancel | Command::Back => return vec![Effect::Pop],
            _ => self.step(command),
        }
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, _session: &mut Session) -> Vec<Effect> {
        self.point(pointer)
    }

    /// A growing run is compared again when the previous comparison is done.
    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect> {
        let is_of = |run: &RunIx| self.pair.is_some_and(|pair| pair.contains(run));
        if news.runs.iter().any(is_of) {
            self.is_stale = true;
            self.made.clear();
        }
        if session.place.screen == crate::tui::screen::id::ScreenId::Diff {
            return self.align(session);
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        self.choose(session);
        let mut asked = self.align(session);
        self.frame.regions = Regions::new(area, self.form, self.focus == Focus::Fields);
        let visible = self.settle(session);
        self.show(visible, session);
        self.share_selection(session);
        asked.extend(self.ask_fields(session));
        self.show_fields();
        self.frame.words = Words::new(self, session);
        #[cfg(feature = "capture")]
        self.experiment.drawn(area, session.clock.now());
        asked
    }

    #[cfg(feature = "capture")]
    fn stays(&self) -> Option<Duration> {
        let waits = self.experiment.is_waiting;
        waits.then_some(Duration::from_millis(100))
    }

    fn headline(&self) -> Headline<'_> {
        Headline {
            crumbs: &self.frame.words.crumbs,
            amount: "",
        }
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, buf);
        #[cfg(feature = "capture")]
        self.experiment.draw((theme, area), buf);
        #[cfg(not(feature = "capture"))]
        let _ = area;
    }
}

impl Diff {
    /// What is being sent, sanitised.
    #[cfg(feature = "capture")]
    fn under_way(&self) -> Option<String> {
        self.experiment.aside().map(str::to_owned)
    }

    #[cfg(not(feature = "capture"))]
    fn under_way(&self) -> Option<String> {
        None
    }

    fn comparison(&self) -> Option<&Comparison> {
        self.done.as_ref()?.comparison.as_deref()
    }

    /// Sets the runs to compare; returns whether they have changed. If there are
    /// only two, they need not be marked.
    fn choose(&mut self, session: &mut Session) -> bool {
        if let ([None, None], None) = (session.marks.pair, self.pair)
            && !session.is_loading()
        {
            let runs = session.loaded.store.runs().iter().enumerate();
            let mut told = runs.filter(|(_, run)| has_content(run));
            let mut next = || told.next().map(|(at, _)| RunIx(at as u32));
            if let (Some(a), Some(b), None) = (next(), next(), next()) {
                session.marks.pair = [Some(a), Some(b)];
            }
        }
        let wanted = session.marks.pair[0]
            .zip(session.marks.pair[1])
            .map(|(a, b)| [a, b]);
        if wanted.is_none() || wanted == self.pair {
            return false;
        }
        *self = Diff {
            pair: wanted,
            is_stale: true,
            form: self.form,
            options: Options {
                blind: self.options.blind.clone(),
                pins: Vec::new(),
            },
            state: State::Idle,
            ..Diff::default()
        };
        true
    }

    /// Compares in the background what is out of date. While one comparison runs no other is begun: a
    /// trace that grows would never let one end.
    fn align(&mut self, session: &Session) -> Vec<Effect> {
        let Some(pair) = self
            .pair
            .filter(|_| self.is_stale && self.state == State::Idle)
        else {
            return Vec::new();
        };
        self.is_stale = false;
        self.state = State::Reading { done: 0, all: 0 };
        vec![Effect::start(Align {
            store: session.loaded.store.clone(),
            pair,
            options: self.options.clone(),
        })]
    }

    /// Takes a comparison and keeps the selection.
    fn take(&mut self, aligned: Aligned) {
        if self.pair != Some(aligned.pair) || aligned.comparison.is_none() {
            return;
        }
        let before = self.comparison().zip(self.column());
        let anchor = before.map(|(comparison, column)| aligned::rows(comparison, column));
        let was_last = self.done.is_some()
            && self.list.view.cursor + 1 >= self.list.items.len()
            && !self.list.items.is_empty();
        let is_first = self.done.is_none();
        self.done = Some(aligned);
        self.made.clear();
        self.fields.asked = None;
        self.fold_items();
        let Some(comparison) = self.comparison() else {
            return;
        };
        let divergence = &comparison.divergence;
        let start = divergence.first_material.or(divergence.first_any);
        let found = anchor.and_then(|anchor| aligned::find(comparison, anchor));
        let last = self.list.items.len().saturating_sub(1);
        match (is_first, start, found) {
            (true, Some(start), _) => {
                self.go_to(start);
                self.list.is_jump = true;
            }
            (false, _, _) if was_last => self.list.view.cursor = last,
            (false, _, Some(column)) => self.go_to(column),
            (_, _, _) => self.list.view.cursor = self.list.view.cursor.min(last),
        }
    }

    /// Settles the window; the items on the screen.
    fn settle(&mut self, session: &Session) -> Vec<crate::tui::widgets::viewport::Visible> {
        let store = &session.loaded.store;
        let height = |item: usize| lines::height(self, store, item);
        let extent = Extent {
            len: self.list.items.len(),
            rows: usize::from(self.frame.regions.list.height),
            height: &height,
        };
        let mut view = self.list.view;
        if self.list.is_jump {
            view.centre(&extent);
        } else {
            view.settle(&extent);
        }
        let visible = view.visible(&extent).collect();
        self.list.view = view;
        self.list.is_jump = false;
        visible
    }

    /// Requests the differences inside the selected pair, once.
    fn ask_fields(&mut self, session: &Session) -> Vec<Effect> {
        let rows = self.comparison().zip(self.column());
        let rows = rows.map(|(comparison, column)| aligned::rows(comparison, column));
        let Some([Some(a), Some(b)]) = rows else {
            self.fields.asked = None;
            return Vec::new();
        };
        let rows = [a, b];
        if self.fields.asked == Some(rows) {
            return Vec::new();
        }
        self.fields.asked = Some(rows);
        self.fields.view = Viewport::default();
        vec![Effect::start(Compare {
            store: session.loaded.store.clone(),
            rows,
            blind: self.options.blind.clone(),
        })]
    }

    /// The differences inside the selected pair, if known.
    fn found(&self) -> Option<&Differences> {
        let found = self.fields.found.as_ref();
        found.filter(|it| self.fields.asked == Some(it.rows))
    }

    /// The model inputs, if the runs diverge at the selected pair.
    fn given(&self) -> Option<&InputDiff> {
        let fork = self.comparison()?.divergence.first_material;
        let is_here = fork.is_some() && fork == self.column();
        self.done.as_ref()?.why.as_ref().filter(|_| is_here)
    }

    /// The lines of the pane: the differences inside the selected pair, or the action without a counterpart.
    fn show_fields(&mut self) {
        let regions = &self.frame.regions;
        let width = usize::from(regions.fields.width).saturating_sub(3).max(1);
        let found = self.found();
        let selected = self.frame.lines.iter().find(|it| it.is_selected);
        let mut lines = match (found, selected.map(|it| &it.what)) {
            (Some(found), _) => found.lines(width),
            (None, Some(lines::What::Pair { made, .. })) => {
                let alone = made.sides.iter().flatten().next();
                let is_alone = made.sides.iter().flatten().count() == 1;
                let line = alone.filter(|_| is_alone).map(|text| {
                    let line = vec![(Tone::Plain, text.text.clone())];
                    wrap(&line, width)
                });
                let lines = line.unwrap_or_default().into_iter();
                lines
                    .map(|pieces| FieldLine {
                        change: None,
                        pieces,
                    })
                    .collect()
            }
            (None, Some(lines::What::Folded(_)) | None) => Vec::new(),
        };
        if let Some(given) = self.given() {
            let blank = FieldLine {
                change: None,
                pieces: Vec::new(),
            };
            lines.push(blank);
            lines.extend(fields::given(given, width));
        }
        self.fields.lines = lines;
        let extent = Extent {
            len: self.fields.lines.len(),
            rows: usize::from(regions.fields.height).saturating_sub(1),
            height: &|_| 1,
        };
        self.fields.view.settle(&extent);
    }

    /// Ignores the path of the selected difference, or of the first one.
    fn ignore(&mut self, session: &mut Session) {
        let at = match self.focus {
            Focus::Fields => {
                let line = self.fields.lines.get(self.fields.view.cursor);
                line.and_then(|line| line.change)
            }
            Focus::List => Some(0),
        };
        let changes = self
            .found()
            .map(|it| it.pair.changes.as_slice())
            .unwrap_or_default();
        // The tool and the outcome cannot be ignored: take the first that can.
        let paths = changes.iter().enumerate().filter_map(|(number, change)| {
            let path = PathText(&change.path).to_string();
            Some((number, Ignored::parse(&path).ok()?))
        });
        let mut paths =
            paths.skip_while(|(number, _)| self.focus == Focus::Fields && Some(*number) != at);
        match paths.next() {
            Some((number, path)) if self.focus == Focus::List || Some(number) == at => {
                session.say(&format!("ignoring {} · I undoes it", path.words()));
                self.options.blind.ignored.push(path);
                self.is_stale = true;
            }
            Some(_) | None => session.say("nothing here can be ignored"),
        }
    }

    /// Picks an action, and pairs it with one of the other side the second time; undoes a pair that
    /// was made this way.
    fn repair(&mut self, session: &mut Session) {
        let column = self.comparison().zip(self.column());
        let Some(column) = column.map(|(comparison, at)| comparison.columns[at]) else {
            return;
        };
        let pin = column.a.zip(column.b);
        if let Some(at) = self.options.pins.iter().position(|it| Some(*it) == pin)
            && self.pending.taken.is_none()
        {
            self.options.pins.remove(at);
            self.is_stale = true;
            session.say("no longer paired by hand");
            return;
        }
        let steps = [column.a, column.b];
        let Some((side, step)) = self.pending.taken.take() else {
            // The selected side, unless only the other one has an action here.
            let side = if steps[self.side].is_some() {
                self.side
            } else {
                1 - self.side
            };
            self.pending.taken = steps[side].map(|step| (side, step));
            let other = ["B", "A"][side];
            session.say(&format!(
                "select its counterpart in {other} and press = again (esc cancels)"
            ));
            return;
        };
        let Some(partner) = steps[1 - side] else {
            session.say("that side has no action here");
            self.pending.taken = Some((side, step));
            return;
        };
        let pin = if side == 0 {
            (step, partner)
        } else {
            (partner, step)
        };
        let sorts = self.comparison().map(|it| {
            let (a, b) = (&it.a.steps[pin.0 as usize], &it.b.steps[pin.1 as usize]);
            a.sort == b.sort
        });
        if sorts != Some(true) {
            session.fail("only actions of the same kind can be paired");
            return;
        }
        // Pairs that would cross the new one are undone.
        let crosses =
            |(a, b): &(u32, u32)| (*a <= pin.0) != (*b <= pin.1) || *a == pin.0 || *b == pin.1;
        self.options.pins.retain(|it| !crosses(it));
        self.options.pins.push(pin);
        self.is_stale = true;
    }
}

#[cfg(test)]
mod tests;
