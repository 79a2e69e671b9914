//! The supported APIs: their paths, and how each reports errors.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::act::net::server::{self, Answer};
use crate::export::answers::shape::Served;
use crate::export::answers::{chat, gemini, messages, ollama, responses};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Chat,
    Responses,
    Messages,
    Gemini,
    Ollama,
}

const EVENTS: &str = "text/event-stream; charset=utf-8";

impl Dialect {
    /// By the end of the path: clients put anything before it.
    pub(super) fn of(path: &str) -> Option<Dialect> {
        let path = path.strip_suffix("/count_tokens").unwrap_or(path);
        let last = path.rsplit('/').next().unwrap_or_default();
        let gemini = [":generateContent", ":streamGenerateContent", ":countTokens"];
        if path.ends_with("/chat/completions") {
            Some(Dialect::Chat)
        } else if last == "responses" {
            Some(Dialect::Responses)
        } else if last == "messages" {
            Some(Dialect::Messages)
        } else if path.ends_with("/api/chat") || path.ends_with("/api/generate") {
            Some(Dialect::Ollama)
        } else if gemini.iter().any(|end| last.ends_with(end)) {
            Some(Dialect::Gemini)
        } else {
            None
        }
    }

    /// Whether a stream is requested, however the answer was recorded.
    pub(super) fn is_streamed(self, path: &str, body: &Value) -> bool {
        match self {
            Dialect::Gemini => path.ends_with(":streamGenerateContent"),
            // It streams unless the request disables it.
            Dialect::Ollama => body["stream"] != false,
            Dialect::Chat | Dialect::Responses | Dialect::Messages => body["stream"] == true,
        }
    }

    /// The requested model; Gemini names it in the path.
    pub(super) fn model(self, path: &str, body: &Value) -> String {
        let named = match self {
            Dialect::Gemini => {
                let last = path.rsplit('/').next().unwrap_or_default();
                last.split(':').next()
            }
            Dialect::Chat | Dialect::Responses | Dialect::Messages | Dialect::Ollama => {
                body["model"].as_str()
            }
        };
        named.unwrap_or("replay").to_owned()
    }

    pub(super) fn whole(self, served: &Served<'_>) -> Value {
        match self {
            Dialect::Chat => chat::whole(served),
            Dialect::Responses => responses::whole(served),
            Dialect::Messages => messages::whole(served),
            Dialect::Gemini => gemini::whole(served),
            Dialect::Ollama => ollama::whole(served),
        }
    }

    /// The same as a stream, with its content type.
    pub(super) fn stream(self, served: &Served<'_>, query: Option<&str>) -> (&'static str, String) {
        match self {
            Dialect::Chat => (EVENTS, chat::stream(served)),
            Dialect::Responses => (EVENTS, responses::stream(served)),
            Dialect::Messages => (EVENTS, messages::stream(served)),
            Dialect::Gemini if query.is_some_and(|it| it.contains("alt=sse")) => {
                (EVENTS, gemini::stream(served))
            }
            Dialect::Gemini => ("application/json", gemini::array(served)),
            Dialect::Ollama => ("application/x-ndjson", ollama::stream(served)),
        }
    }

    pub(super) fn count(self, tokens: usize) -> Value {
        match self {
            Dialect::Gemini => json!({"totalTokens": tokens}),
            Dialect::Chat | Dialect::Responses | Dialect::Messages | Dialect::Ollama => {
                json!({"input_tokens": tokens})
            }
        }
    }

    /// An error in the vendor's shape, which agents print.
    pub(super) fn error(self, status: StatusCode, message: &str) -> Answer {
        let number = status.as_u16();
        let kind = match number {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        };
        let body = match self {
            Dialect::Messages => {
                json!({"type": "error", "error": {"type": kind, "message": message}})
            }
            Dialect::Gemini => {
                let word = match number {
                    429 => "RESOURCE_EXHAUSTED",
                    500.. => "INTERNAL",
                    _ => "FAILED_PRECONDITION",
                };
                json!({"error": {"code": number, "status": word, "message": message}})
            }
            Dialect::Ollama => json!({"error": message}),
            Dialect::Chat | Dialect::Responses => {
                let code = message
                    .starts_with("saferun replay miss")
                    .then_some("saferun_replay_miss");
                json!({"error": {"message": message, "type": kind, "code": code, "param": null}})
            }
        };
        server::json(status, &body)
    }
}

/// Whether a path asks for the size of a request, not for an answer.
pub(super) fn counts_tokens(path: &str) -> bool {
    path.ends_with("/count_tokens") || path.ends_with(":countTokens")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_distinguished_by_their_end() {
        let check = |path: &str, dialect| assert_eq!(Dialect::of(path), dialect, "{path}");
        check("/openai/v1/chat/completions", Some(Dialect::Chat));
        check("/v1/responses", Some(Dialect::Responses));
        check("/anthropic/v1/messages", Some(Dialect::Messages));
        check("/anthropic/messages", Some(Dialect::Messages));
        check("/v1/messages/count_tokens", Some(Dialect::Messages));
        check(
            "/v1beta/models/gemini-x:streamGenerateContent",
            Some(Dialect::Gemini),
        );
        check("/ollama/api/chat", Some(Dialect::Ollama));
        check("/v1/embeddings", None);
        check("/v1/completions", None);
    }
}
