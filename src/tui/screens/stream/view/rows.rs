//! The list: one line per action, and the lines that belong to it.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::analysis::snippet;
use crate::base::{human, text};
use crate::model::action::Kind;
use crate::tui::screens::outcome;
use crate::tui::screens::stream::columns::{Columns, EXTRA, LETTER};
use crate::tui::screens::stream::layout::Focus;
use crate::tui::screens::stream::layout::kind_word;
use crate::tui::screens::stream::rows::{Figures, RowText, SubRow};
use crate::tui::screens::stream::shorten;
use crate::tui::screens::stream::view::pane;
use crate::tui::screens::stream::{Fold, Placed, Stream};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{Row, Sought};

pub(super) fn head(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (columns, style) = (&stream.frame.columns, theme.styles.faint);
    if stream.query.bar.problem.is_some() && stream.frame.regions.upper_rule.height == 0 {
        return;
    }
    let mut row = Row::new(buf, stream.frame.regions.columns, 0, style);
    let latency = match (columns.merged, stream.list.needs.found) {
        (true, found) if !found.costs => "LAT",
        (true, found) if !found.latencies => "COST",
        (true, _) => "LAT/$",
        (false, _) => "LAT",
    };
    row.right("#", columns.number, style).skip(1);
    for (name, width) in [
        ("TIME", columns.time),
        ("TURN", columns.turn),
        (
            if columns.agent == LETTER {
                "A"
            } else {
                "AGENT"
            },
            columns.agent,
        ),
        (if columns.kind > 1 { "KIND" } else { "" }, columns.kind),
    ] {
        column(&mut row, name, width, style);
    }
    row.cell("TOOL / TEXT", columns.text, style).skip(1);
    for title in stream.extras.titles().take(columns.extras) {
        row.cell(&title, EXTRA, style).skip(1);
    }
    column(&mut row, "ST", columns.status, style);
    for (name, width) in [(latency, columns.latency), ("COST", columns.cost)] {
        if width > 0 {
            row.right(name, width, style).skip(1);
        }
    }
}

pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let area = stream.frame.regions.list;
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    for (y, line) in stream.frame.words.empty.iter().enumerate() {
        Row::new(buf, area, (y + 1) as u16, Style::new())
            .put(&format!("  {line}"), theme.styles.faint);
    }
    for placed in &stream.frame.rows {
        let style = match (placed.is_selected, stream.split.focus) {
            (true, Focus::List) => theme.styles.selected,
            (true, Focus::Inspector) => theme.styles.shadowed,
            (false, _) => Style::new(),
        };
        let painter = Painter {
            theme,
            columns: &stream.frame.columns,
            base: style,
            sought: pane::sought(stream, theme),
        };
        let heading = usize::from(placed.heading.is_some());
        let own = match placed.fold {
            Fold::Below => 0,
            Fold::None | Fold::WithCall(_) => {
                let added = placed.overlaid.lines().count();
                1 + placed.text.below.len() + added
            }
        };
        let lines = heading + own;
        let rows = placed.at.row..usize::from(area.height);
        for (line, y) in (placed.at.skip..lines).zip(rows) {
            let row = |style| (area, y as u16, style);
            match (line.checked_sub(heading), &placed.heading) {
                (None, Some(words)) => painter.heading(words, new(buf, row(Style::new()))),
                (Some(0) | None, _) => painter.action(placed, new(buf, row(style))),
                (Some(below), _) => {
                    let added = placed.overlaid.lines();
                    let mut all = placed.text.below.iter().chain(added);
                    if let Some(sub) = all.nth(below - 1) {
                        painter.below(sub, new(buf, row(Style::new())));
                    }
                }
            }
        }
    }
}

fn new(buf: &mut Buffer, (area, y, style): (Rect, u16, Style)) -> Row<'_> {
    Row::new(buf, area, y, style)
}

