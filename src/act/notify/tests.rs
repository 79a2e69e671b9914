use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::command::Program;
use super::terminal::Terminal;
use super::{Deliver, Message, Notifier, Tempo, Verdict};
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::rules::{Sink, SinkKind};
use crate::analysis::alerts::state::Event;

pub(super) fn message() -> Message {
    Message {
        event: Event::Fire,
        level: Level::Trip,
        key: "saferun/loop/0a1b".to_owned(),
        rule: "loop".to_owned(),
        run: "7f3a91".to_owned(),
        agent: "support".to_owned(),
        title: "loop: repeat · run 7f3a91 <!channel> & more".to_owned(),
        text: "5 steps in a row; limit 5".to_owned(),
        at: "2026-11-22T14:02:00.000Z".to_owned(),
        held: 3,
        alert: json!({"event": "fire", "id": "0a1b", "rule": "loop"}),
    }
}

pub(super) fn sink(kind: SinkKind) -> Sink {
    Sink::new("it", kind)
}

pub(super) const QUICK: Tempo = Tempo {
    gap: Duration::ZERO,
    first: Duration::from_millis(20),
    most: Duration::from_millis(40),
    tries: 4,
};

#[test]
fn a_terminal_gets_a_bell_or_a_notification_and_no_other_control_sequence() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("none/tty");
    let told = Terminal::at(SinkKind::Bell, &missing.to_string_lossy()).deliver(&message());
    assert!(matches!(told, Verdict::Never(why) if why.starts_with("no terminal")));
    let told = |kind| {
        let path = folder.path().join("tty");
        fs::write(&path, "").expect("written");
        let mut message = message();
        message.title = "loop;\x1b]0;x\x07 run".to_owned();
        Terminal::at(kind, &path.to_string_lossy()).deliver(&message);
        fs::read_to_string(&path).expect("read")
    };
    assert_eq!(told(SinkKind::Bell), "\x07");
    for kind in [SinkKind::Osc9, SinkKind::Osc777] {
        let text = told(kind);
        let (escapes, bells) = (text.matches('\x1b').count(), text.matches('\x07').count());
        assert_eq!((escapes, bells), (1, 1), "{text:?}");
    }
    let parts: Vec<String> = told(SinkKind::Osc777)
        .split(';')
        .map(str::to_owned)
        .collect();
    assert_eq!(
        (parts[0].as_str(), parts[1].as_str()),
        ("\x1b]777", "notify")
    );
    assert_eq!(
        parts.len(),
        5,
        "the text keeps its semicolons, the title has none: {parts:?}"
    );
}

#[test]
fn a_program_gets_the_alert_and_none_of_our_variables() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let script = format!("cat > '{0}'; env >> '{0}'", out.display());
    let words = ["sh", "-c", &script].map(str::to_owned);
    let mut program = Program::new(&words).expect("a program");
    assert_eq!(program.deliver(&message()), Verdict::Done);
    let got = fs::read_to_string(&out).expect("read");
    let (json, variables) = got.split_once('\n').expect("lines");
    let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(json["id"], "0a1b");
    assert!(variables.contains("SAFERUN_LEVEL=trip") && variables.contains("SAFERUN_RUN=7f3a91"));
    // Cargo sets it for tests; an API key would leak the same way.
    assert!(!variables.contains("CARGO_MANIFEST_DIR"), "{variables}");
}

#[test]
fn a_program_that_fails_or_hangs_is_reported_once() {
    let run = |script: &str| {
        let words = ["sh", "-c", script].map(str::to_owned);
        let program = Program::new(&words).expect("a program");
        program
            .within(Duration::from_millis(300))
            .deliver(&message())
    };
    assert!(matches!(run("exit 3"), Verdict::Never(why) if why.contains('3')));
    let begun = Instant::now();
    assert!(
        matches!(run("sleep 60 & sleep 60"), Verdict::Never(why) if why.contains("did not end"))
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
    let missing = Program::new(&["no-such-program-anywhere".to_owned()])
        .expect("a program")
        .deliver(&message());
    assert!(matches!(missing, Verdict::Never(why) if why.contains("did not start")));
}

#[test]
fn a_sink_gets_messages_in_order_and_outcomes_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let script = format!("cat >> '{}'", out.display());
    let sink = Sink {
        command: ["sh", "-c", &script].map(str::to_owned).to_vec(),
        ..sink(SinkKind::Command)
    };
    let notifier = Notifier::start(&[sink], |_| QUICK).expect("started");
    for event in [Event::Fire, Event::Acknowledge, Event::Resolve] {
        let mut message = message();
        message.event = event;
        message.alert = json!({"event": event.word()});
        notifier.send("it", message).expect("queued");
    }
    assert!(notifier.send("other", message()).is_err());
    let reports = notifier.finish(Duration::from_secs(20));
    let events: Vec<Event> = reports.iter().map(|it| it.event).collect();
    assert_eq!(
        events,
        [Event::Fire, Event::Resolve],
        "a program gets no acknowledgements"
    );
    assert!(reports.iter().all(|it| it.outcome.is_ok()), "{reports:?}");
    let got = fs::read_to_string(&out).expect("read");
    assert_eq!(got, "{\"event\":\"fire\"}\n{\"event\":\"resolve\"}\n");
}

