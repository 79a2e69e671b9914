//! The shell: the views, their overlays, and what they share.

mod count;
mod frame;
mod header;
mod idle;
mod route;
mod start;

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::time::Duration;

use crate::act::events::{self, Event};
use crate::analysis::life::Life;
use crate::analysis::runs::has_content;
use crate::base::text;
use crate::ingest::Loaded;
use crate::model::run::RunIx;
use crate::state::{Layout, Position};
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key, Meaning, Place};
use crate::tui::remembered;
use crate::tui::screen::id::{self, ScreenId};
use crate::tui::screen::{Pointer, Screen};
use crate::tui::screens;
use crate::tui::session::{Here, News, Session};
use crate::tui::shell::count::Count;
use crate::tui::shell::header::Header;
use crate::tui::shell::route::{Route, Stop};
use crate::tui::tasks;
use crate::tui::theme::ground::Background;
use crate::tui::theme::{Palette, Theme};
use crate::tui::{Named, Options};

/// An effect, and the screen that asked for it: answers go back there.
pub type ScreenEffect = (ScreenId, Effect);

#[derive(Debug)]
pub struct Shell {
    pub session: Session,
    theme: Theme,
    views: Vec<Layer>,
    over: Vec<Layer>,
    route: Route,
    start: Start,
    /// The runs to start with and the view, until they are loaded or a key is pressed.
    named: Option<(Vec<Named>, Option<ScreenId>)>,
    /// Where to continue when everything is read, unless the user acts before.
    resume: Option<Position>,
    /// Runs that wait for a person, for which the user was called.
    called: HashSet<RunIx>,
    header: Header,
    /// The filter of the command line.
    given: Option<String>,
    /// Digits that may turn out to be a number before `G`.
    count: Option<Count>,
}

#[derive(Debug)]
struct Layer {
    id: ScreenId,
    screen: Box<dyn Screen>,
}

/// Whether the first view has been chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Several runs will open in the table, one in the stream.
    Open,
    Found,
}

impl Layer {
    fn new(id: ScreenId, session: &Session) -> Layer {
        Layer {
            id,
            screen: screens::build(id, session),
        }
    }
}

fn layers(session: &Session) -> Vec<Layer> {
    let views = id::views();
    views.map(|info| Layer::new(info.id, session)).collect()
}

impl Shell {
    /// Starts with the requested view, or with the one that fits the trace.
    pub fn new(options: &Options, theme: Theme) -> Shell {
        let session = Session::new(options);
        let mut shell = Shell {
            views: layers(&session),
            session,
            theme,
            over: Vec::new(),
            route: Route::new(ScreenId::Stream),
            start: Start::Open,
            named: None,
            resume: None,
            called: HashSet::new(),
            header: Header::default(),
            given: None,
            count: None,
        };
        shell.begin(options);
        for words in &options.notes {
            shell.session.say(words);
        }
        for words in &options.failed {
            shell.session.fail(words);
        }
        shell
    }

    fn begin(&mut self, options: &Options) {
        // If several runs are expected, they are shown from the first frame on.
        let fitting = if options.several {
            ScreenId::Runs
        } else {
            ScreenId::Stream
        };
        let is_asked = options.view.is_some()
            || !options.start.is_empty()
            || options.filter.is_some()
            || options.live;
        self.resume = options
            .setup
            .remembered
            .position
            .clone()
            .filter(|_| !is_asked);
        self.given.clone_from(&options.filter);
        self.start = match options.view {
            Some(_) => Start::Found,
            None => Start::Open,
        };
        self.named = (!options.start.is_empty()).then(|| (options.start.clone(), options.view));
        self.route = Route::new(options.view.unwrap_or(fitting));
        self.session.place.screen = self.route.here().view;
    }

    /// Offers recent runs when nothing is open.
    pub fn offer_recent(&mut self) -> Vec<ScreenEffect> {
        self.lay(ScreenId::Recent)
    }

