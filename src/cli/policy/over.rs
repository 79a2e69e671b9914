//! `--policy`: a policy over what was read, so that filters can test its verdicts.

use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::policy::history;
use crate::analysis::policy::overlay::verdicts;
use crate::analysis::policy::set::Policies;
use crate::base::cancel::CancelFlag;
use crate::cli::Cx;
use crate::cli::failure::Failure;
use crate::cli::policy::sources;
use crate::query::would::Verdicts;
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Judging {
    /// Judge calls by this policy, for would: in filters (would:deny); repeatable
    #[arg(long = "policy", value_name = "POLICY")]
    named: Vec<PathBuf>,
}

impl Judging {
    /// Reads the policy. From here on, filters can test verdicts.
    pub(in crate::cli) fn read(&self, cx: &mut Cx) -> Result<Option<Policies>, Failure> {
        if self.named.is_empty() {
            return Ok(None);
        }
        cx.would = Some(Arc::new(Verdicts::default()));
        sources::read(&self.named, false).map(Some)
    }
}

/// Judges the calls of a store.
pub(in crate::cli) fn judge(cx: &mut Cx, policies: Option<&Policies>, store: &Store) {
    if let Some(policies) = policies {
        let (place, cancel) = (sources::place(), CancelFlag::new());
        let judged = history::judge(store, &policies.set, &place, &cancel);
        cx.would = Some(Arc::new(verdicts(&judged)));
    }
}
