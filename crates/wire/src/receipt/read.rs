//! Finding keys and values in a receipt's text, once from its beginning to its end.

use super::ReceiptText;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

/// Names of one word. `submit date` and `done date` may also be two, whatever blank stands between.
const NAMES: [(&[u8], Key); 11] = [
    (b"id", Key::Id),
    (b"sub", Key::Sub),
    (b"dlvrd", Key::Dlvrd),
    (b"delivrd", Key::Dlvrd),
    (b"submitdate", Key::SubmitDate),
    (b"donedate", Key::DoneDate),
    (b"stat", Key::Stat),
    (b"status", Key::Stat),
    (b"err", Key::Err),
    (b"error", Key::Err),
    (b"text", Key::Text),
];

/// A closing quote further away than this does not belong to the opening one: the octets of a message_id.
const LONGEST_QUOTED: usize = 65;

pub(super) fn receipt(octets: &[u8]) -> Option<ReceiptText<'_>> {
    let mut rest = octets.strip_suffix(b"\0").unwrap_or(octets);
    let mut receipt = ReceiptText::default();
    while let Some((key, after)) = next_key(rest) {
        rest = after;
        if key == Key::Text {
            receipt.text = receipt.text.or(Some(after));
            if receipt.stat.is_some() {
                break;
            }
            continue;
        }
        let value;
        (value, rest) = split_value(key, after);
        let in_text = receipt.text.is_some();
        let Some(slot) = slot(&mut receipt, key) else { continue };
        // The last one wins, as in `ID:149994-1 STAT:Delivered id:28d2e34e sub:001 ...`; but nothing
        // in the text wins over what came before it.
        let taken = in_text && slot.is_some();
        if !value.is_empty() && !taken {
            *slot = core::str::from_utf8(value).ok();
        }
    }
    (receipt.id.is_some() || receipt.stat.is_some()).then_some(receipt)
}

fn slot<'r, 'a>(receipt: &'r mut ReceiptText<'a>, key: Key) -> Option<&'r mut Option<&'a str>> {
    Some(match key {
        Key::Id => &mut receipt.id,
        Key::Sub => &mut receipt.sub,
        Key::Dlvrd => &mut receipt.dlvrd,
        Key::SubmitDate => &mut receipt.submit_date,
        Key::DoneDate => &mut receipt.done_date,
        Key::Stat => &mut receipt.stat,
        Key::Err => &mut receipt.err,
        Key::Text => return None,
    })
}

/// The first key that begins a word, and what follows its colon.
fn next_key(octets: &[u8]) -> Option<(Key, &[u8])> {
    let mut before = b' ';
    for (at, &octet) in octets.iter().enumerate() {
        // Seen before an id: `SMSAlert^id:`, `?id:`, `XMS=id:`; not a key: `vendor_id:`.
        if !is_within_word(before)
            && octet.is_ascii_alphabetic()
            && let Some(found) = octets.get(at..).and_then(key)
        {
            return Some(found);
        }
        before = octet;
    }
    None
}

/// The key that stands here, and what follows its colon.
fn key(octets: &[u8]) -> Option<(Key, &[u8])> {
    let (word, rest) = split_while(octets, u8::is_ascii_alphabetic);
    let named = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    let (key, rest) = match named {
        Some(&(_, key)) => (key, rest),
        None => (first_of_two(word)?, date(rest)?),
    };
    let (_, rest) = split_while(rest, is_blank);
    Some((key, rest.strip_prefix(b":")?))
}

fn first_of_two(word: &[u8]) -> Option<Key> {
    if word.eq_ignore_ascii_case(b"submit") {
        Some(Key::SubmitDate)
    } else if word.eq_ignore_ascii_case(b"done") {
        Some(Key::DoneDate)
    } else {
        None
    }
}

/// What follows the second word of `submit date`.
fn date(octets: &[u8]) -> Option<&[u8]> {
    let (_, rest) = split_while(octets, |octet| is_blank(octet) || matches!(octet, b'_' | b'-'));
    let (word, rest) = split_while(rest, u8::is_ascii_alphabetic);
    word.eq_ignore_ascii_case(b"date").then_some(rest)
}

