//! How user data is carried: what data_coding 0 means on each side, and how a long message is cut.
//!
//! What is kept is neutral: data_coding 0 is GSM 7-bit, one septet in each octet. A side whose own
//! default is another has its messages put into that form when they come, and out of it when they go.

use bytes::Bytes;
use smppkit_text::{
    Alphabet, Charset, Concatenation, Encoding, Interpretation, McDefault, ReferenceWidth, Shifts, Udh,
    UdhBuilder, decode_user_data, septets, ucs2,
};
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::{BroadcastSm, DeliverSm, SubmitSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{DataCoding, EsmClass};
use smppkit_wire::{CommandStatus, Tlvs};

/// How a side wants messages that are longer than one short message, and their parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Carry {
    /// As they came.
    #[default]
    AsTheyCame,
    /// In parts with a user data header.
    Udh,
    /// In parts with sar_ TLVs.
    Sar,
    /// Whole, as message_payload, as far as they came whole.
    Payload,
}

/// What the octets of one short message are, wherever they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserData {
    pub(crate) octets: Bytes,
    pub(crate) udhi: bool,
    pub(crate) data_coding: DataCoding,
}

/// Octets that one short message of 8-bit data has (3GPP 23.040, 9.2.3.16).
const WHOLE_OCTETS: usize = 140;
/// Septets that it has.
const WHOLE_SEPTETS: usize = 160;
/// Octets of a header that says only which part this is, with a reference of one octet.
const HEADER: usize = 6;

macro_rules! carried {
    ($Pdu:ident, $user_data:ident, $put:ident) => {
        /// Where its user data stands, that is it.
        pub(crate) fn $user_data(pdu: &$Pdu) -> UserData {
            let payload =
                if pdu.tlvs.is_empty() { None } else { pdu.tlvs.octets(tag::message_payload.tag()) };
            UserData {
                octets: payload.unwrap_or_else(|| pdu.short_message.octets().clone()),
                udhi: pdu.esm_class.has_udh(),
                data_coding: pdu.data_coding,
            }
        }

        /// Puts other user data in its place: into short_message where they fit.
        pub(crate) fn $put(pdu: &mut $Pdu, data: UserData) {
            pdu.data_coding = data.data_coding;
            let udhi = if data.udhi { EsmClass::UDHI.0 } else { 0 };
            pdu.esm_class = EsmClass((pdu.esm_class.0 & !EsmClass::UDHI.0) | udhi);
            let has_payload = !pdu.tlvs.is_empty() && pdu.tlvs.has(tag::message_payload.tag());
            if data.octets.len() <= SHORT_OCTETS && !has_payload {
                pdu.short_message = ShortMessage::new(data.octets).unwrap_or_default();
                return;
            }
            pdu.short_message = ShortMessage::default();
            pdu.tlvs = without(&pdu.tlvs, &[tag::message_payload.tag()], |tlvs| {
                tlvs.with(tag::message_payload, &data.octets)
            });
        }
    };
}

carried!(SubmitSm, user_data_of, put_user_data);
carried!(DeliverSm, user_data_of_delivery, put_user_data_into_delivery);

/// What short_message holds in every version but 3.3.
const SHORT_OCTETS: usize = 254;

fn without(
    tlvs: &Tlvs,
    tags: &[smppkit_wire::Tag],
    with: impl FnOnce(smppkit_wire::tlv::TlvsBuilder) -> smppkit_wire::tlv::TlvsBuilder,
) -> Tlvs {
    let mut kept = Tlvs::build();
    for tlv in tlvs.iter().filter(|tlv| !tags.contains(&tlv.tag)) {
        kept.push_octets(tlv.tag, tlv.value);
    }
    with(kept).done()
}

/// From a side to the neutral form.
pub fn to_neutral(pdu: &mut SubmitSm, side: McDefault) {
    if let Some(data) = neutral(&user_data_of(pdu), side) {
        put_user_data(pdu, data);
    }
}

/// From the neutral form to a side.
pub fn from_neutral(pdu: &mut SubmitSm, side: McDefault) {
    if let Some(data) = local(&user_data_of(pdu), side) {
        put_user_data(pdu, data);
    }
}

/// As [`to_neutral`], of a delivery.
pub fn delivery_to_neutral(pdu: &mut DeliverSm, side: McDefault) {
    if let Some(data) = neutral(&user_data_of_delivery(pdu), side) {
        put_user_data_into_delivery(pdu, data);
    }
}

