//! Suggested rules, as lines of text in place of the lists.

use ratatui::layout::Rect;

use crate::analysis::policy::suggest::{Risk, Suggestion, Suggestions};
use crate::base::{human, text};
use crate::tui::keys::Command;
use crate::tui::widgets::viewport::stepped;

/// The lines, while they are shown.
#[derive(Debug, Default)]
pub(super) struct Suggested {
    /// None while they are not shown, empty while they are made.
    lines: Option<Vec<String>>,
    top: usize,
    rows: usize,
}

impl Suggested {
    pub(super) fn is_open(&self) -> bool {
        self.lines.is_some()
    }

    pub(super) fn open(&mut self) {
        (self.lines, self.top) = (Some(Vec::new()), 0);
    }

    pub(super) fn close(&mut self) {
        self.lines = None;
    }

    /// Takes the lines, unless the user has moved on.
    pub(super) fn take(&mut self, lines: Vec<String>) {
        if self.is_open() {
            self.lines = Some(lines);
        }
    }

    pub(super) fn prepare(&mut self, area: Rect) {
        self.rows = usize::from(area.height);
        let len = self.lines.as_ref().map_or(0, Vec::len);
        self.top = self.top.min(len.saturating_sub(self.rows));
    }

    pub(super) fn step(&mut self, command: Command) {
        let len = self.lines.as_ref().map_or(0, Vec::len);
        if let Some(to) = stepped(command, self.top, (len, self.rows)) {
            self.top = to.min(len.saturating_sub(self.rows));
        }
    }

    /// What is on the screen.
    pub(super) fn shown(&self) -> Vec<&str> {
        match self.lines.as_deref() {
            None => Vec::new(),
            Some([]) => vec!["looking for rules…"],
            Some(lines) => {
                let shown = lines.iter().skip(self.top).take(self.rows);
                shown.map(String::as_str).collect()
            }
        }
    }
}

/// Rules by calls, those that a person has to decide last, and what would still be asked for.
pub(super) fn lines(found: &Suggestions, days: usize) -> Vec<String> {
    let (decide, free): (Vec<&Suggestion>, Vec<&Suggestion>) =
        found.rules.iter().partition(|it| it.risk == Risk::Decide);
    let line = |it: &&Suggestion| {
        let example = it.examples.first().map_or("", String::as_str);
        let words = format!(
            "{:>6} {:>4}  {:<7} {:<32}  {example}",
            it.calls,
            it.runs,
            it.risk.word(),
            it.rule
        );
        text::sanitize(&words).into_owned()
    };
    let per_day = if days > 0 {
        format!(", {} per active day", found.asked_after.div_ceil(days))
    } else {
        String::new()
    };
    let mut lines = vec![
        format!(
            "{} of {} that ran would need approval by Claude Code's defaults, {} with all of these rules{per_day}",
            found.asked_before,
            human::counted(found.calls as u64, "call"),
            found.asked_after
        ),
        String::new(),
        format!(
            "{:>6} {:>4}  {:<7} {:<32}  SUCH AS",
            "CALLS", "RUNS", "RISK", "RULE"
        ),
    ];
    lines.extend(free.iter().map(line));
    if !decide.is_empty() {
        lines.push(String::new());
        lines.push("decide yourself: these run code or reach further than this machine".to_owned());
        lines.extend(decide.iter().map(line));
    }
    if found.rules.is_empty() {
        lines.push("  no rule would save two approvals".to_owned());
    }
    lines
}
