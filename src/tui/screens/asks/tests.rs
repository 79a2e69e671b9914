use std::sync::Arc;

use serde_json::{Value, json};

use crate::act::ask::{Ask, Standing, State, VERSION, hash};
use crate::act::events::{Answer, ApprovalRequest, Event};
use crate::base::clock::Clock;
use crate::base::human;
use crate::ingest::discover::Input;
use crate::tui::render::{self, Headless};
use crate::tui::testing::{ManualClock, NOW, load, options};
use crate::tui::{Options, Setup};

struct Screen {
    shown: Headless,
    clock: Arc<ManualClock>,
}

const TRACE: &str = r#"{"type":"run_start","run_id":"r1","agent":"claude-code"}
{"type":"prompt","run_id":"r1","content":"clean up"}
{"type":"response","run_id":"r1","content":"I will remove the build.","model":"m","cost_usd":0.42}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"Bash","args":{"command":"rm -rf build"}}
"#;

impl Screen {
    fn new(size: (u16, u16)) -> Screen {
        let clock = ManualClock::new();
        let options = Options {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..options()
        };
        let mut shown = Headless::new(&options, size);
        for message in load(TRACE) {
            shown.load(message);
        }
        Screen { shown, clock }
    }

    fn pass(&self, milliseconds: i64) {
        self.clock.pass(milliseconds);
    }

    fn text(&mut self) -> String {
        render::text(&self.shown.draw())
    }

    fn ask(&mut self, all: Vec<ApprovalRequest>) {
        self.shown.happen(Event::Asks(all));
    }
}

fn asked(id: &str, tool: &str, args: Value, standing: Standing) -> ApprovalRequest {
    let ask = Ask {
        v: VERSION,
        id: id.to_owned(),
        nonce: "0".repeat(32),
        host: "claude-code".to_owned(),
        run_id: "r1".to_owned(),
        call_id: "c1".to_owned(),
        tool: tool.to_owned(),
        args_sha256: hash(&args),
        args,
        cwd: Some("/work/shop".to_owned()),
        agent: None,
        policy: "user".to_owned(),
        rule: Some("rm".to_owned()),
        reason: "recursive delete".to_owned(),
        matched: vec![
            json!({"path": "args.command", "op": "~", "value": "rm -rf", "actual": "rm -rf build"}),
        ],
        asked_at: human::rfc3339(NOW - 20_000_000),
        deadline: human::rfc3339(NOW + 41_000_000),
        pid: 1,
        trace: None,
        headless: false,
    };
    ApprovalRequest {
        ask: Arc::new(ask),
        standing,
    }
}

fn two() -> Vec<ApprovalRequest> {
    vec![
        asked(
            "a-1",
            "Bash",
            json!({"command": "rm -rf build", "timeout": 1000}),
            Standing::Open,
        ),
        asked(
            "a-2",
            "Write",
            json!({"file_path": "/etc/hosts", "content": "one\ntwo"}),
            Standing::Open,
        ),
    ]
}

#[test]
fn every_view_shows_the_pending_asks_and_the_time_left() {
    let mut screen = Screen::new((120, 36));
    assert!(!screen.text().contains("asks ·"));
    screen.ask(two());
    for view in ["1", "2", "3", "8", "9"] {
        screen.shown.play(view);
        let first = screen.text().lines().next().map(str::to_owned);
        assert!(
            first.is_some_and(|it| it.contains("2 asks · 0:41")),
            "view {view}"
        );
    }
    screen.pass(2000);
    assert!(screen.text().contains("2 asks · 0:39"));
    screen.ask(vec![asked("a-1", "Bash", json!({}), Standing::Gone)]);
    assert!(!screen.text().contains("asks ·"));
}

/// Opening another trace is no answer.
#[test]
fn recent_runs_show_the_pending_asks_and_opening_one_keeps_them() {
    let demo = Input::Bundled {
        name: "demo.jsonl",
        bytes: TRACE.as_bytes(),
        companions: &[],
    };
    let options = Options {
        recent: true,
        setup: Setup {
            demo: vec![demo],
            ..Setup::default()
        },
        clock: ManualClock::new(),
        ..options()
    };
    let new = || {
        let mut shown = Headless::new(&options, (120, 36));
        shown.happen(Event::Asks(two()));
        shown
    };
    let first = |shown: &mut Headless| {
        let text = render::text(&shown.draw());
        text.lines().next().map(str::to_owned).unwrap_or_default()
    };
    let mut shown = new();
    assert!(first(&mut shown).contains("2 asks · 0:41 · 0 shows it"));
    shown.play("0");
    assert!(first(&mut shown).contains("asks"));
    let mut shown = new();
    shown.play("enter");
    let head = first(&mut shown);
    assert!(
        head.contains("4 actions") && head.contains("2 asks · 0:41"),
        "{head}"
    );
}

