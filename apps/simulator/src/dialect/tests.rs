//! Every dialect is written, and read back by what ESMEs read with.

use smppkit_wire::Version;
use smppkit_wire::receipt::{Receipt, ReceiptText, receipt_date_unix_ms, state_of_word};
use smppkit_wire::tlv::{Tag, TlvText, tag};
use smppkit_wire::value::{EsmClass, MessageState};

use super::files::FILES;
use super::render::Rendered;
use super::template::Placeholder;
use super::*;

const SUBMITTED_MS: i64 = 1_795_350_645_000;
const DONE_MS: i64 = SUBMITTED_MS + 83_000;

fn facts(number: u32, state: MessageState) -> Facts<'static> {
    let failed = !matches!(state.0, 0..=2 | 6);
    Facts {
        number,
        state,
        at_ms: DONE_MS,
        submitted_ms: SUBMITTED_MS,
        error_code: if failed { state.0.into() } else { 0 },
        text: b"Hello, this is a text longer than is quoted",
        user_message_reference: Some(7),
        intermediate: false,
        version: Version::V34,
    }
}

fn states() -> impl Iterator<Item = MessageState> {
    (0..=9).map(MessageState)
}

#[test]
fn every_file_is_in_the_list_and_says_what_it_is() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dialects");
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names.collect();
    let mut listed: Vec<String> = FILES.iter().map(|(name, _)| format!("{name}.toml")).collect();
    files.sort();
    listed.sort();
    assert_eq!(files, listed);
    for (name, toml) in FILES {
        let dialect = Dialect::parse(toml).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!dialect.about.is_empty() && !dialect.seen.is_empty(), "{name}");
        assert!(!dialect.about.ends_with('.') && !dialect.about.contains('\n'), "{name}");
        assert_eq!(*Dialect::named(name).unwrap(), dialect);
    }
    assert_eq!(Dialect::all().count(), FILES.len());
    assert_eq!(Dialect::named("klingon"), None);
}

#[test]
fn every_dialect_differs_from_every_other() {
    let anonymous = |name: &str| {
        let dialect = Dialect::named(name).unwrap();
        Dialect { about: String::new(), seen: String::new(), ..Dialect::clone(&dialect) }
    };
    let all: Vec<(&str, Dialect)> =
        Dialect::all().map(|(name, _)| name).map(|name| (name, anonymous(name))).collect();
    for (n, (name, dialect)) in all.iter().enumerate() {
        for (other, same) in &all[..n] {
            assert_ne!(dialect, same, "{name} and {other}");
        }
    }
    assert_eq!(anonymous("standard"), Dialect::default());
}

#[test]
fn every_dialect_s_receipts_read_back() {
    for name in Dialect::all().map(|(name, _)| name) {
        let dialect = Dialect::named(name).unwrap();
        for state in states() {
            for number in [0, 1, u32::MAX] {
                for version in [Version::V33, Version::V34, Version::V50] {
                    reads_back(name, &dialect, &Facts { version, ..facts(number, state) });
                }
            }
        }
    }
}

fn reads_back(name: &str, dialect: &Dialect, facts: &Facts<'_>) {
    let form = &dialect.receipt;
    let rendered = dialect.receipt(facts);
    let modern = facts.version > Version::V33;
    let tlvs = &rendered.tlvs;
    assert!(modern || (tlvs.is_empty() && !rendered.by_data_sm), "{name}");
    assert!(rendered.short_message.len() < 254, "{name}: nothing was cut");
    // The id and the state by TLV.
    let by_tlv = |tlv| modern && form.tlvs.contains(&tlv);
    let id = dialect.message_id.tlv.filter(|_| by_tlv(ReceiptTlv::ReceiptedMessageId));
    let read = tlvs.get(tag::receipted_message_id).map(|TlvText(id)| id);
    assert_eq!(read.is_some(), id.is_some(), "{name}");
    assert_eq!(id.and_then(|form| form.parse(read.unwrap())), id.map(|_| facts.number), "{name}");
    let state = by_tlv(ReceiptTlv::MessageState).then_some(facts.state);
    assert_eq!(tlvs.get(tag::message_state), state, "{name}");
    // The rest by text.
    let octets = tlvs.get(tag::message_payload).unwrap_or(&rendered.short_message);
    if !form.text.has(Placeholder::Stat) {
        assert_eq!(ReceiptText::parse(octets), None, "{name}");
        return;
    }
    let receipt = ReceiptText::parse(octets).unwrap_or_else(|| panic!("{name}: {octets:?}"));
    let id = dialect.message_id.receipt.filter(|_| form.text.has(Placeholder::Id));
    let number = id.map(|id| id.in_version(facts.version).parse(receipt.id.unwrap().as_bytes()));
    assert_eq!(number, id.map(|_| Some(facts.number)), "{name}: {receipt:?}");
    assert_eq!(receipt.stat, Some(dialect.word(facts.state)), "{name}");
    if form.words.contains_key(&State(facts.state)) {
        assert!(receipt.state().is_some(), "{name}: nobody knows {:?}", receipt.stat);
    } else {
        assert_eq!(receipt.state(), Some(facts.state), "{name}");
    }
    let precision = match form.date {
        DateForm::Minutes | DateForm::CenturyMinutes => 60_000,
        DateForm::Seconds | DateForm::CenturySeconds | DateForm::TwoWords => 1_000,
    };
    for (date, moment) in [(receipt.submit_date, SUBMITTED_MS), (receipt.done_date, DONE_MS)] {
        assert_eq!(date.and_then(receipt_date_unix_ms), Some(moment - moment % precision), "{name}");
    }
}

