//! `pull`: fetches traces from a product into a folder.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::act::remote::address::{Address, Kind};
use crate::act::remote::keys::Keys;
use crate::act::remote::{self, Filter, News, Pulled, Wish, selection};
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock as _, System};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::out::{Notes, Progress};
use crate::cli::{filter as cli_filter, url};
use crate::model::quantity::Time;
use crate::query::evidence::{self, Evidence};
use crate::query::value;

/// Where a first pull begins by default.
const SINCE: &str = "1d";

#[derive(Debug, clap::Args)]
#[command(
    about = "Fetch traces from Phoenix, MLflow, Langfuse, LangSmith, Helicone, ClickHouse, Tempo, Jaeger or a bucket into a folder"
)]
#[command(after_help = "\
Examples:
  saferun-tui pull phoenix://localhost:6006/shop -o traces --since 7d
  saferun-tui pull langfuse:// --follow              the key's project, then new traces every minute
  saferun-tui pull langsmith:///bot --dry-run        check key and project; write nothing
  saferun-tui ls phoenix://localhost:6006/shop       any command can be given a URL

With -w, the source selects what it can of the runs that the filter may keep (check-filter --for shows it), and whole \
runs are fetched; -w on the folder then applies all of it. For ClickHouse, a query that would read more than --max-scan \
rows is not run without --yes.

Sources: phoenix://[HOST]/PROJECT · mlflow://[HOST]/EXPERIMENT · langfuse://[HOST]/[PROJECT] ·
         langsmith://[HOST]/PROJECT · helicone://[us|eu|HOST] · jaeger://[HOST]/SERVICE ·
         clickhouse://[USER@]HOST/DATABASE[/TABLE] · tempo://[HOST]/[TENANT] ·
         s3://BUCKET/[PREFIX] (new or changed files; AWS_ENDPOINT_URL for R2, MinIO, GCS)
TABLE is otel_traces, or events_full or observations of a Langfuse server (then also /PROJECT).

A host, project or key that is left out comes from the variables of the product's own programs \
(PHOENIX_API_KEY, MLFLOW_TRACKING_TOKEN or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, \
LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, LANGSMITH_API_KEY, HELICONE_API_KEY, CLICKHOUSE_PASSWORD, TEMPO_TOKEN, \
JAEGER_TOKEN, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or the key from key-cmd = [\"program\", \"argument\"] \
under [pull.PRODUCT] in the settings. No option takes a key. Always https, except to this machine or with ?http=1.

The folder is printed. A second pull fetches what is new; a pull that was killed continues where it stopped. \
Only the owner can read the files. Signed links are removed.

Exit code 4 when the server, the key or the folder ends the pull early; everything fetched so far is kept.")]
pub struct Pull {
    /// Where the traces are
    #[arg(value_name = "URL")]
    source: String,
    /// Folder to write to [default: one in ~/.cache/saferun-tui/pulled]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Where the first pull into a folder begins: a duration (7d) or a date [default: 1d]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Where to end: a duration ago or a date [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Keep running, and fetch new traces at this interval
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "60s")]
    follow: Option<String>,
    /// Requests a minute, such as 30/min [default: half of what the product allows]
    #[arg(long, value_name = "N/min", value_parser = rate)]
    rate: Option<f64>,
    /// Stop when the folder reaches this size, such as 2GB, at the end of a time window
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_bytes: Option<u64>,
    /// Let the database read more rows than --max-scan allows
    #[arg(long)]
    yes: bool,
    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Fetch everything again, into a new folder next to that of earlier pulls
    #[arg(long)]
    full: bool,
    /// Check key and project, and show what would be fetched; write nothing
    #[arg(long)]
    dry_run: bool,
}

/// `30/min`, or a number.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/min").unwrap_or(text).parse::<f64>();
    let number = number.ok().filter(|it| it.is_finite() && *it > 0.0);
    number.ok_or_else(|| "expected requests a minute, such as 30/min".to_owned())
}

