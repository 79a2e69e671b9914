//! An action opened in full: what stays on disk until someone looks at it.

use serde_json::Value;

/// The contents of one action, decoded from its record (and the record of its result).
///
/// Everything here is raw trace content: it passes `base::text` before it is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    /// The id and parent id that the trace gives, as text.
    pub id: Option<String>,
    pub parent_id: Option<String>,
    /// Arguments of a tool call. A string that is not JSON stays a string.
    pub args: Option<Value>,
    /// What a tool returned.
    pub result: Option<Value>,
    /// The text of a prompt, response, reasoning or note.
    pub text: Option<String>,
    /// Tools that a model call asked for, where its row has no text of its own.
    pub asks: Vec<String>,
    pub error: Option<ErrorText>,
    /// What policies said, in the order recorded; parallel to `Outcomes::attached` decisions.
    pub decisions: Vec<DecisionText>,
    pub approvals: Vec<ApprovalText>,
    pub labels: Vec<(String, String)>,
    /// The whole record as JSON, for fields that no view knows; `None` when it is not JSON.
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

/// One condition of a policy that matched: `path op value`, and the value it met.
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
