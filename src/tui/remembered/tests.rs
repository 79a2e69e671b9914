use crate::state::{Change, Layout, SavedFilter};
use crate::tui::remembered::{Remembered, filter_changes, layout_changes};
use crate::tui::screen::id::ScreenId;
use crate::tui::session::Session;
use crate::tui::testing;

fn session(history: &[&str], saved: &[&str]) -> Session {
    let mut options = testing::options();
    options.setup.filters = vec![("slow".to_owned(), "duration>1s".to_owned())];
    options.setup.remembered = Remembered {
        history: history.iter().map(|&filter| filter.to_owned()).collect(),
        saved: saved.iter().map(|filter| saved_filter(filter)).collect(),
        ..Remembered::default()
    };
    Session::new(&options)
}

fn saved_filter(filter: &str) -> SavedFilter {
    SavedFilter {
        name: String::new(),
        filter: filter.to_owned(),
    }
}

#[test]
fn a_session_without_changes_saves_nothing() {
    assert_eq!(filter_changes(&session(&["is:error"], &["tool:bash"])), []);
}

#[test]
fn only_the_filters_that_were_applied_are_added_to_the_history() {
    let mut session = session(&["is:error", "tool:bash"], &[]);
    // An old filter that is applied again becomes the newest.
    session.filters.history = ["tool:bash", "is:error", "model:x"]
        .map(str::to_owned)
        .to_vec();
    let filtered = |filter: &str| Change::Filtered(filter.to_owned());
    assert_eq!(
        filter_changes(&session),
        [filtered("is:error"), filtered("model:x")]
    );
}

#[test]
fn saved_filters_are_added_and_removed_but_never_the_configured_ones() {
    let mut session = session(&[], &["tool:bash"]);
    assert_eq!(session.filters.saved.len(), 2);
    session.filters.saved = vec![(String::new(), "is:error".to_owned())];
    assert_eq!(
        filter_changes(&session),
        [
            Change::ForgotFilter(saved_filter("tool:bash")),
            Change::SavedFilter(saved_filter("is:error")),
        ]
    );
}

#[test]
fn a_layout_is_saved_only_if_it_changed() {
    let sorted = |sort: &str| Layout {
        sort: Some(sort.to_owned()),
        ..Layout::default()
    };
    let before = [(ScreenId::Runs, sorted("-started"))];
    assert_eq!(layout_changes(&before, before.to_vec()), []);
    let now = vec![(ScreenId::Runs, sorted("cost"))];
    assert_eq!(
        layout_changes(&before, now),
        [Change::LaidOut {
            view: "runs".to_owned(),
            layout: sorted("cost"),
        }]
    );
}
