//! Being told by the system that something changed: a hint to look now, never more.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::Gone;
use super::pipe::is_pipe;
use crate::ingest::messages::Listener;

/// A watcher, where the system gives one.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    hint: Sender<()>,
    hints: Receiver<()>,
}

impl Watch {
    /// Watches the folders in which the paths lie, so that files that come and go are seen too.
    pub(super) fn start(paths: &[PathBuf], poll: bool) -> Watch {
        let (hint, hints) = bounded(1);
        let sender = hint.clone();
        let watcher = if poll {
            None
        } else {
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let is_access = event.is_ok_and(|event| event.kind.is_access());
                if !is_access {
                    // One hint that nobody took yet is as good as two.
                    let _ = sender.try_send(());
                }
            })
            .ok()
        };
        let mut watch = Watch {
            watcher,
            hint,
            hints,
        };
        if !paths.iter().all(|path| watch.add(path)) {
            watch.watcher = None;
        }
        watch
    }

    fn add(&mut self, path: &Path) -> bool {
        if is_pipe(path) {
            return true;
        }
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        let (folder, mode) = if path.is_dir() {
            (path, RecursiveMode::Recursive)
        } else {
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            (
                folder.unwrap_or(Path::new(".")),
                RecursiveMode::NonRecursive,
            )
        };
        watcher.watch(folder, mode).is_ok()
    }

    /// Whether changes are reported; otherwise they must be looked for.
    pub(super) fn is_reporting(&self) -> bool {
        self.watcher.is_some()
    }

    /// For others who know of changes.
    pub(super) fn hint(&self) -> Sender<()> {
        self.hint.clone()
    }

    /// Waits for a hint, but no longer than so; at once when nobody listens any more.
    pub(super) fn wait(&self, at_most: Duration, listener: &Listener) -> Result<(), Gone> {
        // No hint is as good as one: it is time to look.
        select! {
            recv(self.hints) -> _ => Ok(()),
            recv(listener) -> _ => Err(Gone),
            default(at_most) => Ok(()),
        }
    }
}
