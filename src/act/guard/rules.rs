//! The policy that the guard enforces: the user's own, and a project's additions, which can only be stricter.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::act::places::Places;
use crate::analysis::policy::call::Call;
use crate::analysis::policy::native::{self, Native, Options};
use crate::analysis::policy::set::{Refusal, Set};
use crate::analysis::policy::{Context, Effect, Engine, File, Needs, Scope, Verdict};
use crate::base::sha256;
use crate::ingest::body::Matched;

/// A policy, or why it cannot be used.
#[derive(Debug)]
pub struct Rules {
    held: Held,
    pub options: Options,
    /// Over the texts of all files.
    pub sha256: String,
    files: Vec<File>,
}

#[derive(Debug)]
enum Held {
    /// No file: calls are recorded, not decided.
    Nothing,
    Set(Set),
    /// A file that cannot be used: every call needs approval.
    Broken(String),
}

/// The policy's decision about a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    pub effect: Effect,
    /// Whose rule it is.
    pub policy: String,
    pub rule: Option<String>,
    pub reason: String,
    pub matched: Vec<Value>,
}

/// The largest policy file.
const LARGEST: u64 = 1 << 20;
/// How many folders, from the working directory up, are searched for a project's policy.
const HIGHEST: usize = 30;
/// The name of the user's own policy in a trace.
const USER: &str = "user";
const PROJECT: &str = ".saferun/policy.toml";

impl Rules {
    /// Reads the policy in force for a working directory.
    pub fn load(places: &Places, cwd: Option<&str>) -> Rules {
        let own = places.policy();
        let mut rules = Rules {
            held: Held::Nothing,
            options: Options::default(),
            sha256: String::new(),
            files: Vec::new(),
        };
        let project = cwd.and_then(|cwd| project(Path::new(cwd), places.home()));
        let found = [(own, Scope::User)]
            .into_iter()
            .chain(project.map(|path| (path, Scope::Project)));
        for (path, scope) in found {
            match read(&path) {
                Ok(Some(text)) => rules.files.push(file(&path, text, scope)),
                Ok(None) => {}
                Err(error) => rules.held = Held::Broken(format!("{}: {error}", path.display())),
            }
        }
        if rules.files.is_empty() || matches!(rules.held, Held::Broken(_)) {
            return rules;
        }
        match rules.engines(places) {
            Ok(set) => rules.held = Held::Set(set),
            Err(why) => rules.held = Held::Broken(why),
        }
        let texts: Vec<&str> = rules.files.iter().map(|it| it.text.as_str()).collect();
        rules.sha256 = sha256::hex(texts.concat().as_bytes());
        rules
    }

