//! command_status, and with it error_status_code and broadcast_error_status: one table.
//!
//! Names are those of SMPP 5.0, 4.7.6. Unknown values pass through unchanged and count as failures.

use core::fmt;
use core::str::FromStr;

use crate::version::Version;

/// The outcome a response reports (SMPP 5.0, 4.7.6). 0 in every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommandStatus(pub u32);

/// One row of the status table.
#[derive(Debug, Clone, Copy)]
pub struct StatusDef {
    /// The value.
    pub status: CommandStatus,
    /// The name in SMPP 5.0.
    pub name: &'static str,
    /// The oldest version that lists it.
    pub since: Version,
    /// What it means.
    pub help: &'static str,
}

macro_rules! statuses {
    ($($(#[doc = $doc:literal])* $name:ident = $value:literal, $since:ident;)*) => {
        impl CommandStatus {
            $($(#[doc = $doc])* pub const $name: Self = Self($value);)*

            /// Every status the specifications name, by value.
            pub const TABLE: &'static [StatusDef] = &[$(StatusDef {
                status: Self($value),
                name: stringify!($name),
                since: Version::$since,
                help: concat!($($doc),*).trim_ascii(),
            }),*];
        }
    };
}

statuses! {
    /// Success.
    ESME_ROK = 0x0000, V33;
    /// short_message or message_payload length invalid (usually too long).
    ESME_RINVMSGLEN = 0x0001, V33;
    /// PDU length too short or too large for this PDU.
    ESME_RINVCMDLEN = 0x0002, V33;
    /// Command id unknown or unsupported.
    ESME_RINVCMDID = 0x0003, V33;
    /// PDU not allowed in this session state.
    ESME_RINVBNDSTS = 0x0004, V33;
    /// Already bound.
    ESME_RALYBND = 0x0005, V33;
    /// priority_flag invalid.
    ESME_RINVPRTFLG = 0x0006, V33;
    /// registered_delivery invalid, or its use is disabled by the operator.
    ESME_RINVREGDLVFLG = 0x0007, V33;
    /// System error, all or part of the MC unavailable.
    ESME_RSYSERR = 0x0008, V33;
    /// Source address too long or bad characters.
    ESME_RINVSRCADR = 0x000A, V33;
    /// Destination empty, too long or bad characters.
    ESME_RINVDSTADR = 0x000B, V33;
    /// message_id invalid.
    ESME_RINVMSGID = 0x000C, V33;
    /// Generic bind failure: wrong id, password, type, provisioning.
    ESME_RBINDFAIL = 0x000D, V34;
    /// In 5.0: password *field* malformed (length), not a wrong password (3.4 and most MCs: wrong password too).
    ESME_RINVPASWD = 0x000E, V33;
    /// In 5.0: system_id field malformed, not an unknown id.
    ESME_RINVSYSID = 0x000F, V34;
    /// Generic cancel failure.
    ESME_RCANCELFAIL = 0x0011, V34;
    /// Generic replace failure, no match.
    ESME_RREPLACEFAIL = 0x0013, V34;
    /// Queue full (per destination or globally).
    ESME_RMSGQFUL = 0x0014, V33;
    /// service_type unknown or wrong length.
    ESME_RINVSERTYP = 0x0015, V34;
    /// number_of_dests invalid.
    ESME_RINVNUMDESTS = 0x0033, V33;
    /// dl_name invalid or unknown.
    ESME_RINVDLNAME = 0x0034, V34;
    /// dest_flag invalid.
    ESME_RINVDESTFLAG = 0x0040, V33;
    /// Submit-with-replace unsupported, denied or not possible.
    ESME_RINVSUBREP = 0x0042, V33;
    /// esm_class invalid.
    ESME_RINVESMCLASS = 0x0043, V33;
    /// Cannot submit to distribution list.
    ESME_RCNTSUBDL = 0x0044, V33;
    /// Generic submission failure.
    ESME_RSUBMITFAIL = 0x0045, V34;
    /// Source TON invalid.
    ESME_RINVSRCTON = 0x0048, V33;
    /// Source NPI invalid.
    ESME_RINVSRCNPI = 0x0049, V33;
    /// Destination TON invalid.
    ESME_RINVDSTTON = 0x0050, V33;
    /// Destination NPI invalid.
    ESME_RINVDSTNPI = 0x0051, V33;
    /// system_type length or characters.
    ESME_RINVSYSTYP = 0x0053, V33;
    /// replace_if_present_flag invalid.
    ESME_RINVREPFLAG = 0x0054, V33;
    /// Number of messages.
    ESME_RINVNUMMSGS = 0x0055, V33;
    /// Rate limit exceeded.
    ESME_RTHROTTLED = 0x0058, V34;
    /// schedule_delivery_time wrong length or value.
    ESME_RINVSCHED = 0x0061, V33;
    /// validity_period wrong length or value.
    ESME_RINVEXPIRY = 0x0062, V33;
    /// Predefined message id invalid or unknown.
    ESME_RINVDFTMSGID = 0x0063, V34;
    /// Receiver temporary error: MC should retry.
    ESME_RX_T_APPN = 0x0064, V34;
    /// Receiver permanent error: stop this and all messages queued to the same destination address.
    ESME_RX_P_APPN = 0x0065, V34;
    /// Receiver rejects this message only, no retry.
    ESME_RX_R_APPN = 0x0066, V34;
    /// Generic query failure.
    ESME_RQUERYFAIL = 0x0067, V34;
    /// 1–3 octets left, or a TLV longer than what is left. In 3.4 named `ESME_RINVOPTPARSTREAM`.
    ESME_RINVTLVSTREAM = 0x00C0, V34;
    /// TLV in an invalid context, or refused by the operator. In 3.4 named `ESME_ROPTPARNOTALLWD`.
    ESME_RTLVNOTALLWD = 0x00C1, V34;
    /// In 5.0: TLV length invalid; v3.4 "invalid parameter length", also for mandatory fields over the supported maximum (3.3). In 3.4 named `ESME_RINVPARLEN`.
    ESME_RINVTLVLEN = 0x00C2, V34;
    /// Required TLV missing. In 3.4 named `ESME_RMISSINGOPTPARAM`.
    ESME_RMISSINGTLV = 0x00C3, V34;
    /// TLV value undecodable. In 3.4 named `ESME_RINVOPTPARAMVAL`.
    ESME_RINVTLVVAL = 0x00C4, V34;
    /// Transaction-mode delivery failed.
    ESME_RDELIVERYFAILURE = 0x00FE, V34;
    /// Unexpected error.
    ESME_RUNKNOWNERR = 0x00FF, V33;
    /// Not authorised for this service_type.
    ESME_RSERTYPUNAUTH = 0x0100, V50;
    /// Operation recognised but denied to the ESME.
    ESME_RPROHIBITED = 0x0101, V50;
    /// service_type unavailable (outage).
    ESME_RSERTYPUNAVAIL = 0x0102, V50;
    /// service_type denied because of content.
    ESME_RSERTYPDENIED = 0x0103, V50;
    /// data_coding invalid or unsupported.
    ESME_RINVDCS = 0x0104, V50;
    /// source_addr_subunit invalid.
    ESME_RINVSRCADDRSUBUNIT = 0x0105, V50;
    /// dest_addr_subunit invalid.
    ESME_RINVDSTADDRSUBUNIT = 0x0106, V50;
    /// broadcast_frequency_interval invalid.
    ESME_RINVBCASTFREQINT = 0x0107, V50;
    /// Broadcast alias/name length or characters.
    ESME_RINVBCASTALIAS_NAME = 0x0108, V50;
    /// Broadcast area format.
    ESME_RINVBCASTAREAFMT = 0x0109, V50;
    /// Number of areas.
    ESME_RINVNUMBCAST_AREAS = 0x010A, V50;
    /// broadcast_content_type invalid.
    ESME_RINVBCASTCNTTYPE = 0x010B, V50;
    /// broadcast_message_class invalid.
    ESME_RINVBCASTMSGCLASS = 0x010C, V50;
    /// Generic failure.
    ESME_RBCASTFAIL = 0x010D, V50;
    /// Generic failure.
    ESME_RBCASTQUERYFAIL = 0x010E, V50;
    /// Generic failure.
    ESME_RBCASTCANCELFAIL = 0x010F, V50;
    /// broadcast_rep_num invalid.
    ESME_RINVBCAST_REP = 0x0110, V50;
    /// broadcast_service_group invalid.
    ESME_RINVBCASTSRVGRP = 0x0111, V50;
    /// broadcast_channel_indicator invalid.
    ESME_RINVBCASTCHANIND = 0x0112, V50;
}

impl CommandStatus {
    /// Whether it reports success.
    #[inline]
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// Its row in the table, if the specifications name it.
    pub fn def(self) -> Option<&'static StatusDef> {
        Self::TABLE.binary_search_by_key(&self, |def| def.status).ok().and_then(|at| Self::TABLE.get(at))
    }

    /// Its name, if the specifications name it.
    pub fn name(self) -> Option<&'static str> {
        self.def().map(|def| def.name)
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:#010x}", self.0),
        }
    }
}