#[cfg(feature = "capture")]
mod network {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use hmac::{Hmac, KeyInit, Mac};
    use serde_json::Value;
    use sha2::Sha256;

    use super::super::http::{Http, Network};
    use super::super::{Deliver, Heartbeat, Notifier, Verdict};
    use super::{QUICK, message, sink};
    use crate::analysis::alerts::rules::{Sink, SinkKind};
    use crate::analysis::alerts::state::Event;

    /// A request as a server sees it.
    struct Received {
        head: String,
        body: String,
        at: Instant,
    }

    impl Received {
        fn header(&self, name: &str) -> Option<&str> {
            let mut lines = self.head.lines();
            lines.find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim())
            })
        }
    }

    /// Answers each request with the next of these answers, then repeats the last. An empty one hangs.
    fn serve(answers: &[&str]) -> (String, Receiver<Received>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (seen_in, seen) = channel();
        let answers: Vec<String> = answers.iter().map(|it| (*it).to_owned()).collect();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let answer = answers.get(number).or(answers.last()).cloned();
                let Some(got) = read(&stream) else { continue };
                if seen_in.send(got).is_err() {
                    return;
                }
                reply(stream, &answer.unwrap_or_default());
            }
        });
        (format!("http://{address}/hook/SECRET-IN-PATH"), seen)
    }

    fn read(stream: &TcpStream) -> Option<Received> {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let mut seen = Received {
            head,
            body: String::new(),
            at: Instant::now(),
        };
        let len = seen.header("content-length").and_then(|it| it.parse().ok());
        let mut body = vec![0; len.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        seen.body = String::from_utf8(body).ok()?;
        Some(seen)
    }

    fn reply(mut stream: TcpStream, answer: &str) {
        if answer.is_empty() {
            // Kept open, so that the client waits.
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(30));
                drop(stream);
            });
            return;
        }
        let text = format!("HTTP/1.1 {answer}content-length: 0\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(text.as_bytes());
    }

    const OK: &str = "200 OK\r\n";

    fn at(kind: SinkKind, url: &str) -> Sink {
        Sink {
            url: Some(url.to_owned()),
            // Set by cargo for every test: a secret that need not be put into the environment.
            key_env: Some("CARGO_PKG_NAME".to_owned()),
            secret_env: (kind == SinkKind::Webhook).then(|| "CARGO_PKG_NAME".to_owned()),
            ..sink(kind)
        }
    }

    /// Sends one message; returns what the server saw, and the outcome.
    fn sent(kind: SinkKind, answers: &[&str]) -> (Vec<Received>, Result<(), String>) {
        let (url, seen) = serve(answers);
        let notifier = Notifier::start(&[at(kind, &url)], |_| QUICK).expect("started");
        notifier.send("it", message()).expect("queued");
        let mut reports = notifier.finish(Duration::from_secs(30));
        assert_eq!(reports.len(), 1);
        let outcome = reports.remove(0).outcome;
        if let Err(why) = &outcome {
            assert!(
                !why.contains("SECRET-IN-PATH") && !why.contains("saferun-tui"),
                "{why}"
            );
        }
        (seen.try_iter().collect(), outcome)
    }

    #[test]
    fn slack_gets_text_that_cannot_notify_the_whole_channel() {
        let (seen, outcome) = sent(SinkKind::Slack, &[OK]);
        assert_eq!((seen.len(), outcome), (1, Ok(())));
        let body: Value = serde_json::from_str(&seen[0].body).expect("JSON");
        let text = body["blocks"][0]["text"]["text"].as_str().expect("text");
        assert!(
            text.contains("&lt;!channel&gt; &amp; more") && !text.contains("<!"),
            "{text}"
        );
        assert!(
            text.contains("3 more held back") && text.contains("trip"),
            "{text}"
        );
        assert_eq!(seen[0].header("x-saferun-signature"), None);
    }

    #[test]
    fn pagerduty_gets_one_key_for_all_events_of_an_alert() {
        let (url, seen) = serve(&["202 Accepted\r\n"]);
        let notifier = Notifier::start(&[at(SinkKind::Pagerduty, &url)], |_| QUICK);
        let notifier = notifier.expect("started");
        for event in [Event::Fire, Event::Acknowledge, Event::Resolve] {
            let mut message = message();
            message.event = event;
            notifier.send("it", message).expect("queued");
        }
        notifier.finish(Duration::from_secs(30));
        let bodies: Vec<Value> = seen
            .try_iter()
            .map(|it| serde_json::from_str(&it.body).expect("JSON"))
            .collect();
        let actions: Vec<&str> = bodies
            .iter()
            .filter_map(|it| it["event_action"].as_str())
            .collect();
        assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
        assert!(
            bodies
                .iter()
                .all(|it| it["dedup_key"] == "saferun/loop/0a1b")
        );
        assert_eq!(bodies[0]["payload"]["severity"], "critical");
        assert_eq!(bodies[0]["payload"]["component"], "support");
        assert_eq!(bodies[0]["routing_key"], "saferun-tui");
    }

    #[test]
    fn a_webhook_is_signed_over_its_bytes() {
        let (seen, outcome) = sent(SinkKind::Webhook, &[OK]);
        assert_eq!((seen.len(), outcome), (1, Ok(())));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"saferun-tui").expect("a key");
        mac.update(seen[0].body.as_bytes());
        let hex = crate::base::escape::hex(&mac.finalize().into_bytes());
        let signed = seen[0].header("x-saferun-signature");
        assert_eq!(signed, Some(format!("sha256={hex}").as_str()));
        let body: Value = serde_json::from_str(&seen[0].body).expect("JSON");
        assert_eq!(
            (&body["event"], &body["rule"]),
            (&"fire".into(), &"loop".into())
        );
    }

    #[test]
    fn a_rate_limit_is_retried_after_the_delay_that_the_sink_names() {
        let limited = "429 Too Many Requests\r\nretry-after: 1\r\n";
        let (seen, outcome) = sent(SinkKind::Slack, &[limited, OK]);
        assert_eq!((seen.len(), outcome), (2, Ok(())));
        assert!(seen[1].at - seen[0].at >= Duration::from_secs(1));
    }

    #[test]
    fn a_server_error_is_retried_and_finally_given_up() {
        let down = "503 Service Unavailable\r\n";
        let (seen, outcome) = sent(SinkKind::Webhook, &[down, down, OK]);
        assert_eq!((seen.len(), outcome), (3, Ok(())));
        let (seen, outcome) = sent(SinkKind::Pagerduty, &[down]);
        assert_eq!(seen.len(), 4);
        assert!(outcome.is_err_and(|why| why.contains("503") && why.contains("4 tries")));
    }

    #[test]
    fn a_client_error_and_a_redirect_are_not_retried() {
        for (answer, words) in [
            ("400 Bad Request\r\n", "400"),
            ("404 Not Found\r\n", "404"),
            (
                "302 Found\r\nlocation: http://127.0.0.1:9/\r\n",
                "redirects are not followed",
            ),
        ] {
            let (seen, outcome) = sent(SinkKind::Pagerduty, &[answer]);
            assert_eq!(seen.len(), 1, "{answer}");
            assert!(outcome.is_err_and(|why| why.contains(words)), "{answer}");
        }
    }

    #[test]
    fn a_slow_sink_times_out() {
        let (url, _seen) = serve(&[""]);
        let network = Network::start().expect("a network");
        let http = Http::new(&network, &at(SinkKind::Webhook, &url)).expect("a sink");
        let begun = Instant::now();
        let told = http.within(Duration::from_millis(300)).deliver(&message());
        assert!(matches!(told, Verdict::Later(why, None) if why.contains("no answer within")));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_sink_without_its_secret_does_not_start_and_plain_http_stays_on_this_machine() {
        let network = Network::start().expect("a network");
        let missing = Sink {
            key_env: Some("SAFERUN_NO_SUCH_VARIABLE".to_owned()),
            ..at(SinkKind::Pagerduty, "https://127.0.0.1:9/")
        };
        let why = Http::new(&network, &missing).err().expect("refused");
        assert!(why.contains("SAFERUN_NO_SUCH_VARIABLE is not set"), "{why}");
        let outside = at(SinkKind::Webhook, "http://203.0.113.1/SECRET-IN-PATH");
        let mut http = Http::new(&network, &outside).expect("a sink");
        let Verdict::Later(why, _) = http.deliver(&message()) else {
            panic!("it was sent");
        };
        assert!(
            why.contains("plain http") && !why.contains("SECRET"),
            "{why}"
        );
    }

    #[test]
    fn a_heart_beats_until_it_is_dropped() {
        let (url, seen) = serve(&[OK]);
        let network = Network::start().expect("a network");
        let beat = Heartbeat::start(&network, &url, Duration::from_millis(30)).expect("started");
        for _ in 0..3 {
            let got = seen.recv_timeout(Duration::from_secs(20)).expect("a beat");
            assert!(got.head.starts_with("GET /hook/"), "{}", got.head);
        }
        assert_eq!(beat.failure(), None);
        drop(beat);
        thread::sleep(Duration::from_millis(200));
        let _ = seen.try_iter().count();
        assert!(
            seen.recv_timeout(Duration::from_millis(300)).is_err(),
            "it still beats"
        );
    }
}
