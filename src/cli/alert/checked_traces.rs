//! Traces, and what rules find in them.

use crate::analysis::alerts::check::{Ask, Report, check};
use crate::base::cancel::CancelFlag;
use crate::cli::alert::sources::InForce;
use crate::cli::args::Paths;
use crate::cli::failure::Exit;
use crate::cli::load::Read;
use crate::cli::{Cx, filter};
use crate::export::alerts::{Document, Tested};
use crate::model::run::RunIx;

pub(super) struct CheckedTraces {
    pub(super) read: Read,
    pub(super) rules: InForce,
    pub(super) report: Report,
    /// The number of runs to check; those without actions are not in the report.
    pub(super) selected: usize,
    /// Whether the traces could be read whole.
    pub(super) exit: Exit,
}

impl CheckedTraces {
    /// Reads and checks; the exit code alone if there is nothing to check.
    pub(super) fn read(
        cx: &mut Cx,
        rules: InForce,
        paths: Paths,
    ) -> anyhow::Result<Result<CheckedTraces, Exit>> {
        let read = cx.load.paths(&cx.notes, &paths.or_stdin()?)?;
        let exit = read.exit(&cx.notes);
        if !read.has_records() {
            return Ok(Err(exit));
        }
        let runs = filter::selected(cx, &read)?;
        let report = checked(cx, &read, &rules, &runs);
        Ok(Ok(CheckedTraces {
            read,
            rules,
            report,
            selected: runs.len(),
            exit,
        }))
    }

    pub(super) fn document<'a>(&'a self, backtests: &'a [Tested]) -> Document<'a> {
        Document {
            store: &self.read.store,
            rules: &self.rules.rules,
            path: self.rules.path.as_deref(),
            sha256: &self.rules.sha256,
            known: &self.rules.known,
            report: &self.report,
            backtests,
        }
    }
}

pub(super) fn checked(cx: &Cx, read: &Read, rules: &InForce, runs: &[RunIx]) -> Report {
    let ask = Ask {
        rules: &rules.rules,
        only: Some(runs),
        known: &rules.known,
        context: &filter::context(cx),
    };
    check(&read.store, &ask, &CancelFlag::new())
}