/// As [`from_neutral`], of a delivery.
pub fn delivery_from_neutral(pdu: &mut DeliverSm, side: McDefault) {
    if let Some(data) = local(&user_data_of_delivery(pdu), side) {
        put_user_data_into_delivery(pdu, data);
    }
}

/// A broadcast from one side's alphabet into another's: it goes through at once and is kept as it came.
/// All it has is message_payload (SMPP 5.0, 4.4.1.1).
pub fn broadcast_between(pdu: &mut BroadcastSm, from: McDefault, to: McDefault) {
    let Some(octets) = pdu.tlvs.octets(tag::message_payload.tag()) else { return };
    let came = UserData { octets, udhi: false, data_coding: pdu.data_coding };
    let kept = neutral(&came, from).unwrap_or_else(|| came.clone());
    let data = local(&kept, to).unwrap_or(kept);
    if data != came {
        pdu.data_coding = data.data_coding;
        pdu.tlvs = without(&pdu.tlvs, &[tag::message_payload.tag()], |tlvs| {
            tlvs.with(tag::message_payload, &data.octets)
        });
    }
}

/// `None` where nothing changes.
fn neutral(data: &UserData, side: McDefault) -> Option<UserData> {
    if data.data_coding != DataCoding::MC_DEFAULT {
        return None;
    }
    // Latin-1 and ASCII have values of their own, which say the same to everybody.
    let named = |encoding: Encoding| {
        Some(UserData { data_coding: DataCoding(encoding.data_coding()), ..data.clone() })
    };
    match side {
        McDefault::GsmUnpacked => None,
        McDefault::Latin1 => named(Encoding::LATIN1),
        McDefault::Ascii => named(Encoding::Octets(Charset::Ascii)),
        McDefault::GsmPacked => {
            let (header, body) = parted(data);
            let septets = septets::unpack(body, header.len(), septets::Extent::Unknown);
            Some(UserData { octets: [header, &septets].concat().into(), ..data.clone() })
        }
    }
}

/// `None` where nothing changes.
fn local(data: &UserData, side: McDefault) -> Option<UserData> {
    if side == McDefault::GsmUnpacked {
        return None;
    }
    let charset = match side {
        McDefault::Latin1 => Charset::Latin1,
        McDefault::Ascii => Charset::Ascii,
        McDefault::GsmUnpacked | McDefault::GsmPacked => {
            let (header, body) = parted(data);
            let packed = septets::pack(body, header.len(), septets::Ending::Counted);
            let is_gsm = data.data_coding == DataCoding::MC_DEFAULT;
            return is_gsm.then(|| UserData { octets: [header, &packed].concat().into(), ..data.clone() });
        }
    };
    if data.data_coding.0 == Encoding::Octets(charset).data_coding() {
        // Its own default needs no name.
        return Some(UserData { data_coding: DataCoding::MC_DEFAULT, ..data.clone() });
    }
    if data.data_coding != DataCoding::MC_DEFAULT {
        return None;
    }
    let read = decode_user_data(&data.octets, data.udhi, 0, McDefault::GsmUnpacked);
    let (header, _) = parted(data);
    let mut octets = header.to_vec();
    if charset.encode(&read.decoded.text, &mut octets).is_ok() {
        return Some(UserData { octets: octets.into(), ..data.clone() });
    }
    ucs2::encode(&read.decoded.text, &mut octets);
    // A part that has grown beyond its place stays what it was: an alphabet that is guessed wrong loses
    // characters, a part that is cut loses all.
    (octets.len() <= WHOLE_OCTETS || !data.udhi).then(|| UserData {
        octets: octets.into(),
        data_coding: DataCoding(Encoding::Ucs2.data_coding()),
        udhi: data.udhi,
    })
}

/// The header, if there is one, and what follows.
fn parted(data: &UserData) -> (&[u8], &[u8]) {
    if !data.udhi {
        return (&[], &data.octets);
    }
    match Udh::parse(&data.octets) {
        Ok((_, body)) => data.octets.split_at(data.octets.len() - body.len()),
        Err(_) => (&[], &data.octets),
    }
}

