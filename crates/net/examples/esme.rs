//! The smallest ESME: binds, submits one message, waits for its receipt.
//!
//! Start `cargo run -p smppkit-net --example mc` first, or any other MC.

use smppkit_net::{Bind, BindMode, Connector};
use smppkit_wire::{Body, field::ShortMessage, pdu::table::SubmitSm, value::RegisteredDelivery};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mc = Connector::new("127.0.0.1:2775");
    let (esme, mut inbox) = mc.bind(BindMode::Transceiver, Bind::new("esme", "secret")?).await?;

    let message = SubmitSm {
        destination_addr: "447700900123".parse()?,
        registered_delivery: RegisteredDelivery::RECEIPT,
        short_message: ShortMessage::new("Hello")?,
        ..SubmitSm::default()
    };
    let answer = esme.send(message).await?;
    println!("submitted: {}", answer.message_id);

    if let Some(incoming) = inbox.next().await {
        if let Body::DeliverSm(receipt) = &incoming.body {
            println!("received: {}", receipt.short_message.escape_ascii());
        }
        incoming.accept();
    }
    esme.unbind().await;
    Ok(())
}
