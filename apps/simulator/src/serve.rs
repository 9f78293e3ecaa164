//! Listening, serving, stopping.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use smppkit_net::{ConnectionLimits, Gate, Listener, Now, Targets, TlsFiles, TlsServer};
use smppkit_ops::config::ConfigError;
use smppkit_ops::{Admin, AdminConfig, Health, Pages, Ready, Span, Watch};
use tracing::{info, warn};

use crate::admin::Operated;
use crate::door::Door;
use crate::node::{Hub, Node};
use crate::outbind::{self, Outbinds};
use crate::rules::BadRule;
use crate::settings::{AdminSettings, MoFile, Settings, SmscSettings};

/// A simulator that listens, and has not begun to serve.
#[derive(Debug)]
pub struct Simulator {
    hub: Arc<Hub>,
    nodes: Vec<Arc<Node>>,
    listeners: Vec<(Listener, Arc<Node>, Listening)>,
    gate: Gate,
    admin: Option<Admin>,
    config: Option<(PathBuf, Watch)>,
}

/// Settings out of a file, with what the environment says on top. Make the [`Watch`] of the file before.
pub fn load(path: &Path) -> Result<Settings, ConfigError> {
    smppkit_ops::config::load(path)
}

/// The OpenAPI document of the REST interface, as JSON.
pub fn openapi() -> String {
    serde_json::to_string_pretty(&crate::admin::document()).unwrap_or_default()
}

/// Where a simulator listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The address, with the port that was taken.
    pub address: SocketAddr,
    /// Whether TLS is spoken there.
    pub tls: bool,
    /// The SMSC that is spoken to there.
    pub smsc: String,
}

/// Why a simulator does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A setting cannot be.
    Settings(String),
    /// A rule cannot be.
    Rule(BadRule),
    /// A file cannot be read.
    File(String),
    /// An address cannot be listened on.
    Listen(io::Error),
}

impl Simulator {
    /// Listens on all configured addresses. `config` is the file that is read again when it changes. Where the
    /// admin address is only wished for, one that is taken is no error.
    pub async fn bind(
        mut settings: Settings,
        config: Option<(PathBuf, Watch)>,
        admin_is_wish: bool,
    ) -> Result<Self, StartError> {
        if settings.smsc.is_empty() {
            settings.smsc.push(SmscSettings::default());
        }
        settings.check().map_err(StartError::Settings)?;
        let admin = admin(&mut settings, admin_is_wish).await?;
        let gate = Gate::new(settings.gate());
        let hub = Arc::new(Hub::new(&settings));
        let (mut nodes, mut listeners) = (Vec::new(), Vec::new());
        for smsc in &settings.smsc {
            let node = Arc::new(Node::new(&hub, smsc.clone()).map_err(StartError::Rule)?);
            let tls = if smsc.tls_listen.is_empty() { None } else { Some(tls(smsc)?) };
            let plain = smsc.listen.iter().map(|address| (*address, None));
            let encrypted = smsc.tls_listen.iter().map(|address| (*address, tls.clone()));
            for (address, tls) in plain.chain(encrypted) {
                let (listener, listening) = listen(&settings, smsc, &gate, address, tls).await?;
                listeners.push((listener, Arc::clone(&node), listening));
            }
            nodes.push(node);
        }
        let of =
            |(_, _, listening): &(_, _, Listening)| (listening.smsc.clone(), listening.address.to_string());
        let _ = hub.addresses.set(listeners.iter().map(of).collect());
        Ok(Self { hub, nodes, listeners, gate, admin, config })
    }

