//! Connections broken on purpose: what an application can do to one, seen from the peer.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use smppkit_net::{Application, Arriving, Cut, Event, Gate, Link, Listener, Now, Pace};
use smppkit_wire::pdu::table::{EnquireLink, EnquireLinkResp, SubmitSmResp};
use smppkit_wire::{Frame, Header};
use tokio::io::AsyncReadExt;

use crate::peer::{Peer, bind, never, pdu, soon, submit};

/// What was seen, and what is done to the first message.
#[derive(Clone)]
struct Faulty {
    fault: Fault,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Which way a batch went, and its command_ids.
type Seen = (&'static str, Vec<u32>);

#[derive(Clone, Copy)]
enum Fault {
    None,
    Pace(Pace),
    Cut(Cut),
    /// enquire_link is lost.
    Swallow,
}

impl Faulty {
    async fn listens(fault: Fault) -> (Self, std::net::SocketAddr, Gate) {
        let gate = Gate::default();
        let listener =
            Listener::bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap().gate(gate.clone());
        let address = listener.local_addr().unwrap();
        let app = Self { fault, seen: Arc::default() };
        let made = app.clone();
        tokio::spawn(listener.serve(move |_| made.clone()));
        (app, address, gate)
    }

    fn note(&self, way: &'static str, octets: &[u8]) {
        let mut ids = Vec::new();
        let mut rest = octets;
        while let Some(header) = Header::read(rest) {
            ids.push(header.command_id);
            rest = &rest[header.command_length as usize..];
        }
        self.seen.lock().unwrap().push((way, ids));
    }
}

impl Application for Faulty {
    type Token = ();
    const WATCHES: bool = true;

    fn arriving(&mut self, _: &mut Link<'_, ()>, frame: &Frame<'_>) -> Arriving {
        let lost = matches!(self.fault, Fault::Swallow) && frame.header.command_id == EnquireLink::COMMAND_ID;
        if lost { Arriving::Swallow } else { Arriving::Take }
    }

    fn read(&mut self, _: Now, frames: &[u8]) {
        self.note("in", frames);
    }

    fn leaving(&mut self, _: Now, octets: &[u8]) {
        self.note("out", octets);
    }

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        match event {
            Event::Bind(asked, _) => link.accept_bind(asked, "mc"),
            Event::Request(asked, _) => {
                match self.fault {
                    Fault::Pace(pace) => link.pace(Some(pace)),
                    Fault::Cut(cut) => link.cut(cut),
                    Fault::None | Fault::Swallow => {}
                }
                link.respond(
                    asked,
                    SubmitSmResp { message_id: "1234567890".parse().unwrap(), ..SubmitSmResp::default() },
                );
            }
            _ => {}
        }
    }
}

/// Sizes of the reads in which so many octets arrive, and how long that took.
async fn reads(peer: &mut Peer, octets: usize) -> (Vec<usize>, Duration) {
    let (mut sizes, began) = (Vec::new(), Instant::now());
    let mut room = [0; 4096];
    while sizes.iter().sum::<usize>() < octets {
        sizes.push(soon(peer.stream.read(&mut room)).await.unwrap());
    }
    (sizes, began.elapsed())
}

#[tokio::test]
async fn everything_that_passes_is_seen_in_batches_what_the_session_answers_too() {
    let (app, address, _) = Faulty::listens(Fault::None).await;
    let mut peer = Peer::connect(address).await;
    peer.send(&[bind(), submit(2), pdu(3, EnquireLink::default())].concat()).await;
    for _ in 0..3 {
        peer.next().await;
    }
    let seen = app.seen.lock().unwrap().clone();
    let all =
        |way| seen.iter().filter(|(of, _)| *of == way).flat_map(|(_, ids)| ids.clone()).collect::<Vec<_>>();
    assert_eq!(all("in"), [0x09, 0x04, 0x15]);
    assert_eq!(all("out"), [0x8000_0009, 0x8000_0004, 0x8000_0015]);
}

#[tokio::test]
async fn a_swallowed_frame_is_answered_by_nobody_and_the_next_one_is() {
    let (_, address, _) = Faulty::listens(Fault::Swallow).await;
    let mut peer = Peer::bound(address).await;
    peer.send(&[pdu(2, EnquireLink::default()), submit(3)].concat()).await;
    peer.expect(SubmitSmResp::COMMAND_ID, 3).await;
    never(peer.next()).await;
}

#[tokio::test]
async fn a_pace_of_few_octets_splits_pdus_into_segments() {
    let pace = Pace { octets: 5, gap: Duration::from_millis(5) };
    let (_, address, _) = Faulty::listens(Fault::Pace(pace)).await;
    let mut peer = Peer::bound(address).await;
    peer.send(&submit(2)).await;
    let (sizes, _) = reads(&mut peer, 27).await;
    // A busy machine may let two of them run together, not all.
    assert!(sizes.len() >= 4 && sizes[0] == 5, "{sizes:?}");
}

#[tokio::test]
async fn a_pace_with_a_pause_merges_what_was_answered_meanwhile() {
    let pace = Pace { octets: usize::MAX, gap: Duration::from_millis(200) };
    let (_, address, _) = Faulty::listens(Fault::Pace(pace)).await;
    let mut peer = Peer::bound(address).await;
    peer.send(&submit(2)).await;
    assert_eq!(reads(&mut peer, 27).await.0, [27], "the first goes at once");
    for sequence_number in 3..6 {
        peer.send(&submit(sequence_number)).await;
    }
    let (sizes, took) = reads(&mut peer, 3 * 27).await;
    assert_eq!(sizes, [3 * 27], "all in one, after {took:?}");
}

#[tokio::test]
async fn a_pace_does_not_keep_the_connection_from_closing_with_all_it_owes() {
    let pace = Pace { octets: 9, gap: Duration::from_millis(5) };
    let (_, address, _) = Faulty::listens(Fault::Pace(pace)).await;
    let mut peer = Peer::bound(address).await;
    peer.send(&[submit(2), crate::peer::unbind(3)].concat()).await;
    peer.expect(SubmitSmResp::COMMAND_ID, 2).await;
    peer.expect(0x8000_0006, 3).await;
    peer.is_closed().await;
}

#[tokio::test]
async fn a_hanging_connection_is_open_and_silent_until_its_time_is_over() {
    let (_, address, gate) = Faulty::listens(Fault::Cut(Cut::Hang(Duration::from_millis(1_500)))).await;
    let mut peer = Peer::bound(address).await;
    peer.send(&submit(2)).await;
    peer.expect(SubmitSmResp::COMMAND_ID, 2).await;
    peer.send(&pdu(3, EnquireLink::default())).await;
    let mut room = [0; 64];
    never(peer.stream.read(&mut room)).await;
    assert_eq!(gate.len(), 1);
    let end = soon(peer.stream.read(&mut room)).await;
    assert!(end.is_err(), "a reset, not {end:?}");
}

#[tokio::test]
async fn a_hanging_connection_does_not_hold_up_a_drain() {
    let (_, address, gate) = Faulty::listens(Fault::Cut(Cut::Hang(Duration::from_secs(3_600)))).await;
    let mut peer = Peer::bound(address).await;
    peer.send(&submit(2)).await;
    peer.expect(SubmitSmResp::COMMAND_ID, 2).await;
    never(peer.next()).await;
    soon(gate.drain()).await;
}

#[tokio::test]
async fn an_answer_to_enquire_link_is_as_ever_without_a_fault() {
    let (_, address, _) = Faulty::listens(Fault::None).await;
    let mut peer = Peer::bound(address).await;
    peer.send(&pdu(2, EnquireLink::default())).await;
    peer.expect(EnquireLinkResp::COMMAND_ID, 2).await;
}
