//! A request that is sent whole, and the whole answer.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request as HttpRequest, Uri};

use super::Error;
use crate::act::net::body::{self, Body};
use crate::act::net::secret::Secret;

const TIME: Duration = Duration::from_mins(1);
const CAP: usize = 32 << 20;

/// A request with limits: by default 60 seconds and 32 MiB of answer, both before and after it is decoded.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    pub(super) url: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
    pub(super) time: Duration,
    pub(super) cap: usize,
}

impl Request {
    pub fn get(url: &str) -> Result<Request, Error> {
        Request::new(Method::GET, url, Vec::new())
    }

    pub fn post(url: &str, body: impl Into<Vec<u8>>) -> Result<Request, Error> {
        Request::new(Method::POST, url, body.into())
    }

    /// A `POST` of JSON.
    pub fn post_json(url: &str, value: &serde_json::Value) -> Result<Request, Error> {
        let mut request = Request::post(url, value.to_string())?;
        let json = HeaderValue::from_static("application/json");
        request.headers.insert(CONTENT_TYPE, json);
        Ok(request)
    }

    fn new(method: Method, url: &str, body: Vec<u8>) -> Result<Request, Error> {
        let url = url.parse().map_err(|_| Error::Url(url.to_owned()))?;
        Ok(Request {
            method,
            url,
            headers: HeaderMap::new(),
            body,
            time: TIME,
            cap: CAP,
        })
    }

    pub fn header(mut self, name: &str, value: &str) -> Result<Request, Error> {
        self.set(name, value, false)?;
        Ok(self)
    }

    /// A header that holds a key, after words such as `Bearer `.
    pub fn secret(mut self, name: &str, before: &str, key: &Secret) -> Result<Request, Error> {
        self.set(name, &format!("{before}{}", key.reveal()), true)?;
        Ok(self)
    }

    /// `Authorization: Bearer KEY`.
    pub fn bearer(self, key: &Secret) -> Result<Request, Error> {
        self.secret(AUTHORIZATION.as_str(), "Bearer ", key)
    }

    /// `Authorization: Basic` with a name and a key.
    pub fn basic(self, name: &str, key: &Secret) -> Result<Request, Error> {
        let pair = STANDARD.encode(format!("{name}:{}", key.reveal()));
        self.secret(AUTHORIZATION.as_str(), "Basic ", &Secret::new(pair))
    }

    fn set(&mut self, name: &str, value: &str, is_secret: bool) -> Result<(), Error> {
        let wrong = || Error::Header(name.to_owned());
        let field: HeaderName = name.parse().map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(is_secret);
        self.headers.insert(field, value);
        Ok(())
    }

    /// How long everything may take, from the name lookup to the last byte.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Request {
        self.time = time;
        self
    }

    /// The longest answer, in bytes.
    #[must_use]
    pub fn at_most(mut self, cap: usize) -> Request {
        self.cap = cap;
        self
    }

    pub(super) fn built(self) -> HttpRequest<Body> {
        let mut request = HttpRequest::new(body::full(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.url;
        *request.headers_mut() = self.headers;
        request
    }
}

/// An answer that was read to its end and decoded. Redirects and errors are answers too.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Response {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
