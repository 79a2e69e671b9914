//! A recorded call as the input of another policy engine.

use serde_json::{Map, Value, json};

use crate::analysis::policy::call::Call;

/// What Cedar cannot hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    pub nulls: u64,
    pub fractions: u64,
}

/// The call, with what is recorded about it; what is not recorded is absent.
pub fn plain(call: &Call<'_>, cwd: Option<&str>) -> Value {
    let mut line = Map::new();
    let mut put = |key: &str, text: &str| {
        if !text.is_empty() {
            line.insert(key.to_owned(), json!(text));
        }
    };
    put("run_id", call.run.id);
    put("call_id", call.id);
    put("tool", call.tool);
    put("class", call.class().word());
    put("host", call.host);
    put("agent", call.agent);
    put("model", call.model);
    put("user", call.user);
    put("cwd", cwd.unwrap_or_default());
    put("command", &call.command().unwrap_or_default());
    put("path", call.path().unwrap_or_default());
    put("url", call.url().unwrap_or_default());
    line.insert("step".to_owned(), json!(call.seq));
    line.insert("turn".to_owned(), json!(call.turn));
    if let Some(args) = call.args {
        line.insert("args".to_owned(), args.clone());
    }
    Value::Object(line)
}

/// `{"input": …}`, as `opa exec` and `opa eval` take it.
pub fn opa(call: &Call<'_>, cwd: Option<&str>) -> Value {
    json!({ "input": plain(call, cwd) })
}

/// A request of Cedar.
pub fn cedar(call: &Call<'_>, cwd: Option<&str>, dropped: &mut Dropped) -> Value {
    let entity = |kind: &str, id: &str| format!("{kind}::{}", json!(id));
    let context = fitted(plain(call, cwd), dropped);
    json!({
        "run_id": call.run.id,
        "call_id": call.id,
        "principal": entity("Agent", if call.agent.is_empty() { "unknown" } else { call.agent }),
        "action": entity("Action", call.tool),
        "resource": entity("Tool", call.tool),
        "context": context.unwrap_or_default(),
    })
}

/// Without nulls, and with fractions as strings.
fn fitted(value: Value, dropped: &mut Dropped) -> Option<Value> {
    match value {
        Value::Null => {
            dropped.nulls += 1;
            None
        }
        Value::Number(number) if number.as_i64().is_none() => {
            dropped.fractions += 1;
            Some(Value::String(number.to_string()))
        }
        Value::Array(items) => Some(
            items
                .into_iter()
                .filter_map(|it| fitted(it, dropped))
                .collect(),
        ),
        Value::Object(entries) => {
            let entries = entries
                .into_iter()
                .filter_map(|(key, it)| Some((key, fitted(it, dropped)?)));
            Some(Value::Object(entries.collect()))
        }
        value @ (Value::Bool(_) | Value::Number(_) | Value::String(_)) => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cedar_gets_no_null_and_no_fraction_and_both_are_counted() {
        let args = json!({"total": 60000.5, "timeout": null, "count": 3, "list": [null, 1]});
        let call = Call {
            tool: "order",
            args: Some(&args),
            ..Call::default()
        };
        let mut dropped = Dropped::default();
        let line = cedar(&call, None, &mut dropped);
        assert_eq!(
            line["context"]["args"],
            json!({"total": "60000.5", "count": 3, "list": [1]})
        );
        assert_eq!(
            dropped,
            Dropped {
                nulls: 2,
                fractions: 1
            }
        );
    }
}
