//! How connections end: with all that is owed, and without harm to others.

use std::io;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use smppkit_net::{ConnectionLimits, Cut, Event, SessionConfig};
use smppkit_wire::pdu::table::{SubmitSm, UnbindResp};
use smppkit_wire::{Body, Header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::peer::{Peer, never, soon, submit, unbind, until};
use crate::script::{SUBMIT_SM_RESP, Script, Server, filler};

#[tokio::test]
async fn a_peer_that_shuts_its_half_still_gets_its_answers() {
    let (server, release) = Server::holding(|listener| listener).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&(2..12).flat_map(submit).collect::<Vec<_>>()).await;
    soon(peer.stream.shutdown()).await.unwrap();
    until(|| server.seen.requests() == 10).await;
    never(peer.read()).await;
    release.send(10).unwrap();
    for number in 2..12 {
        peer.expect(SUBMIT_SM_RESP, number).await;
    }
    peer.is_closed().await;
    assert_eq!(server.seen.end().await, "the peer closed the connection");
    until(|| server.gate.is_empty()).await;
}

#[tokio::test]
async fn a_peer_that_shuts_its_half_gets_answers_to_what_receive_window_kept_waiting() {
    let config = SessionConfig { receive_window: 3, ..SessionConfig::default() };
    let (server, release) = Server::holding(|listener| listener.session(config)).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&(2..32).flat_map(submit).collect::<Vec<_>>()).await;
    soon(peer.stream.shutdown()).await.unwrap();
    release.send(30).unwrap();
    for number in 2..32 {
        peer.expect(SUBMIT_SM_RESP, number).await;
    }
    peer.is_closed().await;
}

#[tokio::test]
async fn an_application_that_answers_nothing_keeps_a_half_closed_connection_for_the_response_time_only() {
    let config = SessionConfig { response: Some(Duration::from_millis(200)), ..SessionConfig::default() };
    let (server, _release) = Server::holding(|listener| listener.session(config)).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&submit(2)).await;
    soon(peer.stream.shutdown()).await.unwrap();
    peer.is_closed().await;
    assert_eq!(server.seen.end().await, "the peer closed the connection");
    let polls = server.seen.polls();
    assert!(polls < 20, "{polls} polls while waiting");
}

#[tokio::test]
async fn a_peer_that_closes_owed_nothing_is_gone_at_once() {
    let server = Server::polite(SessionConfig::default()).await;
    let peer = Peer::bound(server.address).await;
    drop(peer);
    assert_eq!(server.seen.end().await, "the peer closed the connection");
}

