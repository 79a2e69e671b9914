use crate::ingest::{Loaded, Preview};
use crate::tui::render::{self, Headless};
use crate::tui::screens::stream::tests::{TRACE, load, options};

/// The trace with its first `lines` lines blanked, so that the rest keeps its places.
fn tail(lines: usize) -> &'static [u8] {
    let blank = |(number, line): (usize, &str)| {
        if number < lines {
            format!("{}\n", " ".repeat(line.len() - 1))
        } else {
            line.to_owned()
        }
    };
    let tail: String = TRACE.split_inclusive('\n').enumerate().map(blank).collect();
    Box::leak(tail.into_boxed_str()).as_bytes()
}

fn preview(lines: usize) -> Loaded {
    let (mut sources, mut batches) = (Vec::new(), Vec::new());
    for message in load(tail(lines)) {
        match message {
            Loaded::Sources(found) => sources.extend(found),
            Loaded::Batch(batch) => batches.push(*batch),
            _ => {}
        }
    }
    let source = sources.remove(0);
    Loaded::Preview(Box::new(Preview { source, batches }))
}

/// A screen on which the end of the file is read ahead and about a third of it was indexed.
fn indexing(lines: usize) -> Headless {
    let mut screen = Headless::new(&options(), (120, 24));
    screen.load(preview(lines));
    screen.load(Loaded::Progress {
        read: 34,
        total: 100,
    });
    screen
}

fn shown(screen: &mut Headless) -> String {
    render::text(&screen.draw())
}

#[test]
fn in_the_end_read_ahead_a_record_has_a_byte_and_no_line() {
    let mut screen = indexing(3);
    screen.play("G k enter");
    let raw = shown(&mut screen);
    assert!(raw.contains("byte "), "{raw}");
    assert!(!raw.contains("trace.jsonl:"), "{raw}");
    assert!(!raw.contains("malformed line 10"), "{raw}");
}

#[test]
fn a_jump_over_the_edge_of_the_end_says_that_only_the_end_is_read() {
    let mut screen = indexing(9);
    screen.play("G E E");
    let edge = shown(&mut screen);
    assert!(
        edge.contains("none in the part of the file read so far · indexing 34 %"),
        "{edge}"
    );
}

/// Looks at something in the end while indexing, then reads everything; the picture after it.
fn landed(lines: usize, keys: &str) -> String {
    let mut screen = indexing(lines);
    screen.play(keys);
    screen.draw();
    for message in load(TRACE.as_bytes()) {
        screen.load(message);
    }
    shown(&mut screen)
}

/// The number before `5 / 7 · 71 %` at the foot.
fn cursor(screen: &str) -> &str {
    let foot = screen.lines().last().unwrap_or_default();
    foot.split_whitespace().rev().nth(5).unwrap_or_default()
}

#[test]
fn the_same_record_is_selected_when_indexing_ends() {
    assert_eq!(cursor(&landed(3, "G")), "7");
    assert_eq!(cursor(&landed(3, "G k k")), "5");
    // The key before the end was read ahead must not drag the selection to the last row.
    let mut screen = Headless::new(&options(), (120, 24));
    screen.play("G");
    screen.load(preview(3));
    screen.play("G k k");
    screen.draw();
    for message in load(TRACE.as_bytes()) {
        screen.load(message);
    }
    assert_eq!(cursor(&shown(&mut screen)), "5");
}

#[test]
fn a_result_read_ahead_lands_on_its_call() {
    let call = landed(8, "G k k");
    assert_eq!(cursor(&call), "5", "{call}");
}

#[test]
fn what_was_said_while_indexing_goes_away_when_it_ends() {
    let mut screen = indexing(3);
    screen.play("G k k r");
    assert!(shown(&mut screen).contains("is not known yet"));
    screen.load(Loaded::Done);
    assert!(!shown(&mut screen).contains("is not known yet"));
}
