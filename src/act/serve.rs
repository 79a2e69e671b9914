//! Serves the recorded answers of a run to an agent, in place of its model: no key, no network, no adapter.
//!
//! Nothing here sends anything. Requests and answers are kept as a new run.

mod dialect;
mod events;
mod live;
mod log;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

pub use live::{Live, Upstreams};
pub use log::{Log, Written, written};

use crate::act::mcp;
use crate::act::net::Net;
use crate::act::net::server::{self, Answer as HttpAnswer, Handler, Server};
use crate::act::net::{body, coding};
use crate::act::serve::dialect::Dialect;
use crate::act::serve::log::Logged;
use crate::analysis::tape::answer::Answer;
use crate::analysis::tape::player::{Miss, Player, Taken};
use crate::analysis::tape::request::ParsedRequest;
use crate::analysis::tape::tools::Tools;
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock, System};
use crate::export::answers::shape::{self, Served};

/// The longest request, as sent and decoded, and how long it may take.
const LONGEST: usize = 64 << 20;
const TIME: Duration = Duration::from_mins(1);
/// How often counts are looked at.
const GLANCE: Duration = Duration::from_millis(250);
/// The header that SDKs check before they retry.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// How a run is served.
#[derive(Debug)]
pub struct Options {
    /// Before each answer, its recorded time divided by this passes.
    pub speed: Option<f64>,
    /// What answers after the last recorded answer; none for an error.
    pub live: Option<Arc<Live>>,
}

/// A run that is being served.
#[derive(Debug)]
pub struct Serving {
    pub address: SocketAddr,
    desk: Arc<Desk>,
    stop: CancelFlag,
    _server: Server,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.raise();
    }
}

impl Serving {
    /// Must not be called on the network thread.
    pub fn start(
        net: &Net,
        address: SocketAddr,
        player: Player,
        options: Options,
    ) -> Result<Serving, server::Error> {
        let log = Log::new(&player, System.now());
        let recording = &player.recording;
        let schemas = recording.schemas(&player.store);
        let of_server =
            |server: &&str| Tools::new(&recording.tools, schemas.clone(), Some(server), false);
        let tools = recording
            .servers()
            .iter()
            .map(of_server)
            .map(Mutex::new)
            .collect();
        let desk = Arc::new(Desk {
            state: Arc::new(Mutex::new(State { player, log })),
            tools,
            options,
        });
        let server = server::listen(net, address, Arc::clone(&desk))?;
        let serving = Serving {
            address: server.address,
            desk,
            stop: CancelFlag::new(),
            _server: server,
        };
        serving.prepare();
        Ok(serving)
    }

    /// Reads the recorded requests while the agent starts.
    fn prepare(&self) {
        let digests = self.look(|player, _| player.digests());
        let stop = self.stop.clone();
        let thread = thread::Builder::new().name("prepare".to_owned());
        // Without a thread, each is read when its turn comes.
        drop(thread.spawn(move || digests.prepare(&stop)));
    }

    /// The recorded MCP servers, and where the results of each are.
    pub fn servers(&self) -> Vec<(String, String)> {
        let named = self
            .desk
            .tools
            .iter()
            .filter_map(|tools| locked(tools).server().map(str::to_owned));
        named
            .map(|name| (format!("http://{}/mcp/{name}", self.address), name))
            .map(|(url, name)| (name, url))
            .collect()
    }

    /// Results of tools served and recorded, and the calls that got none. None if no tool was called here.
    pub fn tools(&self) -> Option<(usize, usize, Vec<String>)> {
        let mut sum = (0, 0, Vec::new());
        for tools in &self.desk.tools {
            let tools = locked(tools);
            sum.0 += tools.served();
            sum.1 += tools.total();
            sum.2.extend(tools.misses.iter().cloned());
        }
        (sum.0 > 0 || !sum.2.is_empty()).then_some(sum)
    }

    /// The real model that continues, if there is one.
    pub fn live(&self) -> Option<&Live> {
        self.desk.options.live.as_deref()
    }

