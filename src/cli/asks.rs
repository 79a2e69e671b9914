//! `asks`, `approve` and `deny`: answers tool calls waiting for approval, without the explorer.

use std::io::{self, IsTerminal};
use std::time::Duration;

use serde_json::json;

use crate::act::ask::approver::Approver;
use crate::act::ask::mailbox::Mailbox;
use crate::act::ask::{Ask, Standing, State, me};
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::guard::places;
use crate::export::words::Role;
use crate::tui::asks::left;

/// List the tool calls waiting for approval
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui asks                                pending calls, and exactly what would run
  saferun-tui asks --watch                        print requests as they arrive; meanwhile agents
                                                  wait for an answer instead of being denied
  saferun-tui approve a-18b2 --reason 'scratch'   answer: a unique prefix of the id is enough")]
pub struct Asks {
    /// Keep running, and print each new request
    #[arg(long)]
    watch: bool,
}

/// Approve a tool call waiting for approval
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// The id of the request, or a unique prefix
    id: String,

    /// The reason, kept with the answer
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Deny a tool call waiting for approval
#[derive(Debug, clap::Args)]
pub struct Deny {
    /// The id of the request, or a unique prefix
    id: String,

    /// The reason, shown to the agent
    #[arg(long, value_name = "TEXT", default_value = "denied")]
    reason: String,
}

impl Command for Asks {
    const NAME: &'static str = "asks";
    const ACCEPTS: Accepts = Accepts::NONE.with(GlobalOption::Json);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let places = places()?;
        if self.watch {
            return watch(cx);
        }
        let mailboxes = Mailbox::all(&places);
        let found = open(&mailboxes);
        if cx.global.json {
            let asks: Vec<_> = found.iter().map(|(_, ask)| public(ask)).collect();
            cx.out
                .json(&json!({"schema": "saferun.tui/asks@1", "asks": asks}))?;
            return Ok(Exit::Done);
        }
        for (_, ask) in &found {
            print(cx, ask)?;
        }
        if found.is_empty() {
            cx.notes.note("no tool call is waiting for approval");
            return Ok(Exit::NoMatch);
        }
        Ok(Exit::Done)
    }
}

/// An ask without its nonce: reading the output must not be enough to answer.
fn public(ask: &Ask) -> serde_json::Value {
    let mut ask = serde_json::to_value(ask).unwrap_or_default();
    if let Some(ask) = ask.as_object_mut() {
        ask.shift_remove("nonce");
    }
    ask
}

const OFTEN: Duration = Duration::from_millis(250);

fn watch(cx: &mut Cx) -> anyhow::Result<Exit> {
    let places = places()?;
    let mailboxes = Mailbox::all(&places);
    let approver = Approver::new(&places);
    if !approver.is_known() {
        let what = "no usable folder in which agents could find this approver";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    let mut printed = Vec::new();
    loop {
        for (_, ask) in open(&mailboxes) {
            if !printed.contains(&ask.id) {
                print(cx, &ask)?;
                cx.out.flush()?;
                printed.push(ask.id);
            }
        }
        crate::act::ask::wait::pause(OFTEN);
    }
}

fn open(mailboxes: &[Mailbox]) -> Vec<(&Mailbox, Ask)> {
    let now = System.now();
    let all = mailboxes.iter();
    let all = all.flat_map(|mailbox| mailbox.list().into_iter().map(move |ask| (mailbox, ask)));
    all.filter(|(mailbox, ask)| mailbox.standing(ask, now) == Standing::Open)
        .collect()
}

fn print(cx: &mut Cx, ask: &Ask) -> io::Result<()> {
    let left = ask.until().map(|until| left(until, System.now()));
    let rule = ask.rule.as_deref().unwrap_or(&ask.policy);
    let head = format!(
        "{}  {} {}  rule {rule}: {}  {} left",
        ask.id,
        ask.host,
        ask.tool,
        ask.reason,
        left.unwrap_or_default()
    );
    let head = cx.out.style.clean(&head);
    cx.out.painted(Role::Warn, &head)?;
    let args = serde_json::to_string_pretty(&ask.args).unwrap_or_default();
    for line in args.lines() {
        let line = cx.out.style.clean(&format!("    {line}"));
        cx.out.line(&line)?;
    }
    Ok(())
}

impl Command for Approve {
    const NAME: &'static str = "approve";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        answer(cx, &self.id, State::Approved, &self.reason)
    }
}

impl Command for Deny {
    const NAME: &'static str = "deny";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        answer(cx, &self.id, State::Denied, &self.reason)
    }
}

/// Only a person may answer, so a terminal is required.
fn answer(cx: &mut Cx, id: &str, state: State, reason: &str) -> anyhow::Result<Exit> {
    if !io::stdin().is_terminal() {
        let what = "only a person can answer: standard input is not a terminal";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    let places = places()?;
    let mailboxes = Mailbox::all(&places);
    let waiting = open(&mailboxes);
    let mut found = waiting.iter().filter(|(_, ask)| ask.id.starts_with(id));
    let (mailbox, ask) = match (found.next(), found.count()) {
        (Some(one), 0) => one,
        (Some(_), others) => {
            let what = format!("'{id}' is a prefix of {} ids", others + 1);
            return Err(Failure::Usage(what).into());
        }
        (None, _) => {
            let what = format!("no pending request has an id that starts with '{id}'");
            return Err(Failure::Input(what).into());
        }
    };
    let now = System.now();
    let answered = ask.answer(state, &me("terminal"), reason, now);
    match mailbox.answer(ask, &answered, now) {
        Ok(()) => {
            let line = format!("{} {} {}", state.word(), ask.tool, human::rfc3339(now));
            let line = cx.out.style.clean(&line);
            cx.out.line(&line)?;
            Ok(Exit::Done)
        }
        Err(lost) => Err(Failure::Input(format!("your answer was not accepted: {lost}")).into()),
    }
}
