//! PDUs made by chance from the table: every field a legal value of its kind, every TLV of the PDU's places.
//!
//! Also used by the tests of `smppkit-inspect`.

use smppkit_wire::field::{FinalDate, Kind, Time};
use smppkit_wire::observe::Value;
use smppkit_wire::pdu::{FieldDef, PduDef};
use smppkit_wire::tlv::{TlvDef, table::TABLE as TLVS, tag};
use smppkit_wire::{Body, CommandStatus, Pdu, Tag, Version};

/// What decides.
pub(crate) trait Chance {
    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: u32) -> u32;

    /// Yes in one of so many cases.
    fn one_in(&mut self, cases: u32) -> bool {
        // 0 must mean "no", so that running out of chance makes small PDUs.
        self.below(cases) == cases - 1
    }
}

/// Chance from a number: the same number, the same PDUs (splitmix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Chance for Seeded {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % u64::from(limit)) as u32
    }
}

/// Which PDUs are made.
#[derive(Clone, Copy)]
pub(crate) struct Recipe {
    /// The version whose limits hold.
    pub(crate) version: Version,
    /// Whether a TLV may be used with so many octets in a PDU.
    pub(crate) tlv: fn(&PduDef, &TlvDef, usize) -> bool,
    /// The room of a string, its NUL counted, where it is less than the table's.
    pub(crate) room: fn(&PduDef, &FieldDef, u32) -> u32,
    /// Whether strings may hold octets above 0x7E.
    pub(crate) beyond_ascii: bool,
    /// Whether unknown TLVs are put into a PDU.
    pub(crate) unknown_tlvs: fn(&PduDef) -> bool,
    /// Whether responses with an error status may have a body.
    pub(crate) error_bodies: bool,
}

impl Recipe {
    /// All that the version allows.
    pub(crate) fn all(version: Version) -> Self {
        Self {
            version,
            tlv: |_, _, _| true,
            room: |_, _, room| room,
            beyond_ascii: true,
            unknown_tlvs: |_| true,
            error_bodies: true,
        }
    }

    /// A PDU of one kind.
    pub(crate) fn one(&self, def: &PduDef, chance: &mut impl Chance) -> Pdu {
        let sequence_number = 1 + chance.below(0x7FFF_FFFF);
        let statuses = &CommandStatus::TABLE[1..];
        let status = statuses[chance.below(statuses.len() as u32) as usize].status;
        let failed = def.is_response() && chance.one_in(4);
        let refusal = Pdu::refusal(def.command_id, sequence_number, status);
        if failed && (!self.error_bodies || chance.one_in(2)) {
            return refusal;
        }
        let command_status = if failed { status } else { CommandStatus::ESME_ROK };
        let mut tlvs = self.tlvs(def, chance);
        let has_payload = tlvs.iter().any(|(tag, _)| *tag == tag::message_payload.tag());
        let mut entries = Vec::new();
        for field in def.fields {
            let value = match field.kind {
                // Before 5.0 one of the two must be empty.
                Kind::Counted { count: "sm_length", .. } if has_payload => Value::Octets(Vec::new().into()),
                _ => self.field(def, field, chance),
            };
            entries.push((field.name.to_owned(), value));
        }
        keep_udhi_true(&mut entries, &mut tlvs, chance);
        if let Some((_, list)) = entries.iter_mut().find(|(name, _)| name == "tlvs") {
            *list = Value::List(tlvs.iter().map(|(tag, octets)| tlv(*tag, octets)).collect());
        }
        let body = Body::from_record(def.command_id, &Value::Record(entries))
            .expect("the recipe makes legal values");
        let pdu = Pdu { command_status, sequence_number, body };
        // An error response without octets behind its header is read as a refusal, whatever it could carry.
        if failed && octets_of(&pdu, self.version) == smppkit_wire::Header::OCTETS { refusal } else { pdu }
    }

