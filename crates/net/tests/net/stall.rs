//! Nothing stands still, whatever the windows: each message gets its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Context;

use smppkit_net::{Application, Bind, BindMode, Connector, Event, Link, SessionConfig};
use smppkit_wire::pdu::table::SubmitSm;
use tokio::runtime::{Builder, Runtime};

use crate::peer::{message, soon};
use crate::script::{Seen, Server};

const WINDOWS: [u32; 7] = [1, 2, 5, 6, 10, 100, 1000];

/// Sends so many messages, then unbinds.
struct Sender {
    seen: Arc<Seen>,
    message: SubmitSm,
    left: usize,
    unanswered: usize,
}

impl Application for Sender {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        if let Event::Response { status, .. } = event {
            assert!(status.is_ok());
            self.unanswered -= 1;
            self.seen.answers.fetch_add(1, SeqCst);
            if self.unanswered == 0 && self.left == 0 {
                link.unbind();
            }
        }
    }

    fn poll(&mut self, link: &mut Link<'_, ()>, _: &mut Context<'_>) {
        if !link.session.state().is_bound() && link.session.in_flight() == 0 {
            let (session, out, now) = link.parts();
            let _ = session.bind(now.mono, BindMode::Transceiver, &Bind::new("esme", "").unwrap(), out);
        }
        while self.left > 0 && link.request(self.message.clone(), ()).is_ok() {
            self.left -= 1;
            self.unanswered += 1;
        }
    }
}

async fn applications(window: u32, messages: usize) {
    let server = Server::polite(SessionConfig::default()).await;
    let config = SessionConfig { send_window: window, ..SessionConfig::default() };
    let seen = Arc::new(Seen::default());
    let sender = Sender { seen: Arc::clone(&seen), message: message(), left: messages, unanswered: 0 };
    let connector = Connector::new(server.url()).session(config);
    soon(async { connector.start(sender).await.unwrap().await }).await.unwrap();
    assert_eq!((server.seen.requests(), seen.answers.load(SeqCst)), (messages, messages), "window {window}");
    assert_eq!(server.seen.end().await, "unbound");
}

async fn handles(window: u32, messages: usize) {
    let server = Server::polite(SessionConfig::default()).await;
    let config = SessionConfig { send_window: window, ..SessionConfig::default() };
    let connector = Connector::new(server.url()).session(config);
    let bind = Bind::new("esme", "").unwrap();
    let (esme, _inbox) = soon(connector.bind(BindMode::Transceiver, bind)).await.unwrap();
    let tasks: Vec<_> = (0..messages)
        .map(|_| {
            let esme = esme.clone();
            tokio::spawn(async move { esme.send(message()).await.map(|_| ()) })
        })
        .collect();
    soon(async {
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        esme.unbind().await;
    })
    .await;
    assert_eq!(server.seen.requests(), messages, "window {window}");
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn twenty_thousand_messages_through_applications_on_one_thread() {
    for window in WINDOWS {
        one_thread().block_on(applications(window, 20_000));
    }
}

#[test]
fn twenty_thousand_messages_through_applications_on_two_threads() {
    for window in WINDOWS {
        two_threads().block_on(applications(window, 20_000));
    }
}

#[test]
fn five_thousand_tasks_share_a_handle_on_one_thread() {
    for window in WINDOWS {
        one_thread().block_on(handles(window, 5_000));
    }
}

#[test]
fn five_thousand_tasks_share_a_handle_on_two_threads() {
    for window in WINDOWS {
        two_threads().block_on(handles(window, 5_000));
    }
}
