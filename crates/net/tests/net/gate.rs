//! Who gets in, and how all are sent away.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use smppkit_net::{BindMode, ConnectionLimits, Connector, Event, Gate, GateLimits, SessionConfig};
use smppkit_wire::CommandStatus;
use smppkit_wire::pdu::table::{DeliverSm, DeliverSmResp, SubmitSmResp, Unbind, UnbindResp};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::peer::{Peer, bind, never, pdu, soon, submit, unbind, until};
use crate::script::{SUBMIT_SM_RESP, Script, Server};

async fn limited(limits: GateLimits) -> Server {
    Server::start(|listener| listener.gate(Gate::new(limits)), |seen, _| Script::polite(seen)).await
}

#[tokio::test]
async fn one_unbound_too_many_from_an_address_cuts_the_oldest_of_them() {
    let server = limited(GateLimits { unbound_per_address: 2, ..GateLimits::default() }).await;
    let mut bound = Peer::bound(server.address).await;
    let mut first = Peer::connect(server.address).await;
    let mut second = Peer::connect(server.address).await;
    until(|| server.gate.len() == 3).await;
    let mut third = Peer::connect(server.address).await;
    first.is_closed().await;
    drop(first);
    for peer in [&mut second, &mut third] {
        peer.bind().await;
    }
    // All are bound, so there is room for others again.
    let mut fourth = Peer::connect(server.address).await;
    fourth.bind().await;
    bound.is_served(2).await;
    until(|| server.gate.len() == 4).await;
    drop((bound, second, third, fourth));
    until(|| server.gate.is_empty()).await;
}

#[tokio::test]
async fn an_unbound_connection_that_went_is_not_counted() {
    let server = limited(GateLimits { unbound_per_address: 2, ..GateLimits::default() }).await;
    let mut stays = Peer::connect(server.address).await;
    for _ in 0..10 {
        until(|| server.gate.len() == 1).await;
        let goes = Peer::connect(server.address).await;
        until(|| server.gate.len() == 2).await;
        drop(goes);
    }
    until(|| server.gate.len() == 1).await;
    stays.bind().await;
}

#[tokio::test]
async fn beyond_the_limit_of_connections_new_ones_are_closed() {
    for limits in [
        GateLimits { connections: 2, ..GateLimits::default() },
        GateLimits { connections_per_address: 2, ..GateLimits::default() },
    ] {
        let server = limited(limits).await;
        let mut first = Peer::bound(server.address).await;
        let second = Peer::bound(server.address).await;
        Peer::connect(server.address).await.is_closed().await;
        first.is_served(2).await;
        drop(second);
        until(|| server.gate.len() == 1).await;
        Peer::bound(server.address).await.is_served(2).await;
        drop(first);
        until(|| server.gate.is_empty()).await;
    }
}

#[tokio::test]
async fn drain_unbinds_all_and_waits_until_they_are_gone() {
    let server = Server::polite(SessionConfig::default()).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(Peer::bound(server.address).await);
    }
    let mut unbound = Peer::connect(server.address).await;
    until(|| server.gate.len() == 4).await;
    let gate = server.gate.clone();
    let drained = tokio::spawn(async move { gate.drain().await });
    for peer in &mut peers {
        assert_eq!(peer.next().await.command_id, Unbind::COMMAND_ID);
    }
    unbound.is_closed().await;
    assert!(!drained.is_finished());
    Peer::connect(server.address).await.is_closed().await;
    for peer in &mut peers {
        peer.send(&pdu(1, UnbindResp::default())).await;
        peer.is_closed().await;
    }
    drop((peers, unbound));
    soon(drained).await.unwrap();
    assert!(server.gate.is_empty());
    assert_eq!(server.seen.ended().iter().filter(|ended| *ended == "unbound").count(), 3);
}

