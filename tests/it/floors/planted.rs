//! Violations of each kind, which the walls must catch, and harmless code, which they must let through.

use crate::floors::{crates, violations};

/// A file of `src`, code in it, and a part of the complaint.
const CAUGHT: &[(&str, &str, &str)] = &[
    // Higher floors.
    ("store.rs", "use crate::query::Expr;", "crate::query::Expr"),
    (
        "store.rs",
        "use crate::{base::text, cli::{self, args}};",
        "crate::cli::args",
    ),
    (
        "base/text.rs",
        "fn f() { crate::model::f() }",
        "crate::model::f",
    ),
    (
        "ingest/loader/group.rs",
        "use super::super::super::tui::keys;",
        "crate::tui::keys",
    ),
    (
        "ingest.rs",
        "fn f() -> crate::store::Store { todo!() }",
        "crate::store::Store",
    ),
    (
        "ingest.rs",
        "fn f() { vec![crate::store::row()]; }",
        "crate::store::row",
    ),
    (
        "model/run.rs",
        "use crate as house; fn f() { house::ingest::f() }",
        "crate::ingest::f",
    ),
    (
        "query.rs",
        "#[cfg(test)] mod tests { use crate::tui::keys; }",
        "crate::tui::keys",
    ),
    (
        "export/json.rs",
        "macro_rules! m { () => { $crate::tui::f() } }",
        "crate::tui::f",
    ),
    // Executing.
    (
        "export/curl.rs",
        "use std::process::Command;",
        "std::process::Command",
    ),
    (
        "export/curl.rs",
        "use std::process::{Child, Command};",
        "std::process::Child",
    ),
    (
        "tui/shell.rs",
        "fn f() { std::process::Command::new(\"sh\"); }",
        "std::process::Command::new",
    ),
    (
        "cli.rs",
        "use std::process as p; fn f() { p::Command::new(\"sh\"); }",
        "std::process::Command::new",
    ),
    (
        "cli.rs",
        "use std::{process::{self, Command as C}};",
        "std::process::Command",
    ),
    ("ingest.rs", "use std::process::*;", "std::process::*"),
    (
        "cli.rs",
        "fn f() { assert!(std::process::Command::new(\"sh\").spawn().is_ok()); }",
        "std::process::Command::new",
    ),
    (
        "store.rs",
        "use std::os::unix::process::CommandExt;",
        "std::os::unix::process::CommandExt",
    ),
    (
        "tui/screens.rs",
        "fn f() { rustix::process::kill_process(p, s) }",
        "rustix::process::kill_process",
    ),
    (
        "tui/screens.rs",
        "fn f() { std::process::exit(1) }",
        "std::process::exit",
    ),
    // Connecting and listening.
    (
        "ingest/live.rs",
        "use std::net::TcpStream;",
        "std::net::TcpStream",
    ),
    (
        "ingest/live.rs",
        "use std::net::{IpAddr, UdpSocket};",
        "std::net::UdpSocket",
    ),
    (
        "cli.rs",
        "use std::os::unix::net::UnixListener;",
        "std::os::unix::net::UnixListener",
    ),
    ("cli.rs", "use rustix::net::socket;", "rustix::net::socket"),
    (
        "tui/runtime.rs",
        "async fn f() { tokio::spawn(g()); }",
        "tokio::spawn",
    ),
    ("ingest.rs", "use hyper::Client;", "hyper::Client"),
    ("ingest.rs", "extern crate rustls;", "rustls"),
    (
        "export.rs",
        "fn f() { ureq::get(\"http://x\"); }",
        "ureq::get",
    ),
    (
        "act.rs",
        "fn f() { reqwest::get(\"http://x\"); }",
        "reqwest::get",
    ),
    // Writing.
    (
        "tui/screens/diff.rs",
        "fn f() { std::fs::write(\"a\", \"b\"); }",
        "std::fs::write",
    ),
    (
        "cli/stats.rs",
        "use std::fs; fn f() { fs::remove_file(\"a\"); }",
        "std::fs::remove_file",
    ),
    (
        "cli/stats.rs",
        "use std::fs::{self as disk}; fn f() { disk::rename(\"a\", \"b\"); }",
        "std::fs::rename",
    ),
    ("cli/stats.rs", "use std::fs::*;", "std::fs::*"),
    (
        "cli/stats.rs",
        "use std::fs::File; fn f() { File::create(\"a\"); }",
        "std::fs::File::create",
    ),
    (
        "cli/stats.rs",
        "use std::fs::File as F; fn f() { F::create_new(\"a\"); }",
        "std::fs::File::create_new",
    ),
    (
        "cli/stats.rs",
        "type F = std::fs::File; fn f() { F::create(\"a\"); }",
        "std::fs::File::create",
    ),
    (
        "cli/stats.rs",
        "fn f() { <std::fs::File>::create(\"a\"); }",
        "std::fs::File::create",
    ),
    (
        "cli/stats.rs",
        "fn f() { std::fs::File::options(); }",
        "std::fs::File::options",
    ),
    (
        "export/csv.rs",
        "use std::fs::OpenOptions;",
        "std::fs::OpenOptions",
    ),
    (
        "export/csv.rs",
        "fn f() { std::fs::create_dir_all(\"a\"); }",
        "std::fs::create_dir_all",
    ),
    (
        "state/slot.rs",
        "fn f() { std::fs::set_permissions(\"a\", p); }",
        "std::fs::set_permissions",
    ),
    (
        "tui.rs",
        "fn f() { std::fs::copy(\"a\", \"b\"); }",
        "std::fs::copy",
    ),
    (
        "ingest.rs",
        "fn f() { std::os::unix::fs::symlink(\"a\", \"b\"); }",
        "std::os::unix::fs::symlink",
    ),
    ("ingest.rs", "use rustix::fs::unlink;", "rustix::fs::unlink"),
    (
        "ingest.rs",
        "fn f() { tempfile::tempfile(); }",
        "tempfile::tempfile",
    ),
    (
        "ingest/discover.rs",
        "use std::fs::OpenOptions; fn f() { OpenOptions::new().append(true); }",
        ".append(true) writes",
    ),
    (
        "ingest/bytes.rs",
        "fn f(file: &std::fs::File) { file.write_all_at(b\"x\", 0); }",
        ".write_all_at writes",
    ),
    (
        "cli/load.rs",
        "fn f(file: &std::fs::File) { file.set_len(0); }",
        ".set_len writes",
    ),
    // Reading where nothing reads, crates out of their rooms.
    (
        "query/eval.rs",
        "fn f() { std::fs::read(\"a\"); }",
        "std::fs::read",
    ),
    ("analysis.rs", "use std::fs::File;", "std::fs::File"),
    (
        "model/run.rs",
        "use serde_json::Value;",
        "serde_json::Value",
    ),
    ("model/run.rs", "use std::path::Path;", "std::path::Path"),
    (
        "base/human.rs",
        "use std::{fmt, io::Read};",
        "std::io::Read",
    ),
    (
        "export/json.rs",
        "use ratatui::text::Line;",
        "ratatui::text::Line",
    ),
    (
        "tui/session.rs",
        "use crossterm::event;",
        "crossterm::event",
    ),
    (
        "tui/screens/diff.rs",
        "fn f() { std::thread::spawn(g); }",
        "std::thread::spawn",
    ),
    ("store.rs", "#[derive(clap::Args)] struct A;", "clap::Args"),
    (
        "store.rs",
        "fn f() { core::net::Ipv4Addr::LOCALHOST; }",
        "core::net::Ipv4Addr::LOCALHOST",
    ),
    (
        "store.rs",
        "use std::backtrace::Backtrace;",
        "std::backtrace::Backtrace",
    ),
    // Code from elsewhere.
    (
        "store.rs",
        "#[path = \"../cli/out.rs\"] mod out;",
        "#[path]",
    ),
    ("store.rs", "include!(\"../cli/out.rs\");", "include!"),
];

