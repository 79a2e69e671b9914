//! `saferun.tui/verify@1`: an account of every byte of some files.

use serde::Serialize;

use crate::ingest::records::Account;

pub const SCHEMA: &str = "saferun.tui/verify@1";

/// The columns of a table of files.
pub const MEMBERS: &[&str] = &[
    "path",
    "format",
    "bytes.total",
    "bytes.bom",
    "bytes.ok",
    "bytes.bad",
    "bytes.blank",
    "bytes.partial",
    "lines.ok",
    "lines.bad",
    "lines.blank",
    "lines.partial",
    "lines.repaired",
    "events",
    "runs",
];

#[derive(Debug, Serialize)]
pub struct FileJson {
    pub path: String,
    pub format: &'static str,
    pub bytes: BytesJson,
    pub lines: LinesJson,
    pub events: u64,
    pub runs: u64,
    pub malformed: Vec<MalformedJson>,
}

/// `bom + ok + bad + blank + partial == total`.
#[derive(Debug, Serialize)]
pub struct BytesJson {
    pub total: u64,
    pub bom: u64,
    pub ok: u64,
    pub bad: u64,
    pub blank: u64,
    pub partial: u64,
}

#[derive(Debug, Serialize)]
pub struct LinesJson {
    pub ok: u64,
    pub bad: u64,
    pub blank: u64,
    pub partial: u64,
    /// Lines among `ok` that a strict reader would refuse.
    pub repaired: u64,
    /// Records among `ok` that were found in lines that are not one record.
    pub recovered: u64,
}

#[derive(Debug, Serialize)]
pub struct MalformedJson {
    pub line: u32,
    pub offset: u64,
    pub length: u64,
    pub reason: String,
}

impl From<&Account> for BytesJson {
    fn from(account: &Account) -> BytesJson {
        BytesJson {
            total: account.total,
            bom: account.bom,
            ok: account.ok,
            bad: account.bad,
            blank: account.blank,
            partial: account.partial,
        }
    }
}

impl From<&Account> for LinesJson {
    fn from(account: &Account) -> LinesJson {
        LinesJson {
            ok: account.lines_ok,
            bad: account.lines_bad,
            blank: account.lines_blank,
            partial: account.lines_partial,
            repaired: account.lines_repaired,
            recovered: account.lines_recovered,
        }
    }
}
