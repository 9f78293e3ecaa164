//! Sessions for people's code: send a request, await its answer.

use core::fmt;
use core::task::{Context, Poll};
use std::io;

use smppkit_session::{Asked, Bind, BindMode, Event, Failure, SendError};
use smppkit_wire::field::CStr;
use smppkit_wire::{Body, CommandStatus, PduType, Request, Version};
use tokio::sync::{mpsc, oneshot};

use crate::application::{Application, Link};
use crate::connect::Connector;
use crate::driver::Ended;

/// A bound session, from the side of its ESME. Clones share it; it unbinds when all are gone.
///
/// ```no_run
/// use smppkit_net::{Bind, BindMode, Connector};
/// use smppkit_wire::{field::ShortMessage, pdu::table::SubmitSm};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let bind = Bind::new("esme", "secret")?;
/// let (esme, _inbox) = Connector::new("127.0.0.1:2775").bind(BindMode::Transceiver, bind).await?;
/// let message = SubmitSm {
///     destination_addr: "447700900123".parse()?,
///     short_message: ShortMessage::new(&b"Hello"[..])?,
///     ..SubmitSm::default()
/// };
/// let answer = esme.send(message).await?;
/// println!("message_id {}", answer.message_id);
/// esme.unbind().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    /// The version both speak.
    pub version: Version,
    /// The MC's name.
    pub system_id: CStr<16>,
}

/// What comes in on a session: messages, receipts, alerts.
#[derive(Debug)]
pub struct Inbox {
    incoming: mpsc::Receiver<Incoming>,
}

/// One PDU of the peer.
#[derive(Debug)]
pub struct Incoming {
    /// What it says.
    pub body: Body,
    owed: Option<Owed>,
}

/// An answer that is owed. Dropped without one, the PDU is refused in a way that the peer retries:
/// whoever took it may have failed, and the places in receive_window would run out.
#[derive(Debug)]
struct Owed {
    asked: Option<Asked>,
    answers: mpsc::Sender<Answer>,
}

impl Owed {
    fn answer(&mut self, outcome: Result<Body, CommandStatus>) {
        if let Some(asked) = self.asked.take() {
            // There is a place for each request of receive_window; else the session is over.
            let _ = self.answers.try_send(Answer { asked, outcome });
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        self.answer(Err(CommandStatus::ESME_RX_T_APPN));
    }
}

/// Why a request has not succeeded.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestError {
    /// The peer refused it.
    Status(CommandStatus, Box<Body>),
    /// No answer could be read.
    Failed(Failure),
    /// It may not be sent: wrong role, state or version.
    NotSent(String),
    /// The session is over.
    Closed,
}

/// Why there is no session.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// No connection.
    Connect(io::Error),
    /// The MC refused the bind.
    Refused(CommandStatus),
    /// The connection ended before the MC answered.
    Ended(String),
}

type Outcome = Result<Body, RequestError>;

#[derive(Debug)]
enum Command {
    Request(Body, oneshot::Sender<Outcome>),
    Notify(Body),
    Unbind,
}

#[derive(Debug)]
struct Answer {
    asked: Asked,
    outcome: Result<Body, CommandStatus>,
}

impl Connector {
    /// Connects and binds: the session, and what comes in on it.
    pub async fn bind(&self, mode: BindMode, bind: Bind) -> Result<(Handle, Inbox), BindError> {
        let config = self.session_config();
        let (commands, to_send) = mpsc::channel(config.send_window.clamp(1, 10_000) as usize);
        let (answers, to_answer) = mpsc::channel(config.receive_window.max(1) as usize);
        // Each request of the peer has its place here until it is answered; alerts have a few more.
        let (deliver, incoming) = mpsc::channel(config.receive_window.max(1) as usize + 16);
        let (bound, outcome) = oneshot::channel();
        let app = Caller {
            opening: Some((mode, bind)),
            bound: Some(bound),
            to_send,
            to_answer,
            answers,
            deliver,
            waiting: None,
        };
        self.start(app).await.map_err(BindError::Connect)?;
        let (version, system_id) = outcome.await.map_err(|_| BindError::Ended("the task ended".into()))??;
        Ok((Handle { commands, version, system_id }, Inbox { incoming }))
    }
}

impl Handle {
    /// Sends a request and waits for its answer; an answer that refuses is an error. Waits first
    /// while the window is full.
    pub async fn send<R: Request>(&self, request: R) -> Result<R::Response, RequestError> {
        let body = self.send_body(request.into()).await?;
        R::Response::from_body(body).ok_or(RequestError::Closed)
    }

    /// As [`send`](Self::send), for a request that is known only at run time.
    pub async fn send_body(&self, request: Body) -> Outcome {
        let (answered, outcome) = oneshot::channel();
        let command = Command::Request(request, answered);
        self.commands.send(command).await.map_err(|_| RequestError::Closed)?;
        outcome.await.unwrap_or(Err(RequestError::Closed))
    }

    /// Sends a PDU that gets no answer.
    pub async fn notify(&self, body: impl Into<Body>) -> Result<(), RequestError> {
        self.commands.send(Command::Notify(body.into())).await.map_err(|_| RequestError::Closed)
    }

    /// Unbinds, and waits until the connection is closed.
    pub async fn unbind(&self) {
        let _ = self.commands.send(Command::Unbind).await;
        self.commands.closed().await;
    }

    /// Waits until the connection is closed, by whomever.
    pub async fn closed(&self) {
        self.commands.closed().await;
    }
}

