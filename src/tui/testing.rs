//! Playing keys on a few lines in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::base::clock::{Clock, Fixed};
use crate::ingest::discover::Input;
use crate::ingest::prices::PriceTable;
use crate::ingest::{Loaded, intake};
use crate::tui::theme::ColorChoice;
use crate::tui::{Options, render};

/// The time of the tests, in microseconds.
pub(crate) const NOW: i64 = 1_795_478_400_000_000;

/// A clock that shows [`NOW`] until the test advances it.
#[derive(Debug)]
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(crate) fn new() -> Arc<ManualClock> {
        Arc::new(ManualClock(AtomicI64::new(NOW)))
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The same on every machine and every day.
pub(crate) fn options() -> Options {
    Options {
        title: "trace.jsonl".to_owned(),
        color: ColorChoice::Never,
        clock: Arc::new(Fixed(NOW)),
        ..Options::default()
    }
}

pub(crate) fn load(trace: &'static str) -> Vec<Loaded> {
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: trace.as_bytes(),
        companions: &[],
    }];
    intake::load(inputs, intake::Options::new(PriceTable::built_in()))
        .into_iter()
        .collect()
}

/// The screen at 120x30 after some keys.
pub(crate) fn screen(trace: &'static str, keys: &str) -> String {
    played(&options(), trace, keys)
}

pub(crate) fn played(options: &Options, trace: &'static str, keys: &str) -> String {
    sized(options, trace, (120, 30), keys)
}

pub(crate) fn sized(
    options: &Options,
    trace: &'static str,
    size: (u16, u16),
    keys: &str,
) -> String {
    render::text(&render::script(options, load(trace), size, keys))
}

/// Fails unless all of these words are on the screen.
#[track_caller]
pub(crate) fn assert_shown(screen: &str, expected: &[&str]) {
    for words in expected {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
}
