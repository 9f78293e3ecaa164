//! Delivery-receipt text and its real-world variants (SMPP 3.4, Appendix B).
//!
//! The specification gives an example and calls it vendor specific; the parser so takes keys in
//! any order and any case, missing keys, ids and dates of any length. The text comes last and is
//! not looked into: it may hold anything.

use core::fmt;

use crate::field::Time;
use crate::value::MessageState;

/// The parts of a receipt's text, as they stand there.
///
/// ```
/// use smppkit_wire::receipt::ReceiptText;
/// let text = b"id:0123456789 sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000 text:Hello";
/// let receipt = ReceiptText::parse(text).unwrap();
/// assert_eq!(receipt.id, Some("0123456789"));
/// assert_eq!(receipt.state().unwrap().receipt_word(), "DELIVRD");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiptText<'a> {
    /// message_id, decimal, hexadecimal or anything else.
    pub id: Option<&'a str>,
    /// Messages submitted.
    pub sub: Option<&'a str>,
    /// Messages delivered.
    pub dlvrd: Option<&'a str>,
    /// Time of submission: 10 digits `YYMMDDhhmm`, 12 with seconds, or 14 with the century.
    pub submit_date: Option<&'a str>,
    /// Time of the final state, written likewise.
    pub done_date: Option<&'a str>,
    /// The state, as a word of up to seven letters.
    pub stat: Option<&'a str>,
    /// Error code of the network or of the MC.
    pub err: Option<&'a str>,
    /// The first characters of the message, as octets.
    pub text: Option<&'a [u8]>,
}

impl<'a> ReceiptText<'a> {
    /// Reads a receipt; `None` when the octets hold neither an `id:` nor a `stat:`.
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let octets = octets.strip_suffix(b"\0").unwrap_or(octets);
        let mut receipt = Self::default();
        let mut rest = octets;
        while let Some((key, value_at)) = next_key(rest) {
            let after = rest.get(value_at..)?;
            if key == Key::Text {
                receipt.text = Some(after);
                break;
            }
            let end = after.iter().position(|&octet| octet == b' ').unwrap_or(after.len());
            let (value, after) = after.split_at(end);
            *receipt.slot(key) = core::str::from_utf8(value).ok();
            rest = after;
        }
        (receipt.id.is_some() || receipt.stat.is_some()).then_some(receipt)
    }

    /// The state that `stat` names, the specification's words and the ones seen from vendors.
    pub fn state(&self) -> Option<MessageState> {
        let word = self.stat?.to_ascii_uppercase();
        Some(match word.as_str() {
            "DELIVRD" | "DELIVERD" | "DELIVERED" => MessageState::DELIVERED,
            "EXPIRED" => MessageState::EXPIRED,
            "DELETED" => MessageState::DELETED,
            "UNDELIV" | "UNDELIVERABLE" | "FAILED" => MessageState::UNDELIVERABLE,
            "ACCEPTD" | "ACCEPTED" => MessageState::ACCEPTED,
            "UNKNOWN" => MessageState::UNKNOWN,
            "REJECTD" | "REJECTED" => MessageState::REJECTED,
            "SCHEDLD" | "SCHEDULED" => MessageState::SCHEDULED,
            "ENROUTE" | "BUFFERED" => MessageState::ENROUTE,
            "SKIPPED" => MessageState::SKIPPED,
            _ => return None,
        })
    }

    fn slot(&mut self, key: Key) -> &mut Option<&'a str> {
        match key {
            Key::Id => &mut self.id,
            Key::Sub => &mut self.sub,
            Key::Dlvrd => &mut self.dlvrd,
            Key::SubmitDate => &mut self.submit_date,
            Key::DoneDate => &mut self.done_date,
            Key::Stat => &mut self.stat,
            Key::Err | Key::Text => &mut self.err,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

const KEYS: [(&[u8], Key); 8] = [
    (b"id:", Key::Id),
    (b"sub:", Key::Sub),
    (b"dlvrd:", Key::Dlvrd),
    (b"submit date:", Key::SubmitDate),
    (b"done date:", Key::DoneDate),
    (b"stat:", Key::Stat),
    (b"err:", Key::Err),
    (b"text:", Key::Text),
];

/// The first key that begins a word, and where its value begins.
fn next_key(octets: &[u8]) -> Option<(Key, usize)> {
    let mut at = 0;
    while at < octets.len() {
        let rest = octets.get(at..)?;
        for (name, key) in KEYS {
            if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                return Some((key, at + name.len()));
            }
        }
        // On to the next word.
        at += rest.iter().position(|&octet| octet == b' ')? + 1;
    }
    None
}

