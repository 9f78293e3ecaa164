//! When something must happen without a PDU: the four timers of SMPP 5.0, 2.7 as one table.

use core::time::Duration;
use std::time::Instant;

use crate::config::SessionConfig;

/// The instants from which the timers run.
#[derive(Debug)]
pub(crate) struct Timers {
    /// The connection, or outbind: session_init runs from here until a bind is complete.
    pub(crate) opened: Instant,
    /// The peer's last PDU: enquire_link runs from here.
    pub(crate) received: Instant,
    /// The last transaction but enquire_link: inactivity runs from here.
    pub(crate) transacted: Instant,
    /// unbind was sent or received: the peer has the response time to end it.
    pub(crate) unbinding: Option<Instant>,
}

impl Timers {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { opened: now, received: now, transacted: now, unbinding: None }
    }

    pub(crate) fn session_init(&self, config: &SessionConfig) -> Option<Instant> {
        after(self.opened, config.session_init)
    }

    pub(crate) fn enquire_link(&self, config: &SessionConfig) -> Option<Instant> {
        after(self.received, config.enquire_link)
    }

    pub(crate) fn inactivity(&self, config: &SessionConfig) -> Option<Instant> {
        after(self.transacted, config.inactivity)
    }

    pub(crate) fn unbind(&self, config: &SessionConfig) -> Option<Instant> {
        after(self.unbinding?, config.response)
    }
}

/// When a time is over; never, when it is off or beyond all instants.
pub(crate) fn after(from: Instant, time: Option<Duration>) -> Option<Instant> {
    from.checked_add(time?)
}
