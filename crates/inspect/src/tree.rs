//! A PDU as a text tree: octet range, hexadecimal, name, value, meaning, aligned.

use core::fmt::Write as _;
use core::ops::Range;

use smppkit_text::Fidelity;
use smppkit_wire::observe::Value;
use smppkit_wire::tlv::Tag;

use crate::defect::{Defect, Duty};
use crate::dissect::{Dissection, Node, NodeKind};
use crate::printable::{hex, printable};

/// Whether ANSI colours are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// Plain text.
    #[default]
    Off,
    /// For a terminal.
    On,
}

/// Octets that a line shows in hexadecimal; all of a longer value is in JSON.
const HEX_LIMIT: usize = 8;
/// Characters of a value that a line shows.
const VALUE_LIMIT: usize = 80;
/// Columns of names, indentation included.
const NAME_WIDTH: usize = 26;

impl Dissection {
    /// The whole PDU for people, a line a field, ending in a line end. Safe to show on a terminal.
    pub fn tree(&self, colour: Colour) -> String {
        let mut out = Paint { text: String::new(), colour };
        let text = self.message_text().filter(|text| text.fidelity != Fidelity::Hexadecimal);
        let message = self.user_data_range().filter(|range| !range.is_empty()).zip(text);
        let message = message.map(|(range, decoded)| (range, quoted(&decoded.text)));
        out.styled(Style::Title, &self.headline());
        out.text.push('\n');
        for node in &self.nodes {
            self.node_lines(&mut out, node, 0, message.as_ref());
        }
        if let Some(defect) = &self.defect {
            if let Some(node) = self.unread(defect) {
                self.node_lines(&mut out, &node, 0, None);
            }
            out.styled(Style::Error, &format!("error: {}", printable(&defect.message)));
            out.text.push('\n');
            let place = defect.offset.map(|offset| format!("at octet {offset}; ")).unwrap_or_default();
            out.styled(Style::Error, &format!("       {place}{}", duty(defect)));
            out.text.push('\n');
        }
        if !self.rest.is_empty() {
            _ = writeln!(out.text, "{} octets follow the PDU", self.rest.len());
        }
        out.text
    }

    /// What stands behind the fault, and the TLV that it seems to begin with.
    fn unread(&self, defect: &Defect) -> Option<Node> {
        let start = self.nodes.iter().map(|node| node.octets.end).max().unwrap_or(0);
        let rest = self.octets.get(start..).filter(|rest| !rest.is_empty())?;
        let mut unread = Node::new("not read", NodeKind::Part, start..self.octets.len());
        if let (Some("tlvs"), [tag_high, tag_low, high, low, value @ ..]) = (defect.field.as_deref(), rest) {
            let tag = u16::from_be_bytes([*tag_high, *tag_low]);
            let length = u16::from_be_bytes([*high, *low]);
            let (name, there) = (Tag(tag).def().map(|def| def.name.into()), value.len());
            let short = there < usize::from(length);
            let left = short.then(|| format!("but {there} octets are left").into());
            let part = |name, at, value, meaning| Node {
                meaning,
                ..Node::part(name, start + at..start + at + 2, Value::Int(value))
            };
            unread.children = vec![part("tag", 0, tag.into(), name), part("length", 2, length.into(), left)];
        }
        Some(unread)
    }

    fn node_lines(
        &self,
        out: &mut Paint,
        node: &Node,
        depth: usize,
        message: Option<&(Range<usize>, String)>,
    ) {
        let range = format!("{:>5}..{:<5} ", node.octets.start, node.octets.end);
        out.styled(Style::Range, &range);
        let octets = self.octets.get(node.octets.clone()).unwrap_or_default();
        let first = octets.get(..HEX_LIMIT).unwrap_or(octets);
        let mut digits = hex(first);
        digits.push_str(if first.len() < octets.len() { "…" } else { "" });
        out.styled(Style::Hex, &format!("{digits:<width$} ", width = HEX_LIMIT * 2 + 1));
        let name = match node.kind {
            NodeKind::Item => "item".to_owned(),
            NodeKind::Tlv { known: false } => format!("{} (unknown TLV)", printable(&node.name)),
            _ => printable(&node.name),
        };
        let indented = format!("{:indent$}{name}", "", indent = depth * 2);
        // A part that is no part of anything: what was not read.
        let lost = node.kind == NodeKind::Part && depth == 0;
        let style = if lost { Style::Error } else { Style::Name };
        out.styled(style, &format!("{indented:<NAME_WIDTH$} "));
        if let Some(value) = &node.value {
            out.styled(Style::Value, &shown(node, value));
            // The text stands beside the octets that it was made of.
            if let Some((_, text)) = message.filter(|(range, _)| *range == node.octets) {
                out.text.push(' ');
                out.styled(Style::Value, text);
            }
        }
        if let Some(meaning) = &node.meaning {
            out.text.push_str("  ");
            out.styled(Style::Meaning, &printable(meaning));
        }
        while out.text.ends_with(' ') {
            out.text.pop();
        }
        out.text.push('\n');
        for child in &node.children {
            self.node_lines(out, child, depth + 1, message);
        }
    }
}

