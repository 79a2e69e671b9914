//! What a frame needs, settled before it is drawn: the rows on the screen, the opened action, the overview.

use std::collections::HashMap;
use std::rc::Rc;

use crate::analysis::shape;
use crate::analysis::snippet;
use crate::analysis::title;
use crate::base::text;
use crate::model::action::ActionIx;
use crate::query::needles::Needle;
use crate::store::bodies::{Bodies, Depth};
use crate::store::row::Row;
use crate::tui::effects::Effect;
use crate::tui::screens::stream::columns::{Columns, Needs};
use crate::tui::screens::stream::folding::Folding;
use crate::tui::screens::stream::headings::Beside;
use crate::tui::screens::stream::inspector::{Subject, document};
use crate::tui::screens::stream::layout;
use crate::tui::screens::stream::overview::Of;
use crate::tui::screens::stream::rows::{self, Figures, Numbers};
use crate::tui::screens::stream::tasks::Open;
use crate::tui::screens::stream::{
    Fold, KEEP, Overlaid, Placed, Stream, Title, alert_lines, headings, what_if,
};
use crate::tui::session::{Opened, Session};

fn fold(folding: Folding<'_>, item: usize) -> Fold {
    if folding.is_folded(item) {
        return Fold::Below;
    }
    let call = folding.model_call(item);
    call.map_or(Fold::None, |row| Fold::WithCall(Figures::of(&row)))
}

/// Larger actions are not opened between two frames to show the text around a match.
const AT_ONCE: u64 = 256 * 1024;

/// The text around the match in an action, sanitised.
fn snippet_of(row: &Row<'_>, bodies: &mut Bodies, sought: &[Needle]) -> Option<String> {
    if document::size(row) > AT_ONCE {
        return None;
    }
    let around = snippet::around(&bodies.open(row, Depth::Full), sought)?;
    Some(text::sanitize(&around).into_owned())
}

impl Stream {
    /// The texts to highlight everywhere: those of the search, else those of the filter.
    pub(super) fn sought(&self) -> &[Needle] {
        self.finder.in_force(&self.query.bar.sought)
    }

    /// Whether an action, which is listed, holds what is looked for.
    fn shows_match(&self, ix: ActionIx) -> bool {
        !self.finder.is_active() || self.finder.is_hit(ix)
    }

    pub(super) fn prepare_list(&mut self, session: &mut Session) {
        let regions = self.frame.regions;
        let numbers = if self.end.is_some() {
            Numbers::NotYet
        } else {
            Numbers::Known
        };
        let clocks = session
            .trace
            .live
            .then(|| (&session.trace.pulse, session.clock.now()));
        let (list, opened) = match (&mut self.end, &mut session.trace.end) {
            (Some(list), Some(end)) => (list, end),
            _ => (&mut self.list, &mut session.loaded),
        };
        let digits = opened.store.len().max(1).ilog10() as usize + 1;
        let mut found = list.presence.look(&opened.store, self.query.narrow.run());
        // A running call has a clock in place of its latency.
        found.latencies |= clocks.is_some();
        list.needs = Needs {
            found,
            digits,
            extras: self.extras.count(),
        };
        self.frame.columns = Columns::new(usize::from(regions.list.width), &list.needs);
        let sought = self.finder.in_force(&self.query.bar.sought);
        let finder = &self.finder;
        let is_match = |ix: ActionIx| !finder.is_active() || finder.is_hit(ix);
        if list.snippets.0 != sought {
            list.snippets = (sought.to_vec(), HashMap::new());
        }
        list.is_merged = self.frame.columns.merged;
        list.settle(opened, usize::from(regions.list.height));
        if list.made.len() > KEEP {
            list.made.clear();
        }
        self.frame.rows.clear();
        let seen = list.visible(opened, usize::from(regions.list.height));
        for at in seen {
            let Some(ix) = list.listing.at(at.item) else {
                continue;
            };
            let fold = fold(list.folding(opened), at.item);
            let text = list.made.entry(ix).or_insert_with(|| {
                Rc::new(rows::build(
                    &opened.store.row(ix),
                    &mut opened.bodies,
                    &session.zone,
                    numbers,
                ))
            });
            let text = Rc::clone(text);
            let row = opened.store.row(ix);
            let snippet = if sought.is_empty() || !is_match(ix) {
                None
            } else {
                let made = list.snippets.1.entry(ix);
                made.or_insert_with(|| snippet_of(&row, &mut opened.bodies, sought))
                    .clone()
            };
            let open = clocks.and_then(|(pulse, now)| pulse.clock(&row, now));
            let heading = headings::heading(&list.listing, opened, at.item);
            let gap = headings::gap(&list.listing, opened, at.item);
            self.frame.rows.push(Placed {
                at,
                is_selected: at.item == list.view.cursor,
                text: Rc::clone(&text),
                snippet,
                open,
                heading: heading.map(|heading| {
                    let day = headings::day(&list.listing, opened, at.item, heading);
                    let beside = Beside {
                        time: &text.time,
                        day: &day,
                        gap,
                    };
                    headings::words(heading, &row, beside)
                }),
                mark: (numbers == Numbers::Known)
                    .then(|| session.marks.of(ix))
                    .flatten(),
                nth: (numbers == Numbers::Known)
                    .then(|| self.noticed.nth(ix))
                    .flatten(),
                is_hit: numbers == Numbers::Known && self.finder.is_hit(ix),
                extras: self.extras.cells(&row, &mut opened.bodies),
                fold,
                overlaid: Overlaid {
                    what_if: what_if::below(opened, ix),
                    is_behind: what_if::is_behind(opened, &row),
                    alert: alert_lines::below(opened, ix),
                    is_evidence: alert_lines::is_evidence(opened, ix),
                },
            });
        }
    }

