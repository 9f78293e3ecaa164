//! A message centre that does what a test says, message by message, and notes what came.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use smppkit_net::{Application, Asked, BindMode, Cut, Event, Link, Listener, SessionConfig};
use smppkit_wire::pdu::table::{DataSm, DataSmResp, SubmitSm, SubmitSmResp};
use smppkit_wire::{Body, CommandStatus};
use tokio::task::JoinHandle;

use super::{message::number_of, now_ms, own_host};

/// A message that came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) number: Option<u64>,
    /// Which session it came on, counted from 1.
    pub(crate) session: u64,
    pub(crate) at_ms: i64,
    pub(crate) pdu: SubmitSm,
}

/// What is done about it.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// A response with an id.
    Answer(CommandStatus, String),
    /// A deliver_sm on the same session.
    Deliver(Body),
    /// A deliver_sm on another one.
    Elsewhere(Body),
    /// Something later.
    After(Duration, Box<Act>),
    /// The connection is broken off.
    Cut,
}

/// What it does about each message, in order.
type Script = Box<dyn FnMut(&Came) -> Vec<Act> + Send>;
/// What it answers to all else; `None` is silence.
type Others = Box<dyn FnMut(&Body) -> Option<Result<Body, CommandStatus>> + Send>;

/// A listening message centre.
#[derive(Debug)]
pub(crate) struct Mc {
    inner: Arc<Inner>,
    pub(crate) address: SocketAddr,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    script: Mutex<Script>,
    others: Mutex<Others>,
    came: Mutex<Vec<Came>>,
    desks: Mutex<Vec<Arc<Desk>>>,
    /// To be delivered on whatever session there is: again, if one ended before the answer.
    anywhere: Mutex<VecDeque<Body>>,
    delivered: AtomicU64,
    refused: Mutex<Vec<CommandStatus>>,
    sessions: AtomicU64,
    /// Requests that were not answered yet when unbind came.
    left_early: AtomicU64,
    refuses_binds: AtomicBool,
    window: u32,
}

/// A session as others see it.
struct Desk {
    number: u64,
    receives: AtomicBool,
    todo: Mutex<(Option<Waker>, VecDeque<Todo>)>,
    /// What comes after its end goes to the others.
    others: Weak<Inner>,
    ended: AtomicBool,
}

enum Todo {
    Act(Option<Asked>, Act),
}

impl Mc {
    pub(crate) async fn start(script: impl FnMut(&Came) -> Vec<Act> + Send + 'static) -> Self {
        Self::start_with(1_000, script).await
    }

    /// With so many deliver_sm that may wait for their answers on each session.
    pub(crate) async fn start_with(
        window: u32,
        script: impl FnMut(&Came) -> Vec<Act> + Send + 'static,
    ) -> Self {
        let inner = Arc::new(Inner {
            script: Mutex::new(Box::new(script)),
            others: Mutex::new(Box::new(|_| Some(Err(CommandStatus::ESME_RINVCMDID)))),
            came: Mutex::default(),
            desks: Mutex::default(),
            anywhere: Mutex::default(),
            delivered: AtomicU64::new(0),
            refused: Mutex::default(),
            sessions: AtomicU64::new(0),
            left_early: AtomicU64::new(0),
            refuses_binds: AtomicBool::new(false),
            window,
        });
        let mut mc = Self { inner, address: SocketAddr::from((own_host(), 0)), task: Mutex::default() };
        mc.address = mc.listen().await;
        mc
    }

    /// Another script from now on.
    pub(crate) fn script(&self, script: impl FnMut(&Came) -> Vec<Act> + Send + 'static) {
        *lock(&self.inner.script) = Box::new(script);
    }

    /// What it answers from now on to requests that are no submit_sm.
    pub(crate) fn others(
        &self,
        answer: impl FnMut(&Body) -> Option<Result<Body, CommandStatus>> + Send + 'static,
    ) {
        *lock(&self.inner.others) = Box::new(answer);
    }

