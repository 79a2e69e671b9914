//! What an agent may not do to its own guard. This stops accidents and lazy models; a process of the same user can
//! bypass it, having all of the user's rights.

use serde_json::Value;

use crate::act::guard::install;
use crate::act::places::Places;
use crate::analysis::policy::call::Call;
use crate::model::class::Class;

/// The id of this rule.
pub(super) const RULE: &str = "self-protect";

/// The reason to stop a call, if it touches the guard.
pub(super) fn touches(call: &Call<'_>, places: &Places) -> Option<String> {
    let args = call.args?;
    let named = Named::of(places);
    let mut found = replaces_settings(call.class(), args, places);
    each_text(args, &mut |text| {
        found = found.take().or_else(|| named.why(text, call.class()));
    });
    found
}

/// A whole file in place of settings that hold the guard's hooks. Edits that concern them contain our command.
fn replaces_settings(class: Class, args: &Value, places: &Places) -> Option<String> {
    if class != Class::Write || args.get("content").is_none() {
        return None;
    }
    let installed = install::installs(places).installs;
    let mut members = args.as_object()?.values().filter_map(Value::as_str);
    members
        .any(|text| installed.iter().any(|it| it.path == text))
        .then(|| "the call replaces settings that hold the guard's hooks".to_owned())
}

/// The guard's folders and policy, as a command may spell them.
struct Named {
    folders: Vec<String>,
    policy: Vec<String>,
}

impl Named {
    fn of(places: &Places) -> Named {
        let home = places.home().to_string_lossy().into_owned();
        let spelled = |path: String| {
            let rest = path.strip_prefix(&home).map(str::to_owned);
            let short = rest.map(|rest| {
                [
                    format!("~{rest}"),
                    format!("$HOME{rest}"),
                    format!("${{HOME}}{rest}"),
                ]
            });
            short
                .into_iter()
                .flatten()
                .chain([path])
                .collect::<Vec<_>>()
        };
        let state = places.state().to_string_lossy().into_owned();
        let mut folders = spelled(state);
        for meeting in places.meeting() {
            folders.extend(spelled(meeting.to_string_lossy().into_owned()));
        }
        folders.extend(
            ["XDG_RUNTIME_DIR", "XDG_STATE_HOME"]
                .iter()
                .flat_map(|name| {
                    [
                        format!("${name}/saferun-tui"),
                        format!("${{{name}}}/saferun-tui"),
                    ]
                }),
        );
        Named {
            folders,
            policy: spelled(places.policy().to_string_lossy().into_owned()),
        }
    }

    fn why(&self, text: &str, class: Class) -> Option<String> {
        let names = |all: &[String]| all.iter().any(|it| text.contains(it.as_str()));
        if names(&self.folders) {
            return Some("the call names a folder of the guard".to_owned());
        }
        if matches!(class, Class::Shell | Class::Write) && names(&self.policy) {
            return Some("the call names the policy of the guard".to_owned());
        }
        if runs_guard(text) {
            return Some("the call names a command of the guard".to_owned());
        }
        sets_variable(text).then(|| "the call sets a variable of the guard".to_owned())
    }
}

/// Whether a text contains `saferun-tui guard`, `approve` or `deny`, quoted or not: as a command, or as our entry in a
/// host's settings.
fn runs_guard(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("saferun-tui") {
        rest = after;
        let after = after.trim_start_matches(['\'', '"', '\\']);
        let word = after.strip_prefix([' ', '\t']).map(|it| {
            it.trim_start()
                .split(|c: char| !c.is_ascii_alphanumeric())
                .next()
                .unwrap_or_default()
        });
        if matches!(word, Some("guard" | "approve" | "deny")) {
            return true;
        }
    }
    false
}

/// Whether a text contains `SAFERUN_…=`.
fn sets_variable(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("SAFERUN_") {
        rest = after;
        let name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if after.trim_start_matches(name).starts_with('=') {
            return true;
        }
    }
    false
}

fn each_text(value: &Value, see: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, see)),
        Value::Object(members) => members.iter().for_each(|(name, item)| {
            see(name);
            each_text(item, see);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use serde_json::json;

    use super::touches;
    use crate::act::places::Places;
    use crate::analysis::policy::call::Call;

    #[track_caller]
    fn check(tool: &str, text: &str, is_stopped: bool) {
        let places = Places::of(|name| match name {
            "HOME" => Some(PathBuf::from("/home/a")),
            "XDG_RUNTIME_DIR" => Some(PathBuf::from("/tmp")),
            _ => None,
        });
        let args = json!({"command": [text]});
        let call = Call {
            tool,
            args: Some(&args),
            ..Call::default()
        };
        let found = touches(&call, &places.expect("a home"));
        assert_eq!(found.is_some(), is_stopped, "{text}: {found:?}");
    }

    #[test]
    fn settings_with_hooks_may_be_edited_but_not_replaced() {
        let home = tempfile::tempdir().expect("a folder");
        let places = Places::of(|name| (name == "HOME").then(|| home.path().to_owned()));
        let places = places.expect("a home");
        let installed = json!({"v": 1, "installs": [{"host": "claude-code", "path": "/home/a/.claude/settings.json"}]});
        fs::create_dir_all(places.state()).expect("created");
        fs::write(places.installs(), installed.to_string()).expect("written");
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(places.installs(), private).expect("set");
        let check = |tool: &str, args: serde_json::Value| {
            let call = Call {
                tool,
                args: Some(&args),
                ..Call::default()
            };
            touches(&call, &places).is_some()
        };
        let path = "/home/a/.claude/settings.json";
        assert!(check("Write", json!({"file_path": path, "content": "{}"})));
        assert!(!check(
            "Write",
            json!({"file_path": "/w/settings.json", "content": "{}"})
        ));
        assert!(!check("Read", json!({"file_path": path})));
        let edit = |old: &str| json!({"file_path": path, "old_string": old, "new_string": ""});
        assert!(!check("Edit", edit("\"model\": \"x\"")));
        assert!(check("Edit", edit("'/bin/saferun-tui' guard claude-code")));
    }

    #[test]
    fn a_call_that_touches_its_own_guard_is_stopped() {
        for text in [
            "ls /tmp/saferun-tui/ask",
            "cat ~/.local/state/saferun-tui/live/r.state",
            "rm -r $HOME/.local/state/saferun-tui",
            "cat ${XDG_RUNTIME_DIR}/saferun-tui/ask/a.json",
            "saferun-tui approve a-1",
            "'/usr/bin/saferun-tui' guard uninstall claude-code",
            "\"saferun-tui\"   deny a-1",
            "env SAFERUN_GUARD=off claude",
            "vi ~/.config/saferun-tui/policy.toml",
        ] {
            check("Bash", text, true);
        }
        for text in [
            "saferun-tui ls traces",
            "cargo build -p saferun-tui",
            "echo $SAFERUN_RUN",
            "echo guard",
        ] {
            check("Bash", text, false);
        }
        check("Read", "/home/a/.config/saferun-tui/policy.toml", false);
        check("Write", "/home/a/.config/saferun-tui/policy.toml", true);
    }
}
