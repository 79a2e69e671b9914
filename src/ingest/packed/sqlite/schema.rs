//! The meaning of a program's tables: which sessions there are, and which rows are the lines of one.

use rusqlite::Connection;

use crate::ingest::formats::FORMATS;

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
    fn way_out(&self) -> &'static str {
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

/// All schemas that formats declare.
pub fn all() -> impl Iterator<Item = &'static Schema> {
    FORMATS.iter().flat_map(|format| format.stores())
}

/// The schemas that the tables of a database fit, in the order of the formats.
///
/// Only ordinary tables and columns count: views, virtual tables and generated columns run code of the file's author.
pub(super) fn of(connection: &Connection) -> rusqlite::Result<Vec<&'static Schema>> {
    let mut statement = connection.prepare(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND sql NOT LIKE 'create virtual%'",
    )?;
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let mut found = Vec::new();
    for schema in all() {
        let mut fits = true;
        for (table, wanted) in schema.tables {
            let count: i64 = statement.query_row([table], |row| row.get(0))?;
            let names = columns.query_map([table], |row| row.get::<_, String>(0))?;
            let names: Vec<String> = names.collect::<Result<_, _>>()?;
            fits &= count == 1
                && wanted
                    .iter()
                    .all(|column| names.iter().any(|it| it == column));
        }
        if fits {
            found.push(schema);
        }
    }
    Ok(found)
}

/// The beginning of a description of a database that no schema fits.
pub(crate) const UNKNOWN: &str = "an SQLite database";

/// The tables of a database of no known program.
pub(super) fn names_of_tables(connection: &Connection) -> rusqlite::Result<String> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name LIMIT 6",
    )?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    let names: Vec<String> = names.collect::<Result<_, _>>()?;
    Ok(match names.as_slice() {
        [] => format!("{UNKNOWN} without tables"),
        names if names.iter().any(|name| name == "checkpoints") => {
            format!("{UNKNOWN} of LangGraph; write out get_state_history() as JSON first")
        }
        _ => match near(connection)? {
            Some(schema) => format!(
                "{UNKNOWN} with the tables of {format} but other columns: another version; export its sessions first{how}",
                format = schema.format,
                how = schema.way_out()
            ),
            None => format!(
                "{UNKNOWN} of no known agent (tables: {}); export its sessions as JSON Lines first",
                names.join(", ")
            ),
        },
    })
}

/// The schema whose tables all exist, whatever their columns.
fn near(connection: &Connection) -> rusqlite::Result<Option<&'static Schema>> {
    let mut statement = connection
        .prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1")?;
    for schema in all().filter(|schema| schema.tables.len() > 1) {
        let mut is_near = true;
        for (table, _) in schema.tables {
            let count: i64 = statement.query_row([table], |row| row.get(0))?;
            is_near &= count == 1;
        }
        if is_near {
            return Ok(Some(schema));
        }
    }
    Ok(None)
}