    /// Where REST, metrics and health are served.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::local_addr)
    }

    /// Where it listens.
    pub fn listening(&self) -> impl Iterator<Item = &Listening> {
        self.listeners.iter().map(|(_, _, listening)| listening)
    }

    /// Where people go with a browser, if there are pages; where they have to sign in, the link does that once.
    pub fn link(&self) -> Option<String> {
        self.admin.as_ref().map(Admin::link)
    }

    /// Serves until `stop` is done; then every session is unbound, and waited for.
    pub async fn serve(self, pages: Pages, stop: impl Future<Output = ()>) {
        let Self { hub, nodes, listeners, gate, admin, config } = self;
        let pages = pages.looks(&["/api/v1/smscs/{smsc}/rules/test"]);
        let (health, ready) = (Health::new(), Ready::new());
        // It listens already: whoever asks from here on is served.
        health.ready(true);
        let mut tasks = tokio::task::JoinSet::new();
        for (listener, node, listening) in listeners {
            tasks.spawn(listener.serve(move |_| Door::new(Arc::clone(&node)).with_tls(listening.tls)));
        }
        for node in &nodes {
            let settings = node.settings.load();
            for address in &settings.outbind {
                tasks.spawn(outbind::keep(Arc::clone(node), address.clone(), gate.clone()));
            }
            for file in &settings.mo_file {
                tasks.spawn(send_file(Arc::clone(node), file.clone()));
            }
            tasks.spawn(run_due(Arc::clone(node)));
        }
        let nodes: Arc<[Arc<Node>]> = nodes.into();
        if let Some((path, watch)) = config {
            let (hub, nodes, ready) = (Arc::clone(&hub), Arc::clone(&nodes), ready.clone());
            tasks.spawn(reload(hub, nodes, path, watch, ready));
        }
        let (stop_admin, admin_stopped) = tokio::sync::oneshot::channel::<()>();
        let served = admin.map(|admin| {
            tasks.spawn(crate::series::keep(Arc::clone(&hub), Arc::clone(&nodes)));
            let outbinds = Outbinds::new(gate.clone(), targets(&pages));
            let operated = Operated::new(&hub, Arc::clone(&nodes), outbinds);
            let router = crate::admin::router(operated, &health, &pages);
            let admin = admin.pages("simulator", &pages);
            tokio::spawn(admin.serve(router, async move { _ = admin_stopped.await }))
        });
        ready.ready();
        stop.await;
        health.ready(false);
        ready.stopping();
        hub.stop();
        info!(sessions = gate.len(), "stopping: sessions are unbound");
        let drain_timeout = hub.settings.load().drain_timeout.0;
        if tokio::time::timeout(drain_timeout, gate.drain()).await.is_err() {
            warn!(sessions = gate.len(), "sessions left after the drain timeout are cut");
            gate.kick();
        }
        // Until here it is told that it is not ready.
        drop(stop_admin);
        if let Some(served) = served {
            let _ = served.await;
        }
        tasks.shutdown().await;
    }
}

/// Where people may have an SMSC connect to: as a client in the pages may.
fn targets(pages: &Pages) -> Targets {
    let named = |names: &[String]| names.iter().filter_map(|name| name.parse().ok()).collect::<Vec<_>>();
    pages.targets().map(|names| Targets::new(named(names))).unwrap_or_default()
}

/// Listens for operators, where that is asked for.
async fn admin(settings: &mut Settings, is_wish: bool) -> Result<Option<Admin>, StartError> {
    /// As long as a test suite may wait for something.
    const REQUEST: Span = Span::secs(330);
    let Some(listen) = settings.admin.listen else {
        return Ok(None);
    };
    let AdminSettings { token, viewer_token, sign_in, .. } = settings.admin.clone();
    let config = AdminConfig { listen, token, viewer_token, sign_in, ..AdminConfig::default() };
    let config = AdminConfig { request_timeout: REQUEST, ..config };
    config.check().map_err(StartError::Settings)?;
    match Admin::bind(config).await {
        Ok(admin) => Ok(Some(admin)),
        Err(error) if is_wish => {
            settings.admin.listen = None;
            warn!(%listen, %error, "REST, metrics and health are not served: say where with --admin");
            Ok(None)
        }
        Err(error) => {
            let message = format!("cannot serve REST on {listen}: {error}");
            Err(StartError::Listen(io::Error::new(error.kind(), message)))
        }
    }
}

