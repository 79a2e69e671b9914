use super::{compare, usual};
use crate::analysis::cohort::design::Design;
use crate::analysis::cohort::measure::Measure;
use crate::analysis::cohort::observe::{Cohort, Observation};

fn cohort(runs: &[(&str, &[u32])]) -> Cohort {
    let run = |(task, calls): &(&str, &[u32])| Observation {
        task: Some((*task).into()),
        calls: calls.to_vec(),
        ..Observation::default()
    };
    Cohort {
        runs: runs.iter().map(run).collect(),
        ..Cohort::default()
    }
}

fn differs(cohort: &Cohort) -> Vec<Option<f64>> {
    let runs = cohort.runs.iter();
    runs.map(|run| run.values.get(Measure::FirstTool)).collect()
}

#[test]
fn compares_each_run_of_a_with_the_others_and_b_with_all_of_a() {
    let mut a = cohort(&[("t", &[0]), ("t", &[0, 2]), ("t", &[1]), ("u", &[0])]);
    let mut b = cohort(&[("t", &[0, 1]), ("t", &[1]), ("t", &[]), ("u", &[1])]);
    let design = Design::new(&a, &b, Some(true));
    compare(&mut a, &mut b, &design);
    // The first two agree. For the second and third, the others tie, so the first by name counts.
    assert_eq!(differs(&a), [Some(0.0), Some(0.0), Some(1.0), None]);
    assert_eq!(differs(&b), [Some(0.0), Some(1.0), Some(1.0), None]);
}

#[test]
fn sets_nothing_without_pairs() {
    let mut a = cohort(&[("t", &[0]), ("t", &[1])]);
    let mut b = cohort(&[("t", &[0])]);
    let design = Design::new(&a, &b, Some(false));
    compare(&mut a, &mut b, &design);
    assert_eq!(differs(&b), [None]);
}

#[test]
fn calling_no_tool_can_be_usual() {
    assert_eq!(usual([None, None, Some(3)].into_iter()), None);
    assert_eq!(usual([Some(3), None, Some(3)].into_iter()), Some(3));
}
