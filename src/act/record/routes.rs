//! Which variables of a child point to the proxy, and where each of them pointed before.
//!
//! A variable gets its own path on our port; requests to that path go to where the variable pointed, or to the vendor.
//! Nothing in a trace or a project decides where anything is sent.

use std::net::SocketAddr;

/// A variable that SDKs and agents read.
#[derive(Debug)]
struct Row {
    variable: &'static str,
    /// Its path on our port.
    mount: &'static str,
    /// Its value if it is not set.
    vendor: &'static str,
    when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Only changed if set: otherwise it would override another variable, or lead nowhere.
    IfSet,
}

const fn row(variable: &'static str, mount: &'static str, vendor: &'static str, when: When) -> Row {
    Row {
        variable,
        mount,
        vendor,
        when,
    }
}

const OPENAI: &str = "https://api.openai.com/v1";
const ANTHROPIC: &str = "https://api.anthropic.com";
const GEMINI: &str = "https://generativelanguage.googleapis.com";
const OLLAMA: &str = "OLLAMA_HOST";
/// The URL that Codex uses with a ChatGPT login.
pub(super) const CHATGPT: &str = "https://chatgpt.com/backend-api/codex";

const ROWS: &[Row] = &[
    row("OPENAI_BASE_URL", "openai/v1", OPENAI, When::Always),
    row("OPENAI_API_BASE", "openai-api-base/v1", OPENAI, When::IfSet),
    row("ANTHROPIC_BASE_URL", "anthropic", ANTHROPIC, When::Always),
    row(
        "ANTHROPIC_API_BASE",
        "anthropic-api-base",
        ANTHROPIC,
        When::IfSet,
    ),
    row(
        "ANTHROPIC_API_URL",
        "anthropic-api-url",
        ANTHROPIC,
        When::IfSet,
    ),
    row("GOOGLE_GEMINI_BASE_URL", "gemini", GEMINI, When::Always),
    row(
        "GEMINI_API_BASE",
        "gemini-api-base/v1beta",
        "https://generativelanguage.googleapis.com/v1beta",
        When::Always,
    ),
    row(
        "CODE_ASSIST_ENDPOINT",
        "code-assist",
        "https://cloudcode-pa.googleapis.com",
        When::Always,
    ),
    row(
        "GROQ_BASE_URL",
        "groq",
        "https://api.groq.com",
        When::Always,
    ),
    row(
        "GROQ_API_BASE",
        "groq-api-base/openai/v1",
        "https://api.groq.com/openai/v1",
        When::Always,
    ),
    row(
        "TOGETHER_BASE_URL",
        "together",
        "https://api.together.xyz/v1",
        When::Always,
    ),
    row(
        "CO_API_URL",
        "cohere",
        "https://api.cohere.com",
        When::Always,
    ),
    row(OLLAMA, "ollama", "http://127.0.0.1:11434", When::Always),
    row("AZURE_OPENAI_ENDPOINT", "azure", "", When::IfSet),
    row("COPILOT_PROVIDER_BASE_URL", "copilot", "", When::IfSet),
    row(
        "OPENAI_HOST",
        "openai-host",
        "https://api.openai.com",
        When::IfSet,
    ),
    row("ANTHROPIC_HOST", "anthropic-host", ANTHROPIC, When::IfSet),
    row("KIMI_CODE_BASE_URL", "kimi", "", When::IfSet),
    row("KIMI_MODEL_BASE_URL", "kimi-model", "", When::IfSet),
];

/// Where MCP servers are mounted, each below its name.
const SERVERS: &str = "mcp/";

/// Where requests to one path go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) mount: String,
    pub(super) upstream: String,
}

impl Route {
    /// The MCP server behind it.
    pub(super) fn server(&self) -> Option<&str> {
        self.mount.strip_prefix(SERVERS)
    }
}

/// The variables of a child, and where they lead.
#[derive(Debug, Default)]
pub(super) struct Routes {
    pub(super) routes: Vec<Route>,
    pub(super) variables: Vec<(&'static str, String)>,
}

const LOCAL: &str = "127.0.0.1,localhost";

impl Routes {
    /// `set` is the environment that the program would have without us.
    pub(super) fn new(
        program: &str,
        (address, token): (SocketAddr, &str),
        set: impl Fn(&str) -> Option<String>,
    ) -> Routes {
        let set = |name: &str| set(name).filter(|value| !value.trim().is_empty());
        let mut out = Routes::default();
        for row in ROWS {
            let before = set(row.variable);
            // Aider passes it to its libraries itself, and reads no other.
            let is_read = program == "aider" && row.variable == "OPENAI_API_BASE";
            // A server reads the same variable to choose its address.
            let is_server = program == "ollama" && row.variable == OLLAMA;
            if is_server || (row.when == When::IfSet && before.is_none() && !is_read) {
                continue;
            }
            let upstream = before.unwrap_or_else(|| row.vendor.to_owned());
            let upstream = if row.variable == OLLAMA {
                ollama(&upstream)
            } else {
                upstream
            };
            let url = format!("http://{address}/s/{token}/{}", row.mount);
            out.routes.push(Route {
                mount: row.mount.to_owned(),
                upstream: upstream.trim_end_matches('/').to_owned(),
            });
            out.variables.push((row.variable, url));
        }
        for name in ["NO_PROXY", "no_proxy"] {
            let before = set(name);
            let value = before.map_or_else(|| LOCAL.to_owned(), |it| format!("{it},{LOCAL}"));
            out.variables.push((name, value));
        }
        out
    }

