//! Makes text safe for a terminal, one grapheme at a time.
//!
//! Works on decoded characters. Unsafe ones are replaced by plain ASCII or a control picture,
//! never removed, so that the graphemes around them keep their boundaries.

use std::borrow::Cow;
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

const MAX_MARKS: usize = 8;
const MAX_GRAPHEME_BYTES: usize = 32;
const ZERO_WIDTH_JOINER: char = '\u{200d}';

pub(super) fn sanitize(text: &str) -> Cow<'_, str> {
    if super::is_printable_ascii(text) || text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    // A replacement may change how its neighbours join, so passes go on until one changes nothing.
    // Each that changes something leaves fewer characters that could change: it ends.
    let mut shown = pass(text);
    loop {
        let again = pass(&shown);
        if again == shown {
            break;
        }
        shown = again;
    }
    if shown == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(shown)
    }
}

fn pass(text: &str) -> String {
    let mut safe = Safe {
        out: String::with_capacity(text.len() + 16),
        cluster: None,
    };
    for grapheme in text.graphemes(true) {
        safe.add(grapheme);
    }
    safe.out
}

/// Characters that are visible and never join the one before: most text of most languages, and
/// the boxes and dots of terminal programs.
fn is_plain(c: char) -> bool {
    matches!(c,
        ' '..='~'
        | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}'
        | '\u{391}'..='\u{3ff}' | '\u{400}'..='\u{481}'
        | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}'
        | '\u{2070}'..='\u{209c}' | '\u{2190}'..='\u{2426}'
        | '\u{2500}'..='\u{27ff}'
        | '\u{3000}'..='\u{3029}' | '\u{3041}'..='\u{3096}' | '\u{30a0}'..='\u{30ff}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{ff01}'..='\u{ff60}' | '\u{fffd}')
}

/// The output so far, and the state of its last grapheme.
struct Safe {
    out: String,
    /// None where the next character begins a grapheme of the output.
    cluster: Option<Cluster>,
}

struct Cluster {
    last: char,
    bytes: usize,
    marks: usize,
}

impl Safe {
    fn add(&mut self, grapheme: &str) {
        self.cluster = None;
        let mut chars = grapheme.chars().peekable();
        while let Some(c) = chars.next() {
            self.next(c, &mut chars);
        }
    }

    fn next(&mut self, c: char, rest: &mut Peekable<Chars<'_>>) {
        let Some(cluster) = &mut self.cluster else {
            return self.begin(c);
        };
        if is_hidden(c) {
            return self.replace(c);
        }
        if cluster.last == ' ' && is_mark(c) && !is_joiner_or_selector(c) {
            // A space carries no mark: lines are broken at it.
            return self.begin(c);
        }
        let room = MAX_GRAPHEME_BYTES.saturating_sub(cluster.bytes);
        let fits = if c == ZERO_WIDTH_JOINER {
            // A joiner stays only between two emoji, so the second must fit too.
            rest.peek()
                .is_some_and(|&next| is_pictograph(next) && room >= c.len_utf8() + next.len_utf8())
                && can_be_joined(cluster.last)
        } else if is_joiner_or_selector(c) {
            room >= c.len_utf8() && has_emoji_form(cluster.last)
        } else if is_mark(c) {
            if cluster.marks == MAX_MARKS || room < c.len_utf8() {
                return self.count_marks(rest);
            }
            cluster.marks += 1;
            true
        } else {
            cluster.marks = 0;
            room >= c.len_utf8()
        };
        if fits {
            cluster.last = c;
            cluster.bytes += c.len_utf8();
            self.out.push(c);
        } else {
            self.replace(c);
        }
    }

    fn begin(&mut self, c: char) {
        let is_lone_mark = !is_plain(c) && is_mark(c) && !is_joiner_or_selector(c);
        let is_visible = is_lone_mark || c.width().unwrap_or(0) > 0;
        if is_hidden(c) || !is_visible {
            return self.replace(c);
        }
        let start = self.out.len();
        if is_lone_mark {
            self.out.push('◌');
        }
        self.out.push(c);
        self.cluster = Some(Cluster {
            last: c,
            bytes: self.out.len() - start,
            marks: usize::from(is_lone_mark),
        });
    }

    /// Writes how many marks are left out: this one and those that follow directly.
    fn count_marks(&mut self, rest: &mut Peekable<Chars<'_>>) {
        let mut count = 1;
        while rest
            .next_if(|&c| is_mark(c) && !is_hidden(c) && !is_joiner_or_selector(c))
            .is_some()
        {
            count += 1;
        }
        self.write(format_args!("<+{count}>"));
    }

    fn replace(&mut self, c: char) {
        match c {
            '\t' => self.write(format_args!("    ")),
            '\0'..='\u{1f}' => {
                let picture = char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}');
                self.write(format_args!("{picture}"));
            }
            '\u{7f}' => self.write(format_args!("␡")),
            _ => self.write(format_args!("<{:x}>", u32::from(c))),
        }
    }

    fn write(&mut self, replacement: std::fmt::Arguments<'_>) {
        self.out
            .write_fmt(replacement)
            .expect("writing to a string cannot fail");
        self.cluster = None;
    }
}

/// Never shown as is: control characters, direction overrides, invisible characters (fillers,
/// tags, most selectors, format characters, noncharacters), and prepended marks, which would join
/// the `<` of a replacement.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{d4e}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{111c2}' | '\u{111c3}' | '\u{113d1}'
            | '\u{1193f}' | '\u{11941}' | '\u{11a84}'..='\u{11a89}' | '\u{11d46}' | '\u{11f02}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Invisible, and kept only inside an emoji.
fn is_joiner_or_selector(c: char) -> bool {
    matches!(c, ZERO_WIDTH_JOINER | '\u{fe0e}' | '\u{fe0f}')
}

/// Whether a joiner may follow `c`: an emoji, or a modifier of its form or skin tone. Older
/// signs with an emoji form (`©`, `↔`) start no sequence in practice.
fn can_be_joined(c: char) -> bool {
    c == '\u{fe0f}'
        || matches!(c, '\u{2600}'..='\u{1faff}') && (is_skin_tone(c) || is_pictograph(c))
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// Whether `c` can be followed by a selector of text or emoji form: emoji, and the keys of keycaps.
fn has_emoji_form(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*') || is_pictograph(c)
}

/// Whether `c` joins the character before it.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && joins("a", c)
}

fn is_pictograph(c: char) -> bool {
    !c.is_ascii() && !is_mark(c) && joins("\u{2764}\u{200d}", c)
}

fn joins(head: &str, c: char) -> bool {
    let mut text = String::with_capacity(head.len() + c.len_utf8());
    text.push_str(head);
    text.push(c);
    text.graphemes(true).nth(1).is_none()
}
