//! Records a request as the difference from the previous one in the same conversation. Agents send the whole history
//! with every call: recorded whole each time, a trace would grow with the square of its length.

use serde_json::{Map, Value, json};

/// Lists that grow from request to request.
const LISTS: &[&str] = &["messages", "input", "contents", "tools", "system"];
/// At least every 50th request is recorded whole, which bounds how many are needed to rebuild one.
const EVERY: u32 = 50;

/// The last request of a conversation.
#[derive(Debug)]
pub struct Base {
    /// The event that holds it.
    id: String,
    request: Value,
    /// How many differences were recorded since the last whole request.
    chain: u32,
}

impl Base {
    pub fn new(id: &str, request: Value) -> Base {
        Base {
            id: id.to_owned(),
            request,
            chain: 0,
        }
    }

    /// The record of the next request, which becomes the base.
    pub fn record(&mut self, id: &str, request: Value) -> Value {
        let changes = (self.chain + 1 < EVERY)
            .then(|| difference(&self.id, &self.request, &request))
            .flatten();
        self.chain = changes.as_ref().map_or(0, |_| self.chain + 1);
        id.clone_into(&mut self.id);
        let recorded = changes.unwrap_or_else(|| request.clone());
        self.request = request;
        recorded
    }
}

/// None if the requests have less than half in common.
fn difference(base: &str, before: &Value, now: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(now)) = (before, now) else {
        return None;
    };
    let mut changes = Map::new();
    changes.insert("$base".to_owned(), base.into());
    let gone: Vec<&String> = before
        .keys()
        .filter(|name| !now.contains_key(*name))
        .collect();
    if !gone.is_empty() {
        changes.insert("$drop".to_owned(), json!(gone));
    }
    for (name, value) in now {
        let known = before.get(name);
        if known == Some(value) {
            continue;
        }
        let lists = (known.and_then(Value::as_array), value.as_array());
        let changed = match lists {
            (Some(known), Some(list)) if LISTS.contains(&name.as_str()) => {
                let pairs = known.iter().zip(list);
                let keep = pairs.take_while(|(before, now)| before == now).count();
                if keep * 2 < known.len() {
                    return None;
                }
                json!({"$keep": keep, "$add": list.get(keep..).unwrap_or_default()})
            }
            // It would be read as a difference itself.
            _ if value.get("$keep").is_some() => return None,
            _ => value.clone(),
        };
        changes.insert(name.clone(), changed);
    }
    // These names would be read as ours.
    let is_ours = |name: &String| name == "$base" || name == "$drop";
    (!now.keys().any(is_ours)).then_some(Value::Object(changes))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Base;

    #[test]
    fn a_request_that_grew_is_recorded_as_what_was_added() {
        let mut base = Base::new("e1", json!({"model": "m", "messages": [1, 2], "stop": "x"}));
        let recorded = base.record("e2", json!({"model": "m", "messages": [1, 2, 3], "n": 1}));
        assert_eq!(
            recorded,
            json!({"$base": "e1", "$drop": ["stop"], "messages": {"$keep": 2, "$add": [3]}, "n": 1})
        );
        let recorded = base.record("e3", json!({"model": "m", "messages": [1, 2, 4], "n": 1}));
        assert_eq!(
            recorded,
            json!({"$base": "e2", "messages": {"$keep": 2, "$add": [4]}})
        );
    }

    #[test]
    fn an_unrelated_request_and_now_and_then_any_is_recorded_whole() {
        let mut base = Base::new("e1", json!({"messages": [1, 2, 3]}));
        let other = json!({"messages": [7]});
        assert_eq!(base.record("e2", other.clone()), other);
        let whole = |recorded: &Value| recorded.get("$base").is_none();
        let mut list = vec![7];
        let wholes: Vec<bool> = (0..100)
            .map(|n| {
                list.push(n);
                whole(&base.record(&format!("f{n}"), json!({"messages": list})))
            })
            .collect();
        assert_eq!(wholes.iter().filter(|it| **it).count(), 2, "{wholes:?}");
    }
}
