//! The smallest MC: accepts every bind, answers every submit_sm, and sends the receipts.
//!
//! `cargo run -p smppkit-net --example esme` talks to it.

use smppkit_net::{Application, Event, Link, Listener};
use smppkit_wire::pdu::table::{DeliverSm, SubmitSmResp};
use smppkit_wire::value::{EsmClass, RegisteredDelivery};
use smppkit_wire::{Body, CommandStatus, field::ShortMessage};

/// One of these for each connection.
#[derive(Default)]
pub(crate) struct Mc {
    messages: u32,
}

impl Application for Mc {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        match event {
            Event::Bind(asked, _) => link.accept_bind(asked, "mc"),
            Event::Request(asked, Body::SubmitSm(message)) => {
                self.messages += 1;
                let message_id = self.messages.to_string().parse().unwrap_or_default();
                link.respond(asked, SubmitSmResp { message_id, ..SubmitSmResp::default() });
                if message.registered_delivery == RegisteredDelivery::NONE {
                    return;
                }
                let receipt = DeliverSm {
                    esm_class: EsmClass::DELIVERY_RECEIPT,
                    source_addr: message.destination_addr,
                    destination_addr: message.source_addr,
                    short_message: ShortMessage::new(format!("id:{message_id} stat:DELIVRD"))
                        .unwrap_or_default(),
                    ..DeliverSm::default()
                };
                let _ = link.request(receipt, ());
            }
            Event::Request(asked, _) => link.refuse(asked, CommandStatus::ESME_RINVCMDID),
            _ => {}
        }
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    Listener::bind("127.0.0.1:2775").await?.serve(|_peer| Mc::default()).await;
    Ok(())
}
