//! A part of a shared text.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// A text, or a part of one that others share.
#[derive(Clone, Default)]
pub struct Text {
    /// `None` for an empty text.
    whole: Option<Rc<str>>,
    start: u32,
    end: u32,
}

impl Text {
    #[inline]
    pub fn as_str(&self) -> &str {
        let whole = self.whole.as_deref().unwrap_or_default();
        whole
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// The part between two positions, which must be borders of characters.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Text {
        Text {
            whole: self.whole.clone(),
            start: self.start + start as u32,
            end: self.start + end as u32,
        }
    }

    /// Whether it is this text; quick if their lengths differ.
    #[inline]
    pub fn is(&self, text: &str) -> bool {
        (self.end - self.start) as usize == text.len() && self.as_str() == text
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text {
            whole: (!text.is_empty()).then(|| Rc::from(text)),
            start: 0,
            end: text.len() as u32,
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text::from(text.as_str())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}
