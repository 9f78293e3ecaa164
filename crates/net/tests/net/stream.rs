//! Octets in segments of any size, answers in few.

use smppkit_net::SessionConfig;
use smppkit_wire::pdu::table::{EnquireLink, EnquireLinkResp, UnbindResp};

use crate::peer::{Peer, bind, pdu, submit, unbind};
use crate::script::{SUBMIT_SM_RESP, Server};

#[tokio::test]
async fn what_comes_in_one_segment_is_answered_in_few() {
    let server = Server::polite(SessionConfig::default()).await;
    let mut peer = Peer::bound(server.address).await;
    let many: Vec<u8> = (2..=501).flat_map(submit).collect();
    let before = peer.reads;
    peer.send(&many).await;
    for sequence_number in 2..=501 {
        peer.expect(SUBMIT_SM_RESP, sequence_number).await;
    }
    let reads = peer.reads - before;
    assert!(reads <= 20, "{reads} reads for 500 answers");
}

/// The first octets come in the segment of a PDU that is answered, so that they were read for sure.
#[tokio::test]
async fn a_pdu_may_be_cut_at_every_octet() {
    let server = Server::polite(SessionConfig::default()).await;
    let mut peer = Peer::bound(server.address).await;
    let cuts = submit(2).len();
    for at in 1..cuts {
        let number = 2 * at as u32;
        let (enquire_link, submit) = (pdu(number, EnquireLink {}), submit(number + 1));
        peer.send(&[&enquire_link, &submit[..at]].concat()).await;
        peer.expect(EnquireLinkResp::COMMAND_ID, number).await;
        peer.send(&submit[at..]).await;
        peer.expect(SUBMIT_SM_RESP, number + 1).await;
    }
    assert_eq!(server.seen.requests(), cuts - 1);
}

#[tokio::test]
async fn a_whole_session_may_come_octet_by_octet() {
    let server = Server::polite(SessionConfig { enquire_link_rate: None, ..SessionConfig::default() }).await;
    let mut peer = Peer::connect(server.address).await;
    for octet in [bind(), submit(2), pdu(3, EnquireLink {}), unbind(4)].concat() {
        peer.send(&[octet]).await;
        tokio::task::yield_now().await;
    }
    peer.next().await;
    peer.expect(SUBMIT_SM_RESP, 2).await;
    peer.expect(EnquireLinkResp::COMMAND_ID, 3).await;
    peer.expect(UnbindResp::COMMAND_ID, 4).await;
    peer.is_closed().await;
}

#[tokio::test]
async fn a_whole_session_may_come_in_one_segment() {
    let server = Server::polite(SessionConfig::default()).await;
    let mut peer = Peer::connect(server.address).await;
    peer.send(&[bind(), submit(2), unbind(3)].concat()).await;
    peer.next().await;
    peer.expect(SUBMIT_SM_RESP, 2).await;
    peer.expect(UnbindResp::COMMAND_ID, 3).await;
    peer.is_closed().await;
    assert_eq!(server.seen.end().await, "unbound");
}
