//! Navigation between views: the current one, the way back, and forward again.

use crate::tui::screen::id::ScreenId;
use crate::tui::session::Here;

/// A view and its selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) view: ScreenId,
    pub(super) here: Here,
    entry: Entry,
}

/// How the user got to a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// With its tab.
    Beside,
    /// By opening something in the previous view: back leads there.
    Inside,
}

impl Stop {
    pub(super) fn beside(view: ScreenId, here: Here) -> Stop {
        Stop {
            view,
            here,
            entry: Entry::Beside,
        }
    }

    pub(super) fn inside(view: ScreenId, here: Here) -> Stop {
        Stop {
            view,
            here,
            entry: Entry::Inside,
        }
    }
}

/// The stops in order; never empty.
#[derive(Debug)]
pub(super) struct Route {
    home: ScreenId,
    stops: Vec<Stop>,
    at: usize,
}

/// The most stops to keep.
const LONGEST: usize = 100;

impl Route {
    pub(super) fn new(home: ScreenId) -> Route {
        Route {
            home,
            stops: vec![Stop::beside(home, Here::default())],
            at: 0,
        }
    }

    pub(super) fn here(&self) -> Stop {
        self.stops[self.at]
    }

    /// Stores the selection for when the user comes back.
    pub(super) fn leave(&mut self, here: Here) {
        self.stops[self.at].here = here;
    }

    /// A new stop; the way forward is forgotten.
    pub(super) fn go(&mut self, stop: Stop) {
        self.stops.truncate(self.at + 1);
        self.stops.push(stop);
        if self.stops.len() > LONGEST {
            self.stops.remove(0);
        }
        self.at = self.stops.len() - 1;
    }

    /// One stop back or forward, as in a browser; `None` at the ends.
    pub(super) fn step(&mut self, forward: bool) -> Option<Stop> {
        let at = if forward {
            self.at + 1
        } else {
            self.at.checked_sub(1)?
        };
        self.at = self.stops.get(at).map(|_| at)?;
        Some(self.here())
    }

    /// Back to where this view was opened, else to the first view; `None` from the first view.
    pub(super) fn back(&mut self) -> Option<Stop> {
        let here = self.here();
        match here.entry {
            Entry::Inside => self.step(false),
            Entry::Beside if here.view == self.home => None,
            Entry::Beside => {
                self.go(Stop::beside(self.home, here.here));
                Some(self.here())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Route, Stop};
    use crate::model::run::RunIx;
    use crate::tui::screen::id::ScreenId;
    use crate::tui::session::Here;

    fn on(run: u32) -> Here {
        Here {
            run: Some(RunIx(run)),
            ..Here::default()
        }
    }

    #[test]
    fn back_leads_to_where_a_run_was_opened_and_then_out() {
        let mut route = Route::new(ScreenId::Runs);
        route.leave(on(3));
        route.go(Stop::inside(ScreenId::Stream, on(3)));
        let back = route.back().expect("the runs");
        assert_eq!((back.view, back.here), (ScreenId::Runs, on(3)));
        assert_eq!(route.back(), None);
    }

    #[test]
    fn back_from_a_tab_leads_to_the_first_view_however_often_tabs_were_changed() {
        let mut route = Route::new(ScreenId::Runs);
        for view in [ScreenId::Stream, ScreenId::Runs, ScreenId::Stream] {
            route.go(Stop::beside(view, on(1)));
        }
        assert_eq!(route.back().map(|stop| stop.view), Some(ScreenId::Runs));
        assert_eq!(route.back(), None);
    }

    #[test]
    fn history_steps_both_ways_until_a_new_stop_is_made() {
        let mut route = Route::new(ScreenId::Stream);
        route.go(Stop::beside(ScreenId::Runs, on(1)));
        assert_eq!(route.step(true), None);
        assert_eq!(
            route.step(false).map(|stop| stop.view),
            Some(ScreenId::Stream)
        );
        assert_eq!(route.step(false), None);
        assert_eq!(route.step(true).map(|stop| stop.here), Some(on(1)));
        route.step(false);
        route.go(Stop::inside(ScreenId::Runs, on(2)));
        assert_eq!(route.step(true), None);
    }
}
