//! `load`: writes a row for each run and each action into `ClickHouse`.

use std::path::PathBuf;

use crate::act::remote::fleet::Fleet;
use crate::base::human;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::{Exit, Failure};
use crate::cli::fleet::rows;
use crate::cli::out::Progress;
use crate::cli::{Cx, pull};

#[derive(Debug, clap::Args)]
#[command(
    about = "Write the runs and actions of traces as rows into ClickHouse, where ls, stats and cohort read them"
)]
#[command(after_help = "\
Examples:
  saferun-tui load traces/ --to clickhouse://localhost/agents --create --yes
  saferun-tui ls clickhouse://localhost/agents/saferun_runs --sort -cost --limit 20
  saferun-tui stats clickhouse://localhost/agents/saferun_runs --by tool,model -w is:error
  saferun-tui cohort clickhouse://localhost/agents/saferun_runs --a release:1.4 --b release:1.5

The rows hold numbers, names and titles, not the texts of prompts, arguments and results. The figures are those \
of the traces read here. A run that is loaded again replaces its earlier rows; nothing is deleted. \
The key comes from CLICKHOUSE_PASSWORD, as for pull.")]
pub struct Load {
    /// Files, folders, globs or URLs
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The database to write to: clickhouse://[USER@]HOST/DATABASE
    #[arg(long, value_name = "URL")]
    to: String,
    /// Create the tables if they are missing (fleet ddl prints the statements)
    #[arg(long)]
    create: bool,
    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Write; without it, only show what would be written
    #[arg(long)]
    yes: bool,
}

impl Command for Load {
    const NAME: &'static str = "load";
    const ACCEPTS: Accepts = Accepts::READING;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let to = Fleet {
            cacert: self.cacert,
            ..rows::database(cx, &self.to)?
        };
        let read = cx.load.paths(&cx.notes, &self.paths)?;
        let exit = read.exit(&cx.notes);
        if !read.has_records() {
            return Ok(exit);
        }
        let (runs, actions) = (
            read.store.runs().len() as u64,
            read.store.rows().len() as u64,
        );
        let counted = |runs, actions| {
            let (runs, actions) = (
                human::counted(runs, "run"),
                human::counted(actions, "action"),
            );
            format!("{runs} and {actions}")
        };
        if !self.yes {
            let (what, to) = (counted(runs, actions), &to.address);
            let what = format!("would write {what} to {to}; add --yes to write them");
            return Err(Failure::Usage(what).into());
        }
        let cancel = pull::interruptible()?;
        if self.create {
            to.create(&cancel).map_err(Failure::from)?;
        }
        let mut progress = Progress::new(&cx.notes);
        let written = to.load(&read.store, &cancel, &mut |done| {
            progress.show(&format!(
                "{} of {} runs",
                human::count(done),
                human::count(runs)
            ));
        });
        progress.clear();
        let written = written.map_err(Failure::from)?;
        let what = counted(written.runs, written.actions);
        cx.notes.note(&format!("{}: wrote {what}", to.address));
        Ok(exit)
    }
}