/// The value that follows a colon: nothing, when the next key does. Without its quotes.
fn split_value(key_of_it: Key, octets: &[u8]) -> (&[u8], &[u8]) {
    let (_, octets) = split_while(octets, is_blank);
    if key(octets).is_some() {
        return (&[], octets);
    }
    if let Some(split) = split_quoted(octets) {
        return split;
    }
    let (value, rest) = split_while(octets, |octet| !is_end(octet));
    if matches!(key_of_it, Key::SubmitDate | Key::DoneDate) && time_follows(value, rest) {
        let (_, time) = octets.split_at(value.len() + 1);
        let (time, rest) = split_while(time, |octet| !is_end(octet));
        return (octets.get(..value.len() + 1 + time.len()).unwrap_or(value), rest);
    }
    (value, rest)
}

fn split_quoted(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&quote, inner) = octets.split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let end = inner.iter().take(LONGEST_QUOTED).position(|&octet| octet == quote)?;
    let (value, rest) = inner.split_at(end);
    Some((value, rest.get(1..)?))
}

/// Whether a date such as `2013-02-17` goes on with a time such as `00:04:29`.
fn time_follows(date: &[u8], rest: &[u8]) -> bool {
    let parted = date.iter().any(|octet| matches!(octet, b'-' | b'/' | b'.'));
    parted && matches!(rest, [b' ', h, hh, b':', ..] if h.is_ascii_digit() && hh.is_ascii_digit())
}

fn split_while(octets: &[u8], goes_on: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    octets.split_at(octets.iter().position(|octet| !goes_on(octet)).unwrap_or(octets.len()))
}

const fn is_blank(octet: &u8) -> bool {
    octet.is_ascii_whitespace()
}

/// Values hold no blanks; commas and semicolons part them for some peers.
const fn is_end(octet: &u8) -> bool {
    is_blank(octet) || matches!(octet, b',' | b';')
}

const fn is_within_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-') || !octet.is_ascii()
}

#[cfg(test)]
mod tests {
    use crate::receipt::ReceiptText;
    use crate::value::MessageState;

    #[test]
    fn keys_in_any_order_and_case_text_last_and_unparsed() {
        let text = b"STAT:UNDELIV ID:a1b2 Err:21b Text:id:9 stat:DELIVRD";
        let receipt = ReceiptText::parse(text).unwrap();
        assert_eq!(receipt.id, Some("a1b2"));
        assert_eq!(receipt.err, Some("21b"));
        assert_eq!(receipt.state(), Some(MessageState::UNDELIVERABLE));
        assert_eq!(receipt.text, Some(&b"id:9 stat:DELIVRD"[..]));
    }

    #[test]
    fn a_state_after_the_text_is_found_and_changes_nothing_else() {
        let receipt = ReceiptText::parse(b"id:7 err:001 text:id:8 stat:EXPIRED err:002").unwrap();
        assert_eq!(receipt.text, Some(&b"id:8 stat:EXPIRED err:002"[..]));
        assert_eq!((receipt.id, receipt.stat, receipt.err), (Some("7"), Some("EXPIRED"), Some("001")));
    }

    #[test]
    fn empty_values_are_absent_and_never_the_next_key() {
        let receipt = ReceiptText::parse(b"id: sub:001 done date: stat:ACCEPTD err: text:").unwrap();
        assert_eq!((receipt.id, receipt.sub, receipt.done_date), (None, Some("001"), None));
        assert_eq!((receipt.stat, receipt.err, receipt.text), (Some("ACCEPTD"), None, Some(&b""[..])));
    }

    #[test]
    fn what_is_no_receipt_is_none() {
        for text in
            [&b"hello, identity:none"[..], b"", b"id:", b"vendor_id:5", b"stat", b"\0\0", b"362d9701 2"]
        {
            assert_eq!(ReceiptText::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn octets_of_any_kind_are_read_to_the_end() {
        for filler in
            [&b" "[..], b"id", b"id:", b"submit ", b"submit   ", b"id:\"", b"'", b"text:", b"\xFF", b",;"]
        {
            let octets = filler.repeat(2000);
            let _ = ReceiptText::parse(&octets);
        }
    }
}
