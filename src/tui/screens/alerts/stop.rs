//! The dialog that ends the process of a run. It shows the process in full, and the user types the id of the run: keys
//! that were queued when the dialog opened confirm nothing.

use crate::act::kill::{Refused, Target};
use crate::base::text;
use crate::tui::keys::Key;
use crate::tui::widgets::consent::{self, Consent};

/// A run whose process may be ended.
#[derive(Debug)]
pub(super) struct Dialog {
    /// Raw.
    pub(super) run: String,
    pub(super) pid: i32,
    pub(super) target: Option<Result<Target, Refused>>,
    pub(super) consent: Consent,
}

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Nothing,
    Close,
    /// The id does not match.
    Wrong,
    Confirm(Target),
}

/// How much of a long id must be typed.
const SHORT: usize = 8;
/// The most other processes of the group that are listed.
const LISTED: usize = 4;

impl Dialog {
    pub(super) fn new(run: String, pid: i32) -> Dialog {
        Dialog {
            run,
            pid,
            target: None,
            consent: Consent::default(),
        }
    }

    /// Notes that the dialog is on the screen.
    pub(super) fn drawn(&mut self, now: i64) {
        if self.target.is_some() {
            self.consent.drawn(now);
        }
    }

    /// The text to type.
    pub(super) fn word(&self) -> String {
        self.run.chars().take(SHORT).collect()
    }

    pub(super) fn typed(&mut self, key: Key, now: i64) -> Typed {
        let text = match self.consent.typed(key, now) {
            consent::Typed::Nothing => return Typed::Nothing,
            consent::Typed::Close => return Typed::Close,
            consent::Typed::Entered(text) => text,
        };
        let is_meant = text == self.word() || text == self.run;
        match (&self.target, is_meant) {
            (Some(Ok(target)), true) => Typed::Confirm(target.clone()),
            (Some(Err(_)) | None, _) => Typed::Close,
            (Some(Ok(_)), false) => Typed::Wrong,
        }
    }

    /// The process that would be ended, as sanitised lines.
    pub(super) fn lines(&self, zone: &dyn Fn(i64) -> String) -> Vec<String> {
        let clean = |raw: &str| text::sanitize(raw).into_owned();
        match &self.target {
            None => vec![format!("looking at process {}…", self.pid)],
            Some(Err(why)) => vec![
                clean(&why.to_string()),
                "nothing can be ended · esc closes".to_owned(),
            ],
            Some(Ok(target)) => {
                let leader = &target.leader;
                let mut lines = vec![
                    format!(
                        "pid {} · group {} · since {}",
                        leader.pid,
                        leader.group,
                        zone(leader.started)
                    ),
                    clean(&format!("command  {}", leader.command.join(" "))),
                ];
                lines.extend(
                    leader
                        .folder
                        .as_ref()
                        .map(|it| clean(&format!("folder   {it}"))),
                );
                for other in target.others.iter().take(LISTED) {
                    lines.push(clean(&format!(
                        "with it  {} {}",
                        other.pid,
                        other.command.join(" ")
                    )));
                }
                let more = target.others.len().saturating_sub(LISTED);
                if more > 0 {
                    lines.push(format!("         and {more} more"));
                }
                lines.push(
                    "INT now, TERM after 10 s, KILL after 5 s more, to the whole group".to_owned(),
                );
                lines
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialog, Typed};
    use crate::act::kill::{Process, Target};
    use crate::tui::keys;

    fn dialog() -> Dialog {
        let leader = Process {
            pid: 7,
            parent: 1,
            group: 7,
            uid: 0,
            started: 0,
            command: vec!["agent".to_owned()],
            folder: None,
            is_over: false,
        };
        let mut dialog = Dialog::new("run-7f3a91".to_owned(), 7);
        dialog.target = Some(Ok(Target {
            leader,
            others: Vec::new(),
        }));
        dialog
    }

    /// Types keys `apart` microseconds apart; returns what the last one did.
    fn typed(dialog: &mut Dialog, text: &str, at: i64, apart: i64) -> Typed {
        let keys = keys::script(text);
        let times = (0..).map(|number| at + number * apart);
        let all = keys.into_iter().zip(times);
        all.map(|(key, now)| dialog.typed(key, now))
            .last()
            .expect("a key")
    }

    #[test]
    fn the_id_confirms_and_nothing_else_does() {
        let mut it = dialog();
        it.drawn(0);
        let confirmed = typed(&mut it, "run-7f3a enter", 600_000, 1_000);
        assert!(matches!(confirmed, Typed::Confirm(target) if target.leader.pid == 7));
        let mut it = dialog();
        it.drawn(0);
        assert_eq!(typed(&mut it, "y enter", 600_000, 1_000), Typed::Wrong);
    }

    #[test]
    fn queued_keys_confirm_nothing() {
        let mut unseen = dialog();
        assert_eq!(
            typed(&mut unseen, "run-7f3a enter", 0, 1_000),
            Typed::Nothing
        );
        // A slowly drained queue, each key within the time.
        let mut it = dialog();
        it.drawn(0);
        assert_eq!(typed(&mut it, "run-7f3a enter", 0, 400_000), Typed::Nothing);
        assert_eq!(it.consent.prompt.text(), "");
    }
}
