//! A row of an outline as lines of the screen: harmless, wrapped, in tones.

use crate::base::text;
use crate::tui::widgets::outline::{Form, Outline};
use crate::tui::widgets::tone::{Line, Tone};

/// Cells of the fold mark of a row.
pub const MARK: usize = 2;
/// The minimum width of a text at any depth.
const LEAST: usize = 12;
/// A folded row shows so much of what is inside.
const PREVIEW: usize = 200;

/// The lines of a row; the first begins after [`indent`] and the mark, the further ones too.
pub fn lines(outline: &Outline, at: usize, is_folded: bool, width: usize) -> Vec<Line> {
    let row = outline.row(at);
    let room = room(outline, at, width);
    let lead = lead(outline, at);
    let lead_width: usize = lead.iter().map(|(_, piece)| text::width(piece)).sum();
    let hang = usize::from(row.hang);
    let is_list = row.form == Form::Line;
    let pieces = pieces(outline, at, is_folded);
    // A list item carries its mark in its text: only its further lines are moved in.
    let hang = if hang + LEAST > room { 0 } else { hang };
    let cells = (room - hang).max(1);
    let rows = if is_list {
        wrap_first(&pieces, room, cells)
    } else {
        wrap(&pieces, cells)
    };
    let mut lines: Vec<Line> = Vec::with_capacity(rows.len());
    let mut lead = Some(lead);
    for (number, pieces) in rows.into_iter().enumerate() {
        let mut line = Line::new();
        let wide = lead_width > hang;
        match lead.take() {
            Some(mut lead) => {
                let own: usize = pieces.iter().map(|(_, piece)| text::width(piece)).sum();
                if wide && lead_width + own > room && !pieces.is_empty() {
                    // The key takes its line, the value begins below it.
                    cut(&mut lead, room);
                    lines.push(lead);
                    line.push((Tone::Plain, " ".repeat(hang)));
                } else {
                    line.extend(lead);
                    if !is_list {
                        line.push((Tone::Plain, " ".repeat(hang.saturating_sub(lead_width))));
                    }
                }
            }
            None => line.push((Tone::Plain, " ".repeat(if number > 0 { hang } else { 0 }))),
        }
        line.extend(pieces);
        lines.push(line);
    }
    lines
}

/// How many lines [`lines`] gives.
pub fn height(outline: &Outline, at: usize, is_folded: bool, width: usize) -> usize {
    let row = outline.row(at);
    let room = room(outline, at, width);
    let short = outline.text(at).len() + outline.key(at).len() + usize::from(row.hang) + 4 <= room;
    if short
        && outline.text(at).is_ascii()
        && !is_folded
        && row.form == Form::Line
        && !outline.text(at).bytes().any(|byte| byte < b' ')
    {
        return 1;
    }
    lines(outline, at, is_folded, width).len()
}

/// Cells before the mark of a row.
pub fn indent(outline: &Outline, at: usize, width: usize) -> usize {
    (usize::from(outline.row(at).depth) * 2).min(width / 2)
}

fn room(outline: &Outline, at: usize, width: usize) -> usize {
    width
        .saturating_sub(indent(outline, at, width) + MARK)
        .max(1)
}

/// The key, with the space before its value.
fn lead(outline: &Outline, at: usize) -> Line {
    let key = outline.key(at);
    if outline.item(at).is_some() {
        return vec![(Tone::Faint, "- ".to_owned())];
    }
    if key.is_empty() {
        return Line::new();
    }
    vec![
        (Tone::Key, text::sanitize(key).into_owned()),
        (Tone::Plain, "  ".to_owned()),
    ]
}

fn cut(lead: &mut Line, room: usize) {
    for (_, piece) in lead {
        *piece = text::cut(piece, room).into_owned();
    }
}

/// The text of a row in its tones; of what is folded and of containers a few words.
fn pieces(outline: &Outline, at: usize, is_folded: bool) -> Line {
    let row = outline.row(at);
    match row.form {
        Form::Object | Form::Array | Form::Text if outline.text(at).is_empty() => {
            let words = if is_folded {
                preview(outline, at)
            } else if row.form == Form::Array {
                inside(outline, at)
            } else {
                outline
                    .item(at)
                    .map(|number| format!("[{number}]"))
                    .unwrap_or_default()
            };
            vec![(Tone::Faint, words)]
        }
        Form::More => vec![(
            row.tone,
            format!("… {} (enter shows more)", text::sanitize(outline.text(at))),
        )],
        Form::Object | Form::Array | Form::Text | Form::Scalar | Form::Line | Form::Section => {
            toned(outline, at)
        }
    }
}

