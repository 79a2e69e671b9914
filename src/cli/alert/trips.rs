//! Breakers: decides which rules may stop runs, and stops them.

use std::path::Path;

use crate::act::kill::{self, Grace};
use crate::act::places::Places;
use crate::act::trip::{self, Cause, Trip};
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::state::Event;
use crate::analysis::process;
use crate::base::clock::{Clock, System};
use crate::cli::Cx;
use crate::cli::alert::reporting::Reported;
use crate::cli::alert::sources::InForce;
use crate::store::Store;
use crate::store::bodies::Bodies;

/// Why a breaker that the rules arm is not armed; none if it is, or if they arm none. Only the rules file of the
/// settings may arm one: rules beside traces came from wherever the traces did.
pub(super) fn disarmed(in_force: &InForce, is_own: bool) -> Option<String> {
    let path = in_force.path.as_deref()?;
    if !in_force.rules.breaker.armed {
        return None;
    }
    if !is_own {
        return Some("only the rules file of your settings can arm it".to_owned());
    }
    trip::may_arm(Path::new(path)).err()
}

/// Stops the run of an alert that trips, if its rule says so and the breaker is armed. Old alerts stop nothing.
pub(super) fn act(
    cx: &Cx,
    in_force: &InForce,
    (store, overlay): (&Store, &Overlay),
    told: &Reported,
    may: bool,
) {
    let news = &told.news;
    let alert = &overlay.alerts()[news.alert];
    let is_new = matches!(news.event, Event::Fire | Event::Worse) && !news.is_old;
    let rules = &in_force.rules;
    let breaker = &rules.breaker;
    let stops = alert.level() == Level::Trip && rules.stops(alert.rule, Level::Trip);
    if !is_new || !stops || !breaker.armed || !may {
        return;
    }
    let run = store.run(alert.run());
    let uses = |name: &str| breaker.with.is_empty() || breaker.with.iter().any(|it| it == name);
    if uses("guard") || uses("proxy") {
        let why = alert.worst().arithmetic();
        let reason = format!("the rule {} stopped this run", rules.rules[alert.rule].id);
        let cause = Cause {
            run: &run.id,
            rule: &rules.rules[alert.rule].id,
            reason: &reason,
            arithmetic: &why,
            by: "rule",
        };
        let trip = Trip::new(&cause, System.now(), breaker.until);
        let written = Places::of_environment()
            .ok_or_else(|| "no home folder".to_owned())
            .and_then(|places| trip::write(&places, &trip).map_err(|error| error.to_string()));
        match written {
            Ok(path) => cx
                .notes
                .note(&format!("run {} stopped: {}", run.id, path.display())),
            Err(why) => cx
                .notes
                .error(&format!("run {} not stopped: {why}", run.id)),
        }
    }
    // `kill` must be named: an empty list does not imply it.
    if breaker.with.iter().any(|it| it == "kill") {
        end(cx, (store, alert.run()));
    }
}

fn end(cx: &Cx, (store, run): (&Store, crate::model::run::RunIx)) {
    let id = &store.run(run).id;
    let Some(pid) = process::recorded(store, run, &mut Bodies::new()) else {
        cx.notes
            .note(&format!("run {id} not ended: no pid recorded"));
        return;
    };
    let target = match kill::target(pid, process::began(store, run)) {
        Ok(target) => target,
        Err(why) => {
            cx.notes.error(&format!("run {id} not ended: {why}"));
            return;
        }
    };
    let (notes, id) = (cx.notes.clone(), id.to_string());
    let started = kill::in_background(target, Grace::default(), move |ended| match ended {
        Ok(step) => notes.note(&format!("run {id}: its process ended after {step}")),
        Err(why) => notes.error(&format!("run {id} not ended: {why}")),
    });
    if let Err(error) = started {
        cx.notes.error(&format!("run not ended: {error}"));
    }
}
