//! An application that does what a closure says, and tells what it has seen.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Context;

use smppkit_net::{Application, Asked, Ended, Event, Gate, Link, Listener, SessionConfig};
use smppkit_wire::pdu::table::{SubmitSm, SubmitSmResp};
use smppkit_wire::{Body, CommandStatus, Header};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::peer::{soon, until};

/// What the applications of a listener have seen, all together.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) requests: AtomicUsize,
    pub(crate) answers: AtomicUsize,
    pub(crate) failed: AtomicUsize,
    pub(crate) polls: AtomicUsize,
    pub(crate) unbinding: AtomicUsize,
    pub(crate) ended: Mutex<Vec<String>>,
    pub(crate) peers: Mutex<Vec<SocketAddr>>,
    pub(crate) statuses: Mutex<Vec<CommandStatus>>,
}

impl Seen {
    pub(crate) fn ended(&self) -> Vec<String> {
        self.ended.lock().unwrap().clone()
    }

    /// How one connection ended, the first of all.
    pub(crate) async fn end(&self) -> String {
        until(|| !self.ended().is_empty()).await;
        self.ended().swap_remove(0)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(SeqCst)
    }
}

/// What to do with an event that the rest is not for; `Err` gives it back.
type Act = dyn FnMut(&mut Link<'_, ()>, Event<()>) -> Result<(), Event<()>> + Send;

/// An MC, unless told otherwise: accepts binds, answers requests.
pub(crate) struct Script {
    pub(crate) seen: Arc<Seen>,
    act: Box<Act>,
}

impl Script {
    pub(crate) fn new(
        seen: &Arc<Seen>,
        act: impl FnMut(&mut Link<'_, ()>, Event<()>) -> Result<(), Event<()>> + Send + 'static,
    ) -> Self {
        Self { seen: Arc::clone(seen), act: Box::new(act) }
    }

    pub(crate) fn polite(seen: &Arc<Seen>) -> Self {
        Self::new(seen, |_, event| Err(event))
    }
}

impl Application for Script {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        self.seen.count(&event);
        let Err(event) = (self.act)(link, event) else { return };
        match event {
            Event::Bind(asked, _) => {
                self.seen.peers.lock().unwrap().push(link.peer());
                link.accept_bind(asked, "mc");
            }
            Event::Request(asked, _) => answer(link, asked),
            _ => {}
        }
    }

    fn poll(&mut self, _: &mut Link<'_, ()>, _: &mut Context<'_>) {
        self.seen.polls.fetch_add(1, SeqCst);
    }

    fn ended(&mut self, ended: &Ended) {
        self.seen.ended.lock().unwrap().push(ended.to_string());
    }
}

impl Seen {
    fn count(&self, event: &Event<()>) {
        let counter = match event {
            Event::Request(..) => &self.requests,
            Event::Response { status, .. } => {
                self.statuses.lock().unwrap().push(*status);
                &self.answers
            }
            Event::Failed { .. } => &self.failed,
            Event::Unbinding => &self.unbinding,
            _ => return,
        };
        counter.fetch_add(1, SeqCst);
    }
}

pub(crate) fn answer(link: &mut Link<'_, ()>, asked: Asked) {
    let body = Body::empty(asked.command_id | Header::RESPONSE_BIT).expect("a request has a response");
    link.respond(asked, body);
}

/// An MC that answers a request only when told to, or sends octets of one's own in its place.
pub(crate) struct Holding {
    seen: Arc<Seen>,
    held: VecDeque<Asked>,
    released: usize,
    orders: mpsc::UnboundedReceiver<usize>,
}

impl Holding {
    pub(crate) fn new(seen: &Arc<Seen>) -> (Self, mpsc::UnboundedSender<usize>) {
        let (order, orders) = mpsc::unbounded_channel();
        (Self { seen: Arc::clone(seen), held: VecDeque::new(), released: 0, orders }, order)
    }

    fn answer(&mut self, link: &mut Link<'_, ()>) {
        while self.released > 0
            && let Some(asked) = self.held.pop_front()
        {
            self.released -= 1;
            answer(link, asked);
        }
    }
}

impl Application for Holding {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        self.seen.count(&event);
        match event {
            Event::Bind(asked, _) => link.accept_bind(asked, "mc"),
            Event::Request(asked, _) => self.held.push_back(asked),
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut Link<'_, ()>, cx: &mut Context<'_>) {
        self.seen.polls.fetch_add(1, SeqCst);
        while let std::task::Poll::Ready(Some(more)) = self.orders.poll_recv(cx) {
            self.released += more;
        }
        self.answer(link);
    }

    fn ended(&mut self, ended: &Ended) {
        self.seen.ended.lock().unwrap().push(ended.to_string());
    }
}

/// A listener that runs until dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    pub(crate) gate: Gate,
    task: JoinHandle<()>,
}

impl Server {
    /// With polite scripts.
    pub(crate) async fn polite(config: SessionConfig) -> Self {
        Self::start(|listener| listener.session(config), |seen, _| Script::polite(seen)).await
    }

    pub(crate) async fn start<A: Application + Unpin>(
        configure: impl FnOnce(Listener) -> Listener,
        mut app: impl FnMut(&Arc<Seen>, SocketAddr) -> A + Send + 'static,
    ) -> Self {
        let listener = configure(soon(Listener::bind("127.0.0.1:0")).await.unwrap());
        let (address, gate) = (listener.local_addr().unwrap(), listener.gate_handle());
        let seen = Arc::new(Seen::default());
        let shown = Arc::clone(&seen);
        let task = tokio::spawn(listener.serve(move |peer| app(&shown, peer)));
        Self { address, seen, gate, task }
    }

    /// With one holding application; what releases its answers.
    pub(crate) async fn holding(
        configure: impl FnOnce(Listener) -> Listener,
    ) -> (Self, mpsc::UnboundedSender<usize>) {
        let seen = Arc::new(Seen::default());
        let (app, release) = Holding::new(&seen);
        let mut app = Some(app);
        let mut server = Self::start(configure, move |_, _| app.take().expect("one connection")).await;
        server.seen = seen;
        (server, release)
    }

    pub(crate) fn url(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// So many octets that peers of SMPP read as PDUs of their own.
pub(crate) fn filler(octets: u32) -> Vec<u8> {
    let header = Header {
        command_length: octets,
        command_id: SubmitSm::COMMAND_ID,
        command_status: CommandStatus::ESME_ROK,
        sequence_number: 1,
    };
    let mut filler = header.octets().to_vec();
    filler.resize(octets as usize, 0);
    filler
}

/// What answers a submit_sm.
pub(crate) const SUBMIT_SM_RESP: u32 = SubmitSmResp::COMMAND_ID;
