//! Every command of the program: its name, its keys and its help, in one table.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

use crate::tui::screen::id::ScreenId;

mod keymap;

pub use keymap::{Keymap, Meaning, is_for_all, meets};

/// A key as a user names it: `j`, `ctrl-d`, `pageup`. Shift is part of the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F2,
}

const NAMED: &[(&str, Code)] = &[
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backtab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("f2", Code::F2),
    ("space", Code::Char(' ')),
];

impl Key {
    pub const fn plain(code: Code) -> Key {
        Key {
            code,
            ctrl: false,
            alt: false,
        }
    }

    pub fn char(self) -> Option<char> {
        match self.code {
            Code::Char(letter) if !self.ctrl && !self.alt => Some(letter),
            _ => None,
        }
    }

    /// Reads a key as the table and the configuration write it.
    pub fn parse(name: &str) -> Option<Key> {
        let (mut rest, mut ctrl, mut alt) = (name, false, false);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-") {
                (rest, ctrl) = (after, true);
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (rest, alt) = (after, true);
            } else {
                break;
            }
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(letter), None) => Code::Char(letter),
            _ => NAMED.iter().find(|(word, _)| *word == rest)?.1,
        };
        Some(Key { code, ctrl, alt })
    }

    /// What the terminal reported; `None` for keys that no command can have.
    pub fn from_event(event: &KeyEvent) -> Option<Key> {
        let code = match event.code {
            KeyCode::Char(letter) => Code::Char(letter),
            KeyCode::Enter => Code::Enter,
            KeyCode::Esc => Code::Esc,
            KeyCode::Tab => Code::Tab,
            KeyCode::BackTab => Code::BackTab,
            KeyCode::Backspace => Code::Backspace,
            KeyCode::Delete => Code::Delete,
            KeyCode::Up => Code::Up,
            KeyCode::Down => Code::Down,
            KeyCode::Left => Code::Left,
            KeyCode::Right => Code::Right,
            KeyCode::Home => Code::Home,
            KeyCode::End => Code::End,
            KeyCode::PageUp => Code::PageUp,
            KeyCode::PageDown => Code::PageDown,
            KeyCode::F(2) => Code::F2,
            _ => return None,
        };
        let has = |modifier| event.modifiers.contains(modifier);
        Some(Key {
            code,
            ctrl: has(KeyModifiers::CONTROL),
            alt: has(KeyModifiers::ALT),
        })
    }

    /// What this key does in a line of text; `None` when it does nothing there.
    pub fn edit(self) -> Option<InputRequest> {
        Some(match (self.ctrl, self.alt, self.code) {
            (false, false, Code::Char(letter)) => InputRequest::InsertChar(letter),
            (false, false, Code::Backspace) | (true, false, Code::Char('h')) => {
                InputRequest::DeletePrevChar
            }
            (false, false, Code::Delete) => InputRequest::DeleteNextChar,
            (false, false, Code::Left) | (true, false, Code::Char('b')) => {
                InputRequest::GoToPrevChar
            }
            (false, false, Code::Right) | (true, false, Code::Char('f')) => {
                InputRequest::GoToNextChar
            }
            (true, false, Code::Left) | (false, true, Code::Char('b')) => {
                InputRequest::GoToPrevWord
            }
            (true, false, Code::Right) | (false, true, Code::Char('f')) => {
                InputRequest::GoToNextWord
            }
            (true, false, Code::Char('w')) | (false, true, Code::Backspace) => {
                InputRequest::DeletePrevWord
            }
            (true, false, Code::Char('u')) => InputRequest::DeleteLine,
            (true, false, Code::Char('k')) => InputRequest::DeleteTillEnd,
            (false, false, Code::Home) | (true, false, Code::Char('a')) => InputRequest::GoToStart,
            (false, false, Code::End) | (true, false, Code::Char('e')) => InputRequest::GoToEnd,
            _ => return None,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match (self.code, NAMED.iter().find(|(_, code)| *code == self.code)) {
            (_, Some((word, _))) => f.write_str(word),
            (Code::Char(letter), None) => write!(f, "{letter}"),
            (code, None) => write!(f, "{code:?}"),
        }
    }
}

/// Where the help lists a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Move,
    Jump,
    Look,
    Inspect,
    Filter,
    Table,
    Diff,
    Replay,
    Cohort,
    Time,
    Costs,
    Changes,
    Policy,
    Alarm,
    Asks,
    Program,
}

