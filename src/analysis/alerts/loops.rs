//! Streaks of one agent: steps that repeat, bring nothing new, fail, or give the same result; stopped calls that are
//! requested again; responses that repeat. Constant work per call.
//!
//! A prompt with new text begins a segment, which resets all streaks of steps. A harness that nudges with the same text
//! does not.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::analysis::alerts::context_window::ContextWindow;
use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::fact::{Call, Response};
use crate::analysis::alerts::mask::joined;
use crate::analysis::alerts::steps::{Last, Step, WHOLE};
use crate::model::action::ActionIx;

/// Where a streak warns and where it trips, in steps or times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub warn: u32,
    pub trip: u32,
}

impl Limits {
    /// A streak that is over its warning for this many steps warns; a trip does not wait.
    pub(super) fn confirmed(self, detector: Detector, steps: u32) -> Limits {
        let is_streak = Detector::STREAKS.iter().any(|(it, ..)| *it == detector);
        let later = if is_streak {
            steps.saturating_sub(1)
        } else {
            0
        };
        Limits {
            warn: self
                .warn
                .saturating_add(later)
                .min(self.trip.max(self.warn)),
            ..self
        }
    }
}

/// A level that a streak of a lane reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    pub detector: Detector,
    pub level: Level,
    pub at: ActionIx,
    pub count: u32,
    pub limit: u32,
    /// After how many steps the lane repeats, if it does.
    pub period: Option<u32>,
    /// At most [`KEPT`], and one after the alert if the streak continues.
    pub evidence: Vec<ActionIx>,
}

/// How many actions of a streak are kept as evidence.
const KEPT: usize = 32;
/// The longest period to look for, in steps.
const LONGEST: usize = 5;

/// One agent of one run, under one rule.
#[derive(Debug, Clone, Default)]
pub struct Lane {
    prompt: Option<u64>,
    calls: u64,
    /// The number of steps judged.
    steps: u64,
    open: Option<Step>,
    segment: Segment,
    /// Hashes of the last steps, across segments.
    recent: VecDeque<u64>,
    echo: Echo,
    pub(super) context: ContextWindow,
}

/// What a prompt with new text resets.
#[derive(Debug, Clone, Default)]
struct Segment {
    last: Option<Last>,
    seen: HashSet<u64>,
    repeat: Streak,
    stale: Streak,
    errors: Streak,
    same: Streak,
    /// By key, the calls that were stopped.
    stopped: HashMap<u64, Vec<ActionIx>>,
    fired: Fired,
}

/// The levels already reported, so that each is reported once.
#[derive(Debug, Clone, Copy, Default)]
struct Fired(u32);

impl Fired {
    /// Records a level; returns whether it is the first time.
    fn first(&mut self, detector: Detector, level: Level) -> bool {
        let bit = 1 << (2 * detector as u32 + u32::from(level == Level::Trip));
        let is_first = self.0 & bit == 0;
        self.0 |= bit;
        is_first
    }
}

#[derive(Debug, Clone, Default)]
struct Streak {
    units: u32,
    since: Vec<ActionIx>,
    /// What was reported at the last step of the streak: the next step is evidence too.
    grows: Vec<usize>,
}

/// What a step does to a streak.
#[derive(Debug, Clone, Copy)]
enum Continuation {
    Continues,
    /// The streak restarts with this step.
    Restarts,
    Ends,
}

impl Streak {
    fn take(&mut self, step_is: Continuation, step: &Step, out: &mut [Noticed]) {
        match step_is {
            Continuation::Continues => {
                self.units += step.units();
                self.since.push(step.end);
                for at in &self.grows {
                    if let Some(noticed) = out.get_mut(*at) {
                        noticed.evidence.push(step.end);
                    }
                }
            }
            Continuation::Restarts => {
                self.units = step.units();
                self.since = vec![step.end];
            }
            Continuation::Ends => {
                self.units = 0;
                self.since.clear();
            }
        }
        self.grows.clear();
        let extra = self.since.len().saturating_sub(KEPT);
        self.since.drain(..extra);
    }
}

