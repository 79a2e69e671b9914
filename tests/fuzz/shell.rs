//! Feeds arbitrary lines to the reader of shell lines that policies are judged by.

#![no_main]

use libfuzzer_sys::fuzz_target;
use saferun_tui::analysis::policy::shell::{self, Strictness};
use saferun_tui::analysis::policy::around;

fuzz_target!(|text: &str| {
    shell::writes(text);
    shell::words(text);
    around::hidden(text);
    let Some(line) = shell::line(text) else {
        return;
    };
    assert!(appear_in_order(&line.commands, text), "{line:?} of {text:?}");
    for command in &line.commands {
        assert_eq!(command.trim(), command, "a command has no space around it");
        assert!(!command.is_empty(), "a command is not empty");
        let careful = shell::stripped(command, Strictness::Careful);
        assert!(command.ends_with(&careful), "{careful:?} of {command:?}");
        let lenient = shell::stripped(command, Strictness::Lenient);
        assert!(lenient.len() <= command.len(), "{lenient:?} of {command:?}");
        whole(command);
    }
});

/// Whether the commands stand in the text one after the other. Comments and the text of heredocs may be missing inside.
fn appear_in_order(commands: &[String], text: &str) -> bool {
    let mut rest = text.chars();
    let mut letters = commands.iter().flat_map(|it| it.chars());
    letters.all(|letter| rest.any(|it| it == letter))
}

/// A command that was split off is not split again, unless its heredoc was left behind or it begins like a comment.
fn whole(command: &str) {
    if let Some(again) = shell::line(command)
        && !command.contains("<<")
        && !command.starts_with('#')
    {
        assert_eq!(again.commands, [command], "split again");
    }
}
