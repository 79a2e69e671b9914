//! The meaning of a program's tables: which sessions there are, and which rows are the lines of one.

/// How a program stores sessions in a database.
#[derive(Debug)]
pub struct Schema {
    /// The name of the format of its lines.
    pub format: &'static str,
    /// Where the databases are, relative to the home folder; `*` stands for any part of one name.
    pub places: &'static [&'static str],
    /// The tables by which it is recognised, with columns that they must have.
    pub tables: &'static [(&'static str, &'static [&'static str])],
    /// Lists sessions: id, id of the parent, time of the last change, title.
    pub sessions: &'static str,
    /// The lines of a session, one kind after the other.
    pub lines: &'static [Lines],
}

/// One kind of line in a session.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    /// The keys of its rows, in order; `?1` is the id of the session.
    pub keys: &'static str,
    /// The row with key `?1`. Its columns become the members of an object, except those that are NULL.
    pub row: &'static str,
    /// Columns that hold JSON, which is copied unchanged.
    pub json: &'static [&'static str],
    /// A column that is replaced by its members.
    pub spread: Option<&'static str>,
    /// The member that the object is put into.
    pub inside: Option<&'static str>,
    /// Further rows with key `?1`, composed alike, and the member that lists them.
    pub parts: Option<(&'static str, &'static str)>,
    /// A list in the row whose elements become separate lines, after that of the rest.
    pub split: Option<&'static str>,
    /// A row that contains none of these may still change, as long as it is the last one; if empty, none may.
    pub finished: &'static [&'static str],
}

impl Schema {
    /// How its program exports a session, if it can.
    pub(super) fn way_out(&self) -> &'static str {
        match self.format {
            "opencode" => " (opencode export)",
            _ => "",
        }
    }
}

impl Lines {
    /// Lines of whole rows.
    pub const fn of(keys: &'static str, row: &'static str) -> Lines {
        Lines {
            keys,
            row,
            json: &[],
            spread: None,
            inside: None,
            parts: None,
            split: None,
            finished: &[],
        }
    }

    /// Whether a line that is the last one will not change any more.
    pub(super) fn is_finished(&self, text: &[u8]) -> bool {
        let has = |mark: &&str| memchr::memmem::find(text, mark.as_bytes()).is_some();
        self.finished.is_empty() || self.finished.iter().any(has)
    }
}
