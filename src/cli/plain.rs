//! `--plain`: the stream line by line, moved through with typed commands. Nothing is drawn over what was
//! printed, so that screen readers and terminals without a cursor can follow.

mod typed;

use std::io::{self, BufRead};

use jiff::tz::TimeZone;

use self::typed::{HELP, Typed};
use crate::analysis::policy::set::Policies;
use crate::analysis::title;
use crate::base::human;
use crate::cli::failure::Exit;
use crate::cli::load::Read;
use crate::cli::policy::over::{self, Laid};
use crate::cli::{Cx, filter};
use crate::export::readable::{self, Line};
use crate::export::words::{self, Role};
use crate::model::action::{ActionIx, Status};
use crate::model::run::RunIx;
use crate::query::expr::Expr;
use crate::query::hint::Over;
use crate::store::bodies::Bodies;
use crate::store::row::Row;

/// Reads commands from standard input until `q` or its end. With a policy, each call carries its verdict.
pub(super) fn walk(cx: &mut Cx, read: &Read, policies: Option<&Policies>) -> anyhow::Result<Exit> {
    let laid = over::judge(cx, policies, &read.store);
    let runs = read.runs();
    let condition = filter::condition(cx)?.unwrap_or(Expr::All);
    let mut walk = Walk {
        read,
        rows: Vec::new(),
        at: 0,
        run: runs.first().copied().filter(|_| runs.len() == 1),
        filter: Expr::All,
        laid,
        is_unheard: runs.len() > 1,
    };
    walk.narrow(cx, condition);
    if runs.len() > 1 {
        walk.list_runs(cx)?;
    } else {
        walk.speak(cx)?;
    }
    cx.out
        .line("Type a command and Enter: h for help, q or Ctrl-D to leave.")?;
    let mut line = String::new();
    loop {
        cx.out.prompt("> ")?;
        line.clear();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            // The shell's prompt begins on a line of its own.
            cx.out.line("")?;
            return Ok(Exit::Done);
        }
        match Typed::parse(line.trim()) {
            Typed::Quit => return Ok(Exit::Done),
            typed => walk.obey(cx, typed)?,
        }
    }
}

struct Walk<'a> {
    read: &'a Read,
    /// The actions of the run, or of all runs, that match the filter.
    rows: Vec<ActionIx>,
    /// The current one of them.
    at: usize,
    run: Option<RunIx>,
    filter: Expr,
    /// The verdicts of the policy given with `--policy`.
    laid: Option<Laid<'a>>,
    /// The current action has not been printed yet.
    is_unheard: bool,
}

