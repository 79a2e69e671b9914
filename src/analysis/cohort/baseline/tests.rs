use super::{joined, read, write};
use crate::analysis::cohort::measure::{Measure, Values};
use crate::analysis::cohort::observe::{Cohort, Ends, Observation, PairBy};
use crate::analysis::cohort::traits::Traits;
use crate::model::quantity::Time;

fn cohort() -> Cohort {
    let mut values = Values::default();
    values.set(Measure::Success, Some(1.0));
    values.set(Measure::Cost, Some(0.1 + 0.2));
    let run = |task: Option<&str>, calls: &[u32]| Observation {
        run: None,
        task: task.map(Into::into),
        values,
        calls: calls.to_vec(),
        fulfils: Vec::new(),
        who: Some((0, 0)),
        at: Time(1_764_374_400_000_000),
        ends: Some(Ends {
            blocked: 1,
            failed: 2,
        }),
    };
    Cohort {
        agents: vec!["support".into()],
        models: vec!["gpt".into()],
        frozen: None,
        name: "model:a".to_owned(),
        runs: vec![run(Some("t1"), &[0, 1, 1]), run(None, &[])],
        tools: vec!["read".into(), "wr\"ite".into()],
        traits: Traits::default(),
    }
}

#[test]
fn a_baseline_round_trips_exactly() {
    let text = write(&cohort(), PairBy::Input).expect("JSON");
    let (found, pair_by) = read(&text).expect("a baseline");
    assert_eq!(pair_by, PairBy::Input);
    assert_eq!(found.runs, cohort().runs);
    assert_eq!((found.tools, found.name), (cohort().tools, cohort().name));
    assert_eq!(text.lines().count(), 5);
}

#[test]
fn rejects_other_files_with_the_reason() {
    let text = write(&cohort(), PairBy::Task).expect("JSON");
    for (wrong, why) in [
        ("{}".to_owned(), "not a baseline: missing field"),
        (
            text.replace("baseline@1", "baseline@9"),
            "is not saferun.tui/baseline@1",
        ),
        (text.replace("[0,1,1]", "[0,7]"), "a call names a tool"),
    ] {
        let error = read(&wrong).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn drops_measures_of_another_version() {
    let text = write(&cohort(), PairBy::Task).expect("JSON");
    let (found, _) = read(&text.replace("\"success\"", "\"from_the_future\"")).expect("a baseline");
    assert_eq!(found.runs[0].values.get(Measure::Success), None);
    assert_eq!(found.runs[0].values.get(Measure::Cost), Some(0.1 + 0.2));
}

#[test]
fn runs_are_added_once_and_their_names_are_found_again() {
    let mut more = cohort();
    more.tools = vec!["wr\"ite".into(), "search".into()];
    more.agents = vec!["billing".into()];
    let whole = joined(cohort(), more.clone());
    assert_eq!(whole.runs.len(), 4);
    assert_eq!(whole.runs[2].calls, [1, 2, 2]);
    assert_eq!(whole.runs[2].who, Some((1, 0)));
    assert_eq!(whole.tools.len(), 3);
    assert_eq!(joined(whole, more).runs.len(), 4);
}
