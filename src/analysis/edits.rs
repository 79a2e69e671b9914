//! Edits of files among the arguments of a call: what was replaced by what, or a patch.

use serde_json::Value;

use crate::analysis::files::names;

/// One edit, as far as the arguments show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit<'a> {
    Replaced { old: &'a str, new: &'a str },
    Patch(&'a str),
}

/// The edits of a call, the file they are about, and the paths of the arguments that hold them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Edits<'a> {
    pub file: Option<&'a str>,
    pub all: Vec<Edit<'a>>,
    pub paths: Vec<String>,
}

pub fn find(args: &Value) -> Edits<'_> {
    let mut found = Edits {
        file: args.as_object().and_then(names::path),
        ..Edits::default()
    };
    match args {
        Value::String(patch) => found.patch(patch, String::new()),
        Value::Array(words) => found.command(words, ""),
        Value::Object(fields) => {
            found.pair(args, "");
            for (key, value) in fields {
                match value {
                    Value::Array(items) if key == "edits" => {
                        for (number, item) in items.iter().enumerate() {
                            found.pair(item, &format!("{key}[{number}]."));
                        }
                    }
                    Value::Array(words) => found.command(words, key),
                    Value::String(patch) => found.patch(patch, key.clone()),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    found
}

impl<'a> Edits<'a> {
    fn pair(&mut self, args: &'a Value, before: &str) {
        let text = |key: &str| args.get(key).and_then(Value::as_str);
        for (was, is) in names::PAIRS {
            if let (Some(old), Some(new)) = (text(was), text(is)) {
                self.all.push(Edit::Replaced { old, new });
                self.paths
                    .extend([format!("{before}{was}"), format!("{before}{is}")]);
                return;
            }
        }
    }

    /// `["apply_patch", "*** Begin Patch…"]`: a patch among the words of a command.
    fn command(&mut self, words: &'a [Value], key: &str) {
        for (number, word) in words.iter().enumerate().take(8) {
            if let Some(patch) = word.as_str() {
                self.patch(patch, format!("{key}[{number}]"));
            }
        }
    }

    /// Only texts for `apply_patch` are shown apart; other patches are shown where they stand.
    fn patch(&mut self, text: &'a str, path: String) {
        if text.trim_start().starts_with("*** Begin Patch") {
            self.all.push(Edit::Patch(text));
            self.paths.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Edit, find};

    #[track_caller]
    fn check(args: &Value, edits: &[Edit<'_>], paths: &[&str]) {
        let found = find(args);
        assert_eq!(found.all, edits);
        assert_eq!(found.paths, paths);
    }

    #[test]
    fn a_replaced_text_is_an_edit() {
        check(
            &json!({"file_path": "a.rs", "old_string": "x", "new_string": "y"}),
            &[Edit::Replaced { old: "x", new: "y" }],
            &["old_string", "new_string"],
        );
    }

    #[test]
    fn each_of_several_edits_is_found() {
        check(
            &json!({"edits": [{"old_string": "x", "new_string": "y"}, {"old_string": "p", "new_string": ""}]}),
            &[
                Edit::Replaced { old: "x", new: "y" },
                Edit::Replaced { old: "p", new: "" },
            ],
            &[
                "edits[0].old_string",
                "edits[0].new_string",
                "edits[1].old_string",
                "edits[1].new_string",
            ],
        );
    }

    #[test]
    fn a_patch_is_found_in_a_field_and_among_the_words_of_a_command() {
        const PATCH: &str = "*** Begin Patch\n*** End Patch";
        check(&json!({"input": PATCH}), &[Edit::Patch(PATCH)], &["input"]);
        check(
            &json!({"command": ["apply_patch", PATCH]}),
            &[Edit::Patch(PATCH)],
            &["command[1]"],
        );
        check(&json!(PATCH), &[Edit::Patch(PATCH)], &[""]);
    }

    #[test]
    fn other_arguments_are_no_edit() {
        check(
            &json!({"command": "ls", "old_string": 3, "new_string": "y"}),
            &[],
            &[],
        );
    }
}
