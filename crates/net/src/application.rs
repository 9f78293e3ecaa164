//! What runs inside a connection's task: the fast way to use a session.

use core::time::Duration;
use std::net::SocketAddr;
use std::task::Context;
use std::time::Instant;

use rustls::pki_types::CertificateDer;
use smppkit_session::{Asked, Event, SendError, Session};
use smppkit_wire::{Body, CommandStatus, Frame};

use crate::clock::Now;
use crate::driver::Ended;

/// The other end of a session, called by the connection's own task.
///
/// All frames of one read are handed over one after another, and all that is answered meanwhile
/// goes out in one write. Nothing here may block: there is no other task between the socket and
/// the application.
pub trait Application: Send + 'static {
    /// What goes out with each request and comes back with its answer.
    type Token: Send + Unpin;

    /// Whether bodies are kept after [`event`](Self::event) has returned. Then each read gets memory
    /// of its own, of its own size, instead of a buffer that is used again.
    const KEEPS_BODIES: bool = false;

    /// Whether [`arriving`](Self::arriving), [`read`](Self::read) and [`leaving`](Self::leaving) are
    /// called: for what looks at every PDU, those that the session answers by itself among them.
    const WATCHES: bool = false;

    /// A frame is about to be handed to the session.
    fn arriving(&mut self, link: &mut Link<'_, Self::Token>, frame: &Frame<'_>) -> Arriving {
        let _ = (link, frame);
        Arriving::Take
    }

    /// Whole frames that have come, behind each other, after all of them were handed over.
    fn read(&mut self, now: Now, frames: &[u8]) {
        let _ = (now, frames);
    }

    /// Octets that go out next: the frames of a batch, behind each other.
    fn leaving(&mut self, now: Now, octets: &[u8]) {
        let _ = (now, octets);
    }

    /// Something happened.
    fn event(&mut self, link: &mut Link<'_, Self::Token>, event: Event<Self::Token>);

    /// Called once when the connection is there, after each batch of events, and whenever the
    /// waker of `cx` is woken: the place to send what comes from elsewhere.
    fn poll(&mut self, link: &mut Link<'_, Self::Token>, cx: &mut Context<'_>) {
        let _ = (link, cx);
    }

    /// When [`poll`](Self::poll) is called at the latest, though nothing has happened; looked at after each of
    /// its calls.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The connection is gone. Requests without an answer were handed back as
    /// [`Event::Failed`] before.
    fn ended(&mut self, ended: &Ended) {
        let _ = ended;
    }
}

/// A connection as its application sees it: the session, and where its octets go.
#[derive(Debug)]
pub struct Link<'a, T> {
    /// The session's state machine.
    pub session: &'a mut Session<T>,
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) now: Now,
    pub(crate) peer: SocketAddr,
    /// What the peer showed in the TLS handshake, believed by our roots.
    pub(crate) certificate: Option<&'a CertificateDer<'static>>,
    pub(crate) cut: &'a mut Option<Cut>,
    pub(crate) pace: &'a mut Option<Pace>,
    pub(crate) drain: &'a mut bool,
}

/// What becomes of a frame that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arriving {
    /// The session gets it.
    Take,
    /// Nobody does: as if it had been lost on the way.
    Swallow,
}

/// How octets leave: so many at a time at most, and so long between two writes. Few octets make split
/// segments, many with a pause merged ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Octets of one write at most; 0 is taken for 1.
    pub octets: usize,
    /// From one write to the next.
    pub gap: Duration,
}

/// How an application breaks a connection off, without SMPP's manners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Sends what is in the buffer, then closes.
    Close,
    /// Sends what leaves at once, throws the rest away and resets.
    Reset,
    /// Sends what is in the buffer; then neither reads nor writes any more, and leaves the connection
    /// open for so long, before it resets. To the peer the network seems to have swallowed us.
    Hang(Duration),
}

impl<T> Link<'_, T> {
    /// The time of this batch.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// The address of the peer; behind a load balancer the one that its PROXY header names.
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether the peer has shown a certificate, from a root that the listener asks for, with this name:
    /// a DNS name or an address among its subject's alternative names.
    pub fn bears(&self, name: &str) -> bool {
        self.certificate.is_some_and(|certificate| crate::tls::bears(certificate, name))
    }

    /// As [`Session::accept_bind`].
    pub fn accept_bind(&mut self, asked: Asked, system_id: &str) {
        self.session.accept_bind(self.now.mono, asked, system_id, self.out);
    }

    /// As [`Session::refuse_bind`].
    pub fn refuse_bind(&mut self, asked: Asked, status: CommandStatus) {
        self.session.refuse_bind(asked, status, self.out);
    }

    /// As [`Session::respond`].
    #[inline]
    pub fn respond(&mut self, asked: Asked, body: impl Into<Body>) {
        self.session.respond(asked, body, self.out);
    }

    /// As [`Session::respond_with`].
    pub fn respond_with(&mut self, asked: Asked, status: CommandStatus, body: impl Into<Body>) {
        self.session.respond_with(asked, status, body, self.out);
    }

    /// As [`Session::refuse`].
    pub fn refuse(&mut self, asked: Asked, status: CommandStatus) {
        self.session.refuse(asked, status, self.out);
    }

    /// As [`Session::request`].
    #[inline]
    pub fn request(&mut self, body: impl Into<Body>, token: T) -> Result<u32, SendError<T>> {
        self.session.request(self.now.mono, body, token, self.out)
    }

    /// As [`Session::notify`].
    pub fn notify(&mut self, body: impl Into<Body>) -> Result<u32, SendError<()>> {
        self.session.notify(self.now.mono, body, self.out)
    }

    /// As [`Session::unbind`].
    pub fn unbind(&mut self) {
        self.session.unbind(self.now.mono, self.out);
    }

    /// Ends the session more politely still: no request is taken or sent any more, and unbind goes out once all are
    /// answered, in both directions. Ours are waited for as long as the session waits for answers, the peer's as
    /// [`ConnectionLimits::last_answers`](crate::ConnectionLimits::last_answers) says.
    pub fn drain(&mut self) {
        *self.drain = true;
    }

    /// As [`Session::enquire_link`].
    pub fn enquire_link(&mut self) {
        self.session.enquire_link(self.now.mono, self.out);
    }

    /// Octets as they are, past the session: for faults on purpose.
    pub fn raw(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }

    /// How octets leave from now on; `None` is at once and whole.
    pub fn pace(&mut self, pace: Option<Pace>) {
        *self.pace = pace;
    }

    /// Breaks the connection off once this batch is done.
    pub fn cut(&mut self, cut: Cut) {
        *self.cut = Some(cut);
    }

    /// For what a session alone can do, with the buffer its octets go to.
    pub fn parts(&mut self) -> (&mut Session<T>, &mut Vec<u8>, Now) {
        (self.session, self.out, self.now)
    }
}
