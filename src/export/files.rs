//! The files of a run: in words, as a net patch, and the text of one of them.

use std::fmt::Write as _;

use crate::analysis::files::{Certainty, Event, File, Files, Gap, Outcome, Verb, unified};
use crate::base::{human, text};
use crate::export::redact::{Masked, Reason};
use crate::export::words;
use crate::store::Store;

/// `3 reads · 2 edits`: what calls did to a file; those that failed or are unclear are counted by themselves.
pub fn actions(file: &File) -> String {
    let count =
        |is_it: &dyn Fn(&&Event) -> bool| file.events.iter().filter(|event| is_it(event)).count();
    let done = Verb::ALL.iter().map(|verb| {
        let count = count(&|event| event.verb == *verb && is_counted(event));
        let words = match verb {
            Verb::Shell => format!("{count} {}", verb.word()),
            Verb::Read | Verb::Write | Verb::Edit | Verb::Delete | Verb::Move => {
                human::counted(count as u64, verb.word())
            }
        };
        (words, count)
    });
    let failed = count(&|event| event.outcome == Outcome::Failed);
    let unclear = count(&|event| !is_counted(event) && event.outcome == Outcome::Unclear);
    let others = [
        (format!("{failed} failed"), failed),
        (format!("{unclear} unclear"), unclear),
    ];
    let parts = done.chain(others).filter(|(_, count)| *count > 0);
    parts
        .map(|(words, _)| words)
        .collect::<Vec<_>>()
        .join(" · ")
}

/// A command that failed may still have changed a file.
fn is_counted(event: &Event) -> bool {
    match event.outcome {
        Outcome::Done => true,
        Outcome::Unclear => event.verb == Verb::Shell,
        Outcome::Failed => false,
    }
}

/// `+12`, or a dash where it is not recorded.
pub fn lines(count: Option<usize>, sign: &str) -> String {
    count.map_or_else(
        || words::NOTHING.to_owned(),
        |count| format!("{sign}{count}"),
    )
}

/// Why a file is not exact, and what cannot be seen from its word; empty if there is nothing to say.
pub fn note(file: &File) -> String {
    let is_drifted = file.events.iter().any(|event| event.is_drifted);
    let why = file.why().map(Gap::words);
    let drifted = is_drifted.then_some("changed from outside, too");
    let new = match (&file.base, &file.now) {
        (Some(None), Some(Some(_))) => Some("new"),
        (Some(Some(_)), Some(None)) => Some("deleted"),
        (Some(base), Some(now)) if file.is_changed && base == now => {
            Some("changed, then changed back")
        }
        _ => None,
    };
    let parts = [new, why, drifted].into_iter().flatten();
    parts.collect::<Vec<_>>().join(" · ")
}

/// The net change of a run.
#[derive(Debug)]
pub struct Patch {
    pub text: Masked<String>,
    /// Files in it.
    pub files: usize,
    /// Changed files that are left out.
    pub left_out: usize,
}

/// The net change of every exact file, and a comment for each changed file that is left out. Secrets are masked in
/// the texts before they are compared, so that the patch stays well-formed.
pub fn patch(title: &str, files: &Files, reason: Option<Reason>) -> Patch {
    let mut made = Made::default();
    for file in files
        .all
        .iter()
        .filter(|file| file.is_changed || file.net().is_some())
    {
        made.add(files, file, reason);
    }
    let mut head = format!("# net change of the files of {}\n", text::sanitize(title));
    if !files.root.is_empty() {
        let _ = writeln!(
            head,
            "# paths are those below {}",
            text::sanitize(&files.root)
        );
    }
    if made.masked > 0 {
        let secrets = human::counted(made.masked as u64, "secret");
        let _ = writeln!(
            head,
            "# {secrets} masked: lines with them do not apply (--show-secrets keeps them)"
        );
    }
    Patch {
        text: Masked::composed(
            format!("{head}{}{}", made.comments, made.diffs),
            made.masked,
        ),
        files: made.files,
        left_out: made.left_out,
    }
}

#[derive(Default)]
struct Made {
    comments: String,
    diffs: String,
    files: usize,
    left_out: usize,
    masked: usize,
}

impl Made {
    fn add(&mut self, files: &Files, file: &File, reason: Option<Reason>) {
        let name = self.mask(files.name(file), reason);
        if file.certainty() != Certainty::Exact {
            let why = file.why().map_or("", |gap| gap.words());
            self.leave_out(&format!("{} ({})", name, file.certainty().word()), why);
            return;
        }
        let Some((old, new)) = file.net() else {
            return;
        };
        let [old, new] = [old, new].map(|text| text.map(|text| self.mask(text, reason)));
        let diff = unified::patch(&name, old.as_deref(), new.as_deref());
        if diff.is_empty() {
            self.leave_out(&name, "only masked text differs");
            return;
        }
        self.files += 1;
        self.diffs.push_str(&diff);
    }

    fn mask(&mut self, text: &str, reason: Option<Reason>) -> String {
        let masked = Masked::unless(reason, text.to_owned());
        self.masked += masked.count();
        masked.into_inner()
    }

    fn leave_out(&mut self, what: &str, why: &str) {
        self.left_out += 1;
        let _ = writeln!(self.comments, "# left out: {}: {why}", text::sanitize(what));
    }
}

/// Where an event is: `#12`.
pub fn place(store: &Store, event: &Event) -> String {
    format!("#{}", store.row(event.action).seq())
}
