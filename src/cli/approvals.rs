//! `approvals`: who was asked about which calls, and what they answered.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::analysis::approvals::{Answer, Entry, Totals, ledger};
use crate::analysis::runs::short_ids;
use crate::analysis::summary;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::cli::args::{Machine, Paths, Rows};
use crate::cli::columns::{Key, Named, Offer, Order, Picked};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column};
use crate::cli::{Cx, filter};
use crate::export::json::approval as approval_json;
use crate::export::words::{self, Role};
use crate::ingest::body::Difference;
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::store::bodies;

/// List approval requests: who was asked about which call, the answer and its reason, how long it took, and what exactly was approved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui approvals traces/
  saferun-tui approvals traces/ -w 'wait>5m' --sort -wait     who kept agents waiting
  saferun-tui approvals traces/ -w 'approved-differs:yes'     ran with other arguments than approved
  saferun-tui approvals traces/ --csv > approvals.csv

Columns: run, seq, asked, tool, answer, by, wait, why, call, and every field that --json prints. Sort by run, seq, asked, \
tool, answer, by or wait; the default is the order of the trace.

A wait is the recorded one, or the time between the recorded question and its answer. ~ marks an inferred answer: \
approval was requested, and then the call ran or did not. Hooks, classifiers and permission rules that answered in place \
of a person are listed too, without a wait.")]
pub struct Approvals {
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    rows: Rows,
}

const NAMED: &[Named] = &[
    Named::new("run", "run_id", Column::left("RUN", 0)),
    Named::new("seq", "seq", Column::right("SEQ", 0)),
    Named::new("asked", "asked_at", Column::left("ASKED", 3)),
    Named::new("tool", "tool", Column::left("TOOL", 0).cut_to(8)),
    Named::new("answer", "answer", Column::left("ANSWER", 0)),
    Named::new("by", "by", Column::left("BY", 0).cut_to(8)),
    Named::new("wait", "wait_ms", Column::right("WAIT", 0)),
    Named::new("why", "reason", Column::left("WHY", 2).cut_to(12)),
    Named::new("call", "approved_args", Column::left("CALL", 1).cut_to(16)),
];

const OFFER: Offer<'_> = Offer {
    named: NAMED,
    members: approval_json::MEMBERS,
    open: &["approved_args"],
};

const SORTED: &[&str] = &["run", "seq", "asked", "tool", "answer", "by", "wait"];

impl Command for Approvals {
    const NAME: &'static str = "approvals";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let order = self.order()?;
        let picked = OFFER.pick(&self.rows.columns)?;
        let expr = filter::condition(cx)?;
        let read = cx.load.paths(&cx.notes, &self.paths.clone().or_stdin()?)?;
        let exit = read.exit(&cx.notes);
        let store = &read.store;
        let mut entries = ledger(store, &CancelFlag::new());
        keep(
            &mut entries,
            read.selected(store.rows().map(|row| row.ix()).collect()),
        );
        let asked = entries.len() as u64;
        if let Some(expr) = &expr {
            keep(&mut entries, read.selected(filter::rows(cx, store, expr)));
        }
        let totals = Totals::of(entries.iter());
        let is_empty = entries.is_empty();
        if let Some(order) = order {
            order.sort(&mut entries, |entry| key(store, entry, order.column));
        }
        entries.truncate(self.rows.limit.unwrap_or(usize::MAX));
        match cx.global.machine() {
            Some(machine) => print(cx, machine, (store, &entries, &totals), picked.as_ref())?,
            None if is_empty => cx.notes.note(&nothing(asked)),
            None => text(cx, (store, &entries, &totals), picked.as_ref())?,
        }
        Ok(exit)
    }
}

impl Approvals {
    fn order(&self) -> Result<Option<Order<'_>>, Failure> {
        let asked = self.rows.sort.as_deref();
        asked.map(|it| Order::parse(it, SORTED)).transpose()
    }
}

fn keep(entries: &mut Vec<Entry>, rows: Vec<ActionIx>) {
    let kept: HashSet<ActionIx> = rows.into_iter().collect();
    entries.retain(|entry| kept.contains(&entry.ix));
}

/// Why the list is empty, given how many entries there are without the filter.
fn nothing(asked: u64) -> String {
    match asked {
        0 => "no call needed approval".to_owned(),
        1 => "the only approval request does not match the filter".to_owned(),
        asked => {
            let asked = human::count(asked);
            format!("none of the {asked} approval requests matches the filter")
        }
    }
}

fn key(store: &Store, entry: &Entry, column: &str) -> Option<Key> {
    let row = store.row(entry.ix);
    match column {
        "run" => Key::name(&row.run().id),
        "seq" => Some(Key::Number(row.seq().into())),
        "asked" => entry
            .asked
            .or(entry.answered)
            .get()
            .map(|us| Key::Number(us as f64)),
        "tool" => Key::name(row.tool()),
        "answer" => Key::name(entry.answer.word()),
        "by" => Key::name(&entry.by),
        _ => entry.wait.get().map(|us| Key::Number(us as f64)),
    }
}

