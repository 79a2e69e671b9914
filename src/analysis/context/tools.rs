//! Converts tool schemas to the shape of an API, whatever shape they were recorded in.

use serde_json::{Map, Value, json};

use crate::ingest::request::Api;

/// The schemas in the shape of `api`. Provider tools, and schemas already in that shape, stay as
/// they are.
pub fn of(api: Api, tools: &Value) -> Value {
    let Some(all) = tools.as_array() else {
        return tools.clone();
    };
    if api != Api::Gemini {
        let alone = all.iter().flat_map(|tool| match declared(tool) {
            Some(inner) => inner.iter().collect(),
            None => vec![tool],
        });
        return alone.map(|tool| one(api, tool)).collect();
    }
    // Gemini takes all functions in one list.
    let converted = all.iter().map(|tool| one(api, tool));
    let (functions, mut others): (Vec<Value>, Vec<Value>) =
        converted.partition(|tool| tool.get("name").is_some());
    if !functions.is_empty() {
        others.push(json!({ "functionDeclarations": functions }));
    }
    others.into()
}

/// The functions in a tool of Gemini.
fn declared(tool: &Value) -> Option<&Vec<Value>> {
    let names = ["functionDeclarations", "function_declarations"];
    names.iter().find_map(|name| tool.get(*name)?.as_array())
}

fn one(api: Api, tool: &Value) -> Value {
    let function = tool.get("function").filter(|it| it.is_object());
    let keys = [
        "parameters",
        "input_schema",
        "inputSchema",
        "parametersJsonSchema",
    ];
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
    let is_native = match api {
        Api::Messages => function.is_none() && key == "input_schema",
        Api::Chat => function.is_some() && key != "input_schema",
        Api::Responses => function.is_none() && key == "parameters" && tool.get("type").is_some(),
        Api::Gemini => {
            function.is_none() && tool.get("type").is_none() && key.starts_with("parameters")
        }
    };
    if is_native {
        return tool.clone();
    }
    let own = ["name", "description", "strict"].into_iter();
    let own = own.filter_map(|key| Some((key.to_owned(), inner.get(key)?.clone())));
    let mut converted: Map<String, Value> = own.filter(|(_, value)| !value.is_null()).collect();
    let name = match api {
        Api::Messages => "input_schema",
        Api::Chat | Api::Responses => "parameters",
        Api::Gemini => "parametersJsonSchema",
    };
    if let Some(schema) = schema {
        converted.insert(name.to_owned(), schema.clone());
    }
    match api {
        Api::Messages | Api::Gemini => {
            converted.remove("strict");
            converted.into()
        }
        Api::Chat => json!({ "type": "function", "function": converted }),
        Api::Responses => {
            converted.insert("type".to_owned(), "function".into());
            converted.into()
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
    fn schemas_are_converted_to_the_shape_of_the_api() {
        let vercel =
            json!({"type": "function", "name": "look", "description": "Look.", "inputSchema": {}});
        let own = json!({"name": "look", "description": "Look.", "parameters": {}});
        let chat = json!({"type": "function", "function": own});
        let flat =
            json!({"type": "function", "name": "look", "description": "Look.", "parameters": {}});
        let messages = json!({"name": "look", "description": "Look.", "input_schema": {}});
        let hosted = json!({"type": "web_search_20250305", "name": "web_search"});
        for converted in [&vercel, &chat, &flat, &messages] {
            check(Api::Chat, converted, &chat);
            check(Api::Messages, converted, &messages);
            check(Api::Responses, converted, &flat);
        }
        check(Api::Chat, &hosted, &hosted);
        let gemini = json!({"functionDeclarations": [{"name": "look", "description": "Look.", "parametersJsonSchema": {}}]});
        check(Api::Chat, &gemini, &chat);
        check(Api::Gemini, &gemini, &gemini);
        check(Api::Gemini, &messages, &gemini);
    }
}
