//! A model call that can be repeated: what would be sent, where to, how often and at what price. Nothing is sent
//! before [`Offer::send`].

use std::env;

use serde_json::{Map, Value};

use crate::act::net::Net;
use crate::act::net::secret::Secret;
use crate::act::remote::keys;
use crate::act::rerun::Settings;
use crate::act::rerun::answers::Answers;
use crate::act::rerun::model::{self, Budget, Plan};
use crate::analysis::context::{self, Context, Exactness, Origin};
use crate::analysis::tape::again::First;
use crate::analysis::tape::answer::Answer;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::export::curl;
use crate::ingest::prices::PriceTable;
use crate::ingest::request::Api;
use crate::ingest::wire::Api as Wire;
use crate::model::action::ActionIx;
use crate::model::quantity::{Cost, Tokens, Usage};
use crate::store::Store;

/// The default limit on spending, in US$.
pub const MOST: f64 = 1.0;
/// The most repetitions.
pub const TIMES: usize = 1000;

/// What the user wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// None for the recorded one.
    pub models: Vec<String>,
    /// `PATH=VALUE`.
    pub edits: Vec<String>,
    pub times: usize,
    /// The limit on spending, in US$.
    pub most: f64,
    /// Where to send it, before the environment and the settings.
    pub base: Option<String>,
    /// The variable with the key, before the vendor's own.
    pub key: Option<String>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted {
            models: Vec::new(),
            edits: Vec::new(),
            times: 1,
            most: MOST,
            base: None,
            key: None,
        }
    }
}

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The call that is repeated.
    pub call: ActionIx,
    pub seq: u32,
    /// What would be sent, by each model in turn.
    pub body: Value,
    pub models: Vec<String>,
    /// What `--set` changed, as records.
    pub edits: Vec<Value>,
    pub times: usize,
    pub most: Cost,
    place: Place,
    origin: Origins,
    /// Tokens of the recorded call.
    usage: Usage,
    /// The first tool call of the recorded answer.
    recorded: First,
}

/// Where requests go, and whose key goes with them.
#[derive(Debug, Clone)]
struct Place {
    api: Wire,
    base: String,
    variable: String,
    /// Prints the key if the variable is not set.
    command: Vec<String>,
}

/// Where the request comes from.
#[derive(Debug, Clone)]
struct Origins {
    exactness: Exactness,
    /// What was added to a rebuilt request.
    added: Vec<String>,
    unknown: Vec<String>,
}

impl Offer {
    /// The call as recorded or rebuilt, with the user's changes.
    pub fn new(
        store: &Store,
        call: ActionIx,
        wanted: &Wanted,
        settings: &Settings,
    ) -> Result<Offer, String> {
        let found = context::of(store, call, &CancelFlag::new()).ok_or("the call was not read")?;
        let row = store.row(call);
        let mut body = found.request.clone();
        let added = match found.exactness {
            Exactness::Recorded => Vec::new(),
            Exactness::Reconstructed => curl::sendable(&mut body, found.api, row.model()),
        };
        let edits = edit(&mut body, &wanted.edits)?;
        unstream(&mut body);
        Ok(Offer {
            call,
            seq: row.seq(),
            models: models(&body, wanted, row.model())?,
            body,
            edits,
            times: wanted.times,
            most: Cost::from_usd(wanted.most),
            place: Place::new(found.api, wanted, settings)?,
            origin: Origins::new(&found, added),
            usage: row.usage(),
            recorded: first(&Answer::of(store, &row)),
        })
    }

    pub fn api(&self) -> Wire {
        self.place.api
    }

    /// The same with another body, for another model.
    #[must_use]
    pub fn with(&self, body: Value, model: String) -> Offer {
        let mut other = self.clone();
        (other.body, other.models) = (body, vec![model]);
        unstream(&mut other.body);
        other
    }

    /// The URL that requests for a model go to.
    pub fn url(&self, model: &str) -> String {
        model::url(self.place.api, &self.place.base, model)
    }

    /// `POST URL   key VARIABLE`. Raw.
    pub fn target(&self) -> String {
        let model = self.models.first().map_or("", String::as_str);
        let place = &self.place;
        let or = if place.command.is_empty() {
            ""
        } else {
            ", else rerun.key-cmd"
        };
        format!("POST {}   key {}{or}", self.url(model), place.variable)
    }

