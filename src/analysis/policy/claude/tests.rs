use proptest::prelude::{Strategy, prop, proptest};
use serde_json::json;

use super::*;

const CONTEXT: Context<'_> = Context {
    cwd: Some("/w"),
    home: Some("/home/u"),
    mode: None,
    before: crate::analysis::policy::Before {
        calls: 0,
        errors: 0,
        blocked: 0,
    },
    past: None,
    spent: None,
    record: None,
};

fn decide(rules: &[(Effect, &str)], tool: &str, args: &Value) -> Verdict {
    let claude = Claude::of(rules).expect("the rules are valid");
    let call = Call {
        tool,
        args: Some(args),
        ..Call::default()
    };
    claude.decide(&call, &CONTEXT)
}

#[track_caller]
fn check(rules: &[(Effect, &str)], line: &str, expected: Effect) {
    let verdict = decide(rules, "Bash", &json!({ "command": line }));
    assert_eq!(verdict.effect, expected, "{line}");
}

use Effect::{Allow, Ask, Deny};

#[test]
fn a_deny_wins_over_everything_and_an_ask_over_an_allow() {
    let rules = [
        (Allow, "Bash(git push origin main)"),
        (Ask, "Bash(git push *)"),
        (Deny, "Bash(git push --force *)"),
    ];
    check(&rules, "git push origin main", Ask);
    check(&rules, "git push --force origin", Deny);
    check(&rules, "git status", Allow);
}

#[test]
fn each_part_of_a_line_may_be_allowed_by_a_rule_of_its_own() {
    let rules = [(Allow, "Bash(make *)"), (Allow, "Bash(npm test *)")];
    check(&rules, "make a && npm test | tail -3", Allow);
    check(&rules, "make a && rm b", Ask);
    check(&rules, "make a > out", Ask);
    check(
        &[(Allow, "Bash(make *)"), (Allow, "Edit(//w/**)")],
        "make a > out",
        Allow,
    );
}

#[test]
fn white_space_beyond_ascii_is_asked_about_unless_the_rule_names_the_line() {
    let rules = [
        (Allow, "Bash(echo *)"),
        (Allow, "Bash(make\u{a0}a)"),
        (Deny, "Bash(touch *)"),
    ];
    check(&rules, "echo a\u{3000}b", Ask);
    check(&rules, "\u{a0}echo a", Ask);
    check(&rules, "make\u{a0}a", Allow);
    check(&rules, "\u{a0}touch q", Deny);
    check(&rules, "touch\u{a0}q", Ask);
    check(&[], "ls\u{a0}-l", Ask);
}

#[test]
fn a_read_outside_of_the_working_directory_is_asked_for() {
    let read = |path: &str| decide(&[], "Read", &json!({ "file_path": path })).effect;
    assert_eq!(read("/w/a"), Allow);
    assert_eq!(read("/v/a"), Ask);
    assert_eq!(read("a"), Allow);
}

#[test]
fn what_is_not_recorded_is_an_error_and_never_allowed() {
    let claude =
        Claude::of(&[(Deny, "Read(secrets/**)"), (Allow, "Read"), (Allow, "Bash")]).expect("valid");
    let args = json!({ "file_path": "/w/a" });
    let call = Call {
        tool: "Read",
        args: Some(&args),
        ..Call::default()
    };
    let verdict = claude.decide(&call, &Context::default());
    assert_eq!(verdict.effect, Effect::Error);
    assert_eq!(verdict.why, "the working directory is not recorded");
    let bare = Call {
        tool: "Read",
        ..Call::default()
    };
    assert_eq!(claude.decide(&bare, &CONTEXT).effect, Effect::Error);
}

#[test]
fn an_allow_that_cannot_be_judged_does_not_stop_another_that_holds_whatever_the_arguments() {
    let bare = Call {
        tool: "Bash",
        ..Call::default()
    };
    let decide = |rules: &[(Effect, &str)]| {
        let claude = Claude::of(rules).expect("valid");
        claude.decide(&bare, &CONTEXT).effect
    };
    let (some, all) = ((Allow, "Bash(git *)"), (Allow, "Bash"));
    assert_eq!(decide(&[some, all]), Allow);
    assert_eq!(decide(&[all, some]), Allow);
    assert_eq!(decide(&[some]), Effect::Error);
    assert_eq!(decide(&[(Deny, "Bash(rm *)"), all]), Effect::Error);
}