struct Painter<'a> {
    theme: &'a Theme,
    columns: &'a Columns,
    /// What the whole row has on it: the selection.
    base: Style,
    sought: Sought<'a>,
}

impl Painter<'_> {
    fn over(&self, style: Style) -> Style {
        if self.base == Style::new() {
            style
        } else {
            style.patch(self.base)
        }
    }

    /// Where a run or a turn begins.
    fn heading(&self, words: &str, mut row: Row<'_>) {
        let (rule, faint) = (self.theme.marks.horizontal, self.theme.styles.faint);
        row.put(&rule.repeat(self.columns.number), faint)
            .put(" ", faint)
            .put(words, self.theme.styles.strong)
            .put(" ", faint);
        let room = row.room();
        row.put(&rule.repeat(room), faint);
    }

    fn action(&self, placed: &Placed, mut row: Row<'_>) {
        let text = &*placed.text;
        let (theme, columns, none) = (self.theme, self.columns, self.theme.marks.none);
        let faint = self.over(theme.styles.faint);
        let number = text
            .number
            .map_or_else(|| none.to_owned(), |number| number.to_string());
        row.right(&number, columns.number, faint);
        let unmarked = match (
            placed.is_hit,
            placed.overlaid.is_evidence,
            placed.overlaid.is_behind,
        ) {
            (true, _, _) => theme.marks.hit,
            (false, true, _) => theme.marks.alert,
            (false, false, true) => theme.marks.behind,
            (false, false, false) => " ",
        };
        let mark = placed
            .mark
            .map_or_else(|| unmarked.to_owned(), String::from);
        // A blank has no ground and no line under it.
        let style = if mark == " " {
            Style::new()
        } else {
            theme.styles.waiting
        };
        row.put(&mark, self.over(style));
        let time = if text.time.is_empty() {
            none
        } else {
            &text.time
        };
        column(&mut row, time, columns.time, faint);
        let turn = text
            .turn
            .map_or_else(|| none.to_owned(), |turn| format!("T{turn}"));
        column(&mut row, &turn, columns.turn, faint);
        self.agent(text, &mut row);
        let kind = self.over(theme.kind(text.kind));
        let mark = theme.marks.kind(text.kind);
        let word = if columns.kind > 1 {
            format!("{mark} {}", kind_word(text.kind))
        } else {
            mark.to_owned()
        };
        column(&mut row, &word, columns.kind, kind);
        let again = |is_short| again((text.is_retry, is_short), placed.nth, theme.marks.retry);
        let (copied, tone) = if text.is_copied {
            ("copied · ", theme.styles.faint)
        } else {
            ("", theme.styles.text)
        };
        let asked = match &placed.fold {
            Fold::WithCall(asked) => Some(asked),
            Fold::None | Fold::Below => None,
        };
        let before = |is_short| format!("{}{copied}{}", asks(asked, text), again(is_short));
        let fits = text::width(&before(false)) + text::width(&text.text) <= columns.text;
        let before = before(!fits);
        let room = columns.text.saturating_sub(text::width(&before));
        let content = if text.kind == Kind::ToolCall {
            shorten::call(&text.text, room)
        } else {
            Cow::Borrowed(text.text.as_str())
        };
        let content = self.or_match(content, placed, room);
        let words = format!("{before}{content}");
        let style = (self.over(tone), self.sought);
        row.cell_with(&words, columns.text, style).skip(1);
        for value in placed.extras.iter().take(columns.extras) {
            let value = value.as_deref().unwrap_or(none);
            row.cell(value, EXTRA, self.over(theme.styles.text)).skip(1);
        }
        let (words, style) = outcome::status((text.status, text.is_waiting), theme, columns.status);
        column(&mut row, &words, columns.status, self.over(style));
        let clock = placed.open.map(human::clock);
        let latency = clock.as_deref().or(text.figures.latency.as_deref());
        let asked_for = |of: fn(&Figures) -> &Option<String>| of(asked?).as_deref();
        let cost = |cells: usize| {
            let exact = text.figures.cost.as_deref().or(asked_for(|it| &it.cost));
            exact
                .filter(|cost| text::width(cost) <= cells)
                .or(text.figures.cents.as_deref())
                .or(asked_for(|it| &it.cents))
        };
        let latency = latency.or(asked_for(|it| &it.latency));
        let latency = if columns.merged {
            latency.or_else(|| cost(columns.latency))
        } else {
            latency
        };
        for (value, width) in [
            (latency, columns.latency),
            (cost(columns.cost), columns.cost),
        ] {
            if width > 0 {
                row.right(value.unwrap_or(none), width, faint).skip(1);
            }
        }
    }

    /// The text around the match behind the name of the tool, where neither the row nor the rows below show it.
    fn or_match<'w>(&self, content: Cow<'w, str>, placed: &Placed, room: usize) -> Cow<'w, str> {
        let Some(around) = &placed.snippet else {
            return content;
        };
        let holds = |words: &str| snippet::holds(words, self.sought.texts);
        if holds(&text::cut(&content, room)) || placed.text.below.iter().any(|sub| holds(&sub.text))
        {
            return content;
        }
        let words = &placed.text.text;
        let name = match placed.text.kind {
            Kind::ToolCall => words.split(' ').next().unwrap_or_default(),
            _ => "",
        };
        let name = text::cut(name, room / 3);
        let around = snippet::nearer(
            around,
            self.sought.texts,
            room.saturating_sub(text::width(&name) + 1),
        );
        Cow::Owned(format!("{name} {around}").trim_start().to_owned())
    }

    /// The agent; a subagent has its lane mark, and in two cells it is a mark and a letter.
    fn agent(&self, text: &RowText, row: &mut Row<'_>) {
        let width = self.columns.agent;
        let lane = if text.is_lane {
            self.theme.marks.lane
        } else {
            ""
        };
        let name = if width == LETTER {
            text.agent.chars().take(1).collect()
        } else {
            text.agent.clone()
        };
        let padded = if width == LETTER && lane.is_empty() {
            format!(" {name}")
        } else {
            format!("{lane}{name}")
        };
        column(row, &padded, width, self.over(self.theme.lane(&text.agent)));
    }

    fn below(&self, sub: &SubRow, mut row: Row<'_>) {
        let indent = self.columns.number + 1;
        let style = pane::tone(self.theme, sub.tone);
        row.skip(indent)
            .put(self.theme.marks.branch, self.theme.styles.faint)
            .put(" ", Style::new())
            .put_with(&sub.text, (style, self.sought));
    }
}

/// The sign of a model call that is folded into the tool it asked for, with its latency if the tool has one
/// of its own.
fn asks(asked: Option<&Figures>, text: &RowText) -> String {
    match asked.map(|asked| &asked.latency) {
        Some(Some(latency)) if text.figures.latency.is_some() => format!("→ {latency} "),
        Some(_) => "→ ".to_owned(),
        None => String::new(),
    }
}

/// The prefix of a repeated call. The short one leaves its cells to what the call is about.
fn again((is_retry, is_short): (bool, bool), nth: Option<u32>, mark: &str) -> String {
    match (is_retry, nth, is_short) {
        (true, Some(nth), false) => format!("{mark} retry ×{nth} · "),
        (true, Some(nth), true) => format!("{mark}×{nth} · "),
        (true, None, false) => format!("{mark} retry · "),
        (true, None, true) => format!("{mark} "),
        (false, Some(nth), false) => format!("×{nth} same args · "),
        (false, Some(nth), true) => format!("×{nth} · "),
        (false, None, _) => String::new(),
    }
}

fn column(row: &mut Row<'_>, text: &str, width: usize, style: Style) {
    if width > 0 {
        row.cell(text, width, style).skip(1);
    }
}