/// Cuts a message that came whole and is longer than one short message into parts, as a side wants them;
/// nothing where it goes as it is. `reference` tells the parts of one message from those of others.
pub fn cut(pdu: &SubmitSm, carry: Carry, reference: u16) -> Result<Vec<SubmitSm>, CommandStatus> {
    let data = user_data_of(pdu);
    let is_part = data.udhi || (!pdu.tlvs.is_empty() && pdu.tlvs.has(tag::sar_total_segments.tag()));
    let (whole, part) = places(data.data_coding);
    if is_part || !matches!(carry, Carry::Udh | Carry::Sar) || data.octets.len() <= whole {
        return Ok(Vec::new());
    }
    let pieces = pieces(&data, part);
    let total = u8::try_from(pieces.len()).map_err(|_| CommandStatus::ESME_RINVMSGLEN)?;
    let mut parts = Vec::with_capacity(pieces.len());
    for (piece, sequence) in pieces.into_iter().zip(1..) {
        let mut part = pdu.clone();
        part.tlvs = without(&pdu.tlvs, &[tag::message_payload.tag()], |tlvs| tlvs);
        part.short_message = ShortMessage::new(Bytes::copy_from_slice(piece)).unwrap_or_default();
        place(&mut part, carry, (reference, total, sequence));
        parts.push(part);
    }
    Ok(parts)
}

/// Says which part it is, in the way that a side wants.
fn place(part: &mut SubmitSm, carry: Carry, (reference, total, sequence): (u16, u8, u8)) {
    if carry == Carry::Sar {
        part.tlvs = without(&part.tlvs, &[], |tlvs| {
            tlvs.with(tag::sar_msg_ref_num, reference)
                .with(tag::sar_total_segments, total)
                .with(tag::sar_segment_seqnum, sequence)
        });
        return;
    }
    let reference = reference & 0xFF;
    let Some(place) = Concatenation::new(reference, ReferenceWidth::Eight, total, sequence) else { return };
    let mut header = UdhBuilder::new();
    // One element of five octets is far below what a header holds.
    let _ = header.concatenation(place);
    let octets = [&header.to_octets()[..], &part.short_message[..]].concat();
    part.short_message = ShortMessage::new(octets).unwrap_or_default();
    part.esm_class = part.esm_class.with(EsmClass::UDHI);
}

/// A part as a side wants it: sar_ TLVs become a header, or a header that says nothing else TLVs. And user
/// data that fit go where the side looks for them.
pub fn fit(pdu: &mut SubmitSm, carry: Carry) {
    match carry {
        Carry::Udh => sar_to_udh(pdu),
        Carry::Sar => udh_to_sar(pdu),
        Carry::Payload => {
            let data = user_data_of(pdu);
            if data.octets.len() > WHOLE_OCTETS && !data.udhi && !data.octets.is_empty() {
                pdu.short_message = ShortMessage::default();
                pdu.tlvs = without(&pdu.tlvs, &[tag::message_payload.tag()], |tlvs| {
                    tlvs.with(tag::message_payload, &data.octets)
                });
            }
        }
        Carry::AsTheyCame => {}
    }
    if matches!(carry, Carry::Udh | Carry::Sar) {
        short(pdu);
    }
}

/// message_payload that fits goes into short_message.
fn short(pdu: &mut SubmitSm) {
    if pdu.tlvs.is_empty() {
        return;
    }
    let Some(payload) = pdu.tlvs.octets(tag::message_payload.tag()) else { return };
    if payload.len() <= SHORT_OCTETS {
        pdu.short_message = ShortMessage::new(payload).unwrap_or_default();
        pdu.tlvs = without(&pdu.tlvs, &[tag::message_payload.tag()], |tlvs| tlvs);
    }
}

fn sar_to_udh(pdu: &mut SubmitSm) {
    if pdu.tlvs.is_empty() || pdu.esm_class.has_udh() {
        return;
    }
    let tags = [tag::sar_msg_ref_num.tag(), tag::sar_total_segments.tag(), tag::sar_segment_seqnum.tag()];
    let (Some(reference), Some(total), Some(sequence)) = (
        pdu.tlvs.get(tag::sar_msg_ref_num),
        pdu.tlvs.get(tag::sar_total_segments),
        pdu.tlvs.get(tag::sar_segment_seqnum),
    ) else {
        return;
    };
    short(pdu);
    let (_, part) = places(pdu.data_coding);
    // What has no room for a header stays as it came.
    if pdu.short_message.len() > part {
        return;
    }
    pdu.tlvs = without(&pdu.tlvs, &tags, |tlvs| tlvs);
    place(pdu, Carry::Udh, (reference, total, sequence));
}

