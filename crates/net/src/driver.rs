//! The loop that joins a session to its socket.
//!
//! Wait until octets can be read; read once; hand every whole frame to the session and every event
//! to the application; write once all that has been answered. While a connection is idle it holds
//! no buffer: both are lent by the thread for the length of one poll.

use core::cell::RefCell;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rustls::pki_types::CertificateDer;
use smppkit_session::{Asked, CloseReason, Event, Session};
use smppkit_wire::{CommandStatus, Frame, Frames, Role, State};
use tokio::io::ReadBuf;
use tokio::time::Sleep;
use tokio_util::io::poll_read_buf;

use crate::application::{Application, Arriving, Cut, Link, Pace};
use crate::clock::Now;
use crate::gate::{Entry, Order};
use crate::limits::ConnectionLimits;
use crate::stream::Stream;

/// Octets read at once. At a window of 1,000 messages a larger buffer saves no more system calls.
const READ_OCTETS: usize = 64 * 1024;
/// Reads in a row before other connections of the thread get their turn.
const READS_A_TURN: u32 = 16;
/// How long a closing connection waits for the peer to close, too: closing at once while octets of
/// the peer are unread would reset the connection and take our last answer with it.
const LINGER: Duration = Duration::from_secs(1);
/// As long as requests wait for answers by default; for sessions that wait for ever.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// A write buffer that grew beyond this is given back rather than kept by the thread.
const WRITE_BUFFER_OCTETS: usize = 1024 * 1024;

thread_local! {
    static READ_BUFFER: RefCell<BytesMut> = RefCell::new(BytesMut::new());
    static WRITE_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How a connection ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// The session said so.
    Session(CloseReason),
    /// The peer closed without unbind.
    PeerClosed,
    /// The socket failed.
    Io(io::Error),
    /// The peer took none of our octets for too long.
    WriteStalled,
    /// The application or an operator broke it off.
    Cut,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(reason) => reason.fmt(f),
            Self::PeerClosed => f.write_str("the peer closed the connection"),
            Self::Io(error) => error.fmt(f),
            Self::WriteStalled => f.write_str("the peer reads nothing"),
            Self::Cut => f.write_str("broken off here"),
        }
    }
}

/// One connection: a future that ends with it.
pub(crate) struct Connection<S, A: Application> {
    io: S,
    session: Session<A::Token>,
    app: A,
    peer: SocketAddr,
    certificate: Option<CertificateDer<'static>>,
    limits: Arc<ConnectionLimits>,
    entry: Entry,
    /// What could not be written yet; empty while the peer keeps up.
    unsent: Vec<u8>,
    /// The beginning of a frame, or frames that must wait for the application.
    rest: Bytes,
    /// `None` until a deadline is known; armed no later than needed, and looked at when it fires.
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when nothing could be written.
    stalled: Option<Instant>,
    /// Since when the peer has shut its half.
    peer_shut: Option<Instant>,
    /// No more requests are taken or sent, and unbind goes out once all are answered.
    draining: Option<Draining>,
    pace: Option<Pace>,
    /// When the next write may be, by the pace.
    next_write: Option<Instant>,
    ending: Option<Ending>,
}

/// How long a connection that is to end waits for answers.
#[derive(Debug, Clone, Copy)]
struct Draining {
    /// For ours.
    ours: Instant,
    /// For the peer's.
    theirs: Instant,
}

/// The last acts of a connection.
struct Ending {
    ended: Ended,
    /// What remains: all written, our half shut, theirs shut.
    shut: bool,
    /// When the connection is reset; nothing is read or written any more until then.
    reset: Option<Instant>,
    until: Instant,
}

impl<S: Stream, A: Application + Unpin> Connection<S, A> {
    pub(crate) fn new(
        io: S,
        session: Session<A::Token>,
        app: A,
        peer: SocketAddr,
        limits: Arc<ConnectionLimits>,
        entry: Entry,
    ) -> Self {
        Self {
            certificate: io.peer_certificate(),
            io,
            session,
            app,
            peer,
            limits,
            entry,
            unsent: Vec::new(),
            rest: Bytes::new(),
            timer: None,
            stalled: None,
            peer_shut: None,
            draining: None,
            pace: None,
            next_write: None,
            ending: None,
        }
    }

    #[inline]
    fn event(&mut self, now: Now, out: &mut Vec<u8>, event: Event<A::Token>) {
        if let Event::Close(reason) = event {
            self.end(now, Ended::Session(reason));
        }
        self.call(now, out, |app, link| app.event(link, event));
    }

    fn poll_app(&mut self, now: Now, out: &mut Vec<u8>, cx: &mut Context<'_>) {
        self.call(now, out, |app, link| app.poll(link, cx));
    }

