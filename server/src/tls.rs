//! TLS for clients: deliveries and the database. It is rustls with ring, and trusts the authorities
//! of the system and the configured ones.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// The certificates of the authorities to trust. rustls can read each of them.
///
/// Errors: what is wrong with the file, and what to do.
pub(crate) fn authorities(ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    // Systems have some certificates that rustls cannot read. In the configured file such a
    // certificate is an error.
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

/// The configuration of a client for TLS 1.2 and 1.3, with the ALPN name of its protocol, if it has
/// one.
pub(crate) fn client(authorities: Vec<CertificateDer<'static>>, protocol: Option<&str>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities);
    // Named explicitly: another provider installed for the process must not change this one.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocol.map(|protocol| protocol.as_bytes().to_vec()).into_iter().collect();
    Ok(config)
}

fn readable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}
