//! Policies overlaid on the open traces: where they come from, and their verdicts. Shared by the views; judging is a task of
//! the view that asks for it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::policy::history::Place;
use crate::analysis::policy::overlay::Overlay;
use crate::analysis::policy::set::Policies;
use crate::base::cancel::CancelFlag;
use crate::model::action::SourceIx;
use crate::store::Store;
use crate::tui::session::Session;

/// Where policies come from. They are read only by a task.
#[derive(Debug, Clone)]
pub struct Source {
    /// Those that the user named.
    pub named: Vec<PathBuf>,
    /// Facts about this machine that traces do not record.
    pub place: Place,
    /// Reads what is named; with no name, what is in force on this machine for these hosts.
    pub read: fn(&[PathBuf], &[&str]) -> Result<Policies, String>,
}

impl Default for Source {
    fn default() -> Source {
        Source {
            named: Vec::new(),
            place: Place::default(),
            read: |_, _| Err("no policy is known".to_owned()),
        }
    }
}

/// What the session knows of its policies.
#[derive(Debug, Default)]
pub struct Policing {
    pub overlay: Option<Arc<Overlay>>,
    /// The policy that the user named while the program runs, in place of the usual ones.
    pub named: Option<PathBuf>,
    /// It is overlaid on the stream.
    pub is_laid: bool,
    /// Calls that were judged have changed.
    pub is_outdated: bool,
}

/// Judges a store; the work of a task.
#[derive(Debug)]
pub struct Judging {
    store: Store,
    source: Source,
    /// A policy to compare with instead of what was recorded.
    other: Option<PathBuf>,
    /// What is known already, to be extended.
    known: Option<Arc<Overlay>>,
}

/// The verdicts, or why there is no policy.
pub type Judged = Result<Arc<Overlay>, String>;

impl Judging {
    /// From the start: policies are read again.
    pub fn again(session: &Session, other: Option<PathBuf>) -> Judging {
        let mut source = session.setup.policies.clone();
        if let Some(named) = &session.policing.named {
            source.named = vec![named.clone()];
        }
        Judging {
            store: session.loaded.store.clone(),
            source,
            other,
            known: None,
        }
    }

    /// What is missing; none if nothing is, or while the traces are still read.
    pub fn wanted(session: &Session) -> Option<Judging> {
        let (policing, store) = (&session.policing, &session.loaded.store);
        let known = policing.overlay.as_ref();
        let is_known = known.is_some_and(|it| it.len == store.len()) && !policing.is_outdated;
        (!session.is_loading() && !is_known).then(|| Judging {
            known: known.map(Arc::clone),
            ..Judging::again(session, None)
        })
    }

    pub fn run(&self, cancel: &CancelFlag) -> Judged {
        let (store, source) = (&self.store, &self.source);
        if let Some(known) = &self.known {
            return Ok(Arc::new(known.grown(store, &source.place, cancel)));
        }
        let hosts = hosts(store);
        let policies = Arc::new((source.read)(&source.named, &hosts)?);
        let other = self.other.as_ref().map(std::slice::from_ref);
        let other = other.map(|it| (source.read)(it, &hosts)).transpose()?;
        let policies = (policies, other.map(Arc::new));
        Ok(Arc::new(Overlay::new(
            store,
            policies,
            &source.place,
            cancel,
        )))
    }
}

/// The formats of the open traces, which name the programs that ran the agents.
fn hosts(store: &Store) -> Vec<&str> {
    let sources = (0..store.sources().len() as u32).map(|ix| store.source(SourceIx(ix)));
    let mut hosts: Vec<&str> = sources.map(|source| source.format.name()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

impl Session {
    /// Stores the verdicts, and overlays them on the stream if the user wants that.
    pub fn take_overlay(&mut self, overlay: Arc<Overlay>) {
        self.policing.overlay = Some(overlay);
        self.policing.is_outdated = false;
        self.lay_overlay();
    }

    /// Turns the overlay on the stream on or off.
    pub fn lay_overlay(&mut self) {
        let policing = &self.policing;
        let overlay = policing.overlay.as_ref().filter(|_| policing.is_laid);
        self.loaded.overlay = overlay.map(Arc::clone);
    }
}
