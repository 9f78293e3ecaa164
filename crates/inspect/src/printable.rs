//! Text of strangers made safe to show.

use core::fmt::Write as _;

/// The text with everything escaped that could move a terminal's cursor, change its colours or turn its text round:
/// control characters and the marks of writing direction.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_printable(character) {
            out.push(character);
        } else {
            let _ = write!(out, "{}", character.escape_unicode());
        }
    }
    out
}

fn is_printable(character: char) -> bool {
    let turns =
        matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}');
    !character.is_control() && !turns && !breaks
}

/// Octets as lower-case hexadecimal digits.
pub fn hex(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len() * 2);
    for octet in octets {
        let _ = write!(out, "{octet:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_do_not_reach_a_terminal() {
        assert_eq!(printable("a\x1b[31mb\u{9b}c\u{202e}d\r\n"), r"a\u{1b}[31mb\u{9b}c\u{202e}d\u{d}\u{a}");
        assert_eq!(printable("Żółć €"), "Żółć €");
    }
}
