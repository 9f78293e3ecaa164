//! What sending a text would take, before it is sent.

use crate::choice;
use crate::encoding::Encoding;
use crate::gsm7;
use crate::language::Shifts;
use crate::options::{Options, SplitError};

/// Encoding, size and cost of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// How the text would be written, with the language tables in use.
    pub encoding: Encoding,
    /// Characters (Unicode scalar values) of the text.
    pub characters: usize,
    /// Septets, octets or UTF-16 code units of the text, as the encoding counts.
    pub units: usize,
    /// Units each part has room for.
    pub capacity: usize,
    /// Octets the header takes of each part's 140, the one the MC makes from sar_ TLVs counted in.
    pub header_octets: usize,
    /// The parts in order; an empty text is one empty part.
    pub parts: Vec<PartSize>,
    /// Characters that cost more than one unit or a better encoding, in order.
    pub costly: Vec<Costly>,
}

impl Preview {
    /// Language tables a phone must know to show the text.
    pub fn shifts(&self) -> Shifts {
        self.encoding.shifts()
    }

    /// Units that could still be added without another part.
    pub fn units_left(&self) -> usize {
        self.capacity - self.parts.last().map_or(0, |part| part.units).min(self.capacity)
    }
}

/// Size of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartSize {
    /// Characters in the part.
    pub characters: usize,
    /// Units in the part, its header not counted.
    pub units: usize,
}

/// A character that makes the message longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costly {
    /// Its place, counted in characters from 0.
    pub index: usize,
    /// The character.
    pub character: char,
    /// Units it takes in the encoding chosen.
    pub units: usize,
    /// Why it is listed.
    pub reason: Reason,
}

/// Why a character is costly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It needs an escape: two septets.
    TwoSeptets,
    /// It is in neither the GSM 7-bit default alphabet nor its extension table, so it forces the encoding chosen
    /// instead: UCS-2, unless Latin-1 or national tables were allowed and serve.
    OutsideGsm7,
    /// It takes two UTF-16 code units.
    SurrogatePair,
}

/// Tells what [`split`](crate::split) would do with a text.
pub fn preview(text: &str, options: &Options) -> Result<Preview, SplitError> {
    let plan = choice::plan(text, options)?;
    let sizes = plan.cuts.iter().map(|cut| PartSize {
        characters: text.get(cut.range.clone()).map_or(0, |part| part.chars().count()),
        units: cut.units,
    });
    let parts: Vec<_> = sizes.collect();
    Ok(Preview {
        encoding: plan.encoding,
        characters: parts.iter().map(|part| part.characters).sum(),
        units: parts.iter().map(|part| part.units).sum(),
        capacity: plan.space.units,
        header_octets: plan.space.header_octets,
        parts,
        costly: costly(text, plan.encoding, options.encoding.is_some()),
    })
}

fn costly(text: &str, encoding: Encoding, forced: bool) -> Vec<Costly> {
    let costs = encoding.costs();
    let listed = text.chars().enumerate().filter_map(|(index, character)| {
        let units = costs.of(character)?;
        // An encoding that was asked for was forced by no character.
        let outside = !forced && encoding != Encoding::GSM7;
        let reason = if outside && gsm7::cost(character, Shifts::DEFAULT).is_none() {
            Reason::OutsideGsm7
        } else if units == 1 {
            return None;
        } else if encoding == Encoding::Ucs2 {
            Reason::SurrogatePair
        } else {
            Reason::TwoSeptets
        };
        Some(Costly { index, character, units, reason })
    });
    listed.collect()
}
