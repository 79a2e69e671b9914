//! Sinks on the network: Slack, `PagerDuty`, and signed webhooks.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::act::net::Net;
use crate::act::net::client::{Client, Error, Request, Response};
use crate::act::net::secret::Secret;
use crate::act::notify::{Deliver, Message, Verdict};
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::rules::{Sink, SinkKind};
use crate::analysis::alerts::state::Event;
use crate::base::escape;

/// The timeout of an exchange, and the longest response, which is discarded.
const TIME: Duration = Duration::from_secs(10);
const ANSWER: usize = 64 << 10;
/// The longest body; longer ones leave out the evidence.
const BODY: usize = 64 << 10;
/// The longest text of a section in Slack, a summary and a key in `PagerDuty`.
const SECTION: usize = 2_900;
const SUMMARY: usize = 1_024;
const KEY: usize = 255;

const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
const SIGNATURE: &str = "x-saferun-signature";

/// The client that all sinks share.
#[derive(Debug, Clone)]
pub struct Network {
    client: Client,
}

impl Network {
    pub fn start() -> Result<Network, String> {
        let net = Net::start().map_err(|error| format!("no network: {error}"))?;
        Ok(Network {
            client: Client::new(&net),
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

pub(super) struct Http {
    client: Client,
    kind: SinkKind,
    /// A secret: anyone with the URL of a Slack hook can post to it.
    url: Secret,
    key: Option<Secret>,
    time: Duration,
}

impl Http {
    pub(super) fn new(network: &Network, sink: &Sink) -> Result<Http, String> {
        let variable = |name: &Option<String>| {
            let name = name.as_deref()?;
            let found = Secret::from_variable(name);
            Some(found.ok_or_else(|| format!("the variable {name} is not set")))
        };
        let url = variable(&sink.url_env).transpose()?;
        let url = url.or_else(|| sink.url.as_ref().map(Secret::new));
        let usual = (sink.kind == SinkKind::Pagerduty).then(|| Secret::new(PAGERDUTY));
        let url = url.or(usual).ok_or("it has no url and no url_env")?;
        let named = if sink.kind == SinkKind::Pagerduty {
            &sink.key_env
        } else {
            &sink.secret_env
        };
        let key = variable(named).transpose()?;
        if sink.kind == SinkKind::Pagerduty && key.is_none() {
            return Err("it has no key_env".to_owned());
        }
        Request::get(url.reveal()).map_err(|error| plain(&error))?;
        Ok(Http {
            client: network.client().clone(),
            kind: sink.kind,
            url,
            key,
            time: TIME,
        })
    }

    #[cfg(test)]
    pub(super) fn within(mut self, time: Duration) -> Http {
        self.time = time;
        self
    }

    fn request(&self, message: &Message) -> Result<Request, Error> {
        let body = match self.kind {
            SinkKind::Slack => slack(message),
            SinkKind::Pagerduty => {
                let key = self.key.as_ref().map_or("", Secret::reveal);
                pagerduty(message, key)
            }
            SinkKind::Webhook
            | SinkKind::Bell
            | SinkKind::Osc9
            | SinkKind::Osc777
            | SinkKind::Command => shortened(&message.alert),
        };
        let text = body.to_string();
        let request = Request::post(self.url.reveal(), text.clone())?;
        let mut request = request.header("content-type", "application/json")?;
        if let Some(secret) = self.key.as_ref().filter(|_| self.kind == SinkKind::Webhook) {
            request = request.header(SIGNATURE, &signature(secret, text.as_bytes()))?;
        }
        Ok(request.within(self.time).at_most(ANSWER))
    }
}

impl Deliver for Http {
    fn deliver(&mut self, message: &Message) -> Verdict {
        let sent = self
            .request(message)
            .map(|request| self.client.send(request));
        match sent {
            Ok(Ok(answer)) => verdict(&answer),
            Ok(Err(error)) => Verdict::Later(plain(&error), None),
            Err(error) => Verdict::Never(plain(&error)),
        }
    }
}

/// What a response means: rate limits and server errors are retried; other errors are final.
fn verdict(answer: &Response) -> Verdict {
    let why = format!("it answered {}", answer.status);
    match answer.status {
        200..300 => Verdict::Done,
        300..400 => Verdict::Never(format!("{why}: redirects are not followed")),
        408 | 429 | 500.. => Verdict::Later(why, after(answer)),
        _ => Verdict::Never(why),
    }
}

/// The seconds of `Retry-After`; a date is ignored, because clocks may differ.
fn after(answer: &Response) -> Option<Duration> {
    let seconds = answer.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The error without the URL, which may be a secret.
fn plain(error: &Error) -> String {
    match error {
        Error::Url(_) => "its url is not that of a server".to_owned(),
        Error::PlainHttp(_)
        | Error::Address(_)
        | Error::Connect { .. }
        | Error::ConnectTime { .. }
        | Error::NoCertificates
        | Error::Time { .. }
        | Error::Exchange { .. }
        | Error::Unread { .. }
        | Error::Undecoded { .. }
        | Error::Header(_) => error.to_string(),
    }
}

fn signature(secret: &Secret, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes())
        .expect("a key of any length will do");
    mac.update(body);
    let digest = escape::hex(&mac.finalize().into_bytes());
    format!("sha256={digest}")
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// `&`, `<` and `>` are Slack markup: `<!channel>` in the name of a tool would notify the whole channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn slack(message: &Message) -> Value {
    let mark = match (message.event, message.level) {
        (Event::Resolve, _) => ":white_check_mark: resolved",
        (Event::Acknowledge, _) => "acknowledged",
        (_, Level::Trip) => ":octagonal_sign: trip",
        (_, Level::Warn) => ":warning: warn",
        (_, Level::Info) => "info",
    };
    let title = escaped(&message.title);
    let held = match message.held {
        0 => String::new(),
        held => format!("\n{held} more held back"),
    };
    let text = format!("{mark} *{title}*\n{}{held}", escaped(&message.text));
    json!({
        "text": cut(&format!("{mark} {title}"), SECTION),
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": cut(&text, SECTION)}}],
    })
}

fn pagerduty(message: &Message, key: &str) -> Value {
    let action = match message.event {
        Event::Fire | Event::Worse | Event::Again => "trigger",
        Event::Acknowledge => "acknowledge",
        Event::Resolve => "resolve",
    };
    let severity = match message.level {
        Level::Trip => "critical",
        Level::Warn => "warning",
        Level::Info => "info",
    };
    let summary = format!("{}: {}", message.title, message.text);
    json!({
        "routing_key": key,
        "event_action": action,
        "dedup_key": cut(&message.key, KEY),
        "payload": {
            "summary": cut(&summary, SUMMARY),
            "source": if message.run.is_empty() { "saferun-tui" } else { &message.run },
            "severity": severity,
            "timestamp": message.at,
            "component": message.agent,
            "group": message.rule,
            "custom_details": shortened(&message.alert),
        },
    })
}

/// The alert, without its evidence if that is too long for a body.
fn shortened(alert: &Value) -> Value {
    if alert.to_string().len() <= BODY {
        return alert.clone();
    }
    let mut short = alert.clone();
    if let Some(members) = short.as_object_mut() {
        members.remove("evidence");
        members.insert("evidence_left_out".to_owned(), Value::Bool(true));
    }
    short
}
