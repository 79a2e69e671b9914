//! Why a path could not be opened or read.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Read {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}: {what}")]
    NotATrace { path: String, what: String },
    #[error("{path}: no known format (tried {tried}; use --format)")]
    NoFormat { path: String, tried: usize },
    #[error("'{name}' is not a format (known: {known})")]
    UnknownFormat { name: String, known: String },
    #[error("{pattern}: no file matches")]
    NoMatch { pattern: String },
    #[error("{path}: already open")]
    AlreadyOpen { path: String },
    #[error("{path}: {what}")]
    Prices { path: String, what: String },
}
