//! Times as strings and as moments.
//!
//! Input: eight octets of a moment, then the characters of a time.
#![no_main]

use core::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use smppkit_wire::field::{FinalDate, Time, TimeValue};
use smppkit_wire::pdu::table::QuerySmResp;
use smppkit_wire::receipt::receipt_date_unix_ms;
use smppkit_wire::{Body, CommandStatus, Dialect, Frames, Pdu, Version};

/// 1938-01-01 and 2038-01-01: the years that two digits can name.
const NAMED: core::ops::Range<i64> = -1_009_843_200_000..2_145_916_800_000;
/// The year 9999.
const FAR: i64 = 253_402_300_799_999;

fuzz_target!(|data: &[u8]| {
    let Some((moment, characters)) = data.split_first_chunk::<8>() else { return };
    let moment = i64::from_be_bytes(*moment);
    written(moment);
    let text = String::from_utf8_lossy(characters);
    read(&text, moment % FAR);
    let _ = receipt_date_unix_ms(&text);
    in_a_pdu(characters);
});

fn written(moment: i64) {
    let time = Time::absolute(moment);
    assert_eq!(FinalDate::absolute(moment).as_cstr(), time.as_cstr());
    assert_eq!(time.as_cstr().len(), 16);
    let Ok(Some(TimeValue::Absolute(value))) = time.value() else {
        // 29 February of a century's year that is no leap year in the other century.
        assert!(!NAMED.contains(&moment), "{time:?}");
        return;
    };
    if NAMED.contains(&moment) {
        assert_eq!(value, moment.div_euclid(100) * 100);
    }
    assert!(NAMED.contains(&value));
    let seconds = moment.unsigned_abs();
    let relative = Time::relative(Duration::from_secs(seconds));
    let expected = TimeValue::Relative { months: 0, seconds: seconds.min(99 * 86_400 - 1) as u32 };
    assert_eq!(relative.value(), Ok(Some(expected)));
}

fn read(text: &str, now: i64) {
    let Ok(time) = Time::new(text) else { return };
    assert_eq!(time.as_cstr().as_str(), Some(text));
    match time.value().expect("it was checked") {
        None => assert!(time.is_none() && text.is_empty()),
        Some(value @ TimeValue::Absolute(moment)) => {
            assert_eq!(value.resolve(now), moment);
            if NAMED.contains(&moment) {
                let again = Time::absolute(moment).value();
                assert_eq!(again, Ok(Some(value)));
                // What is UTC has one spelling, so no day is taken that its month does not have.
                if text.ends_with("00+") {
                    assert_eq!(Time::absolute(moment), time);
                }
            }
        }
        Some(value @ TimeValue::Relative { months, seconds }) => {
            let later = value.resolve(now);
            // A month has 28 days or more, 31 or less.
            let (months, ms) = (i64::from(months), i64::from(seconds) * 1000);
            let day = 86_400_000;
            let range = months * 28 * day + ms..=months * 31 * day + ms;
            assert!(range.contains(&(later - now)), "{text} at {now}: {later}");
        }
    }
}

fn in_a_pdu(characters: &[u8]) {
    let mut octets = Vec::new();
    let body = Body::from(QuerySmResp::default());
    Pdu { command_status: CommandStatus::ESME_ROK, sequence_number: 1, body }
        .encode(Version::V50, &mut octets);
    octets.truncate(17);
    octets.extend_from_slice(characters);
    octets.extend_from_slice(&[0, 2, 0]);
    let length = (octets.len() as u32).to_be_bytes();
    octets[..4].copy_from_slice(&length);
    let run: Bytes = octets.into();
    let frame = Frames::new(&run, u32::MAX).next().expect("whole").expect("long enough");
    for dialect in [Dialect::STRICT, Dialect::RECEIVE] {
        if let Ok(pdu) = Pdu::decode(&frame, Version::V34, &dialect) {
            let _ = pdu.check(Version::V34, &dialect);
            let mut again = Vec::new();
            // 5.0 has all TLVs; written for 3.4, newer ones are left out.
            pdu.encode(Version::V50, &mut again);
            assert_eq!(again, frame.octets());
        }
    }
}
