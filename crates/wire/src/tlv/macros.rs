//! `tlvs!`: from the table of TLVs to constants, rows and a look-up.

/// Makes `tag::name` constants, `TABLE` and `def()` from the rows.
macro_rules! tlvs {
    ($(
        $(#[doc = $doc:literal])*
        $tag:literal $name:ident: $Type:ident [$($lengths:tt)*] $(or $odd:literal)?, $section:literal, $since:ident,
            in [$($place:ident)*] $($rep:ident)?;
    )*) => {
        /// Every TLV by its name, with the type of its value.
        #[allow(non_upper_case_globals, reason = "they are the protocol's own names")]
        pub mod tag {
            use super::super::{Known, Octets, Tag, Text};
            use crate::status::CommandStatus;
            use crate::value::{InterfaceVersion, MessageState};
            $($(#[doc = $doc])* pub const $name: Known<$Type> = Known::new(Tag($tag));)*
        }

        /// Every TLV of SMPP 3.4 and 5.0, by tag.
        pub static TABLE: &[TlvDef] = &[$(TlvDef {
            tag: Tag($tag),
            name: stringify!($name),
            section: $section,
            since: Version::$since,
            kind: <$Type as TlvType>::KIND,
            named: <$Type as TlvType>::NAMED,
            meaning: <$Type as TlvType>::meaning,
            lengths: &[$($lengths)*],
            odd_length: tlvs!(@odd $($odd)?),
            repeatable: tlvs!(@rep $($rep)?),
            places: 0 $(| place::$place)*,
            help: concat!($($doc),*).trim_ascii(),
        }),*];

        /// From the lowest to the highest tag that came with 5.0.
        pub(super) const NEWER: core::ops::RangeInclusive<u16> = {
            let tags = [$(($tag, matches!(Version::$since, Version::V50))),*];
            let (mut low, mut high, mut at) = (u16::MAX, 0, 0);
            while at < tags.len() {
                let (tag, newer): (u16, bool) = tags[at];
                if newer && tag < low {
                    low = tag;
                }
                if newer && tag > high {
                    high = tag;
                }
                at += 1;
            }
            low..=high
        };

        #[repr(u8)]
        #[allow(non_camel_case_types, reason = "they are the protocol's own names")]
        enum Row { $($name),* }

        /// The row of a tag.
        #[inline]
        pub(super) fn def(tag: Tag) -> Option<&'static TlvDef> {
            let row = match tag.0 {
                $($tag => Row::$name,)*
                _ => return None,
            };
            TABLE.get(row as usize)
        }
    };
    (@odd) => { None };
    (@odd $odd:literal) => { Some($odd) };
    (@rep) => { false };
    (@rep rep) => { true };
}
pub(super) use tlvs;
