//! `policy import`: a `policy.toml` that uses other policy files. Their rules stay in their files and are judged by their
//! own algorithm; here they are written as comments, because no kind of rule can be turned into another.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::analysis::policy::RuleIx;
use crate::analysis::policy::set::Policies;
use crate::base::{human, text};
use crate::cli::Cx;
use crate::cli::failure::Exit;
use crate::cli::output::OutputFile;
use crate::cli::policy::sources;

/// Write a policy.toml that uses other policy files, with their rules as comments
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui policy import ~/.claude/settings.json -o policy.toml
  saferun-tui policy import claude: codex:

Rules are not converted: *strictest wins*, *highest priority wins* and *last match wins* are different algorithms. The \
file written names the others in [[use]], and each is evaluated as its own program would.")]
pub(super) struct Import {
    /// Policy files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write to this file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

impl Import {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let policies = sources::read(&self.files, true)?;
        let text = written(&policies);
        let Some(path) = &self.output else {
            cx.out.verbatim(&text)?;
            return Ok(Exit::Done);
        };
        let to = OutputFile {
            path,
            force: self.force,
        };
        let sources: Vec<PathBuf> = policies
            .files
            .iter()
            .map(|it| PathBuf::from(&it.path))
            .collect();
        to.write(&sources, &mut |out| out.write_all(text.as_bytes()))?;
        let rules = human::counted(policies.set.rules().count() as u64, "rule");
        let files = human::counted(policies.files.len() as u64, "file");
        cx.notes
            .note(&format!("{}: uses {files} with {rules}", path.display()));
        Ok(Exit::Done)
    }
}

fn written(policies: &Policies) -> String {
    let mut out = String::from("version = 1\ndefault = \"allow\"\n");
    for (at, file) in policies.files.iter().enumerate() {
        let all = (0..policies.set.rules().count() as u32).map(RuleIx);
        let own: Vec<RuleIx> = all
            .filter(|ix| {
                policies
                    .set
                    .home_of(*ix)
                    .is_some_and(|(_, file)| file == at)
            })
            .collect();
        let rules = human::counted(own.len() as u64, "rule");
        let _ = writeln!(out, "\n# {}, {rules}:", policies.set.kind(at));
        for rule in own.iter().filter_map(|ix| policies.set.rule(*ix)) {
            let _ = writeln!(
                out,
                "#   {:5}  {}",
                rule.effect.word(),
                text::sanitize(&rule.name)
            );
        }
        let path = std::path::absolute(Path::new(&file.path))
            .unwrap_or_else(|_| PathBuf::from(&file.path));
        let path = serde_json::Value::String(path.to_string_lossy().into_owned());
        let _ = writeln!(out, "[[use]]\nfile = {path}");
    }
    out
}
