//! Recorded answers as bodies of the model APIs, whole or as streams.

pub mod chat;
pub mod gemini;
pub mod messages;
pub mod ollama;
pub mod responses;
pub mod shape;
