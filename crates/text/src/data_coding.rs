//! What a data_coding octet says about the octets beside it (SMPP 5.0, 4.7.7; 3GPP 23.038, 4).

/// Alphabet named by data_coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alphabet {
    /// 0x00: whatever the MC was set up for; see [`McDefault`](crate::McDefault).
    McDefault,
    /// 0x01: IA5, that is ASCII.
    Ascii,
    /// 0x02, 0x04 and the 8-bit forms of the GSM groups: octets without an alphabet.
    Binary,
    /// 0x03: ISO 8859-1.
    Latin1,
    /// 0x05: JIS X 0208-1990.
    Jis,
    /// 0x06: ISO 8859-5.
    Cyrillic,
    /// 0x07: ISO 8859-8.
    Hebrew,
    /// 0x08 and the UCS-2 forms of the GSM groups: UTF-16, most significant octet first.
    Ucs2,
    /// 0x09: pictogram encoding.
    Pictogram,
    /// 0x0A: ISO-2022-JP, music codes.
    Iso2022Jp,
    /// 0x0D: extended Kanji JIS, X 0212-1990.
    KanjiJis,
    /// 0x0E: KS C 5601.
    Ksc5601,
    /// The 7-bit forms of the GSM groups.
    Gsm7,
    /// A value neither document gives a meaning.
    Reserved,
}

/// Where a message is meant to go in the phone (3GPP 23.038, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageClass {
    /// Class 0: shown at once, not kept; "flash".
    Flash,
    /// Class 1: the mobile equipment.
    MobileEquipment,
    /// Class 2: the (U)SIM.
    Sim,
    /// Class 3: the terminal equipment.
    TerminalEquipment,
}

/// What waits for the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitingKind {
    /// Voicemail.
    Voicemail,
    /// Fax.
    Fax,
    /// Electronic mail.
    Email,
    /// Something else.
    Other,
}

/// Whether the message that carries an indication is itself kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// The text may be thrown away once the indication is set.
    Discard,
    /// The text is kept like any other message.
    Store,
}

/// Message waiting indication (3GPP 23.038, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageWaiting {
    /// Whether the indication is switched on or off.
    pub active: bool,
    /// What waits.
    pub kind: WaitingKind,
    /// Whether the text is kept.
    pub storage: Storage,
}

/// Everything one data_coding value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interpretation {
    /// How the octets become text.
    pub alphabet: Alphabet,
    /// Set by the groups 0x10 to 0x1F and 0xF0 to 0xFF only.
    pub class: Option<MessageClass>,
    /// Set by the groups 0xC0 to 0xEF only.
    pub waiting: Option<MessageWaiting>,
}

impl Interpretation {
    /// Reads any value; none is refused.
    ///
    /// 0x10 to 0x1F are reserved in SMPP but passed through by many MCs as the general group of 3GPP 23.038, and
    /// 0xE0 to 0xEF likewise as message waiting in UCS-2, so both are read so. Reserved bits inside a group are
    /// ignored.
    pub fn of(data_coding: u8) -> Self {
        let bits = data_coding & 0b1111;
        match data_coding >> 4 {
            0x0 => Self { alphabet: plain(data_coding), class: None, waiting: None },
            0x1 => Self { alphabet: general(bits >> 2), class: Some(class(bits)), waiting: None },
            0xC => Self::waiting(Alphabet::Gsm7, Storage::Discard, bits),
            0xD => Self::waiting(Alphabet::Gsm7, Storage::Store, bits),
            0xE => Self::waiting(Alphabet::Ucs2, Storage::Store, bits),
            0xF => Self { alphabet: general(bits >> 2 & 1), class: Some(class(bits)), waiting: None },
            _ => Self { alphabet: Alphabet::Reserved, class: None, waiting: None },
        }
    }

    fn waiting(alphabet: Alphabet, storage: Storage, bits: u8) -> Self {
        let kind = match bits & 0b11 {
            0 => WaitingKind::Voicemail,
            1 => WaitingKind::Fax,
            2 => WaitingKind::Email,
            _ => WaitingKind::Other,
        };
        let waiting = MessageWaiting { active: bits & 0b1000 != 0, kind, storage };
        Self { alphabet, class: None, waiting: Some(waiting) }
    }
}

/// SMPP's own values.
fn plain(data_coding: u8) -> Alphabet {
    match data_coding {
        0x00 => Alphabet::McDefault,
        0x01 => Alphabet::Ascii,
        0x02 | 0x04 => Alphabet::Binary,
        0x03 => Alphabet::Latin1,
        0x05 => Alphabet::Jis,
        0x06 => Alphabet::Cyrillic,
        0x07 => Alphabet::Hebrew,
        0x08 => Alphabet::Ucs2,
        0x09 => Alphabet::Pictogram,
        0x0A => Alphabet::Iso2022Jp,
        0x0D => Alphabet::KanjiJis,
        0x0E => Alphabet::Ksc5601,
        _ => Alphabet::Reserved,
    }
}

/// Alphabet bits of the GSM groups.
fn general(bits: u8) -> Alphabet {
    match bits {
        0 => Alphabet::Gsm7,
        1 => Alphabet::Binary,
        2 => Alphabet::Ucs2,
        _ => Alphabet::Reserved,
    }
}

/// Class bits of the GSM groups.
fn class(bits: u8) -> MessageClass {
    match bits & 0b11 {
        0 => MessageClass::Flash,
        1 => MessageClass::MobileEquipment,
        2 => MessageClass::Sim,
        _ => MessageClass::TerminalEquipment,
    }
}
