//! Sessions for people's code.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use smppkit_net::{
    Bind, BindError, BindMode, Connector, Event, Failure, Handle, Inbox, RequestError, SessionConfig,
};
use smppkit_wire::pdu::table::{
    BindTransceiverResp, DeliverSm, DeliverSmResp, QuerySm, SubmitSm, SubmitSmResp, Unbind,
};
use smppkit_wire::{Body, CommandStatus, Version};
use tokio::net::TcpListener;

use crate::peer::{Peer, message, pdu, soon, until};
use crate::script::{Script, Server, answer};

async fn bind(connector: &Connector) -> Result<(Handle, Inbox), BindError> {
    soon(connector.bind(BindMode::Transceiver, Bind::new("esme", "secret").unwrap())).await
}

#[tokio::test]
async fn a_request_gets_the_answer_of_its_own_type() {
    let server = Server::start(
        |listener| listener,
        |seen, _| {
            Script::new(seen, |link, event| match event {
                Event::Request(asked, Body::SubmitSm(_)) => {
                    let message_id = "77".parse().unwrap();
                    link.respond(asked, SubmitSmResp { message_id, ..SubmitSmResp::default() });
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await;
    let (esme, _inbox) = bind(&Connector::new(server.url())).await.unwrap();
    assert_eq!((esme.system_id.to_text().as_str(), esme.version), ("mc", Version::V50));
    let answer: SubmitSmResp = soon(esme.send(message())).await.unwrap();
    assert_eq!(answer.message_id, "77");
    soon(esme.unbind()).await;
    assert_eq!(server.seen.end().await, "unbound");
}

#[tokio::test]
async fn a_refused_request_is_its_status() {
    let server = Server::start(
        |listener| listener,
        |seen, _| {
            Script::new(seen, |link, event| match event {
                Event::Request(asked, _) => {
                    link.refuse(asked, CommandStatus::ESME_RINVDSTADR);
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await;
    let (esme, _inbox) = bind(&Connector::new(server.url())).await.unwrap();
    let error = soon(esme.send(message())).await.unwrap_err();
    assert!(matches!(error, RequestError::Status(CommandStatus::ESME_RINVDSTADR, _)), "{error}");
    assert!(soon(esme.send(QuerySm::default())).await.is_err(), "and the session lives");
}

#[tokio::test]
async fn a_request_that_may_not_be_sent_says_so() {
    let server = Server::polite(SessionConfig::default()).await;
    let connector = Connector::new(server.url());
    let bound = connector.bind(BindMode::Receiver, Bind::new("esme", "").unwrap());
    let (esme, _inbox) = soon(bound).await.unwrap();
    let error = soon(esme.send(message())).await.unwrap_err();
    assert!(matches!(&error, RequestError::NotSent(why) if why.contains("submit_sm")), "{error}");
}

#[tokio::test]
async fn a_lost_connection_fails_what_waits_for_an_answer_and_what_waits_for_room() {
    let server = Server::start(
        |listener| listener,
        |seen, _| {
            Script::new(seen, |_, event| match event {
                Event::Request(..) => Ok(()),
                event => Err(event),
            })
        },
    )
    .await;
    let config = SessionConfig { send_window: 2, ..SessionConfig::default() };
    let (esme, mut inbox) = bind(&Connector::new(server.url()).session(config)).await.unwrap();
    let sent: Vec<_> = (0..5)
        .map(|_| {
            let esme = esme.clone();
            tokio::spawn(async move { esme.send(message()).await })
        })
        .collect();
    until(|| server.seen.requests() == 2).await;
    server.gate.kick();
    let mut closed = 0;
    for sent in sent {
        match soon(sent).await.unwrap().unwrap_err() {
            RequestError::Failed(Failure::Closed) => closed += 1,
            RequestError::Closed => {}
            error => panic!("{error}"),
        }
    }
    assert_eq!(closed, 2, "those that were on their way may have been acted upon, and say so");
    assert!(soon(inbox.next()).await.is_none());
    assert!(matches!(soon(esme.send(message())).await, Err(RequestError::Closed)));
    soon(esme.closed()).await;
}

/// An answer that is still owed to a peer that is gone does not keep requests to it waiting.
#[tokio::test]
async fn an_mc_that_closes_fails_requests_though_a_message_of_its_is_not_answered() {
    let mc = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connector = Connector::new(mc.local_addr().unwrap().to_string());
    let serve = async {
        let mut esme = Peer::on(soon(mc.accept()).await.unwrap().0);
        let asked = esme.next().await.sequence_number;
        esme.send(&[pdu(asked, BindTransceiverResp::default()), pdu(1, DeliverSm::default())].concat()).await;
        assert_eq!(esme.next().await.command_id, SubmitSm::COMMAND_ID);
    };
    let (bound, ()) = tokio::join!(
        async {
            let (esme, mut inbox) = bind(&connector).await.unwrap();
            let held = soon(inbox.next()).await.unwrap();
            let failed = soon(esme.send(message())).await.unwrap_err();
            drop(held);
            failed
        },
        serve
    );
    assert!(matches!(bound, RequestError::Failed(Failure::Closed)), "{bound}");
}

/// Sends so many deliver_sm once bound.
async fn deliverer(count: usize) -> Server {
    Server::start(
        |listener| listener,
        move |seen, _| {
            Script::new(seen, move |link, event| match event {
                Event::Bind(asked, _) => {
                    link.accept_bind(asked, "mc");
                    for _ in 0..count {
                        link.request(DeliverSm::default(), ()).unwrap();
                    }
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await
}

#[tokio::test]
async fn what_comes_in_is_accepted_answered_or_refused() {
    let server = deliverer(3).await;
    let (esme, mut inbox) = bind(&Connector::new(server.url())).await.unwrap();
    soon(inbox.next()).await.unwrap().accept();
    soon(inbox.next()).await.unwrap().respond(DeliverSmResp::default());
    soon(inbox.next()).await.unwrap().refuse(CommandStatus::ESME_RX_R_APPN);
    until(|| server.seen.answers.load(SeqCst) == 3).await;
    let statuses = server.seen.statuses.lock().unwrap().clone();
    assert_eq!(statuses, [CommandStatus::ESME_ROK, CommandStatus::ESME_ROK, CommandStatus::ESME_RX_R_APPN]);
    drop(esme);
}

/// Whoever takes a message and fails must not leave the MC waiting, nor use up receive_window.
#[tokio::test]
async fn what_comes_in_and_is_dropped_is_refused_so_that_it_is_sent_again() {
    let server = deliverer(20).await;
    let config = SessionConfig { receive_window: 2, ..SessionConfig::default() };
    let (esme, mut inbox) = bind(&Connector::new(server.url()).session(config)).await.unwrap();
    for _ in 0..10 {
        drop(soon(inbox.next()).await.unwrap());
    }
    drop(inbox);
    until(|| server.seen.answers.load(SeqCst) == 20).await;
    let statuses = server.seen.statuses.lock().unwrap().clone();
    assert!(statuses.iter().all(|status| *status == CommandStatus::ESME_RX_T_APPN), "{statuses:?}");
    drop(esme);
}

#[tokio::test]
async fn dropping_the_last_handle_unbinds() {
    let server = Server::polite(SessionConfig::default()).await;
    let (esme, mut inbox) = bind(&Connector::new(server.url())).await.unwrap();
    let other = esme.clone();
    drop(esme);
    soon(other.send(message())).await.unwrap();
    assert_eq!(server.seen.unbinding.load(SeqCst), 0);
    drop(other);
    assert_eq!(server.seen.end().await, "unbound");
    assert!(soon(inbox.next()).await.is_none());
}

#[tokio::test]
async fn giving_up_while_binding_unbinds() {
    let mc = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connector = Connector::new(mc.local_addr().unwrap().to_string());
    let bind = tokio::spawn(async move {
        connector.bind(BindMode::Transceiver, Bind::new("esme", "").unwrap()).await.map(|_| ())
    });
    let mut esme = Peer::on(soon(mc.accept()).await.unwrap().0);
    let asked = esme.next().await;
    bind.abort();
    assert!(soon(bind).await.unwrap_err().is_cancelled());
    esme.send(&pdu(asked.sequence_number, BindTransceiverResp::default())).await;
    assert_eq!(esme.next().await.command_id, Unbind::COMMAND_ID);
}

#[tokio::test]
async fn unbind_waits_for_the_answers_that_are_on_their_way() {
    let server = Server::start(
        |listener| listener,
        |seen, _| {
            let mut held = Vec::new();
            Script::new(seen, move |link, event| match event {
                Event::Request(asked, _) => {
                    held.push(asked);
                    Ok(())
                }
                Event::Unbinding => {
                    held.drain(..).for_each(|asked| answer(link, asked));
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await;
    let (esme, _inbox) = bind(&Connector::new(server.url())).await.unwrap();
    let (answered, ()) = soon(async {
        let unbound = async {
            until(|| server.seen.requests() == 1).await;
            esme.unbind().await;
        };
        tokio::join!(esme.send(message()), unbound)
    })
    .await;
    answered.unwrap();
}

#[tokio::test]
async fn a_refused_bind_is_its_status() {
    let server = Server::start(
        |listener| listener,
        |seen, _| {
            Script::new(seen, |link, event| match event {
                Event::Bind(asked, bind) => {
                    assert_eq!(
                        (bind.system_id.to_text(), bind.password.to_text()),
                        ("esme".into(), "secret".into())
                    );
                    link.refuse_bind(asked, CommandStatus::ESME_RINVPASWD);
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await;
    let error = bind(&Connector::new(server.url())).await.unwrap_err();
    assert!(matches!(error, BindError::Refused(CommandStatus::ESME_RINVPASWD)), "{error}");
    until(|| server.gate.is_empty()).await;
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = bind(&Connector::new(address.to_string())).await.unwrap_err();
    assert!(matches!(error, BindError::Connect(_)), "{error}");
}

#[tokio::test]
async fn an_mc_that_never_answers_the_bind_is_given_up() {
    let mc = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = SessionConfig { session_init: Some(Duration::from_millis(100)), ..SessionConfig::default() };
    let connector = Connector::new(mc.local_addr().unwrap().to_string()).session(config);
    let error = bind(&connector).await.unwrap_err();
    assert!(matches!(&error, BindError::Ended(why) if why == "no bind in time"), "{error}");
}