/// `500MB`, `2GB`: powers of 1000.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text
        .trim_start_matches(digits)
        .to_ascii_uppercase()
        .as_str()
    {
        "" | "B" => 1,
        "KB" | "K" => 1_000,
        "MB" | "M" => 1_000_000,
        "GB" | "G" => 1_000_000_000,
        _ => 0,
    };
    let bytes = digits.parse().ok().and_then(|it: u64| it.checked_mul(unit));
    let bytes = bytes.filter(|it| *it > 0);
    bytes.ok_or_else(|| "expected a size such as 500MB or 2GB".to_owned())
}

/// The URL of a source, completed from the environment.
pub(super) fn address(text: &str) -> Result<Address, Failure> {
    let variable = |name: &str| env::var(name).ok().filter(|it| !it.is_empty());
    let address = Address::parse(text, &variable).map_err(Failure::Usage)?;
    if let Some(since) = &address.since {
        value::since(since).map_err(Failure::Usage)?;
    }
    Ok(address)
}

impl Command for Pull {
    const NAME: &'static str = "pull";
    const ACCEPTS: Accepts = Accepts::NONE
        .with(GlobalOption::Json)
        .with(GlobalOption::Where)
        .with(GlobalOption::MaxScan)
        .with(GlobalOption::Tz);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let every = self.follow.as_deref().map(interval).transpose()?;
        let cancel = interruptible()?;
        let mut wish = self.wish(cx)?;
        loop {
            let pulled = pull(&cx.notes, &wish, &cancel)?;
            let is_stopped = pulled.stopped.is_some();
            if cx.global.json {
                cx.out.json(&Document::new(&wish, &pulled))?;
            } else if !wish.is_dry {
                let folder = cx.out.style.clean(&wish.folder.to_string_lossy());
                cx.out.line(&folder)?;
            }
            report(&cx.notes, &wish, &pulled);
            cx.out.flush()?;
            let Some(every) = every.filter(|_| !is_stopped && !wish.is_dry) else {
                return Ok(if is_stopped {
                    Exit::NoInput
                } else {
                    Exit::Done
                });
            };
            if !remote::pause(every, &cancel) {
                return Ok(Exit::Done);
            }
            wish.until = now();
        }
    }
}

impl Pull {
    fn wish(&self, cx: &Cx) -> Result<Wish, Failure> {
        let mut address = address(&self.source)?;
        address.max_scan = cx.global.max_scan;
        if address.max_scan.is_some() && address.kind != Kind::Clickhouse {
            let what = "only clickhouse:// has a limit on the rows of a query (--max-scan)";
            return Err(Failure::Usage(what.to_owned()));
        }
        let zone = &cx.out.style.zone;
        let since = self.since.as_deref().or(address.since.as_deref());
        let since = instant(since.unwrap_or(SINCE), zone)?;
        let until = self.until.as_deref().map(|text| instant(text, zone));
        let until = until.transpose()?.unwrap_or_else(now);
        if until <= since {
            return Err(Failure::Usage("--until is before --since".to_owned()));
        }
        let filter = filter(cx, address.kind)?;
        let text = filter.as_ref().map(|filter| filter.text.as_str());
        let named = self
            .output
            .clone()
            .or_else(|| remote::cache(&address, text));
        let folder =
            named.ok_or_else(|| Failure::Usage("no folder to write to; use -o".to_owned()))?;
        Ok(Wish {
            keys: keys_of(&address, &cx.load.access),
            address,
            folder: if self.full { unused(folder) } else { folder },
            since,
            until,
            cacert: self.cacert.clone(),
            per_minute: self.rate,
            max_bytes: self.max_bytes,
            filter,
            scans_all: self.yes,
            is_dry: self.dry_run,
        })
    }
}