    /// Serves until one of the flags is raised. Reports answers given, all answers, and misses, whenever they change.
    pub fn watch(&self, until: [&CancelFlag; 2], report: &mut dyn FnMut([usize; 3])) {
        let mut last = None;
        while !until.iter().any(|flag| flag.is_raised()) {
            let counts =
                self.look(|player, _| [player.served(), player.total(), player.misses.len()]);
            if last != Some(counts) {
                report(counts);
                last = Some(counts);
            }
            thread::sleep(GLANCE);
        }
    }

    /// Looks at the answers and requests so far.
    pub fn look<T>(&self, look: impl FnOnce(&Player, &Log) -> T) -> T {
        let state = self.desk.state();
        look(&state.player, &state.log)
    }
}

#[derive(Debug)]
struct State {
    player: Player,
    log: Log,
}

#[derive(Debug)]
struct Desk {
    state: Arc<Mutex<State>>,
    /// One for each recorded MCP server.
    tools: Vec<Mutex<Tools>>,
    options: Options,
}

impl Handler for Desk {
    async fn answer(&self, request: Request<Incoming>) -> HttpAnswer {
        let path = request.uri().path().trim_end_matches('/').to_owned();
        if let Some(server) = path.strip_prefix("/mcp/") {
            let is_named = |tools: &&Mutex<Tools>| locked(tools).server() == Some(server);
            return match self.tools.iter().find(is_named) {
                Some(tools) => mcp::answer(tools, request).await,
                None => no_route(&path),
            };
        }
        match *request.method() {
            Method::HEAD => server::plain(StatusCode::OK, ""),
            Method::GET => self.get(&path),
            Method::POST => self.post(request, &path).await,
            _ => server::plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n"),
        }
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn get(&self, path: &str) -> HttpAnswer {
        if path.is_empty() {
            return server::plain(StatusCode::OK, "");
        }
        if path == "/__saferun" {
            return server::json(StatusCode::OK, &self.so_far());
        }
        let mut parts = path.rsplit('/');
        match (parts.next(), parts.next()) {
            (Some("models"), _) => server::json(StatusCode::OK, &self.models()),
            (Some(name), Some("models")) => server::json(StatusCode::OK, &model(name)),
            _ => no_route(path),
        }
    }

    fn so_far(&self) -> Value {
        let state = self.state();
        let player = &state.player;
        json!({
            "served": player.served(),
            "total": player.total(),
            "stubs": player.stubs,
            "misses": player.misses.iter().map(miss_json).collect::<Vec<_>>(),
        })
    }

    /// The recorded models, in the list formats of all vendors combined.
    fn models(&self) -> Value {
        let state = self.state();
        let mut names: Vec<&str> = Vec::new();
        for call in &state.player.recording.calls {
            let name = call.answer.model.as_str();
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        let data: Vec<Value> = names.iter().map(|name| model(name)).collect();
        json!({"object": "list", "data": data, "models": data, "has_more": false})
    }

    async fn post(&self, request: Request<Incoming>, path: &str) -> HttpAnswer {
        let Some(dialect) = Dialect::of(path) else {
            return no_route(path);
        };
        let (head, incoming) = request.into_parts();
        let bytes = match body::collect(incoming, LONGEST, TIME).await {
            Ok(bytes) => bytes,
            Err(unread) => return dialect.error(unread.status(), &unread.to_string()),
        };
        let encoding = head
            .headers
            .get(CONTENT_ENCODING)
            .and_then(|it| it.to_str().ok());
        let decoded = coding::decode(encoding, bytes.to_vec(), LONGEST);
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return dialect.error(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let asked: Value = match serde_json::from_slice(&decoded) {
            Ok(asked @ Value::Object(_)) => asked,
            _ => return dialect.error(StatusCode::BAD_REQUEST, "the body is not a JSON object"),
        };
        if dialect::counts_tokens(path) {
            // About four bytes to a token.
            return server::json(StatusCode::OK, &dialect.count(decoded.len().div_ceil(4)));
        }
        self.serve(dialect, &head, asked, decoded).await
    }

    async fn serve(
        &self,
        dialect: Dialect,
        head: &Parts,
        request: Value,
        sent: Vec<u8>,
    ) -> HttpAnswer {
        let request = ParsedRequest::new(request);
        let given = self.choose(&request);
        let (answer, number, duration) = match given {
            ServeOutcome::Answer(answer, number, duration) => (*answer, number, duration),
            ServeOutcome::Stop => {
                let Some(live) = &self.options.live else {
                    return refused(dialect, "all answers up to --until were given");
                };
                let state = Arc::clone(&self.state);
                return Arc::clone(live)
                    .send((dialect, head), (request, sent), state)
                    .await;
            }
            ServeOutcome::Miss(miss) => return refused(dialect, &miss.words()),
        };
        if let (Some(speed), Some(micros)) = (self.options.speed, duration) {
            let wait = (micros.max(0) as f64 / speed / 1e6).min(600.0);
            tokio::time::sleep(Duration::from_secs_f64(wait)).await;
        }
        if let Some(error) = &answer.error {
            let status = StatusCode::from_u16(shape::status(error));
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut failed = dialect.error(status, &error.message);
            failed
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("0"));
            return failed;
        }
        let is_streamed = dialect.is_streamed(head.uri.path(), &request.body);
        let served = Served::new(
            &answer,
            &request.body,
            dialect.model(head.uri.path(), &request.body),
            number,
        );
        if is_streamed {
            let (kind, text) = dialect.stream(&served, head.uri.query());
            return streamed(kind, text);
        }
        server::json(StatusCode::OK, &dialect.whole(&served))
    }

    /// Chooses the answer, and logs it with the request.
    fn choose(&self, request: &ParsedRequest) -> ServeOutcome {
        let now = System.now();
        let mut state = self.state();
        let State { player, log } = &mut *state;
        match player.take(request) {
            Taken::Answer { at, .. } => {
                let call = &player.recording.calls[at];
                let answer = shape::with_ids(&call.answer, at);
                let request = Arc::clone(&request.body);
                log.push(Logged::Answered { step: at, request }, now);
                ServeOutcome::Answer(Box::new(answer), at + 1, call.duration.get())
            }
            Taken::Stub => {
                let text = shape::stub(&request.body);
                log.push(Logged::Beside(text.clone()), now);
                ServeOutcome::Answer(Box::new(shape::text_alone(text)), 0, None)
            }
            Taken::Stop => ServeOutcome::Stop,
            Taken::Miss(miss) => {
                log.push(Logged::Missed(miss.words()), now);
                ServeOutcome::Miss(miss)
            }
        }
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

enum ServeOutcome {
    /// An answer, its step (0 if it was not recorded), and its recorded time in microseconds.
    Answer(Box<Answer>, usize, Option<i64>),
    Stop,
    Miss(Box<Miss>),
}

/// 400 is the one status that no client retries.
fn refused(dialect: Dialect, why: &str) -> HttpAnswer {
    let mut answer = dialect.error(
        StatusCode::BAD_REQUEST,
        &format!("saferun replay miss: {why}"),
    );
    answer
        .headers_mut()
        .insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    answer
}

fn no_route(path: &str) -> HttpAnswer {
    let message = format!(
        "saferun: no route {}",
        path.chars().take(200).collect::<String>()
    );
    let error = json!({"error": {"message": message, "type": "invalid_request_error", "code": "saferun_no_route", "param": null}});
    server::json(StatusCode::NOT_FOUND, &error)
}

fn streamed(kind: &'static str, text: String) -> HttpAnswer {
    let mut answer = Response::new(body::full(text));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

fn model(name: &str) -> Value {
    json!({
        "id": name, "object": "model", "created": 0, "owned_by": "saferun",
        "type": "model", "display_name": name, "created_at": "1970-01-01T00:00:00Z",
        "name": format!("models/{name}"), "displayName": name,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    })
}

/// A miss, for reports.
pub fn miss_json(miss: &Miss) -> Value {
    let difference = miss.difference.as_ref();
    json!({
        "step": miss.step,
        "seq": miss.seq,
        "lane": miss.lane,
        "reason": miss.reason.word(),
        "path": difference.map(|it| &it.path),
        "recorded": difference.map(|it| &it.recorded),
        "got": difference.map(|it| &it.got),
        "nearest": miss.nearest.map(|(step, same)| json!({"step": step, "same": f64::from(same) / 1000.0})),
    })
}
