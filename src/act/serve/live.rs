//! Continues with the real model after the last recorded answer, if the user asked for it, up to a limit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response, Uri};

use super::dialect::Dialect;
use super::log::Logged;
use super::{State, locked, refused};
use crate::act::net::Net;
use crate::act::net::body::{self, Sender};
use crate::act::net::client::{Client, Place};
use crate::act::net::server::Answer;
use crate::analysis::tape::request::ParsedRequest;
use crate::base::clock::{Clock, System};
use crate::ingest::prices::PriceTable;
use crate::ingest::wire::Api;
use crate::ingest::wire::reading::Reading;
use crate::model::quantity::{Cost, Tokens, Usage};

/// The base URLs of the APIs, as their SDKs' variables hold them.
#[derive(Debug, Clone)]
pub struct Upstreams {
    pub openai: String,
    pub anthropic: String,
    pub gemini: String,
    pub ollama: String,
}

impl Upstreams {
    /// The values of the variables before they pointed at us, else the vendors' own.
    pub fn of(set: impl Fn(&str) -> Option<String>) -> Upstreams {
        let or = |name: &str, usual: &str| {
            let set = set(name).filter(|url| !url.is_empty());
            set.unwrap_or_else(|| usual.to_owned())
        };
        Upstreams {
            openai: or("OPENAI_BASE_URL", "https://api.openai.com/v1"),
            anthropic: or("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
            gemini: or(
                "GOOGLE_GEMINI_BASE_URL",
                "https://generativelanguage.googleapis.com",
            ),
            ollama: or("OLLAMA_HOST", "http://127.0.0.1:11434"),
        }
    }

    /// The URL that the request would have had without us.
    fn url(&self, dialect: Dialect, uri: &Uri) -> String {
        let path = uri.path();
        let (base, ours, end) = match dialect {
            Dialect::Chat => (&self.openai, "/openai/v1", "/chat/completions"),
            Dialect::Responses => (&self.openai, "/openai/v1", "/responses"),
            Dialect::Messages => (&self.anthropic, "/anthropic", "/v1/messages"),
            Dialect::Gemini => (&self.gemini, "/gemini", path),
            Dialect::Ollama => (&self.ollama, "/ollama", path),
        };
        let rest = path.strip_prefix(ours).unwrap_or(end);
        let query = uri
            .query()
            .map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{rest}{query}", base.trim_end_matches('/'))
    }
}

/// Forwards requests to the vendor.
#[derive(Debug)]
pub struct Live {
    client: Client,
    upstreams: Upstreams,
    prices: PriceTable,
    most: Cost,
    spent: Mutex<Spent>,
}

/// What was sent so far.
#[derive(Debug, Clone, Default)]
pub struct Spent {
    pub requests: usize,
    /// At list prices, in picodollars.
    pub cost: i64,
    pub hosts: BTreeSet<String>,
}

/// Headers that belong to one connection, or that we set ourselves.
const OWN: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "accept-encoding",
    "content-encoding",
    "expect",
];
/// The output that a request is assumed to have, in tokens: it cannot be known beforehand.
const OUTPUT: u64 = 2000;
/// Pieces that may be queued for a slow client.
const PIECES: usize = 64;

impl Live {
    pub fn new(net: &Net, upstreams: Upstreams, most: Cost, prices: PriceTable) -> Live {
        Live {
            client: Client::new(net),
            upstreams,
            prices,
            most,
            spent: Mutex::default(),
        }
    }

    pub fn spent(&self) -> Spent {
        locked(&self.spent).clone()
    }