impl Walk<'_> {
    fn obey(&mut self, cx: &mut Cx, typed: Typed) -> anyhow::Result<()> {
        let last = self.rows.len().saturating_sub(1);
        match typed {
            Typed::Next if std::mem::take(&mut self.is_unheard) => self.speak(cx),
            Typed::Next if self.at == last => say(cx, "This is the last action. q leaves."),
            Typed::Previous if self.at == 0 => say(cx, "This is the first action."),
            Typed::Next => self.go(cx, self.at + 1),
            Typed::Previous => self.go(cx, self.at - 1),
            Typed::First => self.go(cx, 0),
            Typed::Last => self.go(cx, last),
            Typed::Again => self.speak(cx),
            Typed::Full => self.print(cx, readable::full),
            Typed::NextError => self.seek(cx, true),
            Typed::PreviousError => self.seek(cx, false),
            Typed::Number(seq) => {
                let store = &self.read.store;
                let found = self.rows.iter().position(|ix| store.row(*ix).seq() == seq);
                match found {
                    Some(at) => self.go(cx, at),
                    None => say(cx, &format!("No action {seq} here.")),
                }
            }
            Typed::Filter(text) => match filter::parse_over_policy(cx, &text) {
                Ok(expr) => {
                    self.narrow(cx, expr);
                    self.speak(cx)
                }
                Err(failure) => say(cx, &failure.to_string()),
            },
            Typed::Runs => self.list_runs(cx),
            Typed::Run(number) => self.choose(cx, number),
            Typed::Where => self.tell_place(cx),
            Typed::Help => HELP.iter().try_for_each(|line| say(cx, line)),
            Typed::Unknown(word) => {
                let word = cx.out.style.clean(&word);
                say(
                    cx,
                    &format!("'{word}' is not a command. h lists them, q leaves."),
                )
            }
            Typed::Quit => Ok(()),
        }
    }

    fn go(&mut self, cx: &mut Cx, at: usize) -> anyhow::Result<()> {
        self.at = at;
        self.speak(cx)
    }

    /// The current action in brief.
    fn speak(&self, cx: &mut Cx) -> anyhow::Result<()> {
        self.print(cx, readable::brief)
    }

    fn print(
        &self,
        cx: &mut Cx,
        lines: fn(&Row<'_>, &TimeZone) -> Vec<Line>,
    ) -> anyhow::Result<()> {
        let Some(ix) = self.rows.get(self.at) else {
            return say(cx, "No actions match.");
        };
        let zone = cx.out.style.zone.clone();
        for line in lines(&self.read.store.row(*ix), &zone) {
            cx.out.pieces(&line)?;
        }
        if let Some((role, words)) = self.laid.as_ref().and_then(|it| it.words(*ix)) {
            let words = cx.out.style.clean(&format!("  what-if: {words}"));
            cx.out.painted(role, &words)?;
        }
        Ok(())
    }

    /// To the next or previous action that failed or was stopped.
    fn seek(&mut self, cx: &mut Cx, forward: bool) -> anyhow::Result<()> {
        let store = &self.read.store;
        let is_trouble = |at: &usize| {
            let status = store.row(self.rows[*at]).status();
            matches!(
                status,
                Status::Error | Status::Timeout | Status::Blocked | Status::Denied
            )
        };
        let found = if forward {
            (self.at + 1..self.rows.len()).find(is_trouble)
        } else {
            (0..self.at).rev().find(is_trouble)
        };
        match found {
            Some(at) => self.go(cx, at),
            None if forward => say(cx, "No error or block after this."),
            None => say(cx, "No error or block before this."),
        }
    }

    /// Keeps the actions of the run that match; stays at the current action if it does.
    fn narrow(&mut self, cx: &Cx, expr: Expr) {
        let store = &self.read.store;
        let mut rows = self.read.selected(filter::rows(cx, store, &expr));
        if let Some(run) = self.run {
            rows.retain(|ix| store.row(*ix).run_ix() == run);
        }
        if rows.is_empty() {
            filter::hint(cx, store, &expr, Over::Actions);
        }
        let current = self.rows.get(self.at).copied();
        let stays = current.and_then(|ix| rows.iter().position(|it| *it >= ix));
        self.at = stays.unwrap_or(0);
        self.rows = rows;
        self.filter = expr;
    }

    fn list_runs(&self, cx: &mut Cx) -> anyhow::Result<()> {
        let store = &self.read.store;
        let mut bodies = Bodies::new();
        for (number, ix) in self.read.runs().into_iter().enumerate() {
            let run = store.run(ix);
            let (status, role) = words::run_status(run);
            let title = title::of(store, ix, &mut bodies);
            let id = cx.out.style.clean(&run.id);
            let status = cx.out.style.paint(role, status);
            cx.out
                .line(&format!("{}. {id}, {status}: {title}", number + 1))?;
        }
        say(cx, "Type run and a number to read one run; run 0 for all.")
    }

    fn choose(&mut self, cx: &mut Cx, number: usize) -> anyhow::Result<()> {
        let runs = self.read.runs();
        let chosen = number.checked_sub(1);
        if chosen.is_some_and(|at| at >= runs.len()) {
            return say(
                cx,
                &format!(
                    "There is no run {number}: {} in all.",
                    human::counted(runs.len() as u64, "run")
                ),
            );
        }
        self.run = chosen.map(|at| runs[at]);
        (self.rows, self.at) = (Vec::new(), 0);
        self.narrow(cx, self.filter.clone());
        self.speak(cx)
    }

    fn tell_place(&self, cx: &mut Cx) -> anyhow::Result<()> {
        let store = &self.read.store;
        let run = match self.run {
            Some(run) => format!("run {}", cx.out.style.clean(&store.run(run).id)),
            None => "all runs".to_owned(),
        };
        let filter = match &self.filter {
            Expr::All => String::new(),
            expr => format!(", filter {}", cx.out.style.clean(&expr.to_string())),
        };
        let place = format!(
            "Action {} of {}, {run}{filter}.",
            self.at + 1,
            self.rows.len()
        );
        say(cx, &place)
    }
}

fn say(cx: &mut Cx, clean: &str) -> anyhow::Result<()> {
    Ok(cx.out.painted(Role::Plain, clean)?)
}