/// Where keys are typed: a key means a command of the inner part, else one of the screen, else one that
/// is the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub screen: ScreenId,
    /// The part of the screen with commands of its own has the focus: the inspector.
    pub is_inner: bool,
}

impl From<ScreenId> for Place {
    fn from(screen: ScreenId) -> Place {
        Place {
            screen,
            is_inner: false,
        }
    }
}

impl Group {
    pub const ALL: &[Group] = &[
        Group::Move,
        Group::Jump,
        Group::Look,
        Group::Inspect,
        Group::Filter,
        Group::Table,
        Group::Diff,
        Group::Replay,
        Group::Cohort,
        Group::Time,
        Group::Costs,
        Group::Changes,
        Group::Policy,
        Group::Alarm,
        Group::Asks,
        Group::Program,
    ];

    /// The screens that the commands of this group are for; empty means all.
    const fn screens(self) -> &'static [ScreenId] {
        match self {
            Group::Look | Group::Inspect => &[ScreenId::Stream],
            Group::Jump => &[ScreenId::Stream, ScreenId::Replay],
            Group::Table => &[ScreenId::Runs],
            Group::Replay => &[ScreenId::Replay],
            Group::Diff => &[ScreenId::Diff],
            Group::Cohort => &[ScreenId::Cohort],
            Group::Time => &[ScreenId::Timeline],
            Group::Costs => &[ScreenId::Costs],
            Group::Changes => &[ScreenId::Changes],
            Group::Policy => &[ScreenId::Policy],
            Group::Alarm => &[ScreenId::Alerts],
            Group::Asks => &[ScreenId::Asks],
            Group::Move | Group::Filter | Group::Program => &[],
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Group::Move => "move",
            Group::Jump => "jump",
            Group::Look => "look",
            Group::Inspect => "in the inspector",
            Group::Filter => "filter",
            Group::Table => "table",
            Group::Diff => "compared runs",
            Group::Replay => "replay",
            Group::Cohort => "cohorts",
            Group::Time => "time",
            Group::Costs => "costs",
            Group::Changes => "files of a run",
            Group::Policy => "policy",
            Group::Alarm => "alerts",
            Group::Asks => "asks",
            Group::Program => "program",
        }
    }

    /// Whether its commands are for a part of the screen.
    pub const fn is_inner(self) -> bool {
        matches!(self, Group::Inspect)
    }
}

/// What can be typed after a command in the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Filter,
    Number,
    /// A column to sort by.
    Column,
    /// A field to group by.
    Field,
    Theme,
    Path,
}

