//! Accounting for every byte of a source.

/// Bytes and lines of a source by what became of them. `bom + ok + bad + blank + partial == total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    pub total: u64,
    pub bom: u64,
    pub ok: u64,
    pub bad: u64,
    pub blank: u64,
    pub partial: u64,
    pub lines_ok: u64,
    pub lines_bad: u64,
    pub lines_blank: u64,
    pub lines_partial: u64,
    /// The part of `lines_ok` that a strict JSON reader would reject.
    pub lines_repaired: u64,
    /// The part of `lines_ok` that was found in lines that are not one record.
    pub lines_recovered: u64,
}

impl Account {
    pub fn add(&mut self, other: &Account) {
        self.total += other.total;
        self.bom += other.bom;
        self.ok += other.ok;
        self.bad += other.bad;
        self.blank += other.blank;
        self.partial += other.partial;
        self.lines_ok += other.lines_ok;
        self.lines_bad += other.lines_bad;
        self.lines_blank += other.lines_blank;
        self.lines_partial += other.lines_partial;
        self.lines_repaired += other.lines_repaired;
        self.lines_recovered += other.lines_recovered;
    }

    /// How many lines are malformed or incomplete.
    pub(super) fn unusable(&self) -> u64 {
        self.lines_bad + self.lines_partial
    }

    /// Takes back the last line, which was malformed or, at the end of the source, incomplete.
    pub(super) fn forget_unusable(&mut self, size: u64, last: bool) {
        if last {
            self.partial -= size;
            self.lines_partial -= 1;
        } else {
            self.bad -= size;
            self.lines_bad -= 1;
        }
    }
}
