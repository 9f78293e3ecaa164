//! A line of a transcript as words: bare ones, and `key=value`.

use core::time::Duration;

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// `transceiver`.
    Bare(String),
    /// `system_id=a`.
    Pair(String, String),
}

/// Splits a line at blanks, but not inside `"..."` and `[...]`. A `#` that begins a word begins a comment.
pub(crate) fn words(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut depth) = (false, 0_u32);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            '#' if word.is_empty() => break,
            _ => {}
        }
        if character.is_whitespace() && !quoted && depth == 0 {
            push(&mut words, &mut word);
        } else {
            word.push(character);
        }
    }
    push(&mut words, &mut word);
    words
}

fn push(words: &mut Vec<Word>, word: &mut String) {
    if word.is_empty() {
        return;
    }
    let word = core::mem::take(word);
    words.push(match word.split_once('=') {
        Some((key, value)) => Word::Pair(key.to_owned(), unfolded(value)),
        None => Word::Bare(word),
    });
}

/// `41*3` is `414141`.
fn unfolded(value: &str) -> String {
    match value.split_once('*') {
        Some((what, times)) if !what.is_empty() && what.chars().all(|c| c.is_ascii_alphanumeric()) => {
            times.parse().map_or_else(|_| value.to_owned(), |times| what.repeat(times))
        }
        _ => value.to_owned(),
    }
}

/// `30s`, `1.5s`, `10ms`, `2m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("{text} is no time such as 30s, 1.5s, 10ms, 2m, 1h");
    let at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(problem)?;
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(problem()),
    };
    let number: f64 = number.parse().map_err(|_| problem())?;
    Duration::try_from_secs_f64((number * seconds * 1e6).round() / 1e6).map_err(|_| problem())
}

/// A decimal or `0x` hexadecimal number.
pub(crate) fn number(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("{text} is no number"))
}

/// Hexadecimal digits as octets; blanks between them mean nothing.
pub(crate) fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).ok_or_else(|| format!("{c:?} is no hexadecimal digit")))
        .collect::<Result<_, _>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err("an odd number of hexadecimal digits".to_owned());
    }
    Ok(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

/// Octets as hexadecimal digits.
pub(crate) fn to_hex(octets: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_separate_words_but_not_inside_quotes_and_brackets() {
        let pair = |key: &str, value: &str| Word::Pair(key.to_owned(), value.to_owned());
        assert_eq!(
            words("submit_multi seq=1  short_message=\"a b\" dest_address=[1, 2] body=0a*3 # why"),
            [
                Word::Bare("submit_multi".to_owned()),
                pair("seq", "1"),
                pair("short_message", "\"a b\""),
                pair("dest_address", "[1, 2]"),
                pair("body", "0a0a0a"),
            ]
        );
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("29.999s").unwrap(), Duration::from_millis(29_999));
        assert_eq!(duration("2m").unwrap(), Duration::from_secs(120));
        assert!(duration("30").is_err() && duration("3d").is_err());
    }
}