    fn field(&self, def: &PduDef, field: &FieldDef, chance: &mut impl Chance) -> Value {
        let limit = field.limit(self.version).map(u32::from);
        match field.kind {
            Kind::Int(1) => Value::Int(chance.below(limit.unwrap_or(255) + 1)),
            Kind::Int(_) => Value::Int(chance.below(u32::MAX)),
            Kind::CStr(room) => {
                let least = u32::from(field.name == "destination_addr");
                let room = (self.room)(def, field, limit.unwrap_or(room.into()));
                let length = least + chance.below(room - least);
                Value::Text(self.text(length, chance))
            }
            Kind::Time if field.name == "final_date" => {
                let moment = FinalDate::absolute(moment(chance)).as_cstr().to_text();
                Value::Text(if chance.one_in(2) { moment } else { String::new() })
            }
            Kind::Time => Value::Text(match chance.below(4) {
                2 => Time::absolute(moment(chance)).as_cstr().to_text(),
                3 if self.version > Version::V33 => {
                    let seconds = u64::from(chance.below(99 * 86_400));
                    Time::relative(std::time::Duration::from_secs(seconds)).as_cstr().to_text()
                }
                _ => String::new(),
            }),
            Kind::Counted { count, .. } => self.counted(field, count, chance),
            Kind::Tlvs => Value::List(Vec::new()),
        }
    }

    fn counted(&self, field: &FieldDef, count: &str, chance: &mut impl Chance) -> Value {
        let limit = field.limit(self.version).map_or(255, u32::from);
        if count == "sm_length" {
            let length = chance.below(limit + 1);
            return Value::Octets(octets(length, chance).into());
        }
        // Mostly short, sometimes full.
        let most = if chance.one_in(16) { limit } else { 4 };
        let items = chance.below(most + 1).max(u32::from(count == "number_of_dests"));
        Value::List((0..items).map(|_| self.item(count, chance)).collect())
    }

    fn item(&self, count: &str, chance: &mut impl Chance) -> Value {
        match count {
            "number_msgs" => {
                let length = chance.below(9);
                Value::Text(self.text(length, chance))
            }
            "number_of_dests" if chance.one_in(3) => {
                let length = chance.below(21);
                record([("dest_flag", Value::Int(2)), ("dl_name", Value::Text(self.text(length, chance)))])
            }
            _ => {
                let length = 1 + chance.below(20);
                let mut entries = vec![
                    ("dest_addr_ton", Value::Int(chance.below(7))),
                    ("dest_addr_npi", Value::Int(chance.below(19))),
                    ("destination_addr", Value::Text(self.text(length, chance))),
                ];
                if count == "no_unsuccess" {
                    entries.push(("error_status_code", Value::Int(chance.below(0x113))));
                }
                record(entries)
            }
        }
    }

    /// The TLVs of a PDU: what it requires, and some of what it may have.
    fn tlvs(&self, def: &PduDef, chance: &mut impl Chance) -> Vec<(Tag, Vec<u8>)> {
        let mut tlvs = Vec::new();
        if self.version < Version::V34 || !def.fields.iter().any(|field| field.kind == Kind::Tlvs) {
            return tlvs;
        }
        for row in TLVS.iter().filter(|row| row.places & def.places != 0 && row.since <= self.version) {
            let required = def.requires.contains(&row.tag);
            let times = if row.repeatable { 1 + chance.below(3) } else { 1 };
            for _ in 0..times {
                if required || chance.one_in(6) {
                    let length = tlv_length(row, chance);
                    if (self.tlv)(def, row, length) {
                        tlvs.push((row.tag, tlv_octets(row, length, chance)));
                    }
                }
            }
        }
        if (self.unknown_tlvs)(def) && chance.one_in(4) {
            let length = chance.below(40);
            tlvs.push((Tag(0x1400 + chance.below(0x2C00) as u16), octets(length, chance)));
        }
        // Their order is free.
        let turn = chance.below(1 + tlvs.len() as u32) as usize;
        tlvs.rotate_left(turn);
        tlvs
    }

    fn text(&self, length: u32, chance: &mut impl Chance) -> String {
        let beyond = self.beyond_ascii && chance.one_in(8);
        let octets = octets(length, chance);
        let character = |octet: u8| if beyond { octet.max(1) } else { b' ' + 1 + octet % (b'~' - b' ') };
        octets.into_iter().map(|octet| char::from(character(octet))).collect()
    }
}

