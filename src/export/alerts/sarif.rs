//! SARIF 2.1.0, as code scanning reads it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::rules::{Rule, Watches};
use crate::base::escape;
use crate::export::alerts::Document;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Debug, Serialize)]
pub struct Sarif {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Value; 1],
}

pub fn sarif(of: &Document<'_>) -> Sarif {
    let rules: Vec<Value> = of.rules.rules.iter().map(rule).collect();
    let results: Vec<Value> = of
        .report
        .alerts
        .iter()
        .map(|alert| {
            let (file, line) = of.place(alert);
            let related = alert.worst().evidence.iter().map(|ix| {
                let row = of.store.row(*ix);
                let spot = row.spot();
                let mut place = location(&spot.path.to_string_lossy(), spot.line);
                place["message"] = json!({"text": format!("#{}", row.seq())});
                place
            });
            json!({
                "ruleId": of.rule(alert.rule),
                "ruleIndex": alert.rule,
                "level": level(alert.level()),
                "message": {"text": of.sentence(alert)},
                "locations": [location(&file, line)],
                "relatedLocations": related.collect::<Vec<_>>(),
                "partialFingerprints": {"saferun": alert.key(of.rules)},
            })
        })
        .collect();
    Sarif {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [json!({
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        })],
    }
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": description(rule)},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

/// What a rule looks for, as a phrase.
fn description(rule: &Rule) -> String {
    match &rule.watches {
        Watches::Lane { limits, .. } => {
            let docs: Vec<&str> = limits.iter().map(|(it, _)| it.doc()).collect();
            docs.join("; ")
        }
        Watches::Budget(_) => "budget of a run".to_owned(),
        Watches::Outlier => "cost of a run against other runs".to_owned(),
        Watches::Drift => "creeping cost of runs".to_owned(),
        Watches::Rate { event, of } => format!("how often {event} happens among {of}"),
        Watches::Match { when, .. } => format!("actions that match {when}"),
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Trip => "error",
        Level::Warn => "warning",
        Level::Info => "note",
    }
}

fn location(path: &str, line: u32) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(path)},
        "region": {"startLine": line.max(1)},
    }})
}

/// A path as a URI reference; an absolute path gets the `file` scheme.
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let path = path.trim_start_matches("./");
    format!("{scheme}{}", escape::percent(path.as_bytes(), b"-._~/"))
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("./a b/c#1.jsonl"), "a%20b/c%231.jsonl");
        assert_eq!(uri("/tmp/ä.jsonl"), "file:///tmp/%C3%A4.jsonl");
    }
}
