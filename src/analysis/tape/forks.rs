//! The runs that repeat a step of another run: what they tried, and the outcome.

use serde_json::Value;

use crate::analysis::context;
use crate::analysis::diff::pair;
use crate::analysis::diff::step::result_key;
use crate::analysis::tape::again::{Agreement, First};
use crate::analysis::tape::answer::Answer;
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// Attempts at one step with the same changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Fork {
    /// The step that is repeated; none for a run as a whole, which `serve` recorded.
    pub seq: Option<u32>,
    /// The model and what was changed. Raw.
    pub about: String,
    pub attempts: Vec<Attempt>,
    /// How often its models chose as recorded; none for tools.
    pub agreement: Option<Agreement>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub run: RunIx,
    pub came: AttemptOutcome,
}

/// What an attempt led to.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptOutcome {
    /// The first tool that the model called, and whether it is the recorded one with the same arguments.
    Chose { first: First, is_same: bool },
    /// A tool that ran again, and whether it returned the recorded result, if one is recorded.
    Returned {
        status: Status,
        is_same: Option<bool>,
    },
    /// A whole run.
    Ran,
}

/// The attempts at steps of a run among all runs of the store, in order of steps. None if cancelled.
pub fn of(store: &Store, run: RunIx, cancel: &CancelFlag) -> Option<Vec<Fork>> {
    let id = &store.run(run).id;
    let runs = (0..).map(RunIx).zip(store.runs());
    let children = runs.filter(|(_, it)| it.parent_run.as_deref() == Some(&**id));
    let mut forks: Vec<Fork> = Vec::new();
    for (child, _) in children {
        if cancel.is_raised() {
            return None;
        }
        let Some((seq, about, came)) = attempt(store, run, child) else {
            continue;
        };
        let attempt = Attempt { run: child, came };
        let known = forks
            .iter_mut()
            .find(|fork| fork.seq == seq && fork.about == about);
        match known {
            Some(fork) => fork.attempts.push(attempt),
            None => forks.push(Fork {
                seq,
                about,
                attempts: vec![attempt],
                agreement: None,
            }),
        }
    }
    for fork in &mut forks {
        fork.agreement = agreement(store, run, fork);
    }
    forks.sort_by_key(|fork| fork.seq.unwrap_or(u32::MAX));
    Some(forks)
}

/// The step, what was changed, and the outcome; none for a run of another origin.
fn attempt(
    store: &Store,
    run: RunIx,
    child: RunIx,
) -> Option<(Option<u32>, String, AttemptOutcome)> {
    let first = store.row(store.run(child).first_action);
    let start = bodies::record(&first, first.place(), Depth::Full)?;
    let seq = start.get("parent_seq").and_then(Value::as_u64);
    let Some(seq) = seq.and_then(|seq| u32::try_from(seq).ok()) else {
        let is_served = store.run(child).id.contains("-served-");
        return is_served.then(|| (None, "served".to_owned(), AttemptOutcome::Ran));
    };
    let recorded = store.numbered(run, seq)?;
    let last = |is: &dyn Fn(&Row<'_>) -> bool| {
        let rows = store.rows().filter(|row| row.run_ix() == child && is(row));
        rows.last()
    };
    if recorded.kind() == Kind::ToolCall {
        let again = last(&|row| row.kind() == Kind::ToolCall)?;
        let [a, b] = [&recorded, &again].map(|row| pair::result(&bodies::open(row, Depth::Full)));
        let is_same = a.map(|a| b.is_some_and(|b| result_key(&a) == result_key(&b)));
        let status = again.status();
        let came = AttemptOutcome::Returned { status, is_same };
        return Some((Some(seq), recorded.tool().to_owned(), came));
    }
    let again = last(&context::is_call)?;
    let [a, b] = [&recorded, &again].map(|row| first_of(store, row));
    let is_same = Agreement::of(&a, std::slice::from_ref(&b)).same_arguments == 1;
    let came = AttemptOutcome::Chose { first: b, is_same };
    Some((Some(seq), about(&start), came))
}

