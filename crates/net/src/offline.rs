//! A connection without a socket, for simulations on a pretended network and clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use smppkit_session::{Event, Session, SessionConfig};
use smppkit_wire::{Frames, Role};

use crate::application::{Application, Cut, Link};
use crate::clock::Now;
use crate::driver::Ended;

/// A session and its application: octets and moments are handed in, octets are taken out. What the
/// driver does besides (windows of writing, draining, lingering) needs a socket and is not here.
#[derive(Debug)]
pub struct Offline<A: Application> {
    session: Session<A::Token>,
    app: A,
    peer: SocketAddr,
    out: Vec<u8>,
    /// The beginning of a frame, or frames that must wait for the application.
    rest: BytesMut,
    ended: Option<Ended>,
}

impl<A: Application> Offline<A> {
    /// A connection that has just been made.
    pub fn new(role: Role, config: Arc<SessionConfig>, app: A, peer: SocketAddr, now: Now) -> Self {
        let session = Session::new(role, config, now.mono);
        Self { session, app, peer, out: Vec::new(), rest: BytesMut::new(), ended: None }
    }

    /// Octets of the peer, cut anywhere.
    pub fn receive(&mut self, now: Now, octets: &[u8]) {
        self.rest.extend_from_slice(octets);
        self.frames(now);
    }

    /// What the driver does when octets came, time passed or the application was woken.
    pub fn turn(&mut self, now: Now, cx: &mut Context<'_>) {
        while self.ended.is_none()
            && let Some(event) = self.session.timeout(now.mono, &mut self.out)
        {
            self.event(now, event);
        }
        if self.ended.is_none() {
            self.frames(now);
            self.call(now, |app, link| app.poll(link, cx));
        }
    }

    /// What goes to the peer.
    pub fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.out)
    }

    /// When it is to be turned at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        self.session.deadline().into_iter().chain(self.app.deadline()).min()
    }

    /// Whether it has ended: then what [`take`](Self::take) gives is the last of it.
    pub fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// The application.
    pub fn app(&mut self) -> &mut A {
        &mut self.app
    }

    /// The connection is gone: requests without an answer are handed back.
    pub fn close(mut self, now: Now) -> A {
        while let Some(event) = self.session.closed() {
            self.call(now, |app, link| app.event(link, event));
        }
        self.app.ended(&self.ended.unwrap_or(Ended::PeerClosed));
        self.app
    }

    fn frames(&mut self, now: Now) {
        let run: Bytes = self.rest.split().freeze();
        let mut frames = Frames::new(&run, self.session.config().pdu_limit_octets);
        while self.ended.is_none() && self.session.may_receive() {
            let event = match frames.next() {
                None => break,
                Some(Ok(frame)) => self.session.receive(now.mono, &frame, &mut self.out),
                Some(Err(error)) => Some(self.session.framing_lost(&error, &mut self.out)),
            };
            if let Some(event) = event {
                self.event(now, event);
            }
        }
        self.rest.extend_from_slice(frames.rest());
    }

    fn event(&mut self, now: Now, event: Event<A::Token>) {
        if let Event::Close(reason) = event {
            self.ended.get_or_insert(Ended::Session(reason));
        }
        self.call(now, |app, link| app.event(link, event));
    }

    fn call(&mut self, now: Now, ask: impl FnOnce(&mut A, &mut Link<'_, A::Token>)) {
        let mut cut: Option<Cut> = None;
        let (mut pace, mut drain) = (None, false);
        let mut link = Link {
            session: &mut self.session,
            out: &mut self.out,
            now,
            peer: self.peer,
            certificate: None,
            cut: &mut cut,
            pace: &mut pace,
            drain: &mut drain,
        };
        ask(&mut self.app, &mut link);
        if drain {
            // Waiting for answers is the driver's.
            self.session.unbind(now.mono, &mut self.out);
        }
        if cut.is_some() {
            self.ended.get_or_insert(Ended::Cut);
        }
    }
}
