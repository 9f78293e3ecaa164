//! What holds for all PDUs and all octets.

#![allow(clippy::unwrap_used, reason = "a test says what failed")]

mod corpus;

use bytes::Bytes;
use corpus::{Chance, Recipe};
use proptest::prelude::*;
use smppkit_wire::pdu::TABLE;
use smppkit_wire::{Dialect, Frames, Header, Pdu, Version};

const LIMIT: u32 = 200_000;

/// Chance from a list of decisions that proptest can shrink; 0 when there are no more.
struct Decisions(std::vec::IntoIter<u32>);

impl Chance for Decisions {
    fn below(&mut self, limit: u32) -> u32 {
        self.0.next().unwrap_or(0) % limit
    }
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V33), Just(Version::V34), Just(Version::V50)]
}

fn decisions() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(any::<u32>(), 0..400)
}

fn made(decisions: Vec<u32>, version: Version) -> Pdu {
    let mut decisions = Decisions(decisions.into_iter());
    let kinds: Vec<_> = TABLE.iter().filter(|def| def.in_version(version)).collect();
    let def = kinds[decisions.below(kinds.len() as u32) as usize];
    Recipe::all(version).one(def, &mut decisions)
}

fn encoded(pdu: &Pdu, version: Version) -> Bytes {
    let mut octets = Vec::new();
    pdu.encode(version, &mut octets);
    octets.into()
}

fn frames(run: &Bytes) -> Vec<Bytes> {
    Frames::new(run, LIMIT).map(|frame| frame.unwrap().to_bytes()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_decodes_to_the_same(decisions in decisions(), version in version()) {
        let pdu = made(decisions, version);
        let octets = encoded(&pdu, version);
        let frame = Frames::new(&octets, LIMIT).next().unwrap().unwrap();
        prop_assert_eq!(frame.octets().len(), octets.len());
        for dialect in [Dialect::STRICT, Dialect::RECEIVE] {
            let read = Pdu::decode(&frame, version, &dialect);
            prop_assert_eq!(read.as_ref(), Ok(&pdu));
        }
    }

    #[test]
    fn legal_values_pass_the_check(decisions in decisions(), version in version()) {
        let pdu = made(decisions, version);
        let dialect = Dialect { refuse_reserved: false, ..Dialect::STRICT };
        prop_assert_eq!(pdu.check(version, &dialect), Ok(()));
    }

    #[test]
    fn random_octets_never_panic(
        octets in prop::collection::vec(any::<u8>(), 0..300),
        kind in 0..TABLE.len(),
        status in prop_oneof![Just(0_u32), any::<u32>()],
        version in version(),
    ) {
        let mut run = Vec::new();
        let command_length = (Header::OCTETS + octets.len()) as u32;
        for number in [command_length, TABLE[kind].command_id, status, 1] {
            run.extend_from_slice(&number.to_be_bytes());
        }
        run.extend_from_slice(&octets);
        let run = Bytes::from(run);
        for frame in Frames::new(&run, LIMIT).flatten() {
            for dialect in [Dialect::STRICT, Dialect::RECEIVE] {
                if let Ok(pdu) = Pdu::decode(&frame, version, &dialect) {
                    let _ = pdu.check(version, &dialect);
                    let again = encoded(&pdu, version);
                    // Empty fields are written for a response that came without its body.
                    prop_assert!(again.len() <= run.len() + 128);
                }
            }
        }
    }

    #[test]
    fn a_fault_stands_inside_the_pdu(
        decisions in decisions(), version in version(), at in any::<prop::sample::Index>(), octet: u8,
    ) {
        let mut octets = encoded(&made(decisions, version), version).to_vec();
        if octets.len() > Header::OCTETS {
            let at = Header::OCTETS + at.index(octets.len() - Header::OCTETS);
            octets[at] = octet;
        }
        let octets = Bytes::from(octets);
        let frame = Frames::new(&octets, LIMIT).next().unwrap().unwrap();
        if let Err(error) = Pdu::decode(&frame, version, &Dialect::STRICT) {
            prop_assert!((4..=octets.len()).contains(&error.at), "{error:?}");
            prop_assert!(!error.status.is_ok());
        }
    }

    #[test]
    fn chunk_borders_do_not_change_frames(
        pdus in prop::collection::vec(decisions(), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let stream: Vec<u8> =
            pdus.into_iter().flat_map(|pdu| encoded(&made(pdu, Version::V50), Version::V50)).collect();
        let whole = frames(&stream.clone().into());
        let mut borders: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        borders.push(stream.len());
        borders.sort_unstable();

        let (mut taken, mut kept, mut from) = (Vec::new(), Vec::new(), 0);
        for border in borders {
            kept.extend_from_slice(&stream[from..border]);
            from = border;
            let run = Bytes::from(kept);
            let mut chunk = Frames::new(&run, LIMIT);
            for frame in chunk.by_ref() {
                taken.push(frame.unwrap().to_bytes());
            }
            kept = chunk.rest().to_vec();
        }
        prop_assert!(kept.is_empty());
        prop_assert_eq!(taken, whole);
    }
}

#[test]
fn every_kind_of_every_version_reads_back() {
    for version in Version::ALL {
        for def in TABLE.iter().filter(|def| def.in_version(version)) {
            for seed in 0..50 {
                let pdu = Recipe::all(version).one(def, &mut corpus::Seeded(seed));
                let octets = encoded(&pdu, version);
                let frame = Frames::new(&octets, LIMIT).next().unwrap().unwrap();
                assert_eq!(Pdu::decode(&frame, version, &Dialect::STRICT).as_ref(), Ok(&pdu), "{}", def.name);
            }
        }
    }
}
