//! Messages, from bind to receipts.

use core::fmt;
use core::future::Future;
use core::pin::pin;
use core::time::Duration;
use std::time::Instant;

use smppkit_net::{BindError, BindMode, Handle, Inbox, RequestError};
use smppkit_wire::value::MessageState;
use smppkit_wire::{Body, CommandStatus, Version};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::connection::{Connection, ConnectionError};
use crate::incoming::{Delivered, Receipt, same_message_id};
use crate::message::{Message, MessageError, Submission};

/// What is to be sent, where, and how often.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Where to bind.
    pub connection: Connection,
    /// As what; `None` is a transceiver, or in 3.3 a transmitter.
    pub mode: Option<BindMode>,
    /// What is sent.
    pub message: Message,
    /// How long to wait for the receipts; `None` waits for none.
    pub wait: Option<Duration>,
    /// How many times.
    pub repeat: u32,
    /// Requests in a second at most; `None` is as fast as they are answered.
    pub rate: Option<f64>,
    /// Requests that may wait for their answers.
    pub window: u32,
}

/// What has happened, as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The text is encoded and cut.
    Prepared {
        /// In which alphabet, in words.
        encoding: &'static str,
        /// Characters of the text.
        characters: usize,
        /// Parts it needs.
        parts: usize,
    },
    /// The MC accepted the bind.
    Bound {
        /// Its name.
        system_id: String,
        /// The version both speak.
        version: Version,
        /// What the session is for.
        mode: BindMode,
    },
    /// A request was accepted.
    Submitted {
        /// Its destinations.
        to: Vec<String>,
        /// Which part, from 1.
        part: usize,
        /// Of how many.
        parts: usize,
        /// Its encoding, as data_coding.
        data_coding: u8,
        /// The MC's id of it.
        message_id: String,
        /// From the request to its answer.
        after: Duration,
    },
    /// A request, or one of its destinations, was refused.
    Refused {
        /// The destinations.
        to: Vec<String>,
        /// Which part, from 1.
        part: usize,
        /// Of how many.
        parts: usize,
        /// Why, when the MC says so.
        status: Option<CommandStatus>,
        /// Why, in words.
        why: String,
    },
    /// A receipt of a final state.
    Receipt {
        /// The id it is about, as it was submitted.
        message_id: String,
        /// What has become of it.
        state: MessageState,
        /// `err` of the receipt's text.
        error: Option<String>,
        /// Since its request.
        after: Duration,
    },
    /// News of a message on its way.
    Notification {
        /// The id it is about, as it was submitted.
        message_id: String,
        /// Where it stands.
        state: Option<MessageState>,
        /// Since its request.
        after: Duration,
    },
    /// Something else came in; it was accepted, and nobody else will see it.
    Incoming {
        /// Its sender.
        from: String,
        /// Its destination.
        to: String,
        /// Its text.
        text: String,
    },
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The ids, one for each request accepted.
    pub message_ids: Vec<String>,
    /// The final states that receipts told.
    pub states: Vec<MessageState>,
    /// Requests and destinations refused.
    pub refused: usize,
}

impl Report {
    /// Whether all was accepted, and every receipt that came tells of a delivery.
    pub fn is_delivered(&self) -> bool {
        let delivered =
            |state: &MessageState| matches!(*state, MessageState::DELIVERED | MessageState::ACCEPTED);
        self.refused == 0 && self.states.iter().all(delivered)
    }
}

/// Why it did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// There is no message to send.
    Message(MessageError),
    /// There is no connection to try.
    Connection(ConnectionError),
    /// No session.
    Bind(BindError),
    /// The session ended before all was sent.
    Closed,
    /// Receipts are missing.
    NoReceipt {
        /// How many came.
        got: usize,
        /// How many should have.
        wanted: usize,
    },
    /// Whoever asked for it wants no more.
    Interrupted,
}

/// Binds, submits, waits for the receipts, unbinds. When `stop` is done it unbinds at once.
pub async fn send(
    sending: &Sending,
    stop: impl Future<Output = ()>,
    tell: impl FnMut(Step),
) -> Result<Report, SendError> {
    let mut stop = pin!(stop);
    let mut flow = tokio::select! {
        flow = Flow::open(sending, tell) => flow?,
        () = &mut stop => return Err(SendError::Interrupted),
    };
    let done = tokio::select! {
        done = flow.run(sending) => done,
        () = &mut stop => Err(SendError::Interrupted),
    };
    for esme in &flow.sessions {
        // An MC that does not answer keeps nobody waiting.
        let _ = tokio::time::timeout(UNBIND_TIME, esme.unbind()).await;
    }
    done.map(|()| flow.report())
}

/// Sessions, and what was sent on them.
struct Flow<F> {
    /// The first submits; a second one takes receipts where the first cannot.
    sessions: Vec<Handle>,
    incoming: mpsc::Receiver<Body>,
    submissions: Vec<Submission>,
    awaited: Vec<Awaited>,
    /// Receipts that came before the answers to what they are about.
    early: Vec<Receipt>,
    refused: usize,
    tell: F,
}

