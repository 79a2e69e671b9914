use super::{Column, fit};

const COLUMNS: &[Column<'_>] = &[
    Column::left("RUN", 0),
    Column::left("AGENT", 0).cut_to(4),
    Column::right("COST", 1),
];

#[track_caller]
fn check(room: Option<usize>, expected: [Option<usize>; 3]) {
    assert_eq!(fit(COLUMNS, &[6, 10, 5], room), expected);
}

#[test]
fn nothing_is_cut_unless_output_goes_to_a_terminal() {
    check(None, [Some(6), Some(10), Some(5)]);
}

#[test]
fn columns_that_may_be_cut_are_cut_before_any_is_dropped() {
    check(Some(25), [Some(6), Some(10), Some(5)]);
    check(Some(19), [Some(6), Some(4), Some(5)]);
    check(Some(18), [Some(6), Some(10), None]);
    check(Some(3), [Some(6), Some(4), None]);
}
