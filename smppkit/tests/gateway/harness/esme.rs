//! An ESME that sends what it is given as fast as its window allows, and notes every answer and all that
//! comes.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Instant;

use smppkit_net::{Application, Asked, Bind, BindMode, Connector, Cut, Ended, Event, Link, SessionConfig};
use smppkit_wire::pdu::table::SubmitSm;
use smppkit_wire::{Body, CommandStatus, Header, Version};
use tokio::sync::oneshot;

use super::mc::lock;
use super::{Ledger, Told, secs, until};

/// Who binds, and how.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) system_id: String,
    pub(crate) password: String,
    pub(crate) mode: BindMode,
    pub(crate) version: Version,
    pub(crate) window: u32,
}

impl Login {
    /// A transceiver of SMPP 3.4.
    pub(crate) fn new(system_id: &str) -> Self {
        Self {
            system_id: system_id.to_owned(),
            password: "secret".to_owned(),
            mode: BindMode::Transceiver,
            version: Version::V34,
            window: 100,
        }
    }

    pub(crate) fn mode(self, mode: BindMode) -> Self {
        Self { mode, ..self }
    }

    pub(crate) fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn window(self, window: u32) -> Self {
        Self { window, ..self }
    }

    pub(crate) fn password(self, password: &str) -> Self {
        Self { password: password.to_owned(), ..self }
    }
}

/// How it answers what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Answering {
    #[default]
    Accept,
    Never,
    Refuse(CommandStatus),
}

/// Where the next message comes from, whenever there is room for one.
pub(crate) type Source = Arc<Mutex<dyn FnMut() -> Option<(u64, Body)> + Send>>;

/// A bound session.
#[derive(Debug)]
pub(crate) struct Esme {
    inner: Arc<Inner>,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
}

struct Inner {
    todo: Mutex<Desk>,
}

#[derive(Default)]
struct Desk {
    waker: Option<Waker>,
    todo: VecDeque<Todo>,
    answering: Answering,
    bound: Option<Result<(), CommandStatus>>,
    ended: bool,
}

enum Todo {
    Send(u64, Body),
    Ask(Body, oneshot::Sender<(CommandStatus, Body)>),
    Unbind,
    Cut,
}

impl Esme {
    /// Binds, and must be let in.
    pub(crate) async fn bind(address: SocketAddr, login: Login) -> Self {
        let name = login.system_id.clone();
        let bound = Self::try_bind(address, login, Arc::default(), None).await;
        bound.unwrap_or_else(|status| panic!("{name} cannot bind: {status:?}"))
    }

    /// Binds; `None` is no connection, or an end of it before there was an answer.
    pub(crate) async fn try_bind(
        address: SocketAddr,
        login: Login,
        ledger: Arc<Mutex<Ledger>>,
        source: Option<Source>,
    ) -> Result<Self, Option<CommandStatus>> {
        let config = SessionConfig {
            version: login.version,
            send_window: login.window,
            receive_window: 10_000,
            adaptive_window: false,
            ..SessionConfig::default()
        };
        let connector = Connector::new(address.to_string()).session(config);
        let inner = Arc::new(Inner { todo: Mutex::default() });
        let bind = Bind::new(&login.system_id, &login.password).expect("short");
        let app = Session {
            inner: Arc::clone(&inner),
            ledger: Arc::clone(&ledger),
            opening: Some((login.mode, bind)),
            bound: false,
            source: source.filter(|_| login.mode != BindMode::Receiver),
            waiting: VecDeque::new(),
            held: Vec::new(),
        };
        connector.start(app).await.map_err(|_| None)?;
        let esme = Self { inner, ledger };
        loop {
            {
                let desk = lock(&esme.inner.todo);
                match desk.bound {
                    Some(Ok(())) => break,
                    Some(Err(status)) => return Err(Some(status)),
                    None if desk.ended => return Err(None),
                    None => {}
                }
            }
            tokio::time::sleep(super::millis(1)).await;
        }
        Ok(esme)
    }

    fn post(&self, todo: Todo) {
        let mut desk = lock(&self.inner.todo);
        desk.todo.push_back(todo);
        if let Some(waker) = &desk.waker {
            waker.wake_by_ref();
        }
    }

    /// Has it look at its source again, which may have more by now.
    pub(crate) fn wake(&self) {
        if let Some(waker) = &lock(&self.inner.todo).waker {
            waker.wake_by_ref();
        }
    }

    /// Sends a message; its answer is noted.
    pub(crate) fn send(&self, number: u64, body: impl Into<Body>) {
        self.post(Todo::Send(number, body.into()));
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&self, body: impl Into<Body>) -> (CommandStatus, Body) {
        let (answered, answer) = oneshot::channel();
        self.post(Todo::Ask(body.into(), answered));
        let answer = tokio::time::timeout(secs(20), answer).await.expect("an answer within 20 s");
        answer.expect("the session stays until the answer")
    }

    /// Submits a message: its id, or why not.
    pub(crate) async fn submit(&self, pdu: SubmitSm) -> Result<String, CommandStatus> {
        let (status, body) = self.ask(pdu).await;
        match body {
            Body::SubmitSmResp(resp) if status.is_ok() => Ok(resp.message_id.to_text()),
            _ => Err(status),
        }
    }

