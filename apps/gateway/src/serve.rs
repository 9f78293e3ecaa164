//! Opening the store, listening, binding upstream, serving, stopping.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use smppkit_admin::Watched;
use smppkit_net::{ConnectionLimits, Gate, GateLimits, Listener, Now, TlsFiles, TlsServer};
use smppkit_ops::config::ConfigError;
use smppkit_ops::{Admin, Health, Pages, Ready, Watch};
use smppkit_store::{MessageIds, NodeId, Sqlite, Store as _, StoreError, Timestamp, Writer};
use tracing::{info, warn};

use crate::access::{KeyFileError, ServerKey};
use crate::admin::{Operated, keep_pulse};
use crate::binds::Binds;
use crate::entities::{Acting, Entities};
use crate::front::Front;
use crate::hub::Hub;
use crate::note::Order;
use crate::sessions::Side;
use crate::settings::Settings;

/// A gateway that has its store and listens, and has not begun to serve.
#[derive(Debug)]
pub struct Gateway {
    hub: Arc<Hub>,
    writer: Writer,
    listeners: Vec<(Listener, Listening)>,
    fronts: Gate,
    admin: Option<Admin>,
    /// The store's file.
    file: PathBuf,
    entities: Arc<Entities>,
    config: Option<(PathBuf, Watch)>,
}

/// Where a gateway listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The address, with the port that was taken.
    pub address: SocketAddr,
    /// Whether TLS is spoken there.
    pub tls: bool,
}

/// Why a gateway does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A setting cannot be.
    Settings(String),
    /// A file cannot be read.
    File(String),
    /// The server's key.
    Key(KeyFileError),
    /// The store.
    Store(StoreError),
    /// An address cannot be listened on.
    Listen(io::Error),
}

/// Settings out of a file, with what the environment says on top, looked at as far as the file goes. Make the [`Watch`] of the file before.
pub fn load(path: &Path) -> Result<Settings, ConfigError> {
    let settings: Settings = smppkit_ops::config::load(path)?;
    let checked =
        settings.check().and_then(|()| settings.check_routes()).and_then(|()| settings.check_files());
    checked.map_err(|wrong| wrong.in_file(path))?;
    Ok(settings)
}

/// The OpenAPI document of the REST interface, as JSON.
pub fn openapi() -> String {
    serde_json::to_string_pretty(&crate::admin::document()).unwrap_or_default()
}

impl Gateway {
    /// Opens the store and listens. `config` is the file that is read again when it changes.
    pub async fn bind(settings: Settings, config: Option<(PathBuf, Watch)>) -> Result<Self, StartError> {
        settings.check().map_err(|wrong| StartError::Settings(wrong.to_string()))?;
        let (dir, limits) = (settings.data.clone(), settings.store.limits());
        // Recovery reads: not in a thread that serves others.
        let opened = tokio::task::spawn_blocking(move || {
            let now = Timestamp(Now::read().unix_ms);
            let store = Sqlite::open(&dir, now, smppkit_store::Settings::default())?;
            Ok::<_, StoreError>((store, dir))
        });
        let (store, dir) = opened.await.map_err(|panic| StartError::File(panic.to_string()))??;
        let key = ServerKey::load_or_create(&dir).map_err(StartError::Key)?;
        let path = config.as_ref().map(|(path, _)| path.as_path());
        let entities = Entities::load(&dir, settings, path);
        let entities = Arc::new(entities.map_err(|error| StartError::File(error.to_string()))?);
        let settings = entities.merged().map_err(StartError::Settings)?;
        let node = NodeId::new(settings.node).unwrap_or_default();
        let ids = MessageIds::after(node, store.last_id());
        let totals = store.totals();
        let file = store.path().map(Path::to_owned).unwrap_or_default();
        info!(data = %dir.display(), open = totals.open, accepted = totals.accepted, "the store is open");
        let writer = Writer::start(store, limits).map_err(StartError::Listen)?;
        let fronts = Gate::new(settings.session.gate());
        let listeners = listen(&settings, &fronts).await?;
        let admin = admin(&settings).await?;
        let hub = Hub::new(settings, key, writer.handle(), ids, Box::new(Now::read));
        let hub = Arc::new(hub.map_err(StartError::Settings)?);
        Ok(Self { hub, writer, listeners, fronts, admin, file, entities, config })
    }

