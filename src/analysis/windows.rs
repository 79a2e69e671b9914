//! Context windows of models, where they are the same for every user.

/// By prefix of the model name; the first match wins.
const WINDOWS: &[(&str, u64)] = &[
    ("claude-", 200_000),
    ("gpt-3.5", 16_385),
    ("gpt-4.1", 1_047_576),
    ("gpt-4o", 128_000),
    ("gpt-4-turbo", 128_000),
    ("gpt-4-32k", 32_768),
    ("gpt-4", 8_192),
    ("gpt-5", 272_000),
    ("o1", 200_000),
    ("o3", 200_000),
    ("o4", 200_000),
    ("gemini-", 1_048_576),
];

/// The context window in tokens, if known.
pub fn window(model: &str) -> Option<u64> {
    // Gateways prepend the provider's name.
    let name = model.rsplit('/').next().unwrap_or(model);
    let found = WINDOWS.iter().find(|(prefix, _)| name.starts_with(prefix));
    found.map(|(_, tokens)| *tokens)
}
