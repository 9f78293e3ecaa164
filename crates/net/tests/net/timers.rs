//! Peers that are dead, silent or slow are left, and a quiet connection costs nothing.

use std::task::Context;
use std::time::{Duration, Instant};

use smppkit_net::{Application, Event, Link, SessionConfig};
use smppkit_wire::pdu::table::{DeliverSm, EnquireLink, EnquireLinkResp, Unbind, UnbindResp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::peer::{Peer, bind, never, pdu, soon, submit};
use crate::script::{SUBMIT_SM_RESP, Script, Server};

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_peer_that_answers_no_enquire_link_is_dead() {
    let config =
        SessionConfig { enquire_link: Some(SHORT), response: Some(SHORT), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    let mut peer = Peer::bound(server.address).await;
    assert_eq!(peer.next().await.command_id, EnquireLink::COMMAND_ID);
    peer.is_closed().await;
    drop(peer);
    assert_eq!(server.seen.end().await, "no answer to enquire_link");
}

#[tokio::test]
async fn a_peer_that_answers_enquire_link_stays_and_costs_few_polls() {
    let config =
        SessionConfig { enquire_link: Some(SHORT), response: Some(SHORT), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    let mut peer = Peer::bound(server.address).await;
    let before = server.seen.polls();
    for _ in 0..10 {
        let header = peer.next().await;
        assert_eq!(header.command_id, EnquireLink::COMMAND_ID);
        peer.send(&pdu(header.sequence_number, EnquireLinkResp::default())).await;
    }
    peer.is_served(2).await;
    let polls = server.seen.polls() - before;
    assert!(polls <= 60, "{polls} polls in a second with ten enquire_link");
}

#[tokio::test]
async fn a_quiet_connection_is_not_polled() {
    let server = Server::polite(SessionConfig::default()).await;
    let mut peer = Peer::bound(server.address).await;
    peer.is_served(2).await;
    let before = server.seen.polls();
    let second = tokio::time::timeout(Duration::from_secs(1), server.seen.end());
    assert!(second.await.is_err(), "it lives");
    let polls = server.seen.polls() - before;
    assert!(polls <= 2, "{polls} polls in a second of silence");
}

/// Is polled at times of its own: after 100 ms, 50 ms later, and never again.
struct Alarmed {
    polite: Script,
    alarms: Vec<Instant>,
}

impl Application for Alarmed {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        self.polite.event(link, event);
    }

    fn poll(&mut self, link: &mut Link<'_, ()>, _: &mut Context<'_>) {
        while self.alarms.last().is_some_and(|at| *at <= link.now().mono) {
            self.alarms.pop();
            link.request(DeliverSm::default(), ()).expect("there is room");
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.alarms.last().copied()
    }
}

#[tokio::test]
async fn an_application_is_polled_when_it_wants_to_be_and_not_before() {
    let server = Server::start(
        |listener| listener,
        |seen, _| {
            let alarms = [SHORT * 3 / 2, SHORT].map(|wait| Instant::now() + wait).into();
            Alarmed { polite: Script::polite(seen), alarms }
        },
    )
    .await;
    let began = Instant::now();
    let mut peer = Peer::bound(server.address).await;
    for (number, wait) in [(1, SHORT), (2, SHORT * 3 / 2)] {
        peer.expect(DeliverSm::COMMAND_ID, number).await;
        assert!(began.elapsed() >= wait, "{:?}", began.elapsed());
    }
    never(peer.read()).await;
}

/// The timer is armed once for many messages, and moved on when it fires: rarely, that is.
#[tokio::test]
async fn a_timer_that_moves_on_with_each_message_fires_rarely() {
    let config = SessionConfig { enquire_link: Some(SHORT * 3), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    let mut peer = Peer::bound(server.address).await;
    let (began, before) = (Instant::now(), server.seen.polls());
    let mut number = 1;
    while began.elapsed() < SHORT * 10 {
        number += 1;
        peer.send(&submit(number)).await;
        peer.expect(SUBMIT_SM_RESP, number).await;
    }
    // One poll for what was read, one in which nothing more is there to read.
    let (polls, messages) = (server.seen.polls() - before, number as usize);
    assert!(polls <= 2 * messages + 50, "{polls} polls for {messages} messages");
}

#[tokio::test]
async fn whoever_does_not_bind_in_time_is_closed() {
    let config = SessionConfig { session_init: Some(SHORT), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    Peer::connect(server.address).await.is_closed().await;
    assert_eq!(server.seen.end().await, "no bind in time");
}

#[tokio::test]
async fn octets_one_by_one_do_not_extend_the_time_to_bind() {
    let config = SessionConfig { session_init: Some(SHORT * 3), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    let peer = Peer::connect(server.address).await;
    let (mut read, mut write) = peer.stream.into_split();
    // Taken for signs of life they would come to a whole bind, and the connection would stay.
    let drip = async {
        for octet in bind().into_iter().cycle() {
            if write.write_all(&[octet]).await.is_err() {
                return;
            }
            tokio::time::sleep(SHORT / 5).await;
        }
    };
    let closed = async {
        let _ = read.read(&mut [0]).await;
    };
    soon(async {
        tokio::select! { () = drip => {}, () = closed => {} }
    })
    .await;
}

#[tokio::test]
async fn without_transactions_for_inactivity_the_session_is_unbound() {
    let config = SessionConfig { inactivity: Some(SHORT * 2), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    let mut peer = Peer::bound(server.address).await;
    peer.is_served(2).await;
    let header = peer.next().await;
    assert_eq!(header.command_id, Unbind::COMMAND_ID);
    peer.send(&pdu(header.sequence_number, UnbindResp::default())).await;
    peer.is_closed().await;
    assert_eq!(server.seen.end().await, "unbound");
}

#[tokio::test]
async fn an_unbind_that_is_never_answered_ends_all_the_same() {
    let config = SessionConfig { inactivity: Some(SHORT), response: Some(SHORT), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    let mut peer = Peer::bound(server.address).await;
    assert_eq!(peer.next().await.command_id, Unbind::COMMAND_ID);
    peer.is_closed().await;
    drop(peer);
    assert_eq!(server.seen.end().await, "no unbind_resp in time");
}

#[tokio::test]
async fn a_bound_session_is_not_closed_by_session_init() {
    let config = SessionConfig { session_init: Some(SHORT), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    let mut peer = Peer::bound(server.address).await;
    never(peer.read()).await;
    peer.is_served(2).await;
}
