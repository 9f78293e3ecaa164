//! Text that people paste: JSON of a PDU, hexadecimal, base64.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smppkit_inspect::{Colour, Dissector, Input, InputError, encode, printable};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let _ = printable(text);
    match Input::parse(text) {
        Ok(input) => looks(input.octets()),
        Err(error) => {
            let _ = (error.defect(), error.json_line());
            assert!(!error.to_string().is_empty());
            if let InputError::Character { found, at } = error {
                assert!(text[at..].starts_with(found), "{found:?} at {at}");
            }
        }
    }
    if let Ok(json) = serde_json::from_str(text) {
        match encode(&json) {
            Ok(octets) => looks(&octets.into()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});

/// What is without fault is the same after it was JSON.
fn looks(octets: &bytes::Bytes) {
    for dissection in Dissector::default().dissect_all(octets) {
        let json = dissection.json();
        let _ = (dissection.tree(Colour::Off), dissection.summary(), dissection.message_text());
        assert_eq!(dissection.json_line().lines().count(), 1);
        if dissection.defect.is_none() {
            assert_eq!(encode(&json).as_deref(), Ok(&*dissection.octets), "{json}");
        }
    }
}
