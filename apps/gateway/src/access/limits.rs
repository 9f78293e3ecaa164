//! How many sessions an account may have bound, and where from.

use core::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smppkit_net::{BindMode, Network};

/// The sessions of one account, counted by how they are bound.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<Taken>>);

/// A bound session's place, given up when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    mode: BindMode,
}

/// Bound sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// Bound by bind_transmitter.
    pub(crate) transmitter: u32,
    /// Bound by bind_receiver.
    pub(crate) receiver: u32,
    /// Bound by bind_transceiver.
    pub(crate) transceiver: u32,
}

/// Sessions that an account may have bound at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BindLimits {
    /// Of all kinds together. Default 10: a pair on each of a few machines, and room to come back
    /// before the old connections are known to be dead.
    pub sessions: u32,
    /// Bound by bind_transmitter; 0 forbids it. Default: as many as `sessions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmitter: Option<u32>,
    /// Bound by bind_receiver; 0 forbids it. Default: as many as `sessions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<u32>,
    /// Bound by bind_transceiver; 0 forbids it. Default: as many as `sessions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transceiver: Option<u32>,
}

/// There is no seat left: `ESME_RBINDFAIL`, not `ESME_RALYBND`, which is about one connection bound twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    /// Of this kind; `None`: of any.
    pub(crate) mode: Option<BindMode>,
    /// The limit.
    pub(crate) limit: u32,
}

/// Networks that an account may bind from, as a list of texts. Default: all. An empty list lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList(Vec<Network>);

impl Seats {
    /// Takes a seat if the limits of now leave one. Who sits stays when they are lowered.
    pub(crate) fn try_take(&self, mode: BindMode, limits: &BindLimits) -> Result<Seat, Full> {
        let mut taken = self.lock();
        if let Some(limit) = limits.of(mode).filter(|limit| taken.of(mode) >= *limit) {
            return Err(Full { mode: Some(mode), limit });
        }
        if taken.all() >= limits.sessions {
            return Err(Full { mode: None, limit: limits.sessions });
        }
        *taken.count(mode) += 1;
        Ok(Seat { seats: self.clone(), mode })
    }

    /// Who sits now.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> Taken {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *self.seats.lock().count(self.mode) -= 1;
    }
}

impl Taken {
    /// Of all kinds.
    pub(crate) const fn all(&self) -> u32 {
        self.transmitter + self.receiver + self.transceiver
    }

    /// Of one kind.
    pub(crate) const fn of(&self, mode: BindMode) -> u32 {
        match mode {
            BindMode::Transmitter => self.transmitter,
            BindMode::Receiver => self.receiver,
            BindMode::Transceiver => self.transceiver,
        }
    }

    fn count(&mut self, mode: BindMode) -> &mut u32 {
        match mode {
            BindMode::Transmitter => &mut self.transmitter,
            BindMode::Receiver => &mut self.receiver,
            BindMode::Transceiver => &mut self.transceiver,
        }
    }
}

impl BindLimits {
    const fn of(&self, mode: BindMode) -> Option<u32> {
        match mode {
            BindMode::Transmitter => self.transmitter,
            BindMode::Receiver => self.receiver,
            BindMode::Transceiver => self.transceiver,
        }
    }
}

impl Default for BindLimits {
    fn default() -> Self {
        Self { sessions: 10, transmitter: None, receiver: None, transceiver: None }
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mode {
            Some(mode) if self.limit == 0 => write!(f, "bound as {} is not allowed", mode.name()),
            Some(mode) => {
                write!(f, "{} sessions bound as {} already, the most allowed", self.limit, mode.name())
            }
            None => write!(f, "{} sessions bound already, the most allowed", self.limit),
        }
    }
}

impl std::error::Error for Full {}

impl AllowList {
    /// Whether an address is in one of them.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Default for AllowList {
    fn default() -> Self {
        let all = |text: &str| text.parse().expect("a network of all addresses is a network");
        Self(vec![all("0.0.0.0/0"), all("::/0")])
    }
}

impl Serialize for AllowList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for AllowList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let networks = texts.iter().map(|text| {
            let network = text.parse();
            network.map_err(|error| de::Error::custom(format!("{text:?} is {error}")))
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [BindMode; 3] = [BindMode::Transmitter, BindMode::Receiver, BindMode::Transceiver];

    #[test]
    fn seats_are_counted_by_mode_and_together_and_given_up_when_dropped() {
        let seats = Seats::default();
        let limits = BindLimits { sessions: 3, transmitter: Some(1), receiver: Some(0), transceiver: None };
        let transmitter = seats.try_take(BindMode::Transmitter, &limits).unwrap();
        let full = seats.try_take(BindMode::Transmitter, &limits).unwrap_err();
        assert_eq!(full, Full { mode: Some(BindMode::Transmitter), limit: 1 });
        let forbidden = seats.try_take(BindMode::Receiver, &limits).unwrap_err();
        assert_eq!(forbidden.to_string(), "bound as receiver is not allowed");
        let two = [(); 2].map(|()| seats.try_take(BindMode::Transceiver, &limits).unwrap());
        assert_eq!(seats.taken(), Taken { transmitter: 1, receiver: 0, transceiver: 2 });
        let full = seats.try_take(BindMode::Transceiver, &limits).unwrap_err();
        assert_eq!(full, Full { mode: None, limit: 3 });
        drop(transmitter);
        assert!(seats.try_take(BindMode::Transceiver, &limits).is_ok());
        drop(two);
        assert_eq!(seats.taken(), Taken::default());
    }

    #[test]
    fn lower_limits_unseat_nobody_and_seat_nobody() {
        let seats = Seats::default();
        let sitting: Vec<Seat> =
            ALL.iter().map(|mode| seats.try_take(*mode, &BindLimits::default()).unwrap()).collect();
        let lower = BindLimits { sessions: 2, ..BindLimits::default() };
        assert!(ALL.iter().all(|mode| seats.try_take(*mode, &lower).is_err()));
        assert_eq!(seats.taken().all(), 3);
        drop(sitting);
        assert!(seats.try_take(ALL[0], &lower).is_ok());
    }

    #[test]
    fn threads_never_take_more_seats_than_there_are() {
        let (seats, limits) = (Seats::default(), BindLimits::default());
        let taken: Vec<Seat> = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..8)
                .map(|at| {
                    let (seats, limits) = (&seats, &limits);
                    scope.spawn(move || {
                        (0..9).map(|_| seats.try_take(ALL[at % 3], limits)).collect::<Vec<_>>()
                    })
                })
                .collect();
            takers.into_iter().flat_map(|taker| taker.join().unwrap()).flatten().collect()
        });
        assert_eq!((taken.len(), seats.taken().all()), (10, 10));
    }

    #[test]
    fn an_account_binds_from_its_networks_only() {
        let list: AllowList = read(&["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]).unwrap();
        for (address, wanted) in [
            ("10.255.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("11.0.0.1", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
        ] {
            assert_eq!(list.allows(address.parse().unwrap()), wanted, "{address}");
        }
        let all = AllowList::default();
        assert!(all.allows([1, 2, 3, 4].into()) && all.allows("::1".parse().unwrap()));
        assert_eq!(serde_json::to_value(&all).unwrap(), serde_json::json!(["0.0.0.0/0", "::/0"]));
        assert!(!read(&[]).unwrap().allows([1, 2, 3, 4].into()), "an empty list lets nobody in");
        assert!(read(&["10.0.0.0/33"]).unwrap_err().to_string().contains("10.0.0.0/33"));
    }

    fn read(networks: &[&str]) -> serde_json::Result<AllowList> {
        serde_json::from_value(networks.into())
    }
}
