//! Names of commands, statuses and versions, written down here once more: an opinion of its own.

/// command_id of a request or of generic_nack by name; `_resp` sets the top bit; a number stands for itself.
pub(crate) fn command_id(name: &str) -> Option<u32> {
    if let Some(number) = name.strip_prefix("0x") {
        return u32::from_str_radix(number, 16).ok();
    }
    if let Some(request) = name.strip_suffix("_resp") {
        return command_id(request).map(|id| id | 0x8000_0000);
    }
    COMMANDS.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
}

/// The name of a command_id.
pub(crate) fn command(id: u32) -> String {
    let name = |id: u32| COMMANDS.iter().find(|(known, _)| *known == id).map(|(_, name)| *name);
    match (name(id), name(id & 0x7FFF_FFFF)) {
        (Some(name), _) => name.to_owned(),
        (None, Some(request)) => format!("{request}_resp"),
        _ => format!("0x{id:08x}"),
    }
}

/// A command_status by name.
pub(crate) fn status_value(name: &str) -> Option<u32> {
    STATUSES.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
}

/// The name of a command_status.
pub(crate) fn status(value: u32) -> String {
    let known = STATUSES.iter().find(|(known, _)| *known == value);
    known.map_or_else(|| format!("status 0x{value:08x}"), |(_, name)| (*name).to_owned())
}

/// The octet that a bind declares a version with.
pub(crate) fn interface_version(version: &str) -> Option<u8> {
    match version {
        "3.3" => Some(0x33),
        "3.4" => Some(0x34),
        "5.0" => Some(0x50),
        _ => None,
    }
}

const COMMANDS: &[(u32, &str)] = &[
    (0x8000_0000, "generic_nack"),
    (0x01, "bind_receiver"),
    (0x02, "bind_transmitter"),
    (0x03, "query_sm"),
    (0x04, "submit_sm"),
    (0x05, "deliver_sm"),
    (0x06, "unbind"),
    (0x07, "replace_sm"),
    (0x08, "cancel_sm"),
    (0x09, "bind_transceiver"),
    (0x0B, "outbind"),
    (0x15, "enquire_link"),
    (0x21, "submit_multi"),
    (0x22, "param_retrieve"),
    (0x23, "query_last_msgs"),
    (0x24, "query_msg_details"),
    (0x102, "alert_notification"),
    (0x103, "data_sm"),
    (0x111, "broadcast_sm"),
    (0x112, "query_broadcast_sm"),
    (0x113, "cancel_broadcast_sm"),
];

const STATUSES: &[(u32, &str)] = &[
    (0x00, "ESME_ROK"),
    (0x01, "ESME_RINVMSGLEN"),
    (0x02, "ESME_RINVCMDLEN"),
    (0x03, "ESME_RINVCMDID"),
    (0x04, "ESME_RINVBNDSTS"),
    (0x05, "ESME_RALYBND"),
    (0x06, "ESME_RINVPRTFLG"),
    (0x07, "ESME_RINVREGDLVFLG"),
    (0x08, "ESME_RSYSERR"),
    (0x0A, "ESME_RINVSRCADR"),
    (0x0B, "ESME_RINVDSTADR"),
    (0x0C, "ESME_RINVMSGID"),
    (0x0D, "ESME_RBINDFAIL"),
    (0x0E, "ESME_RINVPASWD"),
    (0x0F, "ESME_RINVSYSID"),
    (0x11, "ESME_RCANCELFAIL"),
    (0x13, "ESME_RREPLACEFAIL"),
    (0x14, "ESME_RMSGQFUL"),
    (0x15, "ESME_RINVSERTYP"),
    (0x33, "ESME_RINVNUMDESTS"),
    (0x34, "ESME_RINVDLNAME"),
    (0x40, "ESME_RINVDESTFLAG"),
    (0x42, "ESME_RINVSUBREP"),
    (0x43, "ESME_RINVESMCLASS"),
    (0x44, "ESME_RCNTSUBDL"),
    (0x45, "ESME_RSUBMITFAIL"),
    (0x48, "ESME_RINVSRCTON"),
    (0x49, "ESME_RINVSRCNPI"),
    (0x50, "ESME_RINVDSTTON"),
    (0x51, "ESME_RINVDSTNPI"),
    (0x53, "ESME_RINVSYSTYP"),
    (0x54, "ESME_RINVREPFLAG"),
    (0x55, "ESME_RINVNUMMSGS"),
    (0x58, "ESME_RTHROTTLED"),
    (0x61, "ESME_RINVSCHED"),
    (0x62, "ESME_RINVEXPIRY"),
    (0x63, "ESME_RINVDFTMSGID"),
    (0x64, "ESME_RX_T_APPN"),
    (0x67, "ESME_RQUERYFAIL"),
    (0xC0, "ESME_RINVTLVSTREAM"),
    (0xC1, "ESME_RTLVNOTALLWD"),
    (0xC2, "ESME_RINVTLVLEN"),
    (0xC3, "ESME_RMISSINGTLV"),
    (0xC4, "ESME_RINVTLVVAL"),
    (0xFE, "ESME_RDELIVERYFAILURE"),
    (0xFF, "ESME_RUNKNOWNERR"),
    (0x101, "ESME_RPROHIBITED"),
    (0x104, "ESME_RINVDCS"),
    (0x107, "ESME_RINVBCASTFREQINT"),
    (0x109, "ESME_RINVBCASTAREAFMT"),
    (0x10B, "ESME_RINVBCASTCNTTYPE"),
    (0x10E, "ESME_RBCASTQUERYFAIL"),
    (0x10F, "ESME_RBCASTCANCELFAIL"),
    (0x112, "ESME_RINVBCASTCHANIND"),
];
