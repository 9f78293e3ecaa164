//! Which characters belong to the one before them, so that a cut between would change what is read.

/// Walks a text and says of each character whether it joins the one before.
///
/// Not the whole of Unicode's segmentation: the marks of the scripts people send, emoji sequences and flags. A mark
/// missing here costs one oddly cut sequence at the edge of a part, and no octet.
#[derive(Default)]
pub(crate) struct Clusters {
    after_joiner: bool,
    half_flag: bool,
}

impl Clusters {
    pub(crate) fn joins(&mut self, character: char) -> bool {
        let code_point = u32::from(character);
        // Nothing below joins, and most text is here.
        if code_point < 0x0300 {
            *self = Self::default();
            return false;
        }
        let flag = (0x1_F1E6..=0x1_F1FF).contains(&code_point);
        let joins = self.after_joiner || (flag && self.half_flag) || is_mark(code_point);
        self.after_joiner = code_point == ZERO_WIDTH_JOINER;
        self.half_flag = flag && !self.half_flag;
        joins
    }
}

fn is_mark(code_point: u32) -> bool {
    // The Indic blocks share one plan, 0x80 wide: signs at the same places in each.
    if (0x0900..=0x0DFF).contains(&code_point) {
        return matches!(code_point & 0x7F, 0x00..=0x03 | 0x3C | 0x3E..=0x4D | 0x55..=0x57 | 0x62..=0x63);
    }
    let after = MARKS.partition_point(|&(first, _)| first <= code_point);
    let range = after.checked_sub(1).and_then(|at| MARKS.get(at));
    range.is_some_and(|&(_, last)| code_point <= last)
}

const ZERO_WIDTH_JOINER: u32 = 0x200D;

/// First and last code point of each run, ascending.
const MARKS: [(u32, u32); 38] = [
    (0x0300, 0x036F), // combining diacritical marks
    (0x0483, 0x0489), // Cyrillic
    (0x0591, 0x05BD), // Hebrew points
    (0x05BF, 0x05BF),
    (0x05C1, 0x05C2),
    (0x05C4, 0x05C5),
    (0x05C7, 0x05C7),
    (0x0610, 0x061A), // Arabic
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06DC),
    (0x06DF, 0x06E4),
    (0x06E7, 0x06E8),
    (0x06EA, 0x06ED),
    (0x0711, 0x0711), // Syriac
    (0x0730, 0x074A),
    (0x07A6, 0x07B0), // Thaana
    (0x0E31, 0x0E31), // Thai
    (0x0E34, 0x0E3A),
    (0x0E47, 0x0E4E),
    (0x0EB1, 0x0EB1), // Lao
    (0x0EB4, 0x0EBC),
    (0x0EC8, 0x0ECE),
    (0x0F71, 0x0F87),     // Tibetan
    (0x102B, 0x103E),     // Myanmar
    (0x1160, 0x11FF),     // Hangul vowels and finals
    (0x135D, 0x135F),     // Ethiopic
    (0x17B4, 0x17D3),     // Khmer
    (0x1AB0, 0x1ACE),     // combining diacritical marks extended
    (0x1DC0, 0x1DFF),     // combining diacritical marks supplement
    (0x200C, 0x200D),     // zero width non-joiner and joiner
    (0x20D0, 0x20F0),     // marks for symbols, the keycap among them
    (0x302A, 0x302F),     // ideographic tone marks
    (0x3099, 0x309A),     // kana voicing marks
    (0xFE00, 0xFE0F),     // variation selectors
    (0xFE20, 0xFE2F),     // combining half marks
    (0x1_F3FB, 0x1_F3FF), // emoji skin tones
    (0xE_0020, 0xE_01EF), // tags of flags, and further variation selectors
];
