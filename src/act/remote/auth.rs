//! How requests carry their key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::connection::{Connection, Trouble};
use crate::act::net::client::{Error, Request};
use crate::act::net::secret::Secret;

#[derive(Debug, Clone)]
pub(super) enum Auth {
    None,
    Bearer(Secret),
    Basic(String, Secret),
    /// Other headers, whose values are keys.
    Headers(Vec<(String, Secret)>),
}

impl Auth {
    /// `name=value,name=value`: the format of headers in variables of SDKs.
    pub(super) fn of_list(list: Option<&str>) -> Auth {
        let pairs = list.into_iter().flat_map(|list| list.split(','));
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        let headers: Vec<_> = pairs
            .map(|(name, value)| (name.trim().to_owned(), Secret::new(value.trim())))
            .collect();
        if headers.is_empty() {
            Auth::None
        } else {
            Auth::Headers(headers)
        }
    }

    /// Keeps the key out of every message.
    pub(super) fn hide(&self, connection: &mut Connection<'_>) {
        match self {
            Auth::None => {}
            Auth::Bearer(key) => connection.hide(key),
            Auth::Basic(name, key) => {
                let pair = STANDARD.encode(format!("{name}:{}", key.reveal()));
                connection.hide(&Secret::new(pair));
                connection.hide(key);
            }
            Auth::Headers(headers) => headers.iter().for_each(|(_, key)| connection.hide(key)),
        }
    }

    fn on(&self, request: Request) -> Result<Request, Error> {
        match self {
            Auth::None => Ok(request),
            Auth::Bearer(key) => request.bearer(key),
            Auth::Basic(name, key) => request.basic(name, key),
            Auth::Headers(headers) => {
                let mut request = request;
                for (name, key) in headers {
                    request = request.secret(name, "", key)?;
                }
                Ok(request)
            }
        }
    }
}

pub(super) fn get(url: &str, auth: &Auth) -> Result<Request, Trouble> {
    let request = Request::get(url).and_then(|request| auth.on(request));
    request.map_err(|error| Trouble::Down(error.to_string()))
}

/// A query in the body, as text.
pub(super) fn post_text(
    url: &str,
    text: impl Into<Vec<u8>>,
    auth: &Auth,
) -> Result<Request, Trouble> {
    let request = Request::post(url, text).and_then(|request| auth.on(request));
    request.map_err(|error| Trouble::Down(error.to_string()))
}

pub(super) fn post(url: &str, body: &Value, auth: &Auth) -> Result<Request, Trouble> {
    let request = Request::post_json(url, body).and_then(|request| auth.on(request));
    request.map_err(|error| Trouble::Down(error.to_string()))
}