    /// Forwards a request, and the answer as it arrives. When that has ended, it is logged.
    pub(super) async fn send(
        self: Arc<Live>,
        (dialect, head): (Dialect, &Parts),
        (asked, bytes): (ParsedRequest, Vec<u8>),
        state: Arc<Mutex<State>>,
    ) -> Answer {
        let model = dialect.model(head.uri.path(), &asked.body);
        if let Err(why) = self.allow(&model, bytes.len()) {
            return refused(dialect, &why);
        }
        let url = self.upstreams.url(dialect, &head.uri);
        let Ok(uri) = url.parse::<Uri>() else {
            return refused(dialect, "the URL of the real model is not valid");
        };
        if let Ok(place) = Place::of(&uri) {
            locked(&self.spent).hosts.insert(place.authority());
        }
        let mut request = Request::new(body::full(bytes));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = passed(&head.headers);
        let plain = HeaderValue::from_static("identity");
        request.headers_mut().insert(ACCEPT_ENCODING, plain);
        let (parts, incoming) = match self.client.exchange(request).await {
            Ok(answer) => answer.into_parts(),
            Err(error) => return refused(dialect, &error.to_string()),
        };
        let (sender, passing) = body::channel(PIECES);
        let mut answer = Response::new(passing);
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = passed(&parts.headers);
        tokio::spawn(async move {
            let (reading, is_whole) = pass(incoming, &sender, Reading::new(api(dialect))).await;
            let read = reading.end(is_whole);
            let named = read.model.as_deref().unwrap_or(&model);
            let cost = self.prices.estimate(named, &read.usage);
            locked(&self.spent).cost += cost.get().unwrap_or(0);
            let exchange = Logged::Live {
                request: asked.body,
                answer: Box::new(read),
            };
            locked(&state).log.push(exchange, System.now());
        });
        answer
    }

    /// Counts a request, unless it could exceed the limit.
    fn allow(&self, model: &str, bytes: usize) -> Result<(), String> {
        let expected = Usage {
            input: Tokens::from(bytes.div_ceil(4) as u64),
            output: Tokens::from(OUTPUT),
            ..Usage::NONE
        };
        let each = self.prices.estimate(model, &expected);
        let each = each.get().ok_or_else(|| {
            format!("no price is known for {model}, so the limit cannot be enforced (--price-file can name one)")
        })?;
        let mut spent = locked(&self.spent);
        if spent.cost.saturating_add(each) > self.most.0 {
            return Err("the limit of --max-usd is reached".to_owned());
        }
        spent.requests += 1;
        Ok(())
    }
}

fn api(dialect: Dialect) -> Api {
    match dialect {
        Dialect::Chat => Api::Chat,
        Dialect::Responses => Api::Responses,
        Dialect::Messages => Api::Messages,
        Dialect::Gemini => Api::Gemini,
        Dialect::Ollama => Api::Ollama,
    }
}

/// Headers without those of a connection.
fn passed(headers: &HeaderMap) -> HeaderMap {
    let is_passed = |name: &HeaderName| !OWN.contains(&name.as_str());
    let kept = headers.iter().filter(|(name, _)| is_passed(name));
    let mut passed = HeaderMap::new();
    for (name, value) in kept {
        passed.append(name, value.clone());
    }
    passed
}

/// Forwards a body; true if it came to its end.
async fn pass(mut incoming: Incoming, sender: &Sender, mut reading: Reading) -> (Reading, bool) {
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else {
            sender.cut().await;
            return (reading, false);
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        reading.push(&data);
        if sender.send(data).await.is_err() {
            return (reading, false);
        }
    }
    (reading, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_where_it_would_have_gone() {
        let set =
            |name: &str| (name == "OPENAI_BASE_URL").then(|| "https://llm.example/v1/".to_owned());
        let upstreams = Upstreams::of(set);
        let check = |dialect, path: &str, expected: &str| {
            assert_eq!(
                upstreams.url(dialect, &path.parse().expect("a path")),
                expected
            );
        };
        check(
            Dialect::Chat,
            "/openai/v1/chat/completions",
            "https://llm.example/v1/chat/completions",
        );
        check(
            Dialect::Messages,
            "/anthropic/v1/messages?beta=true",
            "https://api.anthropic.com/v1/messages?beta=true",
        );
        check(
            Dialect::Messages,
            "/other/messages",
            "https://api.anthropic.com/v1/messages",
        );
        check(
            Dialect::Gemini,
            "/gemini/v1beta/models/m:streamGenerateContent?alt=sse",
            "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
        );
    }
}
