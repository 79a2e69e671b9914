//! Which recorded answer a request gets.
//!
//! Requests of several agents may come in any order: a request belongs to the lane whose recorded conversation it
//! continues. Within a lane the mode decides. An answer is given once.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::analysis::context;
use crate::analysis::diff::step::{self, Step};
use crate::analysis::tape::class::Class;
use crate::analysis::tape::contents::RequestContents;
use crate::analysis::tape::digests::Digests;
use crate::analysis::tape::norm::{self, Difference, Ignored};
use crate::analysis::tape::request::ParsedRequest;
use crate::analysis::tape::{Call, Recording};
use crate::base::cancel::CancelFlag;
use crate::store::Store;

/// How requests are matched with recorded ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The next of its lane, which must be the same.
    Order,
    /// Any unused one that is the same.
    Hash,
    /// The next of its lane, the same in roles, texts, calls and results.
    Content,
    /// The next of its lane, whatever the request contains.
    Loose,
}

impl Mode {
    /// The strictest that a recording allows.
    pub fn of(class: Class) -> Mode {
        match class {
            Class::Recorded => Mode::Order,
            Class::Conversation | Class::Whole => Mode::Content,
            Class::Order => Mode::Loose,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Mode::Order => "order",
            Mode::Hash => "hash",
            Mode::Content => "content",
            Mode::Loose => "loose",
        }
    }

    /// What a request must be to get an answer.
    pub fn words(self) -> &'static str {
        match self {
            Mode::Order => "each request must be the recorded one, in the recorded order",
            Mode::Hash => "each request must be a recorded one, in any order",
            Mode::Content => "texts, calls and results must be as recorded",
            Mode::Loose => "each request gets the next answer of its conversation",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Options {
    pub mode: Mode,
    pub ignored: Vec<Ignored>,
    /// Ids, times and dates in texts count as differences.
    pub keeps_noise: bool,
    /// Recorded failures of the model are skipped.
    pub skips_errors: bool,
    /// Requests without tools that continue no recorded conversation get the smallest valid answer.
    pub stubs: bool,
    /// The number of answers after which no more are given.
    pub until: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// All answers have been used.
    Exhausted,
    /// It is the same as another recorded request, whose turn it is not.
    OutOfOrder,
    /// It differs from the recorded request whose turn it is.
    RequestChanged,
    /// It is the same as none of the remaining ones.
    NoMatch,
}

impl Reason {
    pub fn word(self) -> &'static str {
        match self {
            Reason::Exhausted => "exhausted",
            Reason::OutOfOrder => "out_of_order",
            Reason::RequestChanged => "request_changed",
            Reason::NoMatch => "no_match",
        }
    }
}

/// A request that got no answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    pub reason: Reason,
    /// The step whose turn it was, counting from 1; none if all were used.
    pub step: Option<usize>,
    pub seq: Option<u32>,
    pub lane: usize,
    /// The first difference from it.
    pub difference: Option<Difference>,
    /// The most similar recorded request: its step, and how similar, in thousandths.
    pub nearest: Option<(usize, u32)>,
}

impl Miss {
    pub fn words(&self) -> String {
        let step = match (self.step, self.seq) {
            (Some(step), Some(seq)) => format!("step {step} (#{seq})"),
            _ => "after the last step".to_owned(),
        };
        let differs = self.difference.as_ref().map(|it| {
            format!(
                " at {}: recorded {:?}, got {:?}",
                it.path, it.recorded, it.got
            )
        });
        let nearest = self.nearest.map(|(nearest, same)| {
            format!(
                " (nearest: step {nearest}, {}.{} % the same)",
                same / 10,
                same % 10
            )
        });
        format!(
            "{step}: {}{}{}",
            self.reason.word(),
            differs.unwrap_or_default(),
            nearest.unwrap_or_default()
        )
    }
}

/// What a request gets.
#[derive(Debug, Clone)]
pub enum Taken {
    /// The answer at this index of the recording, and where the request differs nevertheless.
    Answer {
        at: usize,
        difference: Option<Difference>,
    },
    /// The smallest valid answer.
    Stub,
    /// The limit of answers is reached.
    Stop,
    Miss(Box<Miss>),
}

/// The state of playback.
#[derive(Debug)]
pub struct Player {
    pub store: Arc<Store>,
    pub recording: Recording,
    options: Options,
    used: Vec<bool>,
    given: usize,
    lanes: Vec<Lane>,
    digests: Arc<Digests>,
    /// Steps by their digest, for matching in any order; without one under none.
    by_digest: Option<HashMap<Option<u64>, Vec<usize>>>,
    contents: HashMap<usize, Arc<RequestContents>>,
    norms: HashMap<usize, Arc<Value>>,
    pub misses: Vec<Miss>,
    /// Requests that were answered although they differ: in noise, or in what the recording does not determine.
    pub differences: Vec<(usize, Difference)>,
    pub stubs: usize,
}

/// The steps of an agent, and the place from which on some may be unused.
#[derive(Debug, Default)]
struct Lane {
    steps: Vec<usize>,
    next: usize,
}

