//! `diff --experiment`: repeats the model call where two runs diverged, with one thing at a time as in the other run.

use serde_json::{Value, json};

use crate::act::net::Net;
use crate::act::rerun::attempt_runs::Step;
use crate::act::rerun::offer::{MOST, Wanted};
use crate::act::rerun::trial::{Outcome, Trials, table};
use crate::analysis::diff::experiment::Branch;
use crate::analysis::diff::story::Story;
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock, System};
use crate::cli::failure::{Exit, Failure};
use crate::cli::rerun::ask::{Consent, consent};
use crate::cli::rerun::attempts::{in_state, report};
use crate::cli::{Cx, settings};
use crate::export::redact::Masked;

/// The options of an experiment; all others need --experiment.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Experiment")]
pub(super) struct Options {
    /// Try what made the runs diverge: repeat A's model call with one thing at a time as in B
    #[arg(long)]
    pub(super) experiment: bool,
    /// Repeat each request this many times
    #[arg(short = 'n', long = "times", value_name = "K", default_value_t = 10, requires = "experiment",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    times: u16,
    #[arg(
        long,
        value_name = "URL",
        requires = "experiment",
        help = "The base URL of the API, as an SDK would take it, such as https://api.openai.com/v1"
    )]
    base_url: Option<String>,
    /// The variable that holds the key
    #[arg(long, value_name = "NAME", requires = "experiment")]
    key_env: Option<String>,
    /// Send nothing that could push the total cost above this
    #[arg(long, value_name = "USD", requires = "experiment")]
    max_usd: Option<f64>,
    /// Show what would be sent, and send nothing
    #[arg(long, requires = "experiment")]
    dry_run: bool,
    /// Allow requests to the network
    #[arg(long, requires = "experiment")]
    allow_net: bool,
    /// Do not ask; only with --allow-net and --max-usd
    #[arg(long, requires = "experiment")]
    yes: bool,
}

const SCHEMA: &str = "saferun.tui/experiment@1";

pub(super) fn run(cx: &mut Cx, story: &Story<'_>, asked: &Options) -> anyhow::Result<Exit> {
    let wanted = Wanted {
        times: usize::from(asked.times),
        most: asked.max_usd.unwrap_or(MOST),
        base: asked.base_url.clone(),
        key: asked.key_env.clone(),
        ..Wanted::default()
    };
    let prices = cx.load.options.prices.clone();
    let trials =
        Trials::new(story, &wanted, &settings::rerun(&cx.config)).map_err(Failure::Usage)?;
    cx.notes
        .line("EXPERIMENT: model calls only; A's request, and the same with one thing as in B");
    for line in trials.lines(&prices) {
        cx.notes.line(&cx.notes.style.clean(&line));
    }
    if asked.dry_run {
        return Ok(Exit::Done);
    }
    let given = Consent {
        allow_net: asked.allow_net,
        yes: asked.yes,
        is_limited: asked.max_usd.is_some(),
    };
    let is_priced = trials.is_priced(&prices);
    consent(cx, given, (&trials.offer.models[0], is_priced))?;
    let keys = trials.keys().map_err(Failure::Usage)?;
    let net = Net::start()?;
    let mut say = |at: usize| {
        let what = cx.notes.style.clean(&trials.rows[at].0);
        cx.notes.line(&format!("asking     {what}"));
    };
    let outcomes = trials.send(&net, &keys, &prices, (&CancelFlag::new(), &mut say));
    finish(cx, story, &trials, &outcomes)
}

fn finish(
    cx: &mut Cx,
    story: &Story<'_>,
    trials: &Trials,
    outcomes: &[Outcome],
) -> anyhow::Result<Exit> {
    let tape = Tape::new(story.a.store, story.a.run);
    let step = Step {
        store: story.a.store,
        tape: &tape,
        action: trials.offer.call,
    };
    let now = System.now();
    let kept = trials.keep(step, outcomes, now);
    let path = if kept.is_empty() {
        None
    } else {
        Some(in_state(cx, step, (&kept, now))?)
    };
    if cx.global.json {
        let document = Masked::unless(None, document(trials, outcomes));
        cx.out.json(document.get())?;
    } else {
        for line in table(outcomes) {
            let line = cx.out.style.clean(&line);
            cx.out.line(&line)?;
        }
    }
    report(cx, outcomes.iter().map(|it| &it.answers), path.as_deref());
    let is_answered = outcomes.iter().any(|it| it.answers.agreement.n > 0);
    Ok(if is_answered {
        Exit::Done
    } else {
        Exit::NoMatch
    })
}

fn document(trials: &Trials, outcomes: &[Outcome]) -> Value {
    let rows = outcomes.iter().map(|it| {
        let effect = it.effect(&outcomes[0]);
        json!({
            "changed": it.what,
            "model": it.answers.model,
            "wanted": it.answers.wanted,
            "answered": it.other.n,
            "branch_b": it.other.hits,
            "branch_a": it.own,
            "interval": it.interval().map(|(lo, hi)| [lo, hi]),
            "effect": effect.map(|(value, _, _)| value),
            "effect_interval": effect.map(|(_, lo, hi)| [lo, hi]),
            "verdict": it.verdict(&outcomes[0]),
            "cost_usd": it.answers.cost(),
            "errors": it.answers.errors().collect::<Vec<&str>>(),
        })
    });
    let [a, b] = trials.branches.each_ref().map(Branch::words);
    json!({
        "schema": SCHEMA,
        "seq": trials.offer.seq,
        "branches": {"a": a, "b": b},
        "trials": rows.collect::<Vec<Value>>(),
        "untried": trials.untried,
    })
}