    /// Handles a key; returns the effects for the outside.
    pub fn key(&mut self, key: Key) -> Vec<ScreenEffect> {
        self.named = None;
        self.touched();
        self.session.notices.pressed();
        let mut asked = Vec::new();
        if self.count.is_some() {
            match self.after_digits(key) {
                Ok(effects) => return effects,
                Err(effects) => asked = effects,
            }
        }
        asked.extend(self.pressed(key));
        asked
    }

    /// A key that is not part of a number.
    fn pressed(&mut self, key: Key) -> Vec<ScreenEffect> {
        let top = self.top();
        let place = self.place();
        let meaning = self.session.keymap.meaning(key, place);
        match meaning {
            // These chords work even while something is typed.
            Some(Meaning::Command(Command::Quit)) if key.ctrl => return vec![(top, Effect::Quit)],
            Some(Meaning::Command(Command::Suspend)) => return vec![(top, Effect::Suspend)],
            Some(Meaning::Command(Command::Redraw)) => return vec![(top, Effect::Redraw)],
            Some(_) | None => {}
        }
        let typed = self.ask_top(|screen, session| screen.typed(key, session));
        match (typed, meaning) {
            (Some(effects), _) => self.obey(top, effects),
            (None, Some(Meaning::Command(command))) => self.command(command),
            (None, meaning) if self.begins_count(key) => {
                self.begin_count(key, meaning);
                Vec::new()
            }
            (None, Some(Meaning::View(view))) => self.go(view),
            (None, None) => self.say_idle(key, place),
        }
    }

    /// Where keys are typed.
    fn place(&mut self) -> Place {
        Place {
            screen: self.top(),
            is_inner: self.ask_top(|screen, _| screen.is_inner()),
        }
    }

    /// The user did something: the view no longer changes by itself.
    fn touched(&mut self) {
        (self.start, self.resume) = (Start::Found, None);
    }

    fn command(&mut self, command: Command) -> Vec<ScreenEffect> {
        let top = self.top();
        match command {
            Command::Quit => vec![(top, Effect::Quit)],
            Command::Cancel => self.cancel(top),
            Command::Stop => self.stop(top),
            Command::Theme => {
                self.recolor("");
                Vec::new()
            }
            Command::Help if top != ScreenId::Help => self.lay(ScreenId::Help),
            Command::Palette => self.lay(ScreenId::Palette),
            Command::Files => self.lay(ScreenId::Files),
            Command::Recent => self.lay(ScreenId::Recent),
            Command::Changes if top != ScreenId::Changes => self.lay(ScreenId::Changes),
            Command::Notices if top != ScreenId::Notices => self.lay(ScreenId::Notices),
            Command::Compare => self.compare(),
            Command::ViewBack | Command::ViewForward => {
                self.over.clear();
                self.leave();
                let stop = self.route.step(command == Command::ViewForward);
                stop.map(|stop| self.arrive(stop)).unwrap_or_default()
            }
            _ => {
                let effects = self.ask_top(|screen, session| screen.update(command, session));
                self.obey(top, effects)
            }
        }
    }

    /// One step back, but not out of the program.
    fn cancel(&mut self, top: ScreenId) -> Vec<ScreenEffect> {
        let effects = self.ask_top(|screen, session| screen.update(Command::Cancel, session));
        let mut asked = self.obey(top, effects);
        let all = asked.len();
        asked.retain(|(_, effect)| !matches!(effect, Effect::Quit));
        if asked.len() < all {
            let key = self.session.keymap.keys(Command::Back).join(" ");
            let words = format!("this is the first view · {key} quits");
            self.session.hint(&words);
        }
        asked
    }

    /// Handles an event from outside.
    pub fn happened(&mut self, event: Event) -> Vec<ScreenEffect> {
        match event {
            Event::Asks(all) => self.asked(all),
            Event::Answered { outcome, .. } => {
                match outcome {
                    Ok(state) => self.session.say(state.word()),
                    Err(why) => self
                        .session
                        .fail(&format!("your answer was not accepted: {why}")),
                }
                Vec::new()
            }
        }
    }

