//! The first line of the screen: where one is, how far loading got, the tabs of the views.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text;
use crate::tui::keys::{Command, Meaning};
use crate::tui::screen::Headline;
use crate::tui::screen::id::{self, ScreenId, Tab};
use crate::tui::session::Session;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;

/// Where things to click were drawn last.
#[derive(Debug, Default)]
pub(super) struct Header {
    places: Vec<(Range<u16>, Meaning)>,
}

const PROGRAM: &str = "saferun";
/// The least useful width of a crumb.
const LEAST_CRUMB: usize = 6;
/// What the last crumb takes at least, if it is long.
const LEAST_RUN: usize = 16;

impl Header {
    /// ```text
    ///  saferun › traces › run 7f3a91      48,201 actions   indexing 34 % · 1.2 GB   1 Stream  2 Runs  ? help
    /// ```
    pub(super) fn draw(
        &mut self,
        (headline, current): (&Headline<'_>, ScreenId),
        session: &Session,
        theme: &Theme,
        (area, buf): (Rect, &mut Buffer),
    ) {
        let styles = &theme.styles;
        let mut row = Row::new(buf, area, 0, styles.text);
        self.places.clear();
        let key = |command| theme.keymap.key(command);
        let help = key(Command::Help).map(|key| format!(" {key} help "));
        let help = help.unwrap_or_else(|| " help ".to_owned());
        self.put(
            &help,
            styles.faint,
            Meaning::Command(Command::Help),
            &mut row,
        );
        let asks = session.asks.badge(session.clock.now());
        if !asks.is_empty() {
            let list = Meaning::View(ScreenId::Asks);
            self.put(&format!(" {asks} "), styles.waiting, list, &mut row);
        }
        let unread = session.notices.unread();
        if unread > 0 {
            let words = key(Command::Notices).map(|key| format!(" {key} {unread} "));
            let words = words.unwrap_or_else(|| format!(" {unread} messages "));
            let list = Meaning::Command(Command::Notices);
            self.put(&words, styles.error, list, &mut row);
        }
        let least = headline.crumbs.last().map_or(0, |run| {
            let whole = text::width(run);
            // A long title gives way to the names of the views, a short one does not.
            whole.min(LEAST_RUN) + 2
        });
        let loading = session.loading_words();
        let told = if loading.is_empty() {
            0
        } else {
            text::width(&loading) + 3
        };
        self.draw_tabs(
            current,
            row.room().saturating_sub(least + told),
            (theme, session.unseen_alerts()),
            &mut row,
        );
        if told > 0 {
            row.flush_right(&format!("{loading}   "), styles.waiting);
        }
        let amount = format!("  {}   ", headline.amount);
        if !headline.amount.is_empty() && text::width(&amount) + least <= row.room() {
            row.flush_right(&amount, styles.faint);
        }
        for (place, crumb) in crumbs(headline.crumbs, row.room()).iter().enumerate() {
            match place {
                0 => row.put(" ", styles.faint),
                _ => row.put(&format!(" {} ", theme.marks.crumb), styles.faint),
            };
            let style = if crumb == PROGRAM {
                styles.strong
            } else {
                styles.text
            };
            row.put(crumb, style);
        }
    }

    /// What a click at column `x` asks for.
    pub(super) fn at(&self, x: u16) -> Option<Meaning> {
        let place = self.places.iter().find(|(cells, _)| cells.contains(&x));
        place.map(|(_, meaning)| *meaning)
    }

    /// Writes something to click at the end of the row.
    fn put(&mut self, words: &str, style: Style, meaning: Meaning, row: &mut Row<'_>) {
        let before = row.end();
        row.flush_right(words, style);
        self.places.push((row.end()..before, meaning));
    }

    fn draw_tabs(
        &mut self,
        current: ScreenId,
        room: usize,
        (theme, alerts): (&Theme, usize),
        row: &mut Row<'_>,
    ) {
        for (view, words) in tabs(room, current, alerts).iter().rev() {
            let style = if *view == current {
                theme.styles.selected
            } else if *view == ScreenId::Alerts && alerts > 0 {
                theme.styles.error
            } else {
                Style::new()
            };
            self.put(words, style, Meaning::View(*view), row);
        }
    }
}

/// How a tab is written: its number, its titles, and whether it is that of the current view.
type Way<'a> = &'a dyn Fn(&str, Tab, bool) -> String;

/// The tabs with as much of their titles as fits `room`: all titles, that of the current view and short forms of
/// others, short forms, or only the numbers. `6!2` means that two alerts need attention.
fn tabs(room: usize, current: ScreenId, alerts: usize) -> Vec<(ScreenId, String)> {
    let whole = |number: &str, tab: Tab| format!(" {number} {} ", tab.title);
    // `6!2Ale` would read as one word.
    let begun = |number: &str, tab: Tab| {
        let short = if number.len() > 1 { "" } else { tab.short };
        format!(" {number}{short} ")
    };
    let ways: [Way<'_>; 4] = [
        &|number, tab, _| whole(number, tab),
        &|number, tab, is_current| {
            if is_current {
                whole(number, tab)
            } else {
                begun(number, tab)
            }
        },
        &|number, tab, _| begun(number, tab),
        &|number, _, _| format!(" {number} "),
    ];
    let number = |view: ScreenId, tab: Tab| match (view, alerts) {
        (ScreenId::Alerts, 1..) => format!("{}!{alerts}", tab.number),
        _ => tab.number.to_string(),
    };
    let shown = |words: Way<'_>| -> Vec<(ScreenId, String)> {
        let views = id::views().filter_map(|info| Some((info.id, info.tab?)));
        views
            .map(|(view, tab)| (view, words(&number(view, tab), tab, view == current)))
            .collect()
    };
    let width = |tabs: &[(ScreenId, String)]| -> usize {
        tabs.iter().map(|(_, words)| text::width(words)).sum()
    };
    let all = ways.map(shown);
    let fits = all.iter().find(|tabs| width(tabs) <= room);
    fits.or(all.last()).cloned().unwrap_or_default()
}

