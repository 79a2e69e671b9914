//! Schemas of tools in the words of an interface: whoever recorded them may have had others.

use serde_json::{Map, Value, json};

use crate::ingest::request::Api;

/// The schemas as the interface takes them. What is no function of the agent's own (a tool of the
/// provider), and what is in its words already, stays as it is.
pub fn of(api: Api, tools: &Value) -> Value {
    let Some(all) = tools.as_array() else {
        return tools.clone();
    };
    all.iter().map(|tool| one(api, tool)).collect()
}

fn one(api: Api, tool: &Value) -> Value {
    let function = tool.get("function").filter(|it| it.is_object());
    let keys = ["parameters", "input_schema", "inputSchema"];
    let inner = function.unwrap_or(tool);
    let found = keys
        .into_iter()
        .find_map(|key| Some((key, inner.get(key)?)));
    let is_function = function.is_some() || tool.get("type").is_none_or(|kind| kind == "function");
    let (key, schema) = match found {
        Some((key, schema)) => (key, Some(schema)),
        // A function without arguments may have no schema.
        None if is_function && inner.get("name").is_some() => ("", None),
        None => return tool.clone(),
    };
    let is_told = match api {
        Api::Messages => function.is_none() && key == "input_schema",
        Api::Chat => function.is_some() && key != "input_schema",
        Api::Responses => function.is_none() && key == "parameters",
    };
    if is_told {
        return tool.clone();
    }
    let own = ["name", "description", "strict"].into_iter();
    let own = own.filter_map(|key| Some((key.to_owned(), inner.get(key)?.clone())));
    let mut told: Map<String, Value> = own.filter(|(_, value)| !value.is_null()).collect();
    let name = match api {
        Api::Messages => "input_schema",
        Api::Chat | Api::Responses => "parameters",
    };
    if let Some(schema) = schema {
        told.insert(name.to_owned(), schema.clone());
    }
    match api {
        Api::Messages => {
            told.remove("strict");
            told.into()
        }
        Api::Chat => json!({ "type": "function", "function": told }),
        Api::Responses => {
            told.insert("type".to_owned(), "function".into());
            told.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(api: Api, recorded: &Value, expected: &Value) {
        assert_eq!(of(api, &json!([recorded])), json!([expected]));
    }

    #[test]
    fn schemas_are_told_in_the_words_of_the_interface() {
        let vercel =
            json!({"type": "function", "name": "look", "description": "Look.", "inputSchema": {}});
        let own = json!({"name": "look", "description": "Look.", "parameters": {}});
        let chat = json!({"type": "function", "function": own});
        let flat =
            json!({"type": "function", "name": "look", "description": "Look.", "parameters": {}});
        let messages = json!({"name": "look", "description": "Look.", "input_schema": {}});
        let hosted = json!({"type": "web_search_20250305", "name": "web_search"});
        for told in [&vercel, &chat, &flat, &messages] {
            check(Api::Chat, told, &chat);
            check(Api::Messages, told, &messages);
            check(Api::Responses, told, &flat);
        }
        check(Api::Chat, &hosted, &hosted);
    }
}
