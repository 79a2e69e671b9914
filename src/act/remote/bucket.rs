//! `s3://`: the files below a prefix of a bucket, as they are. Files that are new or have changed are fetched in
//! pieces; files that are gone from the bucket stay.

mod listing;
mod sign;

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::address::{decoded, encoded};
use super::connection::{Connection, Trouble};
use super::folder::{Disk, Folder};
use super::{Failure, News, Pulled, Wish};
use crate::act::net::client::Request;
use crate::act::net::secret::Secret;
use crate::base::clock::{Clock as _, System};
use crate::base::escape;
use crate::model::quantity::Time;
use listing::{Listing, Object};
use sign::{Get, Signer};

const CURSOR: &str = ".saferun-pull.json";
const LOCK: &str = ".lock";
const PART: &str = ".part";
/// How much of a file is asked for at a time.
const PIECE: u64 = 8 << 20;

/// What a folder holds of a bucket.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    source: String,
    /// Files that were older than this at the first pull are not fetched; microseconds.
    since: i64,
    files: BTreeMap<String, Held>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    tag: String,
    size: u64,
}

/// A bucket, and the key to it.
pub(super) struct Bucket {
    base: String,
    host: String,
    name: String,
    prefix: String,
    signer: Signer,
}

impl Bucket {
    pub(super) fn new(wish: &Wish) -> Result<Bucket, String> {
        let variable = |name: &str| env::var(name).ok().filter(|it| !it.is_empty());
        let id = variable("AWS_ACCESS_KEY_ID").ok_or("no key: AWS_ACCESS_KEY_ID is not set")?;
        let kind = wish.address.kind;
        let secret = wish.keys.need(kind, kind.variables())?;
        let (name, prefix) = wish
            .address
            .project
            .split_once('/')
            .unwrap_or((&wish.address.project, ""));
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let region = region.iter().find_map(|name| variable(name));
        Ok(Bucket {
            base: wish.address.base.clone(),
            host: wish.address.host().to_owned(),
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            signer: Signer {
                id,
                secret,
                token: Secret::from_variable("AWS_SESSION_TOKEN"),
                region: region.unwrap_or_else(|| "us-east-1".to_owned()),
            },
        })
    }

    pub(super) fn hide(&self, connection: &mut Connection<'_>) {
        connection.hide(&self.signer.secret);
        if let Some(token) = &self.signer.token {
            connection.hide(token);
        }
    }

    fn request(&self, key: &str, query: &str, range: Option<&str>) -> Result<Request, Trouble> {
        let path = format!("/{}/{key}", self.name);
        let get = Get {
            host: &self.host,
            path: &path,
            query,
            range,
        };
        let time = Timestamp::from_second(System.now() / 1_000_000).unwrap_or_default();
        let time = time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let url = match query {
            "" => format!("{}{path}", self.base),
            query => format!("{}{path}?{query}", self.base),
        };
        let request = Request::get(&url).and_then(|request| {
            // The bytes as they are stored: pieces of them are counted.
            let mut request = request.header("accept-encoding", "identity")?;
            for (name, value) in self.signer.headers(get, &time) {
                request = request.secret(name, "", &value)?;
            }
            Ok(request)
        });
        request.map_err(|error| Trouble::Down(error.to_string()))
    }

    /// A page of the list; `after` is the cursor that the previous page named.
    fn list(
        &self,
        connection: &mut Connection<'_>,
        after: Option<&str>,
        most: u32,
    ) -> Result<Listing, Trouble> {
        let mut query = Vec::new();
        query.extend(after.map(|after| format!("continuation-token={}", encoded(after))));
        query.push("encoding-type=url".to_owned());
        query.push("list-type=2".to_owned());
        query.push(format!("max-keys={most}"));
        query.push(format!("prefix={}", encoded(&self.prefix)));
        let request = self.request("", &query.join("&"), None)?;
        connection.text(&request, Listing::parse)
    }

    /// Checks key and bucket.
    pub(super) fn begin(&self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        self.list(connection, None, 1).map(drop)
    }