    async fn listen(&self) -> SocketAddr {
        let config = SessionConfig {
            send_window: self.inner.window,
            receive_window: 10_000,
            adaptive_window: false,
            ..SessionConfig::default()
        };
        let listener = Listener::bind(self.address).await.expect("its address is its own").session(config);
        let address = listener.local_addr().expect("it listens");
        let inner = Arc::clone(&self.inner);
        let serve = listener.serve(move |_| Serving::new(Arc::clone(&inner)));
        *lock(&self.task) = Some(tokio::spawn(serve));
        address
    }

    /// As if its machine were off: nobody listens, and no connection is left.
    pub(crate) fn down(&self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
        self.cut();
    }

    pub(crate) async fn up(&self) {
        self.listen().await;
    }

    /// Breaks all connections off.
    pub(crate) fn cut(&self) {
        for desk in lock(&self.inner.desks).iter() {
            desk.post(Todo::Act(None, Act::Cut));
        }
    }

    pub(crate) fn refuse_binds(&self, refuses: bool) {
        self.inner.refuses_binds.store(refuses, Ordering::Relaxed);
    }

    /// Delivers something on any session, as soon as there is one, until it is taken.
    pub(crate) fn deliver(&self, body: impl Into<Body>) {
        self.inner.deliver(body.into());
    }

    /// All that came.
    pub(crate) fn came(&self) -> Vec<Came> {
        lock(&self.inner.came).clone()
    }

    /// The same, and they are forgotten: for tests that last.
    pub(crate) fn take_came(&self) -> Vec<Came> {
        std::mem::take(&mut lock(&self.inner.came))
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.inner.came).len()
    }

    /// The numbers that came, in order.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        lock(&self.inner.came).iter().filter_map(|came| came.number).collect()
    }

    /// What it delivered and was taken.
    pub(crate) fn delivered(&self) -> u64 {
        self.inner.delivered.load(Ordering::Relaxed)
    }

    /// The answers that refused for good what it delivered.
    pub(crate) fn refused(&self) -> Vec<CommandStatus> {
        lock(&self.inner.refused).clone()
    }

    /// Its answers that were not waited for before unbind.
    pub(crate) fn left_early(&self) -> u64 {
        self.inner.left_early.load(Ordering::Relaxed)
    }

    /// Sessions that are bound.
    pub(crate) fn bound(&self) -> usize {
        lock(&self.inner.desks).len()
    }
}

impl Drop for Mc {
    fn drop(&mut self) {
        self.down();
    }
}

impl Inner {
    fn deliver(&self, body: Body) {
        lock(&self.anywhere).push_back(body);
        for desk in lock(&self.desks).iter() {
            desk.wake();
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl Desk {
    fn post(&self, todo: Todo) {
        let mut waiting = lock(&self.todo);
        if !self.ended.load(Ordering::Relaxed) {
            waiting.1.push_back(todo);
            drop(waiting);
            return self.wake();
        }
        drop(waiting);
        if let (Todo::Act(_, Act::Deliver(body)), Some(others)) = (todo, self.others.upgrade()) {
            others.deliver(body);
        }
    }

    fn wake(&self) {
        if let Some(waker) = &lock(&self.todo).0 {
            waker.wake_by_ref();
        }
    }
}

/// One session.
struct Serving {
    inner: Arc<Inner>,
    desk: Arc<Desk>,
    deliveries: VecDeque<Body>,
}

impl Serving {
    fn new(inner: Arc<Inner>) -> Self {
        let number = inner.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        let desk = Arc::new(Desk {
            number,
            receives: AtomicBool::new(false),
            todo: Mutex::default(),
            others: Arc::downgrade(&inner),
            ended: AtomicBool::new(false),
        });
        Self { inner, desk, deliveries: VecDeque::new() }
    }

    fn message(&mut self, link: &mut Link<'_, Body>, asked: Asked, pdu: SubmitSm) {
        let number = number_of(&pdu.short_message);
        let came = Came { number, session: self.desk.number, at_ms: now_ms(), pdu };
        let acts = lock(&self.inner.script)(&came);
        lock(&self.inner.came).push(came);
        for act in acts {
            self.act(link, Some(asked), act);
        }
    }

    fn act(&mut self, link: &mut Link<'_, Body>, asked: Option<Asked>, act: Act) {
        match act {
            Act::Answer(status, id) => {
                let Some(asked) = asked else { return };
                let message_id = id.parse().expect("an id is short");
                if !status.is_ok() {
                    link.refuse(asked, status);
                } else if asked.command_id == DataSm::COMMAND_ID {
                    link.respond(asked, DataSmResp { message_id, ..DataSmResp::default() });
                } else {
                    link.respond(asked, SubmitSmResp { message_id, ..SubmitSmResp::default() });
                }
            }
            Act::Deliver(body) => {
                self.deliveries.push_back(body);
                self.deliver(link);
            }
            Act::Elsewhere(body) => {
                let desks = lock(&self.inner.desks);
                let other = desks
                    .iter()
                    .find(|desk| desk.number != self.desk.number && desk.receives.load(Ordering::Relaxed));
                other.expect("there is another bind").post(Todo::Act(None, Act::Deliver(body)));
            }
            Act::After(wait, act) => {
                let desk = Arc::clone(&self.desk);
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    desk.post(Todo::Act(asked, *act));
                });
            }
            Act::Cut => link.cut(Cut::Reset),
        }
    }

    fn deliver(&mut self, link: &mut Link<'_, Body>) {
        if !self.desk.receives.load(Ordering::Relaxed) {
            return;
        }
        while link.session.room() > 0 {
            let next = self.deliveries.pop_front().or_else(|| lock(&self.inner.anywhere).pop_front());
            let Some(body) = next else { return };
            if let Err(error) = link.request(body.clone(), body) {
                self.deliveries.push_front(error.given().1);
                return;
            }
        }
    }
}

impl Application for Serving {
    /// What is delivered, to be delivered again if it was not answered.
    type Token = Body;
    const KEEPS_BODIES: bool = true;

