//! smpp-codec 0.2: owned values, written to any `Write`.

use std::hint::black_box;

use smpp_codec::pdus::{DeliverSmRequest, SubmitSmRequest, SubmitSmResponse};

use super::{Contender, RUN, job, keep};
use crate::frames::{self, DELIVER_SM, SUBMIT_SM, Sample};

pub(super) const NAME: &str = "smpp-codec";

enum Read {
    Submit(SubmitSmRequest),
    Deliver(DeliverSmRequest),
    Answer(SubmitSmResponse),
}

fn read(pdu: &[u8]) -> Read {
    match frames::word(pdu, 4) {
        SUBMIT_SM => Read::Submit(SubmitSmRequest::decode(pdu).expect("samples are whole")),
        DELIVER_SM => Read::Deliver(DeliverSmRequest::decode(pdu).expect("samples are whole")),
        _ => Read::Answer(SubmitSmResponse::decode(pdu).expect("samples are whole")),
    }
}

#[inline]
fn read_and_keep(pdu: &[u8]) {
    match frames::word(pdu, 4) {
        SUBMIT_SM => keep(&SubmitSmRequest::decode(pdu)),
        DELIVER_SM => keep(&DeliverSmRequest::decode(pdu)),
        _ => keep(&SubmitSmResponse::decode(pdu)),
    }
}

#[inline]
fn write(value: &Read, out: &mut Vec<u8>) {
    let written = match value {
        Read::Submit(value) => value.encode(out),
        Read::Deliver(value) => value.encode(out),
        Read::Answer(value) => value.encode(out),
    };
    written.expect("samples can be written");
}

pub(super) fn decoder(sample: &Sample, run: &[u8]) -> Box<dyn Contender> {
    let mut again = Vec::new();
    write(&read(&sample.octets), &mut again);
    assert_eq!(again, sample.octets, "{NAME} {}", sample.name);
    job(NAME, run.to_vec(), |run| {
        let mut rest = black_box(run.as_slice());
        while let Some(pdu) = frames::first(rest) {
            read_and_keep(pdu);
            rest = rest.get(pdu.len()..).unwrap_or_default();
        }
    })
}

pub(super) fn encoder(sample: &Sample) -> Box<dyn Contender> {
    let state = (read(&sample.octets), Vec::with_capacity(2 * RUN * sample.octets.len()));
    job(NAME, state, |(value, out)| {
        out.clear();
        for _ in 0..RUN {
            write(black_box(value), out);
        }
        black_box(out.as_slice());
    })
}
