//! The least that reading and writing can cost: borrowed, by hand, every length checked.

use std::hint::black_box;

use super::{Contender, RUN, job, keep};
use crate::frames::{self, DELIVER_SM, SUBMIT_SM, SUBMIT_SM_RESP, Sample};

pub(super) const NAME: &str = "floor";

enum Read<'a> {
    Message(Message<'a>),
    Answer { sequence_number: u32, status: u32, message_id: &'a [u8] },
}

/// submit_sm and deliver_sm: their fields are the same.
#[allow(clippy::struct_field_names, reason = "short_message is the field's own name")]
struct Message<'a> {
    id: u32,
    status: u32,
    sequence_number: u32,
    service_type: &'a [u8],
    source: Address<'a>,
    destination: Address<'a>,
    /// esm_class, protocol_id, priority_flag.
    class: [u8; 3],
    schedule_delivery_time: &'a [u8],
    validity_period: &'a [u8],
    /// registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id.
    delivery: [u8; 4],
    short_message: &'a [u8],
    /// Walked to its end, not interpreted.
    tlvs: &'a [u8],
}

struct Address<'a> {
    ton: u8,
    npi: u8,
    digits: &'a [u8],
}

/// What is left of a PDU.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    #[inline]
    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    #[inline]
    fn take(&mut self, octets: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(octets)?;
        self.0 = rest;
        Some(taken)
    }

    /// Characters up to a NUL, which is taken, too; `room` counts it.
    #[inline]
    fn string(&mut self, room: usize) -> Option<&'a [u8]> {
        let end = self.0.iter().take(room).position(|&octet| octet == 0)?;
        let taken = self.take(end)?;
        self.take(1)?;
        Some(taken)
    }

    #[inline]
    fn address(&mut self) -> Option<Address<'a>> {
        let [ton, npi] = self.fixed()?;
        Some(Address { ton, npi, digits: self.string(21)? })
    }

    #[inline]
    fn tlvs(&mut self) -> Option<&'a [u8]> {
        let all = self.0;
        while !self.0.is_empty() {
            let [_, _, high, low] = self.fixed()?;
            self.take(usize::from(u16::from_be_bytes([high, low])))?;
        }
        Some(all)
    }
}

#[inline]
fn read(pdu: &[u8]) -> Option<Read<'_>> {
    let (header, body) = pdu.split_first_chunk::<16>()?;
    let (id, status, sequence_number) =
        (frames::word(header, 4), frames::word(header, 8), frames::word(header, 12));
    let mut rest = Rest(body);
    match id {
        SUBMIT_SM | DELIVER_SM => Some(Read::Message(Message {
            id,
            status,
            sequence_number,
            service_type: rest.string(6)?,
            source: rest.address()?,
            destination: rest.address()?,
            class: rest.fixed()?,
            schedule_delivery_time: rest.string(17)?,
            validity_period: rest.string(17)?,
            delivery: rest.fixed()?,
            short_message: {
                let [length] = rest.fixed()?;
                rest.take(usize::from(length))?
            },
            tlvs: rest.tlvs()?,
        })),
        SUBMIT_SM_RESP => {
            let message_id = rest.string(65)?;
            rest.0.is_empty().then_some(Read::Answer { sequence_number, status, message_id })
        }
        _ => None,
    }
}

#[inline]
fn write(read: &Read<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    match read {
        Read::Answer { sequence_number, status, message_id } => {
            out.reserve(16 + message_id.len() + 1);
            header(out, SUBMIT_SM_RESP, *status, *sequence_number);
            string(out, message_id);
        }
        Read::Message(message) => {
            out.reserve(128 + message.short_message.len() + message.tlvs.len());
            header(out, message.id, message.status, message.sequence_number);
            string(out, message.service_type);
            for address in [&message.source, &message.destination] {
                out.extend_from_slice(&[address.ton, address.npi]);
                string(out, address.digits);
            }
            out.extend_from_slice(&message.class);
            string(out, message.schedule_delivery_time);
            string(out, message.validity_period);
            out.extend_from_slice(&message.delivery);
            out.push(message.short_message.len() as u8);
            out.extend_from_slice(message.short_message);
            out.extend_from_slice(message.tlvs);
        }
    }
    let length = (out.len() - start) as u32;
    if let Some(room) = out.get_mut(start..start + 4) {
        room.copy_from_slice(&length.to_be_bytes());
    }
}

#[inline]
fn header(out: &mut Vec<u8>, id: u32, status: u32, sequence_number: u32) {
    let mut octets = [0; 16];
    octets[4..8].copy_from_slice(&id.to_be_bytes());
    octets[8..12].copy_from_slice(&status.to_be_bytes());
    octets[12..].copy_from_slice(&sequence_number.to_be_bytes());
    out.extend_from_slice(&octets);
}

#[inline]
fn string(out: &mut Vec<u8>, characters: &[u8]) {
    out.extend_from_slice(characters);
    out.push(0);
}

pub(super) fn decoder(run: &[u8]) -> Box<dyn Contender> {
    job(NAME, run.to_vec(), |run| {
        let mut rest = black_box(run.as_slice());
        while let Some(pdu) = frames::first(rest) {
            keep(&read(pdu).ok_or("cut"));
            rest = rest.get(pdu.len()..).unwrap_or_default();
        }
    })
}

pub(super) fn encoder(sample: &Sample) -> Box<dyn Contender> {
    let mut again = Vec::new();
    write(&read(&sample.octets).expect("samples are whole"), &mut again);
    assert_eq!(again, sample.octets, "{NAME} {}", sample.name);
    // Read once for all and borrowed from octets that live as long as the program.
    let octets: &'static [u8] = sample.octets.clone().leak();
    let state = (read(octets).expect("samples are whole"), Vec::with_capacity(2 * RUN * octets.len()));
    job(NAME, state, |(value, out)| {
        out.clear();
        for _ in 0..RUN {
            write(black_box(value), out);
        }
        black_box(out.as_slice());
    })
}