    /// The line to show if there is no key to send. Raw.
    pub fn no_key(&self) -> Option<String> {
        let place = &self.place;
        let has_key = !place.command.is_empty() || Secret::from_variable(&place.variable).is_some();
        let variable = &place.variable;
        (!has_key).then(|| format!("  no key   {variable} is not set: nothing can be sent"))
    }

    /// Whether the request limits its answer, so that its price has an upper bound.
    pub fn is_bounded(&self) -> bool {
        longest_answer(&self.body).is_some()
    }

    /// Where the request comes from, and what is not known about it. Raw.
    pub fn origin(&self) -> Vec<String> {
        let is_recorded = self.origin.exactness == Exactness::Recorded;
        let absent = if is_recorded {
            "not set"
        } else {
            "not recorded"
        };
        let tools = match self.body["tools"].as_array() {
            Some(tools) if !tools.is_empty() => human::counted(tools.len() as u64, "tool"),
            Some(_) | None if is_recorded => "no tools".to_owned(),
            Some(_) | None => "tools not recorded".to_owned(),
        };
        let temperature = ["/temperature", "/generationConfig/temperature"];
        let temperature = temperature.iter().find_map(|at| self.body.pointer(at));
        let temperature = temperature.map_or_else(|| absent.to_owned(), Value::to_string);
        let exactness = match self.origin.exactness {
            Exactness::Recorded => "recorded (class A)",
            Exactness::Reconstructed => "rebuilt from the trace, not the original",
        };
        let mut lines = vec![format!(
            "  request  {exactness} · {tools} · temperature {temperature}"
        )];
        let added = self.origin.added.iter();
        lines.extend(added.map(|words| format!("  added    {words}")));
        let unknown = self.origin.unknown.iter();
        lines.extend(unknown.map(|words| format!("  unknown  {words}")));
        lines.extend(self.edits.iter().map(|edit| {
            format!(
                "  edit     {} {} → {}",
                edit["path"].as_str().unwrap_or_default(),
                edit["from"],
                edit["to"]
            )
        }));
        lines
    }

    /// What would be sent, where to, how often and for how much; shown before anything is sent. Raw.
    pub fn lines(&self, prices: &PriceTable) -> Vec<String> {
        let mut lines = vec![format!("  sends    {}", self.target())];
        lines.extend(self.no_key());
        lines.extend(self.origin());
        for name in &self.models {
            lines.push(format!("  model    {name}: {}", self.price(name, prices)));
        }
        lines.extend(limit(self.most, self.is_bounded()));
        lines.push(EFFECTS.to_owned());
        lines
    }

    /// `10 × ≈ $0.03–$0.04 = ≈ $0.40 at most (list prices)`.
    fn price(&self, model: &str, prices: &PriceTable) -> String {
        let floor = Usage {
            input: self.prompt(),
            output: Tokens::from(0),
            ..Usage::NONE
        };
        let each = self.each(model, prices);
        match (prices.estimate(model, &floor).usd(), each.usd()) {
            (Some(floor), Some(each)) => format!(
                "{} × ≈ {}–{} = ≈ {} {}",
                self.times,
                human::usd(floor),
                human::usd(each),
                human::usd(each * self.times as f64),
                at_most(self.is_bounded())
            ),
            _ => "no price is known for this model: the limit cannot be enforced".to_owned(),
        }
    }

    /// Tokens of the prompt, as if none of it was cached.
    fn prompt(&self) -> Tokens {
        let whole = self.usage.input + self.usage.cache_read + self.usage.cache_write;
        let length = || Tokens::from(self.body.to_string().len().div_ceil(4) as u64);
        if whole.get().is_some() {
            whole
        } else {
            length()
        }
    }

    /// The most that one request can cost: the whole prompt, and the output that the request allows. Where it sets no
    /// limit, twice the recorded output is expected.
    pub fn each(&self, model: &str, prices: &PriceTable) -> Cost {
        let recorded = self.usage.output.get();
        let expected = || recorded.map_or(1000, |it| it.saturating_mul(2));
        let most = Usage {
            input: self.prompt(),
            output: Tokens::from(longest_answer(&self.body).unwrap_or_else(expected)),
            ..Usage::NONE
        };
        prices.estimate(model, &most)
    }