/// The conditions that `--where` gives to a source that can select runs.
fn filter(cx: &Cx, kind: Kind) -> Result<Option<Filter>, Failure> {
    let Some(text) = &cx.global.condition else {
        return Ok(None);
    };
    let expr = cli_filter::parse(text)?;
    let evidence = evidence::of(&expr, &cli_filter::context(cx));
    let word = kind.word();
    let selects = match kind {
        Kind::Clickhouse => evidence != Evidence::Anything,
        kind => selection::conditions(kind, &evidence).is_some(),
    };
    if !selects {
        let what = format!(
            "{word}:// cannot select runs by this filter (saferun-tui check-filter 'FILTER' --for PRODUCT shows what it can select by): pull everything, then use --where on the folder"
        );
        return Err(Failure::Usage(what));
    }
    Ok(Some(Filter {
        text: expr.to_string(),
        evidence,
    }))
}

/// The first of `DIR`, `DIR.2`, `DIR.3` that does not exist.
fn unused(folder: PathBuf) -> PathBuf {
    let numbered = |number: u32| {
        let mut name = folder.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    if !folder.exists() {
        return folder;
    }
    (2..=9_999)
        .map(numbered)
        .find(|it| !it.exists())
        .unwrap_or(folder)
}

pub(super) fn keys_of(address: &Address, access: &url::Access) -> Keys {
    let word = address.kind.word();
    let command = access.keys.iter().find(|(product, _)| product == word);
    Keys {
        command: command.map(|(_, command)| command.clone()),
    }
}

/// Now, in whole seconds.
fn now() -> Time {
    whole_seconds(System.now())
}

fn whole_seconds(micros: i64) -> Time {
    Time(micros.div_euclid(1_000_000) * 1_000_000)
}

fn instant(text: &str, zone: &TimeZone) -> Result<Time, Failure> {
    value::since(text).map_err(Failure::Usage)?;
    let found = value::since_instant(text, now(), zone);
    let micros = found.and_then(Time::get);
    micros
        .map(whole_seconds)
        .ok_or_else(|| Failure::Usage(format!("'{text}' is not a time")))
}

fn interval(text: &str) -> Result<Duration, Failure> {
    let micros = value::duration(text).map_err(Failure::Usage)?;
    Ok(Duration::from_secs_f64((micros / 1e6).clamp(1.0, 1e6)))
}

/// The first signal ends the pull after the current write; the second ends the program.
pub(super) fn interruptible() -> anyhow::Result<CancelFlag> {
    let cancel = CancelFlag::new();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_default(signal, cancel.shared())?;
        flag::register(signal, cancel.shared())?;
    }
    Ok(cancel)
}

fn pull(notes: &Notes, wish: &Wish, cancel: &CancelFlag) -> Result<Pulled, Failure> {
    let mut progress = Progress::new(notes);
    let pulled = remote::pull(wish, cancel, &mut |news| match news {
        News::Until { time, records } => {
            let (at, count) = (shown(time), human::count(records as u64));
            progress.show(&format!("{count} records, until {at}"));
        }
        News::Waits(wait) => progress.show(&format!("waiting {} s, as asked", wait.as_secs())),
    });
    progress.clear();
    pulled.map_err(Failure::from)
}

impl From<remote::Failure> for Failure {
    fn from(error: remote::Failure) -> Failure {
        match error {
            remote::Failure::Usage(what) => Failure::Usage(what),
            remote::Failure::Input(what) => Failure::Input(what),
        }
    }
}

fn shown(time: Time) -> String {
    time.get().map_or_else(String::new, human::rfc3339)
}

