//! The URLs of sources: `PRODUCT://[HOST]/PROJECT`. They never contain keys.

use std::fmt;

use crate::base::escape;

/// The products that can be pulled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Phoenix,
    Mlflow,
    Langfuse,
    Langsmith,
    Helicone,
    Clickhouse,
    Tempo,
    Jaeger,
    /// Files in a bucket.
    S3,
}

/// Where traces are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub kind: Kind,
    /// `https://HOST[:PORT][/PATH]`, without a slash at the end.
    pub base: String,
    /// As the product calls it: a project, an experiment; empty where the key decides.
    pub project: String,
    /// For products with users in addition to keys.
    pub user: Option<String>,
    /// The user asked for plain http.
    pub is_plain: bool,
    /// Where a first pull begins, as written: a duration or a date.
    pub since: Option<String>,
    /// How many rows a query may read at most, of engines; as an option says.
    pub max_scan: Option<u64>,
}

impl Kind {
    pub const ALL: &'static [Kind] = &[
        Kind::Phoenix,
        Kind::Mlflow,
        Kind::Langfuse,
        Kind::Langsmith,
        Kind::Helicone,
        Kind::Clickhouse,
        Kind::Tempo,
        Kind::Jaeger,
        Kind::S3,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Kind::Phoenix => "phoenix",
            Kind::Mlflow => "mlflow",
            Kind::Langfuse => "langfuse",
            Kind::Langsmith => "langsmith",
            Kind::Helicone => "helicone",
            Kind::Clickhouse => "clickhouse",
            Kind::Tempo => "tempo",
            Kind::Jaeger => "jaeger",
            Kind::S3 => "s3",
        }
    }

    /// The variables of its own programs that hold the key.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Kind::Phoenix => &["PHOENIX_API_KEY"],
            Kind::Mlflow => &["MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD"],
            Kind::Langfuse => &["LANGFUSE_SECRET_KEY"],
            Kind::Langsmith => &["LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"],
            Kind::Helicone => &["HELICONE_API_KEY"],
            Kind::Clickhouse => &["CLICKHOUSE_PASSWORD"],
            Kind::Tempo => &["TEMPO_TOKEN"],
            Kind::Jaeger => &["JAEGER_TOKEN"],
            Kind::S3 => &["AWS_SECRET_ACCESS_KEY"],
        }
    }

    /// The host that the product's own programs would use.
    fn host(self, variable: &dyn Fn(&str) -> Option<String>) -> String {
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name));
        match self {
            Kind::Phoenix => first(&["PHOENIX_ENDPOINT"])
                .or_else(|| {
                    let collector = variable("PHOENIX_COLLECTOR_ENDPOINT")?;
                    Some(collector.trim_end_matches("/v1/traces").to_owned())
                })
                .or_else(|| variable("PHOENIX_HOST").map(|host| with_port(&host, "6006")))
                .unwrap_or_else(|| "http://localhost:6006".to_owned()),
            Kind::Mlflow => first(&["MLFLOW_TRACKING_URI"])
                .unwrap_or_else(|| "http://localhost:5000".to_owned()),
            Kind::Langfuse => first(&["LANGFUSE_BASE_URL", "LANGFUSE_HOST"])
                .unwrap_or_else(|| "https://cloud.langfuse.com".to_owned()),
            Kind::Langsmith => {
                let set = first(&["LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"]);
                let set = set.map(|host| {
                    let host = host.trim_end_matches('/').trim_end_matches("/api/v1");
                    host.trim_end_matches("/api").to_owned()
                });
                set.unwrap_or_else(|| "https://api.smith.langchain.com".to_owned())
            }
            Kind::Helicone => "https://api.helicone.ai".to_owned(),
            Kind::Clickhouse => {
                first(&["CLICKHOUSE_URL"]).unwrap_or_else(|| "http://localhost:8123".to_owned())
            }
            Kind::Tempo => "http://localhost:3200".to_owned(),
            Kind::Jaeger => "http://localhost:16686".to_owned(),
            Kind::S3 => first(&["AWS_ENDPOINT_URL"]).unwrap_or_else(|| {
                let region = first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
                let region = region.unwrap_or_else(|| "us-east-1".to_owned());
                format!("https://s3.{region}.amazonaws.com")
            }),
        }
    }

    /// The project that the product's own programs would use.
    fn project(self, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let names: &[&str] = match self {
            Kind::Phoenix => &["PHOENIX_PROJECT", "PHOENIX_PROJECT_NAME"],
            Kind::Mlflow => &["MLFLOW_EXPERIMENT_NAME"],
            Kind::Langsmith => &["LANGSMITH_PROJECT", "LANGCHAIN_PROJECT"],
            Kind::Clickhouse => &["CLICKHOUSE_DATABASE"],
            Kind::Langfuse | Kind::Helicone | Kind::Tempo | Kind::Jaeger | Kind::S3 => &[],
        };
        names.iter().find_map(|name| variable(name))
    }

    fn usual_project(self) -> &'static str {
        match self {
            Kind::Phoenix | Kind::Langsmith | Kind::Clickhouse => "default",
            Kind::Mlflow => "Default",
            Kind::Langfuse | Kind::Helicone | Kind::Tempo | Kind::Jaeger | Kind::S3 => "",
        }
    }
}