/// The way in `room` cells: the crumbs on the left are shortened and left out, and at last the run is cut.
fn crumbs(all: &[String], room: usize) -> Vec<String> {
    let Some((run, left)) = all.split_last() else {
        return vec![PROGRAM.to_owned()];
    };
    let mut left: Vec<String> = left.to_vec();
    left.insert(0, PROGRAM.to_owned());
    loop {
        let taken: usize = left.iter().map(|crumb| text::width(crumb) + 3).sum();
        let excess = (taken + text::width(run) + 1).saturating_sub(room);
        if excess == 0 {
            break;
        }
        let names = left.iter_mut().skip(1);
        let longest = names.max_by_key(|crumb| text::width(crumb));
        if let Some(crumb) = longest.filter(|crumb| text::width(crumb) > LEAST_CRUMB) {
            let cells = text::width(crumb).saturating_sub(excess).max(LEAST_CRUMB);
            *crumb = text::cut(crumb, cells).into_owned();
        } else if left.pop().is_none() {
            break;
        }
    }
    let taken: usize = left.iter().map(|crumb| text::width(crumb) + 3).sum();
    let cells = room.saturating_sub(taken + 1).max(LEAST_CRUMB);
    left.push(text::cut(run, cells).into_owned());
    left
}

#[cfg(test)]
mod tests {
    use super::{crumbs, tabs};

    #[test]
    fn the_crumbs_on_the_left_are_shortened_before_the_run_is() {
        let all = ["258c7280-ae70.jsonl", "support-agent", "run 7f3a91"].map(str::to_owned);
        let fit = |room| crumbs(&all, room).join(" > ");
        assert_eq!(
            fit(80),
            "saferun > 258c7280-ae70.jsonl > support-agent > run 7f3a91"
        );
        assert_eq!(fit(50), "saferun > 258c7280-… > support-agent > run 7f3a91");
        assert_eq!(fit(24), "saferun > run 7f3a91");
        assert_eq!(fit(11), "run 7f3a91");
        assert_eq!(fit(9), "run 7f3…");
    }

    #[test]
    fn the_titles_of_tabs_are_shortened_and_their_numbers_never() {
        let shown = |room, alerts| -> String {
            let all = tabs(room, crate::tui::screen::id::ScreenId::Runs, alerts).into_iter();
            all.map(|(_, words)| words).collect()
        };
        assert!(shown(200, 0).starts_with(" 1 Stream  2 Runs "));
        assert!(shown(68, 0).starts_with(" 1Str  2 Runs  3Rep "));
        assert!(shown(0, 0).starts_with(" 1  2 "));
        assert!(shown(200, 2).contains(" 6!2 Alerts "));
        assert!(shown(68, 2).contains("5Coh  6!2  7Tim "));
        assert!(shown(0, 2).contains(" 6!2 "));
    }
}
