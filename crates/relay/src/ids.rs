//! message_ids as other sides write them: the same number is hexadecimal in one PDU, decimal in the
//! next, padded, or in capitals.
//!
//! One form of each id is stored, and receipts are looked up in the ways that are known to occur.
//! Which of them an upstream uses is learnt from receipts that fit in one way only.

use core::fmt;

use smppkit_store::MessageId;

/// How an upstream's receipts write the ids of its responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdForm {
    /// As the response did, padding and capitals aside.
    Same,
    /// The response is hexadecimal, the receipt decimal.
    HexThenDecimal,
    /// The response is decimal, the receipt hexadecimal.
    DecimalThenHex,
}

/// What is known of an upstream's ids, by evidence or by its settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Learnt {
    fixed: Option<IdForm>,
    /// Receipts that fit one way only.
    seen: [u32; 3],
}

/// What is stored of a response's id: without capitals, and without the zeros in front of a number.
/// Longer ones than SMPP has are cut.
pub fn canonical(id: &str) -> Box<str> {
    let id = id.trim();
    let is_number = !id.is_empty() && id.bytes().all(|octet| octet.is_ascii_hexdigit());
    let short = if is_number { id.trim_start_matches('0') } else { id };
    let short = if short.is_empty() && is_number { "0" } else { short };
    short.to_ascii_lowercase().into()
}

/// The short id that a 3.3 peer is given, as the store's reference: eight hexadecimal digits.
pub fn short_reference(number: u32) -> Box<str> {
    format!("{number:08x}").into()
}

impl IdForm {
    /// In the order they are tried while nothing is known.
    pub const ALL: [Self; 3] = [Self::Same, Self::HexThenDecimal, Self::DecimalThenHex];

    /// What the response's id must have been, in its [`canonical`] form, if a receipt writes it so.
    pub fn response_of(self, receipt: &str) -> Option<Box<str>> {
        let receipt = receipt.trim();
        match self {
            Self::Same => (!receipt.is_empty()).then(|| canonical(receipt)),
            // u128 takes 38 decimal digits, more than any id that is a number has.
            Self::HexThenDecimal => {
                let is_decimal = receipt.bytes().all(|octet| octet.is_ascii_digit());
                let number = receipt.parse::<u128>().ok().filter(|_| is_decimal)?;
                Some(format!("{number:x}").into())
            }
            Self::DecimalThenHex => {
                let is_hex = receipt.bytes().all(|octet| octet.is_ascii_hexdigit());
                let number = u128::from_str_radix(receipt, 16).ok().filter(|_| is_hex)?;
                Some(number.to_string().into())
            }
        }
    }

    /// Its name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::HexThenDecimal => "hex_then_decimal",
            Self::DecimalThenHex => "decimal_then_hex",
        }
    }
}

impl fmt::Display for IdForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Learnt {
    /// By settings: nothing is learnt.
    pub const fn fixed(form: IdForm) -> Self {
        Self { fixed: Some(form), seen: [0; 3] }
    }

    /// A receipt fitted in this way and in no other.
    pub fn saw(&mut self, form: IdForm) {
        self.seen[form as usize] += 1;
        // What was long ago counts less: an upstream may change its mind.
        if self.seen[form as usize] >= MEMORY {
            self.seen = self.seen.map(|seen| seen / 2);
        }
    }

    /// The way that is known, once three receipts spoke for it, and twenty times as many as for any other.
    pub fn known(&self) -> Option<IdForm> {
        if self.fixed.is_some() {
            return self.fixed;
        }
        let most = IdForm::ALL.into_iter().max_by_key(|form| self.seen[*form as usize])?;
        let count = self.seen[most as usize];
        let others: u32 = self.seen.iter().sum::<u32>() - count;
        (count >= 3 && count >= others.saturating_mul(20)).then_some(most)
    }

    /// Receipts that spoke for each way, for people.
    pub const fn evidence(&self) -> [(IdForm, u32); 3] {
        let [same, hex, decimal] = self.seen;
        [(IdForm::Same, same), (IdForm::HexThenDecimal, hex), (IdForm::DecimalThenHex, decimal)]
    }

    /// The ways to look a receipt up, the known one first. Fixed by settings, there is one.
    pub fn order(&self) -> impl Iterator<Item = IdForm> + use<> {
        let (first, fixed) = (self.known(), self.fixed);
        let rest = IdForm::ALL.into_iter().filter(move |form| Some(*form) != first && fixed.is_none());
        first.into_iter().chain(rest)
    }
}

/// Receipts that are remembered of one way: after fifty of another it is known no more.
const MEMORY: u32 = 1_000;

/// As an ESME is told it: decimal digits.
pub(crate) fn shown(id: MessageId) -> String {
    id.to_u64().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_is_found_however_it_is_written() {
        for (response, receipt, form) in [
            ("1A2B", "1a2b", IdForm::Same),
            ("00001A2B", "1A2B", IdForm::Same),
            ("1a2b", "0000006699", IdForm::HexThenDecimal),
            ("6699", "00001A2B", IdForm::DecimalThenHex),
            ("3f1e-AA", "3F1E-aa", IdForm::Same),
            ("0000", "0", IdForm::Same),
            ("1A2B ", "1A2B", IdForm::Same),
        ] {
            assert_eq!(form.response_of(receipt), Some(canonical(response)), "{response} {receipt}");
        }
    }

    #[test]
    fn what_is_no_number_fits_one_way_only() {
        assert_eq!(IdForm::HexThenDecimal.response_of("3f1e-aa"), None);
        assert_eq!(IdForm::DecimalThenHex.response_of("3f1e-aa"), None);
        assert_eq!(IdForm::HexThenDecimal.response_of("+12"), None, "a sign is not a digit");
        assert_eq!(IdForm::DecimalThenHex.response_of("+12"), None);
        assert_eq!(IdForm::HexThenDecimal.response_of(&"9".repeat(64)), None);
    }

    #[test]
    fn a_form_is_known_after_three_and_comes_first() {
        let mut learnt = Learnt::default();
        assert_eq!(learnt.order().collect::<Vec<_>>(), IdForm::ALL);
        for _ in 0..3 {
            assert_eq!(learnt.known(), None);
            learnt.saw(IdForm::HexThenDecimal);
        }
        assert_eq!(learnt.known(), Some(IdForm::HexThenDecimal));
        assert_eq!(learnt.order().next(), Some(IdForm::HexThenDecimal));
        learnt.saw(IdForm::Same);
        assert_eq!(learnt.known(), None, "an upstream that does both is not understood yet");
        assert_eq!(Learnt::fixed(IdForm::Same).order().collect::<Vec<_>>(), [IdForm::Same]);
    }
}
