//! `docs/pdus.md`: every PDU, TLV and status, from the tables of `smppkit-wire`.

use core::fmt::{self, Write as _};

use smppkit_wire::field::Kind;
use smppkit_wire::pdu::{FieldDef, PduDef, Role, State, TABLE};
use smppkit_wire::tlv::{self, TlvDef, TlvKind};
use smppkit_wire::{CommandStatus, Version};

/// The reference as Markdown.
pub fn reference() -> String {
    let mut out = String::from(OPENING);
    write(&mut out).expect("writing to a String cannot fail");
    out
}

const OPENING: &str = "\
# SMPP PDUs, TLVs and statuses

Made from the tables of `crates/wire` by `cargo run -p smppkit-inspect --example docs -- --write docs/pdus.md`;
do not edit. Names are those of SMPP 5.0; sections are of SMPP 5.0 unless they say otherwise.

A *C-Octet String* is characters and one NUL; limits count the NUL. An *integer* is unsigned and big-endian. Every PDU
opens with command_length, command_id, command_status and sequence_number, 4 octets each. A response whose
command_status is not 0 may end there.

";

fn write(out: &mut String) -> fmt::Result {
    writeln!(out, "## Overview\n")?;
    writeln!(out, "| PDU | command_id | versions | from | in states | answered by |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    for def in TABLE {
        let (roles, states): (Vec<_>, Vec<_>) =
            def.senders.iter().map(|(role, states)| sender(*role, states)).unzip();
        writeln!(
            out,
            "| [{name}](#{name}) | {:#010x} | {} | {} | {} | {} |",
            def.command_id,
            versions(def),
            roles.join("; "),
            states.join("; "),
            answer(def).map_or_else(String::new, |name| format!("[{name}](#{name})")),
            name = def.name,
        )?;
    }
    for def in TABLE {
        pdu(out, def)?;
    }
    tlvs(out)?;
    statuses(out)
}

fn pdu(out: &mut String, def: &PduDef) -> fmt::Result {
    writeln!(out, "\n## {}\n\n{}\n", def.name, def.help)?;
    let section =
        if def.section.contains(':') { def.section.to_owned() } else { format!("5.0: {}", def.section) };
    writeln!(out, "- command_id {:#010x}; section {section}; versions {}", def.command_id, versions(def))?;
    for (role, states) in def.senders {
        let (role, states) = sender(*role, states);
        writeln!(out, "- sent by the {role} in {states}")?;
    }
    if let Some(request) = def.answers {
        writeln!(out, "- answers [{request}](#{request})")?;
    }
    match answer(def) {
        Some(response) => writeln!(out, "- answered by [{response}](#{response})")?,
        None if !def.is_response() => writeln!(out, "- has no response")?,
        None => {}
    }
    let mandatory: Vec<_> = def.fields.iter().filter(|field| field.kind != Kind::Tlvs).collect();
    if mandatory.is_empty() {
        writeln!(out, "- has no fields behind the header")?;
    } else {
        writeln!(out, "\n| field | type | limits | status when wrong | |\n| --- | --- | --- | --- | --- |")?;
    }
    for field in mandatory {
        let (kind, limits) = (kind(field.kind), limits(field));
        writeln!(out, "| {} | {kind} | {limits} | {} | {} |", field.name, field.status, cell(field.help))?;
    }
    let Some(tlvs) = def.fields.iter().find(|field| field.kind == Kind::Tlvs) else {
        return Ok(());
    };
    let rows: Vec<_> = tlv::table::TABLE.iter().filter(|row| row.places & def.places != 0).collect();
    if rows.is_empty() {
        return writeln!(out, "\nTLVs: {}", tlvs.help);
    }
    let names: Vec<_> = rows.iter().map(|row| named(def, row)).collect();
    writeln!(out, "\nTLVs: {}.", names.join(", "))
}