#[derive(Debug, Clone, Default)]
struct Echo {
    said: Option<u64>,
    count: u32,
    evidence: Vec<ActionIx>,
    fired: Fired,
}

/// The limits of a lane's rules, and where it reports.
#[derive(Debug)]
pub struct Notes<'a> {
    /// The limits of each detector in use, and the rule that uses it.
    pub limits: &'a [(Detector, Limits, usize)],
    /// All reports so far: the evidence of the last ones may grow.
    pub out: &'a mut Vec<Noticed>,
}

impl Notes<'_> {
    pub(super) fn limits(&self, detector: Detector) -> Option<Limits> {
        let found = self.limits.iter().find(|(it, ..)| *it == detector);
        found.map(|(_, limits, _)| *limits)
    }
}

impl Lane {
    pub fn prompt(&mut self, said: u64, notes: &mut Notes<'_>) {
        self.close(notes);
        if self.prompt != Some(said) {
            self.segment = Segment::default();
        }
        self.prompt = Some(said);
    }

    pub fn response(&mut self, ix: ActionIx, response: &Response, notes: &mut Notes<'_>) {
        self.close(notes);
        self.echo(ix, response, notes);
        self.context.response(ix, response, notes);
    }

    pub fn call(&mut self, ix: ActionIx, call: Call) {
        self.calls += 1;
        match &mut self.open {
            Some(step) => step.add(call, ix, self.calls),
            None => self.open = Some(Step::new(call, ix, self.calls)),
        }
    }

    /// Whether the last step has all of its results, so that it can be judged before its agent responds.
    pub fn is_settled(&self) -> bool {
        self.open.as_ref().is_some_and(|step| !step.open)
    }

    /// Judges the last step. Call when nothing more can come; a prompt or a response also does it.
    pub fn close(&mut self, notes: &mut Notes<'_>) {
        let Some(step) = self.open.take() else { return };
        self.steps += 1;
        self.recent.push_back(joined(&step.call_results));
        if self.recent.len() > 2 * LONGEST {
            self.recent.pop_front();
        }
        let period = period(&self.recent);
        self.segment.step(step, period, notes);
    }

    /// How many steps were judged.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The current length of a streak, in steps or times; a full context counts as endless.
    pub fn count(&self, detector: Detector) -> u32 {
        if detector == Detector::Echo {
            return self.echo.count;
        }
        if detector == Detector::StoppedAgain {
            let times = self.segment.stopped.values().map(Vec::len).max();
            return times.unwrap_or(0) as u32;
        }
        if detector == Detector::ContextFull && self.context.is_full() {
            return u32::MAX;
        }
        self.segment
            .streak(detector)
            .map_or(0, |streak| streak.units / WHOLE)
    }

    /// The last action of the current streak, if any.
    pub fn end(&self, detector: Detector) -> Option<ActionIx> {
        let since = match self.segment.streak(detector) {
            Some(streak) => &streak.since,
            None => &self.echo.evidence,
        };
        since.last().copied()
    }

    fn echo(&mut self, ix: ActionIx, response: &Response, notes: &mut Notes<'_>) {
        let Some(said) = response.said else { return };
        let echo = &mut self.echo;
        if echo.said == Some(said) {
            echo.count += 1;
            echo.evidence.push(ix);
            let extra = echo.evidence.len().saturating_sub(KEPT);
            echo.evidence.drain(..extra);
        } else {
            *echo = Echo {
                said: Some(said),
                count: 1,
                evidence: vec![ix],
                fired: Fired::default(),
            };
        }
        let noticed = Noticed {
            detector: Detector::Echo,
            level: Level::Warn,
            at: ix,
            count: echo.count,
            limit: 0,
            period: period(&self.recent),
            evidence: echo.evidence.clone(),
        };
        note(&mut echo.fired, &noticed, (WHOLE * echo.count, 1), notes);
    }
}

