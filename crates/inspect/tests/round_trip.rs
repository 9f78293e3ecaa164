//! PDUs made by chance: dissected without a gap, written as JSON, and encoded from it to the same octets.

#![allow(clippy::unwrap_used, reason = "a test says what failed")]

#[path = "../../wire/tests/corpus/mod.rs"]
mod corpus;

use bytes::Bytes;
use corpus::{Recipe, Seeded};
use smppkit_inspect::{Colour, Dissection, Dissector, Node, encode};
use smppkit_wire::pdu::TABLE;
use smppkit_wire::{Dialect, Version};

/// Every kind of PDU of every version, many times.
fn dissections() -> impl Iterator<Item = Dissection> {
    let kinds = Version::ALL.into_iter().flat_map(|version| TABLE.iter().map(move |def| (version, def)));
    let kinds = kinds.filter(|(version, def)| def.in_version(*version));
    kinds.flat_map(|(version, def)| {
        let dissector = Dissector { version, frame_limit_octets: u32::MAX, ..Dissector::default() };
        let made = move |seed| {
            let mut octets = Vec::new();
            Recipe::all(version).one(def, &mut Seeded(seed)).encode(version, &mut octets);
            dissector.dissect(&octets.into())
        };
        (1_000..1_040).map(made)
    })
}

#[test]
fn json_encodes_to_the_octets_it_came_from() {
    for dissection in dissections() {
        assert_eq!(dissection.defect, None);
        let json = dissection.json();
        assert_eq!(encode(&json).as_deref(), Ok(&*dissection.octets), "{json}");
        assert_eq!(dissection.json_line().lines().count(), 1);
    }
}

#[test]
fn ranges_cover_every_octet_once() {
    fn covers(nodes: &[Node], from: usize, to: usize) -> bool {
        let end =
            nodes.iter().try_fold(from, |at, node| (node.octets.start == at).then_some(node.octets.end));
        let inside = |node: &Node| {
            let Some(first) = node.children.first() else {
                return true;
            };
            // What has parts is made of them, from its first octet to its last.
            covers(&node.children, first.octets.start, node.octets.end)
                && first.octets.start == node.octets.start
        };
        end == Some(to) && nodes.iter().all(inside)
    }
    for dissection in dissections() {
        let fields =
            dissection.nodes.iter().filter(|node| !(node.octets.is_empty() && node.children.is_empty()));
        let fields: Vec<Node> = fields.cloned().collect();
        assert!(covers(&fields, 0, dissection.octets.len()), "{}", dissection.tree(Colour::Off));
    }
}

#[test]
fn bodies_that_a_tolerance_keeps_survive_json() {
    let receive = Dissector { dialect: Dialect::RECEIVE, ..Dissector::default() };
    let unreadable = b"\0\0\0\x14\x80\0\0\x04\0\0\0\x58\0\0\0\x07abcd";
    let absent = b"\0\0\0\x10\x80\0\0\x04\0\0\0\0\0\0\0\x07";
    for (octets, body) in [(&unreadable[..], "61626364"), (&absent[..], "absent")] {
        let dissection = receive.dissect(&Bytes::copy_from_slice(octets));
        assert_eq!(dissection.defect, None);
        let json = dissection.json();
        assert_eq!(json["body"], body);
        assert_eq!(encode(&json).unwrap(), octets);
    }
}
