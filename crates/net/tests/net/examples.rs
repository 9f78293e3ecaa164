//! What the examples show works.

#[allow(dead_code, reason = "its main listens on a port of its own")]
#[path = "../../examples/mc.rs"]
mod mc;

use smppkit_net::{Bind, BindMode, Connector};
use smppkit_wire::pdu::table::{DeliverSm, QuerySm, SubmitSm};
use smppkit_wire::value::RegisteredDelivery;
use smppkit_wire::{Body, CommandStatus};

use crate::peer::{message, soon};
use crate::script::Server;

#[tokio::test]
async fn the_smallest_mc_takes_a_message_and_sends_its_receipt() {
    let server = Server::start(|listener| listener, |_, _| mc::Mc::default()).await;
    let connector = Connector::new(server.url());
    let bind = Bind::new("esme", "secret").unwrap();
    let (esme, mut inbox) = soon(connector.bind(BindMode::Transceiver, bind)).await.unwrap();
    let wanted = SubmitSm { registered_delivery: RegisteredDelivery::RECEIPT, ..message() };
    assert_eq!(soon(esme.send(message())).await.unwrap().message_id, "1");
    assert_eq!(soon(esme.send(wanted)).await.unwrap().message_id, "2");
    let incoming = soon(inbox.next()).await.unwrap();
    let Body::DeliverSm(DeliverSm { short_message, .. }) = &incoming.body else { panic!("{incoming:?}") };
    assert_eq!(&short_message[..], b"id:2 stat:DELIVRD");
    incoming.accept();
    let refused = soon(esme.send(QuerySm::default())).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("refused with {}", CommandStatus::ESME_RINVCMDID));
    soon(esme.unbind()).await;
}
