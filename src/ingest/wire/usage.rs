//! Tokens, as each API counts them.

use serde_json::Value;

use super::Api;
use crate::model::quantity::{Tokens, Usage};

pub(super) fn read(api: Api, told: &Value) -> Usage {
    match api {
        Api::Chat | Api::Responses => openai(told),
        Api::Messages => anthropic(told),
        Api::Gemini => gemini(told),
        Api::Ollama => Usage {
            input: count(told, &["prompt_eval_count"]),
            output: count(told, &["eval_count"]),
            ..Usage::NONE
        },
    }
}

/// Prompt tokens include those read from the cache.
fn openai(told: &Value) -> Usage {
    let within = |names: [&str; 2], name: &str| {
        let mut details = names.iter().filter_map(|it| told.get(it));
        let found = details.next();
        found.map_or(Tokens::NONE, |it| count(it, &[name]))
    };
    let cached = within(
        ["prompt_tokens_details", "input_tokens_details"],
        "cached_tokens",
    );
    // DeepSeek and Moonshot use other names.
    let cached = match cached.get() {
        Some(_) => cached,
        None => count(told, &["prompt_cache_hit_tokens", "cached_tokens"]),
    };
    Usage {
        input: without(count(told, &["prompt_tokens", "input_tokens"]), cached),
        output: count(told, &["completion_tokens", "output_tokens"]),
        cache_read: cached,
        reasoning: within(
            ["completion_tokens_details", "output_tokens_details"],
            "reasoning_tokens",
        ),
        ..Usage::NONE
    }
}

fn anthropic(told: &Value) -> Usage {
    let inside = |outer: &str, name: &str| {
        let found = told.get(outer);
        found.map_or(Tokens::NONE, |it| count(it, &[name]))
    };
    let searches = inside("server_tool_use", "web_search_requests");
    Usage {
        input: count(told, &["input_tokens"]),
        output: count(told, &["output_tokens"]),
        cache_read: count(told, &["cache_read_input_tokens"]),
        cache_write: count(told, &["cache_creation_input_tokens"]),
        cache_write_hour: inside("cache_creation", "ephemeral_1h_input_tokens"),
        web_searches: match searches.get() {
            // Every call that could have searched reports 0.
            Some(0) | None => Tokens::NONE,
            Some(_) => searches,
        },
        ..Usage::NONE
    }
}

/// The prompt includes what was read from the cache; thoughts are counted separately from the candidates.
fn gemini(told: &Value) -> Usage {
    let cached = count(told, &["cachedContentTokenCount"]);
    let thoughts = count(told, &["thoughtsTokenCount"]);
    let prompt = count(told, &["promptTokenCount"]);
    Usage {
        input: without(prompt, cached) + count(told, &["toolUsePromptTokenCount"]),
        output: count(told, &["candidatesTokenCount"]) + thoughts,
        cache_read: cached,
        reasoning: thoughts,
        ..Usage::NONE
    }
}

fn count(told: &Value, names: &[&str]) -> Tokens {
    let found = names.iter().find_map(|name| told.get(name)?.as_u64());
    found.map_or(Tokens::NONE, Tokens::from)
}

fn without(all: Tokens, part: Tokens) -> Tokens {
    match (all.get(), part.get()) {
        (Some(all), Some(part)) => Tokens::from(all.saturating_sub(part)),
        _ => all,
    }
}
