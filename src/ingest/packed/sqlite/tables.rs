//! The meaning of each program's tables, one file per program and a line in [`SCHEMAS`], and which of them a database
//! fits. The lines of a session belong to the format that its schema names.

mod crush;
mod cursor_store;
mod goose;
mod hermes;
mod llm_logs;
mod opencode;
mod vscode_traces;
mod zed;

use rusqlite::Connection;

use super::schema::Schema;

/// All schemas. Of several that a database fits, the first decides its format.
const SCHEMAS: &[&[Schema]] = &[
    vscode_traces::STORES,
    opencode::STORES,
    goose::STORES,
    crush::STORES,
    zed::STORES,
    hermes::STORES,
    llm_logs::STORES,
    cursor_store::STORES,
];

/// The schemas of all programs.
pub(crate) fn all() -> impl Iterator<Item = &'static Schema> {
    SCHEMAS.iter().copied().flatten()
}

/// The schemas that the tables of a database fit, in the order of [`SCHEMAS`].
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
