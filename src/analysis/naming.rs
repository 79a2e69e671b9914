//! How a user names a run (`RUN`, a unique prefix of its id) and one of its actions (`RUN:SEQ`).

use crate::store::row::Row;

/// Why a name does not mean exactly one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// No name was given, and there are several runs.
    Several,
    /// No id begins with this.
    None(String),
    /// The ids at these positions begin with the name.
    Ambiguous(Vec<usize>),
}

/// The position of the run that is meant, and the action if the name ends with one.
///
/// An exact id wins over longer ones that begin with it. A colon and digits are part of the id
/// wherever some id begins with the whole name.
pub fn find(ids: &[&str], name: Option<&str>) -> Result<(usize, Option<u32>), Miss> {
    let whole = run(ids, name);
    match (whole, name.and_then(split_seq)) {
        (Err(Miss::None(_)), Some((name, seq))) => Ok((run(ids, Some(name))?, Some(seq))),
        (found, _) => Ok((found?, None)),
    }
}

/// `7f3a91:42` in its two parts.
pub fn split_seq(name: &str) -> Option<(&str, u32)> {
    let (run, seq) = name.rsplit_once(':')?;
    Some((run, seq.parse().ok()?))
}

/// `traces/a.jsonl#7f3a91:42`: what the command line opens at this action. A line that is no action of its run
/// has the address of the run.
pub fn address(row: &Row<'_>) -> String {
    let run = format!("{}#{}", row.source().path.display(), row.run().id);
    match row.seq() {
        0 => run,
        seq => format!("{run}:{seq}"),
    }
}

fn run(ids: &[&str], prefix: Option<&str>) -> Result<usize, Miss> {
    let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else {
        return if ids.len() == 1 {
            Ok(0)
        } else {
            Err(Miss::Several)
        };
    };
    let exact: Vec<usize> = (0..ids.len()).filter(|at| ids[*at] == prefix).collect();
    let begins: Vec<usize> = (0..ids.len())
        .filter(|at| ids[*at].starts_with(prefix))
        .collect();
    let found = if exact.is_empty() { begins } else { exact };
    match found.as_slice() {
        [] => Err(Miss::None(prefix.to_owned())),
        [one] => Ok(*one),
        _ => Err(Miss::Ambiguous(found)),
    }
}

#[cfg(test)]
mod tests;
