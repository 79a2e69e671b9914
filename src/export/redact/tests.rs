//! Kinds of secrets in every notation that traces hold, and what only looks like one. All values are made up, and put
//! together here so that no scanner takes them for real ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{mask, masked};

/// Letters and digits as a generator would make them.
fn made_up(length: usize) -> String {
    "q7Xw2Zk9Rt4Lm1Vb8Nc3"
        .chars()
        .cycle()
        .take(length)
        .collect()
}

fn hex(length: usize) -> String {
    "4f9a1c7e0b2d8653".chars().cycle().take(length).collect()
}

fn capitals(length: usize) -> String {
    "Q7XW2ZK9RT4LM1VB8NC3"
        .chars()
        .cycle()
        .take(length)
        .collect()
}

/// Keys that are known by their shape, each by the name of its kind.
fn shapes() -> Vec<(&'static str, String)> {
    let with = |parts: &[&str]| parts.concat();
    vec![
        ("aws", with(&["AK", "IA", &capitals(16)])),
        ("aws session", with(&["AS", "IA", &capitals(16)])),
        ("google", with(&["AI", "za", &made_up(35)])),
        ("google oauth", with(&["ya", "29.", &made_up(60)])),
        ("google client", with(&["GOC", "SPX-", &made_up(28)])),
        ("digitalocean", with(&["dop", "_v1_", &hex(64)])),
        ("databricks", with(&["da", "pi", &hex(32)])),
        ("vault", with(&["hv", "s.", &made_up(24)])),
        ("doppler", with(&["dp", ".pt.", &made_up(40)])),
        (
            "terraform",
            with(&[&made_up(14), ".atlas", "v1.", &made_up(64)]),
        ),
        ("tailscale", with(&["ts", "key-auth-", &made_up(24)])),
        ("github", with(&["gh", "p_", &made_up(36)])),
        ("github app", with(&["gh", "s_", &made_up(36)])),
        ("github fine", with(&["github", "_pat_", &made_up(60)])),
        ("gitlab", with(&["gl", "pat-", &made_up(20)])),
        ("npm", with(&["np", "m_", &made_up(36)])),
        ("pypi", with(&["py", "pi-", &made_up(80)])),
        ("rubygems", with(&["ruby", "gems_", &hex(48)])),
        ("postman", with(&["PM", "AK-", &hex(24), "-", &hex(34)])),
        ("openai", with(&["s", "k-", &made_up(48)])),
        ("openai project", with(&["s", "k-proj-", &made_up(60)])),
        ("anthropic", with(&["s", "k-ant-api03-", &made_up(90)])),
        ("openrouter", with(&["s", "k-or-v1-", &hex(64)])),
        (
            "langfuse",
            with(&["s", "k-lf-4f9a1c7e-0b2d-8653-4f9a-", &hex(12)]),
        ),
        ("hugging face", with(&["h", "f_", &made_up(34)])),
        ("groq", with(&["gs", "k_", &made_up(52)])),
        ("xai", with(&["x", "ai-", &made_up(80)])),
        ("replicate", with(&["r", "8_", &made_up(37)])),
        ("perplexity", with(&["pp", "lx-", &made_up(48)])),
        ("nvidia", with(&["nv", "api-", &made_up(64)])),
        ("tavily", with(&["tv", "ly-", &made_up(32)])),
        (
            "langsmith",
            with(&["ls", "v2_pt_", &hex(32), "_", &hex(10)]),
        ),
        ("pinecone", with(&["pc", "sk_", &made_up(60)])),
        ("slack", with(&["xo", "xb-123456789012-", &made_up(24)])),
        ("slack app", with(&["xa", "pp-1-A012-345-", &hex(64)])),
        ("telegram", with(&["123456789", ":AA", &made_up(33)])),
        (
            "discord",
            with(&["M", &made_up(25), ".", &made_up(6), ".", &made_up(38)]),
        ),
        (
            "sendgrid",
            with(&["S", "G.", &made_up(22), ".", &made_up(43)]),
        ),
        ("twilio", with(&["S", "K", &hex(32)])),
        ("mailgun", with(&["ke", "y-", &hex(32)])),
        ("stripe", with(&["s", "k_live_", &made_up(24)])),
        ("stripe hook", with(&["wh", "sec_", &made_up(32)])),
        ("shopify", with(&["shp", "at_", &hex(32)])),
        ("linear", with(&["lin", "_api_", &made_up(40)])),
        ("notion", with(&["nt", "n_", &made_up(46)])),
        ("airtable", with(&["pa", "t", &made_up(14), ".", &hex(64)])),
        ("figma", with(&["fi", "gd_", &made_up(40)])),
        ("grafana", with(&["gl", "sa_", &made_up(32), "_", &hex(8)])),
        ("age", with(&["AGE-", "SECRET-KEY-1", &capitals(58)])),
        (
            "signed token",
            with(&[
                "ey",
                "J",
                &made_up(20),
                ".ey",
                "J",
                &made_up(40),
                ".",
                &made_up(43),
            ]),
        ),
    ]
}

