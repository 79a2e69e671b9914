use serde_json::json;

use super::usage;
use crate::model::quantity::{Tokens, Usage};

#[track_caller]
fn check(of: &serde_json::Value, (input, cached, output): (u64, u64, u64)) {
    let found = usage(&of.into());
    let Usage {
        input: i,
        cache_read: c,
        output: o,
        ..
    } = found;
    assert_eq!(
        (i, c.or_zero(), o),
        (Tokens::from(input), cached, Tokens::from(output)),
        "{of}"
    );
}

#[test]
fn tokens_are_read_in_each_shape() {
    // OpenAI's shape: cached tokens are part of the prompt.
    let openai = json!({"prompt_tokens": 300, "completion_tokens": 44, "prompt_tokens_details": {"cached_tokens": 128}});
    check(&openai, (172, 128, 44));
    // Disjoint buckets.
    let buckets = json!({"input": 172, "input_cache_read": 128, "output": 28, "output_reasoning": 16, "total": 344});
    check(&buckets, (172, 128, 44));
    // Buckets of which one is part of another.
    let overlapping =
        json!({"input": 300, "prompt_details.cache_read": 128, "output": 44, "total": 344});
    check(&overlapping, (172, 128, 44));
    check(
        &json!({"input": 31, "output": 96, "total": 127}),
        (31, 0, 96),
    );
}
