use super::{Config, Origin, Setting, taken_keys};
use crate::analysis::runs::{Grouping, Key as SortKey};
use crate::tui::Alert;
use crate::tui::keys::{Command, Key, Keymap, Meaning};
use crate::tui::screens::{self, ScreenId};
use crate::tui::theme::Palette;

#[track_caller]
fn check_wrong(text: &str, line: usize, what: &str) {
    let (at, words) = Config::parse(text).expect_err("the file is invalid");
    assert_eq!((at, words.as_str()), (line, what));
}

const FULL: &str = r#"
theme = "light"
ascii = true
mouse = false
state = false
price-file = "/prices.toml"
time-zone = "Europe/Berlin"

[runs]
columns = ["run", "title", "cost"]
sort = "-cost"
group = "model"

[live]
alert = "bell"

[keys]
next-error = "x"
filter = ["/", "ctrl-o"]
runs = "0"

[filters]
trouble = "is:error or status:blocked"
"#;

#[test]
fn every_setting_is_read_with_the_file_as_its_origin() {
    let config = Config::parse(FULL).expect("a configuration");
    assert_eq!(config.theme.value, Some(Palette::Light));
    assert_eq!(
        (config.ascii.value, config.ascii.from),
        (true, Origin::File)
    );
    assert!(!config.mouse.value && !config.state.value);
    assert_eq!(config.runs.columns.value, ["run", "title", "cost"]);
    assert_eq!(config.runs.sort.value.key, SortKey::Cost);
    assert!(config.runs.sort.value.falling);
    assert_eq!(config.runs.group.value, Some(Grouping::Model));
    assert_eq!(config.alert.value, Some(Alert::Bell));
    assert_eq!(config.filters[0].0, "trouble");
    let of_file = config
        .keys
        .iter()
        .filter(|(_, keys)| keys.from == Origin::File);
    assert_eq!(of_file.count(), 3);
}

#[test]
fn a_rebound_key_keeps_only_its_new_meaning() {
    let config = Config::parse(FULL).expect("a configuration");
    let keymap = config.keymap();
    let meaning = |name: &str| keymap.meaning(Key::parse(name).expect("a key"), ScreenId::Stream);
    assert_eq!(meaning("x"), Some(Meaning::Command(Command::NextError)));
    assert_eq!(meaning("e"), None);
    assert_eq!(meaning("0"), Some(Meaning::View(ScreenId::Runs)));
    assert_eq!(meaning("2"), None);
    let rebound = Config::parse("[keys]\nnext-error = \"j\"").expect("a configuration");
    let j = Key::parse("j").expect("a key");
    let meant = |screen| rebound.keymap().meaning(j, screen);
    assert_eq!(
        meant(ScreenId::Stream),
        Some(Meaning::Command(Command::NextError))
    );
    assert_eq!(meant(ScreenId::Runs), Some(Meaning::Command(Command::Down)));
}

#[test]
fn a_mistake_is_reported_with_its_line_and_a_suggestion() {
    check_wrong(
        "\nthem = \"dark\"",
        2,
        "'them' is not a setting · did you mean 'theme'?",
    );
    check_wrong(
        "theme = \"drak\"",
        1,
        "theme: 'drak' is not a theme · did you mean 'dark'? (known: auto, dark, light, high-contrast, 16, none)",
    );
    check_wrong(
        "[keys]\nnext-eror = \"x\"",
        2,
        "'next-eror' is not a setting · did you mean 'next-error'?",
    );
    check_wrong(
        "[keys]\nopen = \"ctrl-\"",
        2,
        "open: 'ctrl-' is not a key (use names such as j, ctrl-d, pageup, space)",
    );
    check_wrong("ascii = 1", 1, "ascii: expected true or false");
    check_wrong(
        "[filters]\na = \"costt>1\"",
        2,
        "a: 'costt' is not a field · did you mean 'cost'?",
    );
    check_wrong(
        "[runs]\ncolumns = [\"cots\"]",
        2,
        "columns: 'cots' is not a column · did you mean 'cost'? (known: run, started, agent, model, project, title, now, \
         pace, turns, actions, duration, cost, errors, blocked, retries, waited, grade, alerts, outcome)",
    );
}

#[test]
fn binding_one_key_to_two_commands_of_a_view_is_an_error() {
    check_wrong(
        "[keys]\nnext-error = \"x\"\nprev-error = \"x\"",
        3,
        "prev-error: 'x' is already bound to next-error",
    );
    assert!(Config::parse("[keys]\nnext-error = \"x\"\nsort = \"x\"").is_ok());
}

#[test]
fn a_file_that_repeats_the_defaults_changes_no_key() {
    let usual = Config::default().keys;
    let line = |(name, keys): &(&str, Setting<Vec<Key>>)| {
        let keys: Vec<String> = keys
            .value
            .iter()
            .map(|key| format!("{:?}", key.to_string()))
            .collect();
        format!("{name} = [{}]\n", keys.join(", "))
    };
    let text: String = std::iter::once("[keys]\n".to_owned())
        .chain(usual.iter().map(line))
        .collect();
    let repeated = Config::parse(&text).expect("a configuration").keymap();
    for info in screens::SCREENS {
        for key in usual.iter().flat_map(|(_, keys)| &keys.value) {
            let expected = Keymap::default().meaning(*key, info.id);
            assert_eq!(repeated.meaning(*key, info.id), expected, "{key}");
        }
    }
}

#[test]
fn the_example_in_the_readme_is_valid() {
    let readme = include_str!("../../README.md");
    let mut examples = readme.split("```toml\n");
    let example = examples.find(|it| it.starts_with("theme"));
    let example = example.and_then(|rest| rest.split("```").next());
    let config = Config::parse(example.expect("an example")).expect("a configuration");
    assert_eq!(config.theme.value, Some(Palette::Light));
    assert_eq!(config.filters.len(), 1);
}

#[test]
fn a_key_that_is_taken_from_another_command_is_reported() {
    let taken = |text: &str| taken_keys(&Config::parse(text).expect("a configuration"));
    assert_eq!(
        taken("[keys]\nnext-error = \"j\""),
        ["key j runs next-error instead of down; down keeps down"]
    );
    assert_eq!(
        taken("[keys]\nquit = \"/\""),
        ["key / runs quit instead of filter; filter has no key now"]
    );
    assert!(
        taken("[keys]\nnext-error = \"j\"\ndown = \"n\"\nnext-match = \"ctrl-y\"\nnext-change = \"ctrl-y\"\ndeny = \"ctrl-y\"")
            .is_empty()
    );
    assert!(taken("[keys]\nnext-error = \"ctrl-y\"").is_empty());
}