/// A request that was accepted.
struct Awaited {
    message_id: String,
    began: Instant,
    /// Receipts to come: one for each destination.
    wanted: usize,
    states: Vec<MessageState>,
}

/// A request and its outcome.
struct Answered {
    at: usize,
    began: Instant,
    outcome: Result<Body, RequestError>,
}

impl<F: FnMut(Step)> Flow<F> {
    async fn open(sending: &Sending, mut tell: F) -> Result<Self, SendError> {
        let prepared = sending.message.prepare(reference()).map_err(SendError::Message)?;
        let connection = &sending.connection;
        prepared.check(connection.version).map_err(SendError::Message)?;
        let (characters, parts) = (prepared.characters(), prepared.parts.len());
        tell(Step::Prepared { encoding: prepared.encoding(), characters, parts });

        let mode = connection.mode(sending.mode, BindMode::Transmitter);
        let (esme, inbox) = bind(connection, mode, &mut tell).await?;
        prepared.check(esme.version).map_err(SendError::Message)?;
        let (hand_over, incoming) = mpsc::channel(INCOMING);
        tokio::spawn(take(inbox, hand_over.clone()));
        let mut sessions = vec![esme];
        if sending.wait.is_some() && !mode.receives() {
            let (esme, inbox) = bind(connection, BindMode::Receiver, &mut tell).await?;
            tokio::spawn(take(inbox, hand_over));
            sessions.push(esme);
        }
        let (awaited, early) = (Vec::new(), Vec::new());
        let submissions = prepared.submissions;
        Ok(Self { sessions, incoming, submissions, awaited, early, refused: 0, tell })
    }

    async fn run(&mut self, sending: &Sending) -> Result<(), SendError> {
        self.submit(sending).await?;
        if let Some(wait) = sending.wait {
            self.receipts(wait).await?;
        }
        Ok(())
    }

    /// Sends all requests, at most `window` at a time and no faster than the rate.
    async fn submit(&mut self, sending: &Sending) -> Result<(), SendError> {
        let total = self.submissions.len() * sending.repeat as usize;
        let mut on_their_way = JoinSet::new();
        let mut next = 0;
        let mut references = reference();
        let interval = sending.rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        let mut due = tokio::time::Instant::now();
        while next < total || !on_their_way.is_empty() {
            let may_send = next < total && on_their_way.len() < sending.window.max(1) as usize;
            tokio::select! {
                biased;
                Some(body) = self.incoming.recv() => self.came(&body),
                Some(Ok(answered)) = on_their_way.join_next() => self.answered(answered)?,
                () = tokio::time::sleep_until(due), if may_send => {
                    if next > 0 && next % self.submissions.len() == 0 {
                        // Each repetition is a message of its own, so its parts share a number of their own.
                        references = references.wrapping_add(1);
                        let again = sending.message.prepare(references).map_err(SendError::Message)?;
                        self.submissions = again.submissions;
                    }
                    let at = next % self.submissions.len();
                    let body = self.submissions[at].body.clone();
                    let esme = self.sessions[0].clone();
                    on_their_way.spawn(async move {
                        let began = Instant::now();
                        Answered { at, began, outcome: esme.send_body(body).await }
                    });
                    next += 1;
                    due = interval.map_or(due, |interval| due + interval);
                }
            }
        }
        Ok(())
    }

    fn answered(&mut self, answered: Answered) -> Result<(), SendError> {
        let Answered { at, began, outcome } = answered;
        let Submission { to, part, parts, .. } = self.submissions[at].clone();
        let body = match outcome {
            Ok(body) => body,
            Err(RequestError::Closed) => return Err(SendError::Closed),
            Err(error) => {
                self.refused += 1;
                let status = if let RequestError::Status(status, _) = error { Some(status) } else { None };
                let why = error.to_string();
                (self.tell)(Step::Refused { to, part, parts, status, why });
                return Ok(());
            }
        };
        let (message_id, unsuccessful) = match &body {
            Body::SubmitSmResp(pdu) => (pdu.message_id.to_text(), Vec::new()),
            Body::DataSmResp(pdu) => (pdu.message_id.to_text(), Vec::new()),
            Body::SubmitMultiResp(pdu) => (pdu.message_id.to_text(), pdu.unsuccess_sme.iter().collect()),
            _ => Default::default(),
        };
        self.refused += unsuccessful.len();
        let wanted = to.len().saturating_sub(unsuccessful.len());
        for sme in &unsuccessful {
            let to = vec![sme.addr.to_text()];
            let (status, why) =
                (Some(sme.error_status_code), format!("refused with {}", sme.error_status_code));
            (self.tell)(Step::Refused { to, part, parts, status, why });
        }
        let data_coding = data_coding(&self.submissions[at].body);
        let after = began.elapsed();
        (self.tell)(Step::Submitted { to, part, parts, data_coding, message_id: message_id.clone(), after });
        self.awaited.push(Awaited { message_id, began, wanted, states: Vec::new() });
        for receipt in core::mem::take(&mut self.early) {
            self.receipt(receipt);
        }
        Ok(())
    }

