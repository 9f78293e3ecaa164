//! rusmpp 0.4: the borrowed codec of rusmpp-core, and the owned one behind tokio's `Framed`.

use std::hint::black_box;

use bytes::BytesMut;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp_core::command::borrowed;
use rusmpp_core::decode::borrowed::DecodeWithLength;
use rusmpp_core::encode::{Encode, Length};
use tokio_util::codec::{Decoder, Encoder};

use super::{Contender, RUN, job, keep, prepared_job};
use crate::frames::{self, Sample};

pub(super) const BORROWED: &str = "rusmpp-core";
pub(super) const OWNED: &str = "rusmpp";

/// With room for 8 TLVs.
type Command<'a> = borrowed::Command<'a, 8>;

#[inline]
fn read(pdu: &[u8]) -> Command<'_> {
    let behind_length = pdu.get(4..).unwrap_or_default();
    Command::decode(behind_length, behind_length.len()).expect("samples are whole").0
}

/// command_length is the caller's matter, as in its own `framez` codec.
#[inline]
fn write(command: &Command<'_>, out: &mut [u8]) -> usize {
    let length = 4 + command.length();
    if let Some((first, rest)) = out.split_first_chunk_mut::<4>() {
        *first = (length as u32).to_be_bytes();
        command.encode(rest);
    }
    length
}

pub(super) fn decoders(sample: &Sample, run: &[u8]) -> Vec<Box<dyn Contender>> {
    let borrowed = job(BORROWED, run.to_vec(), |run| {
        let mut rest = black_box(run.as_slice());
        while let Some(pdu) = frames::first(rest) {
            let behind_length = pdu.get(4..).unwrap_or_default();
            keep(&Command::decode(behind_length, behind_length.len()));
            rest = rest.get(pdu.len()..).unwrap_or_default();
        }
    });
    let name = sample.name;
    let state = (run.to_vec(), BytesMut::new(), CommandCodec::new());
    let fill = |(run, buffer, _): &mut (Vec<u8>, BytesMut, CommandCodec)| {
        buffer.clear();
        buffer.extend_from_slice(run);
    };
    let owned = prepared_job(OWNED, state, fill, move |(_, buffer, codec)| {
        let mut count = 0;
        loop {
            let command = codec.decode(buffer);
            if let Ok(None) = command {
                break;
            }
            keep(&command);
            count += 1;
        }
        assert_eq!(count, RUN, "{OWNED} {name}");
    });
    vec![borrowed, owned]
}

pub(super) fn encoders(sample: &Sample) -> Vec<Box<dyn Contender>> {
    let octets: &'static [u8] = sample.octets.clone().leak();
    let mut again = vec![0; octets.len()];
    assert_eq!(write(&read(octets), &mut again), octets.len(), "{BORROWED} {}", sample.name);
    assert_eq!(again, octets, "{BORROWED} {}", sample.name);
    let borrowed = job(BORROWED, (read(octets), vec![0; RUN * octets.len()]), |(command, out)| {
        let mut at = 0;
        for _ in 0..RUN {
            at += write(black_box(command), out.get_mut(at..).unwrap_or_default());
        }
        black_box(out.as_slice());
    });

    let mut codec = CommandCodec::new();
    let command = codec.decode(&mut BytesMut::from(octets)).ok().flatten().expect("a sample is one frame");
    let mut again = BytesMut::new();
    codec.encode(&command, &mut again).expect("samples can be written");
    assert_eq!(again, octets, "{OWNED} {}", sample.name);
    let state = (command, BytesMut::with_capacity(2 * RUN * octets.len()));
    let owned = job(OWNED, state, move |(command, out)| {
        out.clear();
        for _ in 0..RUN {
            codec.encode(black_box(&*command), out).expect("samples can be written");
        }
        black_box(&out[..]);
    });
    vec![borrowed, owned]
}
