//! Sends one request several times, and reads the answers.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::act::net::Net;
use crate::act::net::client::{self, Client, Request};
use crate::act::net::secret::Secret;
use crate::base::cancel::CancelFlag;
use crate::ingest::prices::PriceTable;
use crate::ingest::wire::Api;
use crate::ingest::wire::answer::ModelAnswer;
use crate::ingest::wire::reading::Reading;
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
    pub answer: Result<ModelAnswer, String>,
    pub took: Duration,
    /// At list prices; not recorded for unknown models.
    pub cost: Cost,
}

/// The URL for requests of an API, below its base. Gemini names the model in it.
pub fn url(api: Api, base: &str, model: &str) -> String {
    let base = base.trim_end_matches('/');
    let has_version = base.ends_with("/v1") || base.ends_with("/v1beta");
    match api {
        Api::Chat => format!("{base}/chat/completions"),
        Api::Gemini => {
            let version = if has_version { "" } else { "/v1beta" };
            let model = model.strip_prefix("models/").unwrap_or(model);
            format!("{base}{version}/models/{model}:generateContent")
        }
        Api::Responses => format!("{base}/responses"),
        Api::Messages if has_version => format!("{base}/messages"),
        Api::Messages => format!("{base}/v1/messages"),
        Api::Ollama => format!("{base}/api/chat"),
    }
}

/// Sends the request as often as planned, or until the budget is spent. Must not be called on the network thread.
/// Once `cancel` is raised, no more are sent.
pub fn run(net: &Net, plan: &Plan, prices: &PriceTable, cancel: &CancelFlag) -> Vec<Attempt> {
    let client = Client::new(net);
    net.wait(all(client, plan.clone(), prices.clone(), cancel.clone()))
}

async fn all(client: Client, plan: Plan, prices: PriceTable, cancel: CancelFlag) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut under_way = JoinSet::new();
    let mut sent = 0;
    loop {
        let spent: i64 = attempts.iter().filter_map(|it| it.cost.get()).sum();
        let each = plan.budget.each.get().unwrap_or(0);
        let most = plan.budget.most.get().unwrap_or(i64::MAX);
        let waiting = under_way.len() as i64;
        let fits = spent.saturating_add(each.saturating_mul(waiting + 1)) <= most;
        let is_wanted = sent < plan.times && !cancel.is_raised();
        if is_wanted && under_way.len() < AT_ONCE && fits {
            sent += 1;
            let (client, plan, prices) = (client.clone(), plan.clone(), prices.clone());
            under_way.spawn(async move { one(&client, &plan, &prices).await });
            continue;
        }
        match under_way.join_next().await {
            Some(Ok(attempt)) => attempts.push(attempt),
            Some(Err(error)) => attempts.push(Attempt {
                answer: Err(error.to_string()),
                took: Duration::ZERO,
                cost: Cost::NONE,
            }),
            None => return attempts,
        }
    }
}

async fn one(client: &Client, plan: &Plan, prices: &PriceTable) -> Attempt {
    let started = Instant::now();
    let answer = ask(client, plan).await;
    let cost = answer.as_ref().map_or(Cost::NONE, |answer| {
        let asked = plan.body["model"].as_str().unwrap_or_default();
        let model = answer.model.as_deref().unwrap_or(asked);
        prices.estimate(model, &answer.usage)
    });
    Attempt {
        answer,
        took: started.elapsed(),
        cost,
    }
}

async fn ask(client: &Client, plan: &Plan) -> Result<ModelAnswer, String> {
    let request = built(plan).map_err(|error| error.to_string())?;
    let response = client
        .fetch(request)
        .await
        .map_err(|error| error.to_string())?;
    let mut reading = Reading::new(plan.api);
    reading.push(&response.body);
    let answer = reading.end(true);
    match &answer.error {
        Some(error) => Err(format!("{}: {}", response.status, error.message)),
        None if !response.is_success() => Err(format!("status {}", response.status)),
        None if answer.parts.is_empty() && answer.finish.is_none() => {
            Err("no answer in the body".to_owned())
        }
        None => Ok(answer),
    }
}

fn built(plan: &Plan) -> Result<Request, client::Error> {
    let model = plan.body["model"].as_str().unwrap_or_default();
    let url = url(plan.api, &plan.base, model);
    let mut body = plan.body.clone();
    if let (Api::Gemini, Some(members)) = (plan.api, body.as_object_mut()) {
        members.shift_remove("model");
    }
    let request = Request::post_json(&url, &body)?;
    let request = request.within(TIME).at_most(LONGEST);
    match plan.api {
        Api::Gemini => request.secret("x-goog-api-key", "", &plan.key),
        Api::Messages => request
            .secret("x-api-key", "", &plan.key)?
            .header("anthropic-version", "2023-06-01"),
        Api::Chat | Api::Responses | Api::Ollama => request.bearer(&plan.key),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::act::rerun::testing::{calls, vendor};

    fn plan(most: f64) -> Plan {
        Plan {
            api: Api::Chat,
            base: vendor(|_| calls("look", &json!({}))).0,
            body: json!({"model": "gpt-4o", "messages": []}),
            key: Secret::new("sk-1"),
            times: 9,
            budget: Budget {
                most: Cost::from_usd(most),
                each: Cost::from_usd(2.5),
            },
        }
    }

    fn sent(net: &Net, plan: &Plan) -> Vec<Attempt> {
        run(net, plan, &PriceTable::built_in(), &CancelFlag::new())
    }

    #[test]
    fn a_request_is_sent_as_often_as_planned() {
        let net = Net::start().expect("a thread");
        let attempts = sent(&net, &plan(1000.0));
        assert_eq!(attempts.len(), 9);
        assert!(
            attempts
                .iter()
                .all(|it| it.answer.is_ok() && it.cost == Cost::from_usd(2.5)),
            "{attempts:?}"
        );
    }

    #[test]
    fn nothing_is_sent_that_could_pass_the_limit() {
        let net = Net::start().expect("a thread");
        assert_eq!(sent(&net, &plan(10.0)).len(), 4);
        assert_eq!(sent(&net, &plan(1.0)).len(), 0);
    }

    #[test]
    fn nothing_is_sent_after_it_was_cancelled() {
        let net = Net::start().expect("a thread");
        let cancel = CancelFlag::new();
        cancel.raise();
        let attempts = run(&net, &plan(1000.0), &PriceTable::built_in(), &cancel);
        assert_eq!(attempts.len(), 0);
    }

    #[test]
    fn every_api_has_its_address() {
        let of = |api, base| url(api, base, "m");
        assert_eq!(
            of(Api::Chat, "http://h/v1/"),
            "http://h/v1/chat/completions"
        );
        assert_eq!(of(Api::Messages, "http://h"), "http://h/v1/messages");
        assert_eq!(of(Api::Messages, "http://h/v1"), "http://h/v1/messages");
        assert_eq!(
            url(Api::Gemini, "http://h", "models/g"),
            "http://h/v1beta/models/g:generateContent"
        );
        assert_eq!(
            of(Api::Gemini, "http://h/v1beta"),
            "http://h/v1beta/models/m:generateContent"
        );
    }
}
