//! Ends the process group of an agent: INT, after 10 seconds TERM, after 5 more KILL.
//!
//! The pid comes from a trace, which may claim anything. So a process is only ended if it belongs to this user, started
//! before its run did, and is not in our group. Its identity is checked again before each signal.

mod process;

use std::fmt;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, geteuid, getpgrp, kill_process_group, test_kill_process_group};
use thiserror::Error;

pub use process::{Process, tree};

use crate::model::quantity::Time;

#[cfg(test)]
mod tests;

/// Why a process is not ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("process {0} no longer exists")]
    Gone(i32),
    #[error("process {0} belongs to another user")]
    NotOurs(i32),
    #[error("process {0} started after its run did: the pid was reused by another program")]
    Younger(i32),
    #[error("the start of the run is not recorded, so process {0} cannot be identified")]
    Untimed(i32),
    #[error("process {0} is in the process group of this program")]
    OurGroup(i32),
    #[error("process {0} cannot be ended")]
    Special(i32),
    #[error("process group {group}: {error}")]
    Failed { group: i32, error: String },
    #[error("cannot inspect process {pid}: {error}")]
    Unknown { pid: i32, error: String },
}

/// What would be ended: a process, and everything in its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub leader: Process,
    /// The other processes of the group.
    pub others: Vec<Process>,
}

/// How long to wait after each signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    pub interrupt: Duration,
    pub terminate: Duration,
    /// After KILL, before an error is returned.
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

/// How far the clocks of the machine and the trace may differ, in microseconds.
const SLACK: i64 = 1_000_000;
/// How often to check whether the group is gone.
const GLANCE: Duration = Duration::from_millis(50);

/// Checks the process of a run whose first action was at `first`.
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

/// Ends the group: calls `tell` before each signal, and returns the signal that was enough. Blocks until the group is
/// gone or the grace periods are over.
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
        error: "still running after KILL".to_owned(),
    })
}

/// Runs [`stop`] on its own thread, and passes the result to `done`.
pub fn in_background(
    target: Target,
    grace: Grace,
    done: impl FnOnce(Result<Step, Refused>) + Send + 'static,
) -> io::Result<()> {
    let work = move || done(stop(&target, grace, &mut |_| {}));
    thread::Builder::new().name("kill".to_owned()).spawn(work)?;
    Ok(())
}

/// Whether the pid still refers to the process that was checked. While the group of a gone leader exists, its number
/// cannot be reused.
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
        // It ended on its own.
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

/// Whether no process of the group is running; zombies do not count.
fn is_gone(group: i32) -> bool {
    let is_there = Pid::from_raw(group).is_some_and(|pid| test_kill_process_group(pid).is_ok());
    !is_there || process::group(group).iter().all(|it| it.is_over)
}
