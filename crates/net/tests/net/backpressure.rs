//! Whoever does not read is not read from, and harms nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;

use smppkit_net::{Application, ConnectionLimits, Event, Link, SessionConfig};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::peer::{Peer, never, soon, submit, until};
use crate::script::{SUBMIT_SM_RESP, Script, Server, filler};

/// What each answer of [`talkative`] weighs.
const ANSWER_OCTETS: usize = 60_000;
/// More than the kernel keeps of a connection of the loopback, both ends together.
const KERNEL_OCTETS: usize = 16 * 1024 * 1024;

/// Answers a submit_sm with much.
async fn talkative(write_stall: Duration) -> Server {
    let limits =
        ConnectionLimits { write_queue_octets: 64 * 1024, write_stall, ..ConnectionLimits::default() };
    Server::start(
        |listener| listener.limits(limits),
        |seen, _| {
            Script::new(seen, |link, event| match event {
                Event::Request(asked, _) => {
                    link.raw(&filler(ANSWER_OCTETS as u32));
                    let (session, out, _) = link.parts();
                    session.forget(asked, out);
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await
}

/// Sends until the other side takes no more; how many PDUs it was given whole.
async fn fill(peer: &mut Peer) -> usize {
    let batch: Vec<u8> = (0..1000).flat_map(|_| submit(2)).collect();
    let mut octets = 0;
    while let Ok(written) =
        tokio::time::timeout(Duration::from_millis(300), peer.stream.write(&batch[octets % batch.len()..]))
            .await
    {
        octets += written.unwrap();
        assert!(octets < KERNEL_OCTETS, "it is still read from");
    }
    // What was written is written whole, so that its answers can be counted.
    octets / submit(2).len()
}

#[tokio::test]
async fn a_peer_that_never_reads_is_not_read_from_and_others_are_served() {
    let server = talkative(Duration::from_secs(60)).await;
    let mut mute = Peer::connect_narrow(server.address).await;
    mute.bind().await;
    fill(&mut mute).await;
    let served = server.seen.requests();
    assert!(served * ANSWER_OCTETS < KERNEL_OCTETS, "{served} answers are waiting to be written");
    let mut other = Peer::bound(server.address).await;
    for number in 2..100 {
        other.is_served(number).await;
    }
    assert_eq!(server.seen.requests(), served, "and nothing more was taken of the first");
}

#[tokio::test]
async fn a_peer_that_reads_again_gets_everything() {
    let server = talkative(Duration::from_secs(60)).await;
    let mut slow = Peer::connect_narrow(server.address).await;
    slow.bind().await;
    let sent = fill(&mut slow).await.min(500);
    for _ in 0..sent {
        assert_eq!(slow.next().await.command_length as usize, ANSWER_OCTETS);
    }
}

#[tokio::test]
async fn a_peer_that_takes_nothing_for_write_stall_is_cut() {
    let server = talkative(Duration::from_millis(500)).await;
    let mut mute = Peer::connect_narrow(server.address).await;
    mute.bind().await;
    mute.send(&(0..1000).flat_map(|_| submit(2)).collect::<Vec<_>>()).await;
    assert_eq!(server.seen.end().await, "the peer reads nothing");
    until(|| server.gate.is_empty()).await;
}

/// An application that has much to do elsewhere is polled all the time.
struct Poked {
    script: Script,
    pokes: mpsc::UnboundedReceiver<()>,
    heard: Arc<AtomicUsize>,
}

impl Application for Poked {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        self.script.event(link, event);
    }

    fn poll(&mut self, _: &mut Link<'_, ()>, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(())) = self.pokes.poll_recv(cx) {
            self.heard.fetch_add(1, SeqCst);
        }
    }
}

/// What was read before the queue filled is not answered into it either, however often the task runs.
#[tokio::test]
async fn a_full_write_queue_does_not_grow_with_each_poll() {
    let limits = ConnectionLimits {
        write_queue_octets: 64 * 1024,
        write_stall: Duration::from_secs(60),
        ..ConnectionLimits::default()
    };
    let (poke, pokes) = mpsc::unbounded_channel();
    let heard = Arc::new(AtomicUsize::new(0));
    let mut once = Some((pokes, Arc::clone(&heard)));
    let server = Server::start(
        |listener| listener.limits(limits),
        move |seen, _| {
            let (pokes, heard) = once.take().expect("one connection");
            let script = Script::new(seen, |link, event| match event {
                Event::Request(asked, _) => {
                    link.raw(&filler(ANSWER_OCTETS as u32));
                    let (session, out, _) = link.parts();
                    session.forget(asked, out);
                    Ok(())
                }
                event => Err(event),
            });
            Poked { script, pokes, heard }
        },
    )
    .await;
    let mut mute = Peer::connect_narrow(server.address).await;
    mute.bind().await;
    mute.send(&(0..1000).flat_map(|_| submit(2)).collect::<Vec<_>>()).await;
    let stands_still = || async {
        let before = server.seen.requests();
        tokio::time::timeout(Duration::from_millis(200), until(|| server.seen.requests() > before))
            .await
            .is_err()
    };
    while !stands_still().await {}
    let served = server.seen.requests();
    assert!(served < 1000, "the answers fitted into the kernel's buffers");
    for pokes in 1..=100 {
        poke.send(()).unwrap();
        until(|| heard.load(SeqCst) == pokes).await;
    }
    assert_eq!(server.seen.requests(), served);
}

#[tokio::test]
async fn an_application_that_holds_answers_back_stops_the_reading_and_resumes_it() {
    let config = SessionConfig { receive_window: 10, ..SessionConfig::default() };
    let (server, release) = Server::holding(|listener| listener.session(config)).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&(2..52).flat_map(submit).collect::<Vec<_>>()).await;
    until(|| server.seen.requests() == 10).await;
    never(until(|| server.seen.requests() > 10)).await;
    release.send(1).unwrap();
    peer.expect(SUBMIT_SM_RESP, 2).await;
    until(|| server.seen.requests() == 11).await;
    never(until(|| server.seen.requests() > 11)).await;
    release.send(49).unwrap();
    for number in 3..52 {
        peer.expect(SUBMIT_SM_RESP, number).await;
    }
    assert_eq!(server.seen.requests(), 50);
    peer.is_served(52).await;
}

#[tokio::test]
async fn a_receive_window_of_one_takes_one_request_after_another_out_of_one_read() {
    let config = SessionConfig { receive_window: 1, ..SessionConfig::default() };
    let (server, release) = Server::holding(|listener| listener.session(config)).await;
    let mut peer = Peer::bound(server.address).await;
    peer.send(&(2..1002).flat_map(submit).collect::<Vec<_>>()).await;
    for number in 2..1002 {
        until(|| server.seen.requests() == number as usize - 1).await;
        release.send(1).unwrap();
        peer.expect(SUBMIT_SM_RESP, number).await;
    }
    soon(peer.stream.shutdown()).await.unwrap();
    assert_eq!(server.seen.end().await, "the peer closed the connection");
}
