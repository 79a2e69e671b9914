//! What the filter keeps and hides and what an overlaid policy changes, in words that give way to a long filter.

use crate::base::{human, text};
use crate::store::Store;
use crate::tui::filtering::Scope;
use crate::tui::screens::stream::{Stream, what_if};
use crate::tui::session::Opened;

/// A piece of those words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    words: String,
    rank: Rank,
}

/// From the most to the least important: the last are left out first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Counted,
    Narrowed,
    Policy,
    Changed,
    Hidden,
    Behind,
}

/// The parts that fit into `room` cells. The most important one always stays; the caller cuts it.
pub(super) fn fitting(parts: &[Part], room: usize) -> String {
    let mut shown: Vec<&Part> = parts.iter().collect();
    loop {
        let words: Vec<&str> = shown.iter().map(|it| it.words.as_str()).collect();
        let words = words.join(" · ");
        let least = (0..shown.len()).max_by_key(|at| (shown[*at].rank, *at));
        match least {
            Some(at) if shown.len() > 1 && text::width(&words) > room => shown.remove(at),
            Some(_) | None => return words,
        };
    }
}

/// Empty if nothing is hidden, dropped or changed.
pub(super) fn parts(stream: &Stream, opened: &Opened) -> Vec<Part> {
    let store = &opened.store;
    let mut parts = Vec::new();
    let mut add = |rank, words: String| parts.push(Part { words, rank });
    if stream.is_filtered() {
        for words in stream.query.narrow.words(store) {
            add(Rank::Narrowed, text::sanitize(&words).into_owned());
        }
        add(Rank::Counted, so_far(stream, store));
        if let Some(words) = hidden(stream, store) {
            add(Rank::Hidden, words);
        }
    }
    if store.first() > 0 {
        let dropped = human::count(store.first().into());
        add(Rank::Hidden, format!("oldest {dropped} dropped"));
    }
    if let Some((name, changed)) = what_if::header(opened) {
        // Without a filter, the line names the policy where the filter would be.
        if !stream.query.bar.text.is_empty() || stream.query.bar.prompt.is_some() {
            add(Rank::Policy, name);
        }
        for (at, words) in changed.into_iter().enumerate() {
            add(if at == 0 { Rank::Changed } else { Rank::Behind }, words);
        }
    }
    let tally = stream.query.answers.tally;
    if stream.is_filtered() && tally.unjudged > 0 {
        let (unjudged, judged) = (human::count(tally.unjudged), human::count(tally.judged));
        let words = format!("no numeric value in {unjudged} of {judged} rows");
        add(Rank::Narrowed, words);
    }
    parts
}

fn so_far(stream: &Stream, store: &Store) -> String {
    let listed = human::count(stream.list.listing.len() as u64);
    if let Some(tested) = stream.query.answers.searched {
        let all = u64::from(store.len() - store.first());
        let percent = u64::from(tested) * 100 / all.max(1);
        return format!("{listed} so far · searched {percent} %");
    }
    if is_first(stream) {
        "searching".to_owned()
    } else if stream.is_tested() {
        counted(stream, store)
    } else {
        human::counted(in_scope(stream, store), "action")
    }
}

/// Nothing has been found yet.
fn is_first(stream: &Stream) -> bool {
    stream.query.answers.is_running && stream.query.answers.tested == 0
}

fn hidden(stream: &Stream, store: &Store) -> Option<String> {
    let (kept, of) = (stream.list.listing.len() as u64, in_scope(stream, store));
    let tested = stream.query.answers.tested.saturating_sub(store.first());
    let hidden = u64::from(tested).min(of).saturating_sub(kept);
    let words = || format!("{} hidden by filter", human::count(hidden));
    (!is_first(stream) && kept < of).then(words)
}

/// How many actions there are to keep or to hide: those of the run that the list is restricted to, or all.
fn in_scope(stream: &Stream, store: &Store) -> u64 {
    let listed = stream.list.listing.len() as u64;
    let all = u64::from(store.len() - store.first());
    let run = match stream.query.narrow.scope {
        Some(Scope::Run(run) | Scope::Agent(run, _)) => Some(run),
        None => None,
    };
    let own = run.map(|run| u64::from(store.run(run).totals.actions));
    own.unwrap_or(all).max(listed)
}

/// `121 of 1,319`.
pub(super) fn counted(stream: &Stream, store: &Store) -> String {
    let listed = stream.list.listing.len() as u64;
    let all = in_scope(stream, store);
    format!("{} of {}", human::count(listed), human::count(all))
}

#[cfg(test)]
mod tests {
    use super::{Part, Rank, fitting};

    #[test]
    fn what_matters_least_gives_way_first() {
        let part = |words: &str, rank| Part {
            words: words.to_owned(),
            rank,
        };
        let parts = [
            part("10 of 25", Rank::Counted),
            part("15 hidden by filter", Rank::Hidden),
            part("what-if: policy.toml", Rank::Policy),
            part("1 of 10 calls changes", Rank::Changed),
            part("1 run", Rank::Behind),
        ];
        let check = |room: usize, expected: &str| assert_eq!(fitting(&parts, room), expected);
        check(
            100,
            "10 of 25 · 15 hidden by filter · what-if: policy.toml · 1 of 10 calls changes · 1 run",
        );
        check(
            60,
            "10 of 25 · what-if: policy.toml · 1 of 10 calls changes",
        );
        check(40, "10 of 25 · what-if: policy.toml");
        check(4, "10 of 25");
        assert_eq!(fitting(&[], 4), "");
    }
}