fn print(
    cx: &mut Cx,
    machine: Machine,
    (store, entries, totals): (&Store, &[Entry], &Totals),
    picked: Option<&Picked<'_>>,
) -> anyhow::Result<()> {
    let records = Records {
        schema: approval_json::SCHEMA,
        list: "approvals",
        csv: approval_json::MEMBERS,
        only: picked.map(Picked::members),
        rest: vec![("totals", json!(approval_json::totals(totals)))],
    };
    let entries = entries
        .iter()
        .map(|entry| approval_json::approval(store, entry));
    records.write(&mut cx.out, machine, entries)
}

fn text(
    cx: &mut Cx,
    (store, entries, totals): (&Store, &[Entry], &Totals),
    picked: Option<&Picked<'_>>,
) -> anyhow::Result<()> {
    let usual = OFFER.usual(|_| true);
    let shown = picked.unwrap_or(&usual);
    let ids: Vec<&str> = store.runs().iter().map(|run| &*run.id).collect();
    let short = short_ids(&ids);
    let cells = |entry: &Entry| {
        let own = row(cx, store, entry, &short);
        let record: Option<Value> = shown.needs_record().then(|| {
            serde_json::to_value(approval_json::approval(store, entry)).unwrap_or_default()
        });
        shown.cells(&own, record.as_ref(), &cx.out.style)
    };
    let rows: Vec<Vec<Cell>> = entries.iter().map(cells).collect();
    table::write(&mut cx.out, &shown.heads(), &rows)?;
    for entry in entries.iter().filter(|it| it.is_different()) {
        let line = warning(store, entry, &short);
        let line = cx.out.style.clean(&line);
        cx.out.painted(Role::Bad, &line)?;
    }
    cx.out.painted(Role::Dim, &sums(totals))?;
    Ok(())
}

fn row(cx: &Cx, store: &Store, entry: &Entry, short: &[String]) -> Vec<Cell> {
    let (row, style) = (store.row(entry.ix), &cx.out.style);
    let run = short
        .get(row.run_ix().0 as usize)
        .map_or("", String::as_str);
    let (answer, role) = answer(entry);
    let by = match (entry.by.as_str(), entry.asked_by.as_str()) {
        ("", "") => words::NOTHING.to_owned(),
        ("", policy) => format!("asked by {policy}"),
        (by, _) => by.to_owned(),
    };
    let call = summary::line(&row, &bodies::own(&row));
    let why = entry.reason.as_deref().unwrap_or(words::NOTHING);
    vec![
        Cell::new(style.clean(run)),
        Cell::new(words::seq(row.seq())),
        Cell::new(words::date_time(
            entry.asked.or(entry.answered),
            &style.zone,
        )),
        Cell::new(style.clean(words::name(row.tool()))),
        Cell::role(answer, role),
        Cell::new(style.clean(&by)),
        Cell::new(words::span(entry.wait)),
        Cell::role(style.clean(why), Role::Dim),
        Cell::new(style.clean(&call)),
    ]
}

/// `~approved`, `approved (session)`, `denied`.
fn answer(entry: &Entry) -> (String, Role) {
    let role = match entry.answer {
        Answer::Approved => Role::Good,
        Answer::Denied | Answer::Expired => Role::Bad,
        Answer::Waiting => Role::Warn,
        Answer::Unrecorded => Role::Dim,
    };
    let inferred = if entry.is_inferred { "~" } else { "" };
    let grant = entry
        .grant
        .map_or_else(String::new, |grant| format!(" ({})", grant.word()));
    let differs = if entry.is_different() { " ≠ ran" } else { "" };
    let word = entry.answer.word();
    (format!("{inferred}{word}{grant}{differs}"), role)
}

/// `warning: 7f3a91 #12 refund: approved amount 420, ran with 4200`.
fn warning(store: &Store, entry: &Entry, short: &[String]) -> String {
    let row = store.row(entry.ix);
    let run = short
        .get(row.run_ix().0 as usize)
        .map_or("", String::as_str);
    let one = |it: &Difference| format!("{} {}, ran with {}", it.name, it.approved, it.ran);
    let differs: Vec<String> = entry.differs.iter().flatten().map(one).collect();
    format!(
        "warning: {run} #{} {}: approved {}",
        words::seq(row.seq()),
        row.tool(),
        differs.join("; ")
    )
}

/// `5 approved · 1 denied · waited 8h35m for 6 answers`.
fn sums(totals: &Totals) -> String {
    let counts = [
        (totals.approved, "approved"),
        (totals.denied, "denied"),
        (totals.waiting, "waiting"),
        (totals.unrecorded, "with no recorded answer"),
        (totals.inferred, "of these inferred (~)"),
        (totals.programs, "by programs"),
        (totals.differs, "ran with other arguments"),
    ];
    let mut parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{} {words}", human::count(*count)))
        .collect();
    if let Some(wait) = totals.wait.get() {
        let wait = human::span(wait);
        let answers = human::counted(totals.waits, "answer");
        parts.push(format!("waited {wait} for {answers}"));
    }
    parts.join(" · ")
}
