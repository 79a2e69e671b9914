//! `--policy`: a policy over what was read, so that filters can test its verdicts.

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

/// Reads the policy that was named. From here on, filters can test verdicts.
pub(in crate::cli) fn read(cx: &mut Cx) -> Result<Option<Policies>, Failure> {
    if cx.global.overlay.is_empty() {
        return Ok(None);
    }
    cx.would = Some(Arc::new(Verdicts::default()));
    sources::read(&cx.global.overlay, false).map(Some)
}

/// Judges the calls of a store.
pub(in crate::cli) fn judge(cx: &mut Cx, policies: Option<&Policies>, store: &Store) {
    if let Some(policies) = policies {
        let (place, cancel) = (sources::place(), CancelFlag::new());
        let judged = history::judge(store, &policies.set, &place, &cancel);
        cx.would = Some(Arc::new(verdicts(&judged)));
    }
}
