//! Where people may have a server connect to.

use core::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::proxy::Network;

/// Networks of the hosts that may be connected to, on any port. Default: this machine only.
///
/// ```
/// use smppkit_net::Targets;
///
/// let targets = Targets::default();
/// assert!(targets.allows("127.0.0.1".parse()?) && !targets.allows("10.0.0.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets(Vec<Network>);

/// Why a host is not connected to.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoTarget {
    /// The name leads nowhere.
    Unknown(String, io::Error),
    /// It is none of the targets.
    Elsewhere {
        /// As it was asked for.
        host: String,
        /// Its address.
        address: IpAddr,
        /// The targets there are.
        targets: Targets,
    },
}

/// Addresses of a name that are tried.
const ADDRESSES: usize = 8;

impl Targets {
    /// In these networks; none at all if there are none.
    pub fn new(networks: impl Into<Vec<Network>>) -> Self {
        Self(networks.into())
    }

    /// Whether an address may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The networks as people write them.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// The networks.
    pub fn networks(&self) -> &[Network] {
        &self.0
    }

    /// The addresses of a host, all of them allowed, 8 at most. Connect to these and never to the name, which may lead
    /// elsewhere when it is asked for once more.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NoTarget> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let mut addresses: Vec<SocketAddr> = if let Ok(address) = bare.parse::<IpAddr>() {
            vec![SocketAddr::new(address, port)]
        } else {
            let found = tokio::net::lookup_host((bare, port)).await;
            found.map_err(|error| NoTarget::Unknown(bare.to_owned(), error))?.collect()
        };
        if let Some(address) = addresses.iter().map(SocketAddr::ip).find(|address| !self.allows(*address)) {
            return Err(NoTarget::Elsewhere { host: bare.to_owned(), address, targets: self.clone() });
        }
        addresses.truncate(ADDRESSES);
        Ok(addresses)
    }
}

impl Default for Targets {
    fn default() -> Self {
        Self(["127.0.0.0/8", "::1/128"].iter().filter_map(|network| network.parse().ok()).collect())
    }
}

impl fmt::Display for NoTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(host, error) => write!(f, "{host:?} has no address: {error}"),
            Self::Elsewhere { host, address, targets } => {
                if host.parse::<IpAddr>().is_err() {
                    write!(f, "{host} is {address}: ")?;
                }
                let names = targets.names();
                let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let prefix = if address.is_ipv4() { 32 } else { 128 };
                write!(
                    f,
                    "{address} is not among the targets of this server ({names}), so it was not connected to: \
                     start it with --client-target {address}/{prefix}"
                )
            }
        }
    }
}

impl std::error::Error for NoTarget {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_more_this_machine_alone_is_a_target() {
        let targets = Targets::default();
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(targets.allows(address.parse().unwrap()), "{address}");
        }
        for address in ["10.0.0.1", "0.0.0.0", "169.254.169.254", "::", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(!targets.allows(address.parse().unwrap()), "{address}");
        }
        assert_eq!(targets.names(), ["127.0.0.0/8", "::1/128"]);
    }

    #[tokio::test]
    async fn addresses_elsewhere_are_refused_with_the_flag_that_allows_them() {
        let targets = Targets::default();
        let found = targets.resolve("[::1]", 1).await.unwrap();
        assert_eq!(found, ["[::1]:1".parse().unwrap()]);
        let error = targets.resolve("192.0.2.1", 1).await.unwrap_err().to_string();
        assert!(error.contains("--client-target 192.0.2.1/32"), "{error}");
        let none = Targets::new([]).resolve("localhost", 1).await.unwrap_err().to_string();
        assert!(none.starts_with("localhost is ") && none.contains("(none)"), "{none}");
    }
}
