use proptest::prelude::{prop, proptest};

use super::*;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let line = line(text).expect("a line that can be read");
    assert_eq!(line.commands, expected, "{text}");
}

#[track_caller]
fn traits(text: &str, expected: &[&str]) {
    assert_eq!(
        line(text).expect("a line").traits.words(),
        expected,
        "{text}"
    );
}

#[test]
fn a_line_is_split_at_its_operators() {
    check("a && b; c | d", &["a", "b", "c", "d"]);
    check("a || b |& c\nd", &["a", "b", "c", "d"]);
    check("x 2>&1 | y", &["x 2>&1", "y"]);
    check("x &> f", &["x &> f"]);
    check("", &[]);
}

#[test]
fn quotes_comments_and_heredocs_hide_operators() {
    check("echo 'a;b' \"c && d\"", &["echo 'a;b' \"c && d\""]);
    check("a # b; c\nd", &["a", "d"]);
    check("cat <<E > f\na; b\nE\nd", &["cat <<E > f", "d"]);
    check("cat <<'E'\n$(x)\nE", &["cat <<'E'"]);
    check("a \\; b", &["a \\; b"]);
}

#[test]
fn words_of_the_shell_are_no_commands() {
    check("if a; then b; else c; fi", &["a", "b", "c"]);
    check("! a", &["a"]);
    check("doit", &["doit"]);
    check("for x in 1 2; do a; done", &["a"]);
}

#[test]
fn what_only_an_exact_rule_allows_is_reported() {
    traits("a &", &["&"]);
    traits("a $(b)", &["substitution"]);
    traits("a `b`", &["substitution"]);
    traits("a\u{a0}b", &["space"]);
    traits("a '\u{200b}'", &["space"]);
    traits("a\u{85}b \u{2060}", &[]);
    traits("for x in 1; do a; done", &["loop"]);
    traits("cat <<E\nx\nE", &["heredoc"]);
    traits("cat <<'E'\nx\nE", &[]);
    traits("a $((1 + 2))", &[]);
}

#[test]
fn a_line_that_is_open_cannot_be_read() {
    for text in ["echo \"open", "echo 'open", "a $(b", "a `b", "cat <<E\nx"] {
        assert_eq!(line(text), None, "{text}");
    }
}

#[test]
fn wrappers_and_assignments_go() {
    let careful = |text: &str| stripped(text, Strictness::Careful);
    let lenient = |text: &str| stripped(text, Strictness::Lenient);
    assert_eq!(careful("timeout -k 5 10 make a"), "make a");
    assert_eq!(careful("nice -n 5 npm test"), "npm test");
    assert_eq!(careful("NODE_ENV=test npm test"), "npm test");
    assert_eq!(careful("FOO=1 npm test"), "FOO=1 npm test");
    assert_eq!(careful("xargs grep p"), "grep p");
    assert_eq!(careful("xargs -n1 grep p"), "xargs -n1 grep p");
    assert_eq!(careful("command -v git"), "command -v git");
    assert_eq!(careful("sudo rm x"), "sudo rm x");
    assert_eq!(lenient("FOO=1 sudo rm x"), "rm x");
    assert_eq!(lenient("r\"\"m x"), "rm x");
    assert_eq!(lenient("\\rm x"), "rm x");
}

#[test]
fn files_that_are_written_are_found() {
    assert_eq!(writes("a > b"), ["b"]);
    assert_eq!(writes("a >> b; c > d"), ["b", "d"]);
    assert_eq!(writes("a 2>/dev/null 2>&1"), Vec::<String>::new());
    assert_eq!(writes("echo '> x'"), Vec::<String>::new());
}

#[test]
fn words_lose_their_quotes() {
    let all = |text: &str| words(text);
    let some = |words: &[&str]| {
        Some(
            words
                .iter()
                .map(|it| (*it).to_owned())
                .collect::<Vec<String>>(),
        )
    };
    assert_eq!(all("a 'b c' d\"e f\"g"), some(&["a", "b c", "de fg"]));
    assert_eq!(all("a '' b\\ c"), some(&["a", "", "b c"]));
    assert_eq!(all("a 'b"), None);
}

proptest! {
    /// Any text has an answer, and the commands of a line are made of its characters.
    #[test]
    fn any_text_can_be_put_to_it(text in "[a-c \\\\'\"`$(){}<>|&;#\\n!=*~-]{0,60}|\\PC{0,40}") {
        if let Some(line) = line(&text) {
            for command in &line.commands {
                assert!(command.chars().all(|it| text.contains(it)), "{command:?} of {text:?}");
                stripped(command, Strictness::Careful);
                stripped(command, Strictness::Lenient);
            }
        }
        writes(&text);
        words(&text);
        crate::analysis::policy::bypass::hidden(&text);
    }

    /// What is joined by operators is split into the same commands.
    #[test]
    fn joined_commands_are_found_again(
        commands in prop::collection::vec("[a-eg-z]{3,6}( [a-z]{1,4}){0,2}", 1..6),
        joint in prop::sample::select(vec![" && ", " || ", "; ", " | ", "\n"]),
    ) {
        let words = ["then", "elif", "else", "while", "until", "select", "case", "done", "esac"];
        if !commands.iter().any(|it| words.contains(&it.split(' ').next().unwrap_or_default())) {
            assert_eq!(line(&commands.join(joint)).expect("a line").commands, commands);
        }
    }
}
