//! The texts about the step and about the run up to it. Everything is sanitised.

use crate::analysis::replay::{Fill, State};
use crate::analysis::title;
use crate::base::{human, text};
use crate::export::readable;
use crate::export::words::{self, Role};
use crate::model::action::Verdict;
use crate::model::quantity::Cost;
use crate::model::run::Run;
use crate::store::Store;
use crate::store::bodies::Depth;
use crate::tui::screens::replay::Replay;
use crate::tui::session::Session;

#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) crumbs: Vec<String>,
    /// `turn 17/31 · step 104/204`.
    pub(super) place: String,
    /// The times at the ends of the run and here.
    pub(super) times: String,
    pub(super) state: Vec<Fact>,
    /// The action of the step, to read.
    pub(super) step: Vec<readable::Line>,
    /// The letter of a mark on the step.
    pub(super) mark: Option<char>,
    /// The message shown instead.
    pub(super) empty: Option<&'static str>,
}

/// One line of the state, and how it changed with this step.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) change: String,
    pub(super) role: Role,
}

/// What is opened of an action to show it, and lines of each of its texts.
const HEAD: u32 = 256 << 10;
const LINES: usize = 12;
/// Tools that are named; the others are counted.
const TOOLS: usize = 6;

impl Words {
    pub(super) fn new(replay: &Replay, session: &mut Session) -> Words {
        let Some(action) = replay.action() else {
            return Words {
                empty: Some("no run to replay"),
                ..Words::default()
            };
        };
        let zone = session.zone.clone();
        let about = replay.run.map(|run| {
            let opened = &mut session.loaded;
            title::of(&opened.store, run, &mut opened.bodies)
        });
        let opened = &mut session.loaded;
        let row = opened.store.row(action);
        let body = opened.bodies.open(&row, Depth::UpTo(HEAD));
        let run = row.run();
        let place = format!(
            "turn {}/{} · step {}/{}",
            row.turn(),
            run.totals.turns,
            human::count(replay.at as u64 + 1),
            human::count(replay.tape.len() as u64),
        );
        Words {
            crumbs: crumbs(
                &session.trace.title,
                (&opened.store, run),
                &about.unwrap_or_default(),
            ),
            place,
            times: format!(
                "{} › {}",
                words::time_of_day(row.time(), &zone),
                words::time_of_day(run.ended, &zone)
            ),
            state: state(replay, &opened.store),
            step: readable::opened(&row, &body, LINES, &zone),
            mark: session.marks.of(action),
            empty: None,
        }
    }
}

fn crumbs(title: &str, (store, run): (&Store, &Run), about: &str) -> Vec<String> {
    let file = title.rsplit('/').find(|part| !part.is_empty());
    let agent = text::sanitize(store.symbols().name(run.who.agent)).into_owned();
    let mut crumbs = vec![
        text::cut(file.unwrap_or_default(), 28).into_owned(),
        text::cut(&agent, 24).into_owned(),
        if about.is_empty() {
            format!("run {}", text::cut(&text::sanitize(&run.id), 40))
        } else {
            text::cut(about, 40).into_owned()
        },
    ];
    crumbs.retain(|crumb| !crumb.is_empty());
    crumbs
}

fn state(replay: &Replay, store: &Store) -> Vec<Fact> {
    let (before, after) = (&replay.states.before, &replay.states.after);
    let name = |sym| text::sanitize(store.symbols().name(sym)).into_owned();
    let mut facts = vec![cost(before, after), context(before, after)];
    let mut fact = |name: &'static str, value: String, change: String, role: Role| {
        facts.push(Fact {
            name,
            value,
            change,
            role,
        });
    };
    let tokens = words::tokens(after.usage.total());
    let more = |after: u64, before: u64| match after.saturating_sub(before) {
        0 => String::new(),
        more => format!("+{}", human::count(more)),
    };
    let total = |state: &State| state.usage.total().or_zero();
    fact(
        "tokens",
        tokens,
        more(total(after), total(before)),
        Role::Plain,
    );
    let calls = |state: &State| u64::from(state.model_calls);
    fact(
        "model calls",
        human::count(calls(after)),
        more(calls(after), calls(before)),
        Role::Plain,
    );
    fact(
        "tools called",
        tools(after, &name),
        more(after.tool_calls.into(), before.tool_calls.into()),
        Role::Plain,
    );
    let (files, new) = files(replay);
    fact("files touched", files, new, Role::Plain);
    let open = after.pending().len() as u64;
    fact(
        "pending",
        pending(after, store),
        String::new(),
        alarm(open, Role::Warn),
    );
    fact(
        "approvals",
        answers(after, &name),
        more(after.answers.len() as u64, before.answers.len() as u64),
        Role::Plain,
    );
    let stopped = |state: &State| u64::from(state.blocked + state.denied);
    let policy = format!(
        "{} · {} blocked · {} denied",
        human::counted(after.decisions.into(), "decision"),
        after.blocked,
        after.denied
    );
    fact(
        "policy",
        policy,
        more(stopped(after), stopped(before)),
        alarm(stopped(after), Role::Warn),
    );
    let errors = format!("{} · {} retried", after.errors, after.retries);
    fact(
        "errors",
        errors,
        more(after.errors.into(), before.errors.into()),
        alarm(after.errors.into(), Role::Bad),
    );
    fact(
        "compactions",
        after.compactions.to_string(),
        more(after.compactions.into(), before.compactions.into()),
        Role::Plain,
    );
    let waited = match after.waited.get() {
        Some(us) => format!(" · {} waited for people", human::span(us)),
        None => String::new(),
    };
    let elapsed = format!("{}{waited}", words::span(after.elapsed()));
    let since = after.now.since(before.now).get().filter(|us| *us > 0);
    let since = since.map(|us| format!("+{}", human::span(us)));
    fact("elapsed", elapsed, since.unwrap_or_default(), Role::Plain);
    facts
}

