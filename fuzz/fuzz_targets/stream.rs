//! A run of octets, cut anywhere, gives the same frames as in one piece.
//!
//! Input: an octet that says how many chunk lengths follow, those, then the run. The last length holds to the end.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use smppkit_inspect::Dissector;
use smppkit_wire::{Dialect, FrameError, Frames, Pdu, Version};

/// Low enough for the fuzzer to pass it.
const LIMIT: u32 = 512;

fuzz_target!(|data: &[u8]| {
    let Some((&count, data)) = data.split_first() else { return };
    let Some((lengths, run)) = data.split_at_checked(usize::from(count)) else { return };
    let whole = Seen::of(&Bytes::copy_from_slice(run));
    let pieces = in_pieces(run, lengths);
    assert_eq!(whole.frames, pieces.frames);
    assert_eq!(whole.rest, pieces.rest);
    match (whole.error, pieces.error) {
        (None, None) => {}
        (Some(a), Some(b)) => {
            let FrameError::Length { got, limit, sequence_number } = a else { unreachable!() };
            let FrameError::Length { got: got_b, limit: limit_b, sequence_number: number_b } = b else {
                unreachable!()
            };
            assert_eq!((got, limit), (got_b, limit_b));
            // It may not have arrived yet.
            assert!(number_b == sequence_number || number_b == 0);
        }
        other => panic!("{other:?}"),
    }
    dissected(run, &whole);
});

#[derive(Debug, Default)]
struct Seen {
    frames: Vec<Vec<u8>>,
    rest: Vec<u8>,
    error: Option<FrameError>,
}

impl Seen {
    fn of(run: &Bytes) -> Self {
        let mut seen = Self::default();
        let mut frames = Frames::new(run, LIMIT);
        let mut octets = 0;
        for frame in &mut frames {
            match frame {
                Ok(frame) => {
                    assert_eq!(frame.header.command_length as usize, frame.octets().len());
                    assert!((16..=LIMIT as usize).contains(&frame.octets().len()));
                    assert_eq!(frame.to_bytes(), frame.octets());
                    let _ = Pdu::decode(&frame, Version::V50, &Dialect::RECEIVE);
                    octets += frame.octets().len();
                    seen.frames.push(frame.octets().to_vec());
                }
                Err(error) => seen.error = Some(error),
            }
        }
        assert!(frames.next().is_none(), "the end stays the end");
        assert_eq!(octets + frames.rest().len(), run.len());
        seen.rest = frames.rest().to_vec();
        seen
    }
}

/// As a connection does: what is no whole frame stays until more has come.
fn in_pieces(run: &[u8], lengths: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let mut held = BytesMut::new();
    let mut left = run;
    let mut lengths = lengths.iter();
    while !left.is_empty() {
        let length = lengths.next().map_or(left.len(), |&length| usize::from(length)).min(left.len());
        let (chunk, after) = left.split_at(length);
        left = after;
        held.extend_from_slice(chunk);
        if seen.error.is_none() {
            let run = held.split().freeze();
            let mut part = Seen::of(&run);
            seen.frames.append(&mut part.frames);
            seen.error = part.error;
            held.extend_from_slice(&part.rest);
        }
    }
    seen.rest = held.to_vec();
    seen
}

/// All PDUs of a capture: every octet is in one, and the end is reached.
fn dissected(run: &[u8], whole: &Seen) {
    let dissector = Dissector { frame_limit_octets: LIMIT, ..Dissector::default() };
    let mut at = 0;
    let octets = Bytes::copy_from_slice(run);
    for (index, dissection) in dissector.dissect_all(&octets).enumerate() {
        assert!(index <= whole.frames.len(), "more PDUs than frames and a rest");
        assert_eq!(dissection.octets, run[at..at + dissection.octets.len()]);
        at += dissection.octets.len();
        assert_eq!(dissection.rest, run[at..]);
        if let Some(frame) = whole.frames.get(index) {
            assert_eq!(dissection.octets, *frame);
        }
        let _ = (dissection.summary(), dissection.json_line());
    }
    assert_eq!(at, run.len());
}
