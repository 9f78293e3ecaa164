//! The messages of the gateway's load: octets made beforehand, each with a number to be found again by.

use crate::frames::{self, DELIVER_SM, SUBMIT_SM, TEXT};

/// What a message looks like but for its sequence_number and its number.
pub(super) struct Template {
    octets: Vec<u8>,
    /// Where numbers are written, eight hexadecimal digits each.
    numbers: Vec<usize>,
}

impl Template {
    /// The submit_sm between the two numbers of a pair, with or without a receipt asked.
    pub(super) fn submit_sm(pair: u32, receipt: bool) -> Self {
        let (source, destination) = (source_of(pair), destination_of(pair));
        let mut octets = frames::message(SUBMIT_SM, &source, &destination, 0, TEXT, &[]);
        let text = octets.len() - TEXT.len();
        // Behind it: replace_if_present_flag, data_coding, sm_default_msg_id, sm_length.
        if let Some(registered_delivery) = octets.get_mut(text - 5) {
            *registered_delivery = u8::from(receipt);
        }
        Self { octets, numbers: vec![text] }
    }

    /// The deliver_sm with the receipt of a message of that pair; the number is the end of its id.
    pub(super) fn receipt(pair: u32) -> Self {
        let (source, destination) = (source_of(pair), destination_of(pair));
        let text = format!(
            "id:{ID_BEGINS}00000000 sub:001 dlvrd:001 submit date:2611220900 done date:2611220901 \
             stat:DELIVRD err:000 text:The quick brown fox"
        );
        let id = format!("{ID_BEGINS}00000000\0");
        let tlvs = frames::tlvs(&[(0x001E, id.as_bytes()), (0x0427, &[2])]);
        let octets = frames::message(DELIVER_SM, &destination, &source, 0x04, text.as_bytes(), &tlvs);
        let text_at = octets.len() - tlvs.len() - text.len();
        // Four octets of a TLV are its tag and its length.
        let tlv_at = octets.len() - tlvs.len() + 4;
        let numbers = vec![text_at + 3 + ID_BEGINS.len(), tlv_at + ID_BEGINS.len()];
        Self { octets, numbers }
    }

    pub(super) fn write(&self, sequence_number: u32, number: u32, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend_from_slice(&self.octets);
        let Some(pdu) = out.get_mut(from..) else { return };
        put(pdu, 12, &sequence_number.to_be_bytes());
        for &at in &self.numbers {
            put(pdu, at, &hex(number));
        }
    }
}

/// A submit_sm as it arrives, whoever has rewritten it on the way.
pub(super) struct Arrived {
    pub(super) number: u32,
    pub(super) pair: u32,
    /// Whether a receipt is asked for.
    pub(super) receipt: bool,
}

impl Arrived {
    /// `None` if it is none of ours.
    pub(super) fn read(pdu: &[u8]) -> Option<Self> {
        let (_, rest) = string(pdu.get(16..)?)?; // service_type
        let (_, rest) = string(rest.get(2..)?)?; // source_addr
        let (destination, rest) = string(rest.get(2..)?)?;
        let (_, rest) = string(rest.get(3..)?)?; // schedule_delivery_time
        let (_, rest) = string(rest)?; // validity_period
        let registered_delivery = *rest.first()?;
        let pair = std::str::from_utf8(destination.get(destination.len().checked_sub(7)?..)?).ok()?;
        let number = std::str::from_utf8(rest.get(5..13)?).ok()?;
        Some(Self {
            number: u32::from_str_radix(number, 16).ok()?,
            pair: pair.parse().ok()?,
            receipt: registered_delivery & 3 == 1,
        })
    }
}

/// The id that a receipt is about, of a deliver_sm of any gateway; `None` if it says none.
pub(super) fn receipted(pdu: &[u8]) -> Option<&[u8]> {
    let (_, rest) = string(pdu.get(16..)?)?;
    let (_, rest) = string(rest.get(2..)?)?;
    let (_, rest) = string(rest.get(2..)?)?;
    let (_, rest) = string(rest.get(3..)?)?;
    let (_, rest) = string(rest)?;
    let length = usize::from(*rest.get(4)?);
    let text = rest.get(5..5 + length)?.strip_prefix(b"id:")?;
    text.split(|octet| *octet == b' ').next()
}

/// What every id of the sink begins with: eight digits that no number alone could be.
pub(super) const ID_BEGINS: &str = "fa5b1e0c";

pub(super) fn hex(number: u32) -> [u8; 8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [b'0'; 8];
    for (at, digit) in digits.iter_mut().enumerate() {
        let nibble = (number >> (28 - 4 * at)) & 15;
        *digit = DIGITS.get(nibble as usize).copied().unwrap_or(b'0');
    }
    digits
}

/// opensmppbox takes no international number of fewer than seven digits.
fn source_of(pair: u32) -> String {
    format!("49151000{}", pair % 10)
}

/// As long as a number may be; its end is the pair.
fn destination_of(pair: u32) -> String {
    format!("4917012345678{pair:07}")
}

fn string(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = octets.iter().position(|octet| *octet == 0)?;
    Some((octets.get(..end)?, octets.get(end + 1..)?))
}

fn put(pdu: &mut [u8], at: usize, octets: &[u8]) {
    if let Some(place) = pdu.get_mut(at..at + octets.len()) {
        place.copy_from_slice(octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_again() {
        for receipt in [false, true] {
            let mut out = Vec::new();
            Template::submit_sm(4_711, receipt).write(7, 0x0123_abcd, &mut out);
            assert_eq!((out.len(), frames::word(&out, 12)), (222, 7));
            let arrived = Arrived::read(&out).expect("it is one of ours");
            assert_eq!((arrived.number, arrived.pair, arrived.receipt), (0x0123_abcd, 4_711, receipt));
        }
    }

    #[test]
    fn a_receipt_says_the_id_in_both_places() {
        let mut out = Vec::new();
        Template::receipt(3).write(9, 0x0123_abcd, &mut out);
        assert_eq!(receipted(&out), Some(&b"fa5b1e0c0123abcd"[..]));
        let times = out.windows(16).filter(|octets| octets == b"fa5b1e0c0123abcd").count();
        assert_eq!(times, 2);
    }
}