/// Whether a path is written as a URL of a product.
pub fn is_address(text: &str) -> bool {
    kind_of(text).is_some()
}

fn kind_of(text: &str) -> Option<(Kind, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let kind = Kind::ALL.iter().find(|kind| kind.word() == scheme)?;
    Some((*kind, rest))
}

impl Address {
    /// Reads a URL. What it leaves out comes from the variables of the product's own programs.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Address, String> {
        let Some((kind, rest)) = kind_of(text) else {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
            let known = known.join("://, ");
            let shown = text.split_once('@').map_or(text, |(_, after)| after);
            return Err(format!(
                "'{shown}' is not a URL of traces (known: {known}://)"
            ));
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, project) = match kind {
            // The first word is the bucket; its host is set in the environment.
            Kind::S3 => ("", rest),
            _ => rest.split_once('/').unwrap_or((rest, "")),
        };
        let (user, host) = match host.rsplit_once('@') {
            Some((user, host)) if kind == Kind::Clickhouse && !user.contains(':') => {
                (Some(decoded(user)), host)
            }
            _ => (None, host),
        };
        if host.contains('@') || kind == Kind::S3 && project.contains('@') {
            let word = kind.word();
            return Err(format!(
                "a {word}:// URL takes no user and no password: keys come from the environment (saferun-tui help pull)"
            ));
        }
        let Options { is_plain, since } = options(query)?;
        let base = match (kind, host) {
            (_, "") => kind.host(variable),
            (Kind::Helicone, "us") => "https://api.helicone.ai".to_owned(),
            (Kind::Helicone, "eu") => "https://eu.api.helicone.ai".to_owned(),
            (Kind::Clickhouse, host) if !has_port(host) && !is_plain && !is_loopback(host) => {
                format!("https://{host}:8443")
            }
            (Kind::Clickhouse, host) if !has_port(host) => format!("http://{host}:8123"),
            (_, host) => with_scheme(host, is_plain),
        };
        let project = match kind {
            Kind::S3 => decoded(project),
            _ => decoded(project.trim_end_matches('/')),
        };
        let project = Some(project).filter(|it| !it.is_empty());
        let project = project.or_else(|| kind.project(variable));
        let project = project.or_else(|| Some(kind.usual_project().to_owned()));
        Ok(Address {
            kind,
            base: checked(&base, is_plain)?,
            project: project.unwrap_or_default(),
            user,
            is_plain,
            since,
            max_scan: None,
        })
    }

    /// Host and port, as shown and as stored.
    pub fn host(&self) -> &str {
        self.base
            .split_once("://")
            .map_or(&self.base, |(_, host)| host)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::S3 => write!(f, "s3://{}", self.project),
            kind => write!(f, "{}://{}/{}", kind.word(), self.host(), self.project),
        }
    }
}

#[derive(Default)]
struct Options {
    is_plain: bool,
    since: Option<String>,
}

/// `http=1&since=7d`.
fn options(query: &str) -> Result<Options, String> {
    const KNOWN: &str = "known: ?http=1, ?since=7d";
    let mut options = Options::default();
    for option in query.split('&').filter(|it| !it.is_empty()) {
        match option.split_once('=') {
            Some(("http", "1")) => options.is_plain = true,
            Some(("since", time)) => options.since = Some(time.to_owned()),
            Some((name, _)) => {
                return Err(format!("'?{name}' is not an option of a URL ({KNOWN})"));
            }
            None => return Err(format!("'?{option}' has no value ({KNOWN})")),
        }
    }
    Ok(options)
}

fn with_scheme(host: &str, is_plain: bool) -> String {
    let scheme = if is_plain || is_loopback(host) {
        "http"
    } else {
        "https"
    };
    format!("{scheme}://{host}")
}

fn has_port(host: &str) -> bool {
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    after.contains(':')
}