fn udh_to_sar(pdu: &mut SubmitSm) {
    let data = user_data_of(pdu);
    if !data.udhi {
        return;
    }
    let Ok((udh, body)) = Udh::parse(&data.octets) else { return };
    let Some(place) = udh.concatenation().filter(|_| udh.elements().count() == 1) else { return };
    let octets = data.octets.slice_ref(body);
    let data = UserData { octets, udhi: false, ..data };
    put_user_data(pdu, data);
    pdu.tlvs = without(&pdu.tlvs, &[], |tlvs| {
        tlvs.with(tag::sar_msg_ref_num, place.reference())
            .with(tag::sar_total_segments, place.total())
            .with(tag::sar_segment_seqnum, place.sequence())
    });
}

/// Octets of user data that one short message takes, alone and as a part: GSM 7-bit one septet in each.
fn places(data_coding: DataCoding) -> (usize, usize) {
    match Interpretation::of(data_coding.0).alphabet {
        Alphabet::McDefault | Alphabet::Gsm7 => {
            (WHOLE_SEPTETS, Encoding::Gsm7(Shifts::DEFAULT).capacity(HEADER))
        }
        _ => (WHOLE_OCTETS, WHOLE_OCTETS - HEADER),
    }
}

/// Cuts at most so many octets at a time, never a character in two.
fn pieces(data: &UserData, octets: usize) -> Vec<&[u8]> {
    let alphabet = Interpretation::of(data.data_coding.0).alphabet;
    let mut pieces = Vec::new();
    let mut rest: &[u8] = &data.octets;
    while rest.len() > octets {
        let mut end = octets;
        match alphabet {
            Alphabet::McDefault | Alphabet::Gsm7 if rest.get(end - 1) == Some(&ESCAPE) => end -= 1,
            Alphabet::Ucs2 => {
                end -= end % 2;
                // The first half of a pair takes its second with it.
                if rest.get(end - 2).is_some_and(|high| (0xD8..=0xDB).contains(high)) {
                    end -= 2;
                }
            }
            _ => {}
        }
        let (piece, left) = rest.split_at(end);
        pieces.push(piece);
        rest = left;
    }
    pieces.push(rest);
    pieces
}

