//! How often answers to the same request agree with the recorded one.

use serde_json::Value;

use crate::analysis::diff::step;
use crate::analysis::statistics::distribution::two_sided;
use crate::analysis::statistics::interval::{Rate, wilson};

/// The first tool call in an answer, with its arguments; none if there is none.
pub type First = Option<(String, Value)>;

/// What the answers to one request have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    pub n: usize,
    /// Answers that call the recorded tool first, or none where none is recorded.
    pub same_tool: usize,
    pub same_arguments: usize,
    /// First tools with counts, most frequent first; an empty name for none.
    pub tools: Vec<(String, usize)>,
}

impl Agreement {
    pub fn of(recorded: &First, answers: &[First]) -> Agreement {
        let name = |first: &First| {
            first
                .as_ref()
                .map_or_else(String::new, |(name, _)| name.clone())
        };
        let is_same = |first: &&First| name(first) == name(recorded);
        let arguments = |first: &First| first.as_ref().map(|(_, arguments)| step::canon(arguments));
        let same = answers.iter().filter(is_same);
        let mut tools: Vec<(String, usize)> = Vec::new();
        for first in answers.iter().map(name) {
            match tools.iter_mut().find(|(known, _)| *known == first) {
                Some((_, count)) => *count += 1,
                None => tools.push((first, 1)),
            }
        }
        tools.sort_by(|(one, first), (other, second)| {
            second.cmp(first).then_with(|| one.cmp(other))
        });
        Agreement {
            n: answers.len(),
            same_tool: same.clone().count(),
            same_arguments: same
                .filter(|it| arguments(it) == arguments(recorded))
                .count(),
            tools,
        }
    }

    /// `same tool 7 of 10 (40–89 %) · same arguments 5 · refund 7  (no tool) 3`. Raw.
    pub fn words(&self) -> String {
        let percent = |share: f64| format!("{:.0}", share * 100.0);
        let interval = self.interval().map_or_else(String::new, |(lo, hi)| {
            format!(" ({}–{} %)", percent(lo), percent(hi))
        });
        let tools: Vec<String> = self
            .tools
            .iter()
            .map(|(tool, count)| match tool.as_str() {
                "" => format!("(no tool) {count}"),
                tool => format!("{tool} {count}"),
            })
            .collect();
        format!(
            "same tool {} of {}{interval} · same arguments {} · {}",
            self.same_tool,
            self.n,
            self.same_arguments,
            tools.join("  ")
        )
    }

    pub fn rate(&self) -> Rate {
        Rate {
            hits: self.same_tool as u64,
            n: self.n as u64,
        }
    }

    /// Wilson's 95 % interval of the share with the same tool; none where there are too few answers for one.
    pub fn interval(&self) -> Option<(f64, f64)> {
        (self.n >= FEWEST).then(|| wilson(self.rate(), two_sided(0.05)))
    }
}

/// Below this, only counts are reported.
pub const FEWEST: usize = 5;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn seven_of_ten_is_an_interval_from_forty_to_eighty_nine_percent() {
        let first = |name: &str, at: i32| Some((name.to_owned(), json!({"at": at})));
        let mut answers = vec![first("look", 1); 5];
        answers.extend([
            first("look", 2),
            first("look", 3),
            first("ask", 1),
            first("ask", 1),
            None,
        ]);
        let found = Agreement::of(&first("look", 1), &answers);
        assert_eq!((found.n, found.same_tool, found.same_arguments), (10, 7, 5));
        assert_eq!(
            found.tools,
            [
                ("look".to_owned(), 7),
                ("ask".to_owned(), 2),
                (String::new(), 1)
            ]
        );
        let (lo, hi) = found.interval().expect("enough");
        assert!(
            (lo - 0.3968).abs() < 1e-3 && (hi - 0.8922).abs() < 1e-3,
            "{lo} {hi}"
        );
        assert_eq!(Agreement::of(&None, &[None, None]).interval(), None);
    }
}
