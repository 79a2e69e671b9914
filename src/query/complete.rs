//! Completion of filters.

mod arguments;

use std::ops::Range;

use crate::model::action::{Kind, Status, Verdict};
use crate::model::chunk::Chunk;
use crate::model::class::Class;
use crate::model::outcome::{Attached, Outcomes};
use crate::model::run::RunStatus;
use crate::model::symbol::Sym;
use crate::query::expr::State;
use crate::query::fields::{FAMILIES, FIELDS, Field, Info, KIND_NAMES, SPECIAL, Shape};
use crate::query::shown;
use crate::query::would::VERDICTS;
use crate::store::Store;

#[cfg(test)]
mod tests;

/// A proposal for the part of the text at `replace`, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    pub replace: Range<usize>,
    pub text: String,
    /// One line about it; empty for most values.
    pub help: &'static str,
}

/// The maximum number of proposals.
const MAX_PROPOSALS: usize = 50;

/// How many symbols are searched for values at most: a prompt must not lag.
const MAX_SYMBOLS: u32 = 200_000;

/// How many chunks are searched, spread over the store.
const MAX_CHUNKS: usize = 250;

/// Fields and values that fit the text before `cursor`, in bytes. Values are those that occur in
/// the store.
pub fn complete(text: &str, cursor: usize, store: &Store) -> Vec<Completion> {
    let before = text.get(..cursor).unwrap_or(text);
    let start = before
        .rfind(|c: char| c.is_whitespace() || matches!(c, '(' | '|' | ',' | '"'))
        .map_or(0, |at| {
            at + before
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8)
        });
    let word = before.get(start..).unwrap_or_default();
    let unsigned = word.trim_start_matches(['-', '!']);
    let start = before.len() - unsigned.len();
    match unsigned.find([':', '=']) {
        Some(colon) => {
            let (field, value) = (
                unsigned.get(..colon).unwrap_or_default(),
                unsigned.get(colon + 1..).unwrap_or_default(),
            );
            let at = before.len() - value.len();
            let replace = at..before.len();
            of_field(field.trim_end_matches('!'), value, replace, store)
        }
        None => match open_alternatives(before, start) {
            Some(field) => of_field(field, unsigned, start..before.len(), store),
            None => match unsigned.strip_prefix("args.") {
                Some(typed) => arguments::names(typed, store)
                    .into_iter()
                    .take(MAX_PROPOSALS)
                    .map(|text| Completion {
                        replace: start..before.len(),
                        text,
                        help: "",
                    })
                    .collect(),
                None => names(unsigned, start..before.len()),
            },
        },
    }
}

/// The field of `field:(a|`, if `start` is inside the brackets.
fn open_alternatives(before: &str, start: usize) -> Option<&str> {
    let head = before.get(..start)?;
    let open = head.rfind('(')?;
    if head.get(open..)?.contains(')') {
        return None;
    }
    let field = head.get(..open)?.strip_suffix([':', '='])?;
    let from = field
        .rfind(|c: char| c.is_whitespace() || matches!(c, '(' | '-' | '!'))
        .map_or(0, |at| at + 1);
    field.get(from..)
}

fn names(typed: &str, replace: Range<usize>) -> Vec<Completion> {
    let typed = typed.to_lowercase();
    let fields = FIELDS
        .iter()
        .filter(|info| info.shape != Shape::Presence)
        .map(|info| (format!("{}:", info.name), info.doc));
    let families = FAMILIES
        .iter()
        .map(|(name, help)| (format!("{name}."), *help));
    let special = SPECIAL
        .iter()
        .map(|(name, help)| (format!("{name}:"), *help));
    let all = fields
        .chain(families)
        .chain(special)
        .filter(|(name, _)| name.starts_with(&typed));
    all.map(|(text, help)| Completion {
        replace: replace.clone(),
        text,
        help,
    })
    .collect()
}

fn of_field(field: &str, typed: &str, replace: Range<usize>, store: &Store) -> Vec<Completion> {
    let is_status = Field::find(field).is_some_and(|it| it.info().shape == Shape::Status);
    let found = values(field, typed, store).into_iter();
    found
        .map(|text| Completion {
            replace: replace.clone(),
            help: if is_status { shown::help(&text) } else { "" },
            text,
        })
        .collect()
}

