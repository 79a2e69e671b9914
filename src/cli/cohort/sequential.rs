//! `cohort --sequential`: tests cohorts that still grow.

use serde_json::json;

use crate::analysis::cohort::compare::Comparison;
use crate::analysis::cohort::measure::Shape;
use crate::analysis::cohort::sequential::{Decision, Looks, look, measure};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};

const METHOD: &str = "asymptotic confidence sequence (Waudby-Smith et al. 2024)";

pub(super) fn sequential(
    cx: &mut Cx,
    found: &Comparison,
    metrics: &[String],
) -> anyhow::Result<Exit> {
    if metrics.len() > 1 {
        let what = "--sequential decides by one --metric: several would need a correction";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    let name = metrics.first().map(String::as_str);
    let measure = measure(found, name).map_err(Failure::Usage)?;
    let looks = look(found, measure);
    if cx.global.machine().is_some() {
        cx.out.json(&document(&looks))?;
    } else {
        print(cx, &looks)?;
    }
    Ok(match looks.decision {
        Decision::Fine => Exit::Done,
        Decision::Worse => Exit::Worse,
        Decision::Open => Exit::CannotTell,
    })
}

fn document(looks: &Looks) -> serde_json::Value {
    json!({
        "schema": "saferun.tui/sequential@1",
        "metric": looks.measure.info().name,
        "method": METHOD,
        "decision": looks.decision.word(),
        "paired": looks.paired,
        "after": looks.after,
        "of": looks.of,
        "runs_saved": looks.saved(),
        "lo": looks.interval.map(|it| it.0),
        "hi": looks.interval.map(|it| it.1),
        "margin": looks.margin,
        "alpha": looks.alpha,
    })
}

fn print(cx: &mut Cx, looks: &Looks) -> anyhow::Result<()> {
    let info = looks.measure.info();
    let percent = 100.0 * (1.0 - looks.alpha);
    cx.out.line(&format!(
        "{} · {METHOD}, {percent:.0} % over all checks",
        info.words
    ))?;
    let what = if looks.paired { "pair" } else { "run" };
    let after = human::counted(looks.after as u64, what);
    let amount = |it: f64| match info.shape {
        Shape::Rate => format!("{:+.1} points", 100.0 * it),
        Shape::Count | Shape::Amount => format!("{it:+.4}"),
    };
    let interval = looks.interval.map_or_else(
        || "too few runs for an interval".to_owned(),
        |(lo, hi)| format!("B − A between {} and {}", amount(lo), amount(hi)),
    );
    cx.out.line(&format!("after {after}: {interval}"))?;
    let margin = amount(looks.margin);
    let margin = margin.trim_start_matches('+');
    let decision = match looks.decision {
        Decision::Worse => "B is worse".to_owned(),
        Decision::Fine => format!("B is not worse by {margin}"),
        Decision::Open => {
            format!("not decided (margin {margin}): check again with more runs")
        }
    };
    cx.out.line(&decision)?;
    if looks.decision != Decision::Open {
        let saved = human::counted(looks.saved() as u64, "run");
        let of = human::counted(looks.of as u64, what);
        cx.out.line(&format!(
            "decided after {} of {of}: {saved} not needed",
            looks.after
        ))?;
    }
    Ok(())
}