    /// Whether the limit can be enforced.
    pub fn is_priced(&self, prices: &PriceTable) -> bool {
        let mut models = self.models.iter();
        models.all(|name| self.each(name, prices).is_some())
    }

    /// The key, from its variable, else from the command of the settings.
    pub fn key(&self) -> Result<Secret, String> {
        let place = &self.place;
        if let Some(key) = Secret::from_variable(&place.variable) {
            return Ok(key);
        }
        if place.command.is_empty() {
            return Err(format!(
                "no key: {} is not set, and the settings have no rerun.key-cmd",
                place.variable
            ));
        }
        keys::run(&place.command)
    }

    /// Sends it to each model in turn. Call it only after the user has agreed.
    pub fn send(
        &self,
        net: &Net,
        key: &Secret,
        prices: &PriceTable,
        cancel: &CancelFlag,
    ) -> Vec<Answers> {
        let share = self.most.0 / self.models.len().max(1) as i64;
        let mut all = Vec::new();
        for name in &self.models {
            let mut body = self.body.clone();
            body["model"] = name.as_str().into();
            let plan = Plan {
                api: self.place.api,
                base: self.place.base.clone(),
                key: key.clone(),
                times: self.times,
                budget: Budget {
                    most: Cost(share),
                    each: self.each(name, prices),
                },
                body,
            };
            let attempts = model::run(net, &plan, prices, cancel);
            all.push(Answers::new(
                name.clone(),
                self.times,
                attempts,
                &self.recorded,
            ));
        }
        all
    }
}

/// The limit on output tokens that a request sets, by the names of all APIs.
fn longest_answer(body: &Value) -> Option<u64> {
    const LIMITS: [&str; 5] = [
        "/max_tokens",
        "/max_completion_tokens",
        "/max_output_tokens",
        "/generationConfig/maxOutputTokens",
        "/options/num_predict",
    ];
    LIMITS
        .iter()
        .find_map(|limit| body.pointer(limit).and_then(Value::as_u64))
}

pub const EFFECTS: &str = "  effects  answers are kept as new runs; their tools are not executed";

/// How sure a price is.
pub fn at_most(is_bounded: bool) -> &'static str {
    if is_bounded {
        "at most (list prices)"
    } else {
        "at most, estimated (list prices)"
    }
}

/// The lines about the limit on spending.
pub fn limit(most: Cost, is_bounded: bool) -> Vec<String> {
    let most = human::usd(most.usd().unwrap_or(0.0));
    let passes = if is_bounded {
        "could exceed it"
    } else {
        "is expected to exceed it"
    };
    let mut lines = vec![format!(
        "  limit    {most}: a request that {passes} is not sent"
    )];
    if !is_bounded {
        lines.push(UNBOUNDED.to_owned());
    }
    lines
}

const UNBOUNDED: &str =
    "  estimate the request sets no limit on output: twice the recorded output is assumed";

fn models(body: &Value, wanted: &Wanted, answered: &str) -> Result<Vec<String>, String> {
    let mut models = wanted.models.clone();
    if models.is_empty() {
        let named = body["model"].as_str().unwrap_or(answered);
        models.extend((!named.is_empty()).then(|| named.to_owned()));
    }
    if models.is_empty() {
        return Err("the model is not recorded: name one with --model".to_owned());
    }
    Ok(models)
}

/// Answers are read whole.
fn unstream(body: &mut Value) {
    if let Some(members) = body.as_object_mut() {
        members.shift_remove("stream");
        members.shift_remove("stream_options");
    }
}

/// The first tool call of an answer.
fn first(answer: &Answer) -> First {
    let asked = answer.calls().next();
    asked.map(|it| (it.name.clone(), it.arguments.clone()))
}

