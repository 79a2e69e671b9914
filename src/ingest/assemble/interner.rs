//! Numbers for names.

use std::collections::HashMap;

use crate::model::symbol::Sym;

/// Numbers each name once and hands out new names in order.
#[derive(Debug, Default)]
pub(super) struct Interner {
    numbers: HashMap<Box<[u8]>, Sym, foldhash::fast::RandomState>,
    names: Vec<Box<str>>,
    sent: usize,
}

impl Interner {
    pub(super) fn symbol(&mut self, name: &[u8]) -> Sym {
        if name.is_empty() {
            return Sym::NONE;
        }
        if let Some(&known) = self.numbers.get(name) {
            return known;
        }
        // Symbols are 32 bits; a trace with more names than that is noise.
        let Ok(number) = u32::try_from(self.names.len() + 1) else {
            return Sym::NONE;
        };
        self.numbers.insert(name.into(), Sym(number));
        self.names.push(String::from_utf8_lossy(name).into());
        Sym(number)
    }

    pub(super) fn name(&self, symbol: Sym) -> &str {
        (symbol.0 as usize)
            .checked_sub(1)
            .and_then(|index| self.names.get(index))
            .map_or("", |name| name)
    }

    /// The names added since the last call, in the order of their numbers.
    pub(super) fn take_new(&mut self) -> Vec<Box<str>> {
        let new = self.names[self.sent..].to_vec();
        self.sent = self.names.len();
        new
    }
}
