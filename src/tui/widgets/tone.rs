//! What a piece of text is; the theme gives it a style.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Faint,
    Strong,
    Key,
    String,
    Number,
    Good,
    Bad,
    Waiting,
    /// What changed inside a line that came.
    Added,
    /// What changed inside a line that went.
    Removed,
}

/// One line of sanitised text in pieces.
pub type Line = Vec<(Tone, String)>;
