//! Delivery-receipt text and its real-world variants (SMPP 3.4, Appendix B).
//!
//! The specification gives an example and calls it vendor specific; the parser so takes keys in
//! any order and any case, missing keys, ids and dates of any length. What was seen from whom is
//! in `testdata/receipts/real.jsonl`; each line of it is a test.

mod date;
mod read;

use core::fmt;

pub use self::date::receipt_date_unix_ms;
use crate::value::MessageState;

/// The parts of a receipt's text, as they stand there. A key without a value counts as absent.
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
    /// Time of submission, for [`receipt_date_unix_ms`]: 10 digits `YYMMDDhhmm`, or one of many other forms.
    pub submit_date: Option<&'a str>,
    /// Time of the final state, written likewise.
    pub done_date: Option<&'a str>,
    /// The state, as a word of up to seven letters.
    pub stat: Option<&'a str>,
    /// Error code of the network or of the MC: decimal, hexadecimal or a word.
    pub err: Option<&'a str>,
    /// The first characters of the message, as octets.
    pub text: Option<&'a [u8]>,
}

impl<'a> ReceiptText<'a> {
    /// Reads a receipt; `None` when the octets hold neither an id nor a state.
    ///
    /// The text may hold anything, so it is not looked into: only for what did not come before it,
    /// and only while there was no `stat:` yet (tolerance: cloudhopper-smpp knows a peer that
    /// writes the text before the state).
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        read::receipt(octets)
    }

    /// The state that `stat` names, the specification's words and the ones seen from vendors.
    pub fn state(&self) -> Option<MessageState> {
        state_of_word(self.stat?)
    }
}

impl fmt::Display for ReceiptText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id.unwrap_or("-"), self.stat.unwrap_or("-"))
    }
}

/// The state that a word of `stat:` names, in any case; what follows its letters is left out, as in
/// `FAILED:Mob.Abst.`. Numbers name none: vendors do not agree which.
pub fn state_of_word(word: &str) -> Option<MessageState> {
    let end = word.find(|character: char| !character.is_ascii_alphabetic() && character != '_');
    let word = word.get(..end.unwrap_or(word.len()))?;
    let named =
        |words: &&(&str, MessageState)| words.0.split(' ').any(|name| name.eq_ignore_ascii_case(word));
    if word.is_empty() { None } else { WORDS.iter().find(named).map(|&(_, state)| state) }
}

/// The specification's word first, then the vendors'.
const WORDS: [(&str, MessageState); 10] = [
    ("DELIVRD DELIVERD DELIVERED DELIV DLIVRD DLVRD DLV", MessageState::DELIVERED),
    // SYSERR: SMS Central.
    ("UNDELIV UNDELIVERABLE UNDELIVERED UNDELIVRD UNDLIVRD FAILED SYSERR", MessageState::UNDELIVERABLE),
    ("EXPIRED EXPIRD", MessageState::EXPIRED),
    ("DELETED CANCELED CANCELLED", MessageState::DELETED),
    // ACKED: mBlox, by the network.
    ("ACCEPTD ACCEPTED ACKED", MessageState::ACCEPTED),
    ("UNKNOWN", MessageState::UNKNOWN),
    // NOCRED: SMS Central, no credit.
    ("REJECTD REJECTED NOCRED", MessageState::REJECTED),
    ("SCHEDLD SCHEDULED", MessageState::SCHEDULED),
    // BUFFRED: SMS Central, mBlox; ENQUEUD: Mobizon.
    ("ENROUTE EN_ROUTE BUFFERED BUFFERD BUFFRED ENQUEUD QUEUED PENDING", MessageState::ENROUTE),
    ("SKIPPED", MessageState::SKIPPED),
];

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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn every_state_s_own_word_reads_back() {
        for state in 0..=9 {
            let state = MessageState(state);
            assert_eq!(state_of_word(state.receipt_word()), Some(state));
            assert_eq!(state_of_word(&state.receipt_word().to_lowercase()), Some(state));
        }
    }

    #[test]
    fn words_nobody_explained_and_numbers_name_no_state() {
        for word in ["", "0", "2", "BADSTAT", "DELIVRDX", "…", "_"] {
            assert_eq!(state_of_word(word), None, "{word}");
        }
        assert_eq!(state_of_word("FAILED:Mob.Abst."), Some(MessageState::UNDELIVERABLE));
    }
}
