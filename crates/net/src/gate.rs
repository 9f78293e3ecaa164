//! Who may connect, and a hand on every connection that is there.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::limits::GateLimits;

/// Counts connections and gives each a handle. Shared by listeners that share their limits.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: GateLimits,
    inside: Mutex<Inside>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    connections: HashMap<u64, Weak<Control>>,
    addresses: HashMap<IpAddr, Address>,
    next_id: u64,
    draining: bool,
}

#[derive(Debug, Default)]
struct Address {
    connections: usize,
    /// Not bound yet, oldest first.
    unbound: VecDeque<(u64, Weak<Control>)>,
}

/// What a connection has been told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    None,
    Drain,
    Kick,
}

/// A hand on one connection.
#[derive(Debug)]
struct Control {
    order: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

/// A connection's own place at the gate, given up when dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    gate: Gate,
    id: u64,
    address: IpAddr,
    bound: bool,
    control: Arc<Control>,
    registered: Option<Waker>,
}

impl Gate {
    /// With limits; the descriptors that the process may open are one more.
    pub fn new(mut limits: GateLimits) -> Self {
        let files = crate::limits::raise_descriptor_limit();
        limits.connections =
            limits.connections.min(files.saturating_sub(GateLimits::DESCRIPTOR_RESERVE).max(1));
        Self(Arc::new(Shared { limits, inside: Mutex::default(), changed: Notify::new() }))
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.inside().connections.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets a connection in, or not.
    pub(crate) fn enter(&self, peer: SocketAddr) -> Option<Entry> {
        let limits = &self.0.limits;
        let mut inside = self.inside();
        let inside = &mut *inside;
        if inside.draining || inside.connections.len() >= limits.connections {
            return None;
        }
        let address = inside.addresses.entry(peer.ip()).or_default();
        if address.connections >= limits.connections_per_address {
            return None;
        }
        while address.unbound.len() >= limits.unbound_per_address.max(1) {
            if let Some(oldest) = address.unbound.pop_front().and_then(|(_, control)| control.upgrade()) {
                oldest.give(Order::Kick);
            }
        }
        let control = Arc::new(Control { order: AtomicU8::new(Order::None as u8), waker: Mutex::new(None) });
        let id = inside.next_id;
        inside.next_id += 1;
        address.connections += 1;
        address.unbound.push_back((id, Arc::downgrade(&control)));
        inside.connections.insert(id, Arc::downgrade(&control));
        Some(Entry { gate: self.clone(), id, address: peer.ip(), bound: false, control, registered: None })
    }

    /// A place for a connection that we opened: it is never refused for a limit, but it can be
    /// drained, and while the gate drains there is none.
    pub(crate) fn entry(&self, peer: SocketAddr) -> Option<Entry> {
        let control = Arc::new(Control { order: AtomicU8::new(Order::None as u8), waker: Mutex::new(None) });
        let mut inside = self.inside();
        if inside.draining {
            return None;
        }
        let id = inside.next_id;
        inside.next_id += 1;
        inside.addresses.entry(peer.ip()).or_default().connections += 1;
        inside.connections.insert(id, Arc::downgrade(&control));
        Some(Entry { gate: self.clone(), id, address: peer.ip(), bound: true, control, registered: None })
    }

    /// Lets nobody in any more, has every session unbind, and waits until all are gone.
    pub async fn drain(&self) {
        let all: Vec<_> = {
            let mut inside = self.inside();
            inside.draining = true;
            inside.connections.values().filter_map(Weak::upgrade).collect()
        };
        for control in all {
            control.give(Order::Drain);
        }
        loop {
            let changed = self.0.changed.notified();
            if self.is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Cuts every connection.
    pub fn kick(&self) {
        let all: Vec<_> = self.inside().connections.values().filter_map(Weak::upgrade).collect();
        for control in all {
            control.give(Order::Kick);
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(GateLimits::default())
    }
}

impl Control {
    fn give(&self, order: Order) {
        // Both under the lock: a waker that the connection registers once it has seen this order
        // is for the next one, and must not be taken here. A kick outdoes a drain.
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        self.order.fetch_max(order as u8, Ordering::AcqRel);
        let taken = waker.take();
        drop(waker);
        if let Some(waker) = taken {
            waker.wake();
        }
    }
}

impl Entry {
    /// The latest order; the task is woken by the next one.
    pub(crate) fn poll_order(&mut self, cx: &Context<'_>) -> Order {
        if !self.registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            let waker = cx.waker().clone();
            self.registered = Some(waker.clone());
            *self.control.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
        }
        if self.control.order.load(Ordering::Acquire) == Order::None as u8 {
            return Order::None;
        }
        // An order is given once, and took the waker with it: the next needs one again, and may have
        // come meanwhile.
        let order = self.control.order.swap(Order::None as u8, Ordering::AcqRel);
        self.registered = None;
        cx.waker().wake_by_ref();
        if order == Order::Drain as u8 { Order::Drain } else { Order::Kick }
    }

    /// Waits for an order: there is no session yet that could heed it.
    pub(crate) async fn ordered(&mut self) {
        core::future::poll_fn(|cx| match self.poll_order(cx) {
            Order::None => Poll::Pending,
            Order::Drain | Order::Kick => Poll::Ready(()),
        })
        .await;
    }

    /// The session is bound: it no longer counts among those that are not.
    #[inline]
    pub(crate) fn bound(&mut self) {
        if !self.bound {
            self.bound = true;
            self.gate.inside().unbound_gone(self.address, self.id);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        if !self.bound {
            inside.unbound_gone(self.address, self.id);
        }
        inside.connections.remove(&self.id);
        if let Some(address) = inside.addresses.get_mut(&self.address) {
            address.connections = address.connections.saturating_sub(1);
            if address.connections == 0 {
                inside.addresses.remove(&self.address);
            }
        }
        drop(inside);
        self.gate.0.changed.notify_waiters();
    }
}

impl Inside {
    fn unbound_gone(&mut self, address: IpAddr, id: u64) {
        if let Some(address) = self.addresses.get_mut(&address)
            && let Ok(at) = address.unbound.binary_search_by_key(&id, |(id, _)| *id)
        {
            address.unbound.remove(at);
        }
    }
}