    /// Announces new tool calls waiting for approval on every view, with a bell or notification if the settings say so.
    fn asked(&mut self, all: Vec<events::ApprovalRequest>) -> Vec<ScreenEffect> {
        let new = self.session.asks.update(all);
        let Some(words) = new else {
            return Vec::new();
        };
        let top = self.top();
        if top != ScreenId::Asks {
            let keys = self.session.keymap.view_keys(ScreenId::Asks).join(" ");
            self.session.say(&format!("{words} · {keys} shows it"));
        }
        let alert = self.session.setup.alert;
        alert.map_or_else(Vec::new, |alert| vec![(top, Effect::Alert(alert, words))])
    }

    fn stop(&mut self, top: ScreenId) -> Vec<ScreenEffect> {
        if !self.session.is_loading() {
            self.session.say("nothing is being loaded");
            return Vec::new();
        }
        self.session.stop_loading();
        let mut asked = self.every_view(|screen, session| screen.loaded(&News::default(), session));
        asked.push((top, Effect::StopLoading));
        asked
    }

    /// Compares A with B; the selected run replaces a missing one.
    fn compare(&mut self) -> Vec<ScreenEffect> {
        self.leave();
        let here = self.session.here.run;
        self.session.marks.pair = match (self.session.marks.pair, here) {
            ([Some(a), None], Some(run)) if a != run => [Some(a), Some(run)],
            ([None, Some(b)], Some(run)) if b != run => [Some(run), Some(b)],
            ([None, None], Some(run)) => [Some(run), None],
            (pair, _) => pair,
        };
        match self.session.marks.pair {
            [Some(_), Some(_)] => self.go(ScreenId::Diff),
            [Some(_), None] | [None, Some(_)] => {
                let keys = self.session.keymap.keys(Command::Compare).join(" ");
                let words = format!("this run is A · {keys} on another run compares the two");
                self.session.say(&words);
                Vec::new()
            }
            [None, None] => {
                self.session.say("no run is selected to compare");
                Vec::new()
            }
        }
    }

    /// Shows a screen over the view.
    fn lay(&mut self, id: ScreenId) -> Vec<ScreenEffect> {
        self.session.place.is_inner = self.over.is_empty() && self.place().is_inner;
        self.over = vec![Layer::new(id, &self.session)];
        let effects = self.ask_top(Screen::entered);
        self.obey(id, effects)
    }

    /// Runs a command from the palette or the help on the view below.
    fn dispatch(&mut self, command: Command, argument: &str) -> Vec<ScreenEffect> {
        self.over.clear();
        if command == Command::Theme {
            self.recolor(argument);
            return Vec::new();
        }
        if matches!(command, Command::Open | Command::Add) && !argument.is_empty() {
            let mut asked = self.lay(ScreenId::Files);
            asked.extend(self.run_with(ScreenId::Files, command, argument));
            return asked;
        }
        // A command of another view goes there.
        let (entry, top) = (command.entry(), self.top());
        let own = entry.screens.first().filter(|_| !entry.is_for(top));
        let view = own.copied().unwrap_or(top);
        let is_view = view.info().tab.is_some();
        let mut asked = if is_view {
            self.go(view)
        } else {
            self.lay(view)
        };
        if argument.is_empty() {
            asked.extend(self.command(command));
            return asked;
        }
        asked.extend(self.run_with(view, command, argument));
        asked
    }

    fn run_with(
        &mut self,
        screen: ScreenId,
        command: Command,
        argument: &str,
    ) -> Vec<ScreenEffect> {
        match self.ask_top(|screen, session| screen.run_with(command, argument, session)) {
            Ok(effects) => self.obey(screen, effects),
            Err(words) => {
                self.session.fail(&words);
                Vec::new()
            }
        }
    }

    /// Takes the terminal's answer about its background.
    pub fn fit(&mut self, background: Background) {
        self.theme.fit(background);
    }