#[test]
fn a_project_that_is_not_trusted_allows_nothing_but_still_denies() {
    let file = crate::analysis::policy::File {
        path: "/w/.claude/settings.json".to_owned(),
        text: json!({ "permissions": { "allow": ["Bash(make *)"], "deny": ["Bash(rm *)"] } })
            .to_string(),
        root: Some("/w".to_owned()),
        in_force: false,
        scope: crate::analysis::policy::Scope::Project,
    };
    let claude = Claude::read(&[file]).expect("valid");
    let effect = |line: &str| {
        let args = json!({ "command": line });
        let call = Call {
            tool: "Bash",
            args: Some(&args),
            ..Call::default()
        };
        claude.decide(&call, &CONTEXT).effect
    };
    assert_eq!(effect("make a"), Ask);
    assert_eq!(effect("rm a"), Deny);
    assert_eq!(claude.rules()[0].dead, Some(Dead::NotInForce));
}

#[test]
fn a_mistake_is_shown_at_its_place() {
    let read = |text: &str| {
        let file = crate::analysis::policy::File {
            path: "settings.json".to_owned(),
            text: text.to_owned(),
            root: None,
            in_force: true,
            scope: crate::analysis::policy::Scope::User,
        };
        Claude::read(&[file])
            .expect_err("a mistake")
            .mistake
            .words("settings.json")
    };
    insta::assert_snapshot!(read("{\"permissions\": {\n  \"deny\": [\"Bash(rm *\"]\n}}"), @r#"
    settings.json:2:12: '(' is not closed by ')' at the end of the rule
        "deny": ["Bash(rm *"]
                 ^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(read("{\"permissions\": {\n  \"dney\": []\n}}"), @r#"
    settings.json:2:3: unknown key 'dney' · did you mean 'deny'?
        "dney": []
        ^^^^^^
    "#);
    insta::assert_snapshot!(read("{\"deny\": []}"), @r#"
    settings.json:1:2: 'deny' belongs in "permissions"
      {"deny": []}
       ^^^^^^
    "#);
}

fn rule() -> impl Strategy<Value = String> {
    let bash =
        "(git|rm|make|ls)( (push|add|x|\\*)){0,2}( \\*|:\\*)?".prop_map(|it| format!("Bash({it})"));
    let path =
        "(//|~/|/|\\./|)(src|a|\\*\\*)(/(b|\\*|\\*\\*)){0,2}".prop_map(|it| format!("Edit({it})"));
    let names = prop::sample::select(vec![
        "Bash",
        "Edit",
        "Read",
        "WebFetch",
        "mcp__s__*",
        "Read(.env)",
    ]);
    proptest::prop_oneof![bash, path, names.prop_map(str::to_owned)]
}

fn asked() -> impl Strategy<Value = (String, Value)> {
    let line = "(git push|rm x|make a|ls)( (&&|;|\\|) (git add b|rm y|cat f|\\(rm z\\)|\\$\\(rm q\\)))?( > o)?";
    let bash = line.prop_map(|it| ("Bash".to_owned(), json!({ "command": it })));
    let edit =
        "(/w/|/v/|)(src|a)/(b|c)".prop_map(|it| ("Edit".to_owned(), json!({ "file_path": it })));
    let read =
        "(/w/|/v/|)(\\.env|a)".prop_map(|it| ("Read".to_owned(), json!({ "file_path": it })));
    proptest::prop_oneof![bash, edit, read]
}

fn all(effect: Effect, rules: &[String]) -> Vec<(Effect, &str)> {
    rules.iter().map(|it| (effect, it.as_str())).collect()
}

#[test]
fn a_deny_of_edits_takes_back_what_a_redirection_needs() {
    let rules = [(Allow, "Edit(/**)"), (Allow, "Bash(git *)")];
    let args = json!({ "command": "git push > o" });
    assert_eq!(decide(&rules, "Bash", &args).effect, Allow);
    let denied = [&rules[..], &[(Deny, "Edit")]].concat();
    assert_eq!(decide(&denied, "Bash", &args).effect, Ask);
}

proptest! {
    /// Another deny never lets anything through, and never softens a verdict. It turns an allow into a question
    /// only where it takes away the right to edit the file that a line redirects to.
    #[test]
    fn adding_a_deny_never_allows_more(
        allow in prop::collection::vec(rule(), 0..4),
        deny in prop::collection::vec(rule(), 0..3),
        more in rule(),
        (tool, args) in asked(),
    ) {
        let before = [all(Allow, &allow), all(Deny, &deny)].concat();
        let after = [before.clone(), vec![(Deny, more.as_str())]].concat();
        let (before, after) = (decide(&before, &tool, &args).effect, decide(&after, &tool, &args).effect);
        let is_redirected = args["command"].as_str().is_some_and(|line| line.contains('>'));
        let loses_target = (before, after) == (Allow, Ask) && is_redirected && more.starts_with("Edit");
        assert!(after == before || after == Deny || loses_target, "{before:?} became {after:?}");
    }

    #[test]
    fn the_order_of_allow_rules_does_not_matter(allow in prop::collection::vec(rule(), 0..5), (tool, args) in asked()) {
        let mut turned = allow.clone();
        turned.reverse();
        let effect = |rules: &[String]| decide(&all(Allow, rules), &tool, &args).effect;
        assert_eq!(effect(&allow), effect(&turned));
    }

    #[test]
    fn any_rule_is_read_or_refused(text in "\\PC{0,24}|[A-Z][a-z]{2,6}\\(\\PC{0,20}\\)", (tool, args) in asked()) {
        for effect in [Allow, Ask, Deny] {
            if let Ok(claude) = Claude::of(&[(effect, &text)]) {
                let call = Call { tool: &tool, args: Some(&args), ..Call::default() };
                claude.decide(&call, &CONTEXT);
                claude.explain(&call, &CONTEXT);
            }
        }
    }
}

#[track_caller]
fn in_mode(mode: &str, tool: &str, args: &Value, expected: Effect) {
    let rules = [
        (Effect::Deny, "Bash(make *)"),
        (Effect::Ask, "Bash(cp *)"),
        (Effect::Allow, "Bash(go *)"),
    ];
    let claude = Claude::of(&rules).expect("the rules are valid");
    let call = Call {
        tool,
        args: Some(args),
        ..Call::default()
    };
    let context = Context {
        mode: Some(mode),
        ..CONTEXT
    };
    assert_eq!(
        claude.decide(&call, &context).effect,
        expected,
        "{mode}: {args}"
    );
}

#[test]
fn the_mode_of_a_run_decides_who_is_asked() {
    let bash = |line: &str| json!({ "command": line });
    for (mode, denied, asked, allowed, open) in [
        (
            "default",
            Effect::Deny,
            Effect::Ask,
            Effect::Allow,
            Effect::Ask,
        ),
        (
            "plan",
            Effect::Deny,
            Effect::Ask,
            Effect::Allow,
            Effect::Ask,
        ),
        (
            "acceptEdits",
            Effect::Deny,
            Effect::Ask,
            Effect::Allow,
            Effect::Ask,
        ),
        (
            "bypassPermissions",
            Effect::Deny,
            Effect::Ask,
            Effect::Allow,
            Effect::Allow,
        ),
        (
            "dontAsk",
            Effect::Deny,
            Effect::Deny,
            Effect::Allow,
            Effect::Deny,
        ),
        (
            "auto",
            Effect::Deny,
            Effect::Ask,
            Effect::Allow,
            Effect::Unknown,
        ),
        (
            "unheard-of",
            Effect::Deny,
            Effect::Ask,
            Effect::Allow,
            Effect::Unknown,
        ),
    ] {
        in_mode(mode, "Bash", &bash("make a"), denied);
        in_mode(mode, "Bash", &bash("cp a b"), asked);
        in_mode(mode, "Bash", &bash("go test"), allowed);
        in_mode(mode, "Bash", &bash("ls"), Effect::Allow);
        in_mode(mode, "WebFetch", &json!({"url": "https://a.b"}), open);
    }
    in_mode("plan", "Write", &json!({"file_path": "/w/a"}), Effect::Deny);
}

#[test]
fn accepted_edits_are_those_inside_of_the_folder() {
    let bash = |line: &str| json!({ "command": line });
    for (line, expected) in [
        ("mkdir made", Effect::Allow),
        ("mkdir a && touch a/b", Effect::Allow),
        ("sed -i s/x/y/ a.txt", Effect::Allow),
        ("echo x > out.txt", Effect::Allow),
        ("rm -rf ../outside", Effect::Ask),
        ("mv a /tmp/b", Effect::Ask),
        ("echo x > /tmp/out", Effect::Ask),
        ("FOO=1 mkdir made", Effect::Ask),
        ("cd src && touch a", Effect::Ask),
        ("ln -s a b", Effect::Ask),
        ("mkdir $(pwd)", Effect::Ask),
    ] {
        in_mode("acceptEdits", "Bash", &bash(line), expected);
    }
    in_mode(
        "acceptEdits",
        "Write",
        &json!({"file_path": "/w/a"}),
        Effect::Allow,
    );
    in_mode(
        "acceptEdits",
        "Write",
        &json!({"file_path": "/v/a"}),
        Effect::Ask,
    );
}