    /// How it answers from now on.
    pub(crate) fn answering(&self, answering: Answering) {
        lock(&self.inner.todo).answering = answering;
    }

    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.inner.todo).ended
    }

    /// Unbinds, and waits until the connection is gone.
    pub(crate) async fn unbind(&self) {
        self.post(Todo::Unbind);
        until("unbound", secs(10), || self.has_ended()).await;
    }

    /// Breaks the connection off.
    pub(crate) async fn cut(&self) {
        self.post(Todo::Cut);
        until("cut", secs(10), || self.has_ended()).await;
    }

    pub(crate) fn acked(&self) -> usize {
        lock(&self.ledger).acked.len()
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.ledger).came.len()
    }

    pub(crate) fn came(&self) -> Vec<Body> {
        lock(&self.ledger).came.clone()
    }

    /// As [`Ledger::check_receipts`].
    #[track_caller]
    pub(crate) fn check_receipts(&self) -> usize {
        lock(&self.ledger).check_receipts()
    }

    pub(crate) fn receipts(&self) -> Vec<Told> {
        lock(&self.ledger).receipts()
    }
}

impl Drop for Esme {
    fn drop(&mut self) {
        self.post(Todo::Cut);
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

/// What goes out with a request.
enum Sent {
    Number(u64),
    Ask(oneshot::Sender<(CommandStatus, Body)>),
}

struct Session {
    inner: Arc<Inner>,
    ledger: Arc<Mutex<Ledger>>,
    opening: Option<(BindMode, Bind)>,
    bound: bool,
    source: Option<Source>,
    /// What the window has no room for.
    waiting: VecDeque<(Body, Sent)>,
    held: Vec<Asked>,
}

impl Session {
    fn came(&mut self, link: &mut Link<'_, Sent>, asked: Asked, body: Body) {
        let answering = lock(&self.inner.todo).answering;
        {
            let mut ledger = lock(&self.ledger);
            ledger.came.push(body);
            ledger.came_at = Some(Instant::now());
        }
        match answering {
            Answering::Accept => accept(link, asked),
            Answering::Refuse(status) => link.refuse(asked, status),
            Answering::Never => {
                self.held.push(asked);
                let mut ledger = lock(&self.ledger);
                ledger.most_waiting = ledger.most_waiting.max(self.held.len());
            }
        }
    }

    fn send(&mut self, link: &mut Link<'_, Sent>) {
        while link.session.room() > 0 {
            let from_source = || {
                let (number, body) = lock(self.source.as_ref()?)()?;
                Some((body, Sent::Number(number)))
            };
            let Some((body, sent)) = self.waiting.pop_front().or_else(from_source) else { return };
            if let Err(error) = link.request(body, sent) {
                assert!(!error.is_lasting(), "a test sends what may be sent: {error}");
                self.waiting.push_front(error.given());
                return;
            }
        }
    }
}

fn accept(link: &mut Link<'_, Sent>, asked: Asked) {
    let empty = Body::empty(asked.command_id | Header::RESPONSE_BIT).expect("a request has a response");
    link.respond(asked, empty);
}

impl Application for Session {
    type Token = Sent;
    const KEEPS_BODIES: bool = true;

    fn event(&mut self, link: &mut Link<'_, Sent>, event: Event<Sent>) {
        match event {
            Event::Bound { .. } => {
                self.bound = true;
                lock(&self.inner.todo).bound = Some(Ok(()));
            }
            Event::BindRefused(status) => {
                lock(&self.inner.todo).bound = Some(Err(status));
                link.cut(Cut::Close);
            }
            Event::Request(asked, body) => self.came(link, asked, body),
            Event::Response { token: Sent::Ask(answered), status, body, .. } => {
                let _ = answered.send((status, body));
            }
            Event::Response { token: Sent::Number(number), status, body, .. } => {
                let mut ledger = lock(&self.ledger);
                match body {
                    Body::SubmitSmResp(resp) if status.is_ok() => {
                        ledger.acked.insert(number, resp.message_id.to_text());
                    }
                    _ => ledger.refused.push((number, status)),
                }
            }
            Event::Failed { token: Sent::Number(number), .. } => lock(&self.ledger).unanswered.push(number),
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut Link<'_, Sent>, cx: &mut Context<'_>) {
        if let Some((mode, bind)) = self.opening.take() {
            let (session, out, now) = link.parts();
            let _ = session.bind(now.mono, mode, &bind, out);
        }
        let todo = {
            let mut desk = lock(&self.inner.todo);
            desk.waker = Some(cx.waker().clone());
            std::mem::take(&mut desk.todo)
        };
        for todo in todo {
            match todo {
                Todo::Send(number, body) => self.waiting.push_back((body, Sent::Number(number))),
                Todo::Ask(body, answered) => self.waiting.push_back((body, Sent::Ask(answered))),
                Todo::Unbind => link.unbind(),
                Todo::Cut => link.cut(Cut::Reset),
            }
        }
        if self.bound {
            self.send(link);
        }
    }

    fn ended(&mut self, _: &Ended) {
        lock(&self.inner.todo).ended = true;
    }
}