/// Names whose values are secrets.
const NAMES: &[&str] = &[
    "authorization",
    "Authorization",
    "Proxy-Authorization",
    "api_key",
    "apiKey",
    "API-Key",
    "x-api-key",
    "X-Api-Key",
    "x-goog-api-key",
    "x-auth-token",
    "password",
    "Password",
    "passwd",
    "passphrase",
    "db_password",
    "DB_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "secret",
    "client_secret",
    "clientSecret",
    "access_token",
    "accessToken",
    "refresh_token",
    "auth_token",
    "id_token",
    "session_token",
    "api-token",
    "bearer",
    "cookie",
    "Set-Cookie",
    "private_key",
    "secret_key",
    "access_key",
    "secret_access_key",
    "AWS_SECRET_ACCESS_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GITHUB_TOKEN",
    "HF_TOKEN",
    "SLACK_BOT_TOKEN",
    "webhook_secret",
    "signing_key",
    "encryption_key",
    "jwt",
    "pwd",
    "smtp_pass",
    "AccountKey",
    "credentials",
    "password_confirmation",
    "API_KEY_PROD",
    "token",
    "pass",
];

/// The value under every name: no shape gives it away.
fn plain_secret() -> String {
    ["hun", "ter", "2-Zq8w"].concat()
}

#[track_caller]
fn check_gone(text: &str, secret: &str, what: &str) {
    let (once, count) = masked(text);
    assert!(!once.contains(secret), "{what}: {text}\nleft {once}");
    assert!(count > 0, "{what}: {text}");
    assert_eq!(masked(&once), (once.clone(), 0), "{what}: masked twice");
}

#[track_caller]
fn check_kept(text: &str) {
    assert_eq!(masked(text), (text.to_owned(), 0));
}

/// A value that holds the secret nowhere, not even in a key, and stays as it is when masked again.
#[track_caller]
fn check_value(mut value: Value, secret: &str) {
    let before = value.to_string();
    assert!(mask(&mut value) > 0, "{before}");
    let after = value.to_string();
    assert!(!after.contains(secret), "{before}\nleft {after}");
    let once = value.clone();
    assert_eq!(mask(&mut value), 0, "{after}");
    assert_eq!(value, once);
}

#[test]
fn a_secret_shows_its_length_and_the_head_of_a_long_one() {
    let github = format!("gh{}", ["p_", &"a1B2".repeat(9)].concat());
    assert_eq!(
        masked(&format!("use {github}.")),
        ("use ghp_…40_masked.".to_owned(), 1)
    );
    let address = ["postgres://app:", "hunter22", "@db/x"].concat();
    assert_eq!(masked(&address).0, "postgres://app:…8_masked@db/x");
    let mut short = json!({"password": "1234"});
    assert_eq!(mask(&mut short), 1);
    assert_eq!(short["password"], "…4_masked");
}

