//! Change notifications of the system: hints to poll now, never more.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::messages::Control;
use super::outlet::ReceiverGone;
use super::pipe::is_pipe;

/// A watcher, if the system provides one.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    hint: Sender<()>,
    hints: Receiver<()>,
}

impl Watch {
    /// Watches the folders that contain the paths, so that files that come and go are noticed too.
    pub(super) fn start(paths: &[PathBuf], poll: bool) -> Watch {
        let (hint, hints) = bounded(1);
        let sender = hint.clone();
        let watcher = if poll {
            None
        } else {
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let is_access = event.is_ok_and(|event| event.kind.is_access());
                if !is_access {
                    // One pending hint is as good as two.
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
        for path in paths {
            watch.add(path);
        }
        watch
    }

    /// Watches one more path. If that fails, everything is polled.
    pub(super) fn add(&mut self, path: &Path) {
        if !self.try_add(path) {
            self.watcher = None;
        }
    }

    fn try_add(&mut self, path: &Path) -> bool {
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

    /// Whether the system reports changes; otherwise files must be polled.
    pub(super) fn is_reporting(&self) -> bool {
        self.watcher.is_some()
    }

    /// A sender of hints, for others who know of changes.
    pub(super) fn hint(&self) -> Sender<()> {
        self.hint.clone()
    }

    /// Waits for a hint or a control, but at most this long; fails at once when the receiver is gone.
    pub(super) fn wait(
        &self,
        at_most: Duration,
        controls: &Receiver<Control>,
    ) -> Result<Option<Control>, ReceiverGone> {
        select! {
            recv(self.hints) -> _ => Ok(None),
            recv(controls) -> control => control.map(Some).map_err(|_| ReceiverGone),
            default(at_most) => Ok(None),
        }
    }
}
