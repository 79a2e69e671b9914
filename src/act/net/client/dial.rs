//! Opens connections: checks the target, looks the name up, goes through a proxy if there is one, and speaks TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{CONNECT, Error, Rules};
use crate::act::net::body::Body;
use crate::act::net::secret::Secret;
use crate::act::net::tls;

/// The longest response of a proxy to `CONNECT`.
const PROXY_HEAD: usize = 8 * 1024;

/// A server: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    is_tls: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

impl Place {
    pub fn of(url: &Uri) -> Result<Place, Error> {
        let wrong = || Error::Url(url.host().unwrap_or_default().to_owned());
        let is_tls = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = url.authority().ok_or_else(wrong)?;
        // A name and password would be sent by some clients and not by others.
        if authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Place {
            is_tls,
            host: host.to_ascii_lowercase(),
            port: authority
                .port_u16()
                .unwrap_or(if is_tls { 443 } else { 80 }),
        })
    }

    /// `api.example.com`, with the port if it is not the usual one.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let usual = if self.is_tls { 443 } else { 80 };
        match self.port {
            port if port == usual => host,
            port => format!("{host}:{port}"),
        }
    }

    fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    fn is_local(&self) -> bool {
        self.host == "localhost" || self.literal().is_some_and(|it| it.is_loopback())
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens connections. Certificates are read when the first connection needs them.
#[derive(Debug)]
pub(super) struct Dialer {
    proxy: Option<Proxy>,
    trusted: OnceLock<Option<Arc<ClientConfig>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Proxy {
    host: String,
    port: u16,
    /// The value of `Proxy-Authorization`.
    credentials: Option<Secret>,
    /// Host and domain names that bypass the proxy.
    without: Vec<String>,
}

impl Dialer {
    pub(super) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Dialer {
        let set = |names: [&str; 2]| {
            let mut values = names.iter().filter_map(|name| variable(name));
            values.find(|value| !value.is_empty())
        };
        let without = set(["NO_PROXY", "no_proxy"]).unwrap_or_default();
        let proxy = set(["HTTPS_PROXY", "https_proxy"]);
        Dialer {
            proxy: proxy.and_then(|url| Proxy::parse(&url, &without)),
            trusted: OnceLock::new(),
        }
    }

    /// Trusts what a configuration trusts, and nothing else.
    pub(super) fn trust(mut self, config: Arc<ClientConfig>) -> Dialer {
        self.trusted = OnceLock::from(Some(config));
        self
    }

    #[cfg(test)]
    pub(super) fn trusting(config: Arc<ClientConfig>) -> Dialer {
        Dialer {
            proxy: None,
            trusted: OnceLock::from(Some(config)),
        }
    }

    pub(super) async fn connect(
        &self,
        place: &Place,
        rules: Rules,
    ) -> Result<SendRequest<Body>, Error> {
        let late = |_| {
            Err(Error::ConnectTime {
                host: place.authority(),
            })
        };
        timeout(CONNECT, self.open(place, rules))
            .await
            .unwrap_or_else(late)
    }

    async fn open(&self, place: &Place, rules: Rules) -> Result<SendRequest<Body>, Error> {
        let proxy = self.proxy.as_ref();
        let proxy = proxy.filter(|it| place.is_tls && it.is_used_for(place));
        let stream = match proxy {
            Some(proxy) => {
                if let Some(ip) = place.literal() {
                    check(place, ip, rules)?;
                }
                proxy
                    .tunnel(place)
                    .await
                    .map_err(|error| refused(place, &error))?
            }
            None => direct(place, rules).await?,
        };
        let stream: Box<dyn Stream> = if place.is_tls {
            self.encrypted(place, stream).await?
        } else {
            Box::new(stream)
        };
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| refused(place, &error))?;
        // Its errors also reach whoever waits for the answer.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn encrypted(&self, place: &Place, stream: TcpStream) -> Result<Box<dyn Stream>, Error> {
        let trusted = self.trusted.get_or_init(tls::system).clone();
        let connector = TlsConnector::from(trusted.ok_or(Error::NoCertificates)?);
        let name = ServerName::try_from(place.host.clone());
        let name = name.map_err(|_| Error::Url(place.host.clone()))?;
        let encrypted = connector.connect(name, stream).await;
        Ok(Box::new(encrypted.map_err(|error| refused(place, &error))?))
    }
}

fn refused(place: &Place, error: &dyn std::error::Error) -> Error {
    Error::Connect {
        host: place.authority(),
        error: error.to_string(),
    }
}

/// Connects to the first address that answers. Every address of a name is checked before it is used.
async fn direct(place: &Place, rules: Rules) -> Result<TcpStream, Error> {
    let found = lookup_host((place.host.as_str(), place.port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| refused(place, &error))?.collect();
    for address in &addresses {
        check(place, address.ip(), rules)?;
    }
    let stream = TcpStream::connect(addresses.as_slice()).await;
    let stream = stream.map_err(|error| refused(place, &error))?;
    // Without it, small requests wait for each other.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn check(place: &Place, ip: IpAddr, rules: Rules) -> Result<(), Error> {
    let ip = ip.to_canonical();
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    if ip.is_unspecified() || ip.is_multicast() || (is_link_local && !rules.link_local) {
        return Err(Error::Address(place.authority()));
    }
    if !place.is_tls && !rules.plain_http && !ip.is_loopback() {
        return Err(Error::PlainHttp(place.authority()));
    }
    Ok(())
}

impl Proxy {
    /// `http://name:password@host:port`. A proxy that itself speaks TLS is not supported.
    fn parse(url: &str, without: &str) -> Option<Proxy> {
        let full = if url.contains("://") {
            url.to_owned()
        } else {
            format!("http://{url}")
        };
        let rest = full.strip_prefix("http://")?;
        let (login, rest) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(login, rest)| (Some(login), rest));
        let url: Uri = format!("http://{rest}").parse().ok()?;
        let basic = |login: &str| {
            let pair = STANDARD.encode(login);
            Secret::new(format!("Basic {pair}"))
        };
        Some(Proxy {
            host: url.host()?.to_owned(),
            port: url.port_u16().unwrap_or(80),
            credentials: login.map(basic),
            without: without
                .split(',')
                .map(|name| name.trim().trim_start_matches('.').to_ascii_lowercase())
                .filter(|name| !name.is_empty())
                .collect(),
        })
    }

    fn is_used_for(&self, place: &Place) -> bool {
        let direct = |name: &String| {
            name == "*"
                || place.host == *name
                || place
                    .host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.ends_with('.'))
        };
        !place.is_local() && !self.without.iter().any(direct)
    }

    /// A connection to the server through the proxy.
    async fn tunnel(&self, place: &Place) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let target = if place.host.contains(':') {
            format!("[{}]:{}", place.host, place.port)
        } else {
            format!("{}:{}", place.host, place.port)
        };
        let login = self.credentials.as_ref().map_or_else(String::new, |it| {
            format!("Proxy-Authorization: {}\r\n", it.reveal())
        });
        let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the head belongs to the tunnel.
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() > PROXY_HEAD {
                return Err(io::Error::other("the proxy's response is too long"));
            }
            answer.push(stream.read_u8().await?);
        }
        let answer = String::from_utf8_lossy(&answer);
        let line = answer.lines().next().unwrap_or_default();
        match line.split_whitespace().nth(1) {
            Some("200") => Ok(stream),
            _ => Err(io::Error::other(format!("the proxy answered {line:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::of(&url.parse().expect("a URL")).expect("a server")
    }

    #[test]
    fn only_urls_of_servers_are_taken() {
        assert_eq!(
            place("https://API.example.com/v1").authority(),
            "api.example.com"
        );
        assert_eq!(place("http://[::1]:8080/").authority(), "[::1]:8080");
        for wrong in [
            "file:///etc/passwd",
            "/v1",
            "https://key@example.com/",
            "ftp://example.com/",
        ] {
            let parsed = wrong.parse().map_err(|_| Error::Url(String::new()));
            assert!(parsed.and_then(|url| Place::of(&url)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine_and_no_credentials_of_clouds_are_read() {
        let check =
            |url: &str, ip: &str, rules| check(&place(url), ip.parse().expect("an address"), rules);
        let strict = Rules::default();
        assert!(check("http://localhost/", "127.0.0.1", strict).is_ok());
        assert!(check("http://example.com/", "192.0.2.1", strict).is_err());
        assert!(
            check(
                "http://example.com/",
                "192.0.2.1",
                Rules {
                    plain_http: true,
                    ..strict
                }
            )
            .is_ok()
        );
        for metadata in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "0.0.0.0",
        ] {
            assert!(
                check("https://example.com/", metadata, strict).is_err(),
                "{metadata}"
            );
        }
    }

    #[test]
    fn a_proxy_is_read_from_the_environment() {
        let proxy = Proxy::parse(
            "http://me:pw@proxy.local:3128",
            "localhost, .internal.example,10.0.0.1",
        )
        .expect("a proxy");
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.local", 3128));
        assert!(!format!("{proxy:?}").contains("bWU6cHc="), "{proxy:?}");
        assert!(proxy.is_used_for(&place("https://api.example.com")));
        for direct in [
            "https://localhost:1/",
            "https://a.internal.example",
            "https://internal.example",
            "https://10.0.0.1",
        ] {
            assert!(!proxy.is_used_for(&place(direct)), "{direct}");
        }
    }
}
