//! Alerts on real runs, compared with an independent implementation of the same rules; and the `alert` commands.

mod dialog;
mod golden;
mod program;
mod watch;

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A process in a group of its own, as an agent that `record` started.
fn agent() -> Child {
    let agent = Command::new("sleep").arg("600").process_group(0).spawn();
    // Its run begins after it: only such a process may be ended.
    thread::sleep(Duration::from_millis(1200));
    agent.expect("an agent")
}

/// The first line of its run.
fn begin(run: &str, agent: &Child) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let (pid, now) = (agent.id(), now.expect("a time").as_secs());
    format!(
        "{{\"type\":\"run_start\",\"run_id\":\"{run}\",\"agent\":\"desk\",\"pid\":{pid},\"ts\":{now}}}\n"
    )
}

/// Steps with the same call and result.
fn steps(run: &str, from: u32, to: u32) -> String {
    let step = |n: u32| {
        format!(
            "{{\"type\":\"tool_call\",\"run_id\":\"{run}\",\"id\":\"c{n}\",\"tool\":\"refund\",\"args\":{{\"key\":\"sk-live-0123456789abcdef0123456789\"}}}}\n\
             {{\"type\":\"tool_result\",\"run_id\":\"{run}\",\"call_id\":\"c{n}\",\"status\":\"ok\",\"result\":\"still open\"}}\n\
             {{\"type\":\"response\",\"run_id\":\"{run}\",\"id\":\"m{n}\",\"content\":\"text {n}\"}}\n"
        )
    };
    (from..=to).map(step).collect()
}