#[test]
fn words_are_known_to_the_reader() {
    for name in Dialect::all().map(|(name, _)| name) {
        for word in Dialect::named(name).unwrap().receipt.words.values() {
            assert!(state_of_word(word).is_some(), "{name}: {word}");
        }
    }
}

#[test]
fn the_default_is_what_the_specification_s_writer_writes() {
    for state in states() {
        let facts = facts(305_419, state);
        let text = Receipt {
            id: "0000305419",
            sub: 1,
            dlvrd: u16::from(state == MessageState::DELIVERED),
            submit_unix_ms: SUBMITTED_MS,
            done_unix_ms: DONE_MS,
            state,
            err: facts.error_code,
            text: facts.text,
        };
        let failed = facts.error_code != 0;
        let tlvs = smppkit_wire::Tlvs::build()
            .with(tag::receipted_message_id, TlvText(b"0000305419"))
            .with(tag::message_state, state)
            .with_some(tag::user_message_reference, Some(7))
            .with_some(tag::network_error_code, failed.then_some(&[8, 0, state.0][..]))
            .done();
        let wanted = Rendered {
            esm_class: EsmClass::DELIVERY_RECEIPT,
            short_message: text.octets(),
            tlvs,
            by_data_sm: false,
        };
        assert_eq!(Dialect::default().receipt(&facts), wanted);
    }
    let intermediate = Facts { intermediate: true, ..facts(1, MessageState::ENROUTE) };
    assert_eq!(Dialect::default().receipt(&intermediate).esm_class, EsmClass::INTERMEDIATE_NOTIFICATION);
}

#[test]
fn operators_receipts_look_as_theirs() {
    let text = |name: &str, state| {
        let rendered = Dialect::named(name).unwrap().receipt(&facts(59_113_978, state));
        String::from_utf8(rendered.short_message).unwrap()
    };
    assert_eq!(
        text("vonage", MessageState::UNDELIVERABLE),
        "id:0000000059113978 sub:001 dlvrd:000 submit date:2611221230 done date:2611221232 stat:FAILED err:005 text:none"
    );
    let cm = text("cm", MessageState::DELIVERED);
    assert!(cm.starts_with("id:038601fa"), "{cm}");
    assert_eq!(&cm[35..], " submit date:20261122123045 done date:20261122123208 stat:DELIVERD err:000");
    assert!(text("melrose-old", MessageState::DELIVERED).ends_with(" err:000 text:\0"));
    assert_eq!(text("sicap", MessageState::DELIVERED), "38601fa 2");
    assert!(text("telesign", MessageState::SKIPPED).contains("stat:UNKNOWN err:009 text:"));
    assert!(text("vodafone-in", MessageState::DELIVERED).contains("done date:2026-11-22 12:32:08 stat"));
}

#[test]
fn data_sm_has_the_text_in_message_payload_and_vendors_have_their_tlvs() {
    let facts = facts(1, MessageState::DELIVERED);
    let rendered = Dialect::named("by-data-sm").unwrap().receipt(&facts);
    assert!(rendered.by_data_sm && rendered.short_message.is_empty());
    assert!(rendered.tlvs.get(tag::message_payload).unwrap().starts_with(b"id:0000000001 "));
    let rendered = Dialect::named("jasmin-data-sm").unwrap().receipt(&facts);
    assert!(!rendered.tlvs.has(tag::message_payload.tag()));
    let rendered = Dialect::named("vendor-tlvs").unwrap().receipt(&facts);
    assert_eq!(rendered.tlvs.octets(Tag(0x1454)).as_deref(), Some(&[0, 0, 0, 1][..]));
}

#[test]
fn what_is_written_reads_back_and_what_is_wrong_is_named() {
    for name in Dialect::all().map(|(name, _)| name) {
        let dialect = Dialect::named(name).unwrap();
        let toml = toml::to_string(&*dialect).unwrap();
        assert_eq!(Dialect::parse(&toml).unwrap(), *dialect, "{toml}");
    }
    for (toml, named) in [
        ("[receipt]\ntext = \"id:{nr}\"", "{nr} is no placeholder"),
        ("[message_id]\nreceipt = \"octal\"", "octal is no form"),
        ("[receipt]\nwords = { LOST = \"X\" }", "LOST is no message state"),
        ("[receipt]\nextra_tlvs = [{ tag = 5121, hex = \"0\" }]", "0 is not pairs"),
        ("[timing]\nlater = \"5s\"", "unknown field `later`"),
        ("[receipt]\ncarrier = \"submit_sm\"", "unknown variant `submit_sm`"),
    ] {
        let error = Dialect::parse(toml).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
