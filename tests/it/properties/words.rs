//! A search of the bytes never rules out an action whose texts contain the word.

use std::collections::BTreeSet;

use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::query::body::any_text;
use saferun_tui::query::expr::Scope;
use saferun_tui::store::Store;
use saferun_tui::store::bodies::{self, Depth};
use saferun_tui::store::search::{Needle, candidates};

use crate::support::{load, sample};

const SCOPE: Scope = Scope {
    args: true,
    result: true,
    text: true,
};

/// The texts of every action, in lower case.
fn texts(store: &Store) -> Vec<String> {
    let rows = (0..store.len()).map(|ix| store.row(saferun_tui::model::action::ActionIx(ix)));
    let texts = rows.map(|row| {
        let mut all = String::new();
        any_text(&bodies::open(&row, Depth::Full), SCOPE, &mut |text| {
            all.push_str(&text.to_ascii_lowercase());
            all.push('\n');
            false
        });
        all
    });
    texts.collect()
}

/// Words, and each with the next one, as a person might type them.
fn phrases(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> = text.split_whitespace().take(400).collect();
    let alone = words.iter().map(|word| (*word).to_owned());
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    alone.chain(pairs).filter(|it| it.len() > 2).collect()
}

#[test]
fn an_action_is_found_by_every_word_of_it() {
    let mut wrong = Vec::new();
    let folders = std::fs::read_dir(sample("")).expect("the samples");
    for folder in folders {
        let path = folder.expect("an entry").path();
        // Stores are made from the SQL in there.
        if !path.is_dir() || path.ends_with("stores") {
            continue;
        }
        let store = load(std::slice::from_ref(&path));
        let texts = texts(&store);
        let words: BTreeSet<String> = texts.iter().flat_map(|text| phrases(text)).collect();
        let stride = words.len() / 200 + 1;
        for word in words.iter().step_by(stride) {
            let mut found = BTreeSet::new();
            let needle = Needle::new(word, false);
            candidates(&store, &needle, &CancelFlag::new(), &mut |rows| {
                found.extend(rows.iter().map(|ix| ix.0 as usize));
            });
            let missed = texts.iter().enumerate();
            let missed = missed.filter(|(at, text)| text.contains(word) && !found.contains(at));
            let missed: Vec<usize> = missed.map(|(at, _)| at).collect();
            if !missed.is_empty() {
                wrong.push(format!("{}: {word:?} in {missed:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