fn octets_of(pdu: &Pdu, version: Version) -> usize {
    let mut octets = Vec::new();
    pdu.encode(version, &mut octets);
    octets.len()
}

/// A moment of the years that two digits can say.
fn moment(chance: &mut impl Chance) -> i64 {
    i64::from(chance.below(2_000_000_000)) * 1000 + i64::from(chance.below(10)) * 100
}

/// A message whose esm_class says that it begins with a header gets one, if it has room; else the bit goes.
fn keep_udhi_true(entries: &mut [(String, Value)], tlvs: &mut [(Tag, Vec<u8>)], chance: &mut impl Chance) {
    let udh = [5, 0, 3, chance.below(256) as u8, 1, 1];
    let Some(at) = entries.iter().position(|(name, _)| name == "esm_class") else {
        return;
    };
    let Value::Int(esm_class) = entries[at].1 else {
        return;
    };
    if esm_class & 0x40 == 0 {
        return;
    }
    let payload =
        tlvs.iter_mut().find(|(tag, _)| *tag == tag::message_payload.tag()).map(|(_, octets)| octets);
    let short_message = entries.iter_mut().find(|(name, _)| name == "short_message").map(|(_, value)| value);
    match (payload, short_message) {
        (Some(octets), _) if octets.len() > udh.len() => octets[..udh.len()].copy_from_slice(&udh),
        (None, Some(Value::Octets(octets))) if octets.len() > udh.len() => {
            let mut changed = octets.to_vec();
            changed[..udh.len()].copy_from_slice(&udh);
            *octets = changed.into();
        }
        _ => entries[at].1 = Value::Int(esm_class & !0x40),
    }
}

/// Octets from one decision, so that shrinking is quick.
fn octets(length: u32, chance: &mut impl Chance) -> Vec<u8> {
    let seed = chance.below(u32::MAX);
    let mut noise = Seeded(seed.into());
    (0..length).map(|_| if seed == 0 { b'a' } else { noise.below(256) as u8 }).collect()
}

fn tlv_length(row: &TlvDef, chance: &mut impl Chance) -> usize {
    let (low, high) = row.lengths[chance.below(row.lengths.len() as u32) as usize];
    // A payload that fills a frame is rare, and one at the limit rarer.
    let high = if chance.one_in(64) { high } else { high.min(low.max(1) + 300) };
    usize::from(low) + chance.below(u32::from(high - low) + 1) as usize
}

/// The value of a TLV. Those of broadcast_sm whose values are checked begin with one that is allowed.
fn tlv_octets(row: &TlvDef, length: usize, chance: &mut impl Chance) -> Vec<u8> {
    let mut value = octets(length as u32, chance);
    if row.kind == smppkit_wire::tlv::TlvKind::Text {
        for octet in &mut value {
            *octet = b'0' + *octet % 10;
        }
        // The written size of broadcast_end_time has no room for a NUL.
        let bare = row.tag == tag::broadcast_end_time.tag() && length == 16;
        if let Some(last) = value.last_mut().filter(|_| !bare) {
            *last = 0;
        }
    }
    let known = |tag: Tag| row.tag == tag;
    // Reserved bits are 0.
    if known(tag::callback_num_pres_ind.tag()) {
        value[0] &= 0x0F;
    } else if known(tag::ms_msg_wait_facilities.tag()) {
        value[0] &= 0x83;
    }
    let first = if known(tag::broadcast_area_identifier.tag()) {
        value.resize(length.max(2), b'x');
        chance.below(3)
    } else if known(tag::broadcast_frequency_interval.tag()) {
        8 + chance.below(7)
    } else if known(tag::broadcast_content_type.tag()) || known(tag::broadcast_message_class.tag()) {
        chance.below(4)
    } else if known(tag::broadcast_channel_indicator.tag()) {
        chance.below(2)
    } else {
        return value;
    };
    value[0] = first as u8;
    value
}

fn tlv(tag: Tag, octets: &[u8]) -> Value {
    record([("tag", Value::Int(tag.0.into())), ("hex", Value::Octets(octets.to_vec().into()))])
}

fn record(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Record(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