impl Takes {
    pub fn word(self) -> &'static str {
        match self {
            Takes::Filter => "FILTER",
            Takes::Number => "NUMBER",
            Takes::Column => "COLUMN",
            Takes::Field => "FIELD",
            Takes::Theme => "NAME",
            Takes::Path => "PATH",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Entry {
    pub command: Command,
    /// The name for the configuration.
    pub name: &'static str,
    pub group: Group,
    /// The screens that it is for; empty means all. There it takes precedence over another command
    /// with the same key.
    pub screens: &'static [ScreenId],
    /// Default keys, separated by spaces.
    pub keys: &'static str,
    /// What it takes in the palette.
    pub takes: Option<Takes>,
    /// Two words for the footer.
    pub hint: &'static str,
    pub help: &'static str,
}

macro_rules! commands {
    ($($command:ident $name:literal $group:ident $(on $($screen:ident),+)? $keys:literal $hint:literal $help:literal
       $(takes $takes:ident)?;)*) => {
        /// A command of the user.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command { $($command),* }

        /// All commands, in the order of the help.
        pub static COMMANDS: &[Entry] = &[$(Entry {
            command: Command::$command,
            name: $name,
            group: Group::$group,
            screens: screens(Group::$group, &[$($(ScreenId::$screen),+)?]),
            keys: $keys,
            takes: first(&[$(Takes::$takes)?]),
            hint: $hint,
            help: $help,
        }),*];
    };
}

const fn screens(group: Group, named: &'static [ScreenId]) -> &'static [ScreenId] {
    if named.is_empty() {
        group.screens()
    } else {
        named
    }
}

const fn first(named: &[Takes]) -> Option<Takes> {
    match named {
        [takes, ..] => Some(*takes),
        [] => None,
    }
}

commands! {
    Down "down" Move "j down" "move" "next row";
    Up "up" Move "k up" "move" "previous row";
    HalfDown "half-down" Move "ctrl-d" "half page" "half a page down";
    HalfUp "half-up" Move "ctrl-u" "half page" "half a page up";
    PageDown "page-down" Move "pagedown space" "page" "a page down";
    PageUp "page-up" Move "pageup ctrl-b" "page" "a page up";
    Top "top" Move "g home" "first" "first row";
    Bottom "bottom" Move "G end" "last" "last row";
    Follow "follow" Move on Stream "F" "follow" "stay at the end while the trace grows; again to stop";
    NextError "next-error" Jump "e" "error" "next error or malformed line";
    PrevError "prev-error" Jump "E" "error" "previous error or malformed line";
    NextBlock "next-block" Jump "b" "block" "next blocked call, denial or approval request";
    PrevBlock "prev-block" Jump "B" "block" "previous blocked call, denial or approval request";
    NextTurn "next-turn" Jump "t" "turn" "next turn or run";
    PrevTurn "prev-turn" Jump "T" "turn" "previous turn or run";
    NextSame "next-same-tool" Jump "}" "same tool" "next call of the same tool";
    PrevSame "prev-same-tool" Jump "{" "same tool" "previous call of the same tool";
    Scroll "scroll" Move on Stream "z" "scroll" "a second key scrolls this row: z to the middle, t to the top, b to the bottom";
    NextAction "next-action" Jump "." "next" "next action; also works in the inspector";
    PrevAction "prev-action" Jump "," "previous" "previous action; also works in the inspector";
    NextAgent "next-same-agent" Jump "o" "same agent" "next action of the same agent";
    PrevAgent "prev-same-agent" Jump "O" "same agent" "previous action of the same agent";
    NextSlow "next-slow" Jump "s" "slow" "next action that took far longer than others of its kind";
    PrevSlow "prev-slow" Jump "S" "slow" "previous action that took far longer than others of its kind";
    Parent "parent" Jump "p" "caller" "the action that caused this one; in a subagent, the call that started it";
    Mark "mark" Jump on Stream, Replay, Diff "m" "mark" "mark this action with a letter, or remove the mark";
    GoToMark "go-to-mark" Jump on Stream, Replay, Diff "'" "to mark" "go to the action marked with a letter";
    GoTo "go-to" Jump "" "go to" "go to an action by its number in the run (12G or :12)" takes Number;
    Note "note" Jump on Stream "\"" "note" "write a note on this action; marks it first if it has no mark";
    Open "open" Move "enter" "open" "open the selection; with a path, open that trace instead" takes Path;
    NextPane "next-pane" Look "tab" "pane" "focus the inspector, then step through its tabs";
    PrevPane "prev-pane" Look "backtab" "pane" "step back through the tabs to the list";
    TabRight "next-tab" Look "l right" "tab" "next tab of the inspector (tab inside it)";
    TabLeft "prev-tab" Look "h left" "tab" "previous tab of the inspector";
    Layout "layout" Look "+" "layout" "widen the inspector, then show it alone, then restore both";
    Wider "inspector-wider" Look "<" "wider" "widen the inspector";
    Narrower "inspector-narrower" Look ">" "narrower" "narrow the inspector";
    Column "column" Look "|" "column" "add a column for any field; in the inspector, for the value under the cursor";
    WhatIf "what-if" Look on Stream, Policy "w" "what-if" "overlay a policy on the stream, to see what it would have changed; again to remove it";
    Maximise "maximise" Look "\\" "maximise" "maximise this pane, or restore both";
    In "in" Inspect "l right" "unfold" "unfold, or go to the first child";
    Out "out" Inspect "h left" "fold" "fold, or go to the parent";
    Toggle "toggle" Inspect "space" "fold" "fold or unfold";
    ParentValue "parent-value" Inspect "H" "parent" "go to the parent";
    NextSibling "next-sibling" Inspect "J" "sibling" "next sibling";
    PrevSibling "prev-sibling" Inspect "K" "sibling" "previous sibling";
    FoldSiblings "fold-siblings" Inspect "c" "fold all" "fold this value and its siblings";
    UnfoldSiblings "unfold-siblings" Inspect "e" "unfold all" "unfold this value and its siblings";
    NextSameKey "next-same-key" Inspect "*" "same key" "next value with the same key";
    WhereFrom "where-from" Inspect "W" "where from" "find the first earlier action with this value (inferred from equal text)";
    Filter "filter" Filter on Stream, Runs, Alerts, Help "/" "filter" "filter the list; in the help, search it" takes Filter;
    Saved "saved-filters" Filter on Stream "f2" "saved" "list saved filters: apply one, or save this one";
    Find "find" Filter on Stream "ctrl-f" "find" "find text without hiding anything";
    NextHit "next-match" Filter on Stream "n" "match" "next match; in the inspector, the next matching line";
    PrevHit "prev-match" Filter on Stream "N" "match" "previous match; in the inspector, the previous matching line";
    Keep "filter-in" Filter on Stream "=" "keep" "show only actions with this value; in the list, a second key picks the field";
    Drop "filter-out" Filter on Stream "-" "drop" "hide actions with this value; in the list, a second key picks the field";
    OnlyRun "only-run" Filter on Stream "r" "this run" "show only this action's run, or all again";
    OnlyAgent "only-agent" Filter on Stream "a" "this agent" "show only this action's agent, or all again";
    OnlyMarked "only-marked" Filter on Stream "M" "marked" "show only marked actions, or all again";
    OnlyTrouble "only-trouble" Filter on Stream "Z" "trouble" "show only errors, blocks, approval requests, retries and malformed lines, or all again";
    Page "page" Program on Stream "v" "pager" "open the whole action in $PAGER";
    Edit "edit" Program on Stream "V" "editor" "open a copy of the whole action in $EDITOR";
    Yank "yank" Program on Stream, Replay "y" "copy" "copy: a second key picks value, key, path, JSON, step, Markdown, address or curl";
    Noticed "noticed" Program on Stream "i" "insights" "list the insights, with the actions behind each";
    Sort "sort" Table "s" "sort" "sort by a column: a second key picks it" takes Column;
    SortStarted "sort-started" Table "T" "by start" "sort by start; again, reverse";
    SortCost "sort-cost" Table "$" "by cost" "sort by cost; again, reverse";
    SortErrors "sort-errors" Table "E" "by errors" "sort by errors; again, reverse";
    SortActions "sort-actions" Table "A" "by actions" "sort by actions; again, reverse";
    SortDuration "sort-duration" Table "L" "by duration" "sort by duration; again, reverse";
    SortModel "sort-model" Table "M" "by model" "sort by model; again, reverse";
    SortOutcome "sort-outcome" Table "O" "by outcome" "sort by outcome; again, reverse";
    SortOther "sort-reverse" Table "S" "reverse" "reverse the order";
    Gather "group" Table "z" "group" "group by agent, model, project, branch, user, task, day or file in turn, then not at all" takes Field;
    FoldGroups "fold-groups" Table "Z" "fold all" "fold all groups, or unfold them";
    Pair "pair" Table "space" "A/B" "mark this run as A or B";
    NextChange "next-change" Diff "n" "change" "next pair that differs";
    PrevChange "previous-change" Diff "N" "change" "previous pair that differs";
    FirstDivergence "first-divergence" Diff "d" "divergence" "go to the first divergence; again, to the first difference of any kind";
    Fields "fields" Diff "tab" "fields" "switch between the list and the differences inside this pair";
    SideA "side-a" Diff "h left" "A" "select A's action, in the other views too";
    SideB "side-b" Diff "l right" "B" "select B's action, in the other views too";
    Unified "unified" Diff "u" "unified" "switch between unified and side by side";
    FoldEqual "fold-equal" Diff "z" "fold" "unfold equal actions, or fold them";
    Ignore "ignore-path" Diff "i" "ignore" "ignore differences at this path, in every pair";
    IgnoreNothing "ignore-nothing" Diff "I" "ignore nothing" "stop ignoring paths";
    Noise "mask-noise" Diff "M" "noise" "ignore ids, times and temporary paths; again to compare them";
    Repair "re-pair" Diff "=" "re-pair" "pair this action with the next one you press = on; on a manual pair, undo it";
    Compare "compare" Program "D" "compare" "compare A with B (marked with space in the runs), or this run with A";
    StepOn "step" Replay "l right" "step" "one action forward";
    StepBack "step-back" Replay "h left" "step back" "one action back";
    TurnOn "turn-on" Replay "L" "turn" "go to the next turn";
    TurnBack "turn-back" Replay "H" "turn back" "go to the start of this turn, then of the previous one";
    FirstError "first-error" Replay "f" "first error" "go to the first error of the run";
    Autoplay "autoplay" Replay "space a" "play" "play automatically, with long waits shortened; again to stop; in the context, unfold a part";
    Faster "faster" Replay ">" "faster" "double the speed";
    Slower "slower" Replay "<" "slower" "halve the speed";
    Unchanged "unchanged" Replay "c" "unchanged" "unfold or fold the parts that the model had already seen";
    ContextDown "context-down" Replay "J" "scroll" "move down in the context";
    ContextUp "context-up" Replay "K" "scroll" "move up in the context";
    OtherPane "other-pane" Replay "tab backtab" "other pane" "switch between the parts of the context and the state of the run";
    Rerun "run-again" Replay "r" "re-run" "run this tool call again, or ask the model of this step again, after confirmation";
    AskAgain "ask-again" Replay "X" "ask again" "send the model call of this step again, after confirmation";
    ServeRun "serve-run" Replay "v" "serve" "serve this run as the model of an agent, after confirmation; again to stop";
    Forks "forks" Replay "F" "forks" "go to the attempts of this run; enter compares one with the run";
    Experiment "experiment" Diff "X" "experiment" "find what made the runs diverge: ask again with one thing at a time as in B";
    Replay "replay-here" Program on Stream, Runs "R" "replay" "replay the run from the selected action";
    Cohorts "cohorts" Table "C" "cohorts" "compare cohorts: A's group with B's, or models if the runs are not grouped";
    SortFigures "sort-figures" Cohort "s" "sort" "sort by evidence, or in the usual order";
    WhichFigures "which-figures" Cohort "f" "show" "show all figures, only changes, or only inconclusive ones";
    Paired "paired" Cohort "p" "pairs" "pair runs of the same task; again for unpaired";
    Reseed "reseed" Cohort "r" "reseed" "compare again with a new random seed";
    Export "export" Program on Cohort, Diff, Policy, Alerts "x" "export" "export as Markdown or JSON: a second key picks the format and the target";
    Models "models" Cohort "m" "models" "choose the models to compare";
    ChooseSide "choose-side" Cohort "space" "A/B" "in the list of models, mark this one as A or B";
    OpenRun "open-run" Cohort "o" "run" "open this side's run at the call behind the figure";
    OtherSide "other-side" Cohort "tab l h left right" "side" "switch to the other side's run";
    Earlier "earlier" Time "h left" "earlier" "move earlier";
    Later "later" Time "l right" "later" "move later";
    ZoomIn "zoom-in" Time "+ =" "zoom in" "zoom in around the selection";
    ZoomOut "zoom-out" Time "- _" "zoom out" "zoom out";
    Whole "whole" Time "0" "whole" "show the whole run";
    Slowest "slowest" Time "o" "slowest" "go to the slowest action on the screen; again, the next slowest";
    CriticalPath "critical-path" Time "c" "critical path" "highlight the critical path; again to stop";
    Lanes "lanes" Time "L" "lanes" "group lanes by agent, tool or kind";
    ByCost "by-cost" Time "$" "by cost" "colour by cost; again to stop";
    FoldLane "fold-lane" Time "space" "fold" "fold or unfold the lane";
    ToStream "to-stream" Time on Timeline, Costs "v" "stream" "show the selected action in the stream";
    NextList "next-list" Costs "tab l right" "next list" "next list: by call, turn, model, tool, subagent, kind of token, result, cache miss";
    PrevList "previous-list" Costs "backtab h left" "list" "previous list";
    AllRuns "all-runs" Costs "r" "all runs" "count every open run, or only the selected one";
    CostOrder "cost-order" Costs "s" "order" "most expensive first, or in the order of the run";
    NetChange "net-change" Changes "d" "net change" "show the net change of the file as one diff, or go back";
    Changes "changed-files" Program on Stream, Runs, Replay, Timeline, Costs "u" "files" "list the files that the run read or changed; in the replay, up to its step";
    NextPart "next-part" Policy "tab" "table/rules/calls" "go from the table to the rules, then to their calls";
    PrevPart "previous-part" Policy "backtab" "back" "go back";
    UsePolicy "use-policy" Policy "p" "policy" "judge by another policy: a file, a folder, or claude:, codex:, gemini: or opencode:" takes Path;
    ComparePolicies "compare-policies" Policy "c" "compare" "compare with another policy instead of the record; an empty path goes back to the record" takes Path;
    Suggest "suggest-rules" Policy "u" "suggest" "suggest rules for calls that ran but would need approval, or go back";
    Reload "reload-policy" Policy "r" "reload" "reload the policy";
    CopyRule "copy-rule" Policy "y" "copy rule" "copy the selected rule";
    SortAlerts "sort-alerts" Alarm "S" "sort" "sort the alerts: a second key picks the order; again, reverse";
    Ack "ack" Alarm "a" "ack" "acknowledge the alert, or undo that";
    Snooze "snooze" Alarm "s" "snooze" "silence the alert for a while: a second key picks how long";
    WouldHave "would-have-fired" Alarm "t" "would have fired" "show what the rule would have stopped and saved in the open runs";
    EditRule "edit-rule" Alarm "e" "edit rule" "open the rule in $EDITOR";
    StopRun "stop-run" Alarm "K" "stop" "end the process of the run, after confirmation";
    Release "release" Alarm "u" "release" "let a run that a breaker stopped continue";
    AlertHistory "alert-history" Alarm "h" "history" "show when the rule fired and what was sent, or go back";
    NextAlert "next-alert" Alarm "." "next" "next alert";
    PrevAlert "previous-alert" Alarm "," "previous" "previous alert";
    ReloadRules "reload-rules" Alarm "r" "reload" "reload the rules";
    Approve "approve" Asks "y" "approve" "approve the selected tool call, with an optional reason";
    Deny "deny" Asks "n" "deny" "deny the selected tool call, with a reason";
    CopyAskRule "copy-rule-for" Asks "a" "rule" "copy a rule that would allow such calls, for the policy file";
    ViewBack "view-back" Program "[" "view back" "previous view, with its selection";
    ViewForward "view-forward" Program "]" "view forward" "next view";
    Palette "palette" Program ":" "command" "run any command by name, with arguments (:runs model:gpt-5*, :12)";
    Files "files" Program "ctrl-p" "files" "list the open files, and open or add others";
    Add "add" Program "" "add" "add a path to the open traces" takes Path;
    Recent "recent" Program "ctrl-r" "recent" "list recent agent runs on this machine";
    Notices "messages" Program "!" "messages" "the message log";
    Stop "stop" Program "ctrl-g" "stop" "stop loading and keep what is loaded";
    Theme "theme" Program "" "theme" "next theme, or one by name: dark, light, high-contrast, 16, none" takes Theme;
    Help "help" Program "?" "help" "this help";
    Back "back" Program "q" "back" "go back; from the first view, quit";
    Cancel "cancel" Program "esc" "cancel" "clear the filter, or else go back one step; quits only from the start screen";
    Quit "quit" Program "Q ctrl-c" "quit" "quit";
    Suspend "suspend" Program "ctrl-z" "suspend" "suspend; fg returns";
    Redraw "redraw" Program "ctrl-l" "redraw" "redraw the screen";
}

impl Command {
    pub fn entry(self) -> &'static Entry {
        &COMMANDS[self as usize]
    }
}

impl Entry {
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.keys.split_whitespace()
    }

    /// Whether it does something on this screen.
    pub fn is_for(&self, screen: ScreenId) -> bool {
        self.screens.is_empty() || self.screens.contains(&screen)
    }
}

/// Reads a script of keys: words separated by spaces, each the name of a key or a text to type.
pub fn script(text: &str) -> Vec<Key> {
    words(text).concat()
}

/// The same, word by word: between two words time passes.
pub fn words(text: &str) -> Vec<Vec<Key>> {
    let one = |word: &str| match Key::parse(word) {
        Some(key) => vec![key],
        None => word
            .chars()
            .map(|letter| Key::plain(Code::Char(letter)))
            .collect(),
    };
    text.split_whitespace().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{COMMANDS, Key, script};

    #[test]
    fn every_key_in_the_table_is_a_key_and_means_one_command_at_its_place() {
        let mut seen = HashMap::new();
        for entry in COMMANDS {
            for name in entry.keys() {
                let key = Key::parse(name).expect("a key");
                assert_eq!(key.to_string(), name);
                let everywhere = entry.screens.is_empty().then_some(None);
                let own = entry.screens.iter().map(|screen| Some(*screen));
                for screen in own.chain(everywhere) {
                    let place = (screen, entry.group.is_inner());
                    if let Some(other) = seen.insert((key, place), entry.name) {
                        panic!("{name} means {other} and {}", entry.name);
                    }
                }
            }
        }
    }

    #[test]
    fn every_command_has_its_own_name_and_its_own_index() {
        let mut names: Vec<&str> = COMMANDS.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COMMANDS.len());
        assert!(
            COMMANDS
                .iter()
                .all(|entry| entry.command.entry().name == entry.name)
        );
    }

    #[test]
    fn a_script_holds_names_of_keys_and_words_to_type() {
        let keys = script("j ctrl-d ab enter");
        let names: Vec<String> = keys.iter().map(Key::to_string).collect();
        assert_eq!(names, ["j", "ctrl-d", "a", "b", "enter"]);
    }
}
