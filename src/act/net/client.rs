//! Sends requests: piece by piece for the proxy ([`Client::exchange`]), or whole, with limits, on the thread of the
//! caller ([`Client::send`]).
//!
//! Only https, or plain http to this machine, unless [`Client::allowing_plain_http`] was called. Certificates are
//! always checked. No redirect is followed: it is an answer like any other.

mod dial;
mod pool;
mod request;

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HOST, HeaderValue};
use hyper::{Request as HttpRequest, Response as HttpResponse};
use thiserror::Error;
use tokio::time::timeout;

pub use dial::Place;
pub use request::{Request, Response};

use crate::act::net::Net;
use crate::act::net::body::{self, Body, Unread};
use crate::act::net::coding::{self, Undecoded};
use crate::act::net::tls;
use dial::Dialer;
use pool::Pool;

#[cfg(test)]
mod tests;

/// How long connecting may take, including the name lookup and TLS.
const CONNECT: Duration = Duration::from_secs(10);

#[derive(Debug, Error)]
pub enum Error {
    #[error("'{0}' is not the URL of a server")]
    Url(String),
    #[error("{0}: plain http leaves this machine; use https")]
    PlainHttp(String),
    #[error("{0}: this address is not for requests")]
    Address(String),
    #[error("{host}: no connection: {error}")]
    Connect { host: String, error: String },
    #[error("{host}: no connection within {} s", CONNECT.as_secs())]
    ConnectTime { host: String },
    #[error("this system has no certificates to trust (SSL_CERT_FILE can name a file of them)")]
    NoCertificates,
    #[error("{host}: no answer within {} s", .time.as_secs())]
    Time { host: String, time: Duration },
    #[error("{host}: {error}")]
    Exchange { host: String, error: String },
    #[error("{host}: {error}")]
    Unread { host: String, error: Unread },
    #[error("{host}: {error}")]
    Undecoded { host: String, error: Undecoded },
    #[error("the header {0} has characters that a header cannot have")]
    Header(String),
}

/// Which addresses requests may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Rules {
    plain_http: bool,
    link_local: bool,
}

/// Sends requests, and keeps connections for reuse. Clones share them.
#[derive(Debug, Clone)]
pub struct Client {
    net: Net,
    rules: Rules,
    dialer: Arc<Dialer>,
    pool: Pool,
}

impl Client {
    /// A client that uses the proxy from the environment (`HTTPS_PROXY`, `NO_PROXY`), if there is one.
    pub fn new(net: &Net) -> Client {
        Client::with(net, Dialer::from_environment(|name| env::var(name).ok()))
    }

    /// The same, which also trusts the certificates in a PEM file.
    pub fn trusting_file(net: &Net, path: &Path) -> Result<Client, String> {
        let dialer = Dialer::from_environment(|name| env::var(name).ok());
        Ok(Client::with(net, dialer.trust(tls::with_file(path)?)))
    }

    fn with(net: &Net, dialer: Dialer) -> Client {
        Client {
            net: net.clone(),
            rules: Rules::default(),
            dialer: Arc::new(dialer),
            pool: Pool::default(),
        }
    }

    /// Also sends without encryption to other machines, because the user asked for it.
    #[must_use]
    pub fn allowing_plain_http(mut self) -> Client {
        self.rules.plain_http = true;
        self
    }

    /// Also sends to link-local addresses, where clouds serve the credentials of a machine.
    #[must_use]
    pub fn allowing_link_local(mut self) -> Client {
        self.rules.link_local = true;
        self
    }

    /// Sends a request unchanged, except for `Host`, and returns the answer as soon as its head has arrived. Slow
    /// answers do not time out; dropping one ends the request. For the network thread.
    pub async fn exchange(
        &self,
        mut request: HttpRequest<Body>,
    ) -> Result<HttpResponse<Incoming>, Error> {
        let place = Place::of(request.uri())?;
        let host = HeaderValue::from_str(&place.authority())
            .map_err(|_| Error::Header("host".to_owned()))?;
        request.headers_mut().insert(HOST, host);
        let target = request.uri().path_and_query().cloned();
        *request.uri_mut() = target
            .map_or_else(|| "/".parse(), |it| it.as_str().parse())
            .map_err(|_| Error::Url(place.authority()))?;
        let mut request = request;
        while let Some(mut kept) = self.pool.take(&place) {
            match kept.try_send_request(request).await {
                Ok(answer) => {
                    self.pool.keep(place, kept);
                    return Ok(answer);
                }
                Err(mut failed) => match failed.take_message() {
                    // The connection had ended before anything was sent: use the next one.
                    Some(unsent) => request = unsent,
                    None => return Err(exchange_error(&place, failed.error())),
                },
            }
        }
        let mut fresh = self.dialer.connect(&place, self.rules).await?;
        let answer = fresh.send_request(request).await;
        let answer = answer.map_err(|error| exchange_error(&place, &error))?;
        self.pool.keep(place, fresh);
        Ok(answer)
    }

    /// Sends a request and reads the whole answer, within the limits of the request. Blocks the calling thread, which
    /// must not be the network thread.
    pub fn send(&self, request: Request) -> Result<Response, Error> {
        self.net.wait(self.fetch(request))
    }

    /// The same for the network thread.
    pub async fn fetch(&self, request: Request) -> Result<Response, Error> {
        let host = Place::of(&request.url)?.authority();
        let time = request.time;
        let whole = self.whole(request, &host);
        let late = |_| {
            Err(Error::Time {
                host: host.clone(),
                time,
            })
        };
        timeout(time, whole).await.unwrap_or_else(late)
    }

    async fn whole(&self, request: Request, host: &str) -> Result<Response, Error> {
        let (cap, time) = (request.cap, request.time);
        let mut sent = request.built();
        let gzip = HeaderValue::from_static("gzip");
        sent.headers_mut().entry(ACCEPT_ENCODING).or_insert(gzip);
        let (head, incoming) = self.exchange(sent).await?.into_parts();
        let unread = |error| Error::Unread {
            host: host.to_owned(),
            error,
        };
        let bytes = body::collect(incoming, cap, time).await.map_err(unread)?;
        let encoding = head
            .headers
            .get(CONTENT_ENCODING)
            .and_then(|it| it.to_str().ok());
        let undecoded = |error| Error::Undecoded {
            host: host.to_owned(),
            error,
        };
        let body = coding::decode(encoding, bytes.into(), cap).map_err(undecoded)?;
        Ok(Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }
}

/// The error with its cause: `hyper` alone reports only the stage.
fn exchange_error(place: &Place, error: &hyper::Error) -> Error {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        words = format!("{words}: {next}");
        cause = next.source();
    }
    Error::Exchange {
        host: place.authority(),
        error: words,
    }
}
