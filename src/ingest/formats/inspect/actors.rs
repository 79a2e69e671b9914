//! Who acts in a sample: the agent, or a scorer that calls a model of its own.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::ingest::json::View;

/// State kept while the events of a sample are read.
pub(super) struct Actors<'r, 'b> {
    /// The pool of messages that calls refer to.
    pool: View<'r, 'b>,
    /// The scorer of each span that is one, or is inside one.
    spans: HashMap<Vec<u8>, String>,
    /// Steps that have begun and not ended, in versions without spans; with the scorer if the step is one.
    steps: Vec<Option<String>>,
    /// The system messages reported so far.
    recorded: HashSet<Vec<u8>>,
}

impl<'r, 'b> Actors<'r, 'b> {
    pub(super) fn new(sample: View<'r, 'b>) -> Actors<'r, 'b> {
        let recorded = sample.get("events").items();
        let first = recorded.flat_map(|event| event.get("state").get("messages").items());
        Actors {
            pool: sample
                .get("events_data")
                .get("messages")
                .or(sample.get("message_pool")),
            spans: HashMap::new(),
            steps: Vec::new(),
            recorded: first.map(content).collect(),
        }
    }

    /// The scorer that an event belongs to.
    pub(super) fn at(&mut self, event: View<'_, '_>) -> Option<String> {
        let name = || match event.get("name").text() {
            Cow::Borrowed("") => "scorer".to_owned(),
            name => name.into_owned(),
        };
        let is_scorer = event.get("type").is("scorer");
        if event.get("event").is("span_begin") {
            let outer = self.spans.get(event.get("parent_id").raw()).cloned();
            if let Some(scorer) = is_scorer.then(name).or(outer) {
                self.spans.insert(event.get("id").raw().to_vec(), scorer);
            }
        } else if event.get("event").is("step") {
            if event.get("action").is("begin") {
                self.steps.push(is_scorer.then(name));
            } else {
                self.steps.pop();
            }
        }
        let step = || self.steps.iter().rev().find_map(Clone::clone);
        let span = self.spans.get(event.get("span_id").raw()).cloned();
        span.or_else(step)
    }

    /// The system messages of a model call that were not reported before.
    pub(super) fn new_system_messages(&mut self, event: View<'r, 'b>) -> Vec<View<'r, 'b>> {
        let pool = self.pool;
        let ranges = event.get("input_refs").items().map(|range| {
            let mut ends = range.items().map(View::number_text);
            let mut end = || {
                std::str::from_utf8(ends.next()?)
                    .ok()?
                    .parse::<usize>()
                    .ok()
            };
            (end().unwrap_or(0), end().unwrap_or(0))
        });
        // Ranges may overlap: each message is visited once.
        let mut ranges: Vec<(usize, usize)> = ranges.collect();
        ranges.sort_unstable();
        let mut next = 0;
        ranges.retain_mut(|(from, to)| {
            *from = next.max(*from);
            next = next.max(*to);
            from < to
        });
        let mut ranges = ranges.into_iter().peekable();
        let pooled = pool.items().enumerate().filter(|(at, _)| {
            while ranges.next_if(|(_, to)| to <= at).is_some() {}
            ranges.peek().is_some_and(|(from, _)| from <= at)
        });
        let given = event.get("input").items().chain(pooled.map(|(_, it)| it));
        let system = given.filter(|it| it.get("role").is("system"));
        let recorded = &mut self.recorded;
        system.filter(|it| recorded.insert(content(*it))).collect()
    }
}

fn content(message: View<'_, '_>) -> Vec<u8> {
    message.get("content").bytes().to_vec()
}