const HARMLESS: &[(&str, &str)] = &[
    ("cli.rs", "use crate::{base::text, tui::keys};"),
    (
        "ingest/packed.rs",
        "mod zip; fn f() { zip::unpack(); self::zip::unpack(); }",
    ),
    (
        "ingest/bytes.rs",
        "use std::fs::{self, File}; fn f() { File::open(\"a\"); fs::metadata(\"a\"); }",
    ),
    (
        "state/files.rs",
        "fn f() { std::fs::OpenOptions::new().write(true).create(true); }",
    ),
    (
        "act/viewer.rs",
        "use std::process::{Child, Command}; use std::net::TcpStream;",
    ),
    (
        "query/eval.rs",
        "#[cfg(test)] mod tests { fn f() { std::fs::write(\"a\", \"b\"); } }",
    ),
    (
        "query/tests.rs",
        "fn f() { std::process::Command::new(\"sh\"); }",
    ),
    (
        "store.rs",
        "/// See `std::process::Command`.\nfn f() { g(\"std::fs::write\") } // crate::cli",
    ),
    ("main.rs", "use std::process::ExitCode; use clap::Parser;"),
    (
        "export/json.rs",
        "fn f(cancel: &Flag) { cancel.store(true); }",
    ),
];

#[test]
fn every_planted_violation_is_caught() {
    let crates = crates();
    for (file, code, complaint) in CAUGHT {
        let wrong = violations(file, code, &crates);
        assert!(
            wrong.iter().any(|it| it.contains(complaint)),
            "{file}: {code}\nexpected {complaint}, found {wrong:?}"
        );
    }
}

#[test]
fn harmless_code_is_let_through() {
    let crates = crates();
    for (file, code) in HARMLESS {
        let wrong = violations(file, code, &crates);
        assert!(wrong.is_empty(), "{file}: {code}\n{wrong:?}");
    }
}