/// Each submit_sm is answered with much; the last words come when the kernel's buffers are full.
async fn talkative(last: impl Fn() -> Vec<u8>) {
    let limits = ConnectionLimits {
        write_queue_octets: 1024 * 1024 * 1024,
        write_stall: Duration::from_secs(60),
        ..ConnectionLimits::default()
    };
    let server = Server::start(
        |listener| listener.limits(limits),
        |seen, _| {
            Script::new(seen, |link, event| match event {
                Event::Request(asked, Body::SubmitSm(_)) => {
                    link.raw(&filler(60_000));
                    let (session, out, _) = link.parts();
                    session.forget(asked, out);
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await;
    let mut peer = Peer::connect_narrow(server.address).await;
    peer.bind().await;
    peer.send(&(0..300).flat_map(|_| submit(2)).collect::<Vec<_>>()).await;
    peer.send(&last()).await;
    if last().is_empty() {
        soon(peer.stream.shutdown()).await.unwrap();
    }
    until(|| server.seen.requests() == 300).await;
    // Longer than an ended connection waits for its peer to close, too.
    let second = tokio::time::timeout(Duration::from_millis(1500), server.seen.end());
    assert!(second.await.is_err(), "not ended while there is something to be read");
    let mut answers = 0;
    let mut unbound = false;
    while let Some(header) = soon(peer.read()).await {
        answers += usize::from(header.command_id == SubmitSm::COMMAND_ID);
        unbound |= header.command_id == UnbindResp::COMMAND_ID;
    }
    assert_eq!((answers, unbound), (300, !last().is_empty()));
}

#[tokio::test]
async fn a_slow_reader_that_unbinds_gets_all_answers_and_its_unbind_resp() {
    talkative(|| unbind(3)).await;
}

#[tokio::test]
async fn a_slow_reader_that_shuts_its_half_gets_all_answers() {
    talkative(Vec::new).await;
}

/// Closing at once would reset the connection if octets of the peer came later, and take the last
/// answer along; a timer that was armed for something else must not shorten that.
#[tokio::test]
async fn a_connection_that_ended_waits_a_second_for_its_peer_to_close() {
    let config = SessionConfig { enquire_link: Some(Duration::from_millis(200)), ..SessionConfig::default() };
    let server = Server::polite(config).await;
    let mut peer = Peer::bound(server.address).await;
    let began = Instant::now();
    peer.send(&unbind(2)).await;
    peer.expect(UnbindResp::COMMAND_ID, 2).await;
    peer.is_closed().await;
    assert_eq!(server.seen.end().await, "unbound");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_bad_command_length_is_answered_and_the_connection_closed_whatever_follows() {
    let server = Server::polite(SessionConfig::default()).await;
    let mut peer = Peer::bound(server.address).await;
    let mut octets = submit(7);
    octets[..4].copy_from_slice(&[0xFF; 4]);
    octets.resize(100_000, 0xFF);
    peer.send(&octets).await;
    peer.expect(Header::GENERIC_NACK, 7).await;
    peer.is_closed().await;
    drop(peer);
    assert_eq!(server.seen.end().await, "command_length out of range");
}

/// Cuts the connection at the first submit_sm, with something in the buffer.
async fn cutting(cut: Cut) -> (Server, Peer) {
    let server = Server::start(
        |listener| listener,
        move |seen, _| {
            Script::new(seen, move |link, event| match event {
                Event::Request(..) => {
                    link.raw(&filler(32));
                    link.cut(cut);
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&submit(2)).await;
    (server, peer)
}

#[tokio::test]
async fn an_application_closes_with_what_is_in_the_buffer() {
    let (server, mut peer) = cutting(Cut::Close).await;
    assert_eq!(peer.next().await.command_length, 32);
    peer.is_closed().await;
    drop(peer);
    assert_eq!(server.seen.end().await, "broken off here");
}

#[tokio::test]
async fn an_application_resets_behind_it() {
    let (server, mut peer) = cutting(Cut::Reset).await;
    assert_eq!(peer.next().await.command_length, 32);
    let error = soon(peer.stream.read(&mut [0])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(server.seen.end().await, "broken off here");
}

/// A panic as a weapon (T30): one session, no more.
#[tokio::test]
async fn a_panic_in_an_application_closes_its_session_only() {
    let server = Server::start(
        |listener| listener,
        |seen, _| {
            Script::new(seen, |_, event| match event {
                Event::Request(_, Body::QuerySm(_)) => panic!("as the test wants it"),
                event => Err(event),
            })
        },
    )
    .await;
    let mut other = Peer::bound(server.address).await;
    let mut victim = Peer::bound(server.address).await;
    assert_eq!(server.gate.len(), 2);
    for round in 1..=5 {
        victim.send(&crate::peer::pdu(2, smppkit_wire::pdu::table::QuerySm::default())).await;
        victim.is_closed().await;
        until(|| server.gate.len() == 1).await;
        other.is_served(2 * round).await;
        other.send(&submit(2 * round + 1)).await;
        other.expect(SUBMIT_SM_RESP, 2 * round + 1).await;
        victim = Peer::bound(server.address).await;
    }
    assert_eq!(server.seen.requests.load(SeqCst), 10);
}