    /// The files that were read, the user's own first.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|it| it.path.as_str())
    }

    pub fn count(&self) -> usize {
        match &self.held {
            Held::Set(set) => set.rules().count(),
            Held::Nothing | Held::Broken(_) => 0,
        }
    }

    /// Why the policy cannot be used.
    pub fn broken(&self) -> Option<&str> {
        match &self.held {
            Held::Broken(why) => Some(why),
            Held::Nothing | Held::Set(_) => None,
        }
    }

    /// The engine for our own files, and one for each other kind they use.
    fn engines(&mut self, places: &Places) -> Result<Set, String> {
        let words = |files: &[File], refusal: Refusal| match refusal {
            Refusal::Broken(broken) => broken.mistake.words(&files[broken.file].path),
            Refusal::Unknown(at) => format!("{}: not a known kind of policy", files[at].path),
        };
        if !self.files.iter().any(|it| it.text.contains("[[use]]")) {
            let native = Native::read(&self.files)
                .map_err(|broken| words(&self.files, Refusal::Broken(broken)))?;
            self.options = self.options_of(native.options);
            self.only_stricter(native.rules())?;
            return Ok(Set::of(Box::new(native)));
        }
        let own = self.files.clone();
        let native = Native::read(&own).map_err(|broken| words(&own, Refusal::Broken(broken)))?;
        self.options = self.options_of(native.options);
        self.only_stricter(native.rules())?;
        for file in own {
            let uses = native::uses(&file.text).map_err(|mistake| mistake.words(&file.path))?;
            for used in uses {
                if file.scope == Scope::Project {
                    return Err(used
                        .mistake
                        .because("a project cannot use other files")
                        .words(&file.path));
                }
                self.include(&file.path, &used, places)?;
            }
        }
        Set::read(&self.files).map_err(|refusal| words(&self.files, refusal))
    }

    /// Only the user's own file has options.
    fn options_of(&self, read: Options) -> Options {
        let is_own = self.files.first().is_some_and(|it| it.scope == Scope::User);
        if is_own { read } else { Options::default() }
    }

    /// A project's rules cannot allow.
    fn only_stricter(&self, rules: &[crate::analysis::policy::Rule]) -> Result<(), String> {
        let allows = rules.iter().find(|rule| {
            rule.effect == Effect::Allow && self.files[rule.file].scope == Scope::Project
        });
        match allows {
            Some(rule) => Err(format!(
                "{}:{}: a project's policy may deny, ask and warn, but not allow ('{}')",
                self.files[rule.file].path, rule.line, rule.name
            )),
            None => Ok(()),
        }
    }

    fn include(&mut self, by: &str, used: &native::Use, places: &Places) -> Result<(), String> {
        let folder = Path::new(by).parent().unwrap_or(Path::new("."));
        let at = |path: &str| match path.strip_prefix("~/") {
            Some(rest) => places.home().join(rest),
            None => folder.join(path),
        };
        let path = at(&used.file);
        match read(&path) {
            Ok(Some(text)) => {
                let mut included = file(&path, text, Scope::User);
                if let Some(root) = &used.root {
                    included.root = Some(at(root).to_string_lossy().into_owned());
                }
                self.files.push(included);
                Ok(())
            }
            Ok(None) => Err(used
                .mistake
                .clone()
                .because("the file does not exist")
                .words(by)),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Whether a verdict on a call of this tool depends on what the run did before.
    pub fn look_back(&self, tool: &str) -> bool {
        matches!(&self.held, Held::Set(set) if set.needs(tool) >= Needs::Run)
    }

    /// Whether some rule looks at the calls that the run made before.
    pub fn look_at_past(&self) -> bool {
        matches!(&self.held, Held::Set(set) if set.looks_at_past())
    }

    /// None without a policy.
    pub fn decide(&self, call: &Call<'_>, context: &Context<'_>) -> Option<Decided> {
        let set = match &self.held {
            Held::Nothing => return None,
            Held::Broken(why) => {
                return Some(Decided {
                    effect: Effect::Error,
                    policy: USER.to_owned(),
                    rule: None,
                    reason: format!("the policy cannot be used: {why}"),
                    matched: Vec::new(),
                });
            }
            Held::Set(set) => set,
        };
        let Verdict { effect, rule, why } = set.decide(call, context);
        let named = rule
            .and_then(|ix| set.rule(ix))
            .map(|rule| rule.name.clone());
        let own = rule.map_or("", |ix| set.reason(ix));
        let reason = match (why.is_empty(), own.is_empty()) {
            (false, _) => why.into_owned(),
            (true, false) => own.to_owned(),
            (true, true) => named.clone().unwrap_or_default(),
        };
        let matched = rule.map_or_else(Vec::new, |ix| set.matched(ix, call, context));
        let home = rule.and_then(|ix| set.home_of(ix));
        let policy = match home.map(|(engine, file)| (engine.kind().name, self.files[file].scope)) {
            Some((_, Scope::Project)) => "project",
            Some((kind, _)) if kind != native::KIND.name => kind,
            Some(_) | None => USER,
        };
        Some(Decided {
            effect,
            policy: policy.to_owned(),
            rule: named,
            reason,
            matched: matched.into_iter().map(condition).collect(),
        })
    }

    /// Every rule, and why it does or does not match the call.
    pub fn explain(&self, call: &Call<'_>, context: &Context<'_>) -> Vec<(Option<bool>, String)> {
        let Held::Set(set) = &self.held else {
            return Vec::new();
        };
        let all = set.explain(call, context).into_iter();
        all.map(|reason| {
            let name = set.rule(reason.rule).map_or("", |rule| &rule.name);
            (reason.is_match, format!("{name}: {}", reason.words))
        })
        .collect()
    }
}

fn condition(found: Matched) -> Value {
    let mut condition = json!({"path": found.path, "op": found.op});
    for (name, value) in [("value", found.value), ("actual", found.actual)] {
        if let Some(value) = value {
            condition[name] = value;
        }
    }
    condition
}

fn file(path: &Path, text: String, scope: Scope) -> File {
    let folder = path.parent().unwrap_or(Path::new("/"));
    File {
        path: path.to_string_lossy().into_owned(),
        text,
        root: Some(folder.to_string_lossy().into_owned()),
        in_force: true,
        scope,
    }
}

/// The text of a policy; none if there is no file. A file that others may write is refused.
fn read(path: &Path) -> io::Result<Option<String>> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) => {
            let is_absent = matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            );
            return if is_absent { Ok(None) } else { Err(error) };
        }
    };
    if !found.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("belongs to another user"));
    }
    if found.mode() & 0o022 != 0 {
        return Err(io::Error::other(
            "is writable by others (fix with chmod go-w)",
        ));
    }
    if found.len() > LARGEST {
        return Err(io::Error::other("too large"));
    }
    fs::read_to_string(path).map(Some)
}