/// What the user should know.
fn report(notes: &Notes, wish: &Wish, pulled: &Pulled) {
    if wish.is_dry {
        let (from, to) = (shown(wish.since), shown(wish.until));
        notes.note(&format!(
            "{}: key and project are valid; would fetch {from} to {to} into {}",
            wish.address,
            wish.folder.display()
        ));
        return;
    }
    let counted = |number: usize, word: &str| human::counted(number as u64, word);
    notes.note(&format!(
        "{}: {} new until {}, {} in all ({})",
        wish.address,
        counted(pulled.records, "record"),
        shown(pulled.until),
        human::bytes(pulled.bytes),
        human::counted(pulled.requests, "request"),
    ));
    if pulled.links > 0 {
        notes.note(&format!(
            "{} removed",
            human::counted(pulled.links, "signed link")
        ));
    }
    if pulled.skipped > 0 {
        let skipped = human::counted(pulled.skipped, "record");
        notes.note(&format!("{skipped} skipped: not known to the reader"));
    }
    if pulled.without_end > 0 {
        let traces = counted(pulled.without_end, "trace");
        notes.note(&format!(
            "{traces} had no recorded end for a day and will not be requested again"
        ));
    }
    if let Some(why) = &pulled.stopped {
        notes.error(why);
    }
}

/// Pulls new traces into the cache, and reports how many.
pub(super) fn into_cache(
    notes: &Notes,
    mut address: Address,
    access: &url::Access,
) -> Result<PathBuf, String> {
    let words = |error: Failure| error.to_string();
    address.max_scan = access.max_scan;
    let folder = remote::cache(&address, None).ok_or("no cache folder (HOME is not set)")?;
    let since = address.since.as_deref().unwrap_or(SINCE);
    let wish = Wish {
        keys: keys_of(&address, access),
        since: instant(since, &TimeZone::UTC).map_err(words)?,
        until: now(),
        folder,
        cacert: None,
        per_minute: None,
        max_bytes: None,
        filter: None,
        scans_all: false,
        is_dry: false,
        address,
    };
    let cancel = interruptible().map_err(|error| error.to_string())?;
    let pulled = pull(notes, &wish, &cancel).map_err(words);
    // From here on, a signal ends the program as it would have done before.
    cancel.raise();
    let pulled = pulled?;
    report(notes, &wish, &pulled);
    match (pulled.stopped, pulled.bytes) {
        (Some(why), 0) => Err(why),
        (None, 0) => Err(format!("no trace since {}", shown(wish.since))),
        (_, _) => Ok(wish.folder),
    }
}

/// `saferun.tui/pull@1`.
#[derive(Debug, Serialize)]
struct Document {
    schema: &'static str,
    source: String,
    folder: String,
    since: String,
    until: String,
    dry_run: bool,
    records: usize,
    bytes: u64,
    open_traces: usize,
    requests: u64,
    received_bytes: u64,
    links_removed: u64,
    records_skipped: u64,
    traces_without_end: usize,
    files_rewritten: usize,
    time_ms: u128,
    answering_ms: u128,
    waited_ms: u128,
    stopped: Option<String>,
}

impl Document {
    fn new(wish: &Wish, pulled: &Pulled) -> Document {
        Document {
            schema: "saferun.tui/pull@1",
            source: wish.address.to_string(),
            folder: wish.folder.to_string_lossy().into_owned(),
            since: shown(wish.since),
            until: shown(pulled.until),
            dry_run: wish.is_dry,
            records: pulled.records,
            bytes: pulled.bytes,
            open_traces: pulled.open,
            requests: pulled.requests,
            received_bytes: pulled.received,
            links_removed: pulled.links,
            records_skipped: pulled.skipped,
            traces_without_end: pulled.without_end,
            files_rewritten: pulled.rewritten,
            time_ms: pulled.time.as_millis(),
            answering_ms: pulled.answering.as_millis(),
            waited_ms: pulled.waited.as_millis(),
            stopped: pulled.stopped.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_sizes_are_read() {
        assert_eq!((rate("30/min"), rate("7")), (Ok(30.0), Ok(7.0)));
        assert!(rate("0").is_err() && rate("fast").is_err());
        assert_eq!(
            (size("2GB"), size("500kb")),
            (Ok(2_000_000_000), Ok(500_000))
        );
        assert!(size("2 apples").is_err() && size("0").is_err());
    }
}