    /// The theme with this name, or the next one.
    fn recolor(&mut self, name: &str) {
        let wanted = match name {
            "" => Some(self.theme.palette.next()),
            name => Palette::find(name),
        };
        if let Some(palette) = wanted {
            self.theme.ground.adapts = false;
            self.theme.recolor(palette);
            self.session.say(&format!("theme {}", palette.word()));
            return;
        }
        let known: Vec<&str> = Palette::ALL.iter().map(|it| it.word()).collect();
        let words = format!("'{name}' is not a theme ({})", known.join(", "));
        self.session.fail(&words);
    }

    fn show(&mut self, view: ScreenId, filter: Option<&str>) -> Vec<ScreenEffect> {
        let mut asked = self.go(view);
        if let Some(filter) = filter {
            let effects = self.ask_top(|screen, session| screen.filter(filter, session));
            asked.extend(self.obey(view, effects));
        }
        asked
    }

    /// Starts over with another trace. Agents go on waiting for their answers.
    pub fn reopen(&mut self, options: &Options) {
        let notices = mem::take(&mut self.session.notices);
        let asks = mem::take(&mut self.session.asks);
        self.session = Session {
            notices,
            asks,
            ..Session::new(options)
        };
        self.views = layers(&self.session);
        self.over.clear();
        self.begin(options);
    }

    /// Sets the filter of every view, as if it had been typed.
    pub fn filter(&mut self, text: &str) -> Vec<ScreenEffect> {
        self.every_view(|screen, session| screen.filter(text, session))
    }

    pub fn pointer(&mut self, pointer: Pointer) -> Vec<ScreenEffect> {
        self.touched();
        if let (Pointer::Click { x, y: 0 }, true) = (pointer, self.over.is_empty()) {
            return match self.header.at(x) {
                Some(Meaning::View(view)) => self.go(view),
                Some(Meaning::Command(command)) => self.command(command),
                None => Vec::new(),
            };
        }
        let effects = self.ask_top(|screen, session| screen.pointed(pointer, session));
        self.obey(self.top(), effects)
    }

    pub fn paste(&mut self, text: &str) -> Vec<ScreenEffect> {
        self.touched();
        let effects = self.ask_top(|screen, session| screen.pasted(text, session));
        self.obey(self.top(), effects)
    }

    pub fn loaded(&mut self, message: Loaded) -> Vec<ScreenEffect> {
        let before = self.runs_with_content();
        let is_done = matches!(message, Loaded::Done);
        let news = self.session.apply(message);
        let mut asked = self.every_view(|screen, session| screen.loaded(&news, session));
        asked.extend(self.call_user(&news));
        let was_found = self.start == Start::Found;
        asked.extend(self.find_named());
        asked.extend(self.find_start());
        if is_done {
            asked.extend(self.resume());
        }
        let runs = self.runs_with_content();
        if was_found && before == 1 && runs > 1 && self.route.here().view == ScreenId::Stream {
            let keys = self.session.keymap.view_keys(ScreenId::Runs).join(" ");
            self.session
                .say(&format!("there are several runs · {keys} lists them"));
        }
        asked
    }

    /// Calls the user once for each run that begins to wait for a person, if the settings say so.
    fn call_user(&mut self, news: &News) -> Vec<ScreenEffect> {
        let (session, top) = (&self.session, self.top());
        let Some(alert) = session.setup.alert.filter(|_| !session.is_loading()) else {
            return Vec::new();
        };
        let mut asked = Vec::new();
        for &run in &news.runs {
            if !matches!(session.life(run), Life::Waiting(_)) {
                self.called.remove(&run);
            } else if self.called.insert(run) {
                let store = &session.loaded.store;
                let agent = text::sanitize(store.symbols().name(store.run(run).who.agent));
                let agent = if agent.is_empty() { "an agent" } else { &agent };
                let words = format!("{agent} waits for a person");
                asked.push((top, Effect::Alert(alert, words)));
            }
        }
        asked
    }

