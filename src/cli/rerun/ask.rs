//! Repeating a model call: what would be sent, consent, and how the answers compare with the recorded one.

use serde_json::{Map, Value};

use super::attempts::{self, Kept, Told};
use super::{Rerun, Step, confirm};
use crate::act::net::Net;
use crate::act::net::secret::Secret;
use crate::act::remote::keys;
use crate::act::rerun::model::{self, Budget, Plan};
use crate::analysis::context::{self, Context, Exactness};
use crate::analysis::tape::answer::Answer;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::export::curl;
use crate::ingest::request::Api;
use crate::ingest::wire::Api as Wire;
use crate::model::quantity::{Cost, Tokens, Usage};

/// The default limit on spending.
const MOST: f64 = 1.0;

pub(super) fn run(cx: &mut Cx, asked: &Rerun, step: Step<'_>) -> anyhow::Result<Exit> {
    let found =
        context::of(step.store, step.call, &CancelFlag::new()).expect("the flag is never raised");
    step.store.intact()?;
    let row = step.store.row(step.call);
    let mut body = found.request.clone();
    let added = match found.exactness {
        Exactness::Recorded => Vec::new(),
        Exactness::Reconstructed => curl::sendable(&mut body, found.api, row.model()),
    };
    let edits = edit(&mut body, &asked.set)?;
    for name in ["stream", "stream_options"] {
        if let Some(members) = body.as_object_mut() {
            members.shift_remove(name);
        }
    }
    let mut models = asked.model.clone();
    if models.is_empty() {
        models.extend(body["model"].as_str().map(str::to_owned));
    }
    if models.is_empty() {
        return Err(
            Failure::Usage("the model is not recorded: name one with --model".to_owned()).into(),
        );
    }
    let setup = Setup {
        api: wire(found.api),
        base: base(cx, asked, found.api)?,
        times: usize::from(asked.times.unwrap_or(1)),
        most: Cost::from_usd(asked.max_usd.unwrap_or(MOST)),
        body,
        models,
    };
    for line in dialog(cx, asked, &setup, (row.seq(), &found, &added, &edits)) {
        cx.notes.line(&line);
    }
    if asked.dry_run {
        return Ok(Exit::Done);
    }
    consent(cx, asked, &setup, row.usage())?;
    let key = key(cx, asked, found.api)?;
    let net = Net::start()?;
    let recorded = Answer::of(step.store, &row);
    let mut told = Vec::new();
    for name in &setup.models {
        let plan = setup.plan(cx, name, &key, row.usage());
        let attempts = model::run(&net, &plan, &cx.load.options.prices);
        told.push(Told::new(name.clone(), setup.times, attempts, &recorded));
    }
    let kept = Kept {
        asked,
        step,
        edits: &edits,
    };
    attempts::finish(cx, &kept, &told)
}

/// The settings that all requests share.
struct Setup {
    api: Wire,
    base: String,
    body: Value,
    models: Vec<String>,
    times: usize,
    most: Cost,
}

impl Setup {
    fn plan(&self, cx: &Cx, model: &str, key: &Secret, usage: Usage) -> Plan {
        let mut body = self.body.clone();
        body["model"] = model.into();
        Plan {
            api: self.api,
            base: self.base.clone(),
            key: key.clone(),
            times: self.times,
            budget: Budget {
                most: Cost(self.most.0 / self.models.len().max(1) as i64),
                each: self.each(cx, model, usage),
            },
            body,
        }
    }

    /// The most that one request can cost: the prompt with none of it cached, and twice the recorded output.
    fn each(&self, cx: &Cx, model: &str, usage: Usage) -> Cost {
        let whole = usage.input + usage.cache_read + usage.cache_write;
        let prompt = whole
            .get()
            .unwrap_or_else(|| self.body.to_string().len().div_ceil(4) as u64);
        let output = usage.output.get().map_or(1000, |it| it.saturating_mul(2));
        let expected = Usage {
            input: Tokens::from(prompt),
            output: Tokens::from(output),
            ..Usage::NONE
        };
        cx.load.options.prices.estimate(model, &expected)
    }
}

fn wire(api: Api) -> Wire {
    match api {
        Api::Chat => Wire::Chat,
        Api::Responses => Wire::Responses,
        Api::Messages => Wire::Messages,
    }
}

/// Where requests go: only where the user chose.
fn base(cx: &Cx, asked: &Rerun, api: Api) -> Result<String, Failure> {
    let variable = match api {
        Api::Chat | Api::Responses => "OPENAI_BASE_URL",
        Api::Messages => "ANTHROPIC_BASE_URL",
    };
    let set = std::env::var(variable).ok().filter(|url| !url.is_empty());
    let base = asked
        .base_url
        .clone()
        .or(set)
        .or_else(|| cx.config.rerun.base_url.value.clone());
    base.ok_or_else(|| {
        Failure::Usage(format!(
            "no address to send to: use --base-url, {variable}, or rerun.base-url in the settings"
        ))
    })
}

fn variable(asked: &Rerun, api: Api) -> String {
    let usual = match api {
        Api::Chat | Api::Responses => "OPENAI_API_KEY",
        Api::Messages => "ANTHROPIC_API_KEY",
    };
    asked.key_env.clone().unwrap_or_else(|| usual.to_owned())
}

