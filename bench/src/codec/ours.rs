//! smppkit: owned values that share the octets they were read from.

use std::hint::black_box;

use bytes::Bytes;
use smppkit_wire::{BodyError, Dialect, Frame, Frames, Pdu, Version};

use super::{Contender, OURS, RUN, job, keep};
use crate::frames::Sample;

/// With the check of values that a session makes of every request.
pub(super) const CHECKED: &str = "smppkit, checked";
/// To a 5.0 peer, to whom TLVs go out unsifted.
pub(super) const NEWEST: &str = "smppkit, 5.0";

const LIMIT: u32 = 64 * 1024;

fn frames(run: &Bytes) -> impl Iterator<Item = Frame<'_>> {
    Frames::new(run, LIMIT).map(|frame| frame.expect("samples are framed"))
}

#[inline]
fn read(frame: &Frame<'_>) -> Result<Pdu, BodyError> {
    Pdu::decode(frame, Version::V34, &Dialect::RECEIVE)
}

pub(super) fn decoders(sample: &Sample, run: &[u8]) -> Vec<Box<dyn Contender>> {
    let run = Bytes::copy_from_slice(run);
    assert_eq!(frames(&run).filter(|frame| read(frame).is_ok()).count(), RUN, "{OURS} {}", sample.name);
    let plain = job(OURS, run.clone(), |run| {
        for frame in frames(black_box(run)) {
            keep(&read(&frame));
        }
    });
    let checked = job(CHECKED, run, |run| {
        for frame in frames(black_box(run)) {
            let pdu = read(&frame);
            if let Ok(pdu) = &pdu {
                pdu.check(Version::V34, &Dialect::RECEIVE).expect("samples are valid");
            }
            keep(&pdu);
        }
    });
    vec![plain, checked]
}

pub(super) fn encoders(sample: &Sample) -> Vec<Box<dyn Contender>> {
    let run = Bytes::copy_from_slice(&sample.octets);
    let pdu =
        frames(&run).next().map(|frame| read(&frame)).expect("a sample is one frame").expect("it is whole");
    let encoder = |name, version| {
        let mut again = Vec::new();
        pdu.encode(version, &mut again);
        assert_eq!(again, sample.octets, "{name} {}", sample.name);
        let state = (pdu.clone(), Vec::with_capacity(2 * RUN * sample.octets.len()));
        job(name, state, move |(pdu, out)| {
            out.clear();
            for _ in 0..RUN {
                black_box(&*pdu).encode(version, out);
            }
            black_box(out.as_slice());
        })
    };
    vec![encoder(OURS, Version::V34), encoder(NEWEST, Version::V50)]
}