impl Segment {
    /// The streak that counts steps for a detector; none if it counts something else.
    fn streak(&self, detector: Detector) -> Option<&Streak> {
        match detector {
            Detector::Repeat => Some(&self.repeat),
            Detector::Stale => Some(&self.stale),
            Detector::Errors => Some(&self.errors),
            Detector::SameResult => Some(&self.same),
            Detector::StoppedAgain
            | Detector::Echo
            | Detector::ContextFull
            | Detector::ContextJump
            | Detector::Cost
            | Detector::Tokens
            | Detector::Calls
            | Detector::Steps
            | Detector::Wall
            | Detector::Idle
            | Detector::CostOutlier
            | Detector::CostDrift
            | Detector::Rate
            | Detector::Match => None,
        }
    }

    fn step(&mut self, step: Step, period: Option<u32>, notes: &mut Notes<'_>) {
        let repeats = self.last.as_ref().is_some_and(|last| step.repeats(last));
        let is_same = self
            .last
            .as_ref()
            .is_some_and(|last| step.has_result_of(last));
        let is_stale = step.call_results.iter().all(|it| self.seen.contains(it));
        self.seen.extend(&step.call_results);
        let on = |holds: bool, otherwise: Continuation| {
            if holds {
                Continuation::Continues
            } else {
                otherwise
            }
        };
        self.repeat
            .take(on(repeats, Continuation::Restarts), &step, notes.out);
        self.stale
            .take(on(is_stale, Continuation::Ends), &step, notes.out);
        if !step.neutral {
            self.errors
                .take(on(step.failed, Continuation::Ends), &step, notes.out);
        }
        self.same
            .take(on(is_same, Continuation::Restarts), &step, notes.out);

        let times = if step.is_empty() { 2 } else { 1 };
        let mut streaks = vec![
            (Detector::Repeat, &mut self.repeat, 1),
            (Detector::Stale, &mut self.stale, 1),
        ];
        if step.failed {
            streaks.push((Detector::Errors, &mut self.errors, 1));
        }
        if step.has_one_result() {
            streaks.push((Detector::SameResult, &mut self.same, times));
        }
        for (detector, streak, times) in streaks {
            let noticed = Noticed {
                detector,
                level: Level::Warn,
                at: step.end,
                count: streak.units / WHOLE,
                limit: 0,
                period,
                evidence: streak.since.clone(),
            };
            let from = notes.out.len();
            note(&mut self.fired, &noticed, (streak.units, times), notes);
            streak.grows.extend(from..notes.out.len());
        }
        self.stopped(&step, period, notes);
        self.last = Some(step.into_last());
    }

    fn stopped(&mut self, step: &Step, period: Option<u32>, notes: &mut Notes<'_>) {
        for (key, ix) in &step.stopped {
            let calls = self.stopped.entry(*key).or_default();
            calls.push(*ix);
            let noticed = Noticed {
                detector: Detector::StoppedAgain,
                level: Level::Warn,
                at: step.end,
                count: calls.len() as u32,
                limit: 0,
                period,
                evidence: calls[calls.len().saturating_sub(KEPT)..].to_vec(),
            };
            let units = WHOLE * calls.len() as u32;
            note(&mut self.fired, &noticed, (units, 1), notes);
        }
    }
}

/// Reports each level reached for the first time. `times` multiplies the limits.
fn note(fired: &mut Fired, noticed: &Noticed, (units, times): (u32, u32), notes: &mut Notes<'_>) {
    let Some(limits) = notes.limits(noticed.detector) else {
        return;
    };
    for (level, limit) in [(Level::Warn, limits.warn), (Level::Trip, limits.trip)] {
        let limit = limit.saturating_mul(times);
        if units >= WHOLE.saturating_mul(limit) && fired.first(noticed.detector, level) {
            notes.out.push(Noticed {
                level,
                limit,
                ..noticed.clone()
            });
        }
    }
}

/// The period at the end: the smallest number of steps that occur twice in a row. None if there is no repetition.
fn period(recent: &VecDeque<u64>) -> Option<u32> {
    let steps: Vec<u64> = recent.iter().copied().collect();
    let repeats = |period: &usize| {
        let Some(before) = steps.len().checked_sub(2 * period) else {
            return false;
        };
        let (one, other) = steps[before..].split_at(*period);
        one == other
    };
    (1..=LONGEST).find(repeats).map(|period| period as u32)
}