    fn event(&mut self, link: &mut Link<'_, Body>, event: Event<Body>) {
        match event {
            Event::Bind(asked, _) if self.inner.refuses_binds.load(Ordering::Relaxed) => {
                link.refuse_bind(asked, CommandStatus::ESME_RBINDFAIL);
            }
            Event::Bind(asked, request) => {
                link.accept_bind(asked, "mc");
                self.desk.receives.store(request.mode != BindMode::Transmitter, Ordering::Relaxed);
                lock(&self.inner.desks).push(Arc::clone(&self.desk));
            }
            Event::Request(asked, Body::SubmitSm(pdu)) => self.message(link, asked, pdu),
            Event::Request(asked, body) => match lock(&self.inner.others)(&body) {
                Some(Ok(body)) => link.respond(asked, body),
                Some(Err(status)) => link.refuse(asked, status),
                None => {}
            },
            Event::Response { token, status, .. } => match status {
                CommandStatus::ESME_ROK => {
                    self.inner.delivered.fetch_add(1, Ordering::Relaxed);
                }
                CommandStatus::ESME_RX_T_APPN | CommandStatus::ESME_RMSGQFUL => {
                    let inner = Arc::clone(&self.inner);
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        inner.deliver(token);
                    });
                }
                status => lock(&self.inner.refused).push(status),
            },
            Event::Failed { token, .. } => self.inner.deliver(token),
            Event::Unbinding => {
                self.inner.left_early.fetch_add(link.session.unanswered().into(), Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut Link<'_, Body>, cx: &mut Context<'_>) {
        let todo = {
            let mut todo = lock(&self.desk.todo);
            todo.0 = Some(cx.waker().clone());
            std::mem::take(&mut todo.1)
        };
        for Todo::Act(asked, act) in todo {
            self.act(link, asked, act);
        }
        self.deliver(link);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        lock(&self.inner.desks).retain(|desk| desk.number != self.desk.number);
        let left = {
            let mut todo = lock(&self.desk.todo);
            self.desk.ended.store(true, Ordering::Relaxed);
            std::mem::take(&mut todo.1)
        };
        let left = left.into_iter().filter_map(|Todo::Act(_, act)| match act {
            Act::Deliver(body) => Some(body),
            _ => None,
        });
        for body in self.deliveries.drain(..).chain(left) {
            self.inner.deliver(body);
        }
    }
}

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