fn with_port(host: &str, port: &str) -> String {
    if host.contains("://") {
        return host.to_owned();
    }
    let host = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    };
    with_scheme(&host, false)
}

/// https, or plain http to this machine or on request.
fn checked(base: &str, is_plain: bool) -> Result<String, String> {
    let base = base.trim_end_matches('/');
    let Some((scheme, host)) = base.split_once("://") else {
        return Err(format!(
            "'{base}' is not the URL of a server (https://HOST)"
        ));
    };
    if host.contains('@') {
        return Err(
            "the URL in the environment holds a user or a password: set the key's own variable instead"
                .to_owned(),
        );
    }
    match scheme {
        "https" => {}
        "http" if is_plain || is_loopback(host) => {}
        "http" => {
            return Err(format!(
                "{host}: plain http would send the key unencrypted; use https, or add ?http=1 to the URL"
            ));
        }
        other => return Err(format!("{other}://{host}: only https")),
    }
    Ok(base.to_owned())
}

fn is_loopback(host: &str) -> bool {
    let host = host.split('/').next().unwrap_or(host);
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
}

/// Decodes `%20`.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let code = more.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let code = code.and_then(|it| u8::from_str_radix(it, 16).ok());
        match (first, code) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Encodes a part of a path or of a query.
pub(super) fn encoded(text: &str) -> String {
    escape::percent(text.as_bytes(), b"-._~")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[track_caller]
    fn check(text: &str, base: &str, project: &str) {
        let address = Address::parse(text, &none).expect("a URL");
        assert_eq!(
            (address.base.as_str(), address.project.as_str()),
            (base, project)
        );
    }

    #[track_caller]
    fn refuses(text: &str, because: &str) {
        let error = Address::parse(text, &none).expect_err("refused");
        assert!(error.contains(because), "{error}");
    }

    #[test]
    fn uses_https_except_on_this_machine_or_on_request() {
        check(
            "phoenix://traces.example/shop",
            "https://traces.example",
            "shop",
        );
        check(
            "phoenix://localhost:6006/shop",
            "http://localhost:6006",
            "shop",
        );
        check("mlflow://[::1]:5000/a%20b", "http://[::1]:5000", "a b");
        check(
            "phoenix://10.0.0.3:6006/shop?http=1",
            "http://10.0.0.3:6006",
            "shop",
        );
        check(
            "phoenix://127.0.0.1.example/x",
            "https://127.0.0.1.example",
            "x",
        );
        check(
            "phoenix://10.0.0.3/shop?since=7d&http=1",
            "http://10.0.0.3",
            "shop",
        );
    }

    #[test]
    fn takes_what_is_left_out_from_the_environment() {
        let variable = |name: &str| match name {
            "PHOENIX_COLLECTOR_ENDPOINT" => Some("https://p.example/v1/traces".to_owned()),
            "PHOENIX_PROJECT_NAME" => Some("shop".to_owned()),
            "LANGCHAIN_ENDPOINT" => Some("https://l.example/api/v1/".to_owned()),
            _ => None,
        };
        let at = |text| Address::parse(text, &variable).expect("a URL").to_string();
        assert_eq!(at("phoenix://"), "phoenix://p.example/shop");
        assert_eq!(at("langsmith:///bot"), "langsmith://l.example/bot");
        check("langfuse://", "https://cloud.langfuse.com", "");
        check("helicone://eu", "https://eu.api.helicone.ai", "");
        check("phoenix://", "http://localhost:6006", "default");
    }

    #[test]
    fn takes_no_password_and_no_plain_http() {
        refuses("langfuse://pk:sk-very-secret@host/x", "no password");
        refuses("phoenix://user@host/x", "no user");
        refuses("clickhouse://user:sk-very-secret@host/x", "no password");
        check(
            "clickhouse://reader@ch.example/otel",
            "https://ch.example:8443",
            "otel",
        );
        check(
            "clickhouse://localhost/otel/spans",
            "http://localhost:8123",
            "otel/spans",
        );
        refuses("phoenix://host/x?key=1", "is not an option of a URL");
        refuses("ftp://u:secret@host/x", "is not a URL of traces");
        let variable = |_: &str| Some("http://10.0.0.3:6006".to_owned());
        let error = Address::parse("phoenix:///x", &variable).expect_err("refused");
        assert!(error.contains("?http=1"), "{error}");
        for text in [
            "langfuse://pk:sk-very-secret@host/x",
            "nope://pk:sk-very-secret@host/x",
        ] {
            let error = Address::parse(text, &none).expect_err("refused");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
