//! A PDU compared with what was expected of it.

use serde_json::Value as Json;
use smppkit_inspect::{Dissection, Node, NodeKind, printable};

use super::line::{Match, Want};
use crate::draft::{hex, tag};

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// As expected.
    Same(String),
    /// Expected, and not so.
    Expected(String),
    /// What was there instead.
    Received(String),
}

impl Difference {
    /// As in a unified diff.
    pub fn line(&self) -> String {
        match self {
            Self::Same(text) => format!(" {text}"),
            Self::Expected(text) => format!("-{text}"),
            Self::Received(text) => format!("+{text}"),
        }
    }
}

/// What a field of a PDU says, in each of the ways it can be said; `None` when it is not there. The first is shown.
pub(crate) fn ways(dissection: &Dissection, field: &str) -> Option<Vec<String>> {
    if field == "error" {
        return dissection.defect.as_ref().map(|defect| vec![defect.message.clone()]);
    }
    if field == "text" {
        return dissection.message_text().map(|decoded| vec![decoded.text]);
    }
    let known = tag(field);
    let named = |node: &&Node| {
        *node.name == *field
            || known.is_some()
                && matches!(node.kind, NodeKind::Tlv { .. })
                && {
                    let number = node.child("tag").and_then(|tag| tag.value.as_ref());
                    matches!(number, Some(smppkit_wire::observe::Value::Int(number)) if Some(*number) == known.map(|tag| u32::from(tag.0)))
                }
    };
    let node = dissection.nodes.iter().find(named)?;
    let value = if matches!(node.kind, NodeKind::Tlv { .. }) { node.child("value")? } else { node };
    let octets = dissection.octets.get(value.octets.clone()).unwrap_or_default();
    let mut ways = Vec::new();
    if let (Some(message), Some(decoded)) = (dissection.user_data(), dissection.message_text())
        && message.as_ptr() == octets.as_ptr()
        && message.len() == octets.len()
        && !octets.is_empty()
    {
        ways.push(decoded.text);
    }
    match json_of(dissection, field) {
        Some(Json::String(text)) => ways.push(text),
        Some(Json::Number(number)) => ways.push(number.to_string()),
        Some(other) => ways.push(other.to_string()),
        None => {}
    }
    if let Some(meaning) = &value.meaning {
        ways.push(meaning.to_string());
    }
    ways.push(format!("hex:{}", hex(octets)));
    Some(ways)
}

fn json_of(dissection: &Dissection, field: &str) -> Option<Json> {
    let json = dissection.json();
    if let Some(value) = json.get(field) {
        return Some(value.clone());
    }
    let known = tag(field)?;
    let tlvs = json.get("tlvs")?.as_array()?;
    let same = |tlv: &&Json| tlv.get("tag").and_then(Json::as_str).and_then(tag) == Some(known);
    tlvs.iter().find(same).and_then(|tlv| tlv.get("value")).cloned()
}

/// Compares each field; the differences, in the order of the expectation, and how many there are.
pub(crate) fn compare(dissection: &Dissection, matches: &[Match]) -> (Vec<Difference>, usize) {
    let mut lines = Vec::new();
    let mut wrong = 0;
    for wanted in matches {
        let ways = ways(dissection, &wanted.field);
        let expected = shown(wanted);
        if is(&wanted.want, ways.as_deref()) {
            lines.push(Difference::Same(expected));
            continue;
        }
        wrong += 1;
        lines.push(Difference::Expected(expected));
        lines.push(Difference::Received(match &ways {
            None => format!("!{}", wanted.field),
            Some(ways) => format!("{}={}", wanted.field, in_words(&wanted.field, ways)),
        }));
    }
    let asked = |field| matches.iter().any(|wanted| wanted.field == field);
    if let Some(defect) = dissection.defect.as_ref().filter(|_| !asked("error")) {
        wrong += 1;
        lines.push(Difference::Received(format!("error={}", quoted(&defect.message))));
    }
    (lines, wrong)
}

