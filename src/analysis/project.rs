//! Where a run worked: its repository or directory, and the branch. Agents record them as labels of actions.

use crate::model::run::Run;
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// Empty strings are what was not recorded; raw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// The repository if one is named, else the directory.
    pub place: String,
    pub branch: String,
}

const REPOSITORIES: &[&str] = &[
    "repository",
    "repo",
    "git.repository",
    "git.repository_url",
    "vcs.repository.name",
    "vcs.repository.url.full",
];
const DIRECTORIES: &[&str] = &[
    "cwd",
    "workspace",
    "project",
    "directory",
    "process.working_directory",
];
const BRANCHES: &[&str] = &[
    "gitBranch",
    "branch",
    "git.branch",
    "git_branch",
    "vcs.ref.head.name",
];

/// What the first action and the first prompt of a run say: one of them has the labels of the session.
pub fn of(store: &Store, run: &Run) -> Project {
    let mut project = Project::default();
    for ix in [run.first_action, run.first_prompt] {
        let Some(ix) = ix.get().filter(|ix| ix.0 < store.len()) else {
            continue;
        };
        let body = bodies::open(&store.row(ix), Depth::Glance);
        let label = |names: &[&str]| {
            let mut found = names.iter().filter_map(|name| {
                let mut labels = body.labels.iter().filter(|(label, _)| label == name);
                labels.next().map(|(_, value)| value.clone())
            });
            found.find(|value| !value.is_empty()).unwrap_or_default()
        };
        if project.place.is_empty() {
            project.place = [label(REPOSITORIES), label(DIRECTORIES)]
                .into_iter()
                .find(|place| !place.is_empty())
                .unwrap_or_default();
        }
        if project.branch.is_empty() {
            project.branch = label(BRANCHES);
        }
        if !project.place.is_empty() && !project.branch.is_empty() {
            break;
        }
    }
    project
}

impl Project {
    /// The name of the place without the folders above it.
    pub fn name(&self) -> &str {
        let ends = |c| c == '/' || c == '\\';
        let place = self.place.trim_end_matches(ends);
        place.rsplit(ends).next().unwrap_or(place)
    }

    /// `/work/shop @ main`: branches of the same name in two places are two. Empty without a branch.
    pub fn branch_words(&self) -> String {
        match (self.place.as_str(), self.branch.as_str()) {
            (_, "") => String::new(),
            ("", branch) => branch.to_owned(),
            (place, branch) => format!("{place} @ {branch}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::ingest::discover::Input;
    use crate::ingest::intake;
    use crate::ingest::prices::PriceTable;
    use crate::store::Store;

    #[track_caller]
    fn check(trace: &'static str, place: &str, branch: &str) {
        let inputs = vec![Input::Bundled {
            name: "run.jsonl",
            bytes: trace.as_bytes(),
            companions: &[],
        }];
        let options = intake::Options::new(PriceTable::built_in());
        let store = Store::load(intake::load(inputs, options)).0;
        let found = of(&store, &store.runs()[0]);
        assert_eq!((&*found.place, &*found.branch), (place, branch));
    }

    #[test]
    fn the_directory_and_the_branch_are_labels_of_the_first_prompt() {
        check(
            r#"{"type":"user","uuid":"u1","sessionId":"5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34","timestamp":"2026-11-17T09:00:00.000Z","cwd":"/work/shop","gitBranch":"main","version":"2.0.1","message":{"role":"user","content":"fix it"}}
"#,
            "/work/shop",
            "main",
        );
    }

    #[test]
    fn a_named_repository_wins_over_a_directory() {
        check(
            r#"{"type":"prompt","run_id":"r","id":"p","content":"x","labels":{"repository":"acme/shop","cwd":"/tmp/a"}}
"#,
            "acme/shop",
            "",
        );
    }

    #[test]
    fn what_no_label_says_is_empty() {
        check(
            "{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"x\"}\n",
            "",
            "",
        );
    }
}
