//! The commands of the plain mode, as they are typed.

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    Next,
    Previous,
    First,
    Last,
    /// The current action once more.
    Again,
    /// The current action with all its text.
    Full,
    NextError,
    PreviousError,
    /// To the action with this number.
    Number(u32),
    Filter(String),
    Runs,
    /// The run with this number in the list, from 1; 0 for all.
    Run(usize),
    /// Where we are.
    Where,
    Help,
    Quit,
    Unknown(String),
}

pub(super) const HELP: &[&str] = &[
    "n or Enter    next action",
    "p             previous action",
    "g, G          first action, last action",
    "42            go to action 42",
    "e, E          next and previous error, block or denial",
    "f             this action in full",
    "a             this action again",
    "/FILTER       keep actions that match; / alone keeps all (saferun-tui help filters)",
    "runs          list the runs; run 2 reads the second, run 0 all together",
    "w             where you are",
    "q, Ctrl-D     leave; the end of the input does so too",
];

impl Typed {
    pub(super) fn parse(line: &str) -> Typed {
        if let Some(filter) = line.strip_prefix('/') {
            return Typed::Filter(filter.trim().to_owned());
        }
        if let Ok(number) = line.parse() {
            return Typed::Number(number);
        }
        let run = line.strip_prefix("run ");
        if let Some(number) = run.and_then(|number| number.trim().parse().ok()) {
            return Typed::Run(number);
        }
        match line {
            "" | "n" | "next" => Typed::Next,
            "p" | "previous" => Typed::Previous,
            "g" | "first" => Typed::First,
            "G" | "last" => Typed::Last,
            "e" | "error" => Typed::NextError,
            "E" => Typed::PreviousError,
            "f" | "full" => Typed::Full,
            "a" | "again" => Typed::Again,
            "r" | "runs" => Typed::Runs,
            "w" | "where" => Typed::Where,
            "h" | "?" | "help" => Typed::Help,
            "q" | "quit" | "exit" => Typed::Quit,
            other => Typed::Unknown(other.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Typed;

    #[test]
    fn commands_are_words_numbers_and_filters() {
        assert_eq!(Typed::parse(""), Typed::Next);
        assert_eq!(Typed::parse("42"), Typed::Number(42));
        assert_eq!(Typed::parse("run 2"), Typed::Run(2));
        let filter = Typed::Filter("is:error".to_owned());
        assert_eq!(Typed::parse("/ is:error"), filter);
        assert_eq!(Typed::parse("/"), Typed::Filter(String::new()));
        assert_eq!(Typed::parse("jump"), Typed::Unknown("jump".to_owned()));
    }
}
