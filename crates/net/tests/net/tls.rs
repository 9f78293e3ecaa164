//! TLS below SMPP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use smppkit_net::{
    Bind, BindError, BindMode, Connector, Gate, GateLimits, Identity, Roots, SessionConfig, TlsClient,
    TlsServer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::peer::{Peer, message, never, soon, submit, until};
use crate::script::{SUBMIT_SM_RESP, Script, Server};

/// Somebody who signs certificates.
struct Authority {
    pem: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem().into_bytes();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificates: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }

    fn trusted(&self) -> Roots {
        Roots::Pem(self.pem.clone())
    }
}

async fn serving(tls: TlsServer) -> Server {
    Server::start(|listener| listener.tls(tls), |seen, _| Script::polite(seen)).await
}

/// Binds over TLS, and sends a message.
async fn speak(server: &Server, roots: Roots, identity: Option<&Identity>) -> Result<(), BindError> {
    let tls = TlsClient::new(roots, identity).unwrap();
    let connector = Connector::new(server.url()).tls(tls);
    let (esme, _inbox) = soon(connector.bind(BindMode::Transceiver, Bind::new("esme", "").unwrap())).await?;
    soon(esme.send(message())).await.unwrap();
    soon(esme.unbind()).await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_a_believed_root_vouches_for_is_spoken_to() {
    let authority = Authority::new();
    let server = serving(TlsServer::new(&authority.identity("127.0.0.1"), None).unwrap()).await;
    speak(&server, authority.trusted(), None).await.unwrap();
    assert_eq!(server.seen.end().await, "unbound");
    until(|| server.gate.is_empty()).await;
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused_unless_any_will_do() {
    let server = serving(TlsServer::new(&Authority::new().identity("127.0.0.1"), None).unwrap()).await;
    for roots in [Authority::new().trusted(), Roots::Platform] {
        let error = speak(&server, roots, None).await.unwrap_err();
        assert!(matches!(error, BindError::Connect(_)), "{error}");
    }
    speak(&server, Roots::Any, None).await.unwrap();
    assert_eq!(server.seen.requests(), 1);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    let server = serving(TlsServer::new(&authority.identity("mc.example"), None).unwrap()).await;
    let error = speak(&server, authority.trusted(), None).await.unwrap_err();
    assert!(matches!(error, BindError::Connect(_)), "{error}");
}

#[tokio::test]
async fn where_clients_must_show_a_certificate_only_those_that_are_vouched_for_get_in() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let identity = authority.identity("127.0.0.1");
    let server = serving(TlsServer::new(&identity, Some(&clients.pem)).unwrap()).await;
    speak(&server, authority.trusted(), Some(&clients.identity("esme"))).await.unwrap();
    // With 1.3 the client may only notice when it reads: that is no session, whichever error it is.
    assert!(speak(&server, authority.trusted(), None).await.is_err());
    assert!(speak(&server, authority.trusted(), Some(&authority.identity("esme"))).await.is_err());
    assert_eq!(server.seen.requests(), 1);
    until(|| server.gate.is_empty()).await;
}

/// A TLS connection of our own, so that its version and its pace can be chosen.
async fn handshake(
    tcp: TcpStream,
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&authority.pem).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    soon(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await.unwrap()
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    let authority = Authority::new();
    let server = serving(TlsServer::new(&authority.identity("127.0.0.1"), None).unwrap()).await;
    for version in [&TLS12, &TLS13] {
        let stream = handshake(Peer::connect(server.address).await.stream, &authority, version).await;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        let mut peer = Peer::on(stream);
        peer.bind().await;
        // Longer than a record, and than what a TLS session buffers.
        peer.send(&(2..2002).flat_map(submit).collect::<Vec<_>>()).await;
        for number in 2..2002 {
            peer.expect(SUBMIT_SM_RESP, number).await;
        }
    }
}

/// A client_hello of TLS 1.0 or 1.1.
fn old_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    // No session, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, no compression.
    hello.extend([0, 0, 2, 0xC0, 0x09, 1, 0]);
    let length = hello.len() as u8;
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length], &hello[..]].concat()
}

#[tokio::test]
async fn older_versions_and_plain_smpp_get_an_alert_at_most() {
    let server = serving(TlsServer::new(&Authority::new().identity("127.0.0.1"), None).unwrap()).await;
    for octets in [old_hello(1), old_hello(2), crate::peer::bind()] {
        let mut peer = Peer::connect(server.address).await;
        peer.send(&octets).await;
        let mut answer = Vec::new();
        let _ = soon(peer.stream.read_to_end(&mut answer)).await;
        assert!(answer.is_empty() || (answer[0] == 0x15 && answer.len() == 7), "{answer:?}");
        until(|| server.gate.is_empty()).await;
    }
}