impl Place {
    /// Requests go only where the user chose.
    fn new(api: Api, wanted: &Wanted, settings: &Settings) -> Result<Place, String> {
        let (address, key) = match api {
            Api::Chat | Api::Responses => ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
            Api::Messages => ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
            Api::Gemini => ("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"),
        };
        let set = || env::var(address).ok().filter(|url| !url.is_empty());
        let base = wanted.base.clone().or_else(set);
        let base = base.or_else(|| settings.base_url.clone());
        Ok(Place {
            api: match api {
                Api::Chat => Wire::Chat,
                Api::Responses => Wire::Responses,
                Api::Messages => Wire::Messages,
                Api::Gemini => Wire::Gemini,
            },
            base: base.ok_or_else(|| {
                format!("no address to send to: set {address}, base-url under [rerun] in the settings, or --base-url of rerun")
            })?,
            variable: wanted.key.clone().unwrap_or_else(|| key.to_owned()),
            command: settings.key_command.clone(),
        })
    }
}

impl Origins {
    fn new(found: &Context, added: Vec<String>) -> Origins {
        let unknown = found
            .parts
            .iter()
            .filter(|part| part.origin == Origin::Missing);
        Origins {
            exactness: found.exactness,
            added,
            unknown: unknown.map(|part| part.note.clone()).collect(),
        }
    }
}

/// Applies `PATH=VALUE`; returns what changed.
fn edit(body: &mut Value, edits: &[String]) -> Result<Vec<Value>, String> {
    let mut changes = Vec::new();
    for text in edits {
        let wrong = |what: &str| format!("--set {text}: {what}");
        let (path, value) = text
            .split_once('=')
            .ok_or_else(|| wrong("write PATH=VALUE"))?;
        let to: Value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        let plain = path
            .trim_start_matches('$')
            .replace('[', ".")
            .replace(']', "");
        let names: Vec<&str> = plain.split('.').filter(|name| !name.is_empty()).collect();
        let Some((last, before)) = names.split_last() else {
            return Err(wrong("it has no path"));
        };
        let pointer: String = before.iter().flat_map(|name| ["/", name]).collect();
        let place = body
            .pointer_mut(&pointer)
            .ok_or_else(|| wrong("the request has no such place"))?;
        let from = match place {
            Value::Object(members) => members.insert((*last).to_owned(), to.clone()),
            Value::Array(items) => {
                let item = last.parse().ok().and_then(|at: usize| items.get_mut(at));
                Some(std::mem::replace(
                    item.ok_or_else(|| wrong("there is no such item"))?,
                    to.clone(),
                ))
            }
            _ => return Err(wrong("it is inside a plain value")),
        };
        let mut change = Map::new();
        change.insert("path".to_owned(), path.into());
        change.insert("from".to_owned(), from.unwrap_or_default());
        change.insert("to".to_owned(), to);
        changes.push(Value::Object(change));
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_longest_answer_is_that_which_the_request_allows() {
        let limits = [
            (json!({"max_tokens": 4096}), Some(4096)),
            (json!({"max_completion_tokens": 7}), Some(7)),
            (json!({"max_output_tokens": 8}), Some(8)),
            (json!({"generationConfig": {"maxOutputTokens": 9}}), Some(9)),
            (json!({"messages": []}), None),
        ];
        for (body, limit) in limits {
            assert_eq!(longest_answer(&body), limit, "{body}");
        }
    }

    #[test]
    fn a_price_without_a_limit_on_output_is_called_an_estimate() {
        let bounded = limit(Cost::from_usd(1.0), true).join("\n");
        assert!(
            bounded.ends_with("could exceed it is not sent"),
            "{bounded}"
        );
        let other = limit(Cost::from_usd(1.0), false).join("\n");
        assert!(other.contains("is expected to exceed it"), "{other}");
        assert!(other.contains("sets no limit on output"), "{other}");
        assert!(at_most(false).contains("estimated"));
    }

    #[test]
    fn a_request_is_edited_by_paths() {
        let mut body = json!({"messages": [{"content": "12.50"}], "temperature": 1});
        let edits =
            ["$.messages[0].content=1250x", "temperature=0", "top_p=0.5"].map(str::to_owned);
        let changes = edit(&mut body, &edits).expect("edited");
        assert_eq!(
            body,
            json!({"messages": [{"content": "1250x"}], "temperature": 0, "top_p": 0.5})
        );
        assert_eq!(
            changes[0],
            json!({"path": "$.messages[0].content", "from": "12.50", "to": "1250x"})
        );
        for wrong in ["temperature", "=1", "messages[4].x=1", "temperature.x=1"] {
            assert!(edit(&mut body, &[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
