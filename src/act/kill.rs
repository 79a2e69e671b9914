//! Ends the process group of an agent: INT, after 10 seconds TERM, after 5 more KILL.
//!
//! A pid stands in a trace, and a trace may say anything. So a process is only ended if it is this user's, began before
//! its run did, and its group is not ours. That is checked again before each signal.

mod process;

use std::fmt;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, geteuid, getpgrp, kill_process_group, test_kill_process_group};
use thiserror::Error;

pub use process::Process;

use crate::model::quantity::Time;

#[cfg(test)]
mod tests;

/// Why nothing is ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("process {0} does not exist any more")]
    Gone(i32),
    #[error("process {0} belongs to another user")]
    NotOurs(i32),
    #[error("process {0} began after its run did: the number was given to another program")]
    Younger(i32),
    #[error("when the run began is not recorded, so process {0} cannot be told from another one")]
    Untimed(i32),
    #[error("process {0} is in the process group of this program")]
    OurGroup(i32),
    #[error("process {0} is not one that can be ended")]
    Special(i32),
    #[error("process group {group}: {error}")]
    Failed { group: i32, error: String },
    #[error("process {pid} cannot be looked at: {error}")]
    Unknown { pid: i32, error: String },
}

/// What would be ended: a process, and everything in its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub leader: Process,
    /// The others of the group.
    pub others: Vec<Process>,
}

/// How long each signal is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    pub interrupt: Duration,
    pub terminate: Duration,
    /// After KILL, until it is said that the group is still there.
    pub kill: Duration,
}

impl Default for Grace {
    fn default() -> Grace {
        Grace {
            interrupt: Duration::from_secs(10),
            terminate: Duration::from_secs(5),
            kill: Duration::from_secs(2),
        }
    }
}

/// A signal that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Interrupt,
    Terminate,
    Kill,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Interrupt => "INT",
            Step::Terminate => "TERM",
            Step::Kill => "KILL",
        })
    }
}

/// How far a clock of the machine and one of a trace may differ, in microseconds.
const SLACK: i64 = 1_000_000;
/// How often is looked whether the group is gone.
const GLANCE: Duration = Duration::from_millis(50);

/// Checks the process of a run that did its first thing at `first`.
pub fn target(pid: i32, first: Time) -> Result<Target, Refused> {
    let leader = process::find(pid)?;
    allowed(&leader, first)?;
    let others = process::group(leader.group);
    let others = others.into_iter().filter(|it| it.pid != pid).collect();
    Ok(Target { leader, others })
}

fn allowed(process: &Process, first: Time) -> Result<(), Refused> {
    let pid = process.pid;
    if pid <= 1 || process.group <= 1 {
        return Err(Refused::Special(pid));
    }
    if process.uid != geteuid().as_raw() {
        return Err(Refused::NotOurs(pid));
    }
    let first = first.get().ok_or(Refused::Untimed(pid))?;
    if process.started > first.saturating_add(SLACK) {
        return Err(Refused::Younger(pid));
    }
    if process.group == getpgrp().as_raw_nonzero().get() {
        return Err(Refused::OurGroup(pid));
    }
    Ok(())
}

/// Ends the group; says each signal before it is sent, and gives the one that was enough. Blocks for as long as the
/// graces last.
pub fn stop(target: &Target, grace: Grace, tell: &mut dyn FnMut(Step)) -> Result<Step, Refused> {
    let steps = [
        (Step::Interrupt, Signal::INT, grace.interrupt),
        (Step::Terminate, Signal::TERM, grace.terminate),
        (Step::Kill, Signal::KILL, grace.kill),
    ];
    for (step, signal, patience) in steps {
        if !is_same(&target.leader)? {
            return Err(Refused::Gone(target.leader.pid));
        }
        tell(step);
        send(target.leader.group, signal)?;
        if is_gone_within(target.leader.group, patience) {
            return Ok(step);
        }
    }
    Err(Refused::Failed {
        group: target.leader.group,
        error: "it is still there after KILL".to_owned(),
    })
}

/// The same on a thread of its own; `done` is told how it went.
pub fn in_background(
    target: Target,
    grace: Grace,
    done: impl FnOnce(Result<Step, Refused>) + Send + 'static,
) -> io::Result<()> {
    let work = move || done(stop(&target, grace, &mut |_| {}));
    thread::Builder::new().name("kill".to_owned()).spawn(work)?;
    Ok(())
}

/// Whether the number still means the process that was checked. A leader that is gone while its group is not keeps the
/// number of the group taken.
fn is_same(leader: &Process) -> Result<bool, Refused> {
    match process::find(leader.pid) {
        Ok(found) => Ok(found.started == leader.started && found.group == leader.group),
        Err(Refused::Gone(_)) => Ok(!is_gone(leader.group)),
        Err(refused) => Err(refused),
    }
}

fn send(group: i32, signal: Signal) -> Result<(), Refused> {
    let failed = |error: String| Refused::Failed { group, error };
    let pid = Pid::from_raw(group).ok_or_else(|| failed("no such group".to_owned()))?;
    match kill_process_group(pid, signal) {
        // It ended by itself.
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn is_gone_within(group: i32, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while !is_gone(group) {
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(GLANCE);
    }
    true
}

/// Whether nothing of the group runs any more; a child that nobody waited for does not count.
fn is_gone(group: i32) -> bool {
    let is_there = Pid::from_raw(group).is_some_and(|pid| test_kill_process_group(pid).is_ok());
    !is_there || process::group(group).iter().all(|it| it.is_over)
}
