//! How much of a request can be compared with the recording.

use crate::ingest::format::Sent;
use crate::ingest::formats::Format;

/// Strict to loose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The body of the request is recorded.
    Recorded,
    /// The whole conversation is recorded with the call, but not the body.
    Conversation,
    /// Every message is in the trace, but not the request.
    Whole,
    /// Only the order of the calls is certain.
    Order,
}

impl Class {
    pub const ALL: &[Class] = &[
        Class::Recorded,
        Class::Conversation,
        Class::Whole,
        Class::Order,
    ];

    /// For calls whose own record does not contain the request.
    pub fn of_format(format: &dyn Format) -> Class {
        match format.sent() {
            Sent::Messages => Class::Whole,
            Sent::Bodies | Sent::Conversations | Sent::Order | Sent::Nothing => Class::Order,
        }
    }

    pub fn letter(self) -> &'static str {
        match self {
            Class::Recorded => "A",
            Class::Conversation => "B",
            Class::Whole => "C",
            Class::Order => "D",
        }
    }

    /// What is recorded, and what is therefore compared.
    pub fn words(self) -> &'static str {
        match self {
            Class::Recorded => "requests are recorded, and compared whole",
            Class::Conversation => {
                "conversations are recorded with each call: roles, texts, calls and results are compared, tools by name; \
                 parameters are not"
            }
            Class::Whole => {
                "all messages are recorded: roles, texts, calls and results are compared; schemas and parameters are not"
            }
            Class::Order => {
                "answers by order: requests are not recorded; texts of the user and results of tools are looked at, \
                 system prompt, tools and parameters are not"
            }
        }
    }
}

/// The best class that traces of a format can have, for the table of formats.
pub fn letter(format: &dyn Format) -> &'static str {
    match format.sent() {
        Sent::Bodies => Class::Recorded.letter(),
        Sent::Conversations => Class::Conversation.letter(),
        Sent::Messages => Class::Whole.letter(),
        Sent::Order => Class::Order.letter(),
        Sent::Nothing => "no",
    }
}
