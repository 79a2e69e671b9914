//! Connections kept for the next request to the same server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::client::conn::http1::SendRequest;

use super::dial::Place;
use crate::act::net::body::Body;

/// How many idle connections to one server are kept.
const KEPT: usize = 8;

type IdleConnections = HashMap<Place, Vec<SendRequest<Body>>>;

#[derive(Debug, Clone, Default)]
pub(super) struct Pool(Arc<Mutex<IdleConnections>>);

impl Pool {
    /// An open connection whose last answer was read to its end.
    pub(super) fn take(&self, place: &Place) -> Option<SendRequest<Body>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = kept.get_mut(place)?;
        connections.retain(|it| !it.is_closed());
        let ready = connections.iter().position(SendRequest::is_ready)?;
        Some(connections.swap_remove(ready))
    }

    /// Keeps a connection whose answer may still be arriving.
    pub(super) fn keep(&self, place: Place, connection: SendRequest<Body>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = kept.entry(place).or_default();
        connections.retain(|it| !it.is_closed());
        if connections.len() < KEPT {
            connections.push(connection);
        }
    }
}
