//! Limits of connections, each with a default and its reason.

use core::time::Duration;

/// What one connection may use beyond its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Octets waiting to be written before nothing more is read. Default 1 MiB: the answers to
    /// 40,000 messages, far beyond any window; a peer that lets it fill does not read.
    pub write_queue_octets: usize,
    /// How long a peer may take none of them before the connection is cut. Default 30 s.
    pub write_stall: Duration,
    /// How long unbind waits for answers to requests of ours when the connection is drained: a peer may
    /// close as soon as it has answered unbind, and what it did with them is not known then. Default 5 s.
    pub last_answers: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            write_queue_octets: 1024 * 1024,
            write_stall: Duration::from_secs(30),
            last_answers: Duration::from_secs(5),
        }
    }
}

/// How many connections a listener, or several that share a gate, may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateLimits {
    /// In all. Default 20,000; never so many that fewer than [`Self::DESCRIPTOR_RESERVE`] file
    /// descriptors would be left for all else.
    pub connections: usize,
    /// From one address. Default 20,000: many clients behind one NAT are usual, so the default
    /// only repeats the whole.
    pub connections_per_address: usize,
    /// From one address and not bound yet. Default 1,000. At the limit the oldest of them is cut,
    /// not the newest refused: a healthy client binds at once, a hostile one holds sockets.
    pub unbound_per_address: usize,
}

impl GateLimits {
    /// Descriptors kept free of sessions.
    pub const DESCRIPTOR_RESERVE: usize = 64;
}

impl Default for GateLimits {
    fn default() -> Self {
        Self { connections: 20_000, connections_per_address: 20_000, unbound_per_address: 1_000 }
    }
}

/// Raises the soft limit of open files to the hard one, and says how many there may be.
#[cfg(unix)]
pub(crate) fn raise_descriptor_limit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Without the raise 10,000 sessions do not fit into the usual 1,024; failing to raise is no error.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX)
}

/// Where there is no such limit.
#[cfg(not(unix))]
pub(crate) fn raise_descriptor_limit() -> usize {
    usize::MAX
}
