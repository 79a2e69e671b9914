//! A policy laid over the stream: which rows would have gone otherwise, and by which rule.

use std::sync::Arc;

use crate::analysis::policy::history::Opened as OpenedCall;
use crate::analysis::policy::overlay::Overlay;
use crate::analysis::policy::whatif::{Change, seen};
use crate::analysis::policy::{Effect, RuleIx};
use crate::base::{human, text};
use crate::export::policy::file_name;
use crate::model::action::{ActionIx, Kind, Status};
use crate::query::would;
use crate::store::row::Row;
use crate::tui::effects::Effect as Ask;
use crate::tui::keys::Command;
use crate::tui::policing::{Judged, Judging};
use crate::tui::screen::id::ScreenId;
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::rows::SubRow;
use crate::tui::screens::stream::tasks::Judge;
use crate::tui::session::{Opened, Session};
use crate::tui::widgets::tone::{Line, Tone};

/// What the stream knows of a policy over it.
#[derive(Debug, Default)]
pub(super) struct WhatIf {
    pub(super) is_judging: bool,
    /// What the inspector says about an action, and by which overlay.
    facts: Option<(ActionIx, Arc<Overlay>, Vec<Line>)>,
}

impl Stream {
    pub(super) fn toggle_what_if(&mut self, session: &mut Session) -> Vec<Ask> {
        session.policing.is_laid = !session.policing.is_laid;
        session.lay_overlay();
        self.what_if.facts = None;
        let mut effects: Vec<Ask> = self.ask_what_if(session).into_iter().collect();
        effects.extend(self.filter_by_verdicts(session));
        effects
    }

    /// A filter on verdicts follows the policy: other verdicts keep other actions, and without a policy it is off.
    fn filter_by_verdicts(&mut self, session: &mut Session) -> Vec<Ask> {
        if !self.query.bar.parsed.as_ref().is_some_and(would::asks) {
            return Vec::new();
        }
        if session.policing.is_laid {
            return self.ask(session);
        }
        session.hint("the filter is off: it tested the verdicts of the policy");
        self.filter_by("", session)
    }

    /// Judges what is not judged yet while a policy lies over the stream.
    pub(super) fn ask_what_if(&mut self, session: &Session) -> Option<Ask> {
        if !session.policing.is_laid || self.what_if.is_judging {
            return None;
        }
        let judging = Judging::wanted(session)?;
        self.what_if.is_judging = true;
        Some(Ask::start(Judge(judging)))
    }

    pub(super) fn take_judged(&mut self, judged: Judged, session: &mut Session) -> Vec<Ask> {
        self.what_if.is_judging = false;
        match judged {
            Ok(overlay) => session.take_overlay(overlay),
            Err(words) => {
                session.policing.is_laid = false;
                session.lay_overlay();
                let key = session.keymap.key(Command::UsePolicy);
                let tab = ScreenId::Policy.info().tab;
                let way = tab.zip(key).map_or_else(String::new, |(tab, key)| {
                    format!(" · {} then {key} reads one", tab.number)
                });
                session.fail(&format!("{words}{way}"));
            }
        }
        self.filter_by_verdicts(session)
    }

    /// What the inspector says about the selected action, made once for each.
    pub(super) fn what_if_facts(&mut self, ix: ActionIx, session: &Session) -> Vec<Line> {
        let Some(overlay) = &session.loaded.overlay else {
            return Vec::new();
        };
        if let Some((of, by, lines)) = &self.what_if.facts
            && *of == ix
            && Arc::ptr_eq(by, overlay)
        {
            return lines.clone();
        }
        let row = session.loaded.store.row(ix);
        let lines = facts(overlay, &row, session);
        self.what_if.facts = Some((ix, Arc::clone(overlay), lines.clone()));
        lines
    }
}

/// The line below a row that would have gone otherwise.
pub(super) fn below(opened: &Opened, ix: ActionIx) -> Option<SubRow> {
    let overlay = opened.overlay.as_deref()?;
    let change = overlay.change(ix)?;
    let row = opened.store.row(ix);
    let words = format!(
        "would be {} {} · recorded: {}",
        loud(change.now.effect),
        overlay.policies.set.decider(&change.now),
        recorded(change, &row)
    );
    Some(SubRow {
        tone: tone(change.now.effect),
        text: text::sanitize(&words).into_owned(),
    })
}

