//! What an MC delivers, told as it comes.

use core::fmt;
use core::future::Future;
use core::pin::{Pin, pin};
use core::time::Duration;
use std::net::SocketAddr;
use std::time::Instant;

use serde_json::Value as Json;
use smppkit_net::{Backoff, BindMode, Gate, Listener};
use smppkit_text::reassembly::{Dropped, Limits, Outcome};
use smppkit_text::{Decoded, Fidelity, Reassembly, ReferenceWidth};
use smppkit_wire::{Body, CommandStatus, Pdu, Role, Version};
use tokio::sync::mpsc;

use crate::connection::{Connection, ConnectionError};
use crate::draft::dissect;
use crate::ear::{Ear, Said};
use crate::incoming::{Delivered, Receipt};

/// Where to listen, and for what.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Where to bind, and as whom.
    pub connection: Connection,
    /// As what; `None` is a transceiver, or in 3.3 a receiver.
    pub mode: Option<BindMode>,
    /// Wait here for MCs that send outbind, instead of connecting.
    pub outbind: Option<SocketAddr>,
    /// What each delivery is answered with.
    pub answer: CommandStatus,
    /// Stop after so many messages and receipts.
    pub count: Option<u64>,
    /// Stop after this time.
    pub timeout: Option<Duration>,
    /// Bind again when the session has ended.
    pub reconnect: bool,
    /// How long the parts of a long message wait for each other.
    pub part_timeout: Duration,
}

/// What was heard.
#[derive(Debug)]
pub enum Heard {
    /// Outbinds are waited for here.
    Waiting(SocketAddr),
    /// An MC asked for a bind, by this name.
    Outbind(String),
    /// The bind was accepted.
    Bound {
        /// The MC's name.
        system_id: String,
        /// The version both speak.
        version: Version,
        /// What the session is for.
        mode: BindMode,
    },
    /// A message, its parts joined.
    Message {
        /// Addresses, class, encoding: those of the first part.
        first: Box<Delivered>,
        /// The text.
        decoded: Decoded,
        /// Which parts came; empty when it was one that is whole.
        parts: Vec<u8>,
        /// Parts it has.
        total: u8,
        /// The PDUs, as JSON.
        pdus: Vec<Json>,
    },
    /// A receipt, or news of a message on its way.
    Receipt {
        /// Its addresses.
        delivered: Box<Delivered>,
        /// What it says.
        receipt: Receipt,
        /// The PDU, as JSON.
        pdu: Json,
    },
    /// Something else, such as alert_notification.
    Other {
        /// In one line.
        summary: String,
        /// The PDU, as JSON.
        pdu: Json,
    },
    /// The session ended.
    Ended(String),
    /// The next attempt to bind comes after this time.
    Again(Duration),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenEnd {
    /// All that was asked for came.
    Counted(u64),
    /// The time is over.
    TimedOut(u64),
    /// The session ended, and no other was to be tried.
    Closed(u64),
    /// Whoever asked for it wants no more.
    Interrupted(u64),
}

/// Why nothing could be heard.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// There is no connection to try.
    Connection(ConnectionError),
    /// No connection.
    Connect(std::io::Error),
    /// No socket to wait at.
    Listen(std::io::Error),
    /// The MC refused the bind.
    Refused(CommandStatus),
    /// The connection ended before the MC answered.
    NotBound(String),
}

/// Listens until enough was heard, the time is over, or `stop` is done; then unbinds.
pub async fn listen(
    listening: &Listening,
    stop: impl Future<Output = ()>,
    tell: impl FnMut(Heard),
) -> Result<ListenEnd, ListenError> {
    let limit = listening.timeout.map(|timeout| tokio::time::Instant::now() + timeout);
    let limits = Limits { time: listening.part_timeout, ..Limits::default() };
    let mut hearing =
        Hearing { listening, tell, limit, began: Instant::now(), parts: Reassembly::new(limits), count: 0 };
    let mut stop: Pin<&mut dyn Future<Output = ()>> = pin!(stop);
    let end = if let Some(address) = listening.outbind {
        hearing.outbinds(address, &mut stop).await
    } else {
        hearing.sessions(&mut stop).await
    };
    hearing.rest();
    end
}

struct Hearing<'a, F> {
    listening: &'a Listening,
    tell: F,
    limit: Option<tokio::time::Instant>,
    began: Instant,
    parts: Reassembly<(), Key, PartHeard>,
    count: u64,
}

/// What the parts of one message have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    source_addr: String,
    destination_addr: String,
    reference: u16,
    width: ReferenceWidth,
    total: u8,
}

/// One part that waits for the others.
#[derive(Debug, Clone)]
struct PartHeard {
    delivered: Box<Delivered>,
    pdu: Json,
}

impl AsRef<[u8]> for PartHeard {
    fn as_ref(&self) -> &[u8] {
        &self.delivered.user_data
    }
}

/// Why the loop over one session was left.
enum Left {
    Done(ListenEnd),
    Ended,
}

