//! Recurring names (tools, agents, models), stored once and compared as numbers.

use std::sync::Arc;

/// A name in the symbol table of a store. [`Sym::NONE`] is "not recorded".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sym(pub u32);

impl Sym {
    pub const NONE: Sym = Sym(0);

    pub fn is_some(self) -> bool {
        self != Sym::NONE
    }
}

/// All names of a store by number. Append-only and cheap to clone: whole segments are shared.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    segments: Vec<Arc<Vec<Box<str>>>>,
    len: u32,
}

const SEGMENT: usize = 1024;

impl Symbols {
    /// The name of `sym`; empty for [`Sym::NONE`] and for unassigned numbers.
    pub fn name(&self, sym: Sym) -> &str {
        let Some(index) = (sym.0 as usize).checked_sub(1) else {
            return "";
        };
        self.segments
            .get(index / SEGMENT)
            .and_then(|segment| segment.get(index % SEGMENT))
            .map_or("", |name| name)
    }

    /// The number of names; symbols run from 1 to this number.
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds the next names, in the order in which the loader numbered them.
    pub fn extend(&mut self, names: impl IntoIterator<Item = Box<str>>) {
        for name in names {
            if (self.len as usize).is_multiple_of(SEGMENT) {
                self.segments.push(Arc::new(Vec::new()));
            }
            if let Some(last) = self.segments.last_mut() {
                Arc::make_mut(last).push(name);
                self.len += 1;
            }
        }
    }

    /// Every symbol with its name, in order of first occurrence.
    pub fn iter(&self) -> impl Iterator<Item = (Sym, &str)> {
        (1..=self.len).map(|number| (Sym(number), self.name(Sym(number))))
    }

    /// The symbol of an exact name. Linear: only for names that a person types.
    pub fn find(&self, name: &str) -> Option<Sym> {
        self.iter()
            .find(|(_, known)| *known == name)
            .map(|(sym, _)| sym)
    }
}
