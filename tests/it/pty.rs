//! Journeys on a real terminal: what is shown, and what is left behind.

pub(crate) mod terminal;

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use serde_json::json;
use terminal::{Terminal, program, shell};

use crate::properties::silence::colors;

const REFUND: &str = "sample-traces/saferun/refund-agent.jsonl";
const NIGHT: &str = "sample-traces/saferun/ops-night.jsonl";
const USUAL: (u16, u16) = (80, 24);

/// A text on the first screen of the refund agent.
const FIRST_ROW: &str = "Order 8841";

fn opened(path: &str, first: &str) -> Terminal {
    let mut terminal = Terminal::start(program(&[path]), USUAL);
    terminal.wait_for(first);
    terminal
}

#[test]
fn it_starts_on_a_terminal_that_never_answers_and_q_gives_it_back() {
    let mut terminal = opened(REFUND, FIRST_ROW);
    assert!(terminal.screen().alternate_screen());
    assert!(terminal.screen().hide_cursor());
    let asked: &[u8] = b"\x1b[6n";
    assert!(!terminal.bytes.windows(4).any(|window| window == asked));
    terminal.type_in("q");
    assert_eq!(terminal.end().exit_code(), 0);
    terminal.is_as_before();
}

#[test]
fn the_terminal_background_selects_the_colours_and_is_never_typed() {
    for (answer, selection) in [
        ("\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\", "48;5;254"),
        ("\u{1b}]11;rgb:1414/1717/2020\u{7}", "48;5;237"),
    ] {
        let mut terminal = Terminal::start(program(&[REFUND]), USUAL);
        terminal.type_in(answer);
        terminal.wait("the colours of the background", |terminal| {
            String::from_utf8_lossy(&terminal.bytes).contains(selection)
        });
        terminal.wait_for(FIRST_ROW);
        let asked = String::from_utf8_lossy(&terminal.bytes).contains("\u{1b}]11;?");
        assert!(asked);
        assert_eq!(terminal.quit(), 0);
    }
}

#[test]
fn an_answer_without_a_colour_types_nothing() {
    let mut terminal = opened(REFUND, FIRST_ROW);
    terminal.type_in("\u{1b}]11;qqQ:q\u{7}jj");
    terminal.wait_for("3 / 25");
    terminal.type_in("\u{1b}]11;rgb:qq/Q\u{1b}\\j");
    terminal.wait_for("4 / 25");
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn a_filter_is_typed_and_applied() {
    let mut terminal = opened(REFUND, FIRST_ROW);
    terminal.type_in("/status:blocked\r");
    terminal.wait_for("24 hidden by filter");
    assert!(!terminal.text().contains("\"Hej! Order"));
    terminal.type_in("\u{3}");
    assert_eq!(terminal.end().exit_code(), 0);
    terminal.is_as_before();
}

#[test]
fn a_paste_into_the_filter_is_one_text_and_runs_no_command() {
    let mut terminal = opened(REFUND, FIRST_ROW);
    terminal.type_in("/\u{1b}[200~tool:refund\nqq\u{1b}[201~");
    terminal.wait_for("tool:refund");
    terminal.type_in("\u{1b}[27u");
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn a_storm_of_sizes_settles_to_the_frame_of_a_fresh_start() {
    let size = (110, 30);
    let mut fresh = Terminal::start(program(&[NIGHT]), size);
    fresh.wait("whole frame", |terminal| {
        let text = terminal.text();
        text.contains("search_incidents") && !text.contains("indexing")
    });
    let expected = fresh.text();
    assert_eq!(fresh.quit(), 0);

    let mut terminal = opened(NIGHT, "3 runs");
    for step in 0..200_u16 {
        terminal.resize((1 + step * 37 % 190, 1 + step * 17 % 60));
    }
    terminal.resize(size);
    terminal.wait(&format!("fresh frame:\n{expected}\nbut"), |terminal| {
        terminal.text() == expected
    });
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn every_signal_that_ends_it_gives_the_terminal_back() {
    for (name, number) in [("INT", 2), ("QUIT", 3), ("TERM", 15), ("HUP", 1)] {
        let mut terminal = opened(REFUND, FIRST_ROW);
        terminal.signal(name);
        let status = terminal.end();
        assert_eq!(status.exit_code(), 128 + number, "{name}: {status:?}");
        terminal.is_as_before();
    }
}

/// Serves the refund agent in the explorer and asks it once; returns the terminal and the folder of kept runs.
fn served() -> (Terminal, tempfile::TempDir) {
    let state = tempfile::tempdir().expect("a folder");
    let mut command = program(&[REFUND]);
    command.env("XDG_STATE_HOME", state.path());
    let mut terminal = Terminal::start(command, (120, 36));
    terminal.wait_for(FIRST_ROW);
    terminal.type_in("3v");
    terminal.wait_for("type serve and press enter");
    // What is typed in the first half second is meant for something else.
    std::thread::sleep(Duration::from_millis(700));
    terminal.type_in("serve\r");
    terminal.wait_for("0 of 9");
    let text = terminal.text();
    let address = text
        .split("serving ")
        .nth(1)
        .and_then(|it| it.split(' ').next());
    let address = address.expect("an address").parse().expect("an address");
    // A request without tools would be taken for a side call, which belongs to no run.
    let tools = json!([{"name": "refund", "input_schema": {"type": "object"}}]);
    let hello = json!([{"role": "user", "content": "Hej"}]);
    let asked = json!({"model": "m", "max_tokens": 9, "tools": tools, "messages": hello});
    assert_eq!(crate::serve::post(address, "/v1/messages", &asked).0, 200);
    (terminal, state)
}

#[test]
fn what_was_served_is_kept_when_the_program_ends() {
    for end in ["Q", "\u{3}", "TERM"] {
        let (mut terminal, state) = served();
        match end {
            "TERM" => terminal.signal(end),
            keys => terminal.type_in(keys),
        }
        terminal.end();
        terminal.is_as_before();
        let kept = std::fs::read_dir(state.path().join("saferun-tui/reruns"));
        assert_eq!(kept.expect("a folder").count(), 1, "{end}");
    }
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_a_continued_program_draws_again() {
    let mut terminal = opened(REFUND, FIRST_ROW);
    terminal.type_in("\u{1a}");
    // Going on before it has stopped would leave it stopped for good.
    terminal.wait("stop", |terminal| {
        !terminal.screen().alternate_screen() && terminal.is_stopped()
    });
    terminal.is_as_before();
    terminal.signal("CONT");
    terminal.wait("second start", |terminal| {
        terminal.screen().alternate_screen() && terminal.text().contains(FIRST_ROW)
    });
    terminal.type_in("q");
    assert_eq!(terminal.end().exit_code(), 0);
    terminal.is_as_before();
}

#[test]
fn the_pager_has_the_terminal_and_its_keys_and_the_screen_comes_back_after_it() {
    let mut command = program(&[REFUND]);
    command.env(
        "PAGER",
        "sh -c 'grep -c 8841 \"$0\"; echo the pager; read line; echo \"got $line\"'",
    );
    let mut terminal = Terminal::start(command, USUAL);
    terminal.wait_for(FIRST_ROW);
    terminal.type_in("jv");
    terminal.wait("pager", |terminal| {
        !terminal.screen().alternate_screen() && terminal.text().contains("the pager")
    });
    terminal.type_in("Gjq\r");
    terminal.wait("screen", |terminal| {
        terminal.screen().alternate_screen() && terminal.text().contains("2 / 25")
    });
    // Only now are keys ours again.
    terminal.type_in("j");
    terminal.wait_for("3 / 25");
    terminal.type_in("v");
    terminal.wait("second pager", |terminal| {
        terminal.text().matches("the pager").count() == 2
    });
    // What ends the pager does not end the program below it.
    terminal.type_in("\u{3}");
    terminal.wait_for("3 / 25");
    terminal.type_in("q");
    assert_eq!(terminal.end().exit_code(), 0);
    terminal.is_as_before();
}

#[test]
fn a_missing_program_is_reported_and_nothing_else_happens() {
    let mut command = program(&[REFUND]);
    command.env("VISUAL", "no-such-editor-anywhere");
    let mut terminal = Terminal::start(command, USUAL);
    terminal.wait_for(FIRST_ROW);
    terminal.type_in("V");
    terminal.wait_for("no-such-editor-anywhere ended with");
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn what_is_copied_reaches_the_terminal_as_base64() {
    let mut terminal = opened(REFUND, FIRST_ROW);
    terminal.type_in("yk");
    terminal.wait_for("copied key");
    let written: &[u8] = b"\x1b]52;c;cnVuX3N0YXJ0\x07";
    let all = terminal.bytes.windows(written.len());
    assert!(all.into_iter().any(|window| window == written));
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn the_mouse_selects_folds_and_moves_the_divider() {
    let mut terminal = Terminal::start(program(&[REFUND]), (120, 36));
    terminal.wait_for(FIRST_ROW);
    let press = |x: u16, y: u16| format!("\u{1b}[<0;{x};{y}M\u{1b}[<0;{x};{y}m");
    // The ninth action, then the mark of its first decision.
    terminal.type_in(&press(30, 16));
    terminal.wait_for("▾ policy pii-scrub");
    terminal.type_in(&press(87, 9));
    terminal.wait_for("▸ policy pii-scrub");
    terminal.type_in("\u{1b}[<0;84;20M\u{1b}[<32;60;20M\u{1b}[<0;60;20m");
    terminal.wait("divider", |terminal| {
        let text = terminal.text();
        let row = text.lines().nth(6).unwrap_or_default();
        row.chars()
            .nth(59)
            .is_some_and(|mark| "│┃✖⊘".contains(mark))
    });
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn a_terminal_that_goes_away_ends_it_even_when_hang_ups_are_ignored() {
    // Two seconds are the promise; the rest is for a machine that does other things.
    let promised = Duration::from_secs(4);
    let ignoring = |line: &str| shell(&format!("trap '' HUP; {line} {REFUND}"));
    for command in [
        program(&[REFUND]),
        ignoring("exec \"$0\""),
        ignoring("\"$0\""),
    ] {
        let mut terminal = Terminal::start(command, USUAL);
        terminal.wait_for(FIRST_ROW);
        let lived = terminal.hang_up();
        assert!(lived < promised, "{lived:?}");
    }
}

#[test]
fn no_color_means_none() {
    let mut command = program(&[REFUND]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::start(command, USUAL);
    terminal.wait_for(FIRST_ROW);
    terminal.type_in("jje\r?");
    terminal.wait_for("search ·");
    terminal.type_in("\u{3}");
    assert_eq!(terminal.end().exit_code(), 0);
    let found = colors(&terminal.bytes);
    assert!(found.is_empty(), "{found:?}");

    let mut colored = opened(REFUND, FIRST_ROW);
    colored.type_in("q");
    assert_eq!(colored.end().exit_code(), 0);
    assert!(!colors(&colored.bytes).is_empty());
}

#[test]
fn a_dumb_terminal_is_refused_with_a_way_out() {
    for term in ["dumb", ""] {
        let mut command = program(&[REFUND]);
        command.env("TERM", term);
        let mut terminal = Terminal::start(command, USUAL);
        assert_eq!(terminal.end().exit_code(), 2);
        assert!(
            terminal.text().contains("saferun-tui ls"),
            "{}",
            terminal.text()
        );
        assert!(!terminal.bytes.contains(&0x1b));
    }
}

#[test]
fn a_file_that_is_not_a_trace_is_refused_without_touching_the_screen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in [
        ("picture.png", &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..]),
        ("readme.md", b"# A title\n\nand \x1b[31mtext\x9b\n"),
        ("empty.jsonl", b""),
        ("evil \x1b]0;name\x07.txt", b"hello\n"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("it can be written");
        let mut terminal = Terminal::start(program(&[path.to_str().expect("UTF-8")]), USUAL);
        let status = terminal.end();
        assert_eq!(status.exit_code(), 4, "{name:?}:\n{}", terminal.text());
        assert!(terminal.text().contains("error: "), "{}", terminal.text());
        assert!(!terminal.bytes.contains(&0x1b), "{name:?}");
    }
}

#[test]
fn what_is_piped_on_is_text_even_when_keys_could_be_typed() {
    let mut terminal = Terminal::start(shell(&format!("\"$0\" {REFUND} | cat")), (200, 24));
    assert_eq!(terminal.end().exit_code(), 0);
    assert!(
        terminal.text().contains("refund-8841"),
        "{}",
        terminal.text()
    );
    assert!(!terminal.bytes.contains(&0x1b));
}

#[test]
fn a_trace_on_standard_input_leaves_the_keys_to_the_terminal() {
    for args in ["-", ""] {
        let line = format!("cat {REFUND} | \"$0\" {args}");
        let mut terminal = Terminal::start(shell(&line), USUAL);
        terminal.wait_for(FIRST_ROW);
        terminal.type_in("/status:blocked\r");
        terminal.wait_for("24 hidden by filter");
        terminal.type_in("qq");
        assert_eq!(terminal.end().exit_code(), 0);
        terminal.is_as_before();
    }
}

#[test]
fn a_file_given_twice_is_shown_once() {
    let mut terminal = Terminal::start(program(&[REFUND, REFUND]), USUAL);
    terminal.wait_for("1 / 25");
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn a_missing_file_among_traces_is_reported_and_the_others_are_shown() {
    let mut terminal = Terminal::start(program(&["no-such.jsonl", REFUND]), USUAL);
    terminal.wait_for(FIRST_ROW);
    terminal.type_in("q");
    assert_eq!(terminal.end().exit_code(), 4);
    // The error is on the first screen, which is there again.
    assert!(
        terminal.text().contains("no-such.jsonl"),
        "{}",
        terminal.text()
    );
    terminal.is_as_before();
}

#[test]
fn keys_columns_and_saved_filters_are_those_of_the_settings() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.toml");
    let settings = "theme = \"dark\"\n[keys]\nbottom = \"x\"\n[runs]\ncolumns = [\"cost\", \"run\"]\n\
                    [filters]\ntrouble = \"is:error\"\n";
    std::fs::write(&path, settings).expect("written");
    let path = path.to_str().expect("UTF-8");
    let mut terminal = Terminal::start(program(&["--config", path, NIGHT]), USUAL);
    terminal.wait_for("COST RUN");
    terminal.type_in(":filter \t\r");
    terminal.wait_for("/ is:error");
    terminal.type_in("\u{1b}[27u1x");
    terminal.wait_for("100 %");
    terminal.type_in("q");
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn without_a_path_the_runs_of_this_machine_are_offered_or_else_the_demo() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut command = program(&[]);
    command.env("HOME", home.path());
    let mut terminal = Terminal::start(command, USUAL);
    terminal.wait_for("no agent runs in");
    terminal.type_in("\r");
    terminal.wait_for("refund-8841");
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn the_mouse_changes_views_sorts_and_opens() {
    let mut terminal = Terminal::start(program(&[NIGHT]), USUAL);
    terminal.wait_for("deploy-fix");
    let place = |terminal: &Terminal, words: &str| {
        let text = terminal.text();
        let found = text.lines().enumerate().find_map(|(row, line)| {
            let at = line.find(words)?;
            Some((line.get(..at)?.chars().count() + 1, row + 1))
        });
        found.unwrap_or_else(|| panic!("no {words}:\n{text}"))
    };
    let click = |terminal: &mut Terminal, words: &str| {
        let (column, row) = place(terminal, words);
        terminal.type_in(&format!(
            "\u{1b}[<0;{column};{row}M\u{1b}[<0;{column};{row}m"
        ));
    };
    click(&mut terminal, "ACTS");
    // The rows come after the head: only when they are in their order do they stay where they are.
    terminal.wait("sorted rows", |terminal| {
        let text = terminal.text();
        let place = |words: &str| text.lines().position(|line| line.contains(words));
        text.contains("sort:-actions") && place("disk-watch") < place("deploy-fix")
    });
    click(&mut terminal, "deploy-fix");
    terminal.wait_for("preview: deploy-fix");
    click(&mut terminal, "deploy-fix");
    terminal.wait_for("this run only");
    // While it is indexed, the names of the views make room for the progress.
    terminal.wait_for("2  3");
    click(&mut terminal, "2  3");
    terminal.wait_for("preview: deploy-fix");
    terminal.type_in("q");
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn a_growing_run_is_followed_left_and_followed_again() {
    let text = std::fs::read_to_string(REFUND).expect("a sample");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("live.jsonl");
    let name = path.to_str().expect("a plain path");
    let mut terminal = Terminal::start(program(&["tail", name]), (120, 30));
    terminal.wait_for("no actions");
    let write = |range: std::ops::Range<usize>| {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let mut file = file.expect("it can be written");
        let piece = lines[range].concat();
        file.write_all(piece.as_bytes()).expect("written");
    };
    write(0..8);
    terminal.wait_for("following · ");
    terminal.type_in("/is:error\r");
    terminal.wait_for("hidden by filter");
    write(8..20);
    terminal.wait_for("ConnectionReset");
    terminal.type_in("\u{1b}");
    terminal.wait("all rows", |it| !it.text().contains("hidden by filter"));
    terminal.type_in("k");
    terminal.wait_for("not following");
    write(20..lines.len());
    terminal.wait_for(" new below");
    terminal.type_in("e");
    terminal.type_in("F");
    terminal.wait("end", |it| {
        it.text().contains(" following") && it.text().contains("25 / 25")
    });
    assert_eq!(terminal.quit(), 0);
}

#[test]
fn where_something_may_be_missing_a_line_says_so() {
    let note = |id: u32| {
        format!(
            "{{\"run_id\":\"r1\",\"type\":\"note\",\"id\":\"n{id}\",\"content\":\"word {id}\"}}\n"
        )
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("live.jsonl");
    std::fs::write(&path, note(1) + &note(2)).expect("written");
    let name = path.to_str().expect("a plain path");
    let mut terminal = Terminal::start(program(&["tail", name]), (120, 30));
    terminal.wait_for("2 / 2");
    std::fs::write(&path, note(3)).expect("written anew");
    terminal.wait_for("3 / 3");
    let text = terminal.text();
    let line = |words: &str| text.lines().position(|line| line.contains(words));
    let missing = line("data may be missing here");
    assert!(
        line("nte word 2") < missing && missing < line("nte word 3"),
        "{text}"
    );
    assert_eq!(terminal.quit(), 0);
}

/// Writes the lines of a recorded run as they came, fifty times as fast.
fn replay(text: String, path: std::path::PathBuf) -> std::thread::JoinHandle<()> {
    let when = |line: &str| -> jiff::Timestamp {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let time = line["ts"].as_str().expect("a time");
        time.parse().expect("a time")
    };
    std::thread::spawn(move || {
        let mut before = None;
        for line in text.split_inclusive('\n') {
            let now = when(line);
            let pause = before.map_or(0, |before| now.duration_since(before).as_millis());
            std::thread::sleep(Duration::from_millis(pause.max(0) as u64 / 50));
            before = Some(now);
            let file = OpenOptions::new().create(true).append(true).open(&path);
            let mut file = file.expect("it can be written");
            file.write_all(line.as_bytes()).expect("written");
        }
    })
}

#[test]
fn a_recorded_run_that_is_replayed_is_filtered_left_and_followed_as_it_grows() {
    let text = std::fs::read_to_string(REFUND).expect("a sample");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("live.jsonl");
    let name = path.to_str().expect("a plain path");
    let mut terminal = Terminal::start(program(&["tail", name]), (120, 30));
    terminal.wait_for("no actions");
    terminal.type_in("/is:error\r");
    let writer = replay(text, path.clone());
    // The error comes while only errors are listed.
    terminal.wait_for("ConnectionReset");
    terminal.type_in("\u{1b}");
    terminal.wait("all rows", |it| !it.text().contains("hidden by filter"));
    terminal.type_in("kk");
    terminal.wait("a place of its own", |it| !it.text().contains(" following"));
    writer.join().expect("all is written");
    terminal.wait_for("/ 25");
    terminal.type_in("ge");
    terminal.wait("the error", |it| {
        it.text().contains("not following") || it.text().contains("new below")
    });
    terminal.type_in("F");
    terminal.wait("the end", |it| {
        it.text().contains(" following") && it.text().contains("25 / 25")
    });
    assert!(terminal.text().contains("ended: ok"), "{}", terminal.text());
    assert_eq!(terminal.quit(), 0);
}
