//! TLS to others, for deliveries and the database: rustls with ring, the system's authorities and
//! the configured ones.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Certificates of the authorities to trust, each one of which rustls can read.
///
/// Errors: the key that is wrong, and how.
pub(crate) fn authorities(ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    // Systems have some certificates that rustls cannot read. One in a file that somebody chose is
    // an error.
    let mut all: Vec<_> = rustls_native_certs::load_native_certs().certs.into_iter().filter(readable).collect();
    if let Some(path) = ca_file {
        let own: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
        let own = own.map_err(|error| format!("{}: {error}; it must be a PEM file with certificates", path.display()))?;
        if own.is_empty() || !own.iter().all(readable) {
            return Err(format!("{}: must hold certificates of authorities, in PEM", path.display()));
        }
        all.extend(own);
    }
    if all.is_empty() {
        return Err("the system has no certificates of authorities; install ca-certificates, or name a file of them".to_owned());
    }
    Ok(all)
}

/// A client's side of TLS 1.2 and 1.3, for a protocol by its name in ALPN, if it has one.
pub(crate) fn client(authorities: Vec<CertificateDer<'static>>, protocol: Option<&str>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities);
    // Named and not taken from the process: whoever installs another provider there does not change
    // this one.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocol.map(|protocol| protocol.as_bytes().to_vec()).into_iter().collect();
    Ok(config)
}

fn readable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}