fn key(cx: &Cx, asked: &Rerun, api: Api) -> Result<Secret, Failure> {
    let name = variable(asked, api);
    if let Some(key) = Secret::from_variable(&name) {
        return Ok(key);
    }
    match cx.config.rerun.key_command.value.as_slice() {
        [] => Err(Failure::Usage(format!(
            "no key: {name} is not set, and the settings have no rerun.key-cmd"
        ))),
        command => keys::run(command).map_err(Failure::Usage),
    }
}

/// What would be sent, where to, how often and for how much; shown before anything is sent.
fn dialog(
    cx: &Cx,
    asked: &Rerun,
    setup: &Setup,
    (seq, found, added, edits): (u32, &Context, &[String], &[Value]),
) -> Vec<String> {
    let look = &cx.notes.look;
    let tools = setup.body["tools"].as_array().map_or(0, Vec::len);
    let temperature = setup
        .body
        .get("temperature")
        .map_or_else(|| "not recorded".to_owned(), Value::to_string);
    let exactness = match found.exactness {
        Exactness::Recorded => "recorded (class A)",
        Exactness::Reconstructed => "rebuilt from the trace, not the original",
    };
    let usage = cx.load.options.prices.clone();
    let mut lines = vec![
        format!("RE-RUN of model call #{seq}"),
        look.clean(&format!(
            "  sends    POST {}   key {}",
            model::url(setup.api, &setup.base),
            variable(asked, found.api)
        )),
        format!(
            "  request  {exactness} · {} · temperature {temperature}",
            human::counted(tools as u64, "tool")
        ),
    ];
    lines.extend(
        added
            .iter()
            .map(|words| format!("  added    {}", look.clean(words))),
    );
    let missing = found
        .parts
        .iter()
        .filter(|part| part.origin == context::Origin::Missing);
    lines.extend(missing.map(|part| format!("  unknown  {}", look.clean(&part.note))));
    for edit in edits {
        lines.push(look.clean(&format!(
            "  edit     {} {} → {}",
            edit["path"].as_str().unwrap_or_default(),
            edit["from"],
            edit["to"]
        )));
    }
    let recorded = found.recorded;
    for name in &setup.models {
        let output = Usage {
            input: recorded,
            output: Tokens::from(0),
            ..Usage::NONE
        };
        let floor = usage.estimate(name, &output);
        let each = setup.each(
            cx,
            name,
            Usage {
                input: recorded,
                ..Usage::NONE
            },
        );
        let price = match (floor.usd(), each.usd()) {
            (Some(floor), Some(each)) => format!(
                "{} × ≈ {}–{} = ≈ {} at most (list prices)",
                setup.times,
                human::usd(floor),
                human::usd(each),
                human::usd(each * setup.times as f64)
            ),
            _ => "no price is known for this model: --max-usd cannot be enforced".to_owned(),
        };
        lines.push(look.clean(&format!("  model    {name}: {price}")));
    }
    lines.push(format!(
        "  limit    {}: a request that could exceed it is not sent",
        human::usd(setup.most.usd().unwrap_or(0.0))
    ));
    lines.push("  effects  answers are kept as new runs; no tool of them is executed".to_owned());
    lines
}

fn consent(cx: &Cx, asked: &Rerun, setup: &Setup, usage: Usage) -> Result<(), Failure> {
    if !asked.allow_net {
        let what = "nothing was sent: use --allow-net to send it, or --dry-run to show it";
        return Err(Failure::Usage(what.to_owned()));
    }
    let is_priced = setup
        .models
        .iter()
        .all(|name| setup.each(cx, name, usage).is_some());
    if asked.yes {
        return match (asked.max_usd, is_priced) {
            (Some(_), true) => Ok(()),
            (None, _) => Err(Failure::Usage("--yes needs --max-usd".to_owned())),
            (Some(_), false) => {
                let what = "no price is known for a model, so --max-usd cannot be enforced (--price-file can name one)";
                Err(Failure::Usage(what.to_owned()))
            }
        };
    }
    confirm(cx, "To send it", &setup.models[0])
}

/// Applies `PATH=VALUE`; returns what changed.
fn edit(body: &mut Value, edits: &[String]) -> Result<Vec<Value>, Failure> {
    let mut told = Vec::new();
    for text in edits {
        let wrong = |what: &str| Failure::Usage(format!("--set {text}: {what}"));
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
        told.push(Value::Object(change));
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_edited_by_paths() {
        let mut body = json!({"messages": [{"content": "12.50"}], "temperature": 1});
        let edits =
            ["$.messages[0].content=1250x", "temperature=0", "top_p=0.5"].map(str::to_owned);
        let told = edit(&mut body, &edits).expect("edited");
        assert_eq!(
            body,
            json!({"messages": [{"content": "1250x"}], "temperature": 0, "top_p": 0.5})
        );
        assert_eq!(
            told[0],
            json!({"path": "$.messages[0].content", "from": "12.50", "to": "1250x"})
        );
        for wrong in ["temperature", "=1", "messages[4].x=1", "temperature.x=1"] {
            assert!(edit(&mut body, &[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
