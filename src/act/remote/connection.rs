//! Requests to a product, one at a time and within its limits, and responses as JSON.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use thiserror::Error;

use super::rate_limit::{Bucket, Came, Next, next};
use crate::act::net::body::Unread;
use crate::act::net::client::{self, Client, Request, Response};
use crate::act::net::secret::Secret;
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock as _, System};
use crate::base::text;

/// The longest response that is read.
const CAP: usize = 64 << 20;
/// A longer response means that the window is too long.
const TOO_LONG: usize = 48 << 20;
const TIME: Duration = Duration::from_mins(2);
/// How much of an error response is shown.
const SAID: usize = 300;

/// Why a request failed.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    /// The server understood the request and refuses it.
    #[error("{host} answered {status}{said}")]
    Refused {
        host: String,
        status: u16,
        said: String,
    },
    /// A smaller request may succeed.
    #[error("{host} cannot answer a request this large ({why})")]
    TooMuch { host: String, why: String },
    /// The engine would have to read more rows than it may.
    #[error("{host} would have to read {what} than allowed")]
    Scan { host: String, what: String },
    #[error("{0}")]
    Down(String),
    /// The response is not what the API promises.
    #[error("{host}: {what}")]
    Wrong { host: String, what: String },
    #[error("interrupted")]
    Cancelled,
    #[error("{0}")]
    Key(String),
}

impl Trouble {
    /// Whether the server does not have this.
    pub(super) fn is_missing(&self) -> bool {
        matches!(
            self,
            Trouble::Refused {
                status: 404 | 405 | 410 | 501,
                ..
            }
        )
    }
}

/// What was sent and received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) requests: u64,
    pub(super) bytes: u64,
    /// How long the servers took.
    pub(super) answering: Duration,
    pub(super) waited: Duration,
}