/// "0 requests read but unanswered" (R10), even if the peer answers unbind at once, and closes.
#[tokio::test]
async fn drain_answers_what_was_read_before_it_unbinds() {
    let (server, release) = Server::holding(|listener| listener).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&(2..7).flat_map(submit).collect::<Vec<_>>()).await;
    until(|| server.seen.requests() == 5).await;
    let gate = server.gate.clone();
    let drained = tokio::spawn(async move { gate.drain().await });
    // What comes meanwhile is not taken: the peer sends it again, elsewhere. The rest of the session works.
    peer.send(&submit(7)).await;
    let refused = peer.next().await;
    assert_eq!((refused.sequence_number, refused.command_status), (7, CommandStatus::ESME_RTHROTTLED));
    peer.is_served(8).await;
    release.send(5).unwrap();
    for number in 2..7 {
        peer.expect(SUBMIT_SM_RESP, number).await;
    }
    assert_eq!(peer.next().await.command_id, Unbind::COMMAND_ID);
    peer.send(&pdu(1, UnbindResp::default())).await;
    peer.is_closed().await;
    drop(peer);
    soon(drained).await.unwrap();
    assert_eq!(server.seen.requests(), 5, "the application saw no more");
}

#[tokio::test]
async fn drain_waits_no_longer_than_the_response_time_for_an_application() {
    let config = SessionConfig { response: Some(Duration::from_millis(200)), ..SessionConfig::default() };
    let (server, _release) = Server::holding(|listener| listener.session(config)).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&submit(2)).await;
    until(|| server.seen.requests() == 1).await;
    let gate = server.gate.clone();
    let drained = tokio::spawn(async move { gate.drain().await });
    assert_eq!(peer.next().await.command_id, Unbind::COMMAND_ID);
    peer.is_closed().await;
    drop(peer);
    soon(drained).await.unwrap();
}

