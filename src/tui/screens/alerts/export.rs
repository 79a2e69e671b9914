//! Exports the alerts as Markdown or JSON: names and numbers, but no arguments or results of calls.

use std::fmt::Write as _;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::shown;
use crate::export::alerts::Document;
use crate::export::json::{self, Escapes, alert};
use crate::store::Store;
use crate::tui::alerting::Evaluation;
use crate::tui::effects::Effect;
use crate::tui::keys::Key;
use crate::tui::screens::alerts::rows::clean;
use crate::tui::screens::alerts::{Alerts, Input};
use crate::tui::screens::export::{Form, How};
use crate::tui::session::Session;

impl Alerts {
    /// The key after `x`.
    pub(super) fn export(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        self.input = Input::Nothing;
        let seen = session.alerting.seen.clone();
        let Some((seen, how)) = seen.zip(How::of(key)) else {
            return Vec::new();
        };
        let store = &session.loaded.store;
        let text = match how.form() {
            Form::Markdown => markdown(&seen, store),
            Form::Json => json::text(&alert::alerts(&document(&seen, store)), Escapes::Unsafe),
        };
        vec![how.hand(text.into(), session)]
    }
}

fn document<'a>(seen: &'a Evaluation, store: &'a Store) -> Document<'a> {
    Document {
        store,
        rules: seen.rules(),
        path: seen.in_force.path.as_deref(),
        sha256: &seen.in_force.sha256,
        known: &seen.in_force.known,
        report: &seen.overlay.report,
        backtests: &[],
    }
}

fn seqs(alert: &Alert, store: &Store) -> Vec<u32> {
    let all = alert.evidence().into_iter();
    let kept = all.filter(|ix| ix.0 >= store.first());
    kept.map(|ix| store.row(ix).seq()).collect()
}

fn markdown(seen: &Evaluation, store: &Store) -> String {
    let mut out = String::from("| level | rule | scope | why | actions |\n|---|---|---|---|---|\n");
    for alert in seen.alerts() {
        let hit = alert.worst();
        let seqs: Vec<String> = seqs(alert, store)
            .iter()
            .map(|seq| format!("#{seq}"))
            .collect();
        let cells = [
            hit.level.word().to_owned(),
            shown::title(seen.rules(), (alert.rule, hit.detector)),
            alert.about(),
            hit.arithmetic(),
            seqs.join(" "),
        ];
        let cells = cells.map(|cell| clean(&cell).replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}
