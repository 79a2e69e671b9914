//! A text that may be Markdown as rows: every line as it is written, with blocks of code to fold, and
//! headings, lists and marked words set apart.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use crate::tui::widgets::outline::build::{Builder, New, margin, pieces};
use crate::tui::widgets::outline::diff;
use crate::tui::widgets::tone::Tone;

/// What the parser found in the text, by bytes.
#[derive(Debug, Default)]
struct Markup {
    tones: Vec<(Range<usize>, Tone)>,
    code: Vec<(Range<usize>, String)>,
}

/// Adds the lines of `text`.
pub fn text(builder: &mut Builder, text: &str) {
    if diff::is_patch(text) {
        return diff::patch(builder, text);
    }
    let (head, rest) = builder.head_of(text);
    let found = find(head);
    let mut code = found.code.iter().peekable();
    let mut tones = found.tones.as_slice();
    let mut at = 0;
    while at < head.len() {
        let line_end = end_of_line(head, at);
        while code.next_if(|(block, _)| block.end <= at).is_some() {}
        if builder.is_full() {
            let left = crate::base::human::bytes((text.len() - at) as u64);
            builder.more(&format!("{left} more of this text"));
            return;
        }
        if let Some((block, language)) =
            code.next_if(|(block, _)| (at..line_end).contains(&block.start))
        {
            fence(builder, head, (block.clone(), language));
            at = end_of_line(head, block.end.saturating_sub(1).max(at));
            continue;
        }
        while tones.first().is_some_and(|(range, _)| range.end <= at) {
            tones = &tones[1..];
        }
        line(builder, head, at..line_end, tones);
        at = line_end;
    }
    builder.count(rest);
}

fn find(text: &str) -> Markup {
    let mut found = Markup::default();
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                found.code.push((range, language.into_string()));
            }
            Event::Start(Tag::Heading { .. } | Tag::Strong | Tag::TableHead) => {
                found.tones.push((range, Tone::Strong));
            }
            Event::Start(Tag::BlockQuote(_)) => found.tones.push((range, Tone::Faint)),
            Event::Start(Tag::Link { .. }) | Event::Code(_) => found.tones.push((range, Tone::Key)),
            Event::TaskListMarker(_) => found.tones.push((range, Tone::Number)),
            _ => {}
        }
    }
    found
}

fn end_of_line(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |at| from + at + 1)
}

/// A block of code: its language and length, and its lines below. The fences are not shown.
fn fence(builder: &mut Builder, text: &str, (block, language): (Range<usize>, &str)) {
    let block = text.get(block).unwrap_or_default();
    let mut lines: Vec<&str> = block.lines().skip(1).collect();
    let is_fence =
        |line: &&str| line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
    if lines.last().is_some_and(is_fence) {
        lines.pop();
    }
    let language = language.split_whitespace().next().unwrap_or("code");
    let plural = if lines.len() == 1 { "" } else { "s" };
    let title = format!("{language} · {} line{plural}", lines.len());
    builder.open(New {
        tone: Tone::Faint,
        ..New::section(&title)
    });
    let code = lines.join("\n");
    if diff::is_patch(&code) || language == "diff" {
        diff::patch(builder, &code);
    } else {
        builder.lines(Tone::String, &code);
    }
    builder.close();
}

/// One line; where it is long, rows for its pieces.
fn line(builder: &mut Builder, text: &str, range: Range<usize>, tones: &[(Range<usize>, Tone)]) {
    let whole = text
        .get(range.clone())
        .unwrap_or_default()
        .trim_end_matches(['\n', '\r']);
    let mut start = range.start;
    for piece in pieces(whole) {
        builder.push(New {
            hang: hang(piece),
            ..New::line(Tone::Plain, piece)
        });
        let end = start + piece.len();
        for (part, tone) in parts(start..end, tones) {
            builder.span(part.start - start..part.end - start, tone);
        }
        start = end;
    }
}

/// The parts of a stretch with a tone of their own; of ranges inside each other the inner one counts.
fn parts(stretch: Range<usize>, tones: &[(Range<usize>, Tone)]) -> Vec<(Range<usize>, Tone)> {
    let near: Vec<_> = tones
        .iter()
        .take_while(|(range, _)| range.start < stretch.end)
        .filter(|(range, _)| range.end > stretch.start)
        .collect();
    let inside = |at: usize| at.clamp(stretch.start, stretch.end);
    let mut edges: Vec<usize> = near
        .iter()
        .flat_map(|(range, _)| [inside(range.start), inside(range.end)])
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let pairs = edges.windows(2).map(|pair| pair[0]..pair[1]);
    let toned = pairs.filter_map(|part| {
        let inner = near
            .iter()
            .rev()
            .find(|(range, _)| range.start <= part.start && part.end <= range.end);
        inner.map(|(_, tone)| (part, *tone))
    });
    toned.collect()
}

/// Where the further lines of a wrapped line begin: below the words of a list item, not below its mark.
fn hang(line: &str) -> usize {
    let bare = line.trim_start();
    let mark = ["- ", "* ", "+ ", "> "]
        .iter()
        .find(|mark| bare.starts_with(**mark));
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = bare
        .get(digits..)
        .is_some_and(|rest| digits > 0 && (rest.starts_with(". ") || rest.starts_with(") ")));
    let mark = match (mark, numbered) {
        (Some(mark), _) => mark.len(),
        (None, true) => digits + 2,
        (None, false) => 0,
    };
    (margin(line) + mark).min(24)
}
