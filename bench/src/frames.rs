//! Octets of PDUs, laid out by hand: neither ours nor a peer's encoder makes what both are tested with.

/// command_id of bind_transceiver.
pub(crate) const BIND_TRANSCEIVER: u32 = 0x0000_0009;
/// command_id of submit_sm.
pub(crate) const SUBMIT_SM: u32 = 0x0000_0004;
/// command_id of deliver_sm.
pub(crate) const DELIVER_SM: u32 = 0x0000_0005;
/// command_id of submit_sm_resp.
pub(crate) const SUBMIT_SM_RESP: u32 = 0x8000_0004;
/// Set in the command_id of every response.
pub(crate) const RESPONSE: u32 = 0x8000_0000;

/// The 160 octets that every message here says.
pub(crate) const TEXT: &[u8; 160] =
    b"The quick brown fox jumps over the lazy dog, and the lazy dog, who has \
seen many a fox, sends this short message of one hundred and sixty octets to all of us...";
/// Source of every message.
pub(crate) const SOURCE: &str = "12345";
/// Destination of every message: as long as a number may be.
pub(crate) const DESTINATION: &str = "49170123456789012345";
/// message_id of every answer.
pub(crate) const MESSAGE_ID: &str = "0a1b2c3d";

/// One PDU of everyday traffic.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) octets: Vec<u8>,
}

/// What the codecs are measured with.
pub(crate) fn samples() -> [Sample; 4] {
    let tlvs = tlvs(&[(0x020C, &[0x12, 0x34]), (0x020E, &[3]), (0x020F, &[2])]);
    let receipt = b"id:0a1b2c3d sub:001 dlvrd:001 submit date:2607281200 done date:2607281201 \
stat:DELIVRD err:000 text:The quick brown fox";
    let receipt_tlvs = self::tlvs(&[(0x001E, b"0a1b2c3d\0"), (0x0427, &[2])]);
    [
        Sample { name: "submit_sm", octets: submit_sm(&[]) },
        Sample { name: "submit_sm, 3 TLVs", octets: submit_sm(&tlvs) },
        Sample { name: "submit_sm_resp", octets: pdu(SUBMIT_SM_RESP, 1, b"0a1b2c3d\0") },
        Sample {
            name: "deliver_sm receipt, 2 TLVs",
            octets: message(DELIVER_SM, DESTINATION, SOURCE, 0x04, receipt, &receipt_tlvs),
        },
    ]
}

/// The submit_sm that clients send, with sequence_number 1.
pub(crate) fn submit_sm(tlvs: &[u8]) -> Vec<u8> {
    message(SUBMIT_SM, SOURCE, DESTINATION, 0, TEXT, tlvs)
}

/// A bind_transceiver as an SMPP 3.4 ESME sends it.
pub(crate) fn bind_transceiver() -> Vec<u8> {
    pdu(BIND_TRANSCEIVER, 1, b"bench\0secret\0\0\x34\0\0\0")
}

pub(crate) fn message(
    id: u32,
    source: &str,
    destination: &str,
    esm_class: u8,
    text: &[u8],
    tlvs: &[u8],
) -> Vec<u8> {
    let mut body = vec![0]; // service_type
    for address in [source, destination] {
        body.extend_from_slice(&[1, 1]); // international, ISDN
        body.extend_from_slice(address.as_bytes());
        body.push(0);
    }
    // esm_class, then protocol_id to sm_default_msg_id, of which two are empty strings.
    body.extend_from_slice(&[esm_class, 0, 0, 0, 0, 0, 0, 0, 0]);
    body.push(text.len() as u8);
    body.extend_from_slice(text);
    body.extend_from_slice(tlvs);
    pdu(id, 1, &body)
}

pub(crate) fn tlvs(list: &[(u16, &[u8])]) -> Vec<u8> {
    let one = |&(tag, value): &(u16, &[u8])| {
        [&tag.to_be_bytes(), &(value.len() as u16).to_be_bytes(), value].concat()
    };
    list.iter().flat_map(one).collect()
}

/// A PDU with status 0.
pub(crate) fn pdu(command_id: u32, sequence_number: u32, body: &[u8]) -> Vec<u8> {
    let length = 16 + body.len() as u32;
    let mut octets = Vec::with_capacity(length as usize);
    for word in [length, command_id, 0, sequence_number] {
        octets.extend_from_slice(&word.to_be_bytes());
    }
    octets.extend_from_slice(body);
    octets
}

/// A whole PDU from the front of octets, `None` while some are missing.
///
/// # Panics
/// When the length cannot be one: a server under test that frames wrongly is not measured.
#[inline]
pub(crate) fn first(octets: &[u8]) -> Option<&[u8]> {
    let length = u32::from_be_bytes(*octets.first_chunk()?) as usize;
    assert!((16..=1 << 17).contains(&length), "command_length {length}");
    octets.get(..length)
}

/// The 32 bits at an octet of a whole PDU: 4 is command_id, 8 command_status, 12 sequence_number.
#[inline]
pub(crate) fn word(pdu: &[u8], at: usize) -> u32 {
    pdu.get(at..at + 4).and_then(|octets| octets.try_into().ok()).map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_as_long_as_the_figures_say() {
        let lengths = samples().map(|sample| sample.octets.len());
        assert_eq!(lengths, [218, 234, 25, 195]);
        for sample in samples() {
            assert_eq!(first(&sample.octets).map(<[u8]>::len), Some(sample.octets.len()));
        }
    }
}