fn first_of(store: &Store, call: &Row<'_>) -> First {
    let answer = Answer::of(store, call);
    let asked = answer.calls().next();
    asked.map(|it| (it.name.clone(), it.arguments.clone()))
}

/// `gpt-5 · temperature 1 → 0`.
fn about(start: &Value) -> String {
    let model = start.get("model").and_then(Value::as_str);
    let edits = start.get("edits").and_then(Value::as_array);
    let edits = edits.into_iter().flatten().map(|edit| {
        let path = edit["path"].as_str().unwrap_or_default();
        match (edit.get("from"), edit.get("to")) {
            (Some(from), Some(to)) => format!("{path} {from} → {to}"),
            _ => path.to_owned(),
        }
    });
    let words: Vec<String> = model.map(str::to_owned).into_iter().chain(edits).collect();
    words.join(" · ")
}

fn agreement(store: &Store, run: RunIx, fork: &Fork) -> Option<Agreement> {
    let firsts: Vec<First> = fork
        .attempts
        .iter()
        .filter_map(|it| match &it.came {
            AttemptOutcome::Chose { first, .. } => Some(first.clone()),
            AttemptOutcome::Returned { .. } | AttemptOutcome::Ran => None,
        })
        .collect();
    if firsts.is_empty() {
        return None;
    }
    let recorded = store.numbered(run, fork.seq?)?;
    Some(Agreement::of(&first_of(store, &recorded), &firsts))
}

/// The action of the run that the attempts repeat.
pub fn step(store: &Store, run: RunIx, fork: &Fork) -> Option<ActionIx> {
    store.numbered(run, fork.seq?).map(|row| row.ix())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;

    const TRACE: &str = r#"{"type":"run_start","run_id":"r","agent":"a"}
{"type":"prompt","run_id":"r","content":"go"}
{"type":"response","run_id":"r","id":"m","model":"x","content":"I look"}
{"type":"tool_call","run_id":"r","id":"c","parent_id":"m","tool":"look","args":{"at":1}}
{"type":"tool_result","run_id":"r","call_id":"c","status":"ok","result":"seen"}
{"type":"run_start","run_id":"r-1","agent":"a","parent_run_id":"r","parent_seq":3,"attempt":1,"model":"y","edits":[{"path":"temperature","from":1,"to":0}]}
{"type":"response","run_id":"r-1","id":"rerun","model":"y"}
{"type":"tool_call","run_id":"r-1","id":"d","parent_id":"rerun","tool":"look","args":{"at":1}}
{"type":"run_start","run_id":"r-2","agent":"a","parent_run_id":"r","parent_seq":3,"attempt":2,"model":"y","edits":[{"path":"temperature","from":1,"to":0}]}
{"type":"response","run_id":"r-2","id":"rerun","model":"y","content":"I stop"}
{"type":"run_start","run_id":"r-3","agent":"a","parent_run_id":"r","parent_seq":4,"attempt":1}
{"type":"tool_call","run_id":"r-3","id":"rerun","tool":"look","args":{"at":1}}
{"type":"tool_result","run_id":"r-3","call_id":"rerun","status":"ok","result":"other"}
{"type":"run_start","run_id":"r-served-1","agent":"a","parent_run_id":"r"}
{"type":"run_start","run_id":"child","agent":"b","parent_run_id":"r"}
"#;

    #[test]
    fn attempts_at_a_step_with_the_same_changes_belong_together() {
        let store = testing::load(TRACE);
        let forks = of(&store, RunIx(0), &CancelFlag::new()).expect("not cancelled");
        let told: Vec<(Option<u32>, &str, usize)> = forks
            .iter()
            .map(|fork| (fork.seq, fork.about.as_str(), fork.attempts.len()))
            .collect();
        assert_eq!(
            told,
            [
                (Some(3), "y · temperature 1 → 0", 2),
                (Some(4), "look", 1),
                (None, "served", 1)
            ]
        );
        let agreement = forks[0].agreement.as_ref().expect("answers of models");
        assert_eq!((agreement.same_arguments, agreement.n), (1, 2));
        let came = AttemptOutcome::Returned {
            status: Status::Ok,
            is_same: Some(false),
        };
        assert_eq!(forks[1].attempts[0].came, came);
    }
}
