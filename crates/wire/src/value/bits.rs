//! Octets made of bit fields.

use core::fmt;

/// Message mode, type and GSM features of a message (SMPP 5.0, 4.7.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EsmClass(pub u8);

/// Bits 1-0 of esm_class, from ESME to MC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageMode {
    /// What the MC does by default.
    Default,
    /// One attempt, no receipt.
    Datagram,
    /// The response waits for the outcome of the attempt.
    Transaction,
    /// Stored, retried, queryable.
    StoreAndForward,
}

/// Bits 5-2 of esm_class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageType {
    /// A message.
    Normal,
    /// The MC's report of a final state.
    DeliveryReceipt,
    /// The SME's acknowledgement that it got the message.
    DeliveryAcknowledgement,
    /// The user's acknowledgement.
    UserAcknowledgement,
    /// Conversation abort (Korean CDMA).
    ConversationAbort,
    /// The MC's report of a state on the way.
    IntermediateNotification,
    /// A reserved pattern, as it stands in bits 5-2.
    Reserved(u8),
}

impl EsmClass {
    /// A message in the default mode.
    pub const DEFAULT: Self = Self(0x00);
    /// Datagram mode.
    pub const DATAGRAM: Self = Self(0x01);
    /// Transaction mode.
    pub const TRANSACTION: Self = Self(0x02);
    /// Store and forward mode.
    pub const STORE_AND_FORWARD: Self = Self(0x03);
    /// MC delivery receipt.
    pub const DELIVERY_RECEIPT: Self = Self(0x04);
    /// Intermediate delivery notification.
    pub const INTERMEDIATE_NOTIFICATION: Self = Self(0x20);
    /// The user data begins with a user data header.
    pub const UDHI: Self = Self(0x40);
    /// Reply path.
    pub const REPLY_PATH: Self = Self(0x80);

    /// Values worth a choice: the modes, what a delivery may be, and single bits.
    pub const NAMED: &'static [u32] = &[0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x10, 0x18, 0x20, 0x40, 0x80];

    /// Bits 1-0.
    pub const fn mode(self) -> MessageMode {
        match self.0 & 0x03 {
            0 => MessageMode::Default,
            1 => MessageMode::Datagram,
            2 => MessageMode::Transaction,
            _ => MessageMode::StoreAndForward,
        }
    }

    /// Bits 5-2.
    pub const fn message_type(self) -> MessageType {
        match self.0 & 0x3C {
            0x00 => MessageType::Normal,
            0x04 => MessageType::DeliveryReceipt,
            0x08 => MessageType::DeliveryAcknowledgement,
            0x10 => MessageType::UserAcknowledgement,
            0x18 => MessageType::ConversationAbort,
            0x20 => MessageType::IntermediateNotification,
            other => MessageType::Reserved(other),
        }
    }

    /// Whether the user data begins with a user data header.
    pub const fn has_udh(self) -> bool {
        self.0 & Self::UDHI.0 != 0
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In words.
    pub fn meaning(self) -> String {
        let mode = match self.mode() {
            MessageMode::Default => "default mode",
            MessageMode::Datagram => "datagram",
            MessageMode::Transaction => "transaction",
            MessageMode::StoreAndForward => "store and forward",
        };
        let kind = match self.message_type() {
            MessageType::Normal => "",
            MessageType::DeliveryReceipt => ", delivery receipt",
            MessageType::DeliveryAcknowledgement => ", delivery acknowledgement",
            MessageType::UserAcknowledgement => ", user acknowledgement",
            MessageType::ConversationAbort => ", conversation abort",
            MessageType::IntermediateNotification => ", intermediate notification",
            MessageType::Reserved(_) => ", reserved message type",
        };
        let udhi = if self.has_udh() { ", UDH" } else { "" };
        let reply = if self.0 & Self::REPLY_PATH.0 != 0 { ", reply path" } else { "" };
        format!("{mode}{kind}{udhi}{reply}")
    }
}

impl fmt::Display for EsmClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.meaning())
    }
}

/// Which reports the sender asks for (SMPP 5.0, 4.7.21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RegisteredDelivery(pub u8);

/// Bits 1-0 of registered_delivery: when the MC sends a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptRequest {
    /// Never.
    None,
    /// On success and on failure.
    Always,
    /// For any final state but delivered.
    OnFailure,
    /// On success only; reserved before 5.0.
    OnSuccess,
}

