//! Every receipt of `testdata/receipts` is read as its line says.

use std::collections::BTreeMap;

use smppkit_wire::receipt::{ReceiptText, receipt_date_unix_ms};
use smppkit_wire::value::MessageState;

#[test]
fn real_receipts_are_read() {
    let lines = lines(include_str!("../../../testdata/receipts/real.jsonl"));
    assert!(lines.len() >= 60, "{}", lines.len());
    check(&lines);
}

#[test]
fn made_up_variants_are_read() {
    check(&lines(include_str!("../../../testdata/receipts/variants.jsonl")));
}

#[test]
fn receipts_cut_anywhere_are_read_without_panic() {
    for line in lines(include_str!("../../../testdata/receipts/real.jsonl")) {
        let octets = octets(&line);
        for cut in 0..octets.len() {
            let _ = ReceiptText::parse(&octets[..cut]).map(|receipt| receipt.state());
            let _ = ReceiptText::parse(&octets[cut..]).map(|receipt| receipt.state());
        }
    }
}

type Line = BTreeMap<String, Json>;

#[derive(Debug, Clone, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
}

fn check(lines: &[Line]) {
    let problems: Vec<String> = lines.iter().flat_map(problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What is read otherwise than the line says.
fn problems(line: &Line) -> Vec<String> {
    let octets = octets(line);
    let read = ReceiptText::parse(&octets);
    let receipt = read.unwrap_or_default();
    let text = |value: Option<&str>| value.map_or(Json::Null, |value| Json::Text(value.to_owned()));
    let date = |value: Option<&str>| value.and_then(receipt_date_unix_ms).map_or(Json::Null, Json::Int);
    let latin_1 = |octets: &[u8]| octets.iter().map(|&octet| char::from(octet)).collect::<String>();
    let mut problems = Vec::new();
    for (key, wanted) in line {
        let got = match key.as_str() {
            "name" | "seen" | "source" | "text" => continue,
            "receipt" => Json::Bool(read.is_some()),
            "id" => text(receipt.id),
            "sub" => text(receipt.sub),
            "dlvrd" => text(receipt.dlvrd),
            "stat" => text(receipt.stat),
            "err" => text(receipt.err),
            "state" => text(receipt.state().and_then(MessageState::meaning)),
            "submit_unix_ms" => date(receipt.submit_date),
            "done_unix_ms" => date(receipt.done_date),
            "quoted" => receipt.text.map_or(Json::Null, |octets| Json::Text(latin_1(octets))),
            key => panic!("unknown key {key}"),
        };
        if got != *wanted {
            problems.push(format!("{:?}: {key} is {got:?}, not {wanted:?}", line["name"]));
        }
    }
    problems
}

/// `text`, each character the octet of that number.
fn octets(line: &Line) -> Vec<u8> {
    let Some(Json::Text(text)) = line.get("text") else { panic!("no text in {line:?}") };
    text.chars().map(|character| u8::try_from(character).expect("a Latin-1 character")).collect()
}

fn lines(file: &str) -> Vec<Line> {
    file.lines()
        .map(|line| object(line).unwrap_or_else(|| panic!("not a flat JSON object: {line}")))
        .collect()
}

/// A flat JSON object: this crate knows no serialisation framework, and needs none for that.
fn object(line: &str) -> Option<Line> {
    let mut object = Line::new();
    let mut rest = line.strip_prefix('{')?;
    loop {
        let (key, after) = string(rest)?;
        let (value, after) = value(after.strip_prefix(':')?)?;
        object.insert(key, value);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return (after == "}").then_some(object),
        }
    }
}

fn value(rest: &str) -> Option<(Json, &str)> {
    if rest.starts_with('"') {
        return string(rest).map(|(text, rest)| (Json::Text(text), rest));
    }
    let (word, rest) = rest.split_at(rest.find([',', '}'])?);
    let value = match word {
        "null" => Json::Null,
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        number => Json::Int(number.parse().ok()?),
    };
    Some((value, rest))
}

fn string(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = rest.strip_prefix('"')?.chars();
    loop {
        text.push(match chars.next()? {
            '"' => return Some((text, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let (hex, rest) = chars.as_str().split_at_checked(4)?;
                    chars = rest.chars();
                    char::from_u32(u32::from_str_radix(hex, 16).ok()?)?
                }
                character => character,
            },
            character => character,
        });
    }
}
