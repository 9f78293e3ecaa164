//! One message, from bind to receipts.

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use smppkit_net::{
    Bind, BindError, BindMode, Connector, Inbox, RequestError, Roots, SessionConfig, TlsClient,
};
use smppkit_text::{Encoding, Options, Part, SplitError};
use smppkit_wire::field::{CStrError, ShortMessage, TooLong};
use smppkit_wire::pdu::table::{DeliverSm, SubmitSm};
use smppkit_wire::receipt::ReceiptText;
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::{DataCoding, EsmClass, MessageState, MessageType, Npi, RegisteredDelivery, Ton};
use smppkit_wire::{Body, Version};

use crate::url::Target;

/// What is to be sent, and where.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Where to bind.
    pub target: Target,
    /// The version to declare.
    pub version: Version,
    /// With TLS: take any certificate.
    pub any_certificate: bool,
    /// The sender: digits, or letters for an alphanumeric one.
    pub from: String,
    /// The destination.
    pub to: String,
    /// The text.
    pub text: String,
    /// How long to wait for the receipts; `None` asks for none.
    pub wait: Option<Duration>,
}

/// What has happened, as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The text is encoded and split.
    Prepared {
        /// In which alphabet, in words.
        encoding: String,
        /// Characters of the text.
        characters: usize,
        /// Parts it needs.
        parts: usize,
    },
    /// The MC accepted the bind.
    Bound {
        /// Its name.
        system_id: String,
        /// The version both speak.
        version: Version,
    },
    /// A part was accepted.
    Submitted {
        /// Which, from 1.
        part: usize,
        /// Of how many.
        parts: usize,
        /// Its encoding, as data_coding.
        data_coding: u8,
        /// The MC's id of it.
        message_id: String,
    },
    /// A receipt came.
    Receipt {
        /// The id it is about.
        message_id: String,
        /// What has become of the part.
        state: MessageState,
        /// Since its submit_sm.
        after: Duration,
    },
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The ids, one for each part.
    pub message_ids: Vec<String>,
    /// The final states that receipts told, one for each.
    pub states: Vec<MessageState>,
}

impl Report {
    /// Whether every part for which a receipt was awaited was delivered.
    pub fn is_delivered(&self) -> bool {
        self.states.iter().all(|state| matches!(*state, MessageState::DELIVERED | MessageState::ACCEPTED))
    }
}

/// Why it did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// A field cannot hold what was given.
    Field(&'static str, CStrError),
    /// The text cannot be sent.
    Text(SplitError),
    /// TLS could not be set up.
    Tls(std::io::Error),
    /// No session.
    Bind(BindError),
    /// A part was not accepted.
    Submit(RequestError),
    /// Receipts are missing.
    NoReceipt {
        /// How many came.
        got: usize,
        /// How many should have.
        wanted: usize,
    },
}

impl SendError {
    /// Whether there was no session at all.
    pub const fn is_connection(&self) -> bool {
        matches!(self, Self::Bind(_) | Self::Tls(_))
    }

    /// Whether what was given could not be sent to anybody.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Field(..) | Self::Text(_))
    }
}

/// Binds, submits, waits for the receipts, unbinds.
pub async fn send(sending: &Sending, mut tell: impl FnMut(Step)) -> Result<Report, SendError> {
    let messages = messages(sending)?;
    let preview = smppkit_text::preview(&sending.text, &Options::default()).map_err(SendError::Text)?;
    tell(Step::Prepared {
        encoding: words(preview.encoding).to_owned(),
        characters: preview.characters,
        parts: preview.parts.len(),
    });
    let config = SessionConfig { version: sending.version, ..SessionConfig::default() };
    let mut connector = Connector::new(sending.target.address.clone()).session(config);
    if sending.target.tls {
        let roots = if sending.any_certificate { Roots::Any } else { Roots::Platform };
        connector = connector.tls(TlsClient::new(roots, None).map_err(SendError::Tls)?);
    }
    let mut bind = Bind::new(&sending.target.system_id, &sending.target.password)
        .map_err(|error| SendError::Field("system_id or password", error))?;
    bind.interface_version = Some(sending.version.into());
    // A 3.3 MC has no transceiver: receipts would need a second session.
    let mode = if sending.version == Version::V33 { BindMode::Transmitter } else { BindMode::Transceiver };
    let (esme, inbox) = connector.bind(mode, bind).await.map_err(SendError::Bind)?;
    tell(Step::Bound { system_id: esme.system_id.to_text(), version: esme.version });

    let parts = messages.len();
    let mut submitted = Vec::with_capacity(parts);
    for (at, message) in messages.into_iter().enumerate() {
        let data_coding = message.data_coding.0;
        let began = Instant::now();
        let answer = esme.send(message).await.map_err(SendError::Submit)?;
        let message_id = answer.message_id.to_text();
        tell(Step::Submitted { part: at + 1, parts, data_coding, message_id: message_id.clone() });
        submitted.push((message_id, began));
    }
    let states = match sending.wait.filter(|_| mode == BindMode::Transceiver) {
        None => Ok(Vec::new()),
        Some(wait) => receipts(inbox, &submitted, wait, &mut tell).await,
    };
    esme.unbind().await;
    let message_ids = submitted.into_iter().map(|(message_id, _)| message_id).collect();
    Ok(Report { message_ids, states: states? })
}

