//! User data: where a PDU carries it, its header, its text.

use smppkit_text::{Decoded, MalformedUdh, McDefault, Udh, decode_user_data};
use smppkit_wire::Version;
use smppkit_wire::observe::Value;
use smppkit_wire::value::EsmClass;

use crate::dissect::{Dissection, Node, NodeKind};

const SHORT_MESSAGE: &str = "short_message";
const MESSAGE_PAYLOAD: &str = "message_payload";
/// The node below user data that shows its header.
pub(crate) const UDH: &str = "udh";
/// The node below user data that shows what follows the header.
pub(crate) const AFTER_UDH: &str = "user_data_after_udh";

impl Dissection {
    /// The octets of the message, header included; `None` in a PDU that carries none.
    pub fn user_data(&self) -> Option<&[u8]> {
        self.octets.get(self.user_data_range()?)
    }

    /// Where they stand.
    pub fn user_data_range(&self) -> Option<core::ops::Range<usize>> {
        let node = self.nodes.get(carrier(&self.nodes, self.version)?)?;
        Some(value_of(node).octets.clone())
    }

    /// The text of the message, as far as one can be made of it; `None` in a PDU that carries none.
    pub fn message_text(&self) -> Option<Decoded> {
        let data_coding = self.int("data_coding").unwrap_or_default() as u8;
        let udhi = has_udh(&self.nodes);
        Some(decode_user_data(self.user_data()?, udhi, data_coding, McDefault::GsmUnpacked).decoded)
    }

    /// The node whose children show the header of the user data.
    pub(crate) fn udh_carrier(&self) -> Option<&Node> {
        let nodes = self.nodes.iter().map(value_of);
        nodes.into_iter().find(|node| node.child(UDH).is_some())
    }
}

/// Puts the user data header below the field that has it.
pub(crate) fn mark(nodes: &mut [Node], octets: &[u8], version: Version) {
    if !has_udh(nodes) {
        return;
    }
    let Some(node) = carrier(nodes, version).and_then(|at| nodes.get_mut(at)) else {
        return;
    };
    let node = if node.name == SHORT_MESSAGE { Some(node) } else { node.children.last_mut() };
    if let Some(node) = node {
        let octets = octets.get(node.octets.clone()).unwrap_or_default();
        node.children = parts(octets, node.octets.start);
    }
}

/// The nodes of a header and of what follows it; of user data that stand at `at`.
fn parts(user_data: &[u8], at: usize) -> Vec<Node> {
    let (udh, rest) = match Udh::parse(user_data) {
        Ok(parsed) => parsed,
        Err(malformed) => return vec![malformed_node(malformed, at..at + user_data.len())],
    };
    let end = at + udh.octets();
    let mut header = Node::new(UDH, NodeKind::Part, at..end);
    header.children.push(Node::part("udhl", at..at + 1, Value::Int(udh.octets() as u32 - 1)));
    let mut next = at + 1;
    for element in udh.elements() {
        let after = next + 2 + element.data.len();
        let data = Value::Octets(element.data.to_vec().into());
        let mut node = Node::new("element", NodeKind::Part, next..after);
        node.meaning = Some(element.iei.name().into());
        node.children = vec![
            Node::part("iei", next..next + 1, Value::Int(u32::from(element.iei.0))),
            Node::part("iedl", next + 1..next + 2, Value::Int(element.data.len() as u32)),
            Node::part("data", next + 2..after, data),
        ];
        header.children.push(node);
        next = after;
    }
    let rest = Value::Octets(rest.to_vec().into());
    vec![header, Node::part(AFTER_UDH, end..at + user_data.len(), rest)]
}

fn malformed_node(malformed: MalformedUdh, octets: core::ops::Range<usize>) -> Node {
    let meaning = Some(format!("malformed: {malformed}").into());
    Node { meaning, ..Node::new(UDH, NodeKind::Part, octets) }
}

fn has_udh(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| {
        node.name == "esm_class"
            && matches!(node.value, Some(Value::Int(octet)) if EsmClass(octet as u8).has_udh())
    })
}

/// Where the user data stand. Both fields filled: 5.0 lets message_payload supersede (4.8.4.36).
fn carrier(nodes: &[Node], version: Version) -> Option<usize> {
    let find = |name: &str| nodes.iter().position(|node| node.name == name);
    let (short_message, payload) = (find(SHORT_MESSAGE), find(MESSAGE_PAYLOAD));
    let filled = short_message.filter(|&at| nodes.get(at).is_some_and(|node| !node.octets.is_empty()));
    if version >= Version::V50 { payload.or(short_message) } else { filled.or(payload).or(short_message) }
}

/// A TLV's value is below it, a field's in it.
fn value_of(node: &Node) -> &Node {
    match node.kind {
        NodeKind::Tlv { .. } => node.child("value").unwrap_or(node),
        _ => node,
    }
}
