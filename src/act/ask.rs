//! Questions to a person, and the answers, as files in a private folder: they need no running explorer, allow for
//! several, and outlive either side.

pub mod approver;
pub mod mailbox;
pub mod outside;
pub mod wait;

use std::io;

use rustix::process::{self, Pid};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{escape, human, sha256};
use crate::ingest::{json, time};
use crate::model::quantity::Time;

/// A tool call waiting for approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    pub v: u32,
    pub id: String,
    /// Known only to those who can read the question.
    pub nonce: String,
    pub host: String,
    pub run_id: String,
    pub call_id: String,
    pub tool: String,
    pub args: Value,
    pub args_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Who asks: the policy, or the host itself.
    pub policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    pub reason: String,
    #[serde(default)]
    pub matched: Vec<Value>,
    pub asked_at: String,
    pub deadline: String,
    pub pid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    #[serde(default)]
    pub headless: bool,
}

/// The answer to a question, as stored in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub v: u32,
    pub id: String,
    pub nonce: String,
    pub args_sha256: String,
    pub state: State,
    pub by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    pub at: String,
}

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Approved,
    Denied,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Approved => "approved",
            State::Denied => "denied",
        }
    }
}

/// Whether a question can still be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Open,
    Answered,
    /// The caller is no longer waiting.
    Gone,
    Expired,
}

/// The version of both files.
pub const VERSION: u32 = 1;

impl Ask {
    /// When the question was asked, in microseconds since the epoch.
    pub fn asked(&self) -> Option<i64> {
        instant(&self.asked_at)
    }

    pub fn until(&self) -> Option<i64> {
        instant(&self.deadline)
    }

    /// Whether the process that asked is still running.
    pub fn is_waited_for(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        pid.is_some_and(|pid| process::test_kill_process(pid).is_ok())
    }

    /// An answer to it.
    pub fn answer(&self, state: State, by: &str, reason: &str, now: i64) -> Answer {
        Answer {
            v: VERSION,
            id: self.id.clone(),
            nonce: self.nonce.clone(),
            args_sha256: self.args_sha256.clone(),
            state,
            by: by.to_owned(),
            reason: reason.to_owned(),
            at: human::rfc3339(now),
        }
    }

    /// Whether an answer belongs to exactly this question.
    pub fn is_answered_by(&self, answer: &Answer) -> bool {
        answer.v == VERSION
            && answer.id == self.id
            && answer.nonce == self.nonce
            && answer.args_sha256 == self.args_sha256
            && hash(&self.args) == self.args_sha256
    }
}

fn instant(text: &str) -> Option<i64> {
    let Time(at) = time::from_text(text.as_bytes());
    Time(at).get()
}

/// A hash of the arguments, independent of key order.
pub fn hash(args: &Value) -> String {
    sha256::hex(json::stable(args).as_bytes())
}

/// `bytes` random bytes as hexadecimal digits.
pub fn random(bytes: usize) -> io::Result<String> {
    use std::io::Read;
    let mut random = vec![0; bytes];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(escape::hex(&random))
}

/// `alex@box (tui)`: who answers, and where.
pub fn me(with: &str) -> String {
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()))
        .unwrap_or_else(|| format!("uid {}", process::getuid().as_raw()));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let host = if host.is_empty() { "localhost" } else { host };
    format!("{user}@{host} ({with})")
}
