//! Connections that we open: an ESME listens, is sent outbind, and binds on them (SMPP 5.0, 2.2.1).

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use smppkit_net::{
    Backoff, CloseReason, ConnectionLimits, Connector, Ended, Gate, NoTarget, Now, SessionConfig, Targets,
};
use smppkit_wire::pdu::table::Outbind;
use smppkit_wire::{CommandStatus, Role};
use tokio::sync::{Semaphore, oneshot};

use crate::door::Door;
use crate::node::Node;
use crate::session::Card;

/// What came of an outbind: the session that is bound, or why none is.
pub(crate) type Outcome = oneshot::Sender<Result<Arc<Card>, Failure>>;

/// Why nobody bound.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The host may not be connected to, or is none.
    Target(NoTarget),
    /// As many wait for their outcome as may.
    Busy,
    /// There is no connection.
    NotConnected(String),
    /// The bind was refused, of this system_id.
    Refused(String, CommandStatus),
    /// There was no bind in time.
    TimedOut,
    /// The connection ended before a bind.
    Closed(String),
}

/// Outbinds that people ask for.
#[derive(Debug, Clone)]
pub(crate) struct Outbinds {
    gate: Gate,
    targets: Targets,
    turns: Arc<Semaphore>,
}

/// Outbinds that wait for their outcome at once.
const TURNS: usize = 16;
/// How long looking up a name may take, and connecting to each of its addresses.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an ESME may take to bind, where the SMSC has no limit.
const BIND: Duration = Duration::from_secs(30);

impl Outbinds {
    pub(crate) fn new(gate: Gate, targets: Targets) -> Self {
        Self { gate, targets, turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// Connects, sends outbind, and waits for a bind. The session then stays until it ends by itself.
    pub(crate) async fn send(
        &self,
        node: &Arc<Node>,
        (host, port): (&str, u16),
        outbind: &Outbind,
    ) -> Result<Arc<Card>, Failure> {
        let Ok(_turn) = self.turns.try_acquire() else { return Err(Failure::Busy) };
        let resolved = tokio::time::timeout(CONNECT, self.targets.resolve(host, port)).await;
        let late =
            |_| Failure::NotConnected(format!("{host:?} has no address within {} s", CONNECT.as_secs()));
        let addresses = resolved.map_err(late)?.map_err(Failure::Target)?;
        let config = node.settings.load().session();
        let config = SessionConfig { session_init: config.session_init.or(Some(BIND)), ..config };
        let mut why = format!("{host} has no address");
        for address in addresses {
            let (outcome, came) = oneshot::channel();
            let door = Door::new(Arc::clone(node)).with_outbind(outbind.clone()).with_outcome(outcome);
            let connector = connector(address.to_string(), config.clone(), &self.gate);
            match connector.timeout(CONNECT).start(door).await {
                // A session that is gone without a word panicked.
                Ok(_) => return came.await.unwrap_or(Err(Failure::Closed("the session failed".to_owned()))),
                Err(error) => why = format!("cannot connect to {address}: {error}"),
            }
        }
        Err(Failure::NotConnected(why))
    }
}

/// Connects to an ESME that listens, sends outbind, and serves it; again and again.
pub(crate) async fn keep(node: Arc<Node>, address: String, gate: Gate) {
    let settings = node.settings.load_full();
    let connector = connector(address, settings.session(), &gate);
    let system_id = settings.system_id.parse().unwrap_or_default();
    let seed = Now::read().unix_ms.unsigned_abs();
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed);
    let door = || Door::new(Arc::clone(&node)).with_outbind(Outbind { system_id, ..Outbind::default() });
    connector.keep(backoff, door, |_, _| {}).await;
}

fn connector(address: String, session: SessionConfig, gate: &Gate) -> Connector {
    let connector = Connector::new(address).role(Role::Mc).session(session);
    connector.limits(ConnectionLimits::default()).gate(gate.clone())
}

impl Failure {
    /// A session ended before anybody bound.
    pub(crate) fn of(ended: &Ended) -> Self {
        match ended {
            Ended::Session(CloseReason::SessionInit) => Self::TimedOut,
            ended => Self::Closed(ended.to_string()),
        }
    }

    /// In a word, for programs.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Target(_) => "no-target",
            Self::Busy => "busy",
            Self::NotConnected(_) => "not-connected",
            Self::Refused(..) => "refused",
            Self::TimedOut => "timed-out",
            Self::Closed(_) => "closed",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(error) => error.fmt(f),
            Self::Busy => write!(f, "{TURNS} outbinds wait for their binds: wait for one to end"),
            Self::NotConnected(why) => f.write_str(why),
            Self::Refused(system_id, status) => {
                write!(f, "the bind of {system_id:?} was refused with {status}")
            }
            Self::TimedOut => {
                f.write_str("connected and sent outbind, but no bind came in time (session_init)")
            }
            Self::Closed(why) => write!(f, "connected and sent outbind, but no bind came: {why}"),
        }
    }
}