#[test]
fn a_question_is_answered_only_after_it_has_been_read() {
    let mut screen = Screen::new((120, 36));
    screen.ask(two());
    screen.shown.play("0 y");
    screen.shown.play("y");
    assert!(screen.text().contains("read it first"));
    screen.pass(400);
    screen.shown.play("y enter");
    assert!(screen.shown.answers().is_empty(), "answered too early");
    screen.pass(200);
    assert!(screen.text().contains("esc later"), "{}", screen.text());
    screen.shown.play("y");
    assert!(screen.text().contains("approve, reason"));
    screen.shown.play("enter");
    let expected = Answer {
        id: "a-1".to_owned(),
        state: State::Approved,
        reason: String::new(),
    };
    assert_eq!(screen.shown.answers(), [expected]);
    assert!(!screen.text().contains("esc later"));
}

#[test]
fn a_denial_needs_a_reason() {
    let mut screen = Screen::new((80, 24));
    screen.ask(two());
    screen.shown.play("0 j enter");
    screen.text();
    screen.pass(600);
    screen.shown.play("n enter");
    assert!(screen.text().contains("a denial needs a reason"));
    screen.shown.play("not today enter");
    let answers = screen.shown.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!((&*answers[0].id, answers[0].state), ("a-2", State::Denied));
    assert_eq!(answers[0].reason, "nottoday", "the script has no spaces");
}

#[test]
fn pasted_text_answers_nothing() {
    let mut screen = Screen::new((120, 36));
    screen.ask(two());
    screen.shown.play("0 enter");
    screen.text();
    screen.pass(600);
    screen.shown.paste("y\n\ny\n");
    screen.text();
    screen.shown.play("y");
    screen.shown.paste("fine\ny\n");
    assert!(screen.shown.answers().is_empty());
    assert!(screen.text().contains("fine y"), "{}", screen.text());
}

#[test]
fn a_question_that_is_no_longer_pending_cannot_be_answered() {
    let mut screen = Screen::new((120, 36));
    screen.ask(vec![asked(
        "a-1",
        "Bash",
        json!({"command": "ls"}),
        Standing::Expired,
    )]);
    screen.shown.play("0");
    assert!(screen.text().contains("expired"));
    screen.shown.play("enter");
    screen.text();
    screen.pass(600);
    screen.shown.play("y");
    assert!(screen.text().contains("no longer waiting"));
    screen.shown.play("enter");
    assert!(screen.shown.answers().is_empty());
}

#[test]
fn the_outcome_of_an_answer_is_shown() {
    let mut screen = Screen::new((120, 36));
    screen.ask(two());
    screen.shown.happen(Event::Answered {
        id: "a-1".to_owned(),
        outcome: Err("denied by bob@box (tui) already".to_owned()),
    });
    assert!(screen.text().contains("not accepted: denied by bob@box"));
}

#[test]
fn control_characters_are_removed_and_look_alike_names_are_marked() {
    let mut screen = Screen::new((120, 36));
    let args = json!({"command": "ls \u{1b}[2J\u{202e}x", "\u{1b}k": 1});
    screen.ask(vec![asked("a-1", "B\u{430}sh", args, Standing::Open)]);
    screen.shown.play("0 enter");
    let text = screen.text();
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{text}"
    );
    assert!(text.contains("look-alike letters"), "{text}");
}

#[test]
fn the_asks_at_two_sizes() {
    for (name, size) in [("usual", (120, 36)), ("narrow", (80, 24))] {
        let mut screen = Screen::new(size);
        screen.ask(two());
        screen.shown.play("0");
        insta::assert_snapshot!(format!("list_{name}"), screen.text());
        screen.shown.play("enter");
        screen.text();
        screen.pass(600);
        insta::assert_snapshot!(format!("question_{name}"), screen.text());
    }
}
