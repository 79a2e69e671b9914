//! `saferun.tui/diff@1`: two runs, aligned, with what differs inside each pair.

use serde::Serialize;
use serde_json::{Map, Value};

use super::run::{self, RunJson};
use crate::analysis::diff::inputs::{InputDiff, Unrecorded};
use crate::analysis::diff::json::{Change, PathText};
use crate::analysis::diff::label::Label;
use crate::analysis::diff::mask::Ignored;
use crate::analysis::diff::pair;
use crate::export::diff::Page;
use crate::export::redact::Masked;
use crate::store::bodies::Bodies;

pub const SCHEMA: &str = "saferun.tui/diff@1";

#[derive(Debug, Serialize)]
pub struct DiffJson<'a> {
    pub schema: &'static str,
    pub a: RunJson<'a>,
    pub b: RunJson<'a>,
    pub columns: Vec<ColumnJson>,
    pub cost: u64,
    pub approximate: bool,
    pub first_any: Option<usize>,
    pub first_material: Option<usize>,
    /// Columns before the divergence that differ only in ids, times, white space or JSON order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<usize>,
    /// The last responses with text, if they differ; null for a run that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<AnswersJson>,
    pub cause: &'static str,
    pub detail: String,
    pub inputs_differed_before: bool,
    /// How the contexts of the models differ at the divergence; absent if the runs do not diverge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<GivenJson<'a>>,
    /// The number of columns by label.
    pub counts: Map<String, Value>,
    /// Rows that are not actions of the agent or its user, and are not compared.
    pub left_out: LeftOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<Vec<String>>,
    /// Differences that the user chose to ignore; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<usize>,
}

#[derive(Debug, Serialize)]
pub struct GivenJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Both<&'a str>>,
    pub tools_added: &'a [String],
    pub tools_removed: &'a [String],
    pub tools_changed: &'a [String],
    /// Lines of the system prompt that only one side has.
    pub system_lines_added: usize,
    pub system_lines_removed: usize,
    pub settings: Vec<SettingJson<'a>>,
    pub unrecorded: Vec<UnrecordedJson>,
}

#[derive(Debug, Serialize)]
pub struct Both<T> {
    pub a: T,
    pub b: T,
}

#[derive(Debug, Serialize)]
pub struct SettingJson<'a> {
    pub name: &'a str,
    pub a: Option<&'a Value>,
    pub b: Option<&'a Value>,
}

/// True for each side that does not record it.
#[derive(Debug, Serialize)]
pub struct UnrecordedJson {
    pub what: &'static str,
    pub a: bool,
    pub b: bool,
}

#[derive(Debug, Serialize)]
pub struct LeftOut {
    pub a: usize,
    pub b: usize,
}

#[derive(Debug, Serialize)]
pub struct ColumnJson {
    /// Its index among all columns; `first_any` and `first_material` refer to it.
    pub column: usize,
    pub a: Option<u32>,
    pub b: Option<u32>,
    pub label: &'static str,
    pub changes: Vec<ChangeJson>,
}

#[derive(Debug, Serialize)]
pub struct ChangeJson {
    pub path: String,
    pub op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<Value>,
}

/// The numbers of the final answers in A and B.
#[derive(Debug, Serialize)]
pub struct AnswersJson {
    pub a: Option<u32>,
    pub b: Option<u32>,
}

/// The document with its secrets masked. Opens every pair that differs.
pub fn masked(page: &Page<'_>) -> Masked<Value> {
    Masked::document(&diff(page))
}

fn diff<'a>(page: &Page<'a>) -> DiffJson<'a> {
    let Page {
        story,
        blind,
        why,
        only_changed,
    } = *page;
    let comparison = story.comparison;
    let divergence = &comparison.divergence;
    let mut hidden = 0;
    let mut columns = Vec::new();
    for (at, column) in comparison.columns.iter().enumerate() {
        let is_same = column.label == Label::Same;
        if is_same && only_changed && blind.is_none() {
            continue;
        }
        let rows = story.row_a(at).zip(story.row_b(at));
        // An equal pair has no differences, except hidden ones.
        let rows = rows.filter(|_| !is_same || !blind.is_none());
        let found = rows.map(|(a, b)| pair::pair(&a, &b, blind));
        let found = found.unwrap_or_default();
        hidden += found.hidden;
        if is_same && only_changed {
            continue;
        }
        columns.push(ColumnJson {
            column: at,
            a: story.row_a(at).map(|row| row.seq()),
            b: story.row_b(at).map(|row| row.seq()),
            label: column.label.word(),
            changes: found.changes.into_iter().map(change).collect(),
        });
    }
    let counted = comparison.counts();
    let count = |label: &Label| {
        let found = counted.iter().find(|(it, _)| it == label);
        let count = found.map_or(0, |(_, count)| *count);
        (label.word().to_owned(), Value::from(count))
    };
    let ignored: Vec<String> = blind.ignored.iter().map(Ignored::words).collect();
    DiffJson {
        schema: SCHEMA,
        a: run::run(story.a.store, story.a.run, &mut Bodies::new()),
        b: run::run(story.b.store, story.b.run, &mut Bodies::new()),
        columns,
        cost: comparison.cost,
        approximate: comparison.is_approximate,
        first_any: divergence.first_any,
        first_material: divergence.first_material,
        noise: comparison.noise.clone(),
        answers: story.answers().map(|answers| {
            let [a, b] = answers.map(|row| row.map(|row| row.seq()));
            AnswersJson { a, b }
        }),
        cause: divergence.cause.word(),
        detail: story.detail(),
        inputs_differed_before: divergence.inputs_differed_before,
        given: why.map(given),
        counts: Label::ALL.iter().map(count).collect(),
        left_out: LeftOut {
            a: comparison.a.left_out,
            b: comparison.b.left_out,
        },
        ignored: (!ignored.is_empty()).then_some(ignored),
        hidden: (!blind.is_none()).then_some(hidden),
    }
}

fn given(why: &InputDiff) -> GivenJson<'_> {
    let unrecorded = |it: &Unrecorded| UnrecordedJson {
        what: it.what,
        a: it.on[0],
        b: it.on[1],
    };
    GivenJson {
        model: why.model.as_ref().map(|[a, b]| Both {
            a: a.as_str(),
            b: b.as_str(),
        }),
        tools_added: &why.tools.added,
        tools_removed: &why.tools.removed,
        tools_changed: &why.tools.changed,
        system_lines_added: why.system[0],
        system_lines_removed: why.system[1],
        settings: why.settings.iter().map(setting).collect(),
        unrecorded: why.unrecorded.iter().map(unrecorded).collect(),
    }
}

fn setting((name, [a, b]): &(String, [Option<Value>; 2])) -> SettingJson<'_> {
    SettingJson {
        name,
        a: a.as_ref(),
        b: b.as_ref(),
    }
}

fn change(change: Change) -> ChangeJson {
    ChangeJson {
        path: PathText(&change.path).to_string(),
        op: change.op.word(),
        a: change.a,
        b: change.b,
    }
}
