use std::collections::HashSet;
use std::path::Path;

use super::{PriceTable, table};
use crate::model::quantity::{Cost, Tokens, Usage};

fn usage(input: u64, output: u64) -> Usage {
    Usage {
        input: Tokens(input),
        output: Tokens(output),
        ..Usage::NONE
    }
}

#[track_caller]
fn check(model: &str, usage: &Usage, usd: f64) {
    let cost = PriceTable::built_in().estimate(model, usage);
    assert_eq!(cost, Cost::from_usd(usd), "{model}");
}

#[track_caller]
fn check_unknown(model: &str) {
    let cost = PriceTable::built_in().estimate(model, &usage(1, 1));
    assert_eq!(cost, Cost::NONE, "{model}");
}

fn with_file(text: &str) -> Result<PriceTable, String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("prices.toml");
    std::fs::write(&path, text).expect("the folder is writable");
    PriceTable::built_in().with_file(&path).map_err(|error| {
        error
            .to_string()
            .replace(&path.display().to_string(), "prices.toml")
    })
}

#[test]
fn prices_each_kind_of_token() {
    check("claude-sonnet-4-20250514", &usage(100, 10), 0.000_45);
    let cached = Usage {
        input: Tokens(3),
        output: Tokens(13),
        cache_read: Tokens(11_515),
        cache_write: Tokens(13_835),
        cache_write_hour: Tokens(13_835),
        reasoning: Tokens(9),
        web_searches: Tokens::NONE,
    };
    check("claude-opus-4-6", &cached, 0.144_447_5);
    let five_minutes = Usage {
        cache_write_hour: Tokens::NONE,
        ..cached
    };
    check("claude-opus-4-6", &five_minutes, 0.092_566_25);
}

#[test]
fn charges_more_for_a_long_prompt_if_the_vendor_does() {
    check("claude-sonnet-4-5", &usage(200_000, 1000), 0.615);
    check("claude-sonnet-4-5", &usage(200_001, 1000), 1.222_506);
    check("claude-sonnet-4-6", &usage(200_001, 1000), 0.615_003);
}

#[test]
fn recognizes_dated_and_prefixed_model_names() {
    let call = usage(1_000_000, 0);
    for name in [
        "gpt-4o",
        "gpt-4o-2024-08-06",
        "openai/gpt-4o",
        "openrouter/openai/gpt-4o",
        "GPT-4o-latest",
    ] {
        check(name, &call, 2.5);
    }
    for name in [
        "claude-opus-4-5-20251101",
        "anthropic/claude-opus-4.5",
        "us.anthropic.claude-opus-4-5-20251101-v1:0",
        "claude-opus-4-5@20251101",
        "claude-opus-4-8[1m]",
    ] {
        check(name, &call, 5.0);
    }
    check("gpt-4o-2024-05-13", &call, 5.0);
    check("gpt-5-chat-latest", &call, 1.25);
    check("models/gemini-2.5-flash", &call, 0.3);
}

#[test]
fn an_unknown_model_has_no_cost() {
    for name in [
        "gpt-4o-audio-preview",
        "gpt-5.6-sol",
        "claude-sonnet",
        "claude-opus-4-9",
        "ollama/gpt-4o",
        "gpt-4o:free",
        "gpt-4o-2024-08-061",
        "o1-20",
        "<synthetic>",
        "",
    ] {
        check_unknown(name);
    }
}

#[test]
fn a_call_without_recorded_tokens_has_no_cost() {
    let cost = PriceTable::built_in().estimate("gpt-4o", &Usage::NONE);
    assert_eq!(cost, Cost::NONE);
}

#[test]
fn huge_token_counts_saturate() {
    let huge = usage(u64::MAX - 1, u64::MAX - 1);
    let cost = PriceTable::built_in().estimate("gpt-4o", &huge);
    assert_eq!(cost, Cost(i64::MAX));
}

#[test]
fn no_model_has_two_prices() {
    let mut seen = HashSet::new();
    for name in table::ROWS.iter().flat_map(|row| row.names) {
        assert!(seen.insert(name), "{name} is listed twice");
    }
}

#[test]
fn a_file_adds_and_overrides_prices() {
    let prices = with_file("[\"my/own:model\"]\ninput = 1\noutput = 2.5\n[gpt-4o]\ninput = 0\noutput = 0\ncache_read = 0.5\n").expect("the file is valid");
    let call = usage(1_000_000, 1_000_000);
    assert_eq!(prices.estimate("my/own:model", &call), Cost::from_usd(3.5));
    assert_eq!(prices.estimate("gpt-4o", &call), Cost::from_usd(0.0));
    assert_eq!(prices.estimate("gpt-4o-mini", &call), Cost::from_usd(0.75));
    let writes = Usage {
        cache_write: Tokens(1_000_000),
        ..Usage::NONE
    };
    assert_eq!(
        prices.estimate("my/own:model", &writes),
        Cost::from_usd(1.0)
    );
}

#[test]
fn a_malformed_file_is_refused_with_its_line_and_the_valid_fields() {
    let unknown =
        with_file("[m]\ninput = 1\noutput = 2\ncached = 3\n").expect_err("the file is malformed");
    assert_eq!(
        unknown,
        "prices.toml: line 4: unknown field `cached`, expected one of `input`, `output`, `cache_read`, `cache_write`, `cache_write_hour`"
    );
    let negative = with_file("[m]\ninput = -1\noutput = 2\n").expect_err("the file is malformed");
    assert_eq!(
        negative,
        "prices.toml: line 2: -1 is not a price (US$ per million tokens, 0 to 1000000)"
    );
    let broken = with_file("[m]\ninput 1\n").expect_err("the file is malformed");
    assert!(broken.starts_with("prices.toml: line 2: "), "{broken}");
    let missing = PriceTable::default().with_file(Path::new("/nowhere/prices.toml"));
    assert!(
        missing
            .expect_err("the file is malformed")
            .to_string()
            .starts_with("/nowhere/prices.toml: ")
    );
}