impl Player {
    pub fn new(store: Arc<Store>, recording: Recording, options: Options) -> Player {
        let skipped = |call: &Call| options.skips_errors && call.answer.error.is_some();
        let used: Vec<bool> = recording.calls.iter().map(skipped).collect();
        let mut lanes: Vec<Lane> = Vec::new();
        for (at, call) in recording.calls.iter().enumerate() {
            if lanes.len() <= call.lane {
                lanes.resize_with(call.lane + 1, Lane::default);
            }
            lanes[call.lane].steps.push(at);
        }
        Player {
            given: used.iter().filter(|used| **used).count(),
            used,
            lanes,
            digests: Arc::new(Digests::new(
                Arc::clone(&store),
                &recording,
                options.mode,
                &options.ignored,
            )),
            by_digest: None,
            store,
            recording,
            options,
            contents: HashMap::new(),
            norms: HashMap::new(),
            misses: Vec::new(),
            differences: Vec::new(),
            stubs: 0,
        }
    }

    pub fn mode(&self) -> Mode {
        self.options.mode
    }

    /// What can be made ahead of the first request.
    pub fn digests(&self) -> Arc<Digests> {
        Arc::clone(&self.digests)
    }

    pub fn total(&self) -> usize {
        self.used.len()
    }

    pub fn served(&self) -> usize {
        self.given
    }

    /// Steps that were not requested, counting from 1.
    pub fn unused(&self) -> Vec<usize> {
        let unused = self.used.iter().enumerate().filter(|(_, used)| !**used);
        unused.map(|(at, _)| at + 1).collect()
    }

    /// The answer to a request. Marks it as used.
    pub fn take(&mut self, request: &ParsedRequest) -> Taken {
        if self
            .options
            .until
            .is_some_and(|until| self.served() >= until)
        {
            return Taken::Stop;
        }
        // A loose match accepts nearly anything, so requests outside the conversation are recognised first.
        let is_loose = self.options.mode == Mode::Loose;
        if is_loose && self.options.stubs && self.is_beside(request) {
            self.stubs += 1;
            return Taken::Stub;
        }
        let candidates = match self.options.mode {
            Mode::Hash => self.likely(request),
            Mode::Order | Mode::Content | Mode::Loose => self.heads(),
        };
        let same = candidates
            .iter()
            .copied()
            .find(|at| self.differs(*at, request, false).is_none());
        if let Some(at) = same {
            return self.give(at, None);
        }
        if !self.options.keeps_noise {
            let candidates = match self.options.mode {
                Mode::Hash => self.left(),
                Mode::Order | Mode::Content | Mode::Loose => candidates,
            };
            let quiet = candidates
                .iter()
                .copied()
                .find(|at| self.differs(*at, request, true).is_none());
            if let Some(at) = quiet {
                let difference = self.differs(at, request, false);
                return self.give(at, difference);
            }
        }
        if self.options.stubs && self.is_beside(request) {
            self.stubs += 1;
            return Taken::Stub;
        }
        let Some(at) = self.belongs_to(request) else {
            return self.miss(Reason::Exhausted, None, request);
        };
        match self.options.mode {
            Mode::Loose => {
                let quiet = !self.options.keeps_noise;
                let difference = self.differs(at, request, quiet);
                self.give(at, difference)
            }
            Mode::Hash => self.miss(Reason::NoMatch, Some(at), request),
            Mode::Order | Mode::Content => {
                let mut others = self.near().filter(|other| *other != at);
                let elsewhere = others.any(|other| self.differs(other, request, true).is_none());
                let reason = if elsewhere {
                    Reason::OutOfOrder
                } else {
                    Reason::RequestChanged
                };
                self.miss(reason, Some(at), request)
            }
        }
    }

    fn give(&mut self, at: usize, difference: Option<Difference>) -> Taken {
        self.used[at] = true;
        self.given += 1;
        // It is not compared again, unless a request misses.
        self.norms.remove(&at);
        self.contents.remove(&at);
        if let Some(difference) = &difference {
            self.differences.push((at + 1, difference.clone()));
        }
        Taken::Answer { at, difference }
    }

    fn left(&self) -> Vec<usize> {
        (0..self.total()).filter(|at| !self.used[*at]).collect()
    }

    /// Unused steps that may be the same: those with the same digest, and those without one.
    fn likely(&mut self, request: &ParsedRequest) -> Vec<usize> {
        let by_digest = self.by_digest.get_or_insert_with(|| {
            let mut all: HashMap<Option<u64>, Vec<usize>> = HashMap::new();
            for at in 0..self.used.len() {
                all.entry(self.digests.get(at)).or_default().push(at);
            }
            all
        });
        let of = |key| by_digest.get(&key).map_or(&[][..], Vec::as_slice);
        let same = of(Some(
            request.digest(self.options.mode, &self.options.ignored),
        ))
        .iter();
        let all = same.chain(of(None)).copied();
        all.filter(|at| !self.used[*at]).collect()
    }

