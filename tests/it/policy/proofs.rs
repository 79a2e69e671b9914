//! What must be true of every kind of policy, whatever its rules: of random rules, written in each of the five formats.

use std::sync::LazyLock;

use proptest::prelude::{Just, Strategy, any, prop, proptest};
use saferun_tui::analysis::policy::call::Call;
use saferun_tui::analysis::policy::history::{self, Place};
use saferun_tui::analysis::policy::modes::Modes;
use saferun_tui::analysis::policy::set::{Refusal, Set};
use saferun_tui::analysis::policy::whatif::{self, Against};
use saferun_tui::analysis::policy::{Effect, File, Scope};
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::store::Store;
use serde_json::{Map, Value, json};

use super::CONTEXT;
use crate::properties::config;
use crate::support::load;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Claude,
    Gemini,
    Codex,
    OpenCode,
    Native,
}

const FORMATS: [Format; 5] = [
    Format::Claude,
    Format::Gemini,
    Format::Codex,
    Format::OpenCode,
    Format::Native,
];

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Commands that start like this.
    Command(&'static str),
    /// Every command.
    Shell,
    /// Writing in a folder of the project.
    Write(&'static str),
    Read(&'static str),
}

const ABOUT: &[About] = &[
    About::Command("git"),
    About::Command("git push"),
    About::Command("rm"),
    About::Command("make"),
    About::Shell,
    About::Write("src"),
    About::Write("docs"),
    About::Read("src"),
    About::Read("secret"),
];

type Rule = (Effect, About);

/// The names of a format for a shell, for a tool that writes and for one that reads.
fn tools(format: Format) -> [&'static str; 3] {
    match format {
        Format::Claude | Format::Native => ["Bash", "Edit", "Read"],
        Format::Gemini => ["run_shell_command", "write_file", "read_file"],
        Format::Codex => ["shell", "apply_patch", "read_file"],
        Format::OpenCode => ["bash", "edit", "read"],
    }
}

fn file(format: Format, rules: &[Rule]) -> File {
    let (path, text) = match format {
        Format::Claude => ("settings.json", claude(rules)),
        Format::Gemini => ("gemini.toml", gemini(rules)),
        Format::Codex => ("default.rules", codex(rules)),
        Format::OpenCode => ("opencode.json", opencode(rules)),
        Format::Native => ("policy.toml", native(rules)),
    };
    named(path, text)
}

fn named(path: &str, text: String) -> File {
    File {
        path: path.to_owned(),
        text,
        root: Some("/w".to_owned()),
        in_force: true,
        scope: Scope::User,
    }
}

fn claude(rules: &[Rule]) -> String {
    let of = |effect: Effect| -> Vec<String> {
        let of = rules.iter().filter(|(it, _)| *it == effect);
        of.map(|(_, about)| match about {
            About::Command(start) => format!("Bash({start} *)"),
            About::Shell => "Bash".to_owned(),
            About::Write(folder) => format!("Edit(//w/{folder}/**)"),
            About::Read(folder) => format!("Read(//w/{folder}/**)"),
        })
        .collect()
    };
    json!({"permissions": {"allow": of(Effect::Allow), "ask": of(Effect::Ask), "deny": of(Effect::Deny)}})
        .to_string()
}

fn gemini(rules: &[Rule]) -> String {
    let each = rules.iter().map(|(effect, about)| {
        let test = match about {
            About::Command(start) => {
                format!("toolName = \"run_shell_command\"\ncommandPrefix = \"{start}\"")
            }
            About::Shell => "toolName = \"run_shell_command\"".to_owned(),
            About::Write(folder) => {
                format!("toolName = \"write_file\"\nargsPattern = '\"file_path\":\"/w/{folder}/'")
            }
            About::Read(folder) => {
                format!("toolName = \"read_file\"\nargsPattern = '\"file_path\":\"/w/{folder}/'")
            }
        };
        let decision = match effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
            _ => "ask_user",
        };
        format!("[[rule]]\n{test}\ndecision = \"{decision}\"\n")
    });
    // Without a rule it would not be a Gemini CLI policy.
    let other = "[[rule]]\ntoolName = \"other\"\ndecision = \"deny\"\n".to_owned();
    each.chain([other]).collect()
}

fn codex(rules: &[Rule]) -> String {
    let each = rules.iter().map(|(effect, about)| {
        let decision = match effect {
            Effect::Allow => "allow",
            Effect::Deny => "forbidden",
            _ => "prompt",
        };
        match about {
            About::Command(start) => {
                let words: Vec<&str> = start.split(' ').collect();
                format!("prefix_rule(pattern = {words:?}, decision = \"{decision}\")\n")
            }
            // It has rules for commands only.
            About::Shell | About::Write(_) | About::Read(_) => String::new(),
        }
    });
    each.collect()
}

fn opencode(rules: &[Rule]) -> String {
    let mut tools: Map<String, Value> = Map::new();
    for (effect, about) in rules {
        let (tool, pattern) = match about {
            About::Command(start) => ("bash", format!("{start} *")),
            About::Shell => ("bash", "*".to_owned()),
            About::Write(folder) => ("edit", format!("/w/{folder}/*")),
            About::Read(folder) => ("read", format!("/w/{folder}/*")),
        };
        let patterns = tools.entry(tool).or_insert_with(|| json!({}));
        patterns[&pattern] = json!(effect.word());
    }
    json!({ "permission": tools }).to_string()
}

fn native(rules: &[Rule]) -> String {
    let each = rules.iter().enumerate().map(|(at, (effect, about))| {
        let [shell, write, read] = tools(Format::Native);
        let (tool, when) = match about {
            About::Command(start) => (shell, format!("command:\"{start}\"")),
            // Allowed unless it says `sudo`: a condition on what is absent.
            About::Shell => (shell, "-command:sudo".to_owned()),
            About::Write(folder) => (write, format!("args.file_path~\"^/w/{folder}/\"")),
            About::Read(folder) => (read, format!("args.file_path~\"^/w/{folder}/\"")),
        };
        let effect = effect.word();
        format!(
            "[[rule]]\nid = \"r{at}\"\neffect = \"{effect}\"\ntool = \"{tool}\"\nwhen = '{when}'\n"
        )
    });
    let rules: String = each.collect();
    format!("version = 1\ndefault = \"ask\"\n{rules}")
}

/// A call of a shell with a line, or of a tool with a path.
#[derive(Debug, Clone)]
enum Asked {
    Line(String),
    Write(String),
    Read(String),
}

impl Asked {
    fn of(&self, format: Format) -> (&'static str, Value) {
        let [shell, write, read] = tools(format);
        let path = |path: &String| match format {
            Format::OpenCode => json!({ "filePath": path }),
            _ => json!({ "file_path": path }),
        };
        match self {
            Asked::Line(line) => (shell, json!({ "command": line })),
            Asked::Write(file) => (write, path(file)),
            Asked::Read(file) => (read, path(file)),
        }
    }
}

fn decide(format: Format, rules: &[Rule], asked: &Asked, is_recorded: bool) -> Effect {
    let set = Set::read(&[file(format, rules)]).expect("the rules are valid");
    let (tool, args) = asked.of(format);
    let call = Call {
        tool,
        args: Some(&args).filter(|_| is_recorded),
        ..Call::default()
    };
    set.decide(&call, &CONTEXT).effect
}

fn is_allowed(effect: Effect) -> bool {
    matches!(effect, Effect::Allow | Effect::Warn)
}

fn effect() -> impl Strategy<Value = Effect> {
    prop::sample::select(vec![Effect::Allow, Effect::Ask, Effect::Deny])
}

/// Rules about different things, in any order.
fn rules(least: usize) -> impl Strategy<Value = Vec<Rule>> {
    let about = prop::sample::subsequence(ABOUT.to_vec(), least..=ABOUT.len()).prop_shuffle();
    about.prop_flat_map(|about| {
        let effects = prop::collection::vec(effect(), about.len());
        effects.prop_map(move |effects| {
            effects
                .into_iter()
                .zip(about.clone())
                .collect::<Vec<Rule>>()
        })
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    let line = "(git push|git status|rm x|make|sudo rm y|ls)( (&&|;|\\|) (git log|rm z|make a))?( > (/w/src/o|o))?";
    let path = "/(w|v)/(src|docs|secret)/(a|b/c)";
    proptest::prop_oneof![
        2 => line.prop_map(Asked::Line),
        1 => path.prop_map(Asked::Write),
        1 => path.prop_map(Asked::Read),
    ]
}

proptest! {
    #![proptest_config(config(160))]

    #[test]
    fn another_deny_never_softens_a_verdict(rules in rules(1), at in any::<prop::sample::Index>(), asked in asked()) {
        let (more, fewer) = rules.split_last().expect("a rule");
        let mut after = fewer.to_vec();
        after.insert(at.index(fewer.len() + 1), (Effect::Deny, more.1));
        for format in FORMATS {
            let (before, after) = (decide(format, fewer, &asked, true), decide(format, &after, &asked, true));
            assert!(after >= before, "{format:?}: {before:?} became {after:?}");
        }
    }

    #[test]
    fn the_order_of_allow_rules_changes_nothing(
        (rules, turned) in rules(0).prop_flat_map(|rules| {
            let (allow, others): (Vec<Rule>, Vec<Rule>) = rules.into_iter().partition(|(it, _)| *it == Effect::Allow);
            (Just(allow.clone()).prop_shuffle(), Just(allow), Just(others)).prop_map(|(turned, allow, others)| {
                ([allow, others.clone()].concat(), [turned, others].concat())
            })
        }),
        asked in asked(),
    ) {
        for format in FORMATS {
            assert_eq!(decide(format, &rules, &asked, true), decide(format, &turned, &asked, true), "{format:?}");
        }
    }

    #[test]
    fn where_the_strictest_rule_decides_no_order_matters(
        (rules, turned) in rules(0).prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        asked in asked(),
    ) {
        for format in [Format::Claude, Format::Codex, Format::Native] {
            assert_eq!(decide(format, &rules, &asked, true), decide(format, &turned, &asked, true), "{format:?}");
        }
    }

    /// An error never allows: without its arguments a call is allowed only if it is allowed whatever they are.
    #[test]
    fn what_is_not_recorded_is_allowed_only_where_it_does_not_matter(rules in rules(0), asked in asked()) {
        for format in FORMATS {
            let bare = decide(format, &rules, &asked, false);
            let whole = decide(format, &rules, &asked, true);
            assert!(!is_allowed(bare) || is_allowed(whole), "{format:?}: {bare:?} without arguments, {whole:?} with them");
        }
    }

    #[test]
    fn the_table_adds_up_and_a_policy_does_not_differ_from_itself(rules in rules(0)) {
        let (store, cancel) = (&STORE.1, CancelFlag::new());
        for format in FORMATS {
            let set = Set::read(&[file(format, &rules)]).expect("the rules are valid");
            let judged = history::judge(store, &set, &Place::default(), &cancel);
            let modes = Modes::default();
            let report = |against| whatif::report(store, (&set, &modes), (&judged, against), &|_| true);
            let recorded = report(Against::Recorded);
            assert_eq!(recorded.calls, CALLS);
            assert_eq!(recorded.table.values().sum::<u64>(), CALLS, "{format:?}");
            assert_eq!(recorded.hits.iter().sum::<u64>() + recorded.by_no_rule, CALLS, "{format:?}");
            let same = report(Against::Policy(&judged));
            assert!(same.changes.is_empty() && same.first.is_empty() && same.behind == 0, "{format:?}");
            assert_eq!(same.table.values().sum::<u64>(), CALLS, "{format:?}");
        }
    }
}

const CALLS: u64 = 5 * 6 * 3;

/// Calls of every format, of which some were stopped, some are open and some lack their arguments.
static STORE: LazyLock<(tempfile::TempDir, Store)> = LazyLock::new(|| {
    let asked = [
        Asked::Line("git push".to_owned()),
        Asked::Line("make && rm x > o".to_owned()),
        Asked::Line("ls".to_owned()),
        Asked::Write("/w/src/a".to_owned()),
        Asked::Read("/w/secret/a".to_owned()),
        Asked::Read("/v/a".to_owned()),
    ];
    let mut lines = String::new();
    for (run, format) in FORMATS.iter().enumerate() {
        for (at, asked) in asked.iter().cycle().take(18).enumerate() {
            let (tool, args) = asked.of(*format);
            let (run, id) = (format!("r{run}"), format!("c{at}"));
            let mut call = json!({"type": "tool_call", "run_id": run, "id": id, "tool": tool});
            if at % 7 != 3 {
                call["args"] = args;
            }
            let status = ["ok", "error", "blocked", "denied"][at % 4];
            let result = json!({"type": "tool_result", "run_id": run, "call_id": id, "status": status, "result": 1});
            lines.extend([call.to_string(), "\n".to_owned()]);
            if at % 5 != 4 {
                lines.extend([result.to_string(), "\n".to_owned()]);
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("calls.jsonl");
    std::fs::write(&path, lines).expect("written");
    let store = load(&[path]);
    // Records are read again when calls are judged.
    (folder, store)
});

/// A mistake is refused with its line, its column, and carets under it.
#[track_caller]
fn refused(path: &str, text: &str, place: &str, marked: &str) {
    let refusal = Set::read(&[named(path, text.to_owned())]).expect_err("a mistake");
    let Refusal::Broken(broken) = refusal else {
        panic!("{path} is of no known kind");
    };
    let words = broken.mistake.words(path);
    let lines: Vec<&str> = words.lines().collect();
    let [printed, line, carets] = lines.as_slice() else {
        panic!("{words}");
    };
    assert!(printed.starts_with(&format!("{path}:{place}: ")), "{words}");
    let from = carets.find('^').expect("carets");
    let under: String = line.chars().skip(from).take(carets.trim().len()).collect();
    assert_eq!(under, marked, "{words}");
}

#[test]
fn a_mistake_in_any_format_is_shown_at_its_place() {
    refused(
        "settings.json",
        "{\"permissions\": {\n  \"deny\": [\"Bash(rm *\"]}}",
        "2:12",
        "\"Bash(rm *\"",
    );
    refused(
        "gemini.toml",
        "[[rule]]\ntoolName = \"x\"\ndecision = \"denny\"\n",
        "3:12",
        "\"denny\"",
    );
    refused(
        "default.rules",
        "prefix_rule(pattern = [\"a\"],\n  decison = \"allow\")",
        "2:3",
        "decison",
    );
    refused(
        "opencode.json",
        "{\"permission\": {\n  \"bash\": {\n    \"rm *\": \"denny\"\n  }\n}}",
        "3:13",
        "\"denny\"",
    );
    refused(
        "policy.toml",
        "[[rule]]\nid = \"a\"\neffect = \"deny\"\nwhen = \"tol:refund\"\n",
        "4:9",
        "tol",
    );
    // Files that are not even JSON or TOML.
    for (path, text) in [
        ("settings.json", "{\"permissions\": x}"),
        ("opencode.json", "{\"permission\": {,}}"),
        ("policy.toml", "[[rule]\n"),
    ] {
        let Err(Refusal::Broken(broken)) = Set::read(&[named(path, text.to_owned())]) else {
            panic!("{path} is read");
        };
        let words = broken.mistake.words(path);
        assert!(
            words.starts_with(&format!("{path}:1:")) && words.contains('^'),
            "{words}"
        );
    }
}