    /// Where REST, metrics and health are served.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::local_addr)
    }

    /// Where it listens.
    pub fn listening(&self) -> impl Iterator<Item = &Listening> {
        self.listeners.iter().map(|(_, listening)| listening)
    }

    /// Where people go with a browser, if there are pages; where they have to sign in, the link does that once.
    pub fn link(&self) -> Option<String> {
        self.admin.as_ref().map(Admin::link)
    }

    /// Serves until `stop` is done; then what was read is answered, every session is unbound and waited
    /// for, and the store is closed.
    pub async fn serve(self, pages: Pages, stop: impl Future<Output = ()>) {
        let Self { hub, writer, listeners, fronts, admin, file, entities, config } = self;
        let (health, ready) = (Health::new(), Ready::new());
        // It listens already: whoever asks from here on is served.
        health.ready(true);
        let upstreams = Gate::new(GateLimits::default());
        let binds = Arc::new(Binds::new(Arc::clone(&hub), upstreams.clone()));
        binds.follow();
        let mut tasks = tokio::task::JoinSet::new();
        for (listener, listening) in listeners {
            let hub = Arc::clone(&hub);
            tasks.spawn(listener.serve(move |_| Front::new(Arc::clone(&hub), listening.tls)));
        }
        tasks.spawn(look(Arc::clone(&hub)));
        tasks.spawn(every_second(Arc::clone(&hub)));
        if let Some((path, watch)) = config {
            let (hub, binds, entities) = (Arc::clone(&hub), Arc::clone(&binds), Arc::clone(&entities));
            tasks.spawn(reload(hub, binds, entities, (path, watch), ready.clone()));
        }
        let (stop_admin, admin_stopped) = tokio::sync::oneshot::channel::<()>();
        let stopping = tokio::sync::watch::Sender::new(false);
        let served = admin.map(|admin| {
            let watched =
                Watched::new(Arc::clone(&hub.record), Arc::clone(&hub.series), stopping.subscribe());
            let operated = Operated::new(&hub, &binds, &entities, file, watched);
            let router = crate::admin::router(operated.clone(), &health, &pages);
            let admin = admin.pages("gateway", &pages);
            tasks.spawn(keep_pulse(operated, health.clone()));
            tokio::spawn(admin.serve(router, async move { _ = admin_stopped.await }))
        });
        ready.ready();
        stop.await;
        health.ready(false);
        ready.stopping();
        let drain_timeout = hub.plan.load().settings.drain_timeout.0;
        info!(esmes = fronts.len(), connectors = upstreams.len(), "stopping: sessions are unbound");
        if tokio::time::timeout(drain_timeout, drain(&hub, &binds, &fronts, &upstreams)).await.is_err() {
            warn!(sessions = fronts.len() + upstreams.len(), "sessions left after the drain timeout are cut");
            fronts.kick();
            upstreams.kick();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        binds.stop();
        stopping.send_replace(true);
        // Until here it is told that it is not ready.
        drop(stop_admin);
        if let Some(served) = served {
            let _ = served.await;
        }
        tasks.shutdown().await;
        // Whatever still waits is written first.
        let closed = tokio::task::spawn_blocking(move || drop(writer)).await;
        if closed.is_err() {
            warn!("the store's thread ended badly");
        }
    }
}

/// First what comes in, then what goes out: an answer to the one may be a message on the other.
async fn drain(hub: &Arc<Hub>, binds: &Binds, fronts: &Gate, upstreams: &Gate) {
    fronts.drain().await;
    binds.stop();
    hub.sessions.order(Order::Unbind, |card| matches!(card.side, Side::Connector(_)));
    while !upstreams.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Looks at queues when something in them falls due.
async fn look(hub: Arc<Hub>) {
    loop {
        let next_ms = hub.tick();
        let wait = u64::try_from(next_ms.saturating_sub(hub.now().unix_ms)).unwrap_or_default();
        // A wall clock that is set moves what is due; it is looked at again within a second.
        let wait = Duration::from_millis(wait.clamp(1, 1_000));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = hub.sooner.notified() => {}
        }
    }
}

async fn every_second(hub: Arc<Hub>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for second in 0_u64.. {
        seconds.tick().await;
        hub.every_second();
        if second.is_multiple_of(60) {
            hub.every_minute();
        }
    }
}

