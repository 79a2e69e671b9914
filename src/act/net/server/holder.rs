//! Which process listens at an address. It can be found only on Linux, and only if it belongs to the same user.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// `NAME (pid 4711)`, or `another program` if the process cannot be found.
pub(super) fn named(address: SocketAddr) -> String {
    let Some(pid) = pid(address) else {
        return "another program".to_owned();
    };
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match name.trim() {
        "" => format!("process {pid}"),
        name => format!("{name} (pid {pid})"),
    }
}

fn pid(address: SocketAddr) -> Option<u32> {
    let table = if address.is_ipv4() {
        "/proc/net/tcp"
    } else {
        "/proc/net/tcp6"
    };
    let table = fs::read_to_string(table).ok()?;
    let socket = table
        .lines()
        .find_map(|line| listening(line, address.port()))?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|it| it.file_name().to_str()?.parse().ok());
    pids.find(|pid| holds(*pid, &socket))
}

/// The socket of a listener on this port, as links to it spell it. A line holds a number, the local address, the remote
/// address, the state, five more fields and the inode.
fn listening(line: &str, port: u16) -> Option<String> {
    const LISTENS: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, found) = fields.get(1)?.rsplit_once(':')?;
    let is_it = u16::from_str_radix(found, 16) == Ok(port) && *fields.get(3)? == LISTENS;
    let inode = fields.get(9)?;
    is_it.then(|| format!("socket:[{inode}]"))
}

fn holds(pid: u32, socket: &str) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd"));
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| fs::read_link(file.path()).is_ok_and(|it| it == Path::new(socket)))
}
