//! Every field of the filter language. To add one: a line here, and its getter in
//! `compile/fields.rs`.

use crate::model::action::Kind;

/// What the values of a field look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Kind,
    Status,
    Verdict,
    /// What a policy would do.
    Effect,
    /// A short name, matched whole.
    Name,
    /// Long text. `:` searches for the pattern anywhere in it.
    Text,
    Count,
    /// A number that may have a fraction.
    Score,
    Money,
    Duration,
    /// `yes` or `no`.
    Flag,
    /// Any JSON value, text or number.
    Json,
    /// Only usable after `has:`.
    Presence,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    pub field: Field,
    pub name: &'static str,
    pub shape: Shape,
    /// One line of help.
    pub doc: &'static str,
    pub aliases: &'static [&'static str],
    /// Whether it describes the run as a whole when runs are filtered.
    pub of_run: bool,
}

macro_rules! fields {
    ($($field:ident $name:literal $shape:ident $reach:ident [$($alias:literal),*] $doc:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Field { $($field),* }

        /// In the order of the help.
        pub static FIELDS: &[Info] = &[$(Info {
            field: Field::$field,
            name: $name,
            shape: Shape::$shape,
            doc: $doc,
            aliases: &[$($alias),*],
            of_run: matches!(Reach::$reach, Reach::Run),
        }),*];
    };
}

enum Reach {
    Action,
    Run,
}

fields! {
    Kind        "kind"         Kind     Action ["type"] "kind of action: tool, model, prompt, reasoning, error, note, …";
    Tool        "tool"         Name     Action ["name"] "name of the tool";
    Class       "class"        Name     Action [] "what the tool does: shell, read, write, net, mcp, agent, other";
    Command     "command"      Text     Action [] "command line that a shell call runs";
    Agent       "agent"        Name     Run    [] "name of the agent";
    Model       "model"        Name     Run    [] "name of the model";
    Provider    "provider"     Name     Run    [] "provider of the model";
    User        "user"         Name     Run    [] "user the agent ran for";
    Run         "run"          Name     Run    ["session", "trace"] "id of the run";
    Turn        "turn"         Count    Run    [] "number of the turn; for runs, the number of turns";
    Seq         "seq"          Count    Action [] "number of the action within its run";
    Status      "status"       Status   Run    ["outcome"] "ok, error, blocked, denied, pending, timeout, cancelled; for runs also running, unfinished";
    Policy      "policy"       Name     Action [] "policy that made a decision";
    Rule        "rule"         Name     Action [] "rule of that policy";
    Decision    "decision"     Verdict  Action ["verdict"] "allow, block, require_approval, approved, denied, …";
    Approver    "approver"     Name     Action [] "who approved or denied";
    Wait        "wait"         Duration Action [] "how long a person took to answer";
    Differs     "approved-differs" Flag Action [] "whether it ran with other arguments than were approved";
    Cost        "cost"         Money    Run    ["price"] "dollars";
    TokensIn    "tokens.in"    Count    Run    ["tokens.input"] "input tokens, without cache";
    TokensOut   "tokens.out"   Count    Run    ["tokens.output"] "output tokens";
    TokensCache "tokens.cache" Count    Run    [] "tokens read from or written to the prompt cache";
    TokensTotal "tokens.total" Count    Run    ["tokens"] "all tokens";
    Latency     "latency"      Duration Run    ["duration", "took"] "duration";
    Retry       "retry"        Flag     Action [] "whether it retries the call that failed before it";
    Inferred    "inferred"     Flag     Action [] "whether the status was inferred from the text of the result";
    Parent      "parent"       Count    Action ["of"] "number (seq) of the action that caused it";
    Lane        "lane"         Count    Action [] "0 for the main agent, 1 and up for subagents";
    Text        "text"         Text     Action [] "text of a prompt, response, reasoning or note";
    Error       "error"        Text     Action [] "kind and message of an error";
    File        "file"         Name     Run    ["path"] "path or name of the file";
    Line        "line"         Count    Action [] "line in the file";
    Task        "task"         Name     Run    [] "task id, the same for runs of one task";
    Trial       "trial"        Name     Run    [] "number of the attempt at the task";
    Env         "env"          Name     Run    ["environment"] "environment";
    Service     "service"      Name     Run    [] "service";
    Release     "release"      Name     Run    ["version"] "release of the agent";
    Turns       "turns"        Count    Run    [] "number of turns in the run";
    Actions     "actions"      Count    Run    ["events"] "number of actions in the run";
    Calls       "calls"        Count    Run    [] "number of tool calls in the run";
    Errors      "errors"       Count    Run    [] "number of errors in the run";
    Retries     "retries"      Count    Run    [] "number of retries in the run";
    Score       "score"        Score    Run    [] "score of the run";
    Correct     "correct"      Flag     Run    ["right"] "whether the run was judged correct: correct:yes, correct:no";
    Alert       "alert"        Name     Action [] "rule of an alert that the action is evidence of";
    Would       "would"        Effect   Action [] "what the policy over the stream would do: deny, ask, allow, warn, unknown, error";
    Approval    "approval"     Presence Action [] "an approval was requested";
}

/// Families of fields, which continue with a name: `args.amount`.
pub const FAMILIES: &[(&str, &str)] = &[
    (
        "args",
        "an argument of the call: args.amount, args.items[*].price",
    ),
    ("result", "a value in the result: result.status"),
    ("label", "a label of the record: label.team"),
];

/// Words that look like fields but have their own meaning.
pub const SPECIAL: &[(&str, &str)] = &[
    ("is", "a state: is:error, is:blocked, is:retry"),
    ("has", "the field is recorded: has:cost, has:args.amount"),
    ("in", "where to search for words: in:(args|result|text)"),
    ("since", "no older than: since:10m, since:2026-02-11"),
    ("at", "time of day: at:14:02..14:05"),
];

/// Names people try for time, which is filtered with `at:` and `since:`.
pub const NAMES_OF_TIME: &[&str] = &["time", "ts", "timestamp", "date"];

/// Short names of kinds.
pub const KIND_NAMES: &[(&str, Kind)] = &[
    ("tool", Kind::ToolCall),
    ("call", Kind::ToolCall),
    ("model", Kind::Response),
    ("user", Kind::Prompt),
    ("thinking", Kind::Reasoning),
    ("policy", Kind::PolicyDecision),
    ("start", Kind::RunStart),
    ("end", Kind::RunEnd),
];

impl Field {
    pub fn info(self) -> &'static Info {
        &FIELDS[self as usize]
    }

    /// By name or alias, ignoring case.
    pub fn find(name: &str) -> Option<Field> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        FIELDS
            .iter()
            .find(|info| is(info.name) || info.aliases.iter().any(|alias| is(alias)))
            .map(|info| info.field)
    }
}

/// The known word closest to a mistyped one, if it is close enough.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let limit = match typed.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let near = known
        .into_iter()
        .map(|word| (distance(&typed, &word.to_lowercase()), word))
        .min_by_key(|(distance, _)| *distance);
    near.filter(|(distance, word)| *distance <= limit && *distance < word.len())
        .map(|(_, word)| word)
}

/// The names of all fields, families and special words.
pub fn names() -> impl Iterator<Item = &'static str> {
    let families = FAMILIES.iter().chain(SPECIAL).map(|(name, _)| *name);
    FIELDS.iter().map(|info| info.name).chain(families)
}

/// The number of edits from `a` to `b`, where swapping neighbours counts as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(40).collect(), b.chars().take(40).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}
