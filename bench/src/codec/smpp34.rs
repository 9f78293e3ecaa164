//! smpp34 1.5: owned values; encoding takes them.

use std::hint::black_box;

use smpp34::{CommandHeader, deliver_sm, submit_sm, submit_sm_resp};

use super::{Contender, RUN, job, keep, prepared_job};
use crate::frames::{self, DELIVER_SM, SUBMIT_SM, Sample};

pub(super) const NAME: &str = "smpp34";

#[derive(Clone)]
enum Read {
    Submit(submit_sm),
    Deliver(deliver_sm),
    Answer(submit_sm_resp),
}

fn read(pdu: &[u8]) -> Read {
    let header = CommandHeader::decode(pdu).expect("samples are framed");
    match header.command_id {
        SUBMIT_SM => Read::Submit(submit_sm::decode(header, pdu).expect("samples are whole")),
        DELIVER_SM => Read::Deliver(deliver_sm::decode(header, pdu).expect("samples are whole")),
        _ => Read::Answer(submit_sm_resp::decode(header, pdu).expect("samples are whole")),
    }
}

#[inline]
fn read_and_keep(pdu: &[u8]) {
    let header = CommandHeader::decode(pdu).expect("samples are framed");
    match header.command_id {
        SUBMIT_SM => keep(&submit_sm::decode(header, pdu)),
        DELIVER_SM => keep(&deliver_sm::decode(header, pdu)),
        _ => keep(&submit_sm_resp::decode(header, pdu)),
    }
}

#[inline]
fn write(value: Read) -> Vec<u8> {
    match value {
        Read::Submit(value) => value.encode(),
        Read::Deliver(value) => value.encode(),
        Read::Answer(value) => value.encode(),
    }
}

pub(super) fn decoder(sample: &Sample, run: &[u8]) -> Box<dyn Contender> {
    assert_eq!(write(read(&sample.octets)), sample.octets, "{NAME} {}", sample.name);
    job(NAME, run.to_vec(), |run| {
        let mut rest = black_box(run.as_slice());
        while let Some(pdu) = frames::first(rest) {
            read_and_keep(pdu);
            rest = rest.get(pdu.len()..).unwrap_or_default();
        }
    })
}

pub(super) fn encoder(sample: &Sample) -> Box<dyn Contender> {
    let state = (read(&sample.octets), Vec::with_capacity(RUN));
    let clones = |(value, ready): &mut (Read, Vec<Read>)| ready.extend((0..RUN).map(|_| value.clone()));
    prepared_job(NAME, state, clones, |(_, ready)| {
        for value in ready.drain(..) {
            black_box(&write(value));
        }
    })
}
