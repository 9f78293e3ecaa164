//! Where one text in one encoding is cut into parts.

use core::ops::Range;

use crate::cluster::Clusters;
use crate::encoding::{Encoding, PART_OCTETS, Unit};
use crate::options::{Carrier, Options, SplitError};
use crate::udh::{HeaderTooLong, ReferenceWidth};

/// Most parts one message can have: total and sequence are one octet each (3GPP 23.040, 9.2.3.24.1).
pub(crate) const PARTS: usize = 255;

/// Units that fit in a message of one part, and in each part of several.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) single: Space,
    /// Why there cannot be several parts, when there cannot.
    pub(crate) several: Result<Space, SplitError>,
}

/// Room for text beside a header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    /// Octets the header takes of the part, whoever adds it.
    pub(crate) header_octets: usize,
    pub(crate) units: usize,
}

impl Room {
    /// Room for text counted in `unit` when `shift_octets` of elements announce its tables.
    pub(crate) fn of(unit: Unit, shift_octets: usize, options: &Options) -> Result<Self, SplitError> {
        let elements = shift_octets + options.udh.elements_octets();
        if elements > usize::from(u8::MAX) {
            return Err(HeaderTooLong { octets: elements }.into());
        }
        let header_octets = if elements == 0 { 0 } else { 1 + elements };
        if options.carrier == Carrier::MessagePayload {
            // Septets are not packed in the field, and its own limit counts.
            let octets = PAYLOAD_OCTETS - header_octets;
            let single = Space { header_octets, units: octets / unit.field_octets(1) };
            return Ok(Self { single, several: Err(SplitError::TooLong { limit_octets: octets }) });
        }
        let concatenation = match options.reference {
            ReferenceWidth::Eight => 5,
            ReferenceWidth::Sixteen => 6,
        };
        let several = if options.carrier == Carrier::Sar && elements > 0 {
            Err(SplitError::SarWithHeader)
        } else {
            Space::beside(1 + elements + concatenation, unit).map_err(SplitError::from)
        };
        Ok(Self { single: Space::beside(header_octets, unit)?, several })
    }

    /// Parts that so many units need at least; a pair kept whole at an edge can cost another.
    pub(crate) fn parts_at_least(&self, units: usize) -> Result<usize, SplitError> {
        if units <= self.single.units {
            return Ok(1);
        }
        let parts = units.div_ceil(self.several.clone()?.units);
        if parts > PARTS { Err(SplitError::TooManyParts { at_least: parts }) } else { Ok(parts) }
    }
}

impl Space {
    fn beside(header_octets: usize, unit: Unit) -> Result<Self, HeaderTooLong> {
        let units = unit.capacity(PART_OCTETS, header_octets);
        // Room for one escape or surrogate pair, or cutting would never end.
        if units < 2 {
            Err(HeaderTooLong { octets: header_octets })
        } else {
            Ok(Self { header_octets, units })
        }
    }
}

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Octets of the text (UTF-8) in the part.
    pub(crate) range: Range<usize>,
    pub(crate) units: usize,
}

/// Cuts a text of `units` units, all of whose characters fit `encoding`; never inside an escape or surrogate pair,
/// and inside a combining sequence only when the sequence is longer than a part.
pub(crate) fn cut(text: &str, encoding: Encoding, units: usize, room: &Room) -> Result<Vec<Cut>, SplitError> {
    let parts = room.parts_at_least(units)?;
    let space = match room.several {
        Ok(space) if parts > 1 => space,
        _ => return Ok(vec![Cut { range: 0..text.len(), units }]),
    };
    let costs = encoding.costs();
    let mut clusters = Clusters::default();
    let mut cuts = Vec::with_capacity(parts);
    let mut start = 0;
    let mut units = 0;
    // Last place in the part where it may be cut, and the units before it.
    let mut edge = (0, 0);
    for (at, character) in text.char_indices() {
        let cost = costs.of(character).unwrap_or(0);
        if !clusters.joins(character) {
            edge = (at, units);
        }
        while units + cost > space.units {
            let (end, taken) = if edge.0 > start { edge } else { (at, units) };
            cuts.push(Cut { range: start..end, units: taken });
            start = end;
            units -= taken;
            edge = (start, 0);
        }
        if cuts.len() >= PARTS {
            return Err(SplitError::TooManyParts { at_least: cuts.len() + 1 });
        }
        units += cost;
    }
    cuts.push(Cut { range: start..text.len(), units });
    Ok(cuts)
}

/// Most octets of a message_payload, whose length is counted in 16 bits.
pub(crate) const PAYLOAD_OCTETS: usize = 65_535;
