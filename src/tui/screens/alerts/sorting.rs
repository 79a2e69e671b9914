//! The order of the list of alerts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::order;
use crate::tui::keys::Key;
use crate::tui::screens::alerts::{Alerts, Input};
use crate::tui::theme::Theme;
use crate::tui::widgets::letters::{self, Chosen, Letters};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Falling: firing before resolved, then the most severe, then the newest.
    Severity,
    Since,
    Rule,
    Scope,
    Times,
    State,
}

impl By {
    /// Whether the first press sorts falling: names start with A, everything else with the highest.
    fn falls_first(self) -> bool {
        match self {
            By::Severity | By::Since | By::Times => true,
            By::Rule | By::Scope | By::State => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) by: By,
    pub(super) falling: bool,
}

impl Default for Order {
    fn default() -> Order {
        Order {
            by: By::Severity,
            falling: true,
        }
    }
}

/// In the order of the table's columns.
const ORDERS: &[(char, By, &str)] = &[
    ('v', By::Severity, "severity"),
    ('u', By::Rule, "rule"),
    ('c', By::Scope, "scope"),
    ('i', By::Since, "since"),
    ('n', By::Times, "times"),
    ('e', By::State, "state"),
];

impl Order {
    pub(super) fn words(self) -> String {
        order::words(ORDERS[self.place()].2, self.falling)
    }

    pub(super) fn parse(words: &str) -> Option<Order> {
        let (name, falling) = order::parse(words);
        let found = ORDERS.iter().find(|(.., known)| *known == name)?;
        Some(Order {
            by: found.1,
            falling,
        })
    }

    fn place(self) -> usize {
        ORDERS
            .iter()
            .position(|(_, by, _)| *by == self.by)
            .unwrap_or(0)
    }
}

impl Alerts {
    pub(super) fn begin_sort(&mut self) {
        self.input = Input::Sorting(Letters::at(self.order.place()));
    }

    /// A letter sorts at once; `S` reverses.
    pub(super) fn choose_order(&mut self, key: Key) {
        let now = self.order.place();
        let Input::Sorting(letters) = &mut self.input else {
            return;
        };
        let chosen = letters.key(key, &lines(), now);
        if chosen == Chosen::Moved {
            return;
        }
        self.input = Input::Nothing;
        if let Chosen::Line(at) = chosen {
            let by = ORDERS[at].1;
            let falling = if by == self.order.by {
                !self.order.falling
            } else {
                by.falls_first()
            };
            self.order = Order { by, falling };
            self.is_stale = true;
        }
    }
}

pub(super) fn draw(alerts: &Alerts, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Input::Sorting(letters) = &alerts.input else {
        return;
    };
    let now = (alerts.order.place(), alerts.order.falling);
    letters.draw((&lines(), now), theme, (area, buf));
}

fn lines() -> Vec<letters::Line> {
    ORDERS
        .iter()
        .map(|(letter, _, words)| (*letter, *words))
        .collect()
}
