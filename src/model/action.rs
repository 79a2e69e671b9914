//! The vocabulary of one row of the stream: what an agent did.

/// The index of an action in its store, from 0 in load order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionIx(pub u32);

impl Default for ActionIx {
    fn default() -> ActionIx {
        ActionIx::NONE
    }
}

impl ActionIx {
    pub const NONE: ActionIx = ActionIx(u32::MAX);

    pub fn get(self) -> Option<ActionIx> {
        (self != ActionIx::NONE).then_some(self)
    }
}

/// The index of a source (a file, standard input or a bundled sample) in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceIx(pub u32);

/// Where a record lies in its source, and which part of it an action is.
///
/// `part` counts the actions inside one record from 0 (a transcript line may hold several blocks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    pub offset: u64,
    pub len: u32,
    pub part: u16,
}

impl Place {
    /// No record: the trace does not have it.
    pub const NONE: Place = Place {
        offset: 0,
        len: 0,
        part: 0,
    };

    pub fn is_some(&self) -> bool {
        self.len > 0
    }
}

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The machine word, for JSON output and the query language.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            pub fn from_word(word: &str) -> Option<$name> {
                $name::from_bytes(word.as_bytes())
            }

            pub fn from_bytes(word: &[u8]) -> Option<$name> {
                let is_it = |it: &$name| it.word().as_bytes() == word;
                $name::ALL.iter().copied().find(is_it)
            }
        }
    };
}

vocabulary! {
    /// The kind of action that a row is.
    Kind {
        Prompt = "prompt",
        Response = "response",
        Reasoning = "reasoning",
        ToolCall = "tool_call",
        /// A decision whose action is unknown.
        PolicyDecision = "policy_decision",
        /// An approval whose action is unknown.
        Approval = "approval",
        Error = "error",
        Note = "note",
        RunStart = "run_start",
        RunEnd = "run_end",
        /// A line that could not be parsed.
        Malformed = "malformed",
        /// A well-formed record of a type that this format does not define.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// How an action ended.
    Status {
        /// Not recorded, or the kind of action has no outcome. Shown as `—`, never as ok.
        Unrecorded = "",
        Ok = "ok",
        Error = "error",
        /// Stopped by a policy.
        Blocked = "blocked",
        /// Refused by a person.
        Denied = "denied",
        /// A call without a result so far.
        Pending = "pending",
        Timeout = "timeout",
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// The verdict of a policy or a person on an action.
    Verdict {
        Unrecorded = "",
        Allow = "allow",
        Block = "block",
        RequireApproval = "require_approval",
        Redact = "redact",
        Warn = "warn",
        Requested = "requested",
        Approved = "approved",
        Denied = "denied",
        Expired = "expired",
    }
}

/// A set of yes/no properties of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u32);

impl Flags {
    pub const NONE: Flags = Flags(0);
    /// Repeats a call of the same tool with the same arguments that failed just before.
    pub const RETRY: Flags = Flags(1);
    /// The cost was calculated from tokens and a price table.
    pub const ESTIMATED: Flags = Flags(1 << 1);
    /// The line has bytes that are not UTF-8; they are shown as U+FFFD.
    pub const BAD_UTF8: Flags = Flags(1 << 2);
    /// The line has a lone surrogate; it is shown as U+FFFD.
    pub const LONE_SURROGATE: Flags = Flags(1 << 3);
    /// Nested deeper than 127 levels; kept raw.
    pub const TOO_DEEP: Flags = Flags(1 << 4);
    /// A key occurs twice in one object; the last one wins.
    pub const DUPLICATE_KEY: Flags = Flags(1 << 5);
    /// A number was negative, too large, or not a number at all; it is ignored.
    pub const BAD_NUMBER: Flags = Flags(1 << 6);
    /// The last line of the file, incomplete and without a line feed.
    pub const INCOMPLETE: Flags = Flags(1 << 7);
    /// At least one policy decision is attached.
    pub const HAS_POLICY: Flags = Flags(1 << 8);
    /// At least one approval is attached.
    pub const HAS_APPROVAL: Flags = Flags(1 << 9);
    /// Injected by the harness rather than typed by the user: shown, but starts no turn.
    pub const META: Flags = Flags(1 << 10);
    /// Letters are written as `\u00XX`, so a raw byte search cannot rule this record out.
    pub const ESCAPED_ASCII: Flags = Flags(1 << 11);
    /// More text of the model call that an earlier row represents.
    pub const CONTINUED: Flags = Flags(1 << 12);
    /// A second result arrived for this call.
    pub const SECOND_RESULT: Flags = Flags(1 << 13);
    /// The row represents a model call of which only the parts are recorded (no text of its own).
    pub const IMPLIED: Flags = Flags(1 << 14);
    /// The record has an error message.
    pub const HAS_ERROR: Flags = Flags(1 << 15);
    /// Waiting for a person: an approval was requested and not answered.
    pub const WAITING: Flags = Flags(1 << 16);
    /// A byte order mark before a line other than the first.
    pub const STRAY_BOM: Flags = Flags(1 << 17);

    /// The status is inferred from words of the result, because no field of the trace states it.
    pub const INFERRED: Flags = Flags(1 << 18);

    /// Copied from another session, where it counts.
    pub const COPIED: Flags = Flags(1 << 19);

    /// A call that the recorder saw run without any hook being asked.
    pub const UNGUARDED: Flags = Flags(1 << 20);

    /// The recorder left out a part of the record because it was too large.
    pub const SHORTENED: Flags = Flags(1 << 21);

    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    #[must_use]
    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    #[must_use]
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    pub fn set(&mut self, other: Flags) {
        self.0 |= other.0;
    }

    /// Everything that a strict JSON reader would reject.
    pub const LENIENT: Flags =
        Flags(Flags::BAD_UTF8.0 | Flags::LONE_SURROGATE.0 | Flags::TOO_DEEP.0 | Flags::STRAY_BOM.0);
}
