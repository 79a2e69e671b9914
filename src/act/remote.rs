//! Traces stored elsewhere: the chosen runs are fetched whole into files, which the readers open.
//!
//! Records are written as the product returned them, except for signed links to its other files. Nothing connects
//! before [`pull`] is called, and then only to the host of the address, and for Helicone to where it stores bodies.

pub mod address;
mod auth;
mod bucket;
mod clickhouse;
mod connection;
mod fetch;
pub mod fleet;
mod folder;
mod helicone;
mod jaeger;
pub mod keys;
mod langfuse;
mod langsmith;
mod links;
mod mlflow;
mod phoenix;
mod product;
mod rate_limit;
mod record;
mod rows;
pub mod selection;
mod tempo;
mod whole_runs;
mod windows;

use std::env;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::act::net::Net;
use crate::act::net::client::Client;
use crate::base::cancel::CancelFlag;
use crate::base::hash::fixed_hash;
use crate::model::quantity::Time;
use crate::query::evidence::Evidence;
use address::{Address, Kind};
use bucket::Bucket;
use clickhouse::Clickhouse;
use connection::{Connection, Traffic, Trouble};
use fetch::{Fetch, LATE, Stopped};
use folder::{Origin, Store};
use helicone::Helicone;
use jaeger::Jaeger;
use keys::Keys;
use langfuse::Langfuse;
use langsmith::Langsmith;
use mlflow::Mlflow;
use phoenix::Phoenix;
use product::Product;
use record::nanos;
use tempo::Tempo;
use whole_runs::WholeRuns;

/// What to pull, and where to write it.
#[derive(Debug, Clone)]
pub struct Wish {
    pub address: Address,
    pub keys: Keys,
    pub folder: PathBuf,
    /// Where a first pull begins. Later ones continue where the last one ended.
    pub since: Time,
    pub until: Time,
    /// A file of certificates to trust beside those of the system.
    pub cacert: Option<PathBuf>,
    /// Requests a minute, instead of half of the product's limit.
    pub per_minute: Option<f64>,
    pub max_bytes: Option<u64>,
    /// Only runs that this filter may keep, for products that can select them.
    pub filter: Option<Filter>,
    /// The user agreed that an engine reads more rows than is usual.
    pub scans_all: bool,
    /// Only checks key and project; writes nothing.
    pub is_dry: bool,
}

/// A filter, and the conditions that follow from it for the spans of a run.
#[derive(Debug, Clone)]
pub struct Filter {
    pub text: String,
    pub evidence: Evidence,
}

/// The result of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Everything that began before this is in the folder.
    pub until: Time,
    pub records: usize,
    /// Size of all records in the folder.
    pub bytes: u64,
    pub requests: u64,
    pub received: u64,
    /// Signed links that were removed.
    pub links: u64,
    /// Records that the reader does not know.
    pub skipped: u64,
    /// Traces that count as complete because they have had no end for a day.
    pub without_end: usize,
    /// Files whose older records were rewritten.
    pub rewritten: usize,
    /// Traces that may still change.
    pub open: usize,
    /// Time spent in total, in requests, and waiting because the server asked for it.
    pub time: Duration,
    pub answering: Duration,
    pub waited: Duration,
    /// Why it stopped early.
    pub stopped: Option<String>,
}

/// Progress of a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Everything before this time is in the folder.
    Until { time: Time, records: usize },
    /// The server asked us to wait, or the rate limit does.
    Waits(Duration),
}

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The request of the user is wrong.
    #[error("{0}")]
    Usage(String),
    /// The server, the key or the folder failed.
    #[error("{0}")]
    Input(String),
}

/// Where commands keep what they pull on their own: in the user's cache, one folder for each address and filter.
pub fn cache(address: &Address, filter: Option<&str>) -> Option<PathBuf> {
    let set = env::var_os("XDG_CACHE_HOME").filter(|it| !it.is_empty());
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    let root = set.map(PathBuf::from).or_else(home)?;
    let name = address.to_string();
    let since = address.since.as_deref().unwrap_or_default();
    let text = format!("{name} {since} {}", filter.unwrap_or_default());
    let name: String = name
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
        .take(60)
        .collect();
    let hash = fixed_hash(text.as_bytes()) as u32;
    Some(
        root.join("saferun-tui/pulled")
            .join(format!("{name}-{hash:08x}")),
    )
}

/// Fetches what is new. What was fetched before stays, whatever happens.
pub fn pull(
    wish: &Wish,
    cancel: &CancelFlag,
    report: &mut dyn FnMut(News),
) -> Result<Pulled, Failure> {
    if wish.address.kind == Kind::S3 {
        return pull_bucket(wish, cancel, report);
    }
    let begun = Instant::now();
    let mut product = product_of(wish).map_err(Failure::Input)?;
    let input = |error: &dyn std::fmt::Display| Failure::Input(error.to_string());
    let net = Net::start().map_err(|error| input(&error))?;
    let client = client(&net, &wish.address, wish.cacert.as_deref())?;
    let report = std::cell::RefCell::new(report);
    let mut waits = |wait| report.borrow_mut()(News::Waits(wait));
    let mut connection = Connection::new(client, wish.address.host(), cancel, &mut waits);
    connection.limit(wish.per_minute.or(product.per_minute()));
    product.auth().hide(&mut connection);
    let begin = product.begin(&mut connection);
    begin.map_err(|error| Failure::Input(explained(&error, wish.address.kind)))?;
    if wish.is_dry {
        return Ok(pulled(&connection, None, wish.until, begun));
    }
    let reader = product.reader();
    let origin = origin(wish);
    let since = nanos(wish.since).unwrap_or(0);
    let store = Store::open(&wish.folder, origin, since, (reader, LATE));
    let mut store = store.map_err(|error| match error {
        folder::Error::Other { .. } => Failure::Usage(error.to_string()),
        _ => Failure::Input(error.to_string()),
    })?;
    if wish.filter.is_some() {
        // A run that did not match may match because of what was added since.
        store.cursor.next = store.cursor.since;
    }
    let mut fetch = Fetch {
        product: &mut *product,
        connection: &mut connection,
        store: &mut store,
        until: nanos(wish.until).unwrap_or(0),
        max_bytes: wish.max_bytes,
        conditions: conditions(wish),
        runs: WholeRuns::default(),
        brought: fetch::Brought::default(),
    };
    let ended = fetch.run(&mut |until, brought| {
        let (time, records) = (Time(until / 1_000), brought.records);
        report.borrow_mut()(News::Until { time, records });
    });
    let brought = fetch.brought;
    let stopped = ended.err().map(|error| match error {
        Stopped::Remote(error) => explained(&error, wish.address.kind),
        Stopped::Store(error) => error.to_string(),
        full @ Stopped::Full(_) => full.to_string(),
    });
    let until = Time(store.cursor.next / 1_000);
    Ok(Pulled {
        stopped,
        ..pulled(&connection, Some((&store, brought)), until, begun)
    })
}

