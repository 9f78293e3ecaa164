//! The sessions that are kept at connectors, as the settings of now want them.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use smppkit_net::{Backoff, BindMode, ConnectionLimits, Connector, Gate, TlsFiles};
use tokio::task::AbortHandle;
use tracing::error;

use crate::hub::Hub;
use crate::note::Order;
use crate::plan::Upstream;
use crate::sessions::Side;
use crate::settings::{ConnectorSettings, millis};
use crate::upstream::Session;

/// All of them.
#[derive(Debug)]
pub(crate) struct Binds {
    hub: Arc<Hub>,
    gate: Gate,
    kept: Mutex<HashMap<Arc<str>, Kept>>,
}

/// Those of one connector.
#[derive(Debug)]
struct Kept {
    settings: ConnectorSettings,
    tasks: Vec<AbortHandle>,
}

impl Kept {
    fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Binds {
    pub(crate) fn new(hub: Arc<Hub>, gate: Gate) -> Self {
        Self { hub, gate, kept: Mutex::default() }
    }

    /// Begins what is new, ends what is gone, and does both for what has changed.
    pub(crate) fn follow(&self) {
        let plan = self.hub.plan.load_full();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|name, kept| {
            let is_same = |upstream: &Arc<Upstream>| {
                upstream.settings.binds_like(&kept.settings) && !upstream.feed.is_paused()
            };
            let same = plan.connectors.get(name).is_some_and(is_same);
            if !same {
                kept.stop();
                self.hub.sessions.order(Order::Unbind, |card| card.side == Side::Connector(name.clone()));
            }
            same
        });
        for (name, upstream) in &plan.connectors {
            let is_used = upstream.settings.enabled && !upstream.feed.is_paused();
            if is_used && !kept.contains_key(name) {
                let tasks = self.begin(upstream);
                kept.insert(name.clone(), Kept { settings: upstream.settings.clone(), tasks });
            }
        }
    }

    /// No connection is made again.
    pub(crate) fn stop(&self) {
        for kept in self.kept.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            kept.1.stop();
        }
    }

    fn begin(&self, upstream: &Arc<Upstream>) -> Vec<AbortHandle> {
        let settings = &upstream.settings;
        *upstream.live.trouble() = None;
        let connector = match self.connector(settings) {
            Ok(connector) => connector,
            Err(error) => {
                error!(connector = %upstream.name, %error, "this connector is not used");
                upstream.live.failed(error.to_string(), self.hub.now().unix_ms);
                return Vec::new();
            }
        };
        let modes = settings.bind_modes.iter().map(|kind| kind.mode());
        let binds = modes.flat_map(|mode| (0..settings.binds).map(move |_| mode));
        binds.map(|mode| self.keep(connector.clone(), upstream, mode)).collect()
    }

    fn keep(&self, connector: Connector, upstream: &Arc<Upstream>, mode: BindMode) -> AbortHandle {
        let (hub, upstream) = (Arc::clone(&self.hub), Arc::clone(upstream));
        let backoff = Backoff::new(Duration::from_secs(1), upstream.settings.reconnect.0, hub.dice());
        let task = tokio::spawn(async move {
            let session = || Session::new(Arc::clone(&hub), Arc::clone(&upstream), mode);
            let waits = |error: Option<&io::Error>, wait: Duration| {
                let now_ms = hub.now().unix_ms;
                if let Some(error) = error {
                    upstream.live.failed(format!("not connected: {error}"), now_ms);
                }
                if let Some(trouble) = &mut *upstream.live.trouble() {
                    trouble.next_ms = Some(now_ms.saturating_add(millis(wait)));
                }
            };
            connector.keep(backoff, session, waits).await;
        });
        task.abort_handle()
    }

    fn connector(&self, settings: &ConnectorSettings) -> io::Result<Connector> {
        let mut connector = Connector::new(settings.address.clone())
            .session(settings.session())
            .limits(ConnectionLimits::default())
            .gate(self.gate.clone());
        if let Some(tls) = &settings.tls {
            let files = TlsFiles {
                certificate: tls.certificate.as_deref(),
                key: tls.key.as_deref(),
                ca: tls.ca.as_deref(),
            };
            connector = connector.tls(files.client(tls.any_certificate)?);
        }
        Ok(connector)
    }
}
