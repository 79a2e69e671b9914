//! What a run was about, in a line.

use crate::analysis::summary;
use crate::base::text;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};

/// The recorded title, else the first prompt, else the name of the outermost span. Sanitised; empty if the trace
/// has none of them.
pub fn of(store: &Store, ix: RunIx, bodies: &mut Bodies) -> String {
    let run = store.run(ix);
    if let Some(title) = &run.title {
        return text::sanitize(title).into_owned();
    }
    let prompt = first_prompt(store, ix, bodies);
    if prompt.is_empty() {
        let name = run.span_name.as_deref().unwrap_or_default();
        return text::sanitize(name).into_owned();
    }
    let bare = prompt.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    bare.unwrap_or(&prompt).to_owned()
}

/// The topic of the run, else its id, in at most `width` columns. Sanitised.
pub fn or_id(store: &Store, ix: RunIx, (bodies, width): (&mut Bodies, usize)) -> String {
    let title = of(store, ix, bodies);
    if title.is_empty() {
        let id = text::sanitize(&store.run(ix).id);
        return format!("run {}", text::cut(&id, width));
    }
    text::cut(&title, width).into_owned()
}

/// The first prompt in a line, as the stream shows it. Sanitised.
pub fn first_prompt(store: &Store, ix: RunIx, bodies: &mut Bodies) -> String {
    let prompt = store.run(ix).first_prompt.get();
    let Some(prompt) = prompt.filter(|prompt| prompt.0 < store.len()) else {
        return String::new();
    };
    let row = store.row(prompt);
    let body = bodies.open(&row, Depth::Glance);
    text::sanitize(&summary::line(&row, &body)).into_owned()
}
