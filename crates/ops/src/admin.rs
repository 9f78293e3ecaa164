//! The HTTP listener for those who run the server.

use core::pin::pin;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::access::{Token, is_loopback};
use crate::duration::{Size, Span};
use crate::guard::guarded;
use crate::problem::Problem;

/// Where administrators connect, and what they may ask for at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Default: `127.0.0.1:0`, a free port on loopback. Another address than loopback needs a token.
    pub listen: SocketAddr,
    /// What every request must carry as `Authorization: Bearer`, but the probes. Default: none.
    pub token: Option<Token>,
    /// Connections at a time; further ones get 503. Default: 256, of which each may be a browser's
    /// event stream.
    pub connections: usize,
    /// The longest body of a request; a longer one gets 413. Default: 1 MiB.
    pub body_limit: Size,
    /// How long a handler may take to begin its answer; then it gets 503. Default: 30 s.
    pub request_timeout: Span,
    /// How long a peer may take to send the head of a request, from the connect or from the previous
    /// request on; then the connection is cut. Default: 10 s.
    pub header_timeout: Span,
}

/// A listener, bound.
#[derive(Debug)]
pub struct Admin {
    tcp: TcpListener,
    config: AdminConfig,
}

impl AdminConfig {
    /// Whether it is safe to listen: [`Admin::bind`] refuses what this refuses.
    pub fn check(&self) -> Result<(), String> {
        if self.token.is_none() && !is_loopback(self.listen.ip()) {
            return Err(format!(
                "admin listener {} is not on loopback and has no token: set one, or listen on 127.0.0.1",
                self.listen
            ));
        }
        Ok(())
    }
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: None,
            connections: 256,
            body_limit: Size::mib(1),
            request_timeout: Span::secs(30),
            header_timeout: Span::secs(10),
        }
    }
}

impl Admin {
    /// Listens; not where anyone could connect and nothing is asked of them.
    pub async fn bind(config: AdminConfig) -> io::Result<Self> {
        config.check().map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
        let tcp = TcpListener::bind(config.listen).await.map_err(|error| {
            io::Error::new(error.kind(), format!("admin listener {}: {error}", config.listen))
        })?;
        let listen = tcp.local_addr()?;
        Ok(Self { tcp, config: AdminConfig { listen, ..config } })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.config.listen
    }

    /// Serves the router, [`guarded`], until told to stop. Then it takes no more connections, lets
    /// requests finish for up to two seconds, and cuts what is left.
    ///
    /// An endless answer such as an event stream should end by itself on the same occasion.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()>) {
        let Self { tcp, config } = self;
        let service = TowerToHyperService::new(guarded(router, &config));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout.0)
            .max_buf_size(HEAD_LIMIT_OCTETS);
        let places = Arc::new(Semaphore::new(config.connections.min(Semaphore::MAX_PERMITS)));
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        let (stopping, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                Some(_) = tasks.join_next() => continue,
                accepted = tcp.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, mostly: others are closed meanwhile.
                    warn!(%error, "admin connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                tasks.spawn(connection(http.clone(), stream, service.clone(), stopped.clone(), place));
            } else if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
                debug!("admin connection refused: the limit of connections is reached");
                tasks.spawn(refuse(stream, place));
            }
        }
        drop(tcp);
        stopping.send_replace(true);
        let all_gone = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all_gone).await.is_err() {
            debug!(connections = tasks.len(), "admin connections cut");
            tasks.shutdown().await;
        }
    }
}

/// One connection: its requests one after the other, the last when told to stop.
async fn connection(
    http: http1::Builder,
    stream: TcpStream,
    service: TowerToHyperService<Router>,
    mut stopped: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let stop = async { drop(stopped.wait_for(|stopped| *stopped).await) };
    let served = tokio::select! {
        served = &mut serving => served,
        () = stop => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        debug!(%error, "admin connection ended");
    }
}

/// Says that there is no place. What the peer sends is read, or the answer would be lost to the reset
/// that unread octets cause, but not for long.
async fn refuse(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the limit of connections is reached");
    let body = problem.to_json();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\nretry-after: 1\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n",
        body.len(),
    );
    let say = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        stream.shutdown().await?;
        let mut left = (&mut stream).take(HEAD_LIMIT_OCTETS as u64);
        tokio::io::copy(&mut left, &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), say).await;
}

/// The longest head of a request. Browsers send about 1 KiB, with cookies up to 8 KiB.
const HEAD_LIMIT_OCTETS: usize = 64 * 1024;

/// Connections that are being told that there is no place; further ones are closed without a word.
const REFUSALS: usize = 64;

/// How long requests may take to finish once the listener stops.
const DRAIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