/// Has each submit_sm answered, and followed by a deliver_sm if there is room for one.
async fn delivering(limits: ConnectionLimits) -> Server {
    Server::start(
        |listener| listener.limits(limits),
        |seen, _| {
            Script::new(seen, |link, event| match event {
                Event::Request(asked, _) => {
                    link.respond(asked, SubmitSmResp::default());
                    if link.session.room() > 0 {
                        link.request(DeliverSm::default(), ()).expect("there is room");
                    }
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await
}

/// What the peer did with a request is known before unbind: it may close as soon as that comes.
#[tokio::test]
async fn drain_waits_for_the_answers_to_requests_of_ours_and_sends_no_more() {
    let server = delivering(ConnectionLimits::default()).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&[submit(2), submit(3)].concat()).await;
    peer.expect(SUBMIT_SM_RESP, 2).await;
    peer.expect(DeliverSm::COMMAND_ID, 1).await;
    peer.expect(SUBMIT_SM_RESP, 3).await;
    peer.expect(DeliverSm::COMMAND_ID, 2).await;
    let gate = server.gate.clone();
    let drained = tokio::spawn(async move { gate.drain().await });
    never(peer.read()).await;
    peer.send(&pdu(2, DeliverSmResp::default())).await;
    never(peer.read()).await;
    peer.send(&pdu(1, DeliverSmResp::default())).await;
    peer.expect(Unbind::COMMAND_ID, 3).await;
    peer.send(&pdu(3, UnbindResp::default())).await;
    peer.is_closed().await;
    drop(peer);
    soon(drained).await.unwrap();
}

#[tokio::test]
async fn drain_waits_no_longer_than_last_answers_for_a_peer() {
    let limits = ConnectionLimits { last_answers: Duration::from_millis(200), ..ConnectionLimits::default() };
    let server = delivering(limits).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&submit(2)).await;
    peer.expect(SUBMIT_SM_RESP, 2).await;
    peer.expect(DeliverSm::COMMAND_ID, 1).await;
    let gate = server.gate.clone();
    let drained = tokio::spawn(async move { gate.drain().await });
    peer.expect(Unbind::COMMAND_ID, 2).await;
    // Its answer still counts.
    peer.send(&[pdu(1, DeliverSmResp::default()), pdu(2, UnbindResp::default())].concat()).await;
    peer.is_closed().await;
    drop(peer);
    soon(drained).await.unwrap();
}

#[tokio::test]
async fn drain_lets_an_unbind_that_is_under_way_end_with_its_answers() {
    let (server, release) = Server::holding(|listener| listener).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&[submit(2), unbind(3)].concat()).await;
    until(|| server.seen.unbinding.load(SeqCst) == 1).await;
    let gate = server.gate.clone();
    let drained = tokio::spawn(async move { gate.drain().await });
    never(peer.read()).await;
    release.send(1).unwrap();
    peer.expect(SUBMIT_SM_RESP, 2).await;
    peer.expect(UnbindResp::COMMAND_ID, 3).await;
    peer.is_closed().await;
    drop(peer);
    soon(drained).await.unwrap();
}

#[tokio::test]
async fn kick_cuts_all_and_others_may_come() {
    let server = Server::polite(SessionConfig::default()).await;
    let mut peers = vec![Peer::bound(server.address).await, Peer::connect(server.address).await];
    until(|| server.gate.len() == 2).await;
    server.gate.kick();
    for peer in &mut peers {
        peer.is_closed().await;
    }
    drop(peers);
    until(|| server.gate.is_empty()).await;
    assert_eq!(server.seen.ended(), ["broken off here"; 2]);
    Peer::bound(server.address).await.is_served(2).await;
}

#[tokio::test]
async fn a_kick_is_not_taken_back_by_a_drain() {
    let server = Server::polite(SessionConfig::default()).await;
    let mut peer = Peer::bound(server.address).await;
    server.gate.kick();
    soon(async { tokio::join!(server.gate.drain(), peer.is_closed()) }).await;
    assert_eq!(server.seen.end().await, "broken off here");
}

#[tokio::test]
async fn a_kick_ends_a_drain_that_takes_too_long() {
    let (server, _release) = Server::holding(|listener| listener).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&submit(2)).await;
    until(|| server.seen.requests() == 1).await;
    let drained = async {
        tokio::join!(server.gate.drain(), async {
            never(peer.read()).await;
            server.gate.kick();
            peer.is_closed().await;
        })
    };
    soon(drained).await;
}

/// A connection of ours is in the gate as well: it unbinds with the others, and none comes after.
#[tokio::test]
async fn a_drained_gate_sends_connections_of_ours_away_and_opens_no_more() {
    let server = Server::polite(SessionConfig::default()).await;
    let gate = Gate::default();
    let connector = Connector::new(server.url()).gate(gate.clone());
    let bind = smppkit_net::Bind::new("esme", "").unwrap();
    let (esme, _inbox) = soon(connector.bind(BindMode::Transceiver, bind.clone())).await.unwrap();
    assert_eq!(gate.len(), 1);
    soon(gate.drain()).await;
    soon(esme.closed()).await;
    assert_eq!(server.seen.end().await, "unbound");
    let error = soon(connector.bind(BindMode::Transceiver, bind)).await.unwrap_err();
    assert!(error.to_string().contains("drained"), "{error}");
    assert!(gate.is_empty());
}

#[tokio::test]
async fn gates_are_shared() {
    let gate = Gate::new(GateLimits { connections: 1, ..GateLimits::default() });
    let shared = gate.clone();
    let first = Server::start(|listener| listener.gate(shared), |seen, _| Script::polite(seen)).await;
    let shared = gate.clone();
    let second = Server::start(|listener| listener.gate(shared), |seen, _| Script::polite(seen)).await;
    let _peer = Peer::bound(first.address).await;
    Peer::connect(second.address).await.is_closed().await;
}

/// Churn from many tasks: in the end nothing is counted any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_many_comings_and_goings_all_counts_are_zero() {
    let limits = GateLimits { unbound_per_address: 5, connections: 50, ..GateLimits::default() };
    let server = limited(limits).await;
    let address = server.address;
    let tasks: Vec<_> = (0..20)
        .map(|task| {
            tokio::spawn(async move {
                for round in 0..20 {
                    let mut peer = Peer::on(TcpStream::connect(address).await.unwrap());
                    if (task + round) % 3 > 0 {
                        let _ = peer.stream.write_all(&bind()).await;
                        peer.read().await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        soon(task).await.unwrap();
    }
    until(|| server.gate.is_empty()).await;
    for _ in 0..5 {
        Peer::bound(address).await;
    }
}
