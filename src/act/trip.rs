//! The breaker of a run: a trip file beside the guard's state for it. While the file is in force, the guard denies the
//! calls of the run, and the proxy answers its model calls with an error.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use crate::act::places::{self, Places, of_run};
use crate::base::human;
use crate::ingest::time;

pub const SCHEMA: &str = "saferun.tui/trip@1";
/// Larger than any trip file we write.
const LARGEST: u64 = 64 << 10;

/// Why a run is stopped, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trip {
    pub schema: String,
    pub run_id: String,
    pub rule: String,
    pub reason: String,
    pub arithmetic: String,
    /// Times as in RFC 3339.
    pub at: String,
    #[serde(default)]
    pub until: Option<String>,
    /// `rule`, or the name of a person.
    pub by: String,
}

/// What caused a trip.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    pub run: &'a str,
    pub rule: &'a str,
    pub reason: &'a str,
    pub arithmetic: &'a str,
    pub by: &'a str,
}

impl Trip {
    /// From `now`, for the duration `lasts` if given; both in microseconds.
    pub fn new(cause: &Cause<'_>, now: i64, lasts: Option<i64>) -> Trip {
        Trip {
            schema: SCHEMA.to_owned(),
            run_id: cause.run.to_owned(),
            rule: cause.rule.to_owned(),
            reason: cause.reason.to_owned(),
            arithmetic: cause.arithmetic.to_owned(),
            at: human::rfc3339(now),
            until: lasts.map(|lasts| human::rfc3339(now.saturating_add(lasts))),
            by: cause.by.to_owned(),
        }
    }

    fn is_over(&self, now: i64) -> bool {
        let until = self.until.as_deref();
        let until = until.and_then(|until| time::from_text(until.as_bytes()).get());
        until.is_some_and(|until| until <= now)
    }
}

fn path(places: &Places, run: &str) -> PathBuf {
    places.live().join(format!("{}.trip", of_run(run)))
}

/// Stops a run, replacing any earlier trip.
pub fn write(places: &Places, trip: &Trip) -> io::Result<PathBuf> {
    places::private(&places.live())?;
    let path = path(places, &trip.run_id);
    let mut text = serde_json::to_vec(trip)?;
    text.push(b'\n');
    places::replace(&path, &text)?;
    Ok(path)
}

/// Lets a run continue; returns whether it was stopped.
pub fn reset(places: &Places, run: &str) -> io::Result<bool> {
    match fs::remove_file(path(places, run)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The trip of a run, if one is in force. A file that cannot be read counts as a trip without a known reason.
pub fn standing(places: &Places, run: &str, now: i64) -> Option<Trip> {
    let path = path(places, run);
    if matches!(fs::symlink_metadata(&path), Err(error) if error.kind() == io::ErrorKind::NotFound)
    {
        return None;
    }
    let read = places::read_private(&path, LARGEST).ok();
    let trip = read.and_then(|bytes| serde_json::from_slice::<Trip>(&bytes).ok());
    let unreadable = || {
        let cause = Cause {
            run,
            rule: "trip",
            reason: "the trip file cannot be read",
            arithmetic: "",
            by: "",
        };
        Trip::new(&cause, now, None)
    };
    let trip = trip.unwrap_or_else(unreadable);
    (!trip.is_over(now)).then_some(trip)
}

/// Checks that rules may arm a breaker: this user must own the file and its folder, and no one else may write to them.
pub fn may_arm(rules: &Path) -> Result<(), String> {
    let folder = rules.parent().filter(|it| !it.as_os_str().is_empty());
    for path in [rules, folder.unwrap_or(Path::new("."))] {
        let found = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if found.uid() != geteuid().as_raw() {
            return Err(format!("{} belongs to another user", path.display()));
        }
        if found.mode() & 0o022 != 0 {
            return Err(format!("others may write to {}", path.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{Cause, Trip, may_arm, reset, standing, write};
    use crate::act::places::Places;

    const NOW: i64 = 1_795_478_400_000_000;
    const CAUSE: Cause<'_> = Cause {
        run: "r/1",
        rule: "loop",
        reason: "it repeats",
        arithmetic: "5 steps (limit 5)",
        by: "rule",
    };

    fn places(home: &Path) -> Places {
        Places::of(|name| (name == "HOME").then(|| home.to_owned())).expect("a home")
    }

    #[test]
    fn a_trip_lasts_until_it_expires_or_is_reset() {
        let home = tempfile::tempdir().expect("a folder");
        let places = places(home.path());
        assert_eq!(standing(&places, "r/1", NOW), None);
        let trip = Trip::new(&CAUSE, NOW, Some(600_000_000));
        let path = write(&places, &trip).expect("written");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(standing(&places, "r/1", NOW), Some(trip.clone()));
        assert_eq!(trip.until.as_deref(), Some("2026-11-24T00:10:00.000Z"));
        assert_eq!(standing(&places, "r/1", NOW + 600_000_000), None);
        assert!(reset(&places, "r/1").expect("asked"));
        assert!(!reset(&places, "r/1").expect("asked"));
        assert_eq!(standing(&places, "r/1", NOW), None);
    }

    #[test]
    fn a_trip_that_cannot_be_read_stands() {
        let home = tempfile::tempdir().expect("a folder");
        let places = places(home.path());
        let path = write(&places, &Trip::new(&CAUSE, NOW, None)).expect("written");
        fs::write(&path, "{").expect("written");
        let trip = standing(&places, "r/1", NOW).expect("it stands");
        assert_eq!(trip.reason, "the trip file cannot be read");
    }

    #[test]
    fn only_a_file_that_no_one_else_can_write_may_arm() {
        let home = tempfile::tempdir().expect("a folder");
        let rules = home.path().join("alerts.toml");
        fs::write(&rules, "version = 1\n").expect("written");
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
        };
        set(&rules, 0o644);
        assert_eq!(may_arm(&rules), Ok(()));
        set(&rules, 0o664);
        assert!(may_arm(&rules).is_err_and(|why| why.contains("others may write")));
        set(&rules, 0o600);
        set(home.path(), 0o777);
        assert!(may_arm(&rules).is_err());
        set(home.path(), 0o700);
        assert!(may_arm(&home.path().join("none.toml")).is_err());
    }
}