    /// Goes to where the user left this trace.
    fn resume(&mut self) -> Vec<ScreenEffect> {
        let Some(position) = self.resume.take() else {
            return Vec::new();
        };
        let place = remembered::place(&self.session.loaded.store, &position);
        let Some((view, here)) = place else {
            return Vec::new();
        };
        self.start = Start::Found;
        self.session.here = here;
        self.route = Route::new(view);
        if here.scope.is_some() && view != ScreenId::Runs && self.runs_with_content() > 1 {
            self.route = Route::new(ScreenId::Runs);
            self.route.go(Stop::inside(view, here));
        }
        let mut asked = self.restore_filters(&position.filters);
        asked.extend(self.enter());
        asked
    }

    /// Sets the filters that were in force when the trace was left.
    fn restore_filters(&mut self, filters: &BTreeMap<String, String>) -> Vec<ScreenEffect> {
        let mut asked = Vec::new();
        for (name, filter) in filters {
            if let Some(id) = ScreenId::view(name) {
                asked.extend(self.filter_view(id, filter));
            }
        }
        asked
    }

    fn filter_view(&mut self, id: ScreenId, filter: &str) -> Vec<ScreenEffect> {
        let Some(layer) = self.views.iter_mut().find(|layer| layer.id == id) else {
            return Vec::new();
        };
        let effects = layer.screen.filter(filter, &mut self.session);
        self.obey(id, effects)
    }

    /// The filters in force, but not one that the command line gave.
    pub fn filters(&self) -> Vec<(ScreenId, String)> {
        let filter = |layer: &Layer| (layer.id, layer.screen.filtered());
        let all = self.views.iter().map(filter);
        let given = self.given.as_deref().unwrap_or_default();
        all.filter(|(_, filter)| !filter.is_empty() && filter != given.trim())
            .collect()
    }

    /// The columns and the order of each view that has some.
    pub fn layouts(&self) -> Vec<(ScreenId, Layout)> {
        let layout = |layer: &Layer| Some((layer.id, layer.screen.layout()?));
        self.views.iter().filter_map(layout).collect()
    }

    /// The number of runs, up to two; a run of only broken lines does not count.
    fn runs_with_content(&self) -> usize {
        let runs = self.session.loaded.store.runs().iter();
        runs.filter(|run| has_content(run)).take(2).count()
    }

    /// Chooses the stream for one run and the table for several, until a key is pressed.
    fn find_start(&mut self) -> Vec<ScreenEffect> {
        if self.start == Start::Found || self.session.loaded.store.is_empty() {
            return Vec::new();
        }
        let runs = self.runs_with_content();
        let fitting = match runs {
            2.. => ScreenId::Runs,
            // More runs may come.
            _ if self.session.is_loading() => return Vec::new(),
            _ => ScreenId::Stream,
        };
        self.start = Start::Found;
        self.session.here = Here::default();
        if fitting == self.route.here().view {
            return Vec::new();
        }
        self.route = Route::new(fitting);
        self.enter()
    }

    /// Hands the answer of a task to the screen that started it.
    pub fn answered(&mut self, from: ScreenId, answer: tasks::Answer) -> Vec<ScreenEffect> {
        let mut layers = self.views.iter_mut().chain(&mut self.over);
        let layer = layers.find(|layer| layer.id == from);
        let screen = layer.map(|layer| &mut *layer.screen as &mut dyn Any);
        let effects = answer.deliver(screen, &mut self.session);
        self.obey(from, effects)
    }

    /// Evaluates the alert rules again when the clock alone may raise an alert.
    fn watch_clock(&mut self) -> Vec<ScreenEffect> {
        if self.session.alert_due() != Some(Duration::ZERO) {
            return Vec::new();
        }
        self.session.alerting.is_outdated = true;
        self.every_view(|screen, session| screen.loaded(&News::default(), session))
    }

    /// Time until the frame is stale: until the message on the last line expires, a clock goes on, or a pause of a run
    /// becomes an alert.
    pub fn stays(&self) -> Option<Duration> {
        let notice = self.session.notices.stays(self.session.clock.now());
        let view = self.route.here().view;
        let view = self.views.iter().find(|layer| layer.id == view);
        let clock = view.and_then(|layer| layer.screen.stays());
        notice
            .map(Duration::from_micros)
            .into_iter()
            .chain(clock)
            .chain(self.digit_stays())
            .chain(self.session.asks.stays())
            .chain(self.session.alert_due())
            .min()
    }

