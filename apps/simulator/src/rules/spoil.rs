//! Answers as no specification wants them.

use smppkit_wire::Header;

use super::chance::Chance;
use super::rule::Answer;

/// One whole PDU, made into what the rule asks for.
pub(crate) fn spoiled(answer: Answer, mut pdu: Vec<u8>, salt: u64) -> Vec<u8> {
    let length = pdu.len() as u32;
    match answer {
        Answer::Once => pdu,
        Answer::None => Vec::new(),
        Answer::Twice => pdu.repeat(2),
        Answer::WrongSequence => {
            // Far from any that a peer that counts from 1 has in use.
            put(&mut pdu, 12, 0x7F00_0000 | (salt as u32 & 0x00FF_FFFF));
            pdu
        }
        Answer::Nack => {
            put(&mut pdu, 0, Header::OCTETS as u32);
            put(&mut pdu, 4, Header::GENERIC_NACK);
            pdu.truncate(Header::OCTETS);
            pdu
        }
        Answer::UnknownCommand => {
            put(&mut pdu, 4, 0x8000_7777);
            pdu
        }
        Answer::LengthTooLong => {
            put(&mut pdu, 0, length + 4);
            pdu
        }
        Answer::LengthTooShort => {
            put(&mut pdu, 0, length - 1);
            pdu
        }
        Answer::Truncated => {
            pdu.truncate(pdu.len() / 2);
            pdu
        }
        Answer::BadTlv => {
            // receipted_message_id of 200 octets, of which there are two.
            pdu.extend_from_slice(&[0x00, 0x1E, 0x00, 200, b'4', 0]);
            put(&mut pdu, 0, length + 6);
            pdu
        }
        Answer::Garbage => {
            let mut chance = Chance::of_session(salt, &[], 0);
            // 0xFF first: a command_length of 4 GB is believed by nobody.
            core::iter::once(0xFF).chain((0..63).map(|_| chance.draw() as u8)).collect()
        }
    }
}

fn put(pdu: &mut [u8], at: usize, number: u32) {
    if let Some(room) = pdu.get_mut(at..at + 4) {
        room.copy_from_slice(&number.to_be_bytes());
    }
}
