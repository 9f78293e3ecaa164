//! What generic code sees of the PDU table: names, limits, statuses, senders, help.

use std::borrow::Cow;

use crate::field::{Field, Kind, Subject};
use crate::status::CommandStatus;
use crate::tlv::Tag;
use crate::version::Version;

/// One of the two peers, by what it does, not by who opened the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// External short message entity: the application.
    Esme,
    /// Message centre.
    Mc,
}

impl Role {
    /// The other one.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Esme => Self::Mc,
            Self::Mc => Self::Esme,
        }
    }
}

/// The state of a session (SMPP 5.0, 2.3). What it means in behaviour is `smppkit-session`'s matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Connected, nothing bound.
    Open,
    /// The MC connected and sent outbind; a bind is awaited.
    Outbound,
    /// Bound as transmitter.
    BoundTx,
    /// Bound as receiver.
    BoundRx,
    /// Bound as transceiver.
    BoundTrx,
    /// unbind has been sent or received.
    Unbound,
    /// No connection.
    Closed,
}

impl State {
    /// As the specification writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Outbound => "OUTBOUND",
            Self::BoundTx => "BOUND_TX",
            Self::BoundRx => "BOUND_RX",
            Self::BoundTrx => "BOUND_TRX",
            Self::Unbound => "UNBOUND",
            Self::Closed => "CLOSED",
        }
    }

    /// Whether PDUs of an application may pass.
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::BoundTx | Self::BoundRx | Self::BoundTrx)
    }
}

/// One PDU of the table.
#[derive(Debug)]
pub struct PduDef {
    /// Its name in the specification.
    pub name: &'static str,
    /// Its command_id.
    pub command_id: u32,
    /// The section of SMPP 5.0 that defines it; of 3.3 for what only 3.3 has.
    pub section: &'static str,
    /// The oldest version that has it.
    pub since: Version,
    /// The newest version that has it.
    pub until: Version,
    /// Who may send it, and in which states (SMPP 5.0, 2.4).
    pub senders: &'static [(Role, &'static [State])],
    /// Whether it may come before a version has been agreed on: some role may send it in state Open.
    pub opens_session: bool,
    /// The request it answers.
    pub answers: Option<&'static str>,
    /// TLVs that must be there.
    pub requires: &'static [Tag],
    /// Its places in the TLV table.
    pub places: u16,
    /// What it is for.
    pub help: &'static str,
    /// Its fields, in order.
    pub fields: &'static [FieldDef],
}

impl PduDef {
    /// Whether a role may send it in a state.
    pub fn permits(&self, role: Role, state: State) -> bool {
        self.senders.iter().any(|(sender, states)| *sender == role && states.contains(&state))
    }

    /// Whether it is a response (or generic_nack).
    pub const fn is_response(&self) -> bool {
        self.command_id & crate::header::Header::RESPONSE_BIT != 0
    }

    /// Whether a version has it.
    pub fn in_version(&self, version: Version) -> bool {
        (self.since..=self.until).contains(&version)
    }

    /// What a field is about. A C-Octet String right behind a numbering plan is an address.
    pub fn subject(&self, field: &FieldDef) -> Subject {
        let at = self.fields.iter().position(|def| def.name == field.name);
        let before = at.and_then(|at| self.fields.get(at.checked_sub(1)?));
        let address = before
            .is_some_and(|before| before.subject == Subject::Address && matches!(before.kind, Kind::Int(_)));
        if address && matches!(field.kind, Kind::CStr(_)) { Subject::Address } else { field.subject }
    }

    /// Whether it may come in a session of a version. What opens a session comes before any
    /// version has been agreed on.
    #[inline]
    pub fn may_come(&self, version: Version) -> bool {
        self.opens_session || self.in_version(version)
    }
}

/// One field of a PDU.
#[derive(Debug)]
pub struct FieldDef {
    /// Its name in the specification.
    pub name: &'static str,
    /// How it looks on the wire.
    pub kind: Kind,
    /// Limits that hold in one version only: octets (a NUL counted), items, or the highest value.
    pub limits: &'static [(Version, u16)],
    /// What to answer when it is wrong.
    pub status: CommandStatus,
    /// What it is about, as its type says; [`PduDef::subject`] also looks at what stands before it.
    pub subject: Subject,
    /// The values that are worth a choice in a form.
    pub named: &'static [u32],
    /// What the specification calls a value.
    pub meaning: fn(u32) -> Option<Cow<'static, str>>,
    /// The fields of an entry, where it is a list of them.
    pub parts: &'static [&'static FieldDef],
    /// What it is for.
    pub help: &'static str,
}

impl FieldDef {
    /// A field of a list's entry.
    pub(crate) const fn part<T: Field>(name: &'static str, status: CommandStatus) -> Self {
        Self {
            name,
            kind: T::KIND,
            limits: &[],
            status,
            subject: T::SUBJECT,
            named: T::NAMED,
            meaning: T::meaning,
            parts: T::PARTS,
            help: "",
        }
    }

    /// The limit that holds in a version, where it is narrower than what the field can hold.
    pub fn limit(&self, version: Version) -> Option<u16> {
        self.limits.iter().find(|(of, _)| *of == version).map(|&(_, limit)| limit)
    }
}
