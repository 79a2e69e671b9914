//! Details of the selected row: why, what, the evidence, the cost, and what a breaker would do.

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::budget::Resource;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::rules::Watches;
use crate::analysis::alerts::shown;
use crate::analysis::process;
use crate::analysis::summary;
use crate::base::human;
use crate::export::costs::short_run;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::Depth;
use crate::tui::alerting::Evaluation;
use crate::tui::screens::alerts::rows::{Item, clean};
use crate::tui::session::Session;
use crate::tui::widgets::tone::{Line, Tone};

/// The title of the selected row, and the labelled lines below it.
#[derive(Debug, Default)]
pub(super) struct Details {
    pub(super) title: String,
    pub(super) lines: Vec<(&'static str, Line)>,
}

/// The most actions that are listed.
const LISTED: usize = 24;

impl Details {
    pub(super) fn new(item: &Item, seen: &Evaluation, session: &mut Session) -> Details {
        match item {
            Item::Alert(at) => alert(&seen.alerts()[*at], seen, session),
            Item::Pending(it) => Details {
                title: clean(&shown::title(seen.rules(), (it.rule, it.detector))),
                lines: vec![
                    (
                        "why",
                        plain(format!("{} so far: {}", it.count, it.detector.doc())),
                    ),
                    (
                        "limit",
                        plain(format!(
                            "warns at {}, trips at {}",
                            it.limits.warn, it.limits.trip
                        )),
                    ),
                ],
            },
            Item::Learning(at) => {
                let it = &seen.overlay.report.learning[*at];
                let (have, need) = (it.have, human::counted(it.need as u64, "run"));
                let why = format!(
                    "{have} of {need} known; until then this rule cannot fire, loops and budgets can"
                );
                let how = "saferun-tui baseline write FILE PATH... saves a baseline; baseline = \"FILE\" in the rules uses it";
                Details {
                    title: clean(&seen.rules().rules[it.rule].id),
                    lines: vec![("why", plain(why)), ("baseline", plain(how.to_owned()))],
                }
            }
        }
    }
}

fn plain(words: String) -> Line {
    vec![(Tone::Plain, words)]
}

fn alert(alert: &Alert, seen: &Evaluation, session: &mut Session) -> Details {
    let hit = alert.worst();
    let title = shown::title(seen.rules(), (alert.rule, hit.detector));
    let id = alert.id.get(..8).unwrap_or_default();
    let mut lines = vec![("why", why(alert, &session.loaded.store))];
    lines.extend(what(alert, session).map(|line| ("what", line)));
    lines.push(("evidence", evidence(alert, &session.loaded.store)));
    lines.push(("money", money(alert, seen, &session.loaded.store)));
    lines.push(("breaker", breaker(alert, seen, session)));
    Details {
        title: clean(&format!("{title} · {} · {id}", alert.about())),
        lines,
    }
}

fn why(alert: &Alert, store: &Store) -> Line {
    let tone = match alert.level() {
        Level::Trip => Tone::Bad,
        Level::Warn => Tone::Waiting,
        Level::Info => Tone::Plain,
    };
    vec![(tone, clean(&alert.why(store)))]
}

/// The last action of the evidence, as the stream shows it.
fn what(alert: &Alert, session: &mut Session) -> Option<Line> {
    let opened = &mut session.loaded;
    let ix = alert.evidence().last().copied()?;
    if ix.0 < opened.store.first() {
        return None;
    }
    let row = opened.store.row(ix);
    let body = opened.bodies.open(&row, Depth::Glance);
    let call = format!("{} {}", row.tool(), summary::line(&row, &body));
    let mut line = vec![(Tone::Plain, clean(call.trim()))];
    if let Some(decision) = body.decisions.last() {
        let rule = decision.rule.as_deref().or(decision.policy.as_deref());
        let reason = decision.reason.as_deref().unwrap_or_default();
        let words = format!(" → {} {reason}", rule.unwrap_or_default());
        line.push((Tone::Bad, clean(words.trim_end())));
    }
    Some(line)
}

fn evidence(alert: &Alert, store: &Store) -> Line {
    let all = alert.evidence();
    let mut line = Line::new();
    for ix in all.iter().take(LISTED).filter(|ix| ix.0 >= store.first()) {
        let row = store.row(*ix);
        let run = if row.run_ix() == alert.run() {
            String::new()
        } else {
            format!("{} ", short_run(store, row.run_ix()))
        };
        line.push((Tone::Number, clean(&format!("{run}#{}", row.seq()))));
        let (mark, tone) = match row.status() {
            Status::Error | Status::Timeout => (" ✖", Tone::Bad),
            Status::Blocked | Status::Denied => (" ⊘", Tone::Bad),
            Status::Ok => (" ✓", Tone::Good),
            Status::Unrecorded | Status::Cancelled | Status::Pending => ("", Tone::Faint),
        };
        line.push((tone, format!("{mark}  ")));
    }
    if all.len() > LISTED {
        line.push((Tone::Faint, format!("and {} more", all.len() - LISTED)));
    }
    line
}

/// What the run has spent since the first evidence, what its next step may cost, and how much of its budget is used.
fn money(alert: &Alert, seen: &Evaluation, store: &Store) -> Line {
    let Some(first) = alert.evidence().first().copied() else {
        return Line::new();
    };
    let spent = spent(store, alert.run(), first);
    let mut parts = Vec::new();
    if let Some(sum) = spent.since {
        let seq = store.row(first).seq();
        parts.push(format!("{} since #{seq}", human::usd(sum as f64 / 1e12)));
    }
    if let Some(step) = spent.step {
        let context = spent.context.map_or_else(String::new, |tokens| {
            format!(" ({} tokens in context)", human::short_count(tokens))
        });
        parts.push(format!(
            "next step ≈ {}{context}",
            human::usd(step as f64 / 1e12)
        ));
    }
    if parts.is_empty() {
        parts.push("cost not recorded".to_owned());
    }
    parts.extend(cap(seen, spent.all));
    plain(parts.join(" · "))
}

/// In picodollars.
#[derive(Debug, Default)]
struct Spent {
    all: Option<i64>,
    since: Option<i64>,
    /// The last model call.
    step: Option<i64>,
    context: Option<u64>,
}

fn spent(store: &Store, run: RunIx, first: ActionIx) -> Spent {
    let mut spent = Spent::default();
    let begin = store.run(run).first_action.0.max(store.first());
    for ix in begin..store.len() {
        let row = store.row(ActionIx(ix));
        if row.run_ix() != run {
            continue;
        }
        let cost = row.cost().get();
        if row.kind() == Kind::Response && cost.is_some() {
            spent.step = cost;
            let usage = row.usage();
            spent.context = (usage.input + usage.cache_read + usage.cache_write).get();
        }
        let add = |sum: &mut Option<i64>| *sum = cost.map(|it| it + sum.unwrap_or(0)).or(*sum);
        add(&mut spent.all);
        if row.ix() >= first {
            add(&mut spent.since);
        }
    }
    spent
}

/// The tightest cost budget of the rules, and how much of it is used.
fn cap(seen: &Evaluation, spent: Option<i64>) -> Option<String> {
    let limits = seen
        .rules()
        .rules
        .iter()
        .filter_map(|rule| match &rule.watches {
            Watches::Budget(limits) => limits.of(Resource::Cost),
            Watches::Lane { .. }
            | Watches::Outlier
            | Watches::Drift
            | Watches::Rate { .. }
            | Watches::Match { .. } => None,
        });
    let limit = limits.min()?;
    let percent = spent?.saturating_mul(100) / limit.max(1);
    Some(format!(
        "cap {} {percent} % used",
        human::usd(limit as f64 / 1e12)
    ))
}

/// What stops the run, or would if the breaker were armed.
fn breaker(alert: &Alert, seen: &Evaluation, session: &mut Session) -> Line {
    let (rules, run) = (seen.rules(), alert.run());
    let opened = &mut session.loaded;
    let kill = match process::recorded(&opened.store, run, &mut opened.bodies) {
        Some(pid) => format!("kill ends pid {pid}"),
        None => "kill: no pid recorded".to_owned(),
    };
    if !rules.stops(alert.rule, alert.level()) {
        let words = format!("the rule does not stop (on_trip has no \"stop\") · {kill}");
        return vec![(Tone::Faint, words)];
    }
    let with = &rules.breaker.with;
    let has = |name: &str| with.is_empty() || with.iter().any(|it| it == name);
    let mut parts = Vec::new();
    if has("guard") {
        parts.push("guard denies the next call".to_owned());
    }
    if has("proxy") {
        parts.push("proxy answers the next model call with 400".to_owned());
    }
    parts.push(kill);
    let how = parts.join(" · ");
    if seen.in_force.is_armed() {
        return vec![(Tone::Bad, format!("armed: {how}"))];
    }
    let why = match &seen.in_force.disarmed {
        Some(why) => clean(&format!("not armed ({why})")),
        None => "not armed".to_owned(),
    };
    vec![
        (Tone::Waiting, format!("{why}: nothing stopped · ")),
        (Tone::Faint, format!("if armed: {how}")),
    ]
}
