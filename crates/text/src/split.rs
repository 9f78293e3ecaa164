//! Cutting text and octets into the parts SMPP sends.

use core::ops::Range;

use crate::choice;
use crate::encoding::{Encoding, Unit};
use crate::language::Shifts;
use crate::layout::Room;
use crate::options::{Carrier, Options, SplitError};
use crate::udh::{Concatenation, ReferenceWidth, UdhBuilder};

/// A text ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// How it is written; gives the data_coding of every part.
    pub encoding: Encoding,
    /// One to 255 parts, in order.
    pub parts: Vec<Part>,
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What goes into short_message (or message_payload): the header, if any, then the text, GSM 7-bit unpacked.
    pub user_data: Vec<u8>,
    /// Whether `user_data` starts with a header, so that esm_class needs its UDH indicator.
    pub udhi: bool,
    /// Place in a message of several parts: already in the header with [`Carrier::Udh`], for the sar_ TLVs with
    /// [`Carrier::Sar`]. `None` for a message of one part.
    pub concatenation: Option<Concatenation>,
    /// Octets of the original, UTF-8 for a text, that are in this part.
    pub range: Range<usize>,
}

/// Encodes a text and cuts it into parts.
///
/// No part ends inside an escape or surrogate pair, nor inside a combining sequence shorter than a part. All parts
/// of a long message carry `reference`, of which an 8-bit one keeps the low octet; use another for each message to
/// the same destination.
///
/// Written to short_message a part can pass 140 octets, since its septets are not packed: 159 for a full first part
/// of a plain long text.
pub fn split(text: &str, options: &Options, reference: u16) -> Result<Split, SplitError> {
    let plan = choice::plan(text, options)?;
    let encoding = plan.encoding;
    let total = plan.cuts.len();
    let parts = plan.cuts.into_iter().enumerate().map(|(index, cut)| {
        let place = place(options, reference, total, index);
        let mut part = Part::headed(options, encoding.shifts(), place, cut.range)?;
        encoding.encode(text.get(part.range.clone()).unwrap_or_default(), &mut part.user_data)?;
        Ok(part)
    });
    Ok(Split { encoding, parts: parts.collect::<Result<_, SplitError>>()? })
}

/// Cuts octets without an alphabet into parts, for an 8-bit data_coding; the options about encoding do not matter.
pub fn split_binary(octets: &[u8], options: &Options, reference: u16) -> Result<Vec<Part>, SplitError> {
    let room = Room::of(Unit::Octet, 0, options)?;
    let total = room.parts_at_least(octets.len())?;
    let units = match room.several {
        Ok(space) if total > 1 => space.units,
        _ => octets.len(),
    };
    let parts = (0..total).map(|index| {
        let place = place(options, reference, total, index);
        let range = index * units..octets.len().min((index + 1) * units);
        let mut part = Part::headed(options, Shifts::DEFAULT, place, range)?;
        part.user_data.extend(octets.get(part.range.clone()).unwrap_or_default());
        Ok(part)
    });
    parts.collect()
}

impl Part {
    /// A part with its header and no text yet.
    fn headed(
        options: &Options,
        shifts: Shifts,
        concatenation: Option<Concatenation>,
        range: Range<usize>,
    ) -> Result<Self, SplitError> {
        let mut udh = UdhBuilder::new();
        if let (Some(place), Carrier::Udh) = (concatenation, options.carrier) {
            udh.concatenation(place)?;
        }
        udh.shifts(shifts)?.append(&options.udh)?;
        let user_data = if udh.is_empty() { Vec::new() } else { udh.to_octets() };
        Ok(Self { user_data, udhi: !udh.is_empty(), concatenation, range })
    }
}

fn place(options: &Options, reference: u16, total: usize, index: usize) -> Option<Concatenation> {
    let reference = match options.reference {
        ReferenceWidth::Eight => reference & 0xFF,
        ReferenceWidth::Sixteen => reference,
    };
    let total = u8::try_from(total).ok().filter(|&total| total > 1)?;
    Concatenation::new(reference, options.reference, total, u8::try_from(index + 1).ok()?)
}