/// The policy of the project that contains a folder.
fn project(cwd: &Path, home: &Path) -> Option<PathBuf> {
    if !cwd.is_absolute() {
        return None;
    }
    let folders = cwd.ancestors().take(HIGHEST);
    let within = folders.take_while(|folder| *folder != home && folder.parent().is_some());
    within
        .map(|folder| folder.join(PROJECT))
        .find(|path| fs::symlink_metadata(path).is_ok())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use serde_json::{Value, json};

    use super::{Decided, Rules};
    use crate::act::places::Places;
    use crate::analysis::policy::call::Call;
    use crate::analysis::policy::{Context, Effect};

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Home {
            Home(tempfile::tempdir().expect("a folder"))
        }

        fn write(&self, path: &str, text: &str, mode: u32) -> PathBuf {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            path
        }

        fn decide(&self, args: &Value) -> Option<Decided> {
            let home = self.0.path().to_owned();
            let places = Places::of(|name| (name == "HOME").then(|| home.clone()));
            let cwd = self.0.path().join("work/deep");
            let cwd = cwd.to_string_lossy().into_owned();
            let rules = Rules::load(&places.expect("a home"), Some(&cwd));
            let call = Call {
                tool: "Bash",
                args: Some(args),
                ..Call::default()
            };
            rules.decide(&call, &Context::default())
        }
    }

    const POLICY: &str = ".config/saferun-tui/policy.toml";
    const RM: &str = "version = 1\n[[rule]]\nid = \"rm\"\neffect = \"ask\"\nwhen = 'args.command~\"rm -rf\" args.n>2'\nreason = \"recursive delete\"\n";

    #[test]
    fn without_a_policy_nothing_is_decided() {
        assert_eq!(Home::new().decide(&json!({})), None);
    }

    #[test]
    fn a_rule_decides_and_says_what_it_matched() {
        let home = Home::new();
        home.write(POLICY, RM, 0o600);
        let decided = home.decide(&json!({"command": "rm -rf build", "n": 3}));
        let decided = decided.expect("decided");
        assert_eq!(decided.effect, Effect::Ask);
        assert_eq!(decided.rule.as_deref(), Some("rm"));
        assert_eq!(decided.reason, "recursive delete");
        assert_eq!(
            Value::from(decided.matched).to_string(),
            r#"[{"path":"args.command","op":"~","value":"rm -rf","actual":"rm -rf build"},{"path":"args.n","op":">","value":2,"actual":3}]"#
        );
        let other = home
            .decide(&json!({"command": "ls", "n": 3}))
            .expect("decided");
        assert_eq!((other.effect, other.rule), (Effect::Allow, None));
        let text = home
            .decide(&json!({"command": "rm -rf /", "n": "x"}))
            .expect("decided");
        assert_eq!(text.effect, Effect::Error, "a number compared with text");
    }

    #[test]
    fn with_a_broken_or_writable_policy_every_call_needs_approval() {
        for (text, mode) in [
            ("version = 2", 0o600),
            (RM, 0o620),
            (RM, 0o602),
            ("[[rul", 0o600),
        ] {
            let home = Home::new();
            home.write(POLICY, text, mode);
            let decided = home.decide(&json!({"command": "ls"})).expect("decided");
            assert_eq!(decided.effect, Effect::Error, "{text}");
            assert!(decided.reason.contains("policy.toml"), "{}", decided.reason);
        }
        let home = Home::new();
        let path = home.write(POLICY, RM, 0o600);
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("created");
        let decided = home.decide(&json!({})).expect("decided");
        assert_eq!(decided.effect, Effect::Error);
    }

    #[test]
    fn a_project_can_only_be_stricter() {
        let home = Home::new();
        let deny = RM.replace("ask", "deny").replace("\"rm\"", "\"rm2\"");
        home.write("work/.saferun/policy.toml", &deny, 0o644);
        home.write(POLICY, RM, 0o644);
        let decided = home
            .decide(&json!({"command": "rm -rf x", "n": 3}))
            .expect("decided");
        assert_eq!(
            (decided.effect, decided.rule.as_deref()),
            (Effect::Deny, Some("rm2"))
        );
        let allow = "version = 1\n[[rule]]\nid = \"a\"\neffect = \"allow\"\ntool = \"*\"\n";
        home.write("work/.saferun/policy.toml", allow, 0o644);
        let decided = home.decide(&json!({"command": "ls"})).expect("decided");
        assert_eq!(decided.effect, Effect::Error);
        assert!(decided.reason.contains("not allow"), "{}", decided.reason);
        assert!(Path::new(&home.0.path().join("work")).is_dir());
    }
}
