//! Octets as a test writes them.
//!
//! `00ff` hexadecimal; `'Hi'` the characters; `"Hi"` the characters and a NUL; `$name` octets defined
//! before; `(…)` a group; `*300` behind any of them repeats it. Spaces part them.

use std::collections::HashMap;

/// What `let` has named.
pub(crate) type Names = HashMap<String, Vec<u8>>;

/// Reads an expression.
pub(crate) fn octets(text: &str, names: &Names) -> Result<Vec<u8>, String> {
    let mut rest = text.trim_start();
    let octets = run(&mut rest, names)?;
    if rest.is_empty() { Ok(octets) } else { Err(format!("cannot read {rest:?}")) }
}

/// A whole PDU: header and body, its command_length as it should be.
pub(crate) fn pdu(command_id: u32, sequence_number: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).expect("test PDUs are short");
    let mut pdu = Vec::with_capacity(16 + body.len());
    for word in [length, command_id, 0, sequence_number] {
        pdu.extend_from_slice(&word.to_be_bytes());
    }
    pdu.extend_from_slice(body);
    pdu
}

/// A C-Octet String with its NUL.
pub(crate) fn cstr(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

fn run(rest: &mut &str, names: &Names) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    while !rest.is_empty() && !rest.starts_with(')') {
        let one = item(rest, names)?;
        let times = match rest.strip_prefix('*') {
            None => 1,
            Some(number) => {
                let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
                *rest = &number[end..];
                number[..end].parse().map_err(|_| format!("no number behind * in {number:?}"))?
            }
        };
        octets.extend(one.repeat(times));
        *rest = rest.trim_start();
    }
    Ok(octets)
}

fn item(rest: &mut &str, names: &Names) -> Result<Vec<u8>, String> {
    let all = *rest;
    for quote in ['\'', '"'] {
        if let Some(inside) = all.strip_prefix(quote) {
            let end = inside.find(quote).ok_or_else(|| format!("no closing {quote} in {all:?}"))?;
            *rest = &inside[end + 1..];
            let nul: &[u8] = if quote == '"' { &[0] } else { &[] };
            return Ok([&inside.as_bytes()[..end], nul].concat());
        }
    }
    if let Some(inside) = all.strip_prefix('(') {
        *rest = inside.trim_start();
        let group = run(rest, names)?;
        *rest = rest.strip_prefix(')').ok_or_else(|| format!("no closing ) in {all:?}"))?;
        return Ok(group);
    }
    let name = all.strip_prefix('$');
    let word = name.unwrap_or(all);
    let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
    *rest = &word[end..];
    let word = &word[..end];
    if name.is_some() {
        return names.get(word).cloned().ok_or_else(|| format!("nothing is named ${word}"));
    }
    hex(word).ok_or_else(|| format!("{all:?} is no octets"))
}

/// Hexadecimal digits, two an octet.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[test]
fn expressions_are_read_as_described() {
    let names = Names::from([("x".to_owned(), vec![7])]);
    assert_eq!(octets("0001 'A' \"B\" $x*2 (01 02)*2", &names), Ok(vec![0, 1, 65, 66, 0, 7, 7, 1, 2, 1, 2]));
    assert!(octets("0", &names).is_err() && octets("$y", &names).is_err() && octets("(00", &names).is_err());
}
