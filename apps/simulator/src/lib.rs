//! An SMSC to test SMPP applications against.
//!
//! Without configuration everybody may bind, every message is delivered after a second, and
//! receipts are sent as asked for. The message centre itself is [`smsc`]: it is given the time and
//! has no sockets, so that what it does can be tested without either.
#![forbid(unsafe_code)]

mod config;
mod door;
mod smsc;
mod tell;

pub use config::{Account, Config};
pub use smppkit_net::{BadNetwork, GateLimits, Identity, Network, SessionConfig};
pub use smppkit_wire::Version;

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use smppkit_net::{Backoff, Connector, Gate, Listener, Now, TlsServer};
use smppkit_wire::Role;
use smppkit_wire::pdu::table::Outbind;
use tracing::{info, warn};

use crate::door::{Door, Shared};
use crate::smsc::Smsc;
use crate::tell::Teller;

/// A simulator that listens, and has not begun to serve.
#[derive(Debug)]
pub struct Simulator {
    config: Arc<Config>,
    listeners: Vec<(Listener, SocketAddr, bool)>,
    gate: Gate,
    smsc: Shared,
}

/// Where a simulator listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// The address, with the port that was taken.
    pub address: SocketAddr,
    /// Whether TLS is spoken there.
    pub tls: bool,
}

impl Simulator {
    /// Listens on all configured addresses.
    pub async fn bind(config: Config) -> io::Result<Self> {
        let config = Arc::new(config);
        let gate = Gate::new(config.gate.clone());
        let tls = if config.tls_listen.is_empty() { None } else { Some(tls(&config)?) };
        let mut listeners = Vec::new();
        let plain = config.listen.iter().map(|address| (*address, None));
        let encrypted = config.tls_listen.iter().map(|address| (*address, tls.clone()));
        for (address, tls) in plain.chain(encrypted) {
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
            };
            let mut listener = Listener::bind(address)
                .await
                .map_err(named)?
                .session(config.session.clone())
                .limits(config.limits.clone())
                .proxies(config.proxies.clone())
                .gate(gate.clone());
            let encrypted = tls.is_some();
            if let Some(tls) = tls {
                listener = listener.tls(tls);
            }
            let address = listener.local_addr()?;
            listeners.push((listener, address, encrypted));
        }
        // Seconds in the upper half: a restarted simulator gives other ids than before.
        let seconds = u32::try_from(Now::read().unix_ms / 1_000 % (1 << 16)).unwrap_or_default();
        let smsc = Arc::new(Mutex::new(Smsc::new(&config, (seconds << 16) | 1)));
        Ok(Self { config, listeners, gate, smsc })
    }

    /// Where it listens.
    pub fn listening(&self) -> Vec<Listening> {
        self.listeners.iter().map(|&(_, address, tls)| Listening { address, tls }).collect()
    }

    /// Serves until `stop` is done; then every session is unbound, and waited for.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { config, listeners, gate, smsc } = self;
        let teller = Arc::new(Teller::new(config.show_messages));
        let system_id: Arc<str> = config.system_id.as_str().into();
        let door = {
            let smsc = Arc::clone(&smsc);
            move || Door::new(Arc::clone(&smsc), Arc::clone(&teller), Arc::clone(&system_id))
        };
        let mut tasks = tokio::task::JoinSet::new();
        for (listener, ..) in listeners {
            let door = door.clone();
            tasks.spawn(listener.serve(move |_| door()));
        }
        for address in &config.outbind {
            let connector = Connector::new(address.clone())
                .role(Role::Mc)
                .session(config.session.clone())
                .limits(config.limits.clone())
                .gate(gate.clone());
            let (door, system_id) = (door.clone(), config.system_id.parse().unwrap_or_default());
            tasks.spawn(async move {
                let seed = Now::read().unix_ms.unsigned_abs();
                let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed);
                connector
                    .keep(backoff, || door().with_outbind(Outbind { system_id, ..Outbind::default() }))
                    .await;
            });
        }
        tasks.spawn(run_due(smsc));
        stop.await;
        info!(sessions = gate.len(), "stopping: sessions are unbound");
        if tokio::time::timeout(config.drain_timeout, gate.drain()).await.is_err() {
            warn!(sessions = gate.len(), "sessions left after the drain timeout are cut");
            gate.kick();
        }
        tasks.shutdown().await;
    }
}

/// Does what falls due, when it does.
async fn run_due(smsc: Shared) {
    loop {
        let mut timer = None;
        poll_fn(|cx| {
            let mut smsc = smsc.lock().unwrap_or_else(PoisonError::into_inner);
            let now_ms = Now::read().unix_ms;
            smsc.run_due(now_ms, cx);
            let next = smsc.next_due();
            drop(smsc);
            match next {
                None => Poll::<()>::Pending,
                Some(next) => {
                    let wait = Duration::from_millis(u64::try_from(next - now_ms).unwrap_or_default().max(1));
                    // A wall clock that is set moves what is due; it is looked at again within a minute.
                    let sleep = tokio::time::sleep(wait.min(Duration::from_secs(60)));
                    timer.insert(Box::pin(sleep)).as_mut().poll(cx)
                }
            }
        })
        .await;
    }
}

/// The certificate to show: the configured one, or one made for this run.
fn tls(config: &Config) -> io::Result<TlsServer> {
    let made;
    let identity = if let Some(identity) = &config.tls_identity {
        identity
    } else {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        made = Identity {
            certificates: key.cert.pem().into_bytes(),
            key: key.signing_key.serialize_pem().into_bytes(),
        };
        &made
    };
    TlsServer::new(identity, config.tls_client_roots.as_deref())
}
