//! Which requests are refused before a handler sees them.

use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue, ORIGIN, UPGRADE};
use hyper::http::uri::Authority;
use hyper::{Method, Request, StatusCode, Version};

use super::{Answer, is_local_name, plain};

/// The refusal of a request, if it is refused.
pub(super) fn refusal(
    request: &Request<Incoming>,
    port: u16,
    is_ambiguous: bool,
) -> Option<Answer> {
    if is_ambiguous {
        return Some(plain(
            StatusCode::BAD_REQUEST,
            "both Content-Length and Transfer-Encoding\n",
        ));
    }
    if !is_for_us(request, port) {
        return Some(plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this Host is not served here\n",
        ));
    }
    if request.headers().contains_key(ORIGIN) {
        return Some(plain(
            StatusCode::FORBIDDEN,
            "requests from web pages are not accepted\n",
        ));
    }
    if matches!(
        *request.method(),
        Method::OPTIONS | Method::CONNECT | Method::TRACE
    ) {
        return Some(plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "method not allowed\n",
        ));
    }
    wants_websocket(request).then(|| {
        let mut answer = plain(
            StatusCode::UPGRADE_REQUIRED,
            "only HTTP/1.1 is supported here\n",
        );
        answer
            .headers_mut()
            .insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
        answer
    })
}

/// Whether every server name in a request is ours: exactly one `Host`, and the name in an absolute target.
fn is_for_us(request: &Request<Incoming>, port: u16) -> bool {
    let ours = |authority: &Authority| {
        is_local_name(authority.host())
            && authority.port_u16().unwrap_or(80) == port
            && !authority.as_str().contains('@')
    };
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts
        .next()
        .map(|it| it.to_str().unwrap_or_default().parse());
    let target = request.uri().authority();
    let is_named = match host {
        Some(Ok(host)) => ours(&host),
        Some(Err(_)) => false,
        // HTTP/2 has it in the target.
        None => request.version() == Version::HTTP_2 && target.is_some(),
    };
    is_named && hosts.next().is_none() && target.is_none_or(ours)
}

fn wants_websocket(request: &Request<Incoming>) -> bool {
    let mut upgrades = request.headers().get_all(UPGRADE).iter();
    upgrades.any(|it| {
        let words = String::from_utf8_lossy(it.as_bytes()).to_ascii_lowercase();
        words.contains("websocket")
    })
}
