//! The certificate by which a server knows this client.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

/// Shows this certificate, followed by those of its authorities, to servers that ask for one.
///
/// Errors: the parameter of the URL that is wrong, and how.
pub(super) fn show(config: &mut ClientConfig, certificate: &Path, key: &Path) -> Result<(), String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| format!("sslcert: {}: {error}; it must be a PEM file", certificate.display()))?;
    check_private(key)?;
    let wrong = |error: &dyn std::fmt::Display| {
        format!("sslkey: {}: {error}; it must be a private key in PEM, without a passphrase", key.display())
    };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(&error))?;
    if chain.is_empty() {
        return Err(format!("sslcert: {}: must hold a certificate, in PEM", certificate.display()));
    }
    let identity = CertifiedKey::from_der(chain, private, config.crypto_provider())
        .map_err(|error| format!("sslcert and sslkey: {error}: the key must be that of the first certificate"))?;
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
    Ok(())
}

/// Refuses a key that other users can read. As in libpq, a group may read a file that root owns.
#[cfg(unix)]
fn check_private(key: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(key).map_err(|error| format!("sslkey: {}: {error}", key.display()))?;
    let others = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & others != 0 {
        return Err(format!("sslkey: {}: others have access to it; run chmod 600 on it", key.display()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), String> {
    Ok(())
}
