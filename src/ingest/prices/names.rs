//! The names of one model: with its provider, its date or its release.
//!
//! Never a loose prefix: `gpt-4o-audio` must not get the price of `gpt-4o`.

/// Providers that resell a model under its own name and at its list price. Providers that host models
/// themselves (`ollama/`, `groq/`) have prices of their own.
const PROVIDERS: &[&str] = &[
    "anthropic",
    "azure",
    "bedrock",
    "gemini",
    "google",
    "litellm_proxy",
    "minimax",
    "mistral",
    "mistralai",
    "models",
    "moonshot",
    "moonshot-ai",
    "moonshotai",
    "openai",
    "openrouter",
    "vertex_ai",
    "x-ai",
    "xai",
];

/// A mode that readers append to the name of a model.
const FAST: &str = "-fast";

/// The names to look up, the most exact first.
pub(super) fn forms(model: &str) -> Vec<String> {
    let mut forms = vec![model.to_owned()];
    let lower = model.trim().to_ascii_lowercase();
    let Some(bare) = without_provider(&lower) else {
        return forms;
    };
    let bare = without_release(bare);
    // The version of a Claude model is sometimes written with a dot.
    let bare = if bare.starts_with("claude") {
        bare.replace('.', "-")
    } else {
        bare.to_owned()
    };
    let (plain, mode) = match bare.strip_suffix(FAST) {
        Some(plain) => (plain, FAST),
        None => (&*bare, ""),
    };
    let undated = without_date(plain).map(|plain| format!("{plain}{mode}"));
    forms.push(bare);
    forms.extend(undated);
    forms
}

fn without_provider(name: &str) -> Option<&str> {
    let (path, last) = name.rsplit_once('/').unwrap_or(("", name));
    let known = |part: &str| {
        part.is_empty() || PROVIDERS.contains(&part) || part.starts_with("arn:aws:bedrock:")
    };
    if !path.split('/').all(known) {
        return None;
    }
    // Bedrock puts a region and the vendor before the name: `us.anthropic.claude-…`.
    let (region, model) = last.split_once("anthropic.").unwrap_or(("", last));
    let is_region = region.is_empty() || region.ends_with('.');
    is_region.then_some(model)
}

/// Strips the release of Bedrock (`-v1:0`) and the context size of Claude Code (`[1m]`).
fn without_release(name: &str) -> &str {
    let name = name.strip_suffix("[1m]").unwrap_or(name);
    let Some((head, release)) = name.rsplit_once("-v") else {
        return name;
    };
    let (major, minor) = release.split_once(':').unwrap_or((release, "0"));
    if is_number(major) && is_number(minor) && head.starts_with("claude") {
        head
    } else {
        name
    }
}

/// Strips `-latest`, `-20250929`, `@20250929` or `-2024-08-06`.
fn without_date(name: &str) -> Option<&str> {
    if let Some(head) = name.strip_suffix("-latest") {
        return Some(head);
    }
    if let Some((head, date)) = name.rsplit_once(['-', '@'])
        && date.len() == 8
        && date.starts_with("20")
        && is_number(date)
    {
        return Some(head);
    }
    let mut parts = name.rsplitn(4, '-');
    let (day, month, year, head) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_date = day.len() == 2
        && month.len() == 2
        && year.len() == 4
        && year.starts_with("20")
        && [day, month, year].into_iter().all(is_number);
    is_date.then_some(head)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