/// What the product is asked to select; nothing if it gets the whole filter, or there is none.
fn conditions(wish: &Wish) -> Vec<String> {
    let evidence = wish.filter.as_ref().map(|filter| &filter.evidence);
    let found = evidence.and_then(|it| selection::conditions(wish.address.kind, it));
    found.unwrap_or_default()
}

fn pull_bucket(
    wish: &Wish,
    cancel: &CancelFlag,
    report: &mut dyn FnMut(News),
) -> Result<Pulled, Failure> {
    let begun = Instant::now();
    let bucket = Bucket::new(wish).map_err(Failure::Input)?;
    let net = Net::start().map_err(|error| Failure::Input(error.to_string()))?;
    let client = client(&net, &wish.address, wish.cacert.as_deref())?;
    let mut quietly = |_| {};
    let mut connection = Connection::new(client, wish.address.host(), cancel, &mut quietly);
    connection.limit(wish.per_minute);
    bucket.hide(&mut connection);
    let begin = bucket.begin(&mut connection);
    begin.map_err(|error| Failure::Input(explained(&error, wish.address.kind)))?;
    if wish.is_dry {
        return Ok(pulled(&connection, None, wish.until, begun));
    }
    bucket::pull(&bucket, &mut connection, wish, report)
}

fn client(net: &Net, address: &Address, cacert: Option<&Path>) -> Result<Client, Failure> {
    let client = match cacert {
        Some(path) => Client::trusting_file(net, path).map_err(Failure::Usage)?,
        None => Client::new(net),
    };
    Ok(if address.is_plain {
        client.allowing_plain_http()
    } else {
        client
    })
}

/// Waits; false if it was interrupted.
pub fn pause(time: Duration, cancel: &CancelFlag) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until && !cancel.is_raised() {
        thread::sleep(Duration::from_millis(100).min(time));
    }
    !cancel.is_raised()
}

fn pulled(
    connection: &Connection<'_>,
    held: Option<(&Store, fetch::Brought)>,
    until: Time,
    begun: Instant,
) -> Pulled {
    let brought = held.map_or_else(fetch::Brought::default, |(_, brought)| brought);
    let store = held.map(|(store, _)| store);
    let Traffic {
        requests,
        bytes,
        answering,
        waited,
    } = connection.traffic;
    Pulled {
        until,
        records: brought.records,
        bytes: store.map_or(0, Store::bytes),
        requests,
        received: bytes,
        links: brought.links,
        skipped: brought.skipped,
        without_end: brought.without_end,
        rewritten: brought.rewritten,
        open: store.map_or(0, |store| store.open_traces().len()),
        time: begun.elapsed(),
        answering,
        waited,
        stopped: None,
    }
}

fn product_of(wish: &Wish) -> Result<Box<dyn Product>, String> {
    let Wish { address, keys, .. } = wish;
    Ok(match address.kind {
        Kind::Phoenix => Box::new(Phoenix::new(address, keys)?),
        Kind::Mlflow => Box::new(Mlflow::new(address, keys)?),
        Kind::Langfuse => Box::new(Langfuse::new(address, keys)?),
        Kind::Langsmith => Box::new(Langsmith::new(address, keys)?),
        Kind::Helicone => Box::new(Helicone::new(address, keys)?),
        Kind::Tempo => Box::new(Tempo::new(address, keys)?),
        Kind::Jaeger => Box::new(Jaeger::new(address, keys)?),
        Kind::S3 => return Err("a bucket holds files, not records".to_owned()),
        Kind::Clickhouse => Box::new(Clickhouse::new(wish)?),
    })
}

fn origin(wish: &Wish) -> Origin {
    let address = &wish.address;
    Origin {
        product: address.kind.word().to_owned(),
        host: address.host().to_owned(),
        project: address.project.clone(),
        filter: wish.filter.as_ref().map(|filter| filter.text.clone()),
    }
}

/// What a user can do about it.
fn explained(error: &Trouble, kind: Kind) -> String {
    let hint = match error {
        Trouble::Refused {
            status: 401 | 403, ..
        } => {
            format!(" · the key is from {}", kind.variables().join(" or "))
        }
        Trouble::Scan { .. } => {
            " · choose a shorter time, or allow more with --max-scan (such as --max-scan 5e9); pull --yes allows any number".to_owned()
        }
        Trouble::Refused { status: 404, .. } => " · check the spelling of the project".to_owned(),
        _ => String::new(),
    };
    format!("{error}{hint}")
}
