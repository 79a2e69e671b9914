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
