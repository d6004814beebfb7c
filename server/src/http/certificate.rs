//! The certificate of the server with its key.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;
use crate::file::{self, Wiped};

/// The longest file.
const MAX_FILE_BYTES: usize = 256 * 1024;

/// A certificate chain and its key, as connections use them. Equal to one that was read from the
/// same bytes.
#[derive(Clone)]
pub(crate) struct Certificate {
    acceptor: TlsAcceptor,
    digest: [u8; 32],
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Certificate {
    /// Reads both files, and blocks meanwhile.
    ///
    /// Errors: a sentence for the operator, with the path.
    pub(crate) fn read(tls: &Tls) -> Result<Self, String> {
        let (certificate, key) = (&tls.certificate_file, &tls.key_file);
        let texts = [read(certificate)?, read(key)?];
        let [chain, key_text] = &texts;
        let digest = Sha256::new().chain_update(Sha256::digest(chain)).chain_update(Sha256::digest(key_text)).finalize().into();

        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|source| describe(certificate, &source))?;
        if chain.is_empty() {
            return Err(describe(
                certificate,
                &"has no certificate; it must be a PEM file with the chain, the server's own certificate first",
            ));
        }
        let key_der = PrivateKeyDer::from_pem_slice(key_text).map_err(|source| describe(key, &source))?;
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let config = builder.with_no_client_auth().with_single_cert(chain, key_der);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                describe(certificate, &format!("its first certificate does not fit the key in {}", key.display()))
            }
            source => describe(certificate, &source),
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), digest })
    }

    /// An acceptor of TLS connections with this certificate.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

fn read(path: &Path) -> Result<Wiped, String> {
    let text = file::open_regular(path)
        .and_then(|mut file| file::read(&mut file, MAX_FILE_BYTES))
        .map_err(|source| describe(path, &source))?;
    if text.len() > MAX_FILE_BYTES {
        return Err(describe(path, &format!("is longer than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}

fn describe(path: &Path, source: &dyn std::fmt::Display) -> String {
    format!("{}: {source}", path.display())
}