    /// The next step of each lane, in the order recorded.
    fn heads(&mut self) -> Vec<usize> {
        let used = &self.used;
        let heads = self.lanes.iter_mut().filter_map(|lane| {
            while lane.steps.get(lane.next).is_some_and(|at| used[*at]) {
                lane.next += 1;
            }
            lane.steps.get(lane.next).copied()
        });
        let mut heads: Vec<usize> = heads.collect();
        heads.sort_unstable();
        heads
    }

    /// Where a request differs from the recorded one, as far as the recording and the mode determine it.
    fn differs(
        &mut self,
        at: usize,
        request: &ParsedRequest,
        is_quiet: bool,
    ) -> Option<Difference> {
        if self.digests.get(at) == Some(request.digest(self.options.mode, &self.options.ignored)) {
            return None;
        }
        let class = self.recording.calls[at].class;
        match (self.options.mode, class) {
            (Mode::Order | Mode::Hash, Class::Recorded) => {
                let recorded = self.normal(at);
                let ignored = &self.options.ignored;
                if is_quiet {
                    norm::difference("$", &norm::quiet(&recorded), request.quiet(ignored))
                } else {
                    norm::difference("$", &recorded, request.normal(ignored))
                }
            }
            (Mode::Loose, _) => self
                .contents(at)
                .loose_difference(request.contents(), is_quiet),
            (Mode::Order | Mode::Hash | Mode::Content, _) => {
                self.contents(at).difference(request.contents(), is_quiet)
            }
        }
    }

    fn normal(&mut self, at: usize) -> Arc<Value> {
        if let Some(known) = self.norms.get(&at) {
            return Arc::clone(known);
        }
        let request = self.request(at);
        let normal = Arc::new(norm::norm(&request, &self.options.ignored));
        self.norms.insert(at, Arc::clone(&normal));
        normal
    }

    fn contents(&mut self, at: usize) -> Arc<RequestContents> {
        if let Some(known) = self.contents.get(&at) {
            return Arc::clone(known);
        }
        let contents = Arc::new(RequestContents::of(&self.request(at)));
        self.contents.insert(at, Arc::clone(&contents));
        contents
    }

    /// The request of a step: recorded, or rebuilt from the trace as far as possible.
    pub fn request(&self, at: usize) -> Value {
        let call = self.recording.calls[at].action;
        context::request(&self.store, call, &CancelFlag::new()).unwrap_or_default()
    }

    /// Whether a request is outside the agent's conversation: titles, routers, warm-ups.
    fn is_beside(&self, request: &ParsedRequest) -> bool {
        let uses_tools = !self.recording.tools.is_empty() || self.recording.unanswered > 0;
        uses_tools && !request.contents().has_tools() && request.contents().count_calls() == 0
    }

    /// The step of the lane that a request continues.
    fn belongs_to(&mut self, request: &ParsedRequest) -> Option<usize> {
        let heads = self.heads();
        if heads.len() <= 1 {
            return heads.first().copied();
        }
        let fit = |player: &mut Player, at: usize| {
            let recorded = player.contents(at);
            let opens = recorded
                .opening()
                .is_some_and(|text| request.contents().says(text));
            let counts = recorded.count_calls() == request.contents().count_calls();
            (recorded.common(request.contents()), opens, counts)
        };
        let mut best: Option<(usize, (usize, bool, bool))> = None;
        for at in heads {
            let found = fit(self, at);
            if best.is_none_or(|(_, known)| found > known) {
                best = Some((at, found));
            }
        }
        best.map(|(at, _)| at)
    }

    fn miss(&mut self, reason: Reason, at: Option<usize>, request: &ParsedRequest) -> Taken {
        let difference = at.and_then(|at| self.differs(at, request, false));
        let call = at.map(|at| &self.recording.calls[at]);
        let miss = Miss {
            reason,
            step: at.map(|at| at + 1),
            seq: call.map(|call| call.seq),
            lane: call.map_or(0, |call| call.lane),
            difference,
            nearest: self.nearest(request),
        };
        self.misses.push(miss.clone());
        Taken::Miss(Box::new(miss))
    }

    /// Steps near the last used one: others are less likely to be meant.
    fn near(&self) -> Range<usize> {
        let reach = match self.recording.class() {
            Some(Class::Recorded) => NEAR,
            Some(Class::Conversation | Class::Whole | Class::Order) | None => NEAR_REBUILT,
        };
        let middle = self.used.iter().rposition(|used| *used).unwrap_or(0);
        let from = middle.saturating_sub(reach);
        from..self.total().min(from + 2 * reach)
    }

    /// The recorded request that is most like this one.
    fn nearest(&mut self, request: &ParsedRequest) -> Option<(usize, u32)> {
        let whole =
            |body: &Value| Step::call("", &norm::norm(body, &[]), step::CallOutcome::default());
        let got = whole(&request.body);
        let scored = self.near().map(|at| {
            (
                at + 1,
                step::dice(&whole(&self.request(at)).features, &got.features),
            )
        });
        scored.max_by_key(|(at, same)| (*same, std::cmp::Reverse(*at)))
    }
}

/// How many requests before and after the last used one are compared.
const NEAR: usize = 20;
/// The same where requests are rebuilt from earlier records, which takes time.
const NEAR_REBUILT: usize = 4;
