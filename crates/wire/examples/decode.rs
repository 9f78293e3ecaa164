//! Decodes one captured frame: `cargo run -p smppkit-wire --example decode`.

use bytes::Bytes;
use smppkit_wire::{Body, Dialect, Frames, Pdu, Version};

const CAPTURED: &[u8] = b"\0\0\0\x39\0\0\0\x04\0\0\0\0\0\0\0\x07\
    \0\x05\0smppkit\0\x01\x01447700900123\0\0\0\0\0\0\x01\0\0\0\x05Hello";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A stream's octets as they were read; frames share them.
    let run = Bytes::from_static(CAPTURED);
    for frame in Frames::new(&run, 65_536) {
        let pdu = Pdu::decode(&frame?, Version::V34, &Dialect::RECEIVE)?;
        pdu.check(Version::V34, &Dialect::RECEIVE)?;
        let name = pdu.def().map_or("unknown", |def| def.name);
        println!("{name}, sequence_number {}, {}", pdu.sequence_number, pdu.command_status);
        if let Body::SubmitSm(message) = &pdu.body {
            println!("from {} ({})", message.source_addr, message.source_addr_ton);
            println!("to {}: {}", message.destination_addr, message.short_message.escape_ascii());
        }
    }
    Ok(())
}
