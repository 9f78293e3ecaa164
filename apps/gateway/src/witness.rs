//! What a session shows of itself: whom it speaks with, and all that passes.

use std::net::SocketAddr;
use std::sync::Arc;

use smppkit_admin::Party;
use smppkit_admin::record::{At, Direction, Place};
use smppkit_net::Now;

use crate::hub::Hub;

/// A session's eyes for operators.
#[derive(Debug)]
pub(crate) struct Witness {
    hub: Arc<Hub>,
    place: Place,
    tls: bool,
    /// Set with the first batch: then the peer is known.
    party: Option<Arc<Party>>,
}

impl Witness {
    pub(crate) fn new(hub: &Arc<Hub>, place: Place, tls: bool) -> Self {
        Self { hub: Arc::clone(hub), place, tls, party: None }
    }

    /// The session as others see it.
    pub(crate) fn party(&mut self, peer: SocketAddr) -> &Arc<Party> {
        self.party.get_or_insert_with(|| {
            let id = self.hub.sessions.next_id();
            Arc::new(Party::new(id, self.place.clone(), peer, self.tls))
        })
    }

    /// Frames that have come.
    pub(crate) fn read(&self, now: Now, frames: &[u8]) {
        self.passed(now, Direction::In, frames);
    }

    /// Octets that go out.
    pub(crate) fn leaving(&self, octets: &[u8]) {
        if self.hub.record.is_on() {
            // The batch began when it was read; what goes out goes out now.
            self.passed(self.hub.now(), Direction::Out, octets);
        }
    }

    fn passed(&self, now: Now, direction: Direction, octets: &[u8]) {
        if let Some(party) = self.party.as_ref().filter(|_| self.hub.record.is_on()) {
            let at = At { unix_ms: now.unix_ms, mono: now.mono };
            self.hub.record.take(party, direction, at, octets);
        }
    }
}
