//! A request, and the forms in which it is compared with recorded ones. Each is made when it is needed, once.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::analysis::tape::contents::RequestContents;
use crate::analysis::tape::norm::{self, Ignored};
use crate::analysis::tape::player::Mode;

#[derive(Debug, Clone)]
pub struct ParsedRequest {
    pub body: Arc<Value>,
    contents: OnceLock<RequestContents>,
    /// As it is compared with recorded bodies: exactly, and without noise.
    normal: OnceLock<Value>,
    quiet: OnceLock<Value>,
    digest: OnceLock<u64>,
}

impl ParsedRequest {
    pub fn new(body: Value) -> ParsedRequest {
        ParsedRequest {
            body: Arc::new(body),
            contents: OnceLock::new(),
            normal: OnceLock::new(),
            quiet: OnceLock::new(),
            digest: OnceLock::new(),
        }
    }

    pub(super) fn contents(&self) -> &RequestContents {
        self.contents
            .get_or_init(|| RequestContents::of(&self.body))
    }

    /// A hash of all that a mode compares: equal digests, equal requests.
    pub(super) fn digest(&self, mode: Mode, ignored: &[Ignored]) -> u64 {
        *self.digest.get_or_init(|| match mode {
            Mode::Order | Mode::Hash => norm::hash(&self.body, ignored),
            Mode::Content | Mode::Loose => self.contents().hash(),
        })
    }

    pub(super) fn normal(&self, ignored: &[Ignored]) -> &Value {
        self.normal.get_or_init(|| norm::norm(&self.body, ignored))
    }

    pub(super) fn quiet(&self, ignored: &[Ignored]) -> &Value {
        let normal = || norm::quiet(self.normal(ignored));
        self.quiet.get_or_init(normal)
    }
}
