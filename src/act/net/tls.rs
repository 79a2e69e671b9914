//! Which certificates we trust: those of the system or those that `SSL_CERT_FILE` names, and those of a file that the
//! user names. No option skips the check.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The TLS configuration of clients that trust this system's certificates. None if it has none.
pub(super) fn system() -> Option<Arc<ClientConfig>> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    (!roots.is_empty()).then(|| trusting(roots))?
}

/// The same with the certificates of a PEM file added.
pub(super) fn with_file(path: &Path) -> Result<Arc<ClientConfig>, String> {
    let shown = path.display();
    let own = rustls_native_certs::load_certs_from_paths(Some(path), None);
    if let Some(error) = own.errors.first() {
        return Err(format!("{shown}: {error}"));
    }
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(own.certs);
    if added == 0 {
        return Err(format!("{shown}: holds no certificate (PEM)"));
    }
    let of_system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(of_system.certs);
    trusting(roots).ok_or_else(|| format!("{shown}: this build has no TLS"))
}

/// None only if our build's cryptography lacks the usual versions of TLS.
pub(super) fn trusting(roots: RootCertStore) -> Option<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().ok()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(Arc::new(config))
}
