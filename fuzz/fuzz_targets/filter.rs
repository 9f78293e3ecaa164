//! Conditions as people write them, and PDUs they are held against.
//!
//! Input: a line with a pattern, then octets of a PDU.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smppkit_inspect::{Facts, Filter, Pattern, Wanted};

/// A field, a TLV, a tag and what is made of several.
const NAMES: [&str; 6] = ["destination_addr", "message_state", "0x1400", "text", "command", "command_status"];

fuzz_target!(|data: &[u8]| {
    let line = data.iter().position(|&octet| octet == b'\n').unwrap_or(data.len());
    let (line, octets) = data.split_at(line);
    let Ok(text) = core::str::from_utf8(line) else { return };
    let pattern: Pattern = match text.parse() {
        Ok(pattern) => pattern,
        Err(error) => {
            assert!(!format!("{error}").is_empty());
            return;
        }
    };
    assert_eq!(pattern.to_string(), text, "it is written as it was read");
    let octets = bytes::Bytes::copy_from_slice(octets.get(1..).unwrap_or_default());
    for name in NAMES {
        let holds = |pattern: &str| {
            let mut filter = Filter::default();
            filter.and(name, pattern.parse().ok()?).expect("the name is known");
            Some(filter.holds(&Facts::of_octets(&octets, &Wanted::by(&[&filter]))))
        };
        if text.starts_with('!') {
            continue;
        }
        let (plain, negated) = (holds(text), holds(&format!("!{text}")));
        // A field that stands there once is one or the other.
        if let (Some(plain), Some(negated)) = (plain, negated) {
            assert!(plain || negated, "{name} is neither {text:?} nor not");
        }
    }
    let _ = Filter::default().and(text, pattern);
});