    /// The screen that receives keys.
    fn top(&self) -> ScreenId {
        self.over
            .last()
            .map_or(self.route.here().view, |layer| layer.id)
    }

    fn ask_top<T>(&mut self, ask: impl FnOnce(&mut dyn Screen, &mut Session) -> T) -> T {
        let view = self.route.here().view;
        let below = self.views.iter_mut().find(|layer| layer.id == view);
        let layer = self.over.last_mut().or(below).expect("every view is built");
        ask(&mut *layer.screen, &mut self.session)
    }

    fn every_view(
        &mut self,
        mut ask: impl FnMut(&mut dyn Screen, &mut Session) -> Vec<Effect>,
    ) -> Vec<ScreenEffect> {
        let session = &mut self.session;
        let asked: Vec<_> = self
            .views
            .iter_mut()
            .map(|layer| (layer.id, ask(&mut *layer.screen, session)))
            .collect();
        asked
            .into_iter()
            .flat_map(|(id, effects)| self.obey(id, effects))
            .collect()
    }

    /// Shows a view with the current selection.
    fn go(&mut self, view: ScreenId) -> Vec<ScreenEffect> {
        self.over.clear();
        if view == self.route.here().view {
            return Vec::new();
        }
        self.leave();
        self.route.go(Stop::beside(view, self.session.here));
        self.enter()
    }

    /// Stores the selection of the view that is left: keys may have changed it since the last frame.
    fn leave(&mut self) {
        let view = self.route.here().view;
        if let Some(layer) = self.views.iter().find(|layer| layer.id == view) {
            layer.screen.share_selection(&mut self.session);
        }
        self.route.leave(self.session.here);
    }

    fn arrive(&mut self, stop: Stop) -> Vec<ScreenEffect> {
        self.session.here = stop.here;
        self.enter()
    }

    fn enter(&mut self) -> Vec<ScreenEffect> {
        let view = self.route.here().view;
        self.session.place.screen = view;
        let effects = self.ask_top(Screen::entered);
        self.obey(view, effects)
    }

    fn obey(&mut self, from: ScreenId, effects: Vec<Effect>) -> Vec<ScreenEffect> {
        let mut outside = Vec::new();
        for effect in effects {
            match effect {
                Effect::Obey(command, argument) => {
                    outside.extend(self.dispatch(command, &argument));
                }
                Effect::Show(view, filter) => outside.extend(self.show(view, filter.as_deref())),
                Effect::Pop => outside.extend(self.back(from)),
                Effect::Visit(view, here) => outside.extend(self.visit(view, here)),
                Effect::Compare(cohorts) => {
                    outside.extend(self.visit(ScreenId::Cohort, self.session.here));
                    self.ask_top(|screen, _| screen.compare(cohorts));
                }
                Effect::Quit
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Start(_)
                | Effect::Open { .. }
                | Effect::Add(_)
                | Effect::Follow
                | Effect::StopLoading
                | Effect::View { .. }
                | Effect::Edit { .. }
                | Effect::Copy(_)
                | Effect::Alert(..)
                | Effect::Answer(_) => outside.push((from, effect)),
            }
        }
        outside
    }

    /// Opens a view from the one that is shown: going back leads there.
    fn visit(&mut self, view: ScreenId, here: Here) -> Vec<ScreenEffect> {
        self.over.clear();
        self.leave();
        self.session.here = here;
        self.route.go(Stop::inside(view, here));
        self.enter()
    }

    fn back(&mut self, from: ScreenId) -> Vec<ScreenEffect> {
        if self.over.pop().is_some() {
            return Vec::new();
        }
        self.leave();
        match self.route.back() {
            Some(stop) => self.arrive(stop),
            None => vec![(from, Effect::Quit)],
        }
    }
}

#[cfg(test)]
mod tests;