#[test]
fn keys_are_known_by_their_shapes_wherever_they_stand() {
    for (kind, key) in shapes() {
        let around = [
            key.clone(),
            format!("use {key}."),
            format!("see ({key}), or '{key}'"),
            format!("first line\n{key}\nlast"),
            format!(r#"{{"content": "a\n{key}\n"}}"#),
            format!(r"text\n{key}\nmore"),
            format!("https://x.example/?q={key}&r=1"),
            format!("echo {key} | tool"),
        ];
        for text in around {
            check_gone(&text, &key, kind);
        }
        check_value(json!({"content": [{"text": format!("it is {key}")}]}), &key);
        check_value(json!({key.clone(): 1, "other": key.clone()}), &key);
        check_value(json!({"arguments": json!({"q": key}).to_string()}), &key);
    }
}

#[test]
fn values_under_names_of_secrets_are_masked_in_every_structure() {
    let secret = plain_secret();
    for name in NAMES {
        let structures = [
            json!({*name: secret}),
            json!({*name: [secret]}),
            json!({*name: {"value": secret}}),
            json!({"headers": [{"name": name, "value": secret}]}),
            json!({"attributes": [{"key": name, "value": {"stringValue": secret}}]}),
            json!({"headers": [[name, secret]]}),
            json!({"path": format!("args.{name}"), "from": secret, "to": secret}),
            json!({"arguments": json!({*name: secret}).to_string()}),
            json!({"output": json!({"nested": json!({*name: secret}).to_string()}).to_string()}),
            json!({"text": format!("result:\n{}", json!({*name: secret}))}),
        ];
        for value in structures {
            check_value(value, &secret);
        }
    }
    for name in ["password", "api_key", "pin"] {
        check_value(json!({name: 48_215_937}), "48215937");
        check_value(json!([name, 48_215_937]), "48215937");
    }
    check_value(
        json!({"argv": ["deploy", "--api-token", secret, "x"]}),
        &secret,
    );
    check_value(
        json!({"rawHeaders": ["Host", "x", "Authorization", secret]}),
        &secret,
    );
}

#[test]
fn values_behind_names_are_masked_in_every_notation() {
    let secret = plain_secret();
    for name in NAMES {
        let notations = [
            format!("{name}={secret}"),
            format!("PATH=/bin\n{name}={secret}\nHOME=/root"),
            format!("export {name}='{secret}'"),
            format!("{name}: {secret}"),
            format!("config:\n  {name}: {secret}\n  other: 1"),
            format!("{name} = \"{secret}\""),
            format!("{{\"{name}\": \"{secret}\", \"a\": 1}} and more"),
            format!("{{'{name}': '{secret}'}}"),
            format!(r#"said "{{\"{name}\": \"{secret}\"}}" then"#),
            format!(r"env:\n{name}={secret}\nHOME=/root"),
            format!("set [{name:?}, {secret:?}] now"),
            format!("os.environ['{name}'] = '{secret}'"),
            format!("tool --{name} {secret} --quiet"),
            format!("tool --{name}={secret} --quiet"),
            format!("curl 'https://x.example/v1?a=1&{name}={secret}&b=2'"),
            format!("<{name}>{secret}</{name}>"),
        ];
        for text in notations {
            check_gone(&text, &secret, name);
        }
    }
}

#[test]
fn secrets_of_commands_headers_and_addresses_are_masked() {
    let secret = plain_secret();
    let basic = ["YWRtaW46", "aHVudGVyMi1acTh3"].concat();
    let aws = ["AKIA", "Q7XW2ZK9RT4LM1VB"].concat();
    let uuid = "4f9a1c7e-0b2d-8653-4f9a-1c7e0b2d8653";
    let texts = [
        (format!("curl -u admin:{secret} https://x.example"), &secret),
        (
            format!("curl --user 'admin:{secret}' https://x.example"),
            &secret,
        ),
        (format!("mysql -h db -u root -p{secret} shop"), &secret),
        (format!("sshpass -p '{secret}' ssh host"), &secret),
        (format!("redis-cli -h x -a {secret} ping"), &secret),
        (format!("machine x login me password {secret}"), &secret),
        (format!("CREATE USER a IDENTIFIED BY '{secret}';"), &secret),
        (format!("redis://:{secret}@cache:6379/0"), &secret),
        (
            format!("postgres://app:{secret}@db.internal/x?sslmode=off"),
            &secret,
        ),
        (
            format!("https://{}@github.com/a/b.git", &made_up(30)),
            &made_up(30),
        ),
        (format!("Authorization: Basic {basic}"), &basic),
        (format!("curl -H 'Authorization: Basic {basic}' x"), &basic),
        (format!("sent Basic {basic} to it"), &basic),
        (format!("Basic  {aws}"), &aws),
        (
            "Authorization: Bearer abc123".to_owned(),
            &"abc123".to_owned(),
        ),
        (format!("Bearer {}", made_up(12)), &made_up(12)),
        (format!("Cookie: theme=dark; sid={secret}"), &secret),
        (format!("Set-Cookie: sid={secret}; HttpOnly"), &secret),
        (format!("-H \"x-api-key: {uuid}\""), &uuid.to_owned()),
        (
            format!("https://x.example/f?sv=1&sig={}", made_up(43)),
            &made_up(43),
        ),
        (
            format!("https://hooks.slack.com/services/T01/B02/{}", made_up(24)),
            &made_up(24),
        ),
        (
            format!(
                "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={}==;EndpointSuffix=y",
                made_up(86)
            ),
            &made_up(86),
        ),
        (
            format!("Server=x;User Id=sa;Password={secret};Encrypt=true"),
            &secret,
        ),
        (
            format!("//registry.npmjs.org/:_authToken={uuid}"),
            &uuid.to_owned(),
        ),
        (format!("the password is {secret}, keep it"), &secret),
    ];
    for (text, secret) in texts {
        check_gone(&text, secret, "command");
        check_gone(&format!("before\n{text}\nafter"), secret, "command");
    }
}

#[test]
fn private_keys_are_masked_with_and_without_their_end() {
    let line = made_up(64);
    for kind in [
        "RSA PRIVATE KEY",
        "PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        let (begin, end) = (
            ["-----BEGIN ", kind, "-----"].concat(),
            ["-----END ", kind, "-----"].concat(),
        );
        for break_ in ["\n", "\r\n", r"\n"] {
            let body = [line.as_str(); 4].join(break_);
            let whole = format!("key:{break_}{begin}{break_}{body}{break_}{end}{break_}then");
            check_gone(&whole, &line, kind);
            assert!(masked(&whole).0.ends_with("then"), "{}", masked(&whole).0);
            let cut = format!("key: {begin}{break_}{body}{break_}{}", made_up(21));
            check_gone(&cut, &line, kind);
            assert!(!masked(&cut).0.contains(&made_up(21)));
        }
        let quoted = json!({"text": format!("{begin}\n{line}\n{line}\n{end}\n")}).to_string();
        check_gone(&format!("it said {quoted} and went on"), &line, kind);
    }
    let prose = masked(&format!(
        "{}\n{line}\n\nThat was the key, all of it.",
        ["-----BEGIN ", "PRIVATE KEY-----"].concat()
    ));
    assert!(
        prose.0.ends_with("That was the key, all of it."),
        "{}",
        prose.0
    );
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    let texts = [
        "skip-this-word and a task-force",
        "<div class=\"sk-toggleable__content sk-folding-cube-wrapper sk-estimator-id-12\">",
        "ssh://git:22@host/x and ssh://git@github.com/a/b.git",
        "basic authentication needs a bearer token",
        "max_tokens=4096 and total_tokens: 81, tokens: many",
        "PWD=/work/shop\nOLDPWD=/root\npwd: ~/x",
        "password: string; token: str; secret = None; api_key: Optional[str]",
        "api_key = os.environ[\"OPENAI_API_KEY\"]",
        "token = self.token; password=get_password()",
        "export API_KEY=$OPENAI_API_KEY TOKEN=${TOKEN} KEY=<YOUR_KEY>",
        "-H \"authorization: Bearer $OPENAI_API_KEY\"",
        "enter your password: then press return",
        "the secret to good tea: patience and water, the key to it: time",
        "primary_key=user_id, sort key: created_at, cache_key=\"runs:2026:11\"",
        "docker run -u 1000:1000 image; git push -u origin main",
        "next_page_token=CAUQAA12, eos_token: </s>, pad_token_id: 50256",
        "toolu_01A09q90qw90lq917835lq9 call_4bC9dEf7GhIjKlMnOpQrStUv msg_01XFDUDYJgAACzvnptvVoYEL",
        "commit 4f9a1c7e0b2d86534f9a1c7e0b2d86534f9a1c7e",
        "sha256:4f9a1c7e0b2d86534f9a1c7e0b2d86534f9a1c7e0b2d86534f9a1c7e0b2d8653",
        "id 4f9a1c7e-0b2d-8653-4f9a-1c7e0b2d8653 at 2026-11-17T18:40:03Z",
        "mailto:someone@example.com and https://x.example/@user/1",
        "author: Jane, authored by Joe; authority=high; keyboard: qwerty",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "cookie: chocolate chip is the best of them",
        "if password == \"\": raise ValueError",
        "password reset: the token is invalid",
    ];
    for text in texts {
        check_kept(text);
        check_kept(&format!("one\n{text}\ntwo"));
    }
    let values = [
        json!({"pwd": "/work/shop", "cwd": "/work"}),
        json!({"logprobs": [{"token": "Hello123", "logprob": -0.1, "bytes": [72]}]}),
        json!({"type": "token", "token": "Hello"}),
        json!({"secret": "no", "password": "", "token": null, "api_key": false}),
        json!({"properties": {"token": {"type": "string", "description": "the token"}, "password": {"type": ["string", "null"]}}}),
        json!({"token": "string", "password": "<password>", "secret": "***"}),
        json!({"required": ["password", "token", "email"], "type": "object"}),
        json!({"usage": {"input_tokens": 12, "output_tokens": 5}, "max_tokens": 4096}),
        json!({"signature": made_up(200), "thinking": "so"}),
        json!({"key": "cost", "value": 4}),
        json!({"name": "read_file", "arguments": "{\"path\":\"a\"}"}),
        json!({"has_password": "yes it has", "password_hint": "dog", "token_type": "bearer", "token_count": 15496}),
    ];
    for mut value in values {
        let before = value.clone();
        assert_eq!(mask(&mut value), 0, "{value}");
        assert_eq!(value, before);
    }
}

#[test]
fn keys_that_become_equal_stay_apart() {
    let key = |end: &str| ["gh", "p_", &made_up(35), end].concat();
    let mut value = json!({key("A"): 1, key("B"): 2, "x": 3});
    assert_eq!(mask(&mut value), 2);
    let members = value.as_object().expect("an object");
    assert_eq!(members.len(), 3);
    assert_eq!(mask(&mut value), 0);
}

#[test]
fn much_text_takes_time_in_proportion() {
    let time = |text: &str| {
        let start = std::time::Instant::now();
        masked(text);
        start.elapsed()
    };
    let hostile = [
        "-----BEGIN PRIVATE KEY-----",
        "cookie: ",
        "password: \"",
        "://a:",
        "mysql ",
        "sk-a-",
        "\"key\", \"",
        "token=",
    ];
    for piece in hostile {
        let short = time(&piece.repeat(4_000 / piece.len()));
        let long = time(&piece.repeat(32_000 / piece.len()));
        let bound = short * 8 * 5 + std::time::Duration::from_millis(200);
        assert!(long < bound, "{piece}: {short:?}, {long:?}");
    }
}

fn fragments() -> impl Strategy<Value = String> {
    let mut pieces: Vec<String> = shapes().into_iter().map(|(_, key)| key).collect();
    pieces.extend(NAMES.iter().map(|name| (*name).to_owned()));
    pieces.push(plain_secret());
    let glue = [
        "=",
        ": ",
        ":",
        " ",
        "\"",
        "'",
        "\\\"",
        "\\n",
        "\n",
        ", ",
        "{",
        "}",
        "[",
        "]",
        "&",
        "?",
        "://",
        "@",
        "-u ",
        "--",
        "Bearer ",
        "Basic ",
        "$X",
        "<",
        ">",
        "value",
        "is ",
        "é",
        "…7_masked",
        "_masked",
        "a",
        ";",
        "mysql -p",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
    ];
    // Half of what is put together is glue.
    let few: Vec<String> = glue.iter().map(|piece| (*piece).to_owned()).collect();
    let piece = prop_oneof![
        proptest::sample::select(pieces),
        proptest::sample::select(few)
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn masking_twice_changes_nothing(text in fragments()) {
        let (once, _) = masked(&text);
        let (twice, count) = masked(&once);
        prop_assert_eq!((&twice, count), (&once, 0), "{}", text);
    }

    #[test]
    fn no_shape_survives_beside_anything(before in fragments(), after in "[ \n\"'.,)]{0,3}", at in any::<prop::sample::Index>()) {
        let shapes = shapes();
        let (kind, key) = &shapes[at.index(shapes.len())];
        let (once, _) = masked(&format!("{before} {key}{after}"));
        prop_assert!(!once.contains(&format!(" {key}")), "{}: {}", kind, once);
    }
}