/// What a receiver does about a fault, in words.
fn duty(defect: &Defect) -> String {
    let status = defect.status.map(|status| status.to_string());
    match (defect.duty, status) {
        (Duty::NeedMore, _) => "wait for more octets".to_owned(),
        (Duty::Answer, Some(status)) => format!("answer with {status} and go on"),
        (Duty::Close, Some(status)) => format!("answer with {status}, then close"),
        (Duty::Drop, Some(status)) => format!("pass over it, though by the letter it is {status}"),
        (Duty::Close, None) => "close".to_owned(),
        (Duty::Answer | Duty::Drop, None) => "pass over it".to_owned(),
    }
}

fn shown(node: &Node, value: &Value) -> String {
    match value {
        Value::Int(number) if node.name == "command_id" => format!("{number:#010x}"),
        Value::Int(number) if node.name == "tag" => format!("{number:#06x}"),
        Value::Int(number) if node.name == "iei" => format!("{number:#04x}"),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => quoted(text),
        Value::Octets(octets) if octets.len() == 1 => "1 octet".to_owned(),
        Value::Octets(octets) => format!("{} octets", octets.len()),
        Value::List(_) | Value::Record(_) => String::new(),
    }
}

fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(VALUE_LIMIT).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", printable(&cut))
}

/// Text that may have colours in it.
struct Paint {
    text: String,
    colour: Colour,
}

#[derive(Clone, Copy)]
enum Style {
    Title,
    Range,
    Hex,
    Name,
    Value,
    Meaning,
    Error,
}

impl Style {
    /// The ANSI attributes.
    const fn code(self) -> &'static str {
        match self {
            Self::Title => "1",
            Self::Range | Self::Hex => "2",
            Self::Name => "36",
            Self::Value => "0",
            Self::Meaning => "33",
            Self::Error => "1;31",
        }
    }
}

impl Paint {
    fn styled(&mut self, style: Style, text: &str) {
        match self.colour {
            Colour::Off => self.text.push_str(text),
            Colour::On => _ = write!(self.text, "\x1b[{}m{text}\x1b[0m", style.code()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Dissector;

    fn last_lines(octets: Vec<u8>, lines: usize) -> String {
        let tree = Dissector::default().dissect(&Bytes::from(octets)).tree(Colour::Off);
        let all: Vec<&str> = tree.lines().collect();
        format!("\n{}", all[all.len() - lines..].join("\n"))
    }

    #[test]
    fn a_tlv_longer_than_its_pdu_is_shown_with_what_is_left_of_it() {
        let octets = [&[0, 0, 0, 22, 0x80, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 1][..], &[4, 0x28, 0, 3, 7, 7]];
        let wanted = "
   16..22    042800030707      not read
   16..18    0428                tag                      0x0428  congestion_state
   18..20    0003                length                   3  but 2 octets are left
error: the TLVs do not end where the PDU ends, or are too many
       at octet 16; pass over it";
        assert_eq!(last_lines(octets.concat(), 5), wanted);
    }

    #[test]
    fn an_incomplete_header_is_shown_as_far_as_it_is_there() {
        let wanted = "
    0..4     00000010          command_length             16
    4..6     0000              not read
error: a header has 16 octets, of which 6 are there
       at octet 4; wait for more octets";
        assert_eq!(last_lines(vec![0, 0, 0, 16, 0, 0], 4), wanted);
    }
}
