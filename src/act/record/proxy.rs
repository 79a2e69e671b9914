//! The proxy: forwards requests to where their variable pointed before, and answers back, as they arrive.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde_json::Value;
use tokio::time::timeout;

use super::breaker::{Breaker, Stop};
use super::copy::{Copier, End, Exchange, Head, IDLE, Tee};
use super::headers;
use super::routes::{self, CHATGPT, Route};
use super::time::Clockwork;
use crate::act::net::body;
use crate::act::net::client::Client;
use crate::act::net::server::{self, Answer, Handler};
use crate::act::otlp::Http;
use crate::ingest::wire::Api;

/// The longest request that a breaker reads before it answers, and how long it waits for it, and for earlier costs.
const LONGEST: usize = 64 << 20;
const TIME: Duration = Duration::from_secs(30);
/// The header that SDKs check before they retry.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Where telemetry is received, below the prefix.
pub(super) const OTLP: &str = "otlp/";
const BREAKER: &str = "saferun_breaker";

#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) mounted: OnceLock<Mounted>,
    pub(super) client: Client,
    pub(super) copier: Copier,
    pub(super) breaker: Arc<Breaker>,
    pub(super) clock: Clockwork,
    /// The run of the recorder.
    pub(super) run: String,
    /// Receives the telemetry of the child.
    pub(super) otlp: Option<Http>,
}

/// What is served where; known once there is a port.
#[derive(Debug)]
pub(super) struct Mounted {
    /// `/s/TOKEN/`: requests without it are not served.
    pub(super) prefix: String,
    pub(super) routes: Vec<Route>,
}

impl Handler for Proxy {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if let Some(otlp) = self.otlp.as_ref().filter(|_| self.is_otlp(request.uri())) {
            return otlp.post(request).await;
        }
        let found = self.route(request.uri());
        let Some((route, target)) = found else {
            return server::plain(StatusCode::NOT_FOUND, "not found\n");
        };
        let (parts, incoming) = request.into_parts();
        let is_post = parts.method == Method::POST;
        let server = route.server().filter(|_| is_post).map(str::to_owned);
        let is_model = is_post && route.server().is_none();
        let api = Api::of(parts.uri.path()).filter(|_| is_model);
        let upstream = upstream(route, &parts);
        let target = target.replacen(route.upstream.as_str(), &upstream, 1);
        let exchange = self.copier.begin(Head {
            api,
            server,
            method: parts.method.to_string(),
            path: path_of(&target),
            upstream: host_of(&target),
            headers: parts.headers.clone(),
        });
        if let Some(api) = api
            && let Err(stop) = self.admit(&parts).await
        {
            return self.stop((api, &stop), incoming, exchange).await;
        }
        self.pass((&parts, api), &target, incoming, exchange).await
    }
}

impl Proxy {
    /// The route of a request, and the whole URL that it goes to.
    fn route(&self, uri: &Uri) -> Option<(&Route, String)> {
        let mounted = self.mounted.get()?;
        let path = uri.path().strip_prefix(&mounted.prefix)?;
        let (route, rest) = routes::find(&mounted.routes, path)?;
        let mut target = routes::target(route, rest);
        if let Some(query) = uri.query() {
            target = format!("{target}?{query}");
        }
        Some((route, target))
    }

    fn is_otlp(&self, uri: &Uri) -> bool {
        let below = self
            .mounted
            .get()
            .and_then(|it| uri.path().strip_prefix(&it.prefix));
        below.is_some_and(|it| it.starts_with(OTLP))
    }

    async fn admit(&self, parts: &Parts) -> Result<(), Stop> {
        if self.breaker.counts_cost() && !self.copier.settle(TIME).await {
            return Err(Stop {
                rule: "max-cost".to_owned(),
                reason: "the cost of an earlier model call is not known yet".to_owned(),
            });
        }
        let session = headers::session(&parts.headers);
        let runs: Vec<&str> = session
            .as_deref()
            .into_iter()
            .chain([self.run.as_str()])
            .collect();
        self.breaker.admit(&runs, self.clock.now())
    }

    /// Answers in place of the model. The request is read first: a client that is still sending may miss the answer,
    /// and would send everything again.
    async fn stop(
        &self,
        (api, stop): (Api, &Stop),
        incoming: Incoming,
        mut exchange: Exchange,
    ) -> Answer {
        let asked = Tee::new(incoming, exchange.asking());
        // Whatever happened to the request, it is not forwarded.
        let _ = body::collect(asked, LONGEST, TIME).await;
        let message = format!("Stopped by saferun-tui ({}): {}", stop.rule, stop.reason);
        let mut answer = server::json(StatusCode::BAD_REQUEST, &api.refusal(BREAKER, &message));
        answer
            .headers_mut()
            .insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        exchange.end(End::Stopped {
            rule: stop.rule.clone(),
            reason: stop.reason.clone(),
        });
        answer
    }

    async fn pass(
        &self,
        (parts, api): (&Parts, Option<Api>),
        target: &str,
        incoming: Incoming,
        mut exchange: Exchange,
    ) -> Answer {
        let mut request = Request::new(body::passed(Tee::new(incoming, exchange.asking())));
        *request.method_mut() = parts.method.clone();
        *request.headers_mut() = headers::request(&parts.headers);
        if let Ok(uri) = target.parse() {
            *request.uri_mut() = uri;
        } else {
            let why = format!("'{}' is not the URL of a server", host_of(target));
            exchange.end(End::Failed(why.clone()));
            return failed(api, &why);
        }
        let answered = timeout(IDLE, self.client.exchange(request)).await;
        let answered = match answered {
            Ok(answered) => answered.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} minutes", IDLE.as_secs() / 60)),
        };
        match answered {
            Ok(answer) => {
                let (head, incoming) = answer.into_parts();
                exchange.answer(head.status.as_u16(), &head.headers);
                let mut answer = Response::new(body::passed(Tee::new(incoming, exchange)));
                *answer.status_mut() = head.status;
                *answer.headers_mut() = headers::passed(&head.headers);
                answer
            }
            Err(why) => {
                exchange.end(End::Failed(why.clone()));
                failed(api, &why)
            }
        }
    }
}

/// With a ChatGPT account, Codex uses another server than with a key.
fn upstream(route: &Route, parts: &Parts) -> String {
    let is_account = parts.headers.contains_key("chatgpt-account-id");
    if is_account && route.upstream == "https://api.openai.com/v1" {
        return CHATGPT.to_owned();
    }
    route.upstream.clone()
}

fn host_of(target: &str) -> String {
    let (_, rest) = target.split_once("://").unwrap_or(("", target));
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    // A name and a password, if the URL contains them.
    host.rsplit('@').next().unwrap_or_default().to_owned()
}

/// The path, without the query.
fn path_of(target: &str) -> String {
    let (_, rest) = target.split_once("://").unwrap_or(("", target));
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    let path = path.split('?').next().unwrap_or_default();
    format!("/{path}")
}

/// The vendor's server cannot be reached.
fn failed(api: Option<Api>, why: &str) -> Answer {
    let message = format!("saferun-tui: {why}");
    let body = match api {
        Some(api) => api.refusal("saferun_upstream", &message),
        None => Value::from(message),
    };
    let mut answer = server::json(StatusCode::BAD_GATEWAY, &body);
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}
