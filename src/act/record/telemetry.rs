//! The variables that make agents and SDKs send their own telemetry.

/// Set unless the user has set them. `{}` stands for the address that receives telemetry.
const VARIABLES: &[(&str, &str)] = &[
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "{}"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_LOGS_EXPORTER", "otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_BSP_SCHEDULE_DELAY", "500"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "500"),
    ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"),
    ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
    ("OTEL_LOG_USER_PROMPTS", "1"),
    ("OTEL_LOG_TOOL_DETAILS", "1"),
    ("OTEL_LOG_TOOL_CONTENT", "1"),
    ("OTEL_LOG_ASSISTANT_RESPONSES", "1"),
    ("COPILOT_OTEL_ENABLED", "true"),
    ("GEMINI_TELEMETRY_ENABLED", "true"),
    ("GEMINI_TELEMETRY_TARGET", "local"),
    ("GEMINI_TELEMETRY_OTLP_PROTOCOL", "http"),
    ("GEMINI_TELEMETRY_OTLP_ENDPOINT", "{}"),
    ("GEMINI_TELEMETRY_LOG_PROMPTS", "true"),
    ("QWEN_TELEMETRY_ENABLED", "true"),
    ("QWEN_TELEMETRY_TARGET", "local"),
    ("QWEN_TELEMETRY_OTLP_PROTOCOL", "http"),
    ("QWEN_TELEMETRY_OTLP_ENDPOINT", "{}"),
    ("QWEN_TELEMETRY_LOG_PROMPTS", "true"),
];

pub(super) fn variables(
    endpoint: &str,
    is_set: impl Fn(&str) -> bool,
) -> Vec<(&'static str, String)> {
    let unset = VARIABLES.iter().filter(|(name, _)| !is_set(name));
    unset
        .map(|(name, value)| (*name, value.replace("{}", endpoint)))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_user_has_set_stays() {
        let all = super::variables("http://here/otlp", |name| name == "OTEL_LOGS_EXPORTER");
        let value = |name: &str| all.iter().find(|(known, _)| *known == name);
        let endpoint = value("OTEL_EXPORTER_OTLP_ENDPOINT").map(|(_, value)| value.as_str());
        assert_eq!(endpoint, Some("http://here/otlp"));
        assert!(value("OTEL_LOGS_EXPORTER").is_none());
    }
}