    fn objects(&self, connection: &mut Connection<'_>) -> Result<Vec<Object>, Trouble> {
        let mut objects = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.list(connection, after.as_deref(), 1_000)?;
            objects.extend(page.objects);
            match page.next {
                None => return Ok(objects),
                next if next == after => return Err(connection.wrong("it repeats a cursor")),
                next => after = next,
            }
        }
    }

    /// Writes a file in pieces, first under another name.
    fn fetch(
        &self,
        connection: &mut Connection<'_>,
        folder: &Folder,
        object: &Object,
    ) -> Result<(), Stopped> {
        folder.patch(PART, 0, &mut std::io::empty())?;
        let key = escape::percent(decoded(&object.key).as_bytes(), b"-._~/");
        let mut at = 0;
        while at < object.size {
            let end = (at + PIECE).min(object.size);
            let range = format!("bytes={at}-{}", end - 1);
            let request = self.request(&key, "", Some(&range))?;
            let piece = connection.bytes(&request)?;
            if piece.len() as u64 != end - at {
                return Err(connection
                    .wrong("it sent a file of another length than it listed")
                    .into());
            }
            folder.patch(PART, at, &mut piece.as_slice())?;
            at = end;
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Remote(#[from] Trouble),
    #[error("{0}")]
    Disk(#[from] std::io::Error),
    #[error("the folder holds {0} bytes, as much as --max-bytes allows")]
    Full(u64),
}

/// Fetches what has changed. Each file is whole or absent; the cursor follows it.
pub(super) fn pull(
    bucket: &Bucket,
    connection: &mut Connection<'_>,
    wish: &Wish,
    report: &mut dyn FnMut(News),
) -> Result<Pulled, Failure> {
    let begun = Instant::now();
    let shown = wish.folder.display();
    let input = |error: std::io::Error| Failure::Input(format!("{shown}: {error}"));
    let folder = Folder::create(&wish.folder).map_err(input)?;
    let lock = folder.lock(LOCK).map_err(input)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(Failure::Input(format!(
            "{shown}: another pull writes to this folder"
        )));
    }
    let mut cursor = cursor(&folder, wish).map_err(input)?;
    if cursor.source != wish.address.to_string() {
        return Err(Failure::Usage(format!(
            "{shown}: holds {}; pull {} into another folder",
            cursor.source, wish.address
        )));
    }
    let mut brought = 0;
    let ended = changed(
        bucket,
        connection,
        (&folder, &mut cursor),
        wish,
        &mut |file| {
            brought += 1;
            report(News::Until {
                time: file,
                records: brought,
            });
        },
    );
    let stopped = match ended {
        Ok(()) => None,
        Err(Stopped::Remote(error)) => Some(super::explained(&error, wish.address.kind)),
        Err(other) => Some(other.to_string()),
    };
    let bytes = cursor.files.values().map(|file| file.size).sum();
    Ok(Pulled {
        records: brought,
        bytes,
        stopped,
        ..super::pulled(connection, None, wish.until, begun)
    })
}

fn changed(
    bucket: &Bucket,
    connection: &mut Connection<'_>,
    (folder, cursor): (&Folder, &mut Cursor),
    wish: &Wish,
    report: &mut dyn FnMut(Time),
) -> Result<(), Stopped> {
    for object in bucket.objects(connection)? {
        let Some(name) = name(&object, &bucket.prefix) else {
            continue;
        };
        let held = Held {
            tag: object.tag.clone(),
            size: object.size,
        };
        if cursor.files.get(&name) == Some(&held) || object.changed.0 < cursor.since {
            continue;
        }
        let bytes = cursor.files.values().map(|file| file.size).sum();
        if wish.max_bytes.is_some_and(|most| bytes >= most) {
            return Err(Stopped::Full(bytes));
        }
        bucket.fetch(connection, folder, &object)?;
        if let Some(parent) = Path::new(&name).parent() {
            let parent = wish.folder.join(parent);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)?;
        }
        folder.rename(PART, &name)?;
        cursor.files.insert(name, held);
        save(folder, cursor)?;
        report(object.changed);
    }
    save(folder, cursor)?;
    Ok(())
}

fn cursor(folder: &Folder, wish: &Wish) -> std::io::Result<Cursor> {
    match fs::read(wish.folder.join(CURSOR)) {
        Ok(text) => serde_json::from_slice(&text).map_err(std::io::Error::other),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let cursor = Cursor {
                source: wish.address.to_string(),
                since: wish.since.0,
                files: BTreeMap::new(),
            };
            save(folder, &cursor)?;
            Ok(cursor)
        }
        Err(error) => Err(error),
    }
}

fn save(folder: &Folder, cursor: &Cursor) -> std::io::Result<()> {
    const NEXT: &str = ".saferun-pull.next";
    let text = serde_json::to_vec(cursor)?;
    folder.patch(NEXT, 0, &mut text.as_slice() as &mut dyn Read)?;
    folder.rename(NEXT, CURSOR)
}

/// Where a file goes in the folder; none for folders, and for names that would lead out of it or hide.
fn name(object: &Object, prefix: &str) -> Option<String> {
    let key = decoded(&object.key);
    let below = key.strip_prefix(prefix).unwrap_or(&key);
    let below = below.trim_start_matches('/');
    let below = if below.is_empty() {
        key.rsplit('/').next()?
    } else {
        below
    };
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\0');
    below.split('/').all(is_plain).then(|| below.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Object, name};
    use crate::model::quantity::Time;

    #[track_caller]
    fn check(key: &str, prefix: &str, expected: Option<&str>) {
        let object = Object {
            key: key.to_owned(),
            tag: String::new(),
            size: 1,
            changed: Time(0),
        };
        assert_eq!(name(&object, prefix).as_deref(), expected);
    }

    #[test]
    fn names_stay_in_the_folder() {
        check("bot/2026/a%20b.jsonl", "bot/", Some("2026/a b.jsonl"));
        check("bot/a.jsonl", "bot", Some("a.jsonl"));
        check("bot/a.jsonl", "bot/a.jsonl", Some("a.jsonl"));
        check("bot/../../.ssh/x", "bot/", None);
        check("bot/%2e%2e/x", "bot/", None);
        check("bot/folder/", "bot/", None);
        check("bot/.saferun-pull.json", "bot/", None);
    }
}
