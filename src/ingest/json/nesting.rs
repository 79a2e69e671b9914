//! Skips nested values without recursion, because traces may nest arbitrarily deep.

/// The open brackets: one bit each for the first levels, a vector beyond.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    near: u64,
    far: Vec<bool>,
    pub(super) len: usize,
}

impl Nesting {
    #[inline]
    pub(super) fn push(&mut self, object: bool) {
        if self.len < 64 {
            self.near = (self.near & !(1 << self.len)) | (u64::from(object) << self.len);
        } else {
            self.far.push(object);
        }
        self.len += 1;
    }

    #[inline]
    pub(super) fn pop(&mut self) {
        self.len -= 1;
        if self.len >= 64 {
            self.far.pop();
        }
    }

    #[inline]
    pub(super) fn top(&self) -> Option<bool> {
        match self.len {
            0 => None,
            1..=64 => Some(self.near >> (self.len - 1) & 1 == 1),
            _ => self.far.last().copied(),
        }
    }
}