/// Announces a character of the extension table (3GPP 23.038, 6.2.1.1).
const ESCAPE: u8 = 0x1B;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(octets: &[u8], data_coding: u8) -> SubmitSm {
        let mut pdu = SubmitSm { data_coding: DataCoding(data_coding), ..SubmitSm::default() };
        put_user_data(
            &mut pdu,
            UserData {
                octets: Bytes::copy_from_slice(octets),
                udhi: false,
                data_coding: DataCoding(data_coding),
            },
        );
        pdu
    }

    fn text(pdu: &SubmitSm, side: McDefault) -> String {
        let data = user_data_of(pdu);
        decode_user_data(&data.octets, data.udhi, data.data_coding.0, side).decoded.text
    }

    #[test]
    fn a_long_message_is_cut_and_its_parts_say_the_same() {
        let long: String = "0123456789 [€] ".repeat(30);
        let mut octets = Vec::new();
        smppkit_text::gsm7::encode(&long, Shifts::DEFAULT, &mut octets).unwrap();
        for carry in [Carry::Udh, Carry::Sar] {
            let parts = cut(&message(&octets, 0), carry, 0x0107).unwrap();
            assert_eq!(parts.len(), octets.len().div_ceil(152));
            let joined: String = parts.iter().map(|part| text(part, McDefault::GsmUnpacked)).collect();
            assert_eq!(joined, long);
            assert!(parts.iter().all(|part| part.short_message.len() <= 159));
        }
        let ucs2_text = "🙂".repeat(100);
        let mut octets = Vec::new();
        ucs2::encode(&ucs2_text, &mut octets);
        let parts = cut(&message(&octets, 8), Carry::Udh, 7).unwrap();
        let joined: String = parts.iter().map(|part| text(part, McDefault::GsmUnpacked)).collect();
        assert_eq!((parts.len(), joined), (4, ucs2_text));
    }

    #[test]
    fn what_is_short_or_a_part_already_or_wanted_whole_is_not_cut() {
        assert!(cut(&message(&[b'a'; 160], 0), Carry::Udh, 1).unwrap().is_empty());
        assert!(cut(&message(&[b'a'; 141], 0), Carry::Udh, 1).unwrap().is_empty());
        assert_eq!(cut(&message(&[b'a'; 141], 4), Carry::Udh, 1).unwrap().len(), 2);
        assert!(cut(&message(&[b'a'; 500], 0), Carry::AsTheyCame, 1).unwrap().is_empty());
        let parts = cut(&message(&[b'a'; 500], 0), Carry::Udh, 1).unwrap();
        assert!(parts.iter().all(|part| cut(part, Carry::Udh, 2).unwrap().is_empty()));
        let endless = cut(&message(&vec![b'a'; 60_000], 0), Carry::Udh, 1);
        assert_eq!(endless, Err(CommandStatus::ESME_RINVMSGLEN));
    }

    #[test]
    fn parts_change_their_carriage_and_back() {
        let parts = cut(&message(&[b'a'; 300], 0), Carry::Sar, 0x42).unwrap();
        for mut part in parts.clone() {
            fit(&mut part, Carry::Udh);
            assert!(part.esm_class.has_udh() && !part.tlvs.has(tag::sar_total_segments.tag()));
            fit(&mut part, Carry::Sar);
            assert!(!part.esm_class.has_udh());
            assert_eq!(part.tlvs.get(tag::sar_msg_ref_num), Some(0x42));
            assert!(parts.iter().any(|before| before.short_message == part.short_message));
        }
    }

    #[test]
    fn each_side_reads_what_the_other_wrote() {
        let sides = [McDefault::GsmUnpacked, McDefault::GsmPacked, McDefault::Latin1, McDefault::Ascii];
        let said = "Hello {world} 100";
        for from in sides {
            for to in sides {
                let mut octets = Vec::new();
                match from {
                    McDefault::Latin1 | McDefault::Ascii => octets.extend_from_slice(said.as_bytes()),
                    McDefault::GsmUnpacked | McDefault::GsmPacked => {
                        smppkit_text::gsm7::encode(said, Shifts::DEFAULT, &mut octets).unwrap();
                    }
                }
                if from == McDefault::GsmPacked {
                    octets = septets::pack(&octets, 0, septets::Ending::Counted);
                }
                let mut pdu = message(&octets, 0);
                to_neutral(&mut pdu, from);
                from_neutral(&mut pdu, to);
                assert_eq!(text(&pdu, to), said, "from {from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn a_broadcast_says_the_same_in_the_alphabet_of_the_other_side() {
        let broadcast = |octets: &[u8], data_coding| {
            let tlvs = Tlvs::build().with(tag::message_payload, octets);
            let tlvs = tlvs.with(tag::broadcast_area_identifier, &b"\0Kiel"[..]).done();
            BroadcastSm { data_coding: DataCoding(data_coding), tlvs, ..BroadcastSm::default() }
        };
        let sent = |mut pdu: BroadcastSm, from, to| {
            broadcast_between(&mut pdu, from, to);
            assert!(pdu.tlvs.has(tag::broadcast_area_identifier.tag()));
            (pdu.data_coding.0, pdu.tlvs.get(tag::message_payload).unwrap_or_default().to_vec())
        };
        let (gsm, latin1) = (McDefault::GsmUnpacked, McDefault::Latin1);
        assert_eq!(sent(broadcast(b"\xFCber", 0), latin1, gsm), (3, b"\xFCber".to_vec()));
        assert_eq!(sent(broadcast(b"\x7Eber", 0), gsm, latin1), (0, b"\xFCber".to_vec()));
        assert_eq!(sent(broadcast(b"\xFCber", 0), latin1, latin1), (0, b"\xFCber".to_vec()));
        assert_eq!(sent(broadcast(b"as it is", 4), latin1, gsm), (4, b"as it is".to_vec()));
        let mut bare = BroadcastSm::default();
        broadcast_between(&mut bare, latin1, gsm);
        assert_eq!(bare, BroadcastSm::default());
    }

    #[test]
    fn what_an_alphabet_lacks_goes_as_ucs2() {
        let mut octets = Vec::new();
        smppkit_text::gsm7::encode("10 € Ω", Shifts::DEFAULT, &mut octets).unwrap();
        let mut pdu = message(&octets, 0);
        from_neutral(&mut pdu, McDefault::Ascii);
        assert_eq!(pdu.data_coding, DataCoding(8));
        assert_eq!(text(&pdu, McDefault::Ascii), "10 € Ω");
    }
}