impl RegisteredDelivery {
    /// No reports.
    pub const NONE: Self = Self(0x00);
    /// A receipt on success or failure.
    pub const RECEIPT: Self = Self(0x01);
    /// A receipt on failure.
    pub const RECEIPT_ON_FAILURE: Self = Self(0x02);
    /// A receipt on success; 5.0 only.
    pub const RECEIPT_ON_SUCCESS: Self = Self(0x03);
    /// Intermediate notifications. Bit 4, whatever the heading in SMPP 3.4, 5.2.17 says.
    pub const INTERMEDIATE: Self = Self(0x10);

    /// Values worth a choice: the receipts, and single bits.
    pub const NAMED: &'static [u32] = &[0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x10];

    /// Bits 1-0.
    pub const fn receipt(self) -> ReceiptRequest {
        match self.0 & 0x03 {
            0 => ReceiptRequest::None,
            1 => ReceiptRequest::Always,
            2 => ReceiptRequest::OnFailure,
            _ => ReceiptRequest::OnSuccess,
        }
    }

    /// Bit 4.
    pub const fn wants_intermediate(self) -> bool {
        self.0 & Self::INTERMEDIATE.0 != 0
    }

    /// In words.
    pub fn meaning(self) -> String {
        let receipt = match self.receipt() {
            ReceiptRequest::None => "no receipt",
            ReceiptRequest::Always => "receipt on success or failure",
            ReceiptRequest::OnFailure => "receipt on failure",
            ReceiptRequest::OnSuccess => "receipt on success",
        };
        let ack = match self.0 & 0x0C {
            0x04 => ", SME delivery acknowledgement",
            0x08 => ", SME user acknowledgement",
            0x0C => ", both SME acknowledgements",
            _ => "",
        };
        let intermediate = if self.wants_intermediate() { ", intermediate notification" } else { "" };
        format!("{receipt}{ack}{intermediate}")
    }
}

impl fmt::Display for RegisteredDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.meaning())
    }
}

/// Encoding of the user data (SMPP 5.0, 4.7.7). What it means for characters is `smppkit-text`'s matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DataCoding(pub u8);

impl DataCoding {
    /// The MC's default alphabet, mostly GSM 7-bit, one septet an octet.
    pub const MC_DEFAULT: Self = Self(0x00);
    /// IA5, that is ASCII.
    pub const ASCII: Self = Self(0x01);
    /// ISO-8859-1.
    pub const LATIN_1: Self = Self(0x03);
    /// Eight-bit binary.
    pub const BINARY: Self = Self(0x04);
    /// ISO-8859-5.
    pub const CYRILLIC: Self = Self(0x06);
    /// ISO-8859-8.
    pub const HEBREW: Self = Self(0x07);
    /// UCS-2, big-endian; in practice UTF-16BE.
    pub const UCS2: Self = Self(0x08);

    /// Values worth a choice: all that have a name of their own, and the first of each GSM group.
    pub const NAMED: &'static [u32] = &[
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0D, 0x0E, 0xC0, 0xD0, 0xF0, 0xF4,
    ];

    /// What the specification calls this value.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self.0 {
            0x00 => "MC default alphabet",
            0x01 => "IA5 (ASCII)",
            0x02 | 0x04 => "8-bit binary",
            0x03 => "Latin-1 (ISO-8859-1)",
            0x05 => "JIS (X 0208-1990)",
            0x06 => "Cyrillic (ISO-8859-5)",
            0x07 => "Hebrew (ISO-8859-8)",
            0x08 => "UCS-2",
            0x09 => "pictogram",
            0x0A => "ISO-2022-JP (music codes)",
            0x0D => "extended Kanji (JIS X 0212-1990)",
            0x0E => "KS C 5601",
            0xC0..=0xCF => "GSM MWI, discard message",
            0xD0..=0xDF => "GSM MWI, store message",
            0xF0..=0xF3 => "GSM message class, 7-bit",
            0xF4..=0xF7 => "GSM message class, 8-bit",
            _ => return None,
        })
    }
}

impl fmt::Display for DataCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(text) => f.pad(text),
            None => write!(f, "{:#04x}", self.0),
        }
    }
}