    /// Calls the application, and does to the connection what it orders.
    #[inline]
    fn call<R>(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        ask: impl FnOnce(&mut A, &mut Link<'_, A::Token>) -> R,
    ) -> R {
        let (mut cut, mut drain) = (None, false);
        let (session, pace) = (&mut self.session, &mut self.pace);
        let certificate = self.certificate.as_ref();
        let peer = self.peer;
        let mut link = Link { session, out, now, peer, certificate, cut: &mut cut, pace, drain: &mut drain };
        let answer = ask(&mut self.app, &mut link);
        if drain {
            self.begin_drain(now);
        }
        if cut.is_some() {
            self.cut(now, cut);
        }
        answer
    }

    fn cut(&mut self, now: Now, cut: Option<Cut>) {
        match cut {
            None => {}
            Some(Cut::Close) => self.end(now, Ended::Cut),
            Some(Cut::Reset) => self.break_off(now, Some(now.mono)),
            Some(Cut::Hang(time)) => self.break_off(now, Some(now.mono + time)),
        }
    }

    /// Ends with a reset at a time, and without a word until then but what is in the buffer.
    fn break_off(&mut self, now: Now, reset: Option<Instant>) {
        self.end(now, Ended::Cut);
        if let Some(ending) = &mut self.ending {
            ending.reset = reset;
        }
    }

    fn end(&mut self, now: Now, ended: Ended) {
        if self.ending.is_none() {
            // Whoever reads slowly still gets its last answers; a cut waits for nobody.
            let time = if matches!(ended, Ended::Cut) { LINGER } else { self.limits.write_stall.max(LINGER) };
            self.ending = Some(Ending { ended, shut: false, reset: None, until: now.mono + time });
        }
    }

    /// Hands over the whole frames of a run; `rest` is what was left of it.
    fn frames(&mut self, now: Now, run: &Bytes, out: &mut Vec<u8>) -> usize {
        let limit = self.session.config().pdu_limit_octets;
        let mut frames = Frames::new(run, limit);
        while self.may_take(out) {
            match frames.next() {
                Some(Ok(frame)) if A::WATCHES && self.arriving(now, &frame, out) == Arriving::Swallow => {}
                Some(Ok(frame)) => match self.session.receive(now.mono, &frame, out) {
                    Some(Event::Request(asked, _)) if self.draining.is_some() => self.put_off(asked, out),
                    Some(event) => self.event(now, out, event),
                    None => {}
                },
                Some(Err(error)) => {
                    let event = self.session.framing_lost(&error, out);
                    self.event(now, out, event);
                }
                None => break,
            }
        }
        let left = frames.rest().len();
        if A::WATCHES && left < run.len() {
            self.app.read(now, &run[..run.len() - left]);
        }
        if self.ending.is_some() { 0 } else { left }
    }

    fn arriving(&mut self, now: Now, frame: &Frame<'_>, out: &mut Vec<u8>) -> Arriving {
        self.call(now, out, |app, link| app.arriving(link, frame))
    }

    /// Whether one more frame may be handed over. A peer that does not read is not served, or its
    /// answers could fill the memory.
    fn may_take(&self, out: &[u8]) -> bool {
        self.ending.is_none()
            && self.session.may_receive()
            && self.unsent.len() + out.len() <= self.limits.write_queue_octets
    }

    /// Whether `rest` begins with a whole frame.
    fn has_frame(&self) -> bool {
        !self.rest.is_empty()
            && !matches!(
                smppkit_wire::frame::whole_frame(&self.rest, self.session.config().pdu_limit_octets),
                Ok(None)
            )
    }

    /// Reads once, into a buffer lent by the thread.
    fn poll_read(&mut self, now: Now, out: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            buffer.reserve(READ_OCTETS + self.rest.len());
            buffer.extend_from_slice(&self.rest);
            let read = ready!(poll_read_buf(Pin::new(&mut self.io), cx, buffer))?;
            if read == 0 {
                return Poll::Ready(Ok(0));
            }
            let run = if A::KEEPS_BODIES { Bytes::copy_from_slice(buffer) } else { buffer.split().freeze() };
            let left = self.frames(now, &run, out);
            // The buffer is the thread's: what stays behind is copied out of it.
            self.rest = Bytes::copy_from_slice(&run[run.len() - left..]);
            Poll::Ready(Ok(read))
        })
    }

    /// Writes all it can. `Ready` when nothing is left.
    fn poll_write(&mut self, now: Now, out: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if A::WATCHES && !out.is_empty() {
            self.app.leaving(now, out);
        }
        if !self.unsent.is_empty() {
            self.unsent.append(out);
            core::mem::swap(&mut self.unsent, out);
            self.unsent = Vec::new();
        }
        let mut written = 0;
        while written < out.len() {
            let mut end = out.len();
            if let Some(pace) = self.pace {
                if self.next_write.is_some_and(|next| now.mono < next) {
                    self.unsent.extend_from_slice(&out[written..]);
                    out.clear();
                    return Poll::Pending;
                }
                end = end.min(written + pace.octets.max(1));
            }
            match Pin::new(&mut self.io).poll_write(cx, &out[written..end]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(octets)) => {
                    written += octets;
                    self.stalled = None;
                    self.next_write = self.pace.map(|pace| now.mono + pace.gap);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.stalled.get_or_insert(now.mono);
                    self.unsent.extend_from_slice(&out[written..]);
                    out.clear();
                    return Poll::Pending;
                }
            }
        }
        out.clear();
        // A TLS stream keeps records back until it is told.
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Arms the timer for the next deadline; true when that is now.
    fn poll_timer(&mut self, now: Now, cx: &mut Context<'_>) -> bool {
        let stalled = self.stalled.map(|since| since + self.limits.write_stall);
        let ending = self.ending.as_ref().map(|ending| ending.reset.unwrap_or(ending.until));
        let alive = |deadline: Option<Instant>| deadline.filter(|_| ending.is_none());
        let (session, app) = (self.session.deadline(), self.app.deadline());
        let [session, app, shut, drained] =
            [session, app, self.shut_until(), self.drained_until()].map(alive);
        let paced = self.next_write.filter(|_| !self.unsent.is_empty() && self.pace.is_some());
        let deadlines = [session, app, shut, drained, stalled, paced, ending];
        let Some(deadline) = deadlines.into_iter().flatten().min() else {
            return false;
        };
        if deadline <= now.mono {
            return true;
        }
        let deadline = tokio::time::Instant::from_std(deadline);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        // Moving a timer costs a lock: it may fire early, once, rather than move with each message.
        if timer.deadline() > deadline || timer.is_elapsed() {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).is_ready()
    }

    fn orders(&mut self, now: Now, cx: &mut Context<'_>) {
        let order = self.entry.poll_order(cx);
        if let Some(ending) =
            self.ending.as_mut().filter(|ending| ending.reset.is_some() && order != Order::None)
        {
            ending.reset = Some(now.mono);
        }
        match order {
            Order::None => {}
            Order::Drain => self.begin_drain(now),
            Order::Kick => {
                self.end(now, Ended::Cut);
                if let Some(ending) = &mut self.ending {
                    ending.until = ending.until.min(now.mono + LINGER);
                }
            }
        }
    }

    /// How long the application may take for what it still owes when a session is about to end.
    fn answer_time(&self) -> Duration {
        self.session.config().response.unwrap_or(ANSWER_TIME)
    }

    /// Refuses a request so that the peer sends it again, here or elsewhere.
    #[cold]
    fn put_off(&mut self, asked: Asked, out: &mut Vec<u8>) {
        let later = match self.session.role() {
            Role::Mc => CommandStatus::ESME_RTHROTTLED,
            Role::Esme => CommandStatus::ESME_RX_T_APPN,
        };
        self.session.refuse(asked, later, out);
    }

    fn begin_drain(&mut self, now: Now) {
        match self.session.state() {
            // An unbind is under way: it ends by itself.
            State::Unbound => {}
            state if state.is_bound() => {
                self.session.leave();
                self.draining.get_or_insert(Draining {
                    ours: now.mono + self.answer_time(),
                    theirs: now.mono + self.limits.last_answers,
                });
            }
            _ => self.end(now, Ended::Cut),
        }
    }

    /// While draining: unbinds once all that was taken and sent is answered. A peer may close as soon as it
    /// has answered unbind, and whatever is answered later is lost.
    fn drain(&mut self, now: Now, out: &mut Vec<u8>) {
        if self.draining.is_some() && self.drained_until().is_none_or(|until| until <= now.mono) {
            self.draining = None;
            self.session.unbind(now.mono, out);
        }
    }

    /// Until when answers are waited for, where the connection is to end and some are missing.
    fn drained_until(&self) -> Option<Instant> {
        let Draining { ours, theirs } = self.draining?;
        let ours = (self.session.unanswered() > 0).then_some(ours);
        let theirs = (self.session.in_flight() > 0).then_some(theirs);
        ours.max(theirs)
    }

    /// A peer that sends its requests and then shuts its half waits for their answers: ends once it
    /// has all it is owed.
    fn part(&mut self, now: Now) {
        let owed = self.session.unanswered() > 0 || !self.unsent.is_empty() || self.has_frame();
        if self.shut_until().is_some_and(|until| !owed || until <= now.mono) {
            self.end(now, Ended::PeerClosed);
        }
    }

    /// Until when a peer that has shut its half may wait for what it is owed: not long while requests
    /// of ours are on their way to it, which have failed without knowing it.
    fn shut_until(&self) -> Option<Instant> {
        let waits = self.session.in_flight() > 0;
        self.peer_shut.map(|since| since + if waits { LINGER } else { self.answer_time() })
    }

    fn turn(&mut self, out: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<Ended> {
        let mut now = Now::read();
        for _ in 0..READS_A_TURN {
            self.orders(now, cx);
            while self.ending.is_none()
                && let Some(event) = self.session.timeout(now.mono, out)
            {
                self.event(now, out, event);
            }
            if self.ending.is_some() {
                return self.last_acts(now, out, cx);
            }
            if self.has_frame() && self.may_take(out) {
                let mut run = core::mem::take(&mut self.rest);
                let left = self.frames(now, &run, out);
                self.rest = run.split_off(run.len() - left);
            }
            self.poll_app(now, out, cx);
            self.drain(now, out);
            if self.session.state().is_bound() {
                self.entry.bound();
            }
            match self.poll_write(now, out, cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Ended::Io(error)),
                Poll::Pending
                    if self.stalled.is_some_and(|since| since + self.limits.write_stall <= now.mono) =>
                {
                    return Poll::Ready(Ended::WriteStalled);
                }
                _ => {}
            }
            self.part(now);
            if self.ending.is_some() {
                continue;
            }
            let may_take = self.may_take(out);
            if may_take && self.has_frame() {
                continue;
            }
            let may_read = may_take && self.peer_shut.is_none();
            let read = if may_read { self.poll_read(now, out, cx) } else { Poll::Pending };
            match read {
                Poll::Ready(Ok(0)) => self.peer_shut = Some(now.mono),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Ended::Io(error)),
                Poll::Pending => {
                    if !self.poll_timer(now, cx) {
                        return Poll::Pending;
                    }
                }
            }
            now = Now::read();
        }
        cx.waker().wake_by_ref();
        // What the last read was answered with must not wait for the others' turns.
        match self.poll_write(now, out, cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Ended::Io(error)),
            _ => Poll::Pending,
        }
    }

    /// Writes what is left, shuts our half, reads and throws away until the peer shuts theirs.
    fn poll_goodbye(&mut self, now: Now, out: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(ending) = &mut self.ending else {
            return Poll::Ready(());
        };
        if let Some(reset) = ending.reset {
            let written = self.poll_write(now, out, cx);
            if reset > now.mono && !matches!(written, Poll::Ready(Err(_))) {
                return Poll::Pending;
            }
            self.io.reset();
            return Poll::Ready(());
        }
        if ending.until <= now.mono {
            return Poll::Ready(());
        }
        if !ending.shut {
            if ready!(self.poll_write(now, out, cx)).is_err() {
                return Poll::Ready(());
            }
            let shut = ready!(Pin::new(&mut self.io).poll_shutdown(cx)).is_ok();
            match &mut self.ending {
                Some(ending) if shut => {
                    ending.shut = true;
                    ending.until = ending.until.min(now.mono + LINGER);
                }
                _ => return Poll::Ready(()),
            }
        }
        let mut octets = [0; 4096];
        loop {
            let mut room = ReadBuf::new(&mut octets);
            if ready!(Pin::new(&mut self.io).poll_read(cx, &mut room)).is_err() || room.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }

    /// Says goodbye, within its time.
    fn last_acts(&mut self, now: Now, out: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<Ended> {
        if self.poll_goodbye(now, out, cx).is_pending() && !self.poll_timer(now, cx) {
            return Poll::Pending;
        }
        let ended = self.ending.take().map_or(Ended::Cut, |ending| ending.ended);
        Poll::Ready(ended)
    }
}

impl<S: Stream, A: Application + Unpin> Future for Connection<S, A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut out = WRITE_BUFFER.take();
        let polled = this.turn(&mut out, cx);
        if out.capacity() <= WRITE_BUFFER_OCTETS {
            out.clear();
            WRITE_BUFFER.set(out);
        }
        let ended = ready!(polled);
        let now = Now::read();
        let mut nowhere = Vec::new();
        while let Some(event) = this.session.closed() {
            let (mut cut, mut pace, mut drain) = (None, None, false);
            let mut link = Link {
                session: &mut this.session,
                out: &mut nowhere,
                now,
                peer: this.peer,
                certificate: this.certificate.as_ref(),
                cut: &mut cut,
                pace: &mut pace,
                drain: &mut drain,
            };
            this.app.event(&mut link, event);
            nowhere.clear();
        }
        this.app.ended(&ended);
        Poll::Ready(())
    }
}