/// A receipt to be written, in the specification's form.
#[derive(Debug, Clone)]
pub struct Receipt<'a> {
    /// message_id, as it was returned.
    pub id: &'a str,
    /// Messages submitted.
    pub sub: u16,
    /// Messages delivered.
    pub dlvrd: u16,
    /// Milliseconds since 1970 of the submission.
    pub submit_unix_ms: i64,
    /// Milliseconds since 1970 of the final state.
    pub done_unix_ms: i64,
    /// The state.
    pub state: MessageState,
    /// Error code, 0 to 999.
    pub err: u16,
    /// The message; its first 20 octets are quoted.
    pub text: &'a [u8],
}

impl Receipt<'_> {
    /// The text of the receipt. Dates are UTC.
    pub fn octets(&self) -> Vec<u8> {
        let date = |unix_ms: i64| {
            let digits = crate::field::yymmddhhmmss(unix_ms.div_euclid(1000));
            digits.get(..10).unwrap_or_default().to_owned()
        };
        let mut out = format!(
            "id:{} sub:{:03} dlvrd:{:03} submit date:{} done date:{} stat:{} err:{:03} text:",
            self.id,
            self.sub,
            self.dlvrd,
            date(self.submit_unix_ms),
            date(self.done_unix_ms),
            self.state.receipt_word(),
            self.err,
        )
        .into_bytes();
        out.extend_from_slice(self.text.get(..20).unwrap_or(self.text));
        out
    }
}

impl fmt::Display for ReceiptText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id.unwrap_or("-"), self.stat.unwrap_or("-"))
    }
}

/// The time a receipt's date names, when its digits are a date: 10, 12 or 14 of them.
pub fn receipt_date_unix_ms(digits: &str) -> Option<i64> {
    let digits = if digits.len() == 14 { digits.get(2..)? } else { digits };
    if digits.len() != 10 && digits.len() != 12 {
        return None;
    }
    let padded = format!("{digits:0<12}000+");
    match Time::new(&padded).ok()?.value().ok()?? {
        crate::field::TimeValue::Absolute(moment) => Some(moment),
        crate::field::TimeValue::Relative { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_any_order_and_case_text_last_and_unparsed() {
        let text = b"STAT:UNDELIV ID:a1b2 Err:21b Text:id:9 stat:DELIVRD";
        let receipt = ReceiptText::parse(text).unwrap();
        assert_eq!(receipt.id, Some("a1b2"));
        assert_eq!(receipt.err, Some("21b"));
        assert_eq!(receipt.state(), Some(MessageState::UNDELIVERABLE));
        assert_eq!(receipt.text, Some(&b"id:9 stat:DELIVRD"[..]));
    }

    #[test]
    fn dates_of_10_12_and_14_digits() {
        let twelve_thirty = 1_795_350_600_000;
        for digits in ["2611221230", "261122123000", "20261122123000"] {
            assert_eq!(receipt_date_unix_ms(digits), Some(twelve_thirty), "{digits}");
        }
        assert_eq!(receipt_date_unix_ms("not a date"), None);
    }

    #[test]
    fn written_receipts_read_back_and_quote_20_octets() {
        let octets = Receipt {
            id: "42",
            sub: 1,
            dlvrd: 1,
            submit_unix_ms: 1_795_350_600_000,
            done_unix_ms: 1_795_350_660_000,
            state: MessageState::DELIVERED,
            err: 0,
            text: b"a text that is longer than twenty octets",
        }
        .octets();
        let receipt = ReceiptText::parse(&octets).unwrap();
        assert_eq!(receipt.id, Some("42"));
        assert_eq!(receipt.done_date, Some("2611221231"));
        assert_eq!(receipt.text, Some(&b"a text that is longe"[..]));
    }

    #[test]
    fn what_is_no_receipt_is_none() {
        assert_eq!(ReceiptText::parse(b"hello, identity:none"), None);
        assert_eq!(ReceiptText::parse(b""), None);
    }
}