/// A TLV as a PDU has it.
fn named(def: &PduDef, row: &TlvDef) -> String {
    let required = if def.requires.contains(&row.tag) { " (**required**)" } else { "" };
    let since =
        if row.since > def.since.max(Version::V34) { format!(" ({})", row.since) } else { String::new() };
    format!("{}{since}{required}", row.name_in(def.places))
}

fn tlvs(out: &mut String) -> fmt::Result {
    writeln!(out, "\n## TLVs\n")?;
    writeln!(
        out,
        "They follow the mandatory fields, in any order: tag and length of 2 octets each, then the value."
    )?;
    writeln!(out, "One that means nothing in a PDU is passed over.\n")?;
    writeln!(out, "| tag | name | value | octets | since | section | repeats | in | |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
    for row in tlv::table::TABLE {
        let places = tlv::place::NAMES.iter().filter(|(bit, _)| row.places & bit != 0).map(|(_, name)| *name);
        writeln!(
            out,
            "| 0x{:04X} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.tag.0,
            row.name,
            match row.kind {
                TlvKind::Int => "integer",
                TlvKind::Text => "C-Octet String",
                TlvKind::Octets => "octets",
            },
            lengths(row),
            row.since,
            row.section,
            if row.repeatable { "yes" } else { "" },
            places.collect::<Vec<_>>().join(", "),
            cell(row.help),
        )?;
    }
    Ok(())
}

fn statuses(out: &mut String) -> fmt::Result {
    writeln!(out, "\n## Statuses\n")?;
    writeln!(out, "Values of command_status, error_status_code and broadcast_error_status (4.7.6).\n")?;
    writeln!(out, "| value | name | since | |\n| --- | --- | --- | --- |")?;
    for def in CommandStatus::TABLE {
        writeln!(out, "| {:#010x} | {} | {} | {} |", def.status.0, def.name, def.since, cell(def.help))?;
    }
    Ok(())
}

fn versions(def: &PduDef) -> String {
    let names: Vec<_> =
        Version::ALL.iter().filter(|version| def.in_version(**version)).map(|v| v.name()).collect();
    names.join(", ")
}

/// The PDU that answers one.
fn answer(def: &PduDef) -> Option<&'static str> {
    TABLE.iter().find(|response| response.answers == Some(def.name)).map(|response| response.name)
}

fn sender(role: Role, states: &[State]) -> (String, String) {
    let role = match role {
        Role::Esme => "ESME",
        Role::Mc => "MC",
    };
    let all = [State::Open, State::Outbound, State::BoundTx, State::BoundRx, State::BoundTrx, State::Unbound];
    let states = if all.iter().all(|state| states.contains(state)) {
        "every state".to_owned()
    } else {
        states.iter().map(|state| state.name()).collect::<Vec<_>>().join(", ")
    };
    (role.to_owned(), states)
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Int(1) => "integer, 1 octet".to_owned(),
        Kind::Int(octets) => format!("integer, {octets} octets"),
        Kind::CStr(octets) => format!("C-Octet String, at most {octets} octets"),
        Kind::Time => "C-Octet String, 1 or 17 octets".to_owned(),
        Kind::Counted { count, what } => format!("{count} (1 octet), then so many: {what}"),
        Kind::Tlvs => "TLVs".to_owned(),
    }
}

fn limits(field: &FieldDef) -> String {
    let most = if matches!(field.kind, Kind::Int(_)) { "up to " } else { "" };
    let unit = match field.kind {
        Kind::Int(_) => "",
        Kind::Counted { what, .. } if what != "octets" => " items",
        _ => " octets",
    };
    let limits = field.limits.iter().map(|(version, limit)| format!("{version}: {most}{limit}{unit}"));
    limits.collect::<Vec<_>>().join("; ")
}

fn lengths(row: &TlvDef) -> String {
    let ranges = row
        .lengths
        .iter()
        .map(|(low, high)| if low == high { low.to_string() } else { format!("{low} to {high}") });
    ranges.collect::<Vec<_>>().join(" or ")
}

/// Help inside a table.
fn cell(help: &str) -> String {
    help.replace('|', "\\|").replace('<', "&lt;")
}
