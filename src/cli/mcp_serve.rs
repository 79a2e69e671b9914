//! `mcp-serve`: the recorded results of a run's tools, as an MCP server.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;

use crate::act::child;
use crate::act::mcp::{self, Http};
use crate::act::net::Net;
use crate::act::net::server::{self, loopback};
use crate::analysis::tape::Recording;
use crate::analysis::tape::tools::Tools;
use crate::base::human;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::lines::{self, Line};
use crate::cli::{Cx, pick};

/// The longest message that is read.
const LONGEST: usize = 16 << 20;

/// Serve the recorded results of a run's tools as an MCP server, over standard input and output or HTTP
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui mcp-serve trace.jsonl
  saferun-tui mcp-serve trace.jsonl --server github --http 127.0.0.1:8090
  claude --mcp-config '{\"mcpServers\": {\"shop\": {\"command\": \"saferun-tui\",
                       \"args\": [\"mcp-serve\", \"trace.jsonl\", \"--server\", \"shop\"]}}}'

Exit code 3 when a call had no recorded result.")]
pub struct McpServe {
    /// PATH, or PATH#RUN if it holds several runs
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[arg(
        long,
        value_name = "NAME",
        help = "Only tools of this server: those that the run called as mcp__NAME__TOOL"
    )]
    server: Option<String>,
    /// How calls are matched with recorded results
    #[arg(long = "match", value_name = "HOW", default_value = "hash")]
    how: How,
    /// Listen here, on this machine only, instead of reading standard input
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// In the recorded order
    Order,
    /// In any order, each result once
    Hash,
}

impl McpServe {
    /// All tools of a run, in any order.
    pub(super) fn of(run: PathBuf, http: Option<String>) -> McpServe {
        McpServe {
            run,
            server: None,
            how: How::Hash,
            http,
        }
    }
}

impl Command for McpServe {
    const NAME: &'static str = "mcp-serve";
    const ACCEPTS: Accepts = Accepts::READING.with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let (store, picked) = pick::run(cx, &self.run)?;
        let recording = Recording::of(&store, picked.run);
        let server = self.server.as_deref();
        let in_order = self.how == How::Order;
        let tools = Tools::new(
            &recording.tools,
            recording.schemas(&store),
            server,
            in_order,
        );
        store.intact()?;
        if tools.total() == 0 {
            let path = self.run.display();
            let servers = recording.servers().join(", ");
            let what = match server {
                Some(server) => {
                    format!("{path}: no recorded tool results of '{server}' (servers: {servers})")
                }
                None => format!("{path}: no recorded tool results"),
            };
            return Err(Failure::Input(what).into());
        }
        let tools = match &self.http {
            Some(address) => over_http(cx, tools, address)?,
            None => over_pipes(cx, tools)?,
        };
        for miss in &tools.misses {
            cx.notes
                .line(&cx.notes.style.clean(&format!("miss       {miss}")));
        }
        let results = human::counted(tools.total() as u64, "result");
        cx.notes.line(&format!(
            "served     {} of {results} · {} misses",
            tools.served(),
            tools.misses.len()
        ));
        Ok(if tools.misses.is_empty() {
            Exit::Done
        } else {
            Exit::Missed
        })
    }
}

/// Serves one message per line, until standard input ends.
fn over_pipes(cx: &mut Cx, mut tools: Tools) -> anyhow::Result<Tools> {
    let mut input = io::stdin().lock();
    while let Some(line) = lines::next(&mut input, LONGEST)? {
        let answer = match line {
            Line::TooLong => Some(mcp::failure(-32600, "the message is too long")),
            Line::Text(line) if line.trim().is_empty() => continue,
            Line::Text(line) => mcp::respond_to_line(&mut tools, &line),
        };
        if let Some(answer) = answer {
            cx.out.exact(&format!("{answer}\n"))?;
            cx.out.flush()?;
        }
    }
    Ok(tools)
}

fn over_http(cx: &Cx, tools: Tools, address: &str) -> anyhow::Result<Tools> {
    let usage = |error: server::Error| Failure::Usage(error.to_string());
    let address = loopback(address).map_err(usage)?;
    let net = Net::start()?;
    let desk = Arc::new(Http(Mutex::new(tools)));
    let listening = server::listen(&net, address, Arc::clone(&desk)).map_err(usage)?;
    cx.notes
        .line(&format!("serving    http://{}/mcp", listening.address));
    child::wait_for_end()?;
    drop(listening);
    let mut tools = desk.0.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::replace(
        &mut *tools,
        Tools::new(&[], Vec::new(), None, false),
    ))
}