fn is(want: &Want, ways: Option<&[String]>) -> bool {
    let Some(ways) = ways else {
        return matches!(want, Want::Absent | Want::IsNot(_));
    };
    match want {
        Want::There => true,
        Want::Absent => false,
        Want::Is(value) => equals(ways, value),
        Want::IsNot(value) => !equals(ways, value),
        Want::Like(regex) => ways.iter().any(|way| regex.is_match(way)),
        Want::Range(low, high) => {
            ways.iter().any(|way| way.parse::<u64>().is_ok_and(|number| (low..=high).contains(&&number)))
        }
    }
}

/// Text as it is, numbers also in hexadecimal, names in any case.
fn equals(ways: &[String], value: &str) -> bool {
    let number = value.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let number = number.map(|number| number.to_string());
    ways.iter().enumerate().any(|(at, way)| {
        way == value || Some(way) == number.as_ref() || at > 0 && way.eq_ignore_ascii_case(value)
    })
}

/// An expectation as it was written.
pub(crate) fn shown(wanted: &Match) -> String {
    let field = &wanted.field;
    match &wanted.want {
        Want::Is(value) => format!("{field}={}", quoted(value)),
        Want::IsNot(value) => format!("{field}!={}", quoted(value)),
        Want::Like(regex) => format!("{field}~/{regex}/"),
        Want::Range(low, u64::MAX) => format!("{field}>={low}"),
        Want::Range(0, high) => format!("{field}<={high}"),
        Want::Range(low, high) => format!("{field}={low}..{high}"),
        Want::There => field.clone(),
        Want::Absent => format!("!{field}"),
    }
}

/// What a field says: a number with its name, text in quotes where it needs them.
fn in_words(field: &str, ways: &[String]) -> String {
    let first = ways.first().map_or("", String::as_str);
    match (first.parse::<u64>(), ways.get(1)) {
        (Ok(_), Some(name)) if field == "command_status" => name.clone(),
        (Ok(_), Some(name)) if !name.starts_with("hex:") => format!("{first} ({})", printable(name)),
        _ => quoted(first),
    }
}

fn quoted(text: &str) -> String {
    let bare = !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '"');
    if bare { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::super::line::{Action, parse};
    use super::*;
    use crate::Draft;
    use crate::draft::dissect;
    use smppkit_wire::Version;

    fn matches(text: &str) -> Vec<Match> {
        let Action::Expect { matches, .. } =
            parse(&format!("expect deliver_sm {text}")).unwrap().remove(0).action
        else {
            panic!("an expectation")
        };
        matches
    }

    fn receipt() -> Dissection {
        let mut draft = Draft::new("deliver_sm");
        draft.set("short_message", "id:7 stat:UNDELIV").unwrap();
        draft.set("source_addr", "4477").unwrap();
        draft.set("message_state", "5").unwrap();
        draft.set("0x1400", "hex:00ff").unwrap();
        dissect(&draft.octets().unwrap(), Version::V50)
    }

    #[test]
    fn fields_match_as_text_number_name_and_octets() {
        let wanted = "short_message~/stat:UNDELIV/ text=\"id:7 stat:UNDELIV\" source_addr=4477 \
                      message_state=UNDELIVERABLE message_state=0x5 message_state=1..5 0x1400=hex:00FF \
                      short_message=hex:69643a3720737461743a554e44454c4956 command_status=ESME_ROK \
                      !network_error_code source_addr!=4478 sequence_number>0";
        let (lines, wrong) = compare(&receipt(), &matches(wanted));
        assert_eq!(wrong, 0, "{lines:#?}");
    }

    #[test]
    fn differences_name_both_sides() {
        let (lines, wrong) = compare(
            &receipt(),
            &matches("source_addr=4477 short_message~/DELIVRD/ message_state=2 user_message_reference"),
        );
        let lines: Vec<String> = lines.iter().map(Difference::line).collect();
        assert_eq!(wrong, 3);
        assert_eq!(
            lines,
            [
                " source_addr=4477",
                "-short_message~/DELIVRD/",
                "+short_message=\"id:7 stat:UNDELIV\"",
                "-message_state=2",
                "+message_state=5 (UNDELIVERABLE)",
                "-user_message_reference",
                "+!user_message_reference",
            ]
        );
    }
}
