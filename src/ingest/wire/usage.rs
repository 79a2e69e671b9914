//! Tokens, as each API counts them.

use serde_json::Value;

use super::Api;
use crate::model::quantity::{Tokens, Usage};

pub(super) fn read(api: Api, counts: &Value) -> Usage {
    match api {
        Api::Chat | Api::Responses => openai(counts),
        Api::Messages => anthropic(counts),
        Api::Gemini => gemini(counts),
        Api::Ollama => Usage {
            input: count(counts, &["prompt_eval_count"]),
            output: count(counts, &["eval_count"]),
            ..Usage::NONE
        },
    }
}

/// Prompt tokens include those read from the cache.
fn openai(counts: &Value) -> Usage {
    let within = |names: [&str; 2], name: &str| {
        let mut details = names.iter().filter_map(|it| counts.get(it));
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
        None => count(counts, &["prompt_cache_hit_tokens", "cached_tokens"]),
    };
    Usage {
        input: without(count(counts, &["prompt_tokens", "input_tokens"]), cached),
        output: count(counts, &["completion_tokens", "output_tokens"]),
        cache_read: cached,
        reasoning: within(
            ["completion_tokens_details", "output_tokens_details"],
            "reasoning_tokens",
        ),
        ..Usage::NONE
    }
}

fn anthropic(counts: &Value) -> Usage {
    let inside = |outer: &str, name: &str| {
        let found = counts.get(outer);
        found.map_or(Tokens::NONE, |it| count(it, &[name]))
    };
    let searches = inside("server_tool_use", "web_search_requests");
    Usage {
        input: count(counts, &["input_tokens"]),
        output: count(counts, &["output_tokens"]),
        cache_read: count(counts, &["cache_read_input_tokens"]),
        cache_write: count(counts, &["cache_creation_input_tokens"]),
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
fn gemini(counts: &Value) -> Usage {
    let cached = count(counts, &["cachedContentTokenCount"]);
    let thoughts = count(counts, &["thoughtsTokenCount"]);
    let prompt = count(counts, &["promptTokenCount"]);
    Usage {
        input: without(prompt, cached) + count(counts, &["toolUsePromptTokenCount"]),
        output: count(counts, &["candidatesTokenCount"]) + thoughts,
        cache_read: cached,
        reasoning: thoughts,
        ..Usage::NONE
    }
}

fn count(counts: &Value, names: &[&str]) -> Tokens {
    let found = names.iter().find_map(|name| counts.get(name)?.as_u64());
    found.map_or(Tokens::NONE, Tokens::from)
}

fn without(all: Tokens, part: Tokens) -> Tokens {
    match (all.get(), part.get()) {
        (Some(all), Some(part)) => Tokens::from(all.saturating_sub(part)),
        _ => all,
    }
}
