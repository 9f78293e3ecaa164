//! Character to code, built from the tables at compile time.

use super::Table;

/// One table turned around. Where a character stands at two codes the lower one is used.
pub(super) struct Reverse {
    /// Codes of U+0000 to U+00FF, which most text is made of.
    low: [u8; 256],
    /// Other characters and their codes, ascending; only `high_len` entries count.
    high: [(u16, u8); 128],
    high_len: usize,
}

impl Reverse {
    pub(super) fn code(&self, character: char) -> Option<u8> {
        let unit = u16::try_from(u32::from(character)).ok()?;
        if let Some(&code) = self.low.get(usize::from(unit)) {
            return (code != NONE).then_some(code);
        }
        let high = self.high.get(..self.high_len)?;
        let at = high.binary_search_by_key(&unit, |&(unit, _)| unit).ok()?;
        high.get(at).map(|&(_, code)| code)
    }

    const fn of(table: &Table) -> Self {
        let mut reverse = Self { low: [NONE; 256], high: [(0, 0); 128], high_len: 0 };
        let mut code = 0;
        while code < table.len() {
            let unit = table[code];
            if unit != 0 && unit < 0x100 {
                if reverse.low[unit as usize] == NONE {
                    reverse.low[unit as usize] = code as u8;
                }
            } else if unit != 0 {
                reverse.insert(unit, code as u8);
            }
            code += 1;
        }
        reverse
    }

    const fn insert(&mut self, unit: u16, code: u8) {
        let mut at = self.high_len;
        while at > 0 && self.high[at - 1].0 > unit {
            at -= 1;
        }
        if at > 0 && self.high[at - 1].0 == unit {
            return;
        }
        let mut last = self.high_len;
        while last > at {
            self.high[last] = self.high[last - 1];
            last -= 1;
        }
        self.high[at] = (unit, code);
        self.high_len += 1;
    }
}

pub(super) const fn all(tables: &[&Table; 14]) -> [Reverse; 14] {
    let mut reversed = [const { Reverse::of(&[0; 128]) }; 14];
    let mut language = 0;
    while language < tables.len() {
        reversed[language] = Reverse::of(tables[language]);
        language += 1;
    }
    reversed
}

/// No code: one above every septet.
const NONE: u8 = 0x80;
