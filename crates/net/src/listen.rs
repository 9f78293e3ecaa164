//! Taking connections: each runs an application in a task of its own.

use core::time::Duration;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use smppkit_session::{Session, SessionConfig};
use smppkit_wire::Role;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use crate::application::Application;
use crate::clock::Now;
use crate::driver::Connection;
use crate::gate::{Entry, Gate};
use crate::limits::ConnectionLimits;
use crate::proxy::{self, Network};
use crate::stream::Stream;
use crate::tls::TlsServer;

/// A socket that peers connect to, mostly ESMEs to an MC; an ESME that takes outbinds has one, too.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    settings: Arc<Settings>,
    gate: Gate,
}

#[derive(Debug, Clone)]
struct Settings {
    role: Role,
    session: Arc<SessionConfig>,
    limits: Arc<ConnectionLimits>,
    tls: Option<TlsServer>,
    proxies: Vec<Network>,
}

impl Listener {
    /// Listens on an address, as an MC. Port 0 takes a free one: see [`local_addr`](Self::local_addr).
    pub async fn bind(address: impl tokio::net::ToSocketAddrs) -> io::Result<Self> {
        let settings = Settings {
            role: Role::Mc,
            session: Arc::default(),
            limits: Arc::default(),
            tls: None,
            proxies: Vec::new(),
        };
        Ok(Self {
            tcp: TcpListener::bind(address).await?,
            settings: Arc::new(settings),
            gate: Gate::default(),
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Sessions take this role. Default: MC.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        Arc::make_mut(&mut self.settings).role = role;
        self
    }

    /// Sessions are configured so.
    #[must_use]
    pub fn session(mut self, config: SessionConfig) -> Self {
        Arc::make_mut(&mut self.settings).session = Arc::new(config);
        self
    }

    /// Connections are limited so.
    #[must_use]
    pub fn limits(mut self, limits: ConnectionLimits) -> Self {
        Arc::make_mut(&mut self.settings).limits = Arc::new(limits);
        self
    }

    /// Connections speak TLS.
    #[must_use]
    pub fn tls(mut self, tls: TlsServer) -> Self {
        Arc::make_mut(&mut self.settings).tls = Some(tls);
        self
    }

    /// Connections from these networks must begin with a PROXY header; from others it is not read.
    #[must_use]
    pub fn proxies(mut self, networks: Vec<Network>) -> Self {
        Arc::make_mut(&mut self.settings).proxies = networks;
        self
    }

    /// Connections are counted, and drained, together with those of other listeners.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Takes connections for ever; drop the future to stop. `application` makes one for each.
    pub async fn serve<A: Application + Unpin>(self, mut application: impl FnMut(SocketAddr) -> A) {
        loop {
            let (stream, peer) = match self.tcp.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, mostly: others are closed meanwhile.
                    warn!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            // A refusal is a close: there is no SMPP before a bind to say more.
            let Some(entry) = self.gate.enter(peer) else {
                debug!(%peer, "connection refused: the limit of connections is reached");
                continue;
            };
            prepare(&stream);
            let accepted = Now::read().mono;
            let settings = Arc::clone(&self.settings);
            let app = application(peer);
            let from_proxy = settings.proxies.iter().any(|network| network.contains(peer.ip()));
            if settings.tls.is_none() && !from_proxy {
                tokio::spawn(connection(stream, app, peer, &settings, entry, accepted));
            } else {
                let before = Before { settings, from_proxy, accepted };
                tokio::spawn(Box::pin(prelude(stream, app, peer, entry, before)));
            }
        }
    }

    /// Its gate: to count, drain and cut connections.
    pub fn gate_handle(&self) -> Gate {
        self.gate.clone()
    }
}

/// What a connection that does not begin with SMPP is let in with.
struct Before {
    settings: Arc<Settings>,
    from_proxy: bool,
    accepted: Instant,
}

/// What comes before SMPP: a PROXY header, a TLS handshake. They and the bind share one session_init,
/// or a peer could hold a connection for three.
async fn prelude<A: Application + Unpin>(
    stream: TcpStream,
    app: A,
    peer: SocketAddr,
    mut entry: Entry,
    before: Before,
) {
    let Before { settings, from_proxy, accepted } = before;
    let limit = settings.session.session_init.unwrap_or(Duration::MAX);
    let opened = tokio::select! {
        opened = tokio::time::timeout(limit, open(stream, peer, &settings, from_proxy)) => opened,
        () = entry.ordered() => return debug!(%peer, "connection closed before it spoke SMPP"),
    };
    match opened {
        Ok(Ok((Opened::Plain(stream), peer))) => {
            connection(stream, app, peer, &settings, entry, accepted).await;
        }
        Ok(Ok((Opened::Tls(stream), peer))) => {
            Box::pin(connection(*stream, app, peer, &settings, entry, accepted)).await;
        }
        Ok(Err(error)) => debug!(%peer, %error, "connection refused"),
        Err(_) => debug!(%peer, "connection refused: no PROXY header or TLS handshake in time"),
    }
}

/// A stream that SMPP can begin on.
enum Opened {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

async fn open(
    mut stream: TcpStream,
    mut peer: SocketAddr,
    settings: &Settings,
    from_proxy: bool,
) -> io::Result<(Opened, SocketAddr)> {
    // A balancer that forwards TLS sends its header in clear before it.
    if from_proxy && let Some(named) = proxy::read_header(&mut stream).await? {
        peer = named;
    }
    let opened = match &settings.tls {
        None => Opened::Plain(stream),
        Some(tls) => Opened::Tls(Box::new(TlsAcceptor::from(Arc::clone(&tls.0)).accept(stream).await?)),
    };
    Ok((opened, peer))
}

fn connection<S: Stream, A: Application + Unpin>(
    stream: S,
    app: A,
    peer: SocketAddr,
    settings: &Settings,
    entry: Entry,
    accepted: Instant,
) -> Connection<S, A> {
    let session = Session::new(settings.role, Arc::clone(&settings.session), accepted);
    Connection::new(stream, session, app, peer, Arc::clone(&settings.limits), entry)
}

/// Small messages go out at once; a peer that vanished without a word is noticed by the kernel, too.
pub(crate) fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60));
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// Whether an address is this machine itself: plain SMPP beyond it must be asked for.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
