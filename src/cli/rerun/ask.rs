//! Repeating a model call: what would be sent, consent, and how the answers compare with the recorded one.

use super::attempts::{self, Sent};
use super::{Rerun, confirm};
use crate::act::net::Net;
use crate::act::rerun::attempt_runs::Step;
use crate::act::rerun::offer::{MOST, Offer, Wanted};
use crate::base::cancel::CancelFlag;
use crate::cli::failure::{Exit, Failure};
use crate::cli::{Cx, settings};

pub(super) fn run(cx: &mut Cx, asked: &Rerun, step: Step<'_>) -> anyhow::Result<Exit> {
    let wanted = Wanted {
        models: asked.model.clone(),
        edits: asked.set.clone(),
        times: usize::from(asked.times.unwrap_or(1)),
        most: asked.max_usd.unwrap_or(MOST),
        base: asked.base_url.clone(),
        key: asked.key_env.clone(),
    };
    let offer = Offer::new(
        step.store,
        step.action,
        &wanted,
        &settings::rerun(&cx.config),
    );
    step.store.intact()?;
    let offer = offer.map_err(Failure::Usage)?;
    cx.notes
        .line(&format!("RE-RUN of model call #{}", offer.seq));
    for line in offer.lines(&cx.load.options.prices) {
        cx.notes.line(&cx.notes.style.clean(&line));
    }
    if asked.dry_run {
        return Ok(Exit::Done);
    }
    let is_priced = offer.is_priced(&cx.load.options.prices);
    attempts::check_place(cx, asked)?;
    consent(cx, asked.consent(), (&offer.models[0], is_priced))?;
    let key = offer.key().map_err(Failure::Usage)?;
    let net = Net::start()?;
    let answers = offer.send(&net, &key, &cx.load.options.prices, &CancelFlag::new());
    let sent = Sent {
        asked,
        step,
        edits: &offer.edits,
        answers: &answers,
    };
    attempts::finish(cx, &sent)
}

/// The options that allow it.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Consent {
    pub(in crate::cli) allow_net: bool,
    pub(in crate::cli) yes: bool,
    /// A limit on spending was given.
    pub(in crate::cli) is_limited: bool,
}

/// An error unless the user allowed the requests and confirmed them by the name of the model.
pub(in crate::cli) fn consent(
    cx: &Cx,
    given: Consent,
    (model, is_priced): (&str, bool),
) -> Result<(), Failure> {
    let refuse = |what: &str| Err(Failure::Usage(what.to_owned()));
    if !given.allow_net {
        return refuse("nothing was sent: use --allow-net to send it, or --dry-run to show it");
    }
    if !given.yes {
        return confirm(cx, "To send it", model);
    }
    match (given.is_limited, is_priced) {
        (true, true) => Ok(()),
        (false, _) => refuse("--yes needs --max-usd"),
        (true, false) => refuse(
            "no price is known for a model, so --max-usd cannot be enforced (--price-file can name one)",
        ),
    }
}