/// Waits until each part has its receipt.
async fn receipts(
    mut inbox: Inbox,
    submitted: &[(String, Instant)],
    wait: Duration,
    tell: &mut impl FnMut(Step),
) -> Result<Vec<MessageState>, SendError> {
    let mut states = vec![None; submitted.len()];
    let deadline = tokio::time::Instant::now() + wait;
    while states.iter().any(Option::is_none) {
        let Ok(Some(incoming)) = tokio::time::timeout_at(deadline, inbox.next()).await else {
            let got = states.iter().flatten().count();
            return Err(SendError::NoReceipt { got, wanted: states.len() });
        };
        if let Body::DeliverSm(pdu) = &incoming.body
            && pdu.esm_class.message_type() == MessageType::DeliveryReceipt
            && let Some((message_id, state)) = receipt(pdu)
            && let Some(at) = submitted.iter().position(|(submitted, _)| *submitted == message_id)
        {
            states[at] = Some(state);
            tell(Step::Receipt { message_id, state, after: submitted[at].1.elapsed() });
        }
        incoming.accept();
    }
    Ok(states.into_iter().flatten().collect())
}

/// The id and the state that a receipt tells: by TLV, else by its text.
fn receipt(pdu: &DeliverSm) -> Option<(String, MessageState)> {
    let text = ReceiptText::parse(&pdu.short_message);
    let id = pdu.tlvs.get(tag::receipted_message_id).map(TlvText::to_text);
    let id = id.or_else(|| text?.id.map(str::to_owned))?;
    let state = pdu.tlvs.get(tag::message_state).or_else(|| text?.state())?;
    Some((id, state))
}

/// One submit_sm for each part of the text.
fn messages(sending: &Sending) -> Result<Vec<SubmitSm>, SendError> {
    let split = smppkit_text::split(&sending.text, &Options::default(), reference(&sending.text))
        .map_err(SendError::Text)?;
    let (source_addr_ton, source_addr_npi) = kind(&sending.from);
    let (dest_addr_ton, dest_addr_npi) = kind(&sending.to);
    let source = sending
        .from
        .trim_start_matches('+')
        .parse()
        .map_err(|error| SendError::Field("source_addr", error))?;
    let destination = sending
        .to
        .trim_start_matches('+')
        .parse()
        .map_err(|error| SendError::Field("destination_addr", error))?;
    let registered_delivery =
        if sending.wait.is_some() { RegisteredDelivery::RECEIPT } else { RegisteredDelivery::NONE };
    let data_coding = DataCoding(split.encoding.data_coding());
    let message = |part: Part| -> Result<SubmitSm, TooLong> {
        Ok(SubmitSm {
            source_addr_ton,
            source_addr_npi,
            source_addr: source,
            dest_addr_ton,
            dest_addr_npi,
            destination_addr: destination,
            esm_class: if part.udhi { EsmClass::UDHI } else { EsmClass::DEFAULT },
            registered_delivery,
            data_coding,
            short_message: ShortMessage::new(part.user_data)?,
            ..SubmitSm::default()
        })
    };
    // A part is at most 160 octets: it always fits.
    Ok(split.parts.into_iter().filter_map(|part| message(part).ok()).collect())
}

fn words(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Gsm7(_) => "GSM 7-bit",
        Encoding::Octets(_) => "one octet a character",
        Encoding::Ucs2 => "UCS-2",
    }
}

/// TON and NPI of an address, by how it looks.
fn kind(address: &str) -> (Ton, Npi) {
    let digits = address.trim_start_matches('+');
    if digits.is_empty() || digits.bytes().any(|octet| !octet.is_ascii_digit()) {
        (Ton::ALPHANUMERIC, Npi::UNKNOWN)
    } else if address.starts_with('+') || digits.len() > 8 {
        (Ton::INTERNATIONAL, Npi::ISDN)
    } else {
        (Ton::UNKNOWN, Npi::ISDN)
    }
}

/// A number that the parts of one message share, and that of another most likely does not.
fn reference(text: &str) -> u16 {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    (time.as_millis() as u16) ^ (text.len() as u16)
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field, error) => write!(f, "{field} {error}"),
            Self::Text(error) => error.fmt(f),
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::Bind(error) => error.fmt(f),
            Self::Submit(error) => write!(f, "submit_sm {error}"),
            Self::NoReceipt { got, wanted } => write!(f, "{got} of {wanted} receipts came in time"),
        }
    }
}

impl std::error::Error for SendError {}
