//! An action opened in full: everything that stays on disk until someone looks at it.

use serde_json::Value;

/// The contents of one action, decoded from its record (and the record of its result).
///
/// All of it is raw trace content and goes through `base::text` before it is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    /// The id and parent id in the trace, as text.
    pub id: Option<String>,
    pub parent_id: Option<String>,
    /// Arguments of a tool call. A string that is not JSON stays a string.
    pub args: Option<Value>,
    /// The result of a tool.
    pub result: Option<Value>,
    /// The text of a prompt, response, reasoning or note.
    pub text: Option<String>,
    /// The tool calls of a model call whose row has no text of its own.
    pub asks: Vec<String>,
    pub error: Option<ErrorText>,
    /// The decisions of policies, in recorded order; parallel to the decisions in `Outcomes::attached`.
    pub decisions: Vec<DecisionText>,
    pub approvals: Vec<ApprovalText>,
    pub labels: Vec<(String, String)>,
    /// The writers that recorded this action, in a trace that several of them append to.
    pub via: Vec<String>,
    /// The result as the model saw it, if that is not what the tool returned.
    pub seen: Option<String>,
    /// The whole record as JSON, for fields that no view knows; `None` if it is not JSON.
    pub record: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ErrorText {
    pub kind: Option<String>,
    pub message: String,
    pub stack: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecisionText {
    pub policy: Option<String>,
    pub rule: Option<String>,
    pub decision: Option<String>,
    pub mode: Option<String>,
    pub reason: Option<String>,
    pub matched: Vec<Matched>,
}

/// A matched condition of a policy: `path op value`, and the actual value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matched {
    pub path: String,
    pub op: String,
    pub value: Option<Value>,
    pub actual: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApprovalText {
    pub state: Option<String>,
    pub by: Option<String>,
    pub reason: Option<String>,
    /// What the person was shown and answered, as recorded.
    pub args: Option<Value>,
}

/// A value that a call ran with, and the one that was approved in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its name among the arguments; empty for all of them.
    pub name: String,
    pub approved: Value,
    pub ran: Value,
}

impl ApprovalText {
    /// How the approved arguments differ from those of the call; `None` if they cannot be compared. A name that only one
    /// side has proves nothing: recorders leave out what they do not show.
    pub fn differences(&self, called: Option<&Value>) -> Option<Vec<Difference>> {
        let approved = self.args.as_ref()?;
        match (approved, called?) {
            (Value::Object(approved), Value::Object(called)) => {
                let common: Vec<(&String, &Value, &Value)> = approved
                    .iter()
                    .filter_map(|(name, value)| Some((name, value, called.get(name)?)))
                    .collect();
                let differ = common.iter().filter(|(_, approved, ran)| approved != ran);
                let found = differ.map(|(name, approved, ran)| Difference {
                    name: (*name).clone(),
                    approved: (*approved).clone(),
                    ran: (*ran).clone(),
                });
                (!common.is_empty()).then(|| found.collect())
            }
            (Value::Array(_) | Value::String(_), Value::Object(called)) => {
                let (name, ran) = COMMANDS
                    .iter()
                    .find_map(|name| Some((*name, called.get(*name)?)))?;
                Some(differing(name, approved, ran))
            }
            (approved, called) => Some(differing("", approved, called)),
        }
    }
}

/// Where calls of a shell keep their line.
const COMMANDS: &[&str] = &["command", "cmd"];

fn differing(name: &str, approved: &Value, ran: &Value) -> Vec<Difference> {
    if approved == ran || is_same_line(approved, ran) || is_same_line(ran, approved) {
        return Vec::new();
    }
    vec![Difference {
        name: name.to_owned(),
        approved: approved.clone(),
        ran: ran.clone(),
    }]
}

/// Whether `["bash", "-lc", "make a"]` or `["make", "a"]` is the line `make a`.
fn is_same_line(words: &Value, line: &Value) -> bool {
    let (Value::Array(words), Value::String(line)) = (words, line) else {
        return false;
    };
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    words.last().is_some_and(|last| last == line) || words.join(" ") == *line
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ApprovalText;

    #[track_caller]
    fn check(approved: &Value, called: &Value, names: Option<&[&str]>) {
        let text = ApprovalText {
            args: Some(approved.clone()),
            ..ApprovalText::default()
        };
        let found = text.differences(Some(called));
        let found = found.as_ref().map(|all| all.iter().map(|it| &*it.name));
        assert_eq!(found.map(Iterator::collect::<Vec<_>>).as_deref(), names);
    }

    #[test]
    fn only_names_that_both_sides_have_are_compared() {
        let called = json!({"amount": 4200, "order": "8841"});
        check(&json!({"amount": 420}), &called, Some(&["amount"]));
        check(&json!({"amount": 4200}), &called, Some(&[]));
        check(&json!({"sum": 420}), &called, None);
    }

    #[test]
    fn a_command_is_the_same_as_words_and_as_a_line() {
        let called = json!({"command": "make a"});
        check(&json!(["bash", "-lc", "make a"]), &called, Some(&[]));
        check(&json!(["make", "a"]), &called, Some(&[]));
        check(&json!("make a"), &called, Some(&[]));
        check(&json!(["make", "b"]), &called, Some(&["command"]));
        check(&json!("x"), &json!("y"), Some(&[""]));
        check(&json!(["x"]), &json!({"path": "y"}), None);
    }
}
