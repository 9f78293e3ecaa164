//! Texts of delivery receipts: read from anything, and what is written reads back.
//!
//! Input: twelve octets of numbers, the length of an id, the id, and a text; all of it is also read as a receipt.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smppkit_wire::receipt::{Receipt, ReceiptText, receipt_date_unix_ms};
use smppkit_wire::value::MessageState;

fuzz_target!(|data: &[u8]| {
    anything(data);
    written(data);
});

fn anything(octets: &[u8]) {
    let Some(receipt) = ReceiptText::parse(octets) else { return };
    assert!(receipt.id.is_some() || receipt.stat.is_some());
    let values = [
        receipt.id,
        receipt.sub,
        receipt.dlvrd,
        receipt.submit_date,
        receipt.done_date,
        receipt.stat,
        receipt.err,
    ];
    assert!(values.into_iter().flatten().all(|value| !value.is_empty()));
    for date in [receipt.submit_date, receipt.done_date].into_iter().flatten() {
        let _ = receipt_date_unix_ms(date);
    }
    let _ = (receipt.state(), receipt.to_string());
}

/// Ids of other letters are cut where a value ends, or taken for the next key.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

fn written(data: &[u8]) -> Option<()> {
    let (&[s, sub, dlvrd, state, e0, e1, d0, d1, d2, d3, d4, length], rest) = data.split_first_chunk()?;
    let (id, text) = rest.split_at_checked(usize::from(length))?;
    let id = core::str::from_utf8(id).ok().filter(|id| is_id(id))?;
    // From 1970 on; two digits name no year after 2037.
    let submitted = i64::from(u32::from_be_bytes([d0, d1, d2, d3]) % 2_145_916_000) * 1000;
    let done = submitted + i64::from(d4) * 1000;
    let state = MessageState(state % 10);
    let err = u16::from_be_bytes([e0, e1]) % 1000;
    let (sub, dlvrd) = (u16::from(sub) << (s & 7), u16::from(dlvrd));
    let octets =
        Receipt { id, sub, dlvrd, submit_unix_ms: submitted, done_unix_ms: done, state, err, text }.octets();
    let receipt = ReceiptText::parse(&octets).expect("it has an id");
    assert_eq!(receipt.id, Some(id));
    assert_eq!(receipt.sub.and_then(|sub| sub.parse().ok()), Some(sub));
    assert_eq!(receipt.dlvrd.and_then(|dlvrd| dlvrd.parse().ok()), Some(dlvrd));
    assert_eq!(receipt.err.and_then(|err| err.parse().ok()), Some(err));
    let minute = |moment: i64| moment.div_euclid(60_000) * 60_000;
    assert_eq!(receipt.submit_date.and_then(receipt_date_unix_ms), Some(minute(submitted)));
    assert_eq!(receipt.done_date.and_then(receipt_date_unix_ms), Some(minute(done)));
    assert_eq!(receipt.state(), Some(state));
    // A NUL at the very end is taken for a C string's.
    let quoted = text.get(..20).unwrap_or(text);
    assert_eq!(receipt.text, Some(quoted.strip_suffix(b"\0").unwrap_or(quoted)));
    Some(())
}
