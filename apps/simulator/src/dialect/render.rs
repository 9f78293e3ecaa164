//! Writing a receipt in a dialect.

use smppkit_wire::Tlvs;
use std::borrow::Cow;

use smppkit_wire::Version;
use smppkit_wire::field::Time;
use smppkit_wire::tlv::{Tag, TlvText, TlvsBuilder, tag};
use smppkit_wire::value::{EsmClass, MessageState};

use super::template::{Part, Placeholder};
use super::{Carrier, DateForm, Dialect, ErrForm, Place, ReceiptTlv, State};

/// What a receipt tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The message's.
    pub(crate) number: u32,
    /// What has become of it.
    pub(crate) state: MessageState,
    /// Milliseconds since 1970 of that.
    pub(crate) at_ms: i64,
    /// Milliseconds since 1970 of its submission.
    pub(crate) submitted_ms: i64,
    /// 0 for success.
    pub(crate) error_code: u16,
    /// The message, an octet for each character; as much of it as the dialect quotes is taken.
    pub(crate) text: &'a [u8],
    /// The message's.
    pub(crate) user_message_reference: Option<u16>,
    /// Whether another receipt follows.
    pub(crate) intermediate: bool,
    /// The session's.
    pub(crate) version: Version,
}

/// A receipt, but for its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// Of the PDU.
    pub(crate) esm_class: EsmClass,
    /// At most 254 octets; none when the text is in message_payload or there is none.
    pub(crate) short_message: Vec<u8>,
    /// message_payload among them.
    pub(crate) tlvs: Tlvs,
    /// Whether the PDU is data_sm rather than deliver_sm.
    pub(crate) by_data_sm: bool,
}

impl Dialect {
    /// The receipt for these facts.
    pub(crate) fn receipt(&self, facts: &Facts<'_>) -> Rendered {
        let form = &self.receipt;
        let esm_class = if facts.intermediate { form.intermediate_esm_class } else { form.esm_class };
        let mut text = self.text(facts);
        // SMPP 3.3 has neither data_sm nor TLVs.
        let modern = facts.version >= Version::V34;
        let by_data_sm = modern && form.carrier == Carrier::DataSm;
        let mut tlvs = Tlvs::build();
        if modern {
            self.push_tlvs(facts, &mut tlvs);
            if (by_data_sm || form.place == Place::MessagePayload) && !text.is_empty() {
                tlvs.push(tag::message_payload, &text);
                text.clear();
            }
        }
        text.truncate(SHORT_MESSAGE_LIMIT_OCTETS);
        Rendered { esm_class: EsmClass(esm_class), short_message: text, tlvs: tlvs.done(), by_data_sm }
    }

    /// The word for a state.
    pub(crate) fn word(&self, state: MessageState) -> &str {
        self.receipt.words.get(&State(state)).map_or(state.receipt_word(), String::as_str)
    }

    fn text(&self, facts: &Facts<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        for part in self.receipt.text.parts() {
            match part {
                Part::Plain(text) => out.extend_from_slice(text.as_bytes()),
                Part::Place(place) => out.extend_from_slice(&self.value(*place, facts)),
            }
        }
        if self.receipt.nul_terminated {
            out.push(0);
        }
        out
    }

    fn value<'a>(&'a self, place: Placeholder, facts: &Facts<'a>) -> Cow<'a, [u8]> {
        let form = &self.receipt;
        let made = |text: String| Cow::Owned(text.into_bytes());
        match place {
            Placeholder::Id => match self.message_id.receipt {
                Some(id) => {
                    let id = id.in_version(facts.version).text(facts.number);
                    Cow::Owned(id.as_octets().to_vec())
                }
                None => Cow::Borrowed(&[]),
            },
            Placeholder::Sub => Cow::Borrowed(form.sub.as_deref().unwrap_or("001").as_bytes()),
            Placeholder::Dlvrd => {
                let dlvrd = if facts.state == MessageState::DELIVERED { "001" } else { "000" };
                Cow::Borrowed(form.dlvrd.as_deref().unwrap_or(dlvrd).as_bytes())
            }
            Placeholder::SubmitDate => made(date(form.date, facts.submitted_ms)),
            Placeholder::DoneDate => made(date(form.date, facts.at_ms)),
            Placeholder::Stat => Cow::Borrowed(self.word(facts.state).as_bytes()),
            Placeholder::State => made(facts.state.0.to_string()),
            Placeholder::Err => made(err(form.err, facts.error_code)),
            Placeholder::Text => Cow::Borrowed(facts.text.get(..form.quote).unwrap_or(facts.text)),
        }
    }

    fn push_tlvs(&self, facts: &Facts<'_>, tlvs: &mut TlvsBuilder) {
        for tlv in &self.receipt.tlvs {
            match tlv {
                ReceiptTlv::ReceiptedMessageId => {
                    if let Some(id) = self.message_id.tlv {
                        tlvs.push(tag::receipted_message_id, TlvText(id.text(facts.number).as_octets()));
                    }
                }
                ReceiptTlv::MessageState => tlvs.push(tag::message_state, facts.state),
                ReceiptTlv::UserMessageReference => {
                    if let Some(reference) = facts.user_message_reference {
                        tlvs.push(tag::user_message_reference, reference);
                    }
                }
                ReceiptTlv::NetworkErrorCode => {
                    let [high, low] = facts.error_code.to_be_bytes();
                    if facts.error_code != 0 {
                        // Network type 8: the code is the MC's own.
                        tlvs.push(tag::network_error_code, &[8, high, low][..]);
                    }
                }
            }
        }
        for extra in &self.receipt.extra_tlvs {
            tlvs.push_octets(Tag(extra.tag), &extra.hex.0);
        }
    }
}

/// SMPP 3.4, 4.6.1; 5.0 has room for one more.
const SHORT_MESSAGE_LIMIT_OCTETS: usize = 254;

fn date(form: DateForm, unix_ms: i64) -> String {
    let time = Time::absolute(unix_ms).as_cstr().to_text();
    let century = if unix_ms < YEAR_2000_UNIX_MS { "19" } else { "20" };
    let two = |at: usize| time.get(at..at + 2).unwrap_or_default();
    match form {
        DateForm::Minutes => time.get(..10).unwrap_or_default().to_owned(),
        DateForm::Seconds => time.get(..12).unwrap_or_default().to_owned(),
        DateForm::CenturyMinutes => century.to_owned() + time.get(..10).unwrap_or_default(),
        DateForm::CenturySeconds => century.to_owned() + time.get(..12).unwrap_or_default(),
        DateForm::TwoWords => {
            format!("{century}{}-{}-{} {}:{}:{}", two(0), two(2), two(4), two(6), two(8), two(10))
        }
    }
}

const YEAR_2000_UNIX_MS: i64 = 946_684_800_000;

fn err(form: ErrForm, code: u16) -> String {
    match form {
        ErrForm::Decimal3 => format!("{code:03}"),
        ErrForm::Decimal => code.to_string(),
        ErrForm::Hex => format!("{code:03X}"),
        ErrForm::Alphanumeric => format!("{:02x}b", code & 0xFF),
        ErrForm::None => String::new(),
    }
}