/// Whether a row comes after the first change of its run.
pub(super) fn is_behind(opened: &Opened, row: &Row<'_>) -> bool {
    let overlay = opened.overlay.as_deref();
    overlay.is_some_and(|it| it.is_behind(row.run_ix(), row.ix()))
}

fn loud(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow | Effect::Warn => "allowed",
        Effect::Ask => "sent for approval",
        Effect::Error => "sent for approval (the rule cannot be evaluated)",
        Effect::Deny => "DENIED",
        Effect::Unknown => "left open",
    }
}

pub(super) fn tone(effect: Effect) -> Tone {
    match effect {
        Effect::Allow | Effect::Warn => Tone::Good,
        Effect::Ask | Effect::Error => Tone::Waiting,
        Effect::Deny => Tone::Bad,
        Effect::Unknown => Tone::Faint,
    }
}

/// What happened to the call, as recorded.
fn recorded(change: &Change, row: &Row<'_>) -> &'static str {
    match (change.was.effect, row.status()) {
        (Effect::Deny, Status::Denied) => "a person denied it",
        (Effect::Deny, _) => "it was blocked",
        (Effect::Ask, _) => "a person was asked",
        (Effect::Unknown, _) => "not recorded",
        (Effect::Allow | Effect::Warn | Effect::Error, _) => "it ran",
    }
}

/// `what-if: policy.toml`, and what it would change.
pub(super) fn header(opened: &Opened) -> Option<(String, Vec<String>)> {
    let overlay = opened.overlay.as_deref()?;
    let files = overlay.policies.files.iter();
    let names: Vec<&str> = files.map(|file| file_name(&file.path)).collect();
    let report = &overlay.report;
    let changes = report.changed();
    let verb = if changes == 1 { "changes" } else { "change" };
    let mut words = vec![format!(
        "{} of {} {verb}",
        human::count(changes),
        human::counted(report.calls, "call")
    )];
    if !report.first.is_empty() {
        words.push(human::counted(report.first.len() as u64, "run"));
        let behind = human::counted(report.behind, "call");
        words.push(format!("{behind} after a first change"));
    }
    let unmarked = overlay.asked_by_default();
    if unmarked > 0 {
        words.push(format!(
            "{} asked by default, not marked",
            human::count(unmarked)
        ));
    }
    let name = text::sanitize(&format!("what-if: {}", names.join(" + "))).into_owned();
    Some((name, words))
}

/// Further rules that hold for a call are listed up to this number.
const LOST: usize = 3;

/// The verdict on an action, its rule and the location of the rule, and the rules that were overridden.
fn facts(overlay: &Overlay, row: &Row<'_>, session: &Session) -> Vec<Line> {
    let Some(judged) = overlay
        .judged(row.ix())
        .filter(|_| row.kind() == Kind::ToolCall)
    else {
        return Vec::new();
    };
    let verdict = &judged.verdict;
    let clean = |words: String| text::sanitize(&words).into_owned();
    let mut lines = vec![vec![
        (Tone::Faint, "what-if ".to_owned()),
        (
            tone(verdict.effect),
            clean(format!(
                "{} {}",
                verdict.effect.word(),
                overlay.policies.set.decider(verdict)
            )),
        ),
    ]];
    let place = &session.setup.policies.place;
    let call = OpenedCall::new(row, place, &overlay.modes);
    let reasons = overlay
        .policies
        .set
        .explain(&call.call(row), &call.context(row, place));
    let why = |ix: RuleIx| reasons.iter().find(|it| it.rule == ix);
    if let Some(ix) = verdict.rule {
        let words = why(ix).map_or("", |it| it.words.as_str());
        let words = [overlay.policies.place(ix).as_str(), words].join(" · ");
        let words = words.trim_end_matches(" · ").to_owned();
        lines.push(vec![(Tone::Faint, clean(format!("  {words}")))]);
    }
    let others = reasons
        .iter()
        .filter(|it| it.is_match == Some(true) && Some(it.rule) != verdict.rule);
    for reason in others.take(LOST) {
        let Some(rule) = overlay.policies.set.rule(reason.rule) else {
            continue;
        };
        let why = if seen(rule.effect) == seen(verdict.effect) {
            "an earlier rule decides".to_owned()
        } else {
            format!("{} comes first", verdict.effect.word())
        };
        let words = format!("  {} {} lost: {why}", rule.effect.word(), rule.name);
        lines.push(vec![(Tone::Faint, clean(words))]);
    }
    lines
}