/// The values of a field that occur and start with the typed text, ignoring case.
fn values(field: &str, typed: &str, store: &Store) -> Vec<String> {
    let typed = typed.to_lowercase();
    let fits = |word: &&str| !word.is_empty() && word.to_lowercase().starts_with(&typed);
    let closed = |words: &mut dyn Iterator<Item = &'static str>| {
        words.filter(fits).map(str::to_owned).collect()
    };
    match field {
        "is" => return closed(&mut State::ALL.iter().map(|state| state.word())),
        "in" => return closed(&mut ["args", "result", "text"].into_iter()),
        "has" => return closed(&mut FIELDS.iter().map(|info| info.name)),
        _ => {}
    }
    let Some(field) = Field::find(field) else {
        return Vec::new();
    };
    let Info { shape, .. } = *field.info();
    match shape {
        Shape::Kind => {
            let occurring = store
                .chunks()
                .fold(0, |kinds, (chunk, _)| kinds | chunk.stat.kinds);
            let occurs = |kind: Kind| occurring >> kind as u16 & 1 == 1;
            let short = KIND_NAMES
                .iter()
                .filter(|(_, kind)| occurs(*kind))
                .map(|(name, _)| *name);
            closed(
                &mut short.chain(
                    Kind::ALL
                        .iter()
                        .filter(|kind| occurs(**kind))
                        .map(|kind| kind.word()),
                ),
            )
        }
        Shape::Status => {
            let of = |outcomes: &Outcomes| {
                outcomes
                    .status
                    .iter()
                    .fold(0_u16, |some, status| some | 1 << *status as u16)
            };
            let occurring = chunks(store).fold(0, |some, (_, outcomes)| some | of(outcomes));
            let of_actions = Status::ALL
                .iter()
                .filter(|status| occurring >> **status as u16 & 1 == 1)
                .map(|status| status.word());
            // The other words of runs are those of actions too.
            let of_runs = [RunStatus::Running, RunStatus::Unfinished];
            let of_runs = of_runs.into_iter().filter(|status| {
                let mut runs = store.runs().iter();
                runs.any(|run| run.status == *status)
            });
            let words = of_actions.chain(of_runs.map(RunStatus::word));
            words
                .filter(|word| fits(word) || !typed.is_empty() && shown::begins(word, &typed))
                .map(str::to_owned)
                .collect()
        }
        Shape::Verdict => closed(&mut Verdict::ALL.iter().map(|verdict| verdict.word())),
        Shape::Effect => closed(&mut VERDICTS.into_iter()),
        Shape::Flag => closed(&mut ["yes", "no"].into_iter()),
        Shape::Name => occurring(field, store)
            .into_iter()
            .filter(|name| fits(&name.as_str()))
            .take(MAX_PROPOSALS)
            .map(quote)
            .collect(),
        Shape::Text
        | Shape::Count
        | Shape::Score
        | Shape::Money
        | Shape::Duration
        | Shape::Json
        | Shape::Presence => Vec::new(),
    }
}

/// Quotes a value that would not parse as one word.
fn quote(name: String) -> String {
    let plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | ':'));
    if plain {
        name
    } else {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// The names in a field's column, sorted and deduplicated.
pub(super) fn occurring(field: Field, store: &Store) -> Vec<String> {
    let name = |sym: Sym| store.symbols().name(sym).to_owned();
    let mut seen = vec![false; store.symbols().len().min(MAX_SYMBOLS) as usize + 1];
    let mut see = |sym: Sym| {
        if let Some(seen) = seen.get_mut(sym.0 as usize) {
            *seen = true;
        }
    };
    let runs = || store.runs().iter();
    match field {
        Field::Tool => chunks(store).for_each(|(chunk, _)| {
            chunk.tool.iter().copied().for_each(&mut see);
        }),
        Field::Class => return Class::ALL.iter().map(|it| it.word().to_owned()).collect(),
        Field::Agent => chunks(store).for_each(|(chunk, _)| {
            chunk.agent.iter().copied().for_each(&mut see);
        }),
        Field::Model => runs().for_each(|run| run.who.models.iter().copied().for_each(&mut see)),
        Field::Provider => runs().for_each(|run| see(run.who.provider)),
        Field::User => runs().for_each(|run| see(run.who.user)),
        Field::Task => runs().for_each(|run| see(run.who.task)),
        Field::Env => runs().for_each(|run| see(run.who.env)),
        Field::Service => runs().for_each(|run| see(run.who.service)),
        Field::Release => runs().for_each(|run| see(run.who.release)),
        Field::Policy => attached(store, &mut |attached| see(attached.policy)),
        Field::Rule => attached(store, &mut |attached| see(attached.rule)),
        Field::Approver => attached(store, &mut |attached| see(attached.by)),
        Field::Run => {
            return runs()
                .take(MAX_PROPOSALS * 20)
                .map(|run| run.id.to_string())
                .collect();
        }
        Field::File => {
            let names = store
                .sources()
                .iter()
                .filter_map(|source| source.path.file_name());
            return names
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
        }
        _ => {}
    }
    let found = (1_u32..)
        .zip(seen.into_iter().skip(1))
        .filter(|(_, seen)| *seen);
    let mut names: Vec<String> = found.map(|(number, _)| name(Sym(number))).collect();
    names.sort_unstable();
    names
}

fn chunks(store: &Store) -> impl Iterator<Item = (&Chunk, &Outcomes)> {
    let step = store.chunks().len() / MAX_CHUNKS + 1;
    store.chunks().step_by(step)
}

fn attached(store: &Store, see: &mut dyn FnMut(&Attached)) {
    for (_, outcomes) in chunks(store) {
        (0..outcomes.len()).for_each(|row| outcomes.attached(row).for_each(&mut *see));
    }
}