    /// Adds MCP servers, by name and URL; returns where each is reached now.
    pub(super) fn serve(
        &mut self,
        servers: &[(String, String)],
        (address, token): (SocketAddr, &str),
    ) -> Vec<(String, String)> {
        let one = |(name, url): &(String, String)| {
            let mount = format!("{SERVERS}{name}");
            let here = format!("http://{address}/s/{token}/{mount}");
            self.routes.push(Route {
                mount,
                upstream: url.trim_end_matches('/').to_owned(),
            });
            (name.clone(), here)
        };
        servers.iter().map(one).collect()
    }

    /// The value of a variable.
    pub(super) fn url(&self, variable: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(name, _)| *name == variable);
        found.map(|(_, url)| url.as_str())
    }
}

/// `OLLAMA_HOST` may lack a scheme and a port, and may name all addresses.
fn ollama(set: &str) -> String {
    let url = if set.contains("://") {
        set.to_owned()
    } else {
        format!("http://{set}")
    };
    let url = url.replacen("//0.0.0.0", "//127.0.0.1", 1);
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port || url.starts_with("https:") {
        return url;
    }
    url.replacen(host, &format!("{host}:11434"), 1)
}

/// The route of a path below `/s/TOKEN/`, and the path after its mount.
pub(super) fn find<'a, 'p>(routes: &'a [Route], path: &'p str) -> Option<(&'a Route, &'p str)> {
    let matching = routes.iter().filter_map(|route| {
        let rest = path.strip_prefix(route.mount.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some((route, rest))
    });
    matching.max_by_key(|(route, _)| route.mount.len())
}

/// Where a request goes: some SDKs leave out the version that others have in the path.
pub(super) fn target(route: &Route, rest: &str) -> String {
    let is_bare = route.mount == "anthropic"
        && (rest == "/messages" || rest.starts_with("/messages/"))
        && !route.upstream.ends_with("/v1");
    let version = if is_bare { "/v1" } else { "" };
    format!("{}{version}{rest}", route.upstream)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(program: &str, set: &[(&str, &str)]) -> Routes {
        let address = "127.0.0.1:9".parse().expect("an address");
        Routes::new(program, (address, "T"), |name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Where a request below `/s/T/` goes.
    #[track_caller]
    fn check(set: &[(&str, &str)], path: &str, expected: Option<&str>) {
        let routes = routes("python", set);
        let found = find(&routes.routes, path).map(|(route, rest)| target(route, rest));
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn what_a_variable_pointed_to_is_where_its_path_leads() {
        let messages = "anthropic/v1/messages";
        check(&[], messages, Some("https://api.anthropic.com/v1/messages"));
        let gateway = [("ANTHROPIC_BASE_URL", "https://gate.example/a/")];
        check(
            &gateway,
            messages,
            Some("https://gate.example/a/v1/messages"),
        );
        check(
            &[],
            "anthropic/messages",
            Some("https://api.anthropic.com/v1/messages"),
        );
        check(
            &[],
            "openai/v1/responses",
            Some("https://api.openai.com/v1/responses"),
        );
        check(&[], "openai/v2/responses", None);
        check(&[], "azure/openai/deployments", None);
        check(&[], "anthropic-api-base/v1/messages", None);
        let local = [("OLLAMA_HOST", "0.0.0.0")];
        check(
            &local,
            "ollama/api/chat",
            Some("http://127.0.0.1:11434/api/chat"),
        );
        check(
            &[("OLLAMA_HOST", "box:1")],
            "ollama/api/chat",
            Some("http://box:1/api/chat"),
        );
    }

    #[test]
    fn variables_that_override_others_are_set_only_where_they_are_set() {
        let plain = routes("python", &[]);
        assert_eq!(
            plain.url("OPENAI_BASE_URL"),
            Some("http://127.0.0.1:9/s/T/openai/v1")
        );
        assert_eq!(plain.url("OPENAI_API_BASE"), None);
        assert_eq!(plain.url("NO_PROXY"), Some("127.0.0.1,localhost"));
        let set = [("OPENAI_API_BASE", "https://x/v1"), ("no_proxy", "a.b")];
        let set = routes("python", &set);
        assert_eq!(
            set.url("OPENAI_API_BASE"),
            Some("http://127.0.0.1:9/s/T/openai-api-base/v1")
        );
        assert_eq!(set.url("no_proxy"), Some("a.b,127.0.0.1,localhost"));
        assert!(routes("aider", &[]).url("OPENAI_API_BASE").is_some());
        assert!(routes("ollama", &[]).url("OLLAMA_HOST").is_none());
    }
}
