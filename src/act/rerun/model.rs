//! Sends one request several times, and reads the answers.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::act::net::Net;
use crate::act::net::client::{self, Client, Request};
use crate::act::net::secret::Secret;
use crate::ingest::prices::PriceTable;
use crate::ingest::wire::Api;
use crate::ingest::wire::answer::{Reading, Said};
use crate::model::quantity::Cost;

/// How many requests are in flight at the same time.
const AT_ONCE: usize = 4;
/// How long an answer may take, and how long it may be.
const TIME: Duration = Duration::from_mins(10);
const LONGEST: usize = 32 << 20;

/// A request, and where to send it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub api: Api,
    /// The base URL of the vendor's API, as its SDK takes it: `https://api.openai.com/v1`.
    pub base: String,
    pub body: Value,
    pub key: Secret,
    pub times: usize,
    pub budget: Budget,
}

/// What may be spent. A request that could exceed the limit is not sent.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub most: Cost,
    /// An upper estimate of the cost of one request.
    pub each: Cost,
}

/// One request that was sent.
#[derive(Debug)]
pub struct Attempt {
    /// The model's answer, or why there is none.
    pub said: Result<Said, String>,
    pub took: Duration,
    /// At list prices; not recorded for unknown models.
    pub cost: Cost,
}

/// The URL for requests of an API, below its base.
pub fn url(api: Api, base: &str) -> String {
    let base = base.trim_end_matches('/');
    let has_version = base.ends_with("/v1");
    match api {
        Api::Chat | Api::Gemini => format!("{base}/chat/completions"),
        Api::Responses => format!("{base}/responses"),
        Api::Messages if has_version => format!("{base}/messages"),
        Api::Messages => format!("{base}/v1/messages"),
        Api::Ollama => format!("{base}/api/chat"),
    }
}

/// Sends the request as often as planned, or until the budget is spent. Must not be called on the network thread.
pub fn run(net: &Net, plan: &Plan, prices: &PriceTable) -> Vec<Attempt> {
    let client = Client::new(net);
    net.wait(all(client, plan.clone(), prices.clone()))
}

async fn all(client: Client, plan: Plan, prices: PriceTable) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut under_way = JoinSet::new();
    let mut sent = 0;
    loop {
        let spent: i64 = attempts.iter().filter_map(|it| it.cost.get()).sum();
        let each = plan.budget.each.get().unwrap_or(0);
        let most = plan.budget.most.get().unwrap_or(i64::MAX);
        let waiting = under_way.len() as i64;
        let fits = spent.saturating_add(each.saturating_mul(waiting + 1)) <= most;
        if sent < plan.times && under_way.len() < AT_ONCE && fits {
            sent += 1;
            let (client, plan, prices) = (client.clone(), plan.clone(), prices.clone());
            under_way.spawn(async move { one(&client, &plan, &prices).await });
            continue;
        }
        match under_way.join_next().await {
            Some(Ok(attempt)) => attempts.push(attempt),
            Some(Err(error)) => attempts.push(Attempt {
                said: Err(error.to_string()),
                took: Duration::ZERO,
                cost: Cost::NONE,
            }),
            None => return attempts,
        }
    }
}

async fn one(client: &Client, plan: &Plan, prices: &PriceTable) -> Attempt {
    let started = Instant::now();
    let said = ask(client, plan).await;
    let cost = said.as_ref().map_or(Cost::NONE, |said| {
        let asked = plan.body["model"].as_str().unwrap_or_default();
        let model = said.model.as_deref().unwrap_or(asked);
        prices.estimate(model, &said.usage)
    });
    Attempt {
        said,
        took: started.elapsed(),
        cost,
    }
}

async fn ask(client: &Client, plan: &Plan) -> Result<Said, String> {
    let request = built(plan).map_err(|error| error.to_string())?;
    let answer = client
        .fetch(request)
        .await
        .map_err(|error| error.to_string())?;
    let mut reading = Reading::new(plan.api);
    reading.push(&answer.body);
    let said = reading.end(true);
    match &said.error {
        Some(error) => Err(format!("{}: {}", answer.status, error.message)),
        None if !answer.is_success() => Err(format!("status {}", answer.status)),
        None if said.parts.is_empty() && said.finish.is_none() => {
            Err("no answer in the body".to_owned())
        }
        None => Ok(said),
    }
}

fn built(plan: &Plan) -> Result<Request, client::Error> {
    let request = Request::post_json(&url(plan.api, &plan.base), &plan.body)?;
    let request = request.within(TIME).at_most(LONGEST);
    match plan.api {
        Api::Messages => request
            .secret("x-api-key", "", &plan.key)?
            .header("anthropic-version", "2023-06-01"),
        Api::Chat | Api::Responses | Api::Gemini | Api::Ollama => request.bearer(&plan.key),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use serde_json::json;

    use super::*;

    /// A vendor that answers every request, on connections of its own.
    fn vendor(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n")
                        && reader.read_line(&mut head).is_ok_and(|it| it > 0)
                    {}
                    let length = head
                        .lines()
                        .find_map(|line| line.strip_prefix("content-length: "));
                    let mut body = vec![0; length.and_then(|it| it.parse().ok()).unwrap_or(0)];
                    let _ = reader.read_exact(&mut body);
                    let whole = format!(
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
                        answer.len()
                    );
                    let _ = stream.write_all(whole.as_bytes());
                });
            }
        });
        base
    }

    const ANSWER: &str = r#"{"model":"gpt-4o","choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"look","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1000000,"completion_tokens":0}}"#;

    fn plan(most: f64) -> Plan {
        Plan {
            api: Api::Chat,
            base: vendor(ANSWER),
            body: json!({"model": "gpt-4o", "messages": []}),
            key: Secret::new("sk-1"),
            times: 9,
            budget: Budget {
                most: Cost::from_usd(most),
                each: Cost::from_usd(2.5),
            },
        }
    }

    #[test]
    fn a_request_is_sent_as_often_as_planned() {
        let net = Net::start().expect("a thread");
        let attempts = run(&net, &plan(1000.0), &PriceTable::built_in());
        assert_eq!(attempts.len(), 9);
        assert!(
            attempts
                .iter()
                .all(|it| it.said.is_ok() && it.cost == Cost::from_usd(2.5)),
            "{attempts:?}"
        );
    }

    #[test]
    fn nothing_is_sent_that_could_pass_the_limit() {
        let net = Net::start().expect("a thread");
        let attempts = run(&net, &plan(10.0), &PriceTable::built_in());
        assert_eq!(attempts.len(), 4);
        assert_eq!(run(&net, &plan(1.0), &PriceTable::built_in()).len(), 0);
    }
}