/// Reads the file again when it changes, or SIGHUP comes; a wrong one changes nothing.
async fn reload(
    hub: Arc<Hub>,
    binds: Arc<Binds>,
    entities: Arc<Entities>,
    (path, mut watch): (PathBuf, Watch),
    ready: Ready,
) {
    let data = hub.plan.load().settings.data.clone();
    // It was said elsewhere, whatever the file says.
    let is_data_given = load(&path).is_ok_and(|settings| settings.data != data);
    loop {
        watch.next().await;
        ready.reloading();
        let settings = load(&path).map_err(|error| error.to_string()).map(|mut settings| {
            if is_data_given {
                settings.data.clone_from(&data);
            }
            settings
        });
        let acting = Acting { who: format!("file {}", path.display()), at_ms: hub.now().unix_ms };
        let rebase = |settings| entities.rebase(settings, &acting, |merged| apply(&hub, merged));
        match settings.and_then(rebase) {
            Ok(()) => {
                binds.follow();
                info!(file = %path.display(), "read again");
            }
            Err(error) => warn!(%error, "the settings stay as they were"),
        }
        ready.ready();
    }
}

/// Settings in place of others, while sessions stay. Where it listens and keeps needs a restart.
pub(crate) fn apply(hub: &Arc<Hub>, settings: Settings) -> Result<(), String> {
    let plan = hub.plan.load();
    let now = &plan.settings;
    if (&now.listen, &now.tls_listen, &now.data) != (&settings.listen, &settings.tls_listen, &settings.data) {
        return Err("listen, tls_listen and data need a restart to change".to_owned());
    }
    drop(plan);
    hub.configure(settings)?;
    let plan = hub.plan.load_full();
    // Its hours may be others.
    for upstream in plan.connectors.values() {
        upstream.feed.told(hub);
    }
    // Who may not bind any more does not stay bound.
    let is_out = |name: &str| plan.accounts.get(name).is_none_or(|account| !account.settings.enabled);
    hub.sessions.order(Order::Unbind, |card| matches!(&card.side, Side::Account(name) if is_out(name)));
    Ok(())
}

/// Listens for operators, where that is asked for.
async fn admin(settings: &Settings) -> Result<Option<Admin>, StartError> {
    let Some(config) = settings.admin.config() else {
        return Ok(None);
    };
    let admin = Admin::bind(config).await.map_err(StartError::Listen)?;
    Ok(Some(admin))
}

async fn listen(settings: &Settings, gate: &Gate) -> Result<Vec<(Listener, Listening)>, StartError> {
    let files = TlsFiles {
        certificate: settings.tls_certificate.as_deref(),
        key: settings.tls_key.as_deref(),
        ca: settings.tls_client_ca.as_deref(),
    };
    let tls = if settings.tls_listen.is_empty() {
        None
    } else {
        Some(files.server().map_err(|error| StartError::File(error.to_string()))?)
    };
    let mut listeners = Vec::new();
    let plain = settings.listen.iter().map(|address| (*address, None));
    let encrypted = settings.tls_listen.iter().map(|address| (*address, tls.clone()));
    for (address, tls) in plain.chain(encrypted) {
        listeners.push(listen_on(settings, gate, address, tls).await.map_err(|error| {
            let message = format!("cannot listen on {address}: {error}");
            StartError::Listen(io::Error::new(error.kind(), message))
        })?);
    }
    Ok(listeners)
}

async fn listen_on(
    settings: &Settings,
    gate: &Gate,
    address: SocketAddr,
    tls: Option<TlsServer>,
) -> io::Result<(Listener, Listening)> {
    let listening = tls.is_some();
    let mut listener = Listener::bind(address)
        .await?
        .session(settings.session.config())
        .limits(ConnectionLimits::default())
        .proxies(settings.proxies.clone())
        .gate(gate.clone());
    if let Some(tls) = tls {
        listener = listener.tls(tls);
    }
    let address = listener.local_addr()?;
    Ok((listener, Listening { address, tls: listening }))
}

impl StartError {
    /// Whether what was given is wrong, rather than the machine.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Settings(_) | Self::File(_))
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(why) | Self::File(why) => f.write_str(why),
            Self::Key(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}