fn alarm(count: u64, role: Role) -> Role {
    if count == 0 { Role::Plain } else { role }
}

fn cost(before: &State, after: &State) -> Fact {
    let (total, is_estimate) = after.cost();
    let about = if is_estimate { "≈" } else { "" };
    let usd = |cost: Cost| cost.usd().map(|usd| format!("{about}{}", human::usd(usd)));
    let unpriced = match after.unpriced {
        0 => String::new(),
        count => format!(" · without {}", human::counted(count.into(), "call")),
    };
    let more = total.minus(before.cost().0);
    let has_more = more.get().is_some_and(|more| more > 0);
    let change = usd(more).filter(|_| has_more);
    Fact {
        name: "cost so far",
        value: format!(
            "{}{unpriced}",
            usd(total).unwrap_or_else(|| words::NOTHING.to_owned())
        ),
        change: change.map(|it| format!("+{it}")).unwrap_or_default(),
        role: Role::Plain,
    }
}

/// `76 % · 152,000 of 200,000 tokens`.
fn context(before: &State, after: &State) -> Fact {
    let value = after.context.map(|fill| {
        let tokens = human::count(fill.tokens);
        match (fill.percent(), fill.window) {
            (Some(percent), Some(window)) => {
                format!("≈{percent} % · {tokens} of {} tokens", human::count(window))
            }
            _ => format!("{tokens} tokens, window not known"),
        }
    });
    let change = match (before.context, after.context) {
        (Some(was), Some(is)) if is.call != was.call => {
            let sign = if is.tokens < was.tokens { "−" } else { "+" };
            format!("{sign}{}", human::count(is.tokens.abs_diff(was.tokens)))
        }
        _ => String::new(),
    };
    let is_full = after
        .context
        .and_then(Fill::percent)
        .is_some_and(|it| it >= 80);
    Fact {
        name: "context",
        value: value.unwrap_or_else(|| words::NOTHING.to_owned()),
        change,
        role: if is_full { Role::Warn } else { Role::Plain },
    }
}

fn tools(state: &State, name: &dyn Fn(crate::model::symbol::Sym) -> String) -> String {
    if state.tools.is_empty() {
        return words::NOTHING.to_owned();
    }
    let mut tools = state.tools.clone();
    tools.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
    let shown: Vec<String> = tools
        .iter()
        .take(TOOLS)
        .map(|(tool, calls)| format!("{} ×{calls}", words::name(&name(*tool))))
        .collect();
    let more = match tools.len().saturating_sub(TOOLS) {
        0 => String::new(),
        more => format!(" · {more} more"),
    };
    format!("{}{more}", shown.join(" · "))
}

/// How many files calls named so far and the last of them; and those of this step.
fn files(replay: &Replay) -> (String, String) {
    if !replay.touched.is_known {
        return ("…".to_owned(), String::new());
    }
    let touched = &replay.touched.files;
    let so_far = &touched[..touched.partition_point(|touch| touch.step <= replay.at)];
    let value = match so_far.last() {
        None => "0".to_owned(),
        Some(last) => format!("{} · last {}", last.distinct, name_of(&last.path)),
    };
    let of_step = so_far
        .iter()
        .rev()
        .take_while(|touch| touch.step == replay.at);
    let change = match of_step.filter(|touch| touch.is_new).count() {
        0 => String::new(),
        new => format!("+{new}"),
    };
    (value, change)
}

fn name_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    text::sanitize(name).into_owned()
}

/// More open calls than this are not named: no screen is so wide.
const NAMED: usize = 50;

fn pending(state: &State, store: &Store) -> String {
    let open = state.pending();
    if open.is_empty() {
        return "0".to_owned();
    }
    let named = open.iter().take(NAMED).map(|ix| {
        let row = store.row(*ix);
        format!("{} #{}", text::sanitize(words::name(row.tool())), row.seq())
    });
    let named: Vec<String> = named.collect();
    let more = if open.len() > NAMED { ", …" } else { "" };
    format!("{}: {}{more}", open.len(), named.join(", "))
}

fn answers(state: &State, name: &dyn Fn(crate::model::symbol::Sym) -> String) -> String {
    let Some((_, by, verdict)) = state.answers.last() else {
        return "0".to_owned();
    };
    let by = name(*by);
    let who = if by.is_empty() {
        String::new()
    } else {
        format!(" by {by}")
    };
    let what = match verdict {
        Verdict::Unrecorded => "not recorded",
        verdict => verdict.word(),
    };
    format!("{} · last {what}{who}", state.answers.len())
}
