//! `keyfob health`: asks a running service whether it is alive, as the health check of a container
//! does, which has no other program.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::configuration::configured;
use crate::cli::args::HealthArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::Tls;

/// The longest time of the whole exchange. The service itself waits 5 seconds for its store.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest response that is read.
const MAX_RESPONSE_BYTES: u64 = 16 * 1024;

pub(crate) fn run(args: &HealthArgs) -> Result<ExitCode> {
    let config = configured(&args.config)?;
    if config.listen.port() == 0 {
        return Err(
            "listen: port 0 is a free port, which only the service knows; name its port with --set listen=ADDRESS:PORT".into()
        );
    }
    let address = from_here(config.listen);
    let path = if args.ready { "/ready" } else { "/health" };
    let tls = config.tls.as_ref().map(client).transpose()?;
    let response = match ask(tls, address, path) {
        Ok(response) => response,
        Err(error) => {
            note(&format!("{address}: {error}"));
            return Ok(ExitCode::from(1));
        }
    };
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    if head.starts_with("HTTP/1.1 200 ") {
        output::line(body.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    note(&format!("{address}{path}: {}: {}", head.lines().next().unwrap_or_default(), body.trim_end()));
    Ok(ExitCode::from(1))
}

/// The address of a service on this machine: one that listens on all addresses is on loopback too.
fn from_here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The response, or what is wrong. The process ends afterwards, so a thread may be left behind.
fn ask(tls: Option<ClientConfig>, address: SocketAddr, path: &'static str) -> std::result::Result<String, String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(connect(tls, address, path)));
    let response = receiver.recv_timeout(TIMEOUT).map_err(|_| format!("does not answer within {} seconds", TIMEOUT.as_secs()))?;
    response.map_err(|error| format!("{error}; is the service started, with this configuration?"))
}

fn connect(tls: Option<ClientConfig>, address: SocketAddr, path: &str) -> io::Result<String> {
    let stream = TcpStream::connect(address)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let Some(tls) = tls else { return exchange(stream, &request) };
    let name = ServerName::IpAddress(address.ip().into());
    let client = ClientConnection::new(Arc::new(tls), name).map_err(io::Error::other)?;
    exchange(StreamOwned::new(client, stream), &request)
}

fn exchange(mut stream: impl Read + Write, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut response = Vec::new();
    stream.take(MAX_RESPONSE_BYTES).read_to_end(&mut response)?;
    String::from_utf8(response).map_err(io::Error::other)
}

/// A client that takes the first certificate of the file, whatever names it has.
fn client(tls: &Tls) -> Result<ClientConfig> {
    let path = tls.certificate_file.display();
    let own = CertificateDer::pem_file_iter(&tls.certificate_file)
        .map_err(|error| format!("{path}: {error}"))?
        .next()
        .ok_or_else(|| format!("{path}: has no certificate"))?
        .map_err(|error| format!("{path}: {error}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Own { certificate: own, provider: Arc::clone(&provider) });
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Takes one certificate and no other. The handshake still proves that the server has its key.
#[derive(Debug)]
struct Own {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Own {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if *certificate == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustls::pki_types::PrivateKeyDer;
    use rustls::server::ResolvesServerCert;
    use rustls::sign::CertifiedKey;
    use rustls::{ServerConfig, ServerConnection};

    use super::*;

    /// A server that shows a certificate with a key that may be another's.
    #[derive(Debug)]
    struct Shown(Arc<CertifiedKey>);

    impl ResolvesServerCert for Shown {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }

    #[test]
    fn server_with_the_certificate_and_without_its_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let make = || rcgen::generate_simple_self_signed(["otp.example.com".to_owned()]).unwrap();
        let (own, other) = (make(), make());
        let tls = Tls { certificate_file: folder.path().join("own.pem"), key_file: folder.path().join("own.key") };
        std::fs::write(&tls.certificate_file, own.cert.pem()).unwrap();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            for (key, is_own) in [(&own.signing_key, true), (&other.signing_key, false)] {
                let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
                let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
                let shown = Shown(Arc::new(CertifiedKey::new(vec![own.cert.der().clone()], key)));
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
                let config = Arc::new(builder.with_no_client_auth().with_cert_resolver(Arc::new(shown)));
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap();
                let server = thread::spawn(move || {
                    let (stream, _) = listener.accept().unwrap();
                    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                    let _ = stream.read(&mut [0; 1024]);
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nalive\n");
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                });
                let response = ask(Some(client(&tls).unwrap()), address, "/health");
                server.join().unwrap();
                assert_eq!(response.is_ok(), is_own, "{version:?}: {response:?}");
            }
        }
    }
}
