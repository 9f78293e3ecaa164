//! A PDU as a text tree: octet range, hexadecimal, name, value, meaning, aligned.

use core::fmt::Write as _;
use core::ops::Range;

use smppkit_text::Fidelity;
use smppkit_wire::observe::Value;

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
        out.styled(Style::Title, &self.summary());
        out.text.push('\n');
        for node in &self.nodes {
            self.node_lines(&mut out, node, 0, message.as_ref());
        }
        if let Some(defect) = &self.defect {
            let mut line = String::from("error: ");
            line.push_str(&printable(&defect.message));
            if let Some(offset) = defect.offset {
                _ = write!(line, ", at octet {offset}");
            }
            if let Some(status) = defect.status {
                _ = write!(line, "; status {status}");
            }
            _ = write!(line, "; duty {}", defect.duty.name());
            out.styled(Style::Error, &line);
            out.text.push('\n');
        }
        if !self.rest.is_empty() {
            _ = writeln!(out.text, "{} octets follow the PDU", self.rest.len());
        }
        out.text
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
        out.styled(Style::Name, &format!("{indented:<NAME_WIDTH$} "));
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

fn shown(node: &Node, value: &Value) -> String {
    match value {
        Value::Int(number) if node.name == "command_id" => format!("{number:#010x}"),
        Value::Int(number) if node.name == "tag" => format!("{number:#06x}"),
        Value::Int(number) if node.name == "iei" => format!("{number:#04x}"),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => quoted(text),
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