impl FromStr for CommandStatus {
    type Err = UnknownStatus;

    /// Takes a name (`ESME_RTHROTTLED`, or without its prefix) or a number (`88`, `0x58`).
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        let number = match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        };
        let named = || {
            let bare = text.strip_prefix("ESME_").unwrap_or(text);
            Self::TABLE.iter().find(|def| def.name.strip_prefix("ESME_") == Some(bare)).map(|def| def.status)
        };
        number.map(Self).or_else(named).ok_or(UnknownStatus)
    }
}

/// The text is neither the name nor the number of a command_status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownStatus;

impl fmt::Display for UnknownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither the name (ESME_...) nor the number of a command_status")
    }
}

impl std::error::Error for UnknownStatus {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_so_that_lookup_finds_every_row() {
        for def in CommandStatus::TABLE {
            assert_eq!(def.status.name(), Some(def.name));
            assert_eq!(def.name.parse(), Ok(def.status));
        }
        assert_eq!(CommandStatus::TABLE.len(), 67);
    }

    #[test]
    fn unknown_values_show_as_hex_and_parse_back() {
        assert_eq!(CommandStatus(0x500).to_string(), "0x00000500");
        assert_eq!("0x00000500".parse(), Ok(CommandStatus(0x500)));
        assert_eq!("nonsense".parse::<CommandStatus>(), Err(UnknownStatus));
    }
}