#[tokio::test]
async fn handshake_and_bind_share_the_time_to_bind() {
    let authority = Authority::new();
    let tls = TlsServer::new(&authority.identity("127.0.0.1"), None).unwrap();
    let config = SessionConfig { session_init: Some(Duration::from_secs(2)), ..SessionConfig::default() };
    let server =
        Server::start(|listener| listener.tls(tls).session(config), |seen, _| Script::polite(seen)).await;
    let began = Instant::now();
    let mut silent = Peer::connect(server.address).await;
    // Most of the time goes by before the first octet.
    let tcp = Peer::connect(server.address).await.stream;
    let _ = tokio::time::timeout(Duration::from_millis(1500), silent.read()).await;
    let mut stream = handshake(tcp, &authority, &TLS13).await;
    let _ = soon(stream.read(&mut [0])).await;
    assert!(began.elapsed() < Duration::from_millis(3300), "{:?}", began.elapsed());
    silent.is_closed().await;
    drop(stream);
    until(|| server.gate.is_empty()).await;
}

/// While a handshake is not done there is no session to hear orders, but they are heeded.
#[tokio::test]
async fn handshakes_that_never_end_are_drained_kicked_and_cut_as_unbound() {
    let identity = Authority::new().identity("127.0.0.1");
    let tls = TlsServer::new(&identity, None).unwrap();
    let gate = Gate::new(GateLimits { unbound_per_address: 1, ..GateLimits::default() });
    let config = SessionConfig { session_init: None, ..SessionConfig::default() };
    let server = Server::start(
        |listener| listener.tls(tls).gate(gate).session(config),
        |seen, _| Script::polite(seen),
    )
    .await;
    let mut first = Peer::connect(server.address).await;
    until(|| server.gate.len() == 1).await;
    let mut second = Peer::connect(server.address).await;
    first.is_closed().await;
    never(second.read()).await;
    server.gate.kick();
    second.is_closed().await;
    let mut third = Peer::connect(server.address).await;
    until(|| server.gate.len() == 1).await;
    soon(server.gate.drain()).await;
    third.is_closed().await;
}

/// A balancer that forwards TLS: its header, and the client's first octets behind it at once.
#[tokio::test]
async fn a_proxy_header_comes_before_tls_even_in_one_segment() {
    let authority = Authority::new();
    let tls = TlsServer::new(&authority.identity("127.0.0.1"), None).unwrap();
    let networks = vec!["127.0.0.1".parse().unwrap()];
    let server =
        Server::start(|listener| listener.tls(tls).proxies(networks), |seen, _| Script::polite(seen)).await;
    // The balancer: puts its header before the first octets of whoever comes.
    let balancer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (front, back) = (balancer.local_addr().unwrap(), server.address);
    let forward = tokio::spawn(async move {
        let (mut client, _) = balancer.accept().await.unwrap();
        let mut first = vec![0; 16 * 1024];
        let read = client.read(&mut first).await.unwrap();
        let mut mc = TcpStream::connect(back).await.unwrap();
        let header = &b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 2775\r\n"[..];
        mc.write_all(&[header, &first[..read]].concat()).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut mc).await;
    });
    let connector = Connector::new(front.to_string()).tls(TlsClient::new(authority.trusted(), None).unwrap());
    let bind = Bind::new("esme", "").unwrap();
    let (esme, _inbox) = soon(connector.bind(BindMode::Transceiver, bind)).await.unwrap();
    soon(esme.send(message())).await.unwrap();
    soon(esme.unbind()).await;
    soon(forward).await.unwrap();
    assert_eq!(*server.seen.peers.lock().unwrap(), ["192.0.2.1:4000".parse().unwrap()]);
}

/// The time to connect covers the handshake.
#[tokio::test]
async fn a_server_that_never_shakes_hands_is_given_up() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connector = Connector::new(mute.local_addr().unwrap().to_string())
        .tls(TlsClient::new(Roots::Any, None).unwrap())
        .timeout(Duration::from_millis(100));
    let error =
        soon(connector.bind(BindMode::Transceiver, Bind::new("esme", "").unwrap())).await.unwrap_err();
    assert!(matches!(&error, BindError::Connect(error) if error.kind() == std::io::ErrorKind::TimedOut));
}

#[test]
fn pem_texts_without_a_certificate_or_a_key_are_refused() {
    let identity = Authority::new().identity("127.0.0.1");
    let no_key = Identity { key: Vec::new(), ..identity.clone() };
    let no_chain = Identity { certificates: b"nothing".to_vec(), ..identity.clone() };
    assert!(TlsServer::new(&no_key, None).is_err() && TlsServer::new(&no_chain, None).is_err());
    assert!(TlsServer::new(&identity, Some(b"nothing")).is_err());
    assert!(TlsClient::new(Roots::Pem(Vec::new()), None).is_err());
    assert_eq!(format!("{identity:?}"), "Identity", "no key in a log");
}
