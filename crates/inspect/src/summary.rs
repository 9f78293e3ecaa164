//! A PDU on one line, for logs and lists.

use core::fmt::Write as _;

use smppkit_text::Fidelity;
use smppkit_wire::Header;
use smppkit_wire::observe::Value;

use crate::dissect::{Dissection, Node, NodeKind};
use crate::printable::printable;

/// Characters of a text that a line shows.
const TEXT_LIMIT: usize = 40;

impl Dissection {
    /// Command, sequence_number, status of a response, then what says most: addresses and text, or the first fields.
    /// Safe to show on a terminal. It holds addresses and text: logs want it at `trace` only.
    pub fn summary(&self) -> String {
        let mut line = self.headline();
        self.tail(&mut line);
        line
    }

    /// The same without what is wrong.
    pub(crate) fn headline(&self) -> String {
        let mut line = String::new();
        let Some(header) = self.header else {
            line.push_str("incomplete header");
            return line;
        };
        match self.def() {
            Some(def) => line.push_str(def.name),
            None => _ = write!(line, "command {:#010x}", header.command_id),
        }
        _ = write!(line, " seq={}", header.sequence_number);
        if header.is_response() || !header.command_status.is_ok() {
            _ = write!(line, " {}", header.command_status);
        }
        if self.node("destination_addr").is_some() || self.node("dest_address").is_some() {
            self.route(&mut line);
        } else {
            self.fields(&mut line);
        }
        self.message(&mut line);
        line
    }

    fn route(&self, line: &mut String) {
        let shown = |text: &str| if text.is_empty() { "\"\"".to_owned() } else { printable(text) };
        let source = self.text("source_addr").unwrap_or_default();
        _ = write!(line, " {} -> ", shown(source));
        if let Some(destination) = self.text("destination_addr") {
            line.push_str(&shown(destination));
        }
        let list = self.node("dest_address").map_or(&[][..], |list| &list.children);
        let name = |item: &Node| match item.children.last().and_then(|field| field.value.as_ref()) {
            Some(Value::Text(text)) => shown(text),
            _ => String::new(),
        };
        match list {
            [] => {}
            [only] => line.push_str(&name(only)),
            [first, others @ ..] => _ = write!(line, "{} and {} more", name(first), others.len()),
        }
    }

    /// The first fields that say something; never a password.
    fn fields(&self, line: &mut String) {
        let telling = |node: &&Node| {
            let given = matches!(&node.value, Some(Value::Text(text)) if !text.is_empty())
                || matches!(node.value, Some(Value::Int(number)) if number != 0 && node.meaning.is_some());
            node.kind == NodeKind::Field && given && node.name != "password"
        };
        for node in self.nodes.iter().filter(telling).take(3) {
            let value = match (&node.value, &node.meaning) {
                (_, Some(meaning)) => printable(meaning),
                (Some(Value::Text(text)), _) => printable(text),
                _ => continue,
            };
            _ = write!(line, " {}={value}", node.name);
        }
    }

    fn message(&self, line: &mut String) {
        let Some(decoded) = self.message_text() else {
            return;
        };
        let octets = self.user_data().map_or(0, <[u8]>::len);
        if octets > 0 {
            let cut: String = decoded.text.chars().take(TEXT_LIMIT).collect();
            let more = if cut.len() < decoded.text.len() { "…" } else { "" };
            let quote = if decoded.fidelity == Fidelity::Hexadecimal { "" } else { "\"" };
            _ = write!(line, " {quote}{}{more}{quote}", printable(&cut));
        }
        _ = write!(line, " {octets} octets");
    }

    fn tail(&self, line: &mut String) {
        if let Some(defect) = &self.defect {
            _ = write!(line, " !! {}", printable(&defect.message));
        }
        let body = self.octets.len().saturating_sub(Header::OCTETS);
        if self.pdu.is_none() && self.header.is_some() && self.nodes.len() <= 4 && body > 0 {
            _ = write!(line, " ({body} octets not read)");
        }
    }
}
