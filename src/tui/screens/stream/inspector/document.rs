//! An opened action: its body, and what each tab shows of it. A tab is built once, when it is first shown.

use std::sync::{Arc, OnceLock};

use crate::ingest::body::Body;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;
use crate::tui::screens::stream::inspector::{Tab, contents};
use crate::tui::screens::stream::rows::Numbers;
use crate::tui::widgets::outline::Outline;
use crate::tui::widgets::outline::build::Limits;

/// How much of an action is opened at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of each record.
    pub bytes: u32,
    pub limits: Limits,
}

/// The most bytes of a record to open: an opened record takes up to forty times its size.
pub const MOST: u32 = 16 << 20;

impl Bounds {
    pub const FIRST: Bounds = Bounds {
        bytes: 4 << 20,
        limits: Limits::FIRST,
    };

    #[must_use]
    pub fn more(self) -> Bounds {
        Bounds {
            bytes: self.bytes.saturating_mul(4).min(MOST),
            limits: self.limits.more(),
        }
    }
}

/// Bytes of an action that were not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// They are opened on request.
    Yet(u64),
    /// They are too many to open.
    Ever(u64),
}

#[derive(Debug)]
pub struct Document {
    pub body: Arc<Body>,
    pub bounds: Bounds,
    pub numbers: Numbers,
    /// The note about bytes that were not read.
    pub unread: Option<Unread>,
    tabs: [OnceLock<Outline>; Tab::ALL.len()],
}

impl Document {
    pub fn new(row: &Row<'_>, body: Arc<Body>, (bounds, numbers): (Bounds, Numbers)) -> Document {
        let unread: u64 = places(row)
            .map(|len| u64::from(len.saturating_sub(bounds.bytes)))
            .sum();
        Document {
            body,
            bounds,
            numbers,
            unread: (unread > 0).then_some(if bounds.bytes < MOST {
                Unread::Yet(unread)
            } else {
                Unread::Ever(unread)
            }),
            tabs: <[OnceLock<Outline>; Tab::ALL.len()]>::default(),
        }
    }

    /// Reads a large action and makes all its tabs: the work of a job.
    pub fn read(row: &Row<'_>, how: (Bounds, Numbers)) -> Document {
        let body = bodies::open(row, Depth::UpTo(how.0.bytes));
        let document = Document::new(row, Arc::new(body), how);
        for tab in Tab::ALL {
            document.make(*tab, row);
        }
        document
    }

    pub fn make(&self, tab: Tab, row: &Row<'_>) -> &Outline {
        self.tabs[tab as usize].get_or_init(|| contents::outline(tab, row, self))
    }

    /// What a tab shows, where it was made.
    pub fn tab(&self, tab: Tab) -> Option<&Outline> {
        self.tabs[tab as usize].get()
    }
}

/// Bytes of all records about an action.
pub fn size(row: &Row<'_>) -> u64 {
    places(row).map(u64::from).sum()
}

fn places<'a>(row: &Row<'a>) -> impl Iterator<Item = u32> + use<'a> {
    let attached = row.attached().map(|attached| attached.place.len);
    [row.place().len, row.result_place().len]
        .into_iter()
        .chain(attached)
}
