//! What a program wrote to its terminal, as characters that each have a look.
//!
//! Only SGR sequences mean something here (ECMA-48, 8.3.117); others, such as window titles, are passed over.

/// A character and its look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) character: char,
    pub(super) look: Look,
}

impl Cell {
    /// Columns it takes on a terminal. Knows the emoji and the scripts that our pictures may hold, not all of Unicode.
    pub(super) fn columns(self) -> usize {
        match u32::from(self.character) {
            // Combining accents, the joiner of emoji, their variation selectors.
            0x0300..=0x036F | 0x200D | 0xFE00..=0xFE0F => 0,
            0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xFF00..=0xFF60 | 0x1F300..=0x1FAFF => 2,
            _ => 1,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    pub(super) bold: bool,
    pub(super) dim: bool,
    pub(super) italic: bool,
    pub(super) underlined: bool,
    pub(super) colour: Colour,
    pub(super) background: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Colour {
    /// The terminal's own.
    #[default]
    Own,
    /// One of the 256; the first 16 are whatever the terminal makes of them.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// The cells of one line.
pub(super) fn parse(line: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut look = Look::default();
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            ESCAPE => rest = escape(rest, &mut look),
            '\t' => {
                let to_stop = TAB - cells.len() % TAB;
                cells.extend(std::iter::repeat_n(Cell { character: ' ', look }, to_stop));
            }
            control if control.is_control() => {}
            character => cells.push(Cell { character, look }),
        }
    }
    cells
}

/// Reads the sequence behind an ESC, and answers what follows it.
fn escape<'a>(rest: &'a str, look: &mut Look) -> &'a str {
    if let Some(sequence) = rest.strip_prefix('[') {
        let Some(end) = sequence.find(|c: char| ('@'..='~').contains(&c)) else {
            return "";
        };
        if sequence[end..].starts_with('m') {
            select(look, &sequence[..end]);
        }
        return &sequence[end + 1..];
    }
    if let Some(command) = rest.strip_prefix(']') {
        let end = command.find(['\x07', ESCAPE]).map_or(command.len(), |at| at + 1);
        let after = &command[end..];
        return after.strip_prefix('\\').unwrap_or(after);
    }
    let mut characters = rest.chars();
    characters.next();
    characters.as_str()
}

/// SELECT GRAPHIC RENDITION.
fn select(look: &mut Look, parameters: &str) {
    // A parameter that is not there is 0; one that is no number is none we know.
    let mut codes = parameters.split(';').map(|code| if code.is_empty() { "0" } else { code });
    let mut next = move || codes.next().map(|code| code.parse::<u8>().unwrap_or(u8::MAX));
    while let Some(code) = next() {
        match code {
            0 => *look = Look::default(),
            1 => look.bold = true,
            2 => look.dim = true,
            3 => look.italic = true,
            4 => look.underlined = true,
            22 => (look.bold, look.dim) = (false, false),
            23 => look.italic = false,
            24 => look.underlined = false,
            30..=37 => look.colour = Colour::Indexed(code - 30),
            38 => look.colour = extended(&mut next).unwrap_or(look.colour),
            39 => look.colour = Colour::Own,
            40..=47 => look.background = Colour::Indexed(code - 40),
            48 => look.background = extended(&mut next).unwrap_or(look.background),
            49 => look.background = Colour::Own,
            90..=97 => look.colour = Colour::Indexed(code - 90 + 8),
            100..=107 => look.background = Colour::Indexed(code - 100 + 8),
            _ => {}
        }
    }
}

/// What follows 38 and 48.
fn extended(next: &mut impl FnMut() -> Option<u8>) -> Option<Colour> {
    match next()? {
        5 => Some(Colour::Indexed(next()?)),
        2 => Some(Colour::Rgb(next()?, next()?, next()?)),
        _ => None,
    }
}

const ESCAPE: char = '\x1b';
const TAB: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(line: &str) -> Vec<Look> {
        parse(line).iter().map(|cell| cell.look).collect()
    }

    fn text(line: &str) -> String {
        parse(line).iter().map(|cell| cell.character).collect()
    }

    #[test]
    fn attributes_add_up_and_a_reset_takes_all_away() {
        let plain = Look::default();
        let bold = Look { bold: true, ..plain };
        let red = Look { bold: true, colour: Colour::Indexed(1), ..plain };
        assert_eq!(looks("a\x1b[1mb\x1b[31mc\x1b[0md"), [plain, bold, red, plain]);
        assert_eq!(looks("\x1b[1;31ma\x1b[mb"), [red, plain]);
    }

    #[test]
    fn bold_and_dim_end_together() {
        let both = Look { bold: true, dim: true, ..Look::default() };
        assert_eq!(looks("\x1b[1;2ma\x1b[22mb"), [both, Look::default()]);
        let slanted = Look { italic: true, underlined: true, ..Look::default() };
        assert_eq!(looks("\x1b[3;4ma\x1b[23;24mb"), [slanted, Look::default()]);
    }

    #[test]
    fn colours_are_of_16_of_256_or_direct() {
        let colour = |colour| Look { colour, ..Look::default() };
        assert_eq!(looks("\x1b[96ma"), [colour(Colour::Indexed(14))]);
        assert_eq!(looks("\x1b[38;5;208ma\x1b[39mb"), [colour(Colour::Indexed(208)), Look::default()]);
        assert_eq!(looks("\x1b[38;2;1;2;3ma"), [colour(Colour::Rgb(1, 2, 3))]);
        let both = Look { background: Colour::Indexed(4), ..colour(Colour::Indexed(9)) };
        assert_eq!(looks("\x1b[44;91ma"), [both]);
    }

    #[test]
    fn what_follows_an_extended_colour_still_counts() {
        let look = Look { bold: true, colour: Colour::Indexed(208), ..Look::default() };
        assert_eq!(looks("\x1b[38;5;208;1ma"), [look]);
    }

    #[test]
    fn other_sequences_and_controls_leave_no_trace() {
        assert_eq!(text("\x1b]0;title\x07a\x1b[2K\x1b[1;5Hb\x1b(Bc\r"), "ab".to_owned() + "Bc");
        assert_eq!(text("\x1b]8;;x\x1b\\link"), "link");
        for cut in ["a\x1b", "a\x1b[1", "a\x1b]0;t"] {
            assert_eq!(text(cut), "a");
        }
    }

    #[test]
    fn tabs_reach_the_next_stop() {
        assert_eq!(text("ab\tc"), "ab      c");
    }

    #[test]
    fn emoji_take_two_columns_and_joiners_none() {
        let columns = |text: &str| parse(text).iter().map(|cell| cell.columns()).collect::<Vec<_>>();
        assert_eq!(columns("ü👋中"), [1, 2, 2]);
        assert_eq!(columns("e\u{301}\u{200D}"), [1, 0, 0]);
    }
}
