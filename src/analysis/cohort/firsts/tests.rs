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

fn told(cohort: &Cohort) -> Vec<Option<f64>> {
    let runs = cohort.runs.iter();
    runs.map(|run| run.values.get(Measure::FirstTool)).collect()
}

#[test]
fn each_run_of_a_is_held_against_the_others_and_b_against_all_of_them() {
    let mut a = cohort(&[("t", &[0]), ("t", &[0, 2]), ("t", &[1]), ("u", &[0])]);
    let mut b = cohort(&[("t", &[0, 1]), ("t", &[1]), ("t", &[]), ("u", &[1])]);
    let design = Design::new(&a, &b, Some(true));
    compare(&mut a, &mut b, &design);
    // The first two agree; to the second and third of them, the others tie and the first name counts.
    assert_eq!(told(&a), [Some(0.0), Some(0.0), Some(1.0), None]);
    assert_eq!(told(&b), [Some(0.0), Some(1.0), Some(1.0), None]);
}

#[test]
fn nothing_is_told_without_pairs() {
    let mut a = cohort(&[("t", &[0]), ("t", &[1])]);
    let mut b = cohort(&[("t", &[0])]);
    let design = Design::new(&a, &b, Some(false));
    compare(&mut a, &mut b, &design);
    assert_eq!(told(&b), [None]);
}

#[test]
fn to_call_no_tool_can_be_usual() {
    assert_eq!(usual([None, None, Some(3)].into_iter()), None);
    assert_eq!(usual([Some(3), None, Some(3)].into_iter()), Some(3));
}
