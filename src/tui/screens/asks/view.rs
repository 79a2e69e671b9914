//! Draws the asks: only what `prepare` provides, in the roles of the theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::act::ask::State;
use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::screens::asks::contents::{Line, Listed, Tone};
use crate::tui::screens::asks::{AsksView, Looking};
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};
use crate::tui::widgets::popup::{self, Edges};

pub(super) fn draw(asks: &AsksView, theme: &Theme, buf: &mut Buffer) {
    let (frame, styles) = (&asks.frame, &theme.styles);
    let regions = &frame.regions;
    heads(regions.heads, theme, buf);
    for y in 0..regions.list.height {
        match frame.rows.get(usize::from(y)) {
            Some(listed) => row(listed, theme, (regions.list, y), buf),
            None if y == 0 => {
                let words = "  no tool call is waiting for approval";
                Row::new(buf, regions.list, y, styles.text).put(words, styles.faint);
            }
            None => {
                Row::new(buf, regions.list, y, styles.text);
            }
        }
    }
    paint::rule(
        buf,
        regions.about_rule,
        0,
        (theme.marks.horizontal, styles.faint),
    );
    lines(&frame.about, regions.about, (theme, Style::new()), buf);
    if let Some(mut foot) = paint::foot(buf, (regions.lower_rule, regions.footer), theme) {
        let hints: &[Command] = if frame.rows.is_empty() { &[] } else { HINTS };
        hints::draw(None, hints, theme, &mut foot);
    }
    if let Some(looking) = &asks.looking {
        question(asks, looking, theme, buf);
    }
}

const HINTS: &[Command] = &[
    Command::Open,
    Command::Approve,
    Command::Deny,
    Command::CopyAskRule,
];

const ASKED: usize = 9;
const LEFT: usize = 9;
const HOST: usize = 13;
const TOOL: usize = 16;
const RULE: usize = 16;

fn heads(area: Rect, theme: &Theme, buf: &mut Buffer) {
    let faint = theme.styles.faint;
    let mut row = Row::new(buf, area, 0, faint);
    row.flush_right(&format!("{:RULE$}", "RULE"), faint);
    row.skip(2)
        .cell("ASKED", ASKED, faint)
        .cell("LEFT", LEFT, faint)
        .cell("HOST", HOST, faint)
        .cell("TOOL", TOOL, faint)
        .put("WHAT", faint);
}

fn row(listed: &Listed, theme: &Theme, (area, y): (Rect, u16), buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut base = styles.row(listed.is_selected);
    if !listed.is_open {
        base = base.add_modifier(Modifier::CROSSED_OUT);
    }
    let over = |style: Style| style.patch(base);
    let mut row = Row::new(buf, area, y, base);
    let rule = text::cut(&listed.rule, RULE - 1).into_owned();
    row.flush_right(
        &format!("{rule}{}", " ".repeat(RULE - text::width(&rule))),
        over(styles.faint),
    );
    let mark = if listed.is_selected {
        theme.marks.folded
    } else {
        " "
    };
    let tone = if listed.is_open {
        styles.waiting
    } else {
        styles.faint
    };
    row.cell(mark, 2, over(styles.text))
        .cell(&listed.asked, ASKED, over(styles.faint))
        .cell(&listed.left, LEFT, over(tone))
        .cell(&text::cut(&listed.host, HOST - 1), HOST, over(styles.text))
        .cell(&text::cut(&listed.tool, TOOL - 1), TOOL, over(styles.tool));
    let room = row.room().saturating_sub(1);
    row.put(&text::cut(&listed.what, room), over(styles.text));
}

fn lines(shown: &[Line], area: Rect, (theme, ground): (&Theme, Style), buf: &mut Buffer) {
    for y in 0..area.height {
        let mut row = Row::new(buf, area, y, ground);
        if let Some(line) = shown.get(usize::from(y)) {
            let styles = &theme.styles;
            let style = match line.tone {
                Tone::Plain => styles.text,
                Tone::Faint => styles.faint,
                Tone::Strong => styles.strong,
                Tone::Warning => styles.error,
            };
            row.put(" ", ground).put(&line.words, style.patch(ground));
        }
    }
}

/// ```text
/// ┌ may claude-code run Bash? ──────────────────┐
/// │ rule rm: recursive delete                   │
/// │ command: rm -rf build                       │
/// │ y approve  n deny  esc later                │
/// └───────────────────────────────────── 9:41 ┘
/// ```
fn question(asks: &AsksView, looking: &Looking, theme: &Theme, buf: &mut Buffer) {
    let frame = &asks.frame;
    let edges = Edges {
        title: &frame.title,
        hint: "",
        foot: &frame.foot,
    };
    let inside = popup::draw(frame.regions.question, edges, theme, buf);
    let ground = theme.styles.shadow;
    let text = Rect {
        height: inside.height.saturating_sub(1),
        ..inside
    };
    lines(&frame.question, text, (theme, ground), buf);
    let styles = &theme.styles;
    let mut row = Row::new(buf, inside, inside.height.saturating_sub(1), ground);
    let faint = styles.faint.patch(ground);
    match &looking.answering {
        Some((state, prompt)) => {
            let words = match state {
                State::Approved => " approve, reason (optional): ",
                State::Denied => " deny, reason: ",
            };
            row.put(words, styles.strong.patch(ground));
            let room = row.room();
            prompt.draw(&mut row, room, (styles.text.patch(ground), styles.selected));
        }
        None if frame.is_ready => {
            let key = |command| theme.keymap.keys(command).join(" ");
            row.put(
                &format!(" {} ", key(Command::Approve)),
                styles.strong.patch(ground),
            )
            .put("approve  ", faint)
            .put(&key(Command::Deny), styles.strong.patch(ground))
            .put(" deny  ", faint)
            .put(&key(Command::Cancel), styles.strong.patch(ground))
            .put(" later", faint);
        }
        None => {
            row.put(" read it first…", faint);
        }
    }
}
