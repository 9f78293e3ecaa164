//! Choosing the encoding that makes a text smallest.

use std::collections::HashMap;

use crate::encoding::Encoding;
use crate::gsm7;
use crate::language::{Language, Shifts};
use crate::layout::{self, Cut, Room, Space};
use crate::options::{Options, SplitError};

/// A text's encoding and its parts.
pub(crate) struct Plan {
    pub(crate) encoding: Encoding,
    pub(crate) cuts: Vec<Cut>,
    /// Room of each part; all parts have the same.
    pub(crate) space: Space,
}

/// Decides how to send a text.
///
/// Fewest parts win. Among as many parts the plain GSM 7-bit alphabet is taken where it fits, then ISO 8859-1, then
/// whichever of UCS-2 and the national tables takes fewest octets.
pub(crate) fn plan(text: &str, options: &Options) -> Result<Plan, SplitError> {
    if let Some(encoding) = options.encoding {
        return Candidate { encoding, units: encoding.units(text)? }.plan(text, options);
    }
    let plain = Candidate::measure(text, Encoding::GSM7);
    // One part of the alphabet preferred: nothing else can be better, and most messages are this.
    if let Some(plain) = plain.filter(|plain| plain.parts_at_least(options) == 1) {
        return plain.plan(text, options);
    }
    let mut candidates: Vec<_> = plain.into_iter().chain(alternatives(text, options)).collect();
    candidates.sort_by_key(|candidate| candidate.rank(candidate.parts_at_least(options)));
    let mut best: Option<(Rank, Plan)> = None;
    let mut failure = None;
    for candidate in candidates {
        // Cutting can only add parts to the estimate the list is sorted by.
        let least = candidate.rank(candidate.parts_at_least(options));
        if best.as_ref().is_some_and(|(rank, _)| *rank <= least) {
            break;
        }
        match candidate.plan(text, options) {
            Ok(plan) => {
                let rank = candidate.rank(plan.cuts.len());
                if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                    best = Some((rank, plan));
                }
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match (best, failure) {
        (Some((_, plan)), _) => Ok(plan),
        (None, Some(error)) => Err(error),
        // UCS-2 is always a candidate, so one of the two is there.
        (None, None) => Candidate { encoding: Encoding::Ucs2, units: 0 }.plan(text, options),
    }
}

/// An encoding the whole text fits, and the units it takes.
#[derive(Clone, Copy)]
struct Candidate {
    encoding: Encoding,
    units: usize,
}

/// Parts, place among the preferences, octets: less is better.
type Rank = (usize, u8, usize);

impl Candidate {
    /// `None` when some character does not fit.
    fn measure(text: &str, encoding: Encoding) -> Option<Self> {
        let costs = encoding.costs();
        let units = text.chars().try_fold(0, |units, character| Some(units + costs.of(character)?))?;
        Some(Self { encoding, units })
    }

    fn room(self, options: &Options) -> Result<Room, SplitError> {
        Room::of(self.encoding.unit(), self.encoding.shifts().header_octets(), options)
    }

    /// `usize::MAX` for what cannot be sent, so that it is tried last and its error is told only if all fail.
    fn parts_at_least(self, options: &Options) -> usize {
        self.room(options).and_then(|room| room.parts_at_least(self.units)).unwrap_or(usize::MAX)
    }

    fn rank(self, parts: usize) -> Rank {
        let preference = match self.encoding {
            Encoding::GSM7 => 0,
            Encoding::Octets(_) => 1,
            Encoding::Gsm7(_) | Encoding::Ucs2 => 2,
        };
        let header = parts.saturating_mul(self.encoding.shifts().header_octets());
        (parts, preference, self.encoding.unit().air_octets(self.units).saturating_add(header))
    }

    fn plan(self, text: &str, options: &Options) -> Result<Plan, SplitError> {
        let room = self.room(options)?;
        let cuts = layout::cut(text, self.encoding, self.units, &room)?;
        let space = match room.several {
            Ok(space) if cuts.len() > 1 => space,
            _ => room.single,
        };
        Ok(Plan { encoding: self.encoding, cuts, space })
    }
}

/// Every encoding allowed but the plain alphabet that holds the whole text; never empty, UCS-2 holds any.
fn alternatives(text: &str, options: &Options) -> Vec<Candidate> {
    let latin1 = options.latin1.then_some(Encoding::LATIN1);
    let allowed = [Encoding::Ucs2].into_iter().chain(latin1);
    let mut candidates: Vec<_> = allowed.filter_map(|encoding| Candidate::measure(text, encoding)).collect();
    if options.national_tables {
        candidates.extend(national(text));
    }
    candidates
}

/// Every pair of national tables that holds the whole text, in one walk over it.
fn national(text: &str) -> Vec<Candidate> {
    let mut counts: HashMap<char, usize> = HashMap::new();
    for character in text.chars() {
        *counts.entry(character).or_default() += 1;
    }
    // Characters that stand in the same tables cost the same; there are few such kinds.
    let mut kinds: HashMap<(u16, u16), usize> = HashMap::new();
    for (character, count) in counts {
        *kinds.entry(gsm7::languages_with(character)).or_default() += count;
    }
    let locking = Language::ALL.into_iter().filter(|language| language.has_locking_shift());
    let pairs = locking.flat_map(|locking| Language::ALL.map(|single| Shifts { locking, single }));
    let units = |shifts: Shifts| {
        kinds.iter().try_fold(0, |units, (&(locking, single), count)| {
            if locking >> shifts.locking.0 & 1 == 1 {
                Some(units + count)
            } else {
                (single >> shifts.single.0 & 1 == 1).then_some(units + 2 * count)
            }
        })
    };
    let fitting = pairs.filter(|&shifts| shifts != Shifts::DEFAULT).filter_map(|shifts| {
        let encoding = Encoding::Gsm7(shifts);
        Some(Candidate { encoding, units: units(shifts)? })
    });
    fitting.collect()
}
