//! Opening connections: once, or again and again.

use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use smppkit_session::{Session, SessionConfig};
use smppkit_wire::Role;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::application::Application;
use crate::backoff::Backoff;
use crate::clock::Now;
use crate::driver::Connection;
use crate::gate::Gate;
use crate::limits::ConnectionLimits;
use crate::listen::prepare;
use crate::tls::{TlsClient, server_name};

/// Where to connect to, and how.
#[derive(Debug, Clone)]
pub struct Connector {
    address: String,
    role: Role,
    session: Arc<SessionConfig>,
    limits: Arc<ConnectionLimits>,
    tls: Option<TlsClient>,
    gate: Gate,
    timeout: Duration,
}

impl Connector {
    /// To `host:port`, as an ESME.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            role: Role::Esme,
            session: Arc::default(),
            limits: Arc::default(),
            tls: None,
            gate: Gate::default(),
            timeout: Duration::from_secs(10),
        }
    }

    /// The session takes this role: an MC connects to send outbind. Default: ESME.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// The session is configured so.
    #[must_use]
    pub fn session(mut self, config: SessionConfig) -> Self {
        self.session = Arc::new(config);
        self
    }

    /// The connection is limited so.
    #[must_use]
    pub fn limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = Arc::new(limits);
        self
    }

    /// The connection speaks TLS.
    #[must_use]
    pub fn tls(mut self, tls: TlsClient) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The connection can be drained with others.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// How long connecting, with the TLS handshake, may take. Default 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects, and runs an application on the connection in a task of its own.
    pub async fn start<A: Application + Unpin>(&self, app: A) -> io::Result<tokio::task::JoinHandle<()>> {
        let started = tokio::time::timeout(self.timeout, self.connect(app)).await;
        started.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn connect<A: Application + Unpin>(&self, app: A) -> io::Result<tokio::task::JoinHandle<()>> {
        let (stream, peer, tls) = self.open().await?;
        let Some(mut entry) = self.gate.entry(peer) else {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the gate is drained"));
        };
        let limits = Arc::clone(&self.limits);
        let session = || Session::new(self.role, Arc::clone(&self.session), Now::read().mono);
        let Some((tls, name)) = tls else {
            return Ok(tokio::spawn(Connection::new(stream, session(), app, peer, limits, entry)));
        };
        let stream = tokio::select! {
            stream = TlsConnector::from(tls.0).connect(name, stream) => stream?,
            () = entry.ordered() => return Err(io::ErrorKind::ConnectionAborted.into()),
        };
        Ok(tokio::spawn(Connection::new(stream, session(), app, peer, limits, entry)))
    }

    /// Connects, runs an application, and when that connection has ended begins anew, for ever.
    /// Between failures it waits longer and longer; `waits` hears for how long, and why there was no
    /// connection, if that was so. Drop the future to stop: a connection that is
    /// there stays until it ends by itself or its [`Gate`] is drained.
    pub async fn keep<A: Application + Unpin>(
        &self,
        mut backoff: Backoff,
        mut application: impl FnMut() -> A,
        mut waits: impl FnMut(Option<&io::Error>, Duration),
    ) {
        loop {
            let began = Now::read().mono;
            let failed = match self.start(application()).await {
                Ok(connection) => {
                    // A task that panicked has ended its connection, too.
                    let _ = connection.await;
                    None
                }
                Err(error) => {
                    tracing::warn!(address = %self.address, %error, "not connected");
                    Some(error)
                }
            };
            // A connection that held for a while is no failure to be waited out.
            if Now::read().mono.duration_since(began) > Duration::from_secs(60) {
                backoff.reset();
            }
            let wait = backoff.wait();
            waits(failed.as_ref(), wait);
            tokio::time::sleep(wait).await;
        }
    }

    pub(crate) fn session_config(&self) -> &SessionConfig {
        &self.session
    }

    async fn open(&self) -> io::Result<(TcpStream, SocketAddr, Option<(TlsClient, ServerName<'static>)>)> {
        let stream = TcpStream::connect(&self.address).await?;
        prepare(&stream);
        let peer = stream.peer_addr()?;
        let tls = match &self.tls {
            None => None,
            Some(tls) => Some((tls.clone(), server_name(&self.address)?)),
        };
        Ok((stream, peer, tls))
    }
}
