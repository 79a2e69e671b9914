//! Feeds arbitrary text to the splitter of shell lines, on whose commands policies decide.

#![no_main]

use libfuzzer_sys::fuzz_target;
use saferun_tui::analysis::policy::bypass;
use saferun_tui::analysis::policy::shell::{self, Strictness};

fuzz_target!(|text: &str| {
    shell::writes(text);
    shell::words(text);
    bypass::hidden(text);
    let Some(line) = shell::line(text) else {
        return;
    };
    assert!(
        appear_in_order(&line.commands, text),
        "{line:?} of {text:?}"
    );
    for command in &line.commands {
        assert_eq!(command.trim(), command, "a command has no space around it");
        assert!(!command.is_empty(), "a command is not empty");
        let careful = shell::stripped(command, Strictness::Careful);
        assert!(command.ends_with(&careful), "{careful:?} of {command:?}");
        let lenient = shell::stripped(command, Strictness::Lenient);
        assert!(lenient.len() <= command.len(), "{lenient:?} of {command:?}");
        assert_whole(command);
    }
});

/// Whether the text contains the letters of all commands in their order. Comments and heredocs may be missing.
fn appear_in_order(commands: &[String], text: &str) -> bool {
    let mut rest = text.chars();
    let mut letters = commands.iter().flat_map(|it| it.chars());
    letters.all(|letter| rest.any(|it| it == letter))
}

/// Fails if a command can be split again, unless it has lost its heredoc or begins like a comment.
fn assert_whole(command: &str) {
    if let Some(again) = shell::line(command)
        && !command.contains("<<")
        && !command.starts_with('#')
    {
        assert_eq!(again.commands, [command], "split again");
    }
}