fn toned(outline: &Outline, at: usize) -> Line {
    let (whole, tone) = (outline.text(at), outline.row(at).tone);
    let mut pieces = Line::new();
    let mut done = 0;
    let mut add = |tone, range: std::ops::Range<usize>| {
        if let Some(part) = whole.get(range).filter(|part| !part.is_empty()) {
            pieces.push((tone, text::sanitize(part).into_owned()));
        }
    };
    for span in outline.spans(at) {
        let (start, end) = (span.start as usize, span.end as usize);
        add(tone, done..start.max(done));
        add(span.tone, start.max(done)..end.max(done));
        done = done.max(end);
    }
    add(tone, done..whole.len());
    pieces
}

fn inside(outline: &Outline, at: usize) -> String {
    let count = outline.children(at).take(1_000_000).count();
    format!("{count} item{}", if count == 1 { "" } else { "s" })
}

/// `order_id "8841", amount 4200, …`: what a folded row holds.
fn preview(outline: &Outline, at: usize) -> String {
    let mut words = String::new();
    let mut children = outline.children(at);
    for child in children.by_ref() {
        if !words.is_empty() {
            words.push_str(if outline.row(at).form == Form::Text {
                " · "
            } else {
                ", "
            });
        }
        let key = outline.key(child);
        if !key.is_empty() {
            words.push_str(&text::sanitize(key));
            words.push(' ');
        }
        let content = outline.text(child);
        let content = content
            .get(..content.floor_char_boundary(PREVIEW))
            .unwrap_or_default();
        words.push_str(&text::sanitize(if content.is_empty() {
            "…"
        } else {
            content.trim()
        }));
        if words.len() > PREVIEW {
            break;
        }
    }
    if children.next().is_some() {
        words.push_str(", …");
    }
    words
}

/// Wraps text in tones: as [`text::wrap`] does it, the tones kept.
pub fn wrap(pieces: &Line, cells: usize) -> Vec<Line> {
    let whole: String = pieces.iter().map(|(_, piece)| piece.as_str()).collect();
    if text::width(&whole) <= cells {
        return vec![pieces.clone()];
    }
    retone(pieces, &text::wrap(&whole, cells))
}

/// The same with more room for the first line.
fn wrap_first(pieces: &Line, room: usize, cells: usize) -> Vec<Line> {
    let whole: String = pieces.iter().map(|(_, piece)| piece.as_str()).collect();
    if text::width(&whole) <= room {
        return vec![pieces.clone()];
    }
    if room == cells {
        return retone(pieces, &text::wrap(&whole, cells));
    }
    let first = text::wrap(&whole, room)
        .into_iter()
        .next()
        .unwrap_or_default();
    let mut rest = whole.get(first.len()..).unwrap_or_default();
    if text::width(&first) == room {
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
    let mut rows = vec![first];
    rows.extend(text::wrap(rest, cells));
    retone(pieces, &rows)
}

/// Cuts `pieces` at the ends of `rows`, which hold the same text but for single spaces at the breaks.
fn retone(pieces: &Line, rows: &[String]) -> Vec<Line> {
    let mut rest = pieces.iter().map(|(tone, piece)| (*tone, piece.as_str()));
    let mut open = rest.next();
    let mut lines = Vec::with_capacity(rows.len());
    for (number, row) in rows.iter().enumerate() {
        let mut line = Line::new();
        let mut needed = row.as_str();
        if number > 0
            && !needed.starts_with(' ')
            && let Some((tone, piece)) = open
        {
            open = Some((tone, piece.strip_prefix(' ').unwrap_or(piece)));
        }
        while !needed.is_empty() {
            let Some((tone, piece)) = open else { break };
            let taken = piece.len().min(needed.len());
            if taken > 0 {
                line.push((tone, piece.get(..taken).unwrap_or_default().to_owned()));
                needed = needed.get(taken..).unwrap_or_default();
            }
            open = piece
                .get(taken..)
                .filter(|left| !left.is_empty())
                .map(|left| (tone, left))
                .or_else(|| rest.next());
        }
        lines.push(line);
    }
    lines
}
