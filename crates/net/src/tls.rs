//! TLS below SMPP, from the first octet: there is no STARTTLS (SMPP 5.0, 2.10). 1.2 and 1.3 only.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How a listener shows who it is, and whom it lets in.
#[derive(Debug, Clone)]
pub struct TlsServer(pub(crate) Arc<ServerConfig>);

/// How a connector checks whom it talks to, and shows who it is.
#[derive(Debug, Clone)]
pub struct TlsClient(pub(crate) Arc<ClientConfig>);

/// Whose certificates a connector believes.
#[derive(Debug, Clone)]
pub enum Roots {
    /// Those that this machine believes.
    Platform,
    /// Those in a PEM text.
    Pem(Vec<u8>),
    /// Any: the connection is encrypted, but nobody knows with whom. For test servers.
    Any,
}

/// A certificate chain and its key, as PEM texts.
#[derive(Clone)]
pub struct Identity {
    /// The chain, the own certificate first.
    pub certificates: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Identity")
    }
}

impl TlsServer {
    /// With an identity. Given `client_roots`, a client must show a certificate that they vouch for.
    pub fn new(identity: &Identity, client_roots: Option<&[u8]>) -> io::Result<Self> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let (chain, key) = identity.read()?;
        let config = match client_roots {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(pem)?), provider())
                    .build()
                    .map_err(io::Error::other)?;
                builder.with_client_cert_verifier(verifier)
            }
        }
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
        Ok(Self(Arc::new(config)))
    }
}

impl TlsClient {
    /// Believing some roots; with an identity where the server asks for one.
    pub fn new(roots_believed: Roots, identity: Option<&Identity>) -> io::Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match roots_believed {
            Roots::Platform => builder.with_platform_verifier().map_err(io::Error::other)?,
            Roots::Pem(pem) => builder.with_root_certificates(roots(&pem)?),
            Roots::Any => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider())))
            }
        };
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = identity.read()?;
                builder.with_client_auth_cert(chain, key).map_err(io::Error::other)?
            }
        };
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands on a connection to `host:port`, for octets that are no session's.
    pub async fn connect(
        &self,
        address: &str,
        stream: TcpStream,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>> {
        TlsConnector::from(Arc::clone(&self.0)).connect(server_name(address)?, stream).await
    }
}

/// Whether a certificate has a name among its alternative ones. What cannot be read has none.
pub(crate) fn bears(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let Ok(name) = ServerName::try_from(name) else { return false };
    let parsed = ParsedCertificate::try_from(certificate);
    parsed.is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
}

/// The name that a certificate has to be for.
pub(crate) fn server_name(address: &str) -> io::Result<ServerName<'static>> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    ServerName::try_from(host).map_err(io::Error::other)
}

impl Identity {
    fn read(&self) -> io::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificates)
            .collect::<Result<_, _>>()
            .map_err(io::Error::other)?;
        if chain.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in the PEM text"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(io::Error::other)?;
        Ok((chain, key))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn roots(pem: &[u8]) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    if roots.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in the PEM text"));
    }
    Ok(roots)
}

/// Believes any certificate, but still checks that the peer has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
