//! The dialects that come with the simulator: the files of `dialects/`, listed once.

use std::sync::{Arc, LazyLock};

use super::Dialect;

macro_rules! files {
    ($($name:literal)*) => {
        /// Name and text of each.
        pub(super) const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../dialects/", $name, ".toml")))),*];
    };
}

files! {
    "standard"
    "by-data-sm" "clickatell" "cm" "decimal-to-hex" "duplicate" "early" "err-letters"
    "fourteen-digit-dates" "goip" "hex-case" "hex-to-decimal" "hex-unpadded" "id-in-tlv-only" "infobip"
    "jasmin" "jasmin-data-sm" "kaleyra" "ksmppd" "last-part-only" "late" "link-mobility" "lost"
    "melrose-old" "melrose-ssg" "message-payload" "no-id" "no-tlvs" "not-marked" "prefixed" "route-mobile"
    "sicap" "sms-central" "smppsim" "telesign" "tyntec" "uuid" "vendor-tlvs" "vodafone-in" "vonage"
    "zero-padded"
}

/// All of them, read.
pub(super) fn dialects() -> &'static [(&'static str, Arc<Dialect>)] {
    static DIALECTS: LazyLock<Vec<(&str, Arc<Dialect>)>> = LazyLock::new(|| {
        let read = |&(name, toml)| {
            let dialect = Dialect::parse(toml).expect("every file of the list is read in a test");
            (name, Arc::new(dialect))
        };
        FILES.iter().map(read).collect()
    });
    &DIALECTS
}
