//! Reads the rows of an engine for `ls`, `stats` and `cohort`: the filter becomes SQL, and figures come back.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::act::remote::address::Kind;
use crate::act::remote::fleet::{self, Fleet, Wanted, is_ours};
use crate::analysis::cohort::ask::{Ask, Choice, Held};
use crate::analysis::grouped::{Field, Group};
use crate::analysis::runs::Order;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::cli::failure::Failure;
use crate::cli::load::Read;
use crate::cli::pick::Target;
use crate::cli::{Cx, filter, pull, url};
use crate::model::run::RunIx;
use crate::query::expr::Expr;
use crate::query::sql::{NotInRows, Writer};
use crate::store::Store;

/// The most runs to compare; a larger cohort is compared by a random sample of its tasks.
const MOST: u64 = 400_000;

/// The database of the rows, if the path is the URL of one.
pub(in crate::cli) fn of(cx: &Cx, paths: &[PathBuf]) -> Result<Option<Fleet>, Failure> {
    let mut found = None;
    let targets = paths.iter().map(|path| Target::parse(path).path);
    for path in targets.filter(|path| url::is_url(path)) {
        let text = path.to_string_lossy();
        let address = pull::address(&text)?;
        if is_ours(&address) {
            found = Some(database(cx, &text)?);
        }
    }
    if found.is_some() && paths.len() > 1 {
        let what = "the rows of an engine cannot be combined with other paths";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok(found)
}

/// The database that a URL names.
pub(super) fn database(cx: &Cx, text: &str) -> Result<Fleet, Failure> {
    let mut address = pull::address(text)?;
    address.max_scan = cx.global.max_scan;
    if address.kind != Kind::Clickhouse {
        let what = "the rows are stored in clickhouse://[USER@]HOST/DATABASE";
        return Err(Failure::Usage(what.to_owned()));
    }
    let keys = pull::keys_of(&address, &cx.load.access);
    Ok(Fleet {
        address,
        keys,
        cacert: None,
    })
}

impl From<NotInRows> for Failure {
    fn from(error: NotInRows) -> Failure {
        Failure::Usage(error.to_string())
    }
}

/// Conditions for the engine: that of `--where`, and others as marks.
fn wanted(cx: &Cx, marks: &[&Expr]) -> Result<Wanted, Failure> {
    let context = filter::context(cx);
    let mut writer = Writer::new(&context);
    let only = filter::condition(cx)?.unwrap_or(Expr::All);
    let test = writer.runs(&only)?;
    let marks = marks.iter().map(|expr| writer.runs(expr));
    let marks: Result<Vec<String>, NotInRows> = marks.collect();
    Ok(Wanted {
        test,
        marks: marks?,
        params: writer.params,
        first: None,
    })
}

/// Notes if several versions wrote the rows: readers and prices change between versions, so that figures may not be
/// comparable.
fn note_versions(cx: &Cx, fleet: &Fleet) -> Result<(), Failure> {
    let programs = fleet.programs(&CancelFlag::new())?;
    if programs.len() > 1 {
        let programs = programs.join(", ");
        cx.notes.note(&format!(
            "the rows were written by several versions ({programs}); load the traces again for comparable figures"
        ));
    }
    Ok(())
}

/// The runs to list, without their actions.
pub(in crate::cli) fn runs(
    cx: &Cx,
    fleet: &Fleet,
    (order, limit): (Order, Option<usize>),
) -> Result<Read, Failure> {
    let wanted = Wanted {
        first: limit.map(|limit| (order.sql(), limit)),
        ..wanted(cx, &[])?
    };
    let held = fleet.runs(&wanted, &CancelFlag::new())?;
    note_versions(cx, fleet)?;
    Ok(read(held.store))
}

fn read(store: Store) -> Read {
    Read {
        store,
        failed: 0,
        selection: None,
    }
}

/// The groups of the actions that pass `--where`.
pub(in crate::cli) fn groups(
    cx: &Cx,
    fleet: &Fleet,
    (by, zone): (&[Field], &TimeZone),
) -> Result<Vec<Group>, Failure> {
    let context = filter::context(cx);
    let mut writer = Writer::new(&context);
    let only = filter::condition(cx)?.unwrap_or(Expr::All);
    let test = writer.actions(&only)?;
    let condition = (test.as_str(), writer.params.as_slice());
    let groups = fleet.groups(by, condition, zone, &CancelFlag::new())?;
    note_versions(cx, fleet)?;
    Ok(groups)
}

/// The runs of a comparison, and the question about them, with its filters answered by the engine.
pub(in crate::cli) fn cohort(cx: &Cx, fleet: &Fleet, ask: Ask) -> Result<(Read, Ask), Failure> {
    if !ask.rules.is_empty() {
        let what = "--expect needs the traces: the rows hold no arguments and results";
        return Err(Failure::Usage(what.to_owned()));
    }
    if matches!(ask.choice, Choice::By(by) if by.opens_actions()) {
        let what = "the rows do not hold projects and branches";
        return Err(Failure::Usage(what.to_owned()));
    }
    let sides: Vec<&Expr> = match &ask.choice {
        Choice::Filters(a, b) => std::iter::once(a).chain(b).collect(),
        Choice::By(_) | Choice::ByHand(_) | Choice::Halves | Choice::Runs(_) => Vec::new(),
    };
    let asked: Vec<&Expr> = ask.predicates.iter().chain(sides).collect();
    let mut wanted = wanted(cx, &asked)?;
    let cancel = CancelFlag::new();
    let all = fleet.count(&wanted, &cancel)?;
    if all > MOST {
        let seed = ask.options.seed;
        let share = (MOST * 1_000_000 / all).max(1);
        wanted.test = format!(
            "({}) AND cityHash64(if(task = '', run_key, task), toUInt64({seed})) % 1000000 < {share}",
            wanted.test
        );
    }
    let fleet::Held {
        store,
        observed,
        mut marks,
    } = fleet.runs(&wanted, &cancel)?;
    note_versions(cx, fleet)?;
    if all > MOST {
        let (some, all) = (human::count(observed.len() as u64), human::count(all));
        let seed = ask.options.seed;
        cx.notes.note(&format!(
            "{some} of {all} runs: whole tasks are drawn at random (seed {seed})"
        ));
    }
    let of_sides = marks.split_off(ask.predicates.len());
    let choice = match ask.choice {
        Choice::Filters(a, b) => between((&a, b.as_ref()), &of_sides),
        other => other,
    };
    let ask = Ask {
        choice,
        only: None,
        held: Some(Held {
            runs: observed,
            fulfils: marks,
        }),
        ..ask
    };
    Ok((read(store), ask))
}

fn between((a, b): (&Expr, Option<&Expr>), marks: &[Vec<bool>]) -> Choice {
    let of = |is_on: &dyn Fn(usize) -> bool| -> Vec<RunIx> {
        let all = 0..marks[0].len();
        all.filter(|at| is_on(*at))
            .map(|at| RunIx(at as u32))
            .collect()
    };
    let on_a = of(&|at| marks[0][at]);
    let (name, on_b) = match b {
        Some(b) => (b.to_string(), of(&|at| marks[1][at])),
        None => (format!("not {a}"), of(&|at| !marks[0][at])),
    };
    Choice::Runs([(a.to_string(), on_a), (name, on_b)])
}