/// The connection to one product.
pub(super) struct Connection<'a> {
    client: Client,
    pub(super) host: String,
    /// Keys that no message may contain.
    secrets: Vec<Secret>,
    bucket: Option<Bucket>,
    started: Instant,
    cancel: &'a CancelFlag,
    pub(super) traffic: Traffic,
    /// Called before a long wait.
    waits: &'a mut dyn FnMut(Duration),
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        client: Client,
        host: &str,
        cancel: &'a CancelFlag,
        waits: &'a mut dyn FnMut(Duration),
    ) -> Connection<'a> {
        Connection {
            client,
            host: host.to_owned(),
            secrets: Vec::new(),
            bucket: None,
            started: Instant::now(),
            cancel,
            traffic: Traffic::default(),
            waits,
        }
    }

    pub(super) fn limit(&mut self, per_minute: Option<f64>) {
        self.bucket = per_minute.map(Bucket::per_minute);
    }

    pub(super) fn hide(&mut self, key: &Secret) {
        let bare = key.reveal().strip_prefix("Bearer ");
        self.secrets.extend(bare.map(Secret::new));
        self.secrets.push(key.clone());
    }

    /// The response to a request, which is repeated as long as that may help.
    pub(super) fn json(&mut self, request: &Request) -> Result<Value, Trouble> {
        self.asking(request, true, |response| response.json().ok())
    }

    /// The same where success is the answer.
    pub(super) fn done(&mut self, request: &Request) -> Result<(), Trouble> {
        self.asking(request, true, |_| Some(()))
    }

    /// The same where the answer is a text that `parse` understands; none is an answer cut short.
    pub(super) fn text<T>(
        &mut self,
        request: &Request,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, Trouble> {
        self.asking(request, true, move |response| parse(&response.text()))
    }

    /// The same for bytes as they are.
    pub(super) fn bytes(&mut self, request: &Request) -> Result<Vec<u8>, Trouble> {
        self.asking(request, true, |response| Some(response.body.clone()))
    }

    /// The same for a file, which does not count towards the rate limit.
    pub(super) fn file(&mut self, request: &Request) -> Result<Value, Trouble> {
        self.asking(request, false, |response| response.json().ok())
    }

    /// `read` returns none for an answer that is cut short.
    fn asking<T>(
        &mut self,
        request: &Request,
        counts: bool,
        read: impl Fn(&Response) -> Option<T>,
    ) -> Result<T, Trouble> {
        let named = request.clone().header(
            "user-agent",
            concat!("saferun-tui/", env!("CARGO_PKG_VERSION")),
        );
        let named = named.map_err(|error| Trouble::Down(error.to_string()))?;
        let named = named.within(TIME).at_most(CAP);
        for tries in 1.. {
            if counts {
                self.pace()?;
            }
            let (came, trouble) = match self.once(&named) {
                Ok(response) if response.is_success() => match read(&response) {
                    Some(value) => return self.short_enough(&response).map(|()| value),
                    None => (next(Came::Cut, tries, 0), self.no_json(&response)),
                },
                Ok(response) if is_limited(&response) => {
                    let host = self.host.clone();
                    let what = "more rows".to_owned();
                    return Err(Trouble::Scan { host, what });
                }
                Ok(response) => (what_next(&response, tries), self.refused(&response)),
                Err(client::Error::Unread {
                    error: Unread::TooLong(_),
                    ..
                }) => {
                    return Err(self.too_much(&format!("more than {} MiB", CAP >> 20)));
                }
                Err(error) => {
                    let is_final = self.is_final(&error);
                    let came = if is_final {
                        Next::Stop
                    } else {
                        next(Came::Cut, tries, 0)
                    };
                    (came, Trouble::Down(self.clean(&error.to_string())))
                }
            };
            match came {
                Next::Wait(wait) => self.wait(wait)?,
                Next::Less => return Err(self.too_much(&trouble.to_string())),
                Next::Take | Next::Stop => return Err(trouble),
            }
        }
        Err(Trouble::Cancelled)
    }

    fn once(&mut self, request: &Request) -> Result<Response, client::Error> {
        let begun = Instant::now();
        let answer = self.client.send(request.clone());
        self.traffic.requests += 1;
        self.traffic.answering += begun.elapsed();
        if let Ok(response) = &answer {
            self.traffic.bytes += response.body.len() as u64;
        }
        answer
    }

    /// Whether a retry cannot help: the request is wrong, or no server is listening.
    fn is_final(&self, error: &client::Error) -> bool {
        match error {
            client::Error::Url(_)
            | client::Error::PlainHttp(_)
            | client::Error::Address(_)
            | client::Error::NoCertificates
            | client::Error::Header(_) => true,
            client::Error::Connect { .. } | client::Error::ConnectTime { .. } => {
                self.traffic.requests == 1
            }
            client::Error::Time { .. }
            | client::Error::Exchange { .. }
            | client::Error::Unread { .. }
            | client::Error::Undecoded { .. } => false,
        }
    }

    /// Keeps to the rate limit.
    fn pace(&mut self) -> Result<(), Trouble> {
        let now = self.started.elapsed().as_secs_f64();
        let wait = self.bucket.as_mut().map(|bucket| bucket.take(now));
        self.wait(wait.unwrap_or_default())
    }

    fn wait(&mut self, wait: Duration) -> Result<(), Trouble> {
        const SLICE: Duration = Duration::from_millis(50);
        if wait > Duration::from_secs(1) {
            (self.waits)(wait);
        }
        let until = Instant::now() + wait;
        loop {
            if self.cancel.is_raised() {
                return Err(Trouble::Cancelled);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.traffic.waited += wait;
                return Ok(());
            }
            thread::sleep(left.min(SLICE));
        }
    }

    fn short_enough(&self, response: &Response) -> Result<(), Trouble> {
        if response.body.len() > TOO_LONG {
            return Err(self.too_much(&format!("more than {} MiB", TOO_LONG >> 20)));
        }
        Ok(())
    }

    pub(super) fn too_much(&self, why: &str) -> Trouble {
        Trouble::TooMuch {
            host: self.host.clone(),
            why: why.to_owned(),
        }
    }

    pub(super) fn wrong(&self, what: &str) -> Trouble {
        Trouble::Wrong {
            host: self.host.clone(),
            what: what.to_owned(),
        }
    }

    fn refused(&self, response: &Response) -> Trouble {
        let said = match response.status {
            300..400 => ": it redirects elsewhere, and the key is not sent there".to_owned(),
            _ => match self.clean(&response.text()) {
                said if said.trim().is_empty() => String::new(),
                said => format!(": {}", said.trim()),
            },
        };
        Trouble::Refused {
            host: self.host.clone(),
            status: response.status,
            said,
        }
    }

    fn no_json(&self, response: &Response) -> Trouble {
        let kind = response.header("content-type").unwrap_or("no content type");
        let kind = kind.split(';').next().unwrap_or(kind);
        if kind.contains("json") || kind.contains("xml") {
            self.wrong("its answer was cut short")
        } else {
            self.wrong(&format!("its answer is {}, not JSON", self.clean(kind)))
        }
    }

    /// The error message of a server, short, without keys and control characters.
    fn clean(&self, said: &str) -> String {
        let mut said = said.to_owned();
        for key in &self.secrets {
            said = said.replace(key.reveal(), "•••");
        }
        let said: String = text::sanitize(&said).chars().take(SAID).collect();
        said
    }
}

/// What to do after an answer that is no success.
fn what_next(response: &Response, tries: u32) -> Next {
    let code = response.header("x-clickhouse-exception-code");
    match code.and_then(|code| code.parse::<u32>().ok()) {
        // Too slow, too much memory, too many bytes: a shorter window may succeed.
        Some(159 | 241 | 307) => Next::Less,
        // Too many queries at the same time.
        Some(202) => {
            let busy = Came::Status {
                code: 503,
                headers: &[],
            };
            next(busy, tries, now())
        }
        // Its status is that of any failure, but it refuses the query.
        Some(_) if response.status == 500 => Next::Stop,
        Some(_) | None => next(status(response, &headers(response)), tries, now()),
    }
}

/// Whether an engine gave up because of `max_rows_to_read`. Its status is that of any failure.
fn is_limited(response: &Response) -> bool {
    response.header("x-clickhouse-exception-code") == Some("158")
}

fn headers(response: &Response) -> Vec<(String, String)> {
    let headers = response.headers.iter();
    let text = headers.filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    text.collect()
}

fn status<'a>(response: &Response, headers: &'a [(String, String)]) -> Came<'a> {
    Came::Status {
        code: response.status,
        headers,
    }
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    System.now() / 1_000_000
}

impl std::fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("host", &self.host)
            .field("traffic", &self.traffic)
            .finish_non_exhaustive()
    }
}
