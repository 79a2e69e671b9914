use serde_json::json;

use super::{InputDiff, ModelInput, compare};

fn input(model: &str, tools: &[&str], system: &str, temperature: f64) -> ModelInput {
    let tools = tools
        .iter()
        .map(|name| ((*name).to_owned(), json!({"name": name})));
    ModelInput {
        model: model.to_owned(),
        tools: Some(tools.collect()),
        system: Some(system.to_owned()),
        settings: Some([("temperature".to_owned(), json!(temperature))].into()),
    }
}

#[test]
fn describes_each_difference() {
    let a = input(
        "gpt-4o",
        &["read", "drop"],
        "Be kind.\nRefund at most 500.\n",
        0.0,
    );
    let b = input("gpt-5", &["read", "escalate"], "Be kind.\n", 1.0);
    assert_eq!(
        compare(&a, &b).words(),
        [
            "model gpt-4o → gpt-5",
            "tools +1 (escalate)",
            "tools −1 (drop)",
            "system prompt −1 line",
            "temperature 0.0 → 1.0",
        ]
    );
}

#[test]
fn names_what_is_equal_and_treats_unrecorded_as_unknown() {
    let a = input("gpt-5", &["read"], "Be kind.", 0.0);
    assert_eq!(
        compare(&a, &a).words(),
        ["same model, tools, system prompt, settings"]
    );
    let b = ModelInput {
        model: "gpt-5".to_owned(),
        settings: a.settings.clone(),
        ..ModelInput::default()
    };
    assert_eq!(
        compare(&a, &b).words(),
        [
            "same model, settings",
            "tools not recorded in B",
            "system prompt not recorded in B"
        ]
    );
    let nothing = compare(&ModelInput::default(), &ModelInput::default());
    assert_eq!(nothing.unrecorded.len(), 4);
    assert_ne!(nothing, InputDiff::default());
}
