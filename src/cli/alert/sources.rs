//! Finds the rules that apply, and the baselines that they name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::alerts::history::baseline::Known;
use crate::analysis::alerts::rules::{BUILT_IN, Rules};
use crate::analysis::cohort::baseline;
use crate::base::sha256;
use crate::cli::Cx;
use crate::cli::alert::trips;
use crate::cli::args::Paths;
use crate::cli::failure::Failure;
use crate::cli::out::Notes;
use crate::config;
use crate::ingest::discover::at_home;
use crate::state;
use crate::state::alerts::AlertStates;
use crate::tui::alerting::{self, Source};

/// Rules, and where they come from.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) rules: Arc<Rules>,
    /// None for the built-in rules.
    pub(super) path: Option<String>,
    pub(super) sha256: String,
    pub(super) known: Vec<Known>,
}

/// Splits `[RULES] PATH…`: a first path that ends in `.toml` is a rules file.
pub(super) fn split(mut paths: Paths, given: Option<PathBuf>) -> (Option<PathBuf>, Paths) {
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|it| it == "toml");
    if given.is_none() && paths.paths.first().is_some_and(is_toml) {
        let rules = paths.paths.remove(0);
        return (Some(rules), paths);
    }
    (given, paths)
}

/// The rules file named, else that of the settings, else `alerts.toml` beside them; none for the built-in rules.
pub(super) fn path(cx: &Cx, given: Option<&Path>) -> Option<PathBuf> {
    let usual = || config::alerts_path().filter(|path| path.exists() && !cx.global.no_config);
    let named = given.map(at_home);
    named
        .or_else(|| cx.config.alert_rules.value.clone())
        .or_else(usual)
}

impl InForce {
    pub(super) fn read(cx: &Cx, given: Option<&Path>) -> Result<InForce, Failure> {
        InForce::at(path(cx, given).as_deref(), &cx.notes)
    }

    /// The rules of a file, or the built-in ones; prints notes about probable mistakes.
    pub(super) fn at(path: Option<&Path>, notes: &Notes) -> Result<InForce, Failure> {
        let found = InForce::open(path)?;
        let shown = found.path.as_deref().unwrap_or_default();
        for note in &found.rules.notes {
            notes.note(&format!("{shown}: {note}"));
        }
        Ok(found)
    }

    fn open(path: Option<&Path>) -> Result<InForce, Failure> {
        let Some(path) = path else {
            return Ok(InForce {
                rules: Arc::new(Rules::built_in().clone()),
                path: None,
                sha256: sha256::hex(BUILT_IN.as_bytes()),
                known: Vec::new(),
            });
        };
        let failed = |what: String| Failure::Usage(format!("{}: {what}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let shown = path.display().to_string();
        let rules = Rules::read(&text).map_err(|mistake| Failure::Usage(mistake.words(&shown)))?;
        let known = known(path, &rules)?;
        Ok(InForce {
            sha256: sha256::hex(text.as_bytes()),
            rules: Arc::new(rules),
            path: Some(shown),
            known,
        })
    }
}

/// The canonical path of the rules file, which names its state file.
fn place(path: &str) -> String {
    let place = fs::canonicalize(path);
    place.map_or_else(
        |_| path.to_owned(),
        |place| place.to_string_lossy().into_owned(),
    )
}

/// Where the states of these rules' alerts are saved; none if the settings turn state off.
pub(super) fn states(cx: &Cx, in_force: &InForce) -> Option<AlertStates> {
    let folder = cx.config.state.value.then(state::usual_folder).flatten()?;
    let place = in_force.path.as_deref().map(place);
    Some(AlertStates::of(&folder, place.as_deref()))
}

/// Checks a rules file for mistakes; the explorer itself reads it only when rules are needed.
pub(in crate::cli) fn check(given: &Path) -> Result<(), Failure> {
    InForce::open(Some(&at_home(given))).map(drop)
}

/// Rules for the explorer.
pub(in crate::cli) fn of_screen(cx: &Cx, given: Option<&Path>) -> Source {
    Source {
        path: path(cx, given),
        is_own: given.is_none(),
        state: cx.config.state.value.then(state::usual_folder).flatten(),
        read: for_screen,
    }
}

fn for_screen(source: &Source) -> Result<alerting::InForce, String> {
    let found = InForce::open(source.path.as_deref()).map_err(|failure| failure.to_string())?;
    Ok(alerting::InForce {
        disarmed: trips::disarmed(&found, source.is_own),
        rules: found.rules,
        path: found.path.as_deref().map(place),
        sha256: found.sha256,
        known: found.known.into(),
    })
}

/// The baselines that rules name, relative to their file.
fn known(rules_path: &Path, rules: &Rules) -> Result<Vec<Known>, Failure> {
    let named = rules.rules.iter().filter_map(|rule| rule.baseline.as_ref());
    let mut names: Vec<&String> = rules.baseline.iter().chain(named).collect();
    names.sort_unstable();
    names.dedup();
    let folder = rules_path.parent().unwrap_or(Path::new("."));
    let read = |name: &String| {
        let path = folder.join(at_home(Path::new(name)));
        let failed = |why: String| Failure::Usage(format!("baseline {}: {why}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let (cohort, _) = baseline::read(&text).map_err(failed)?;
        Ok(Known::of(name, &cohort))
    };
    names.into_iter().map(read).collect()
}