    fn prepare_ticks(&mut self, session: &Session, rows: usize) {
        let listing = &self.list.listing;
        let of = (self.finder.hits.len(), listing.len(), rows);
        let marked = session.marks.all().iter().map(|ix| ActionIx(*ix));
        self.frame.ticks.marked = listing.rows_of(marked, rows);
        // There may be millions of them: they are placed when something changed, not for every frame.
        if self.frame.ticks.of != of {
            let hits = self.finder.hits.iter().copied();
            self.frame.ticks.hits = listing.rows_of(hits, rows);
            self.frame.ticks.of = of;
        }
    }

    pub(super) fn prepare_overview(&mut self, session: &Session) -> Option<Effect> {
        let regions = self.frame.regions;
        self.frame.shape_at = None;
        if self.end.is_some() || regions.list.height == 0 {
            return None;
        }
        let store = &session.loaded.store;
        let rows = usize::from(regions.scroll.height);
        self.finder.count(&self.list.listing);
        self.prepare_ticks(session, rows);
        let selected = self.selected(session);
        let cells = layout::shape_cells(regions.spark.width, session.trace.live);
        self.frame.shape_cells = cells;
        let of = Of {
            version: 0,
            len: store.len(),
            listed: self.list.listing.len(),
            rows,
            run: selected.map(|row| row.run_ix()).filter(|_| cells > 0),
            cells,
        };
        self.frame.shape_at = selected
            .filter(|_| cells > 0)
            .and_then(|row| shape::place(store, row.ix(), cells));
        let wanted = self
            .overview
            .prepare((store, &self.list.listing), of, session.is_loading());
        wanted.map(Effect::start)
    }

    /// What the run of the selected action was about, for the header.
    pub(super) fn prepare_title(&mut self, session: &mut Session) {
        let subject = self.subject();
        let opened = match (self.end.is_some(), &mut session.trace.end) {
            (true, Some(end)) => end,
            _ => &mut session.loaded,
        };
        let Some(subject) = subject.filter(|subject| subject.ix.0 < opened.store.len()) else {
            return;
        };
        let run = opened.store.row(subject.ix).run_ix();
        let of = Some((subject.is_end, run));
        // A first prompt may come late.
        if self.title.of != of || self.title.words.is_empty() {
            let words = title::of(&opened.store, run, &mut opened.bodies);
            self.title = Title { of, words };
        }
    }

    pub(super) fn prepare_inspector(&mut self, session: &mut Session) -> Vec<Effect> {
        let area = self.frame.regions.inspector;
        let Some(subject) = self.subject().filter(|_| area.width > 0) else {
            return Vec::new();
        };
        let is_hit = !subject.is_end && self.shows_match(subject.ix);
        let sought = self.finder.in_force(&self.query.bar.sought);
        self.inspector.look_for(if is_hit { sought } else { &[] });
        let more = if subject.is_end || subject.ix.0 >= session.loaded.store.len() {
            Vec::new()
        } else {
            self.what_if_facts(subject.ix, session)
        };
        let how = self.inspector.prepare(subject, session, (area, more));
        if let Some(used) = self.inspector.used() {
            self.frame.regions.share(used);
        }
        self.prepare_conversation(subject, session);
        let Some(how) = how else {
            return Vec::new();
        };
        let opened = if subject.is_end {
            session.trace.end.as_ref()
        } else {
            Some(&session.loaded)
        };
        let job = |opened: &Opened| {
            Effect::start(Open {
                store: opened.store.clone(),
                ix: subject.ix,
                how,
            })
        };
        opened.map(job).into_iter().collect()
    }

    fn prepare_conversation(&mut self, subject: Subject, session: &mut Session) {
        let conversation = self.frame.regions.conversation;
        let opened = if subject.is_end {
            session.trace.end.as_mut()
        } else {
            Some(&mut session.loaded)
        };
        if let Some(opened) =
            opened.filter(|opened| subject.ix.0 < opened.store.len() && conversation.height > 1)
        {
            let room = usize::from(conversation.width).saturating_sub(10);
            self.inspector.conversation.prepare(
                subject.ix,
                opened,
                (room, usize::from(conversation.height) - 1),
            );
        }
    }
}