    /// Waits until every request has its receipts.
    async fn receipts(&mut self, wait: Duration) -> Result<(), SendError> {
        let deadline = tokio::time::Instant::now() + wait;
        while self.missing() > 0 {
            let Ok(Some(body)) = tokio::time::timeout_at(deadline, self.incoming.recv()).await else {
                let wanted = self.awaited.iter().map(|awaited| awaited.wanted).sum();
                return Err(SendError::NoReceipt { got: wanted - self.missing(), wanted });
            };
            self.came(&body);
        }
        Ok(())
    }

    fn missing(&self) -> usize {
        self.awaited.iter().map(|awaited| awaited.wanted.saturating_sub(awaited.states.len())).sum()
    }

    fn came(&mut self, body: &Body) {
        let Some(delivered) = Delivered::of(body) else {
            return;
        };
        if let Some(receipt) = delivered.receipt() {
            self.receipt(receipt);
        } else {
            let (from, to) = (delivered.source_addr.clone(), delivered.destination_addr.clone());
            (self.tell)(Step::Incoming { from, to, text: delivered.decoded().text });
        }
    }

    fn receipt(&mut self, receipt: Receipt) {
        let ids = &receipt.message_ids;
        let open = |awaited: &Awaited| awaited.states.len() < awaited.wanted;
        // As it stands first: what is another's number in hexadecimal must not take its place.
        let exact = |awaited: &Awaited| open(awaited) && ids.contains(&awaited.message_id);
        let alike = |awaited: &Awaited| {
            open(awaited) && ids.iter().any(|id| same_message_id(&awaited.message_id, id))
        };
        let at = self.awaited.iter().position(exact).or_else(|| self.awaited.iter().position(alike));
        let Some(awaited) = at.and_then(|at| self.awaited.get_mut(at)) else {
            // Perhaps the answer that names it is still on its way; more than a window of those there are not.
            if self.early.len() < INCOMING {
                self.early.push(receipt);
            }
            return;
        };
        let (message_id, after) = (awaited.message_id.clone(), awaited.began.elapsed());
        match receipt.state {
            Some(state) if !receipt.intermediate => {
                awaited.states.push(state);
                (self.tell)(Step::Receipt { message_id, state, error: receipt.error, after });
            }
            state => (self.tell)(Step::Notification { message_id, state, after }),
        }
    }

    fn report(&self) -> Report {
        Report {
            message_ids: self.awaited.iter().map(|awaited| awaited.message_id.clone()).collect(),
            states: self.awaited.iter().flat_map(|awaited| awaited.states.iter().copied()).collect(),
            refused: self.refused,
        }
    }
}

async fn bind(
    connection: &Connection,
    mode: BindMode,
    tell: &mut impl FnMut(Step),
) -> Result<(Handle, Inbox), SendError> {
    let connector = connection.connector().map_err(SendError::Connection)?;
    let bind = connection.bind().map_err(SendError::Connection)?;
    let (esme, inbox) = connector.bind(mode, bind).await.map_err(SendError::Bind)?;
    tell(Step::Bound { system_id: esme.system_id.to_text(), version: esme.version, mode });
    Ok((esme, inbox))
}

/// Accepts what comes in and hands it over.
async fn take(mut inbox: Inbox, hand_over: mpsc::Sender<Body>) {
    while let Some(incoming) = inbox.next().await {
        let body = incoming.body.clone();
        if hand_over.send(body).await.is_err() {
            // Nobody reads any more: dropped unanswered, it is refused, and comes again to whoever does.
            return;
        }
        incoming.accept();
    }
}

fn data_coding(body: &Body) -> u8 {
    match body {
        Body::SubmitSm(pdu) => pdu.data_coding.0,
        Body::SubmitMulti(pdu) => pdu.data_coding.0,
        Body::DataSm(pdu) => pdu.data_coding.0,
        _ => 0,
    }
}

/// A number that the parts of one message share, and that of another most likely does not.
fn reference() -> u16 {
    let [.., high, low] = smppkit_net::Now::read().unix_ms.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// PDUs of the MC that wait until they are looked at; it waits with more.
const INCOMING: usize = 1_000;
/// How long an unbind may take when all is done.
const UNBIND_TIME: Duration = Duration::from_secs(5);

impl SendError {
    /// Whether there was no session at all.
    pub const fn is_connection(&self) -> bool {
        matches!(self, Self::Bind(_) | Self::Connection(ConnectionError::Tls(_)))
    }

    /// Whether what was given could not be sent to anybody.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Connection(_)) && !self.is_connection()
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(error) => error.fmt(f),
            Self::Connection(error) => error.fmt(f),
            Self::Bind(error) => error.fmt(f),
            Self::Closed => f.write_str("the session ended before all was sent"),
            Self::NoReceipt { got, wanted } => write!(f, "{got} of {wanted} receipts came in time"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for SendError {}
