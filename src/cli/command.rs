//! What a command is: its own arguments, the global options it accepts, and what it does.

use clap::{Arg, Args as _};

use crate::cli::Cx;
use crate::cli::args::Global;
use crate::cli::failure::{Exit, Failure};

/// A command. Its arguments are its fields; its doc comment and examples are its help.
pub trait Command: clap::Args {
    const NAME: &'static str;
    /// The global options that mean something to this command.
    const ACCEPTS: Accepts;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit>;
}

/// A set of [`GlobalOption`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepts(u16);

impl Accepts {
    pub(super) const NONE: Accepts = Accepts(0);

    /// What every command that reads traces accepts.
    pub(super) const READING: Accepts = Accepts::NONE
        .with(GlobalOption::Format)
        .with(GlobalOption::Shape)
        .with(GlobalOption::AllJson)
        .with(GlobalOption::PriceFile)
        .with(GlobalOption::MaxScan)
        .with(GlobalOption::Tz);

    /// `--json`, `--jsonl` and `--csv`.
    pub(super) const RECORDS: Accepts = Accepts::NONE
        .with(GlobalOption::Json)
        .with(GlobalOption::Jsonl)
        .with(GlobalOption::Csv);

    /// What only commands that open the explorer accept.
    pub(super) const SCREEN: Accepts = Accepts::NONE
        .with(GlobalOption::Theme)
        .with(GlobalOption::View)
        .with(GlobalOption::Policy)
        .with(GlobalOption::Mouse)
        .with(GlobalOption::State);

    pub(super) const fn with(self, option: GlobalOption) -> Accepts {
        Accepts(self.0 | 1 << option as u16)
    }

    pub(super) const fn and(self, other: Accepts) -> Accepts {
        Accepts(self.0 | other.0)
    }

    pub(super) const fn has(self, option: GlobalOption) -> bool {
        self.0 >> option as u16 & 1 == 1
    }
}

/// What happens to an option that a command does not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unaccepted {
    /// It would have changed the result, so it is an error.
    Refused,
    /// It is a preference, often part of a shell alias, so it is ignored.
    Ignored,
}

#[derive(Debug)]
struct Info {
    option: GlobalOption,
    /// The name of its field in [`Global`].
    id: &'static str,
    flag: &'static str,
    unaccepted: Unaccepted,
    is_given: fn(&Global) -> bool,
}

macro_rules! options {
    ($($option:ident $id:literal $flag:literal $unaccepted:ident $is_given:expr;)*) => {
        /// A global option that only some commands accept. The options that are not listed here
        /// (colour, characters, verbosity, the settings file) apply to all of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum GlobalOption { $($option),* }

        const OPTIONS: &[Info] = &[$(Info {
            option: GlobalOption::$option,
            id: $id,
            flag: $flag,
            unaccepted: Unaccepted::$unaccepted,
            is_given: $is_given,
        }),*];
    };
}

options! {
    Where     "condition"  "--where"      Refused |it| it.condition.is_some();
    Json      "json"       "--json"       Refused |it| it.json;
    Jsonl     "jsonl"      "--jsonl"      Refused |it| it.jsonl;
    Csv       "csv"        "--csv"        Refused |it| it.csv;
    Format    "format"     "--format"     Refused |it| it.format.is_some();
    Shape     "shapes"     "--shape"      Refused |it| !it.shapes.is_empty();
    AllJson   "all_json"   "--all-json"   Refused |it| it.all_json;
    MaxMem    "max_mem"    "--max-mem"    Refused |it| it.max_mem.is_some();
    MaxScan   "max_scan"   "--max-scan"   Refused |it| it.max_scan.is_some();
    PriceFile "price_file" "--price-file" Ignored |it| it.price_file.is_some();
    Tz        "tz"         "--tz"         Ignored |it| it.tz.is_some();
    Theme     "theme"      "--theme"      Ignored |it| it.theme.is_some();
    View      "view"       "--view"       Ignored |it| it.view.is_some();
    Policy    "overlay"    "--policy"     Refused |it| !it.overlay.is_empty();
    Mouse     "no_mouse"   "--no-mouse"   Ignored |it| it.no_mouse;
    State     "no_state"   "--no-state"   Ignored |it| it.no_state;
}

/// Refuses the first option that was given and would silently have no effect.
pub(super) fn check(name: &str, accepts: Accepts, global: &Global) -> Result<(), Failure> {
    let refused = OPTIONS.iter().find(|it| {
        it.unaccepted == Unaccepted::Refused && !accepts.has(it.option) && (it.is_given)(global)
    });
    match refused {
        Some(info) => {
            let option = info.flag;
            Err(Failure::Usage(format!(
                "'{name}' has no {option} (see saferun-tui {name} --help)"
            )))
        }
        None => Ok(()),
    }
}

/// The global options that the help of a command leaves out.
pub(super) fn hidden<C: Command>() -> Vec<Arg> {
    let all = Global::augment_args(clap::Command::new("options"));
    let is_hidden = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        OPTIONS
            .iter()
            .any(|it| it.id == id && !C::ACCEPTS.has(it.option))
    };
    all.get_arguments()
        .filter(is_hidden)
        .map(|arg| arg.clone().hide(true))
        .collect()
}