type Stop<'a, 'b> = &'a mut Pin<&'b mut dyn Future<Output = ()>>;

impl<F: FnMut(Heard)> Hearing<'_, F> {
    /// One session, or with reconnect one after the other.
    async fn sessions(&mut self, stop: Stop<'_, '_>) -> Result<ListenEnd, ListenError> {
        let mut backoff = Backoff::default();
        loop {
            let bound = Instant::now();
            match self.session(stop).await {
                Ok(Left::Done(end)) => return Ok(end),
                Ok(Left::Ended) if !self.listening.reconnect => return Ok(ListenEnd::Closed(self.count)),
                Err(error @ ListenError::Connection(_)) => return Err(error),
                Err(error) if !self.listening.reconnect => return Err(error),
                Ok(Left::Ended) => {}
                Err(error) => (self.tell)(Heard::Ended(error.to_string())),
            }
            // A session that held for a while is no failure to be waited out.
            if bound.elapsed() > Duration::from_secs(60) {
                backoff.reset();
            }
            let wait = backoff.wait();
            (self.tell)(Heard::Again(wait));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = until(self.limit) => return Ok(ListenEnd::TimedOut(self.count)),
                () = &mut *stop => return Ok(ListenEnd::Interrupted(self.count)),
            }
        }
    }

    async fn session(&mut self, stop: Stop<'_, '_>) -> Result<Left, ListenError> {
        let connector = self.listening.connection.connector().map_err(ListenError::Connection)?;
        let (ear, mut said, keep) = self.ear(false)?;
        tokio::select! {
            started = connector.start(ear) => { started.map_err(ListenError::Connect)?; }
            () = until(self.limit) => return Ok(Left::Done(ListenEnd::TimedOut(self.count))),
            () = &mut *stop => return Ok(Left::Done(ListenEnd::Interrupted(self.count))),
        }
        self.hear(&mut said, keep, stop).await
    }

    /// Takes MCs that ask for a bind, one after the other.
    async fn outbinds(&mut self, address: SocketAddr, stop: Stop<'_, '_>) -> Result<ListenEnd, ListenError> {
        let gate = Gate::default();
        let listener = Listener::bind(address).await.map_err(ListenError::Listen)?;
        let listener = listener.role(Role::Esme).session(self.listening.connection.session()).gate(gate);
        (self.tell)(Heard::Waiting(listener.local_addr().map_err(ListenError::Listen)?));
        let (ear, mut said, keep) = self.ear(true)?;
        let Ear { opening, answer, said: say, stop: told, .. } = ear;
        // One session at a time: the first connection gets what ends it, others are closed.
        let mut first = Some((opening, say, told));
        let serve = listener.serve(move |_| {
            // Told to stop, and heard by nobody.
            let nothing = || (None, mpsc::channel(1).0, mpsc::channel(1).1);
            let (opening, said, stop) = first.take().unwrap_or_else(nothing);
            Ear { opening, awaits_outbind: true, answer, said, stop, stopping: false }
        });
        tokio::select! {
            () = serve => Ok(ListenEnd::Closed(self.count)),
            left = self.hear(&mut said, keep, stop) => Ok(match left? {
                Left::Done(end) => end,
                Left::Ended => ListenEnd::Closed(self.count),
            }),
        }
    }

    /// An ear, what it says, and what keeps it from unbinding.
    fn ear(
        &self,
        awaits_outbind: bool,
    ) -> Result<(Ear, mpsc::Receiver<Said>, mpsc::Sender<()>), ListenError> {
        let connection = &self.listening.connection;
        let bind = connection.bind().map_err(ListenError::Connection)?;
        let (said, says) = mpsc::channel(SAID);
        let (keep, stop) = mpsc::channel(1);
        let opening = Some((self.mode(), bind));
        let answer = self.listening.answer;
        Ok((Ear { opening, awaits_outbind, answer, said, stop, stopping: false }, says, keep))
    }

    fn mode(&self) -> BindMode {
        self.listening.connection.mode(self.listening.mode, BindMode::Receiver)
    }

    /// Takes in what one session says, until it ends or enough was heard.
    async fn hear(
        &mut self,
        said: &mut mpsc::Receiver<Said>,
        keep: mpsc::Sender<()>,
        stop: Stop<'_, '_>,
    ) -> Result<Left, ListenError> {
        let mut version = None;
        let end = loop {
            let next_part = self
                .parts
                .next_deadline()
                .map(|deadline| tokio::time::Instant::from_std(self.began + deadline));
            tokio::select! {
                next = said.recv() => match next {
                    Some(Said::Outbind(outbind)) => {
                        (self.tell)(Heard::Outbind(outbind.system_id.to_text()));
                    }
                    Some(Said::Bound { system_id, version: agreed }) => {
                        version = Some(agreed);
                        let mode = self.mode();
                        (self.tell)(Heard::Bound { system_id, version: agreed, mode });
                    }
                    Some(Said::Refused(status)) => return Err(ListenError::Refused(status)),
                    Some(Said::Pdu { sequence_number, body }) => {
                        self.pdu(sequence_number, *body, version.unwrap_or_default());
                    }
                    Some(Said::Ended(why)) if version.is_some() => {
                        (self.tell)(Heard::Ended(why));
                        return Ok(Left::Ended);
                    }
                    Some(Said::Ended(why)) => return Err(ListenError::NotBound(why)),
                    None => return Ok(Left::Ended),
                },
                () = until(next_part) => self.expire(self.began.elapsed()),
                () = until(self.limit) => break ListenEnd::TimedOut(self.count),
                () = &mut *stop => break ListenEnd::Interrupted(self.count),
            }
            if self.listening.count.is_some_and(|count| self.count >= count) {
                break ListenEnd::Counted(self.count);
            }
        };
        // Told to stop, the ear unbinds; an MC that does not answer keeps nobody waiting.
        drop(keep);
        let ended = async { while !matches!(said.recv().await, None | Some(Said::Ended(_))) {} };
        let _ = tokio::time::timeout(UNBIND_TIME, ended).await;
        Ok(Left::Done(end))
    }

    fn pdu(&mut self, sequence_number: u32, body: Body, version: Version) {
        let mut octets = Vec::new();
        let delivered = Delivered::of(&body);
        Pdu::request(sequence_number, body).encode(version, &mut octets);
        let dissection = dissect(&octets, version);
        let pdu = dissection.json();
        let Some(delivered) = delivered.map(Box::new) else {
            let summary = dissection.summary();
            return (self.tell)(Heard::Other { summary, pdu });
        };
        if let Some(receipt) = delivered.receipt() {
            self.count += 1;
            return (self.tell)(Heard::Receipt { delivered, receipt, pdu });
        }
        let Some(place) = delivered.place().filter(|place| place.total() > 1) else {
            return self.message(1, vec![(1, PartHeard { delivered, pdu })]);
        };
        let key = Key {
            source_addr: delivered.source_addr.clone(),
            destination_addr: delivered.destination_addr.clone(),
            reference: place.reference(),
            width: place.width(),
            total: place.total(),
        };
        let offered = self.parts.offer((), key, place, PartHeard { delivered, pdu }, self.began.elapsed());
        for dropped in offered.dropped {
            self.incomplete(dropped);
        }
        match offered.outcome {
            Outcome::Complete(parts) => self.message(place.total(), (1..).zip(parts).collect()),
            Outcome::Refused(part, _) => self.message(place.total(), vec![(place.sequence(), part)]),
            // The same part came again: the MC did not see the answer to the first.
            Outcome::Waiting { .. } | Outcome::Duplicate(_) => {}
        }
    }

    fn expire(&mut self, now: Duration) {
        for dropped in self.parts.expire(now) {
            self.incomplete(dropped);
        }
    }

    /// What is left when all is over.
    fn rest(&mut self) {
        self.expire(Duration::MAX);
    }

    fn incomplete(&mut self, dropped: Dropped<(), Key, PartHeard>) {
        self.message(dropped.total, dropped.parts);
    }

    fn message(&mut self, total: u8, parts: Vec<(u8, PartHeard)>) {
        self.count += 1;
        let mut text = String::new();
        let mut replaced = 0;
        let mut fidelity = Fidelity::Exact;
        let (mut came, mut pdus, mut first) = (Vec::new(), Vec::new(), None);
        for (sequence, part) in parts {
            if usize::from(sequence) != came.len() + 1 {
                text.push('…');
            }
            let decoded = part.delivered.decoded();
            text.push_str(&decoded.text);
            match decoded.fidelity {
                Fidelity::Lossy { replaced: more } => replaced += more,
                other if other != Fidelity::Exact => fidelity = other,
                _ => {}
            }
            came.push(sequence);
            pdus.push(part.pdu);
            first.get_or_insert(part.delivered);
        }
        if replaced > 0 {
            fidelity = Fidelity::Lossy { replaced };
        }
        let Some(first) = first else {
            return;
        };
        (self.tell)(Heard::Message { first, decoded: Decoded { text, fidelity }, parts: came, total, pdus });
    }
}

/// A moment that may never come.
async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => core::future::pending().await,
    }
}

/// PDUs that wait to be shown; beyond, the MC is asked to try again.
const SAID: usize = 1_000;
/// How long an unbind may take when all is done.
const UNBIND_TIME: Duration = Duration::from_secs(5);

impl ListenError {
    /// Whether what was given could not be tried at all.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Connection(error) if !matches!(error, ConnectionError::Tls(_)))
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => error.fmt(f),
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Listen(error) => write!(f, "cannot wait for outbind: {error}"),
            Self::Refused(status) => write!(f, "bind refused with {status}"),
            Self::NotBound(why) => write!(f, "no answer to the bind: {why}"),
        }
    }
}

impl std::error::Error for ListenError {}