/// Reads the file again when it changes, or SIGHUP comes; a wrong one changes nothing.
async fn reload(hub: Arc<Hub>, nodes: Arc<[Arc<Node>]>, path: PathBuf, mut watch: Watch, ready: Ready) {
    loop {
        watch.next().await;
        ready.reloading();
        match load(&path)
            .map_err(|error| error.to_string())
            .and_then(|settings| apply(&hub, &nodes, settings))
        {
            Ok(()) => info!(file = %path.display(), "read again"),
            Err(error) => warn!(%error, "the settings stay as they were"),
        }
        ready.ready();
    }
}

/// Settings in place of others. Where SMSCs listen, and how many there are, needs a restart.
fn apply(hub: &Hub, nodes: &[Arc<Node>], mut settings: Settings) -> Result<(), String> {
    if settings.smsc.is_empty() {
        settings.smsc.push(SmscSettings::default());
    }
    settings.check()?;
    for smsc in &settings.smsc {
        let Some(node) = nodes.iter().find(|node| *node.name == *smsc.name) else {
            return Err(format!("a new SMSC, {:?}, needs a restart", smsc.name));
        };
        let before = node.settings.load();
        if before.listen != smsc.listen || before.tls_listen != smsc.tls_listen {
            return Err(format!("SMSC {:?} listens elsewhere: that needs a restart", smsc.name));
        }
    }
    hub.settings.store(Arc::new(settings.clone()));
    for smsc in settings.smsc {
        if let Some(node) = nodes.iter().find(|node| *node.name == *smsc.name) {
            node.configure(smsc).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// Sends the messages of a file.
async fn send_file(node: Arc<Node>, file: MoFile) {
    let path = file.path.display();
    let read = std::fs::read_to_string(&file.path).map_err(|error| error.to_string());
    let mos = match read.and_then(|text| crate::admin::read_file(&text, file.system_id.as_deref())) {
        Ok(mos) => mos,
        Err(error) => return warn!(%error, file = %path, "no mobile-originated messages are sent from it"),
    };
    loop {
        crate::admin::send_all(&node, &mos, file.rate).await;
        info!(file = %path, messages = mos.len(), "mobile-originated messages sent");
        if !file.repeat || mos.is_empty() {
            return;
        }
    }
}

async fn listen(
    settings: &Settings,
    smsc: &SmscSettings,
    gate: &Gate,
    address: SocketAddr,
    tls: Option<TlsServer>,
) -> Result<(Listener, Listening), StartError> {
    let named = |error: io::Error| {
        StartError::Listen(io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
    };
    let mut listener = Listener::bind(address)
        .await
        .map_err(named)?
        .session(smsc.session())
        .limits(ConnectionLimits::default())
        .proxies(settings.proxies.clone())
        .gate(gate.clone());
    let encrypted = tls.is_some();
    if let Some(tls) = tls {
        listener = listener.tls(tls);
    }
    let address = listener.local_addr().map_err(named)?;
    Ok((listener, Listening { address, tls: encrypted, smsc: smsc.name.clone() }))
}

/// Does what falls due, when it does.
async fn run_due(node: Arc<Node>) {
    loop {
        let mut timer = None;
        poll_fn(|cx| {
            let mut smsc = node.smsc();
            let now_ms = node.hub.unix_ms(Now::read());
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
fn tls(smsc: &SmscSettings) -> Result<TlsServer, StartError> {
    let files = TlsFiles {
        certificate: smsc.tls_certificate.as_deref(),
        key: smsc.tls_key.as_deref(),
        ca: smsc.tls_client_ca.as_deref(),
    };
    files.server().map_err(|error| StartError::File(error.to_string()))
}

impl StartError {
    /// Whether what was given is wrong, rather than the machine.
    pub const fn is_usage(&self) -> bool {
        !matches!(self, Self::Listen(_))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(why) | Self::File(why) => f.write_str(why),
            Self::Rule(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}