impl Inbox {
    /// The next PDU; `None` when the session is over.
    pub async fn next(&mut self) -> Option<Incoming> {
        self.incoming.recv().await
    }
}

impl Incoming {
    /// Answers with success. A PDU that gets no answer gets none.
    pub fn accept(self) {
        let empty = Body::empty(self.body.command_id() | smppkit_wire::Header::RESPONSE_BIT);
        if let Some(body) = empty {
            self.answer(Ok(body));
        }
    }

    /// Answers with a body of one's own.
    pub fn respond(self, body: impl Into<Body>) {
        self.answer(Ok(body.into()));
    }

    /// Refuses it.
    pub fn refuse(self, status: CommandStatus) {
        self.answer(Err(status));
    }

    fn answer(self, outcome: Result<Body, CommandStatus>) {
        if let Some(mut owed) = self.owed {
            owed.answer(outcome);
        }
    }
}

/// The application behind a [`Handle`].
struct Caller {
    opening: Option<(BindMode, Bind)>,
    bound: Option<oneshot::Sender<Result<(Version, CStr<16>), BindError>>>,
    to_send: mpsc::Receiver<Command>,
    to_answer: mpsc::Receiver<Answer>,
    answers: mpsc::Sender<Answer>,
    deliver: mpsc::Sender<Incoming>,
    /// A command that the window has no room for.
    waiting: Option<(Body, oneshot::Sender<Outcome>)>,
}

impl Caller {
    fn deliver(&mut self, asked: Option<Asked>, body: Body) {
        let owed = asked.map(|asked| Owed { asked: Some(asked), answers: self.answers.clone() });
        let incoming = Incoming { body, owed };
        // There is a place for each request that receive_window lets in; nobody may be listening,
        // and then it is dropped, which refuses it.
        let _ = self.deliver.try_send(incoming);
    }

    fn send(
        &mut self,
        link: &mut Link<'_, oneshot::Sender<Outcome>>,
        body: Body,
        answered: oneshot::Sender<Outcome>,
    ) {
        match link.request(body, answered) {
            Ok(_) => {}
            Err(SendError::WindowFull(body, answered)) => self.waiting = Some((body, answered)),
            Err(error) => {
                let why = error.to_string();
                let _ = error.given().1.send(Err(RequestError::NotSent(why)));
            }
        }
    }
}

impl Application for Caller {
    type Token = oneshot::Sender<Outcome>;
    const KEEPS_BODIES: bool = true;

    fn event(&mut self, link: &mut Link<'_, Self::Token>, event: Event<Self::Token>) {
        match event {
            Event::Bound { version, system_id, .. } => {
                if let Some(bound) = self.bound.take() {
                    let _ = bound.send(Ok((version, system_id)));
                }
            }
            Event::BindRefused(status) => {
                if let Some(bound) = self.bound.take() {
                    let _ = bound.send(Err(BindError::Refused(status)));
                }
                link.cut(crate::Cut::Close);
            }
            Event::Request(asked, body) => self.deliver(Some(asked), body),
            Event::Notification(body) => self.deliver(None, body),
            Event::Response { token, status, body, .. } => {
                let outcome =
                    if status.is_ok() { Ok(body) } else { Err(RequestError::Status(status, Box::new(body))) };
                // Whoever asked may have given up.
                let _ = token.send(outcome);
            }
            Event::Failed { token, failure } => {
                let _ = token.send(Err(RequestError::Failed(failure)));
            }
            Event::Bind(asked, _) => link.refuse_bind(asked, CommandStatus::ESME_RINVBNDSTS),
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut Link<'_, Self::Token>, cx: &mut Context<'_>) {
        if let Some((mode, bind)) = self.opening.take() {
            let (session, out, now) = link.parts();
            // A fresh session of an ESME may always bind.
            let _ = session.bind(now.mono, mode, &bind, out);
        }
        while let Poll::Ready(Some(answer)) = self.to_answer.poll_recv(cx) {
            match answer.outcome {
                Ok(body) => link.respond(answer.asked, body),
                Err(status) => link.refuse(answer.asked, status),
            }
        }
        if self.bound.is_some() {
            return;
        }
        if let Some((body, answered)) = self.waiting.take() {
            self.send(link, body, answered);
        }
        while self.waiting.is_none() {
            match self.to_send.poll_recv(cx) {
                Poll::Ready(Some(Command::Request(body, answered))) => self.send(link, body, answered),
                Poll::Ready(Some(Command::Notify(body))) => {
                    if let Err(error) = link.notify(body) {
                        tracing::debug!(%error, "notification not sent");
                    }
                }
                Poll::Ready(Some(Command::Unbind) | None) => {
                    link.unbind();
                    return;
                }
                Poll::Pending => return,
            }
        }
    }

    fn ended(&mut self, ended: &Ended) {
        if let Some(bound) = self.bound.take() {
            let _ = bound.send(Err(BindError::Ended(ended.to_string())));
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, _) => write!(f, "refused with {status}"),
            Self::Failed(failure) => failure.fmt(f),
            Self::NotSent(why) => f.write_str(why),
            Self::Closed => f.write_str("the session is over"),
        }
    }
}

impl std::error::Error for RequestError {}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Refused(status) => write!(f, "bind refused with {status}"),
            Self::Ended(why) => write!(f, "no answer to the bind: {why}"),
        }
    }
}

impl std::error::Error for BindError {}
